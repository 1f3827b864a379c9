package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is a validated authorization request (RFC 6749 section 4.1.1, with
// PKCE S256 required).
type Request struct {
	Client      Client
	RedirectURI string
	State       string
	Nonce       string
	Challenge   string
	Scopes      []string
	ACR         []string
	Prompt      string
}

// ParseRequest validates an authorization request. redirectable says whether
// an error may be sent to the client: never to an address that is not
// registered.
func ParseRequest(clients []Client, q url.Values) (r Request, redirectable bool, err error) {
	for name, values := range q {
		if len(values) > 1 {
			return r, false, Fail("invalid_request", "repeated parameter "+asciiWord(name))
		}
	}
	i := slices.IndexFunc(clients, func(c Client) bool { return c.ID == q.Get("client_id") })
	if i < 0 {
		return r, false, Fail("invalid_request", "unknown client_id")
	}
	r.Client = clients[i]
	r.RedirectURI = q.Get("redirect_uri")
	if !slices.Contains(r.Client.RedirectURIs, r.RedirectURI) {
		return r, false, Fail("invalid_request", "redirect_uri is not registered")
	}
	r.State, r.Nonce, r.Prompt = q.Get("state"), q.Get("nonce"), q.Get("prompt")
	r.Scopes, r.ACR = strings.Fields(q.Get("scope")), strings.Fields(q.Get("acr_values"))
	r.Challenge = q.Get("code_challenge")
	switch {
	case q.Get("response_type") != "code":
		return r, true, Fail("unsupported_response_type", "only code is supported")
	case q.Get("response_mode") != "" && q.Get("response_mode") != "query":
		return r, true, Fail("invalid_request", "only response_mode query is supported")
	case q.Get("request") != "" || q.Get("request_uri") != "":
		return r, true, Fail("request_not_supported", "request objects are not supported")
	case q.Get("code_challenge_method") != "S256" || !validChallenge(r.Challenge):
		return r, true, Fail("invalid_request", "PKCE with S256 is required")
	}
	return r, true, nil
}

func validChallenge(s string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(raw) == sha256.Size
}

func asciiWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r == '_' {
			return r
		}
		return -1
	}, s[:min(len(s), 40)])
}

// VerifyPKCE checks a code verifier (RFC 7636 section 4.6).
func VerifyPKCE(challenge, verifier string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// Grant is what an authorization code stands for.
type Grant struct {
	ClientID    string
	RedirectURI string
	Challenge   string
	Nonce       string
	Scopes      []string
	Subject     string
	ACR         string
	AuthTime    time.Time
	Expires     time.Time
}

// CodeTTL is the life of an authorization code.
const CodeTTL = time.Minute

// TakeFunc consumes a code: each is given to one caller only.
type TakeFunc func(ctx context.Context, code string) (Grant, bool, error)

// Exchange consumes a code for a client. The code is gone before anything else
// is checked: a stolen one that was tried with the wrong verifier stays dead.
func Exchange(ctx context.Context, take TakeFunc, client Client, form url.Values, now time.Time) (Grant, error) {
	g, ok, err := take(ctx, form.Get("code"))
	if err != nil {
		return g, err
	}
	switch {
	case !ok || !now.Before(g.Expires):
		return g, Fail("invalid_grant", "the code is unknown, used or expired")
	case g.ClientID != client.ID:
		return g, Fail("invalid_grant", "the code belongs to another client")
	case g.RedirectURI != form.Get("redirect_uri"):
		return g, Fail("invalid_grant", "redirect_uri is another one")
	case !VerifyPKCE(g.Challenge, form.Get("code_verifier")):
		return g, Fail("invalid_grant", "code_verifier is wrong")
	}
	return g, nil
}

// Redirect adds parameters to a redirect URI.
func Redirect(uri string, params url.Values) string {
	u, err := url.Parse(uri)
	if err != nil {
		return uri // it was registered, so it parses
	}
	q := u.Query()
	for name, values := range params {
		if values[0] != "" {
			q.Set(name, values[0])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}
