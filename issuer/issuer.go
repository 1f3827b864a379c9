// Package issuer is the OpenID4VCI 1.0 credential issuer: offers, tokens,
// nonces, credentials, notifications, type metadata and status lists. Programs
// call it, without cookies, from any origin.
package issuer

import (
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/jose"
	"daftar/oauth"
	"daftar/registry/credentials"
	"daftar/web"
)

// Signer is a key with its certificate, for x5c.
type Signer struct {
	Key  *jose.Key
	Cert *x509.Certificate
}

// Config is what the issuer needs.
type Config struct {
	// Origin is the credential issuer identifier: a bare origin, so that the
	// inserted and the appended form of the well-known address are the same.
	Origin   string
	DB       *db.DB
	Messages *i18n.Bundle
	Codes    credentials.Codes
	NonceKey []byte
	// Credential and Status give the key to sign with now; they may change
	// between calls.
	Credential func() (Signer, error)
	Status     func() (Signer, error)
	Clock      func() time.Time
}

// Issuer answers wallets and verifiers.
type Issuer struct{ Config }

// New makes an issuer.
func New(cfg Config) *Issuer { return &Issuer{Config: cfg} }

// BatchSize is how many copies one request may ask for, each with a key of its
// own.
const BatchSize = 10

// Routes lists every address of the issuer.
func (is *Issuer) Routes() []web.Route {
	const get, post = fiber.MethodGet, fiber.MethodPost
	routes := []web.Route{
		{Method: get, Path: "/.well-known/openid-credential-issuer", Handler: is.issuerMetadata},
		{Method: get, Path: "/.well-known/oauth-authorization-server", Handler: is.serverMetadata},
		{Method: get, Path: "/.well-known/openid-configuration", Handler: is.serverMetadata},
		{Method: get, Path: "/.well-known/jwt-vc-issuer", Handler: is.keyMetadata},
		{Method: get, Path: "/vct/:type/:version", Handler: is.typeMetadata},
		{Method: get, Path: "/offers/:ref", Handler: is.offer},
		{Method: post, Path: "/token", Handler: is.token},
		{Method: post, Path: "/nonce", Handler: is.nonce},
		{Method: post, Path: "/credential", Handler: is.credential},
		{Method: post, Path: "/notification", Handler: is.notification},
		{Method: get, Path: "/status/:list", Handler: is.statusList},
	}
	for i := range routes {
		r := &routes[i]
		r.Permission, r.Bare, r.Cross = auth.Public, true, true
		r.Handler = open(r.Handler)
	}
	for _, r := range routes {
		routes = append(routes, web.Route{Method: fiber.MethodOptions, Path: r.Path, Permission: auth.Public, Bare: true, Cross: true, Handler: preflight(r.Method)})
	}
	return routes
}

// open lets pages of any origin read the answer: there are no cookies to
// abuse.
func open(h web.Handler) web.Handler {
	return func(c *web.Ctx) error {
		c.Set("Access-Control-Allow-Origin", "*")
		c.Set("Access-Control-Expose-Headers", "DPoP-Nonce, WWW-Authenticate")
		return h(c)
	}
}

func preflight(method string) web.Handler {
	return func(c *web.Ctx) error {
		c.Set("Access-Control-Allow-Origin", "*")
		c.Set("Access-Control-Allow-Methods", method)
		c.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
		c.Set("Access-Control-Max-Age", "7200")
		return c.Send(fiber.StatusNoContent, "", nil)
	}
}

// who is the issuer's principal of the database.
var who = db.Principal{Role: db.Issuer, Kind: "wallet"}

// Failed writes an error as JSON: an OAuth or OpenID4VCI error as it is,
// anything else by its kind alone.
func Failed(c *fiber.Ctx, err error) error {
	c.Set("Access-Control-Allow-Origin", "*")
	c.Set("Access-Control-Expose-Headers", "DPoP-Nonce, WWW-Authenticate")
	c.Set(fiber.HeaderCacheControl, "no-store")
	if e, ok := oauth.As(err); ok {
		if e.Scheme != "" {
			c.Set(fiber.HeaderWWWAuthenticate, e.Challenge())
		}
		return c.Status(e.Status).JSON(e)
	}
	f := web.AsFault(err)
	code := "server_error"
	switch f.Code {
	case fault.NotFound:
		code = "not_found"
	case fault.Malformed, fault.TooLarge:
		code = "invalid_request"
	case fault.TooMany:
		code = "slow_down"
	case fault.Unavailable:
		code = "temporarily_unavailable"
	}
	return c.Status(web.Status(f.Code)).JSON(fiber.Map{"error": code})
}

// contentType reports whether a request's body is declared as one of a kind.
func contentType(c *web.Ctx, kind string) bool {
	declared, _, _ := strings.Cut(c.Header(fiber.HeaderContentType), ";")
	return strings.EqualFold(strings.TrimSpace(declared), kind)
}

var errNoType = errors.New("no such credential type")

// typeOf is the type of an offer; it was checked when the offer was made.
func typeOf(id string) (credentials.Type, error) {
	t, ok := credentials.Builtin(id)
	if !ok {
		return t, errNoType
	}
	return t, nil
}
