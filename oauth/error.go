// Package oauth holds the building blocks of an OAuth 2.0 authorization
// server: clients and their authentication, PKCE, authorization codes, DPoP.
// The issuer, the API and the demo identity provider mount them.
package oauth

import (
	"errors"
	"net/http"
)

// Error is an error of RFC 6749 section 5.2 or of an extension. Description is
// ASCII and names no data.
type Error struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
	Status      int    `json:"-"`
	// Scheme is the authentication scheme to challenge with: "DPoP", "Bearer".
	Scheme string `json:"-"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Description }

// Fail makes an error with status 400.
func Fail(code, description string) *Error {
	return &Error{Code: code, Description: description, Status: http.StatusBadRequest}
}

// Unauthorized makes an error about a token, with status 401 and a challenge.
func Unauthorized(scheme, code, description string) *Error {
	return &Error{Code: code, Description: description, Status: http.StatusUnauthorized, Scheme: scheme}
}

// Challenge is the WWW-Authenticate header of an error with a scheme.
func (e *Error) Challenge() string {
	if e.Scheme == AnyScheme {
		return AnyScheme
	}
	s := e.Scheme + ` error="` + e.Code + `"`
	if e.Description != "" {
		s += `, error_description="` + e.Description + `"`
	}
	if e.Scheme == "DPoP" {
		s += `, algs="ES256"`
	}
	return s
}

// AnyScheme challenges a request that carried no authentication at all: no
// error is named then (RFC 6750 section 3.1).
const AnyScheme = `DPoP algs="ES256", Bearer`

// As finds an *Error in a chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
