package oauth

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"daftar/jose"
)

// Client is a registered client.
type Client struct {
	ID           string
	Secret       string           // client_secret_basic and _post; "" for none
	Key          crypto.PublicKey // private_key_jwt; nil for none
	RedirectURIs []string
	LogoutURIs   []string
	IDTokenAlg   string // "RS256" when empty
}

// OnceFunc consumes a value that may be used once, until expires.
type OnceFunc func(ctx context.Context, value string, expires time.Time) (bool, error)

// assertionType of RFC 7523 section 2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Authenticate finds the client that sent a form and checks its secret or
// assertion. audiences are what an assertion may be addressed to: the issuer,
// and for older clients the token endpoint.
func Authenticate(ctx context.Context, clients []Client, authorization string, form url.Values, audiences []string, now time.Time, once OnceFunc) (Client, error) {
	refused := func(why string) (Client, error) {
		return Client{}, Unauthorized("Basic", "invalid_client", why)
	}
	id, secret, basic := basicAuth(authorization)
	named, assertion := form.Get("client_id"), form.Get("client_assertion")
	// RFC 6749 section 2.3: one method per request.
	if basic && (form.Get("client_secret") != "" || named != "" && named != id) ||
		assertion != "" && (basic || form.Get("client_secret") != "") {
		return Client{}, Fail("invalid_request", "more than one client authentication")
	}
	if !basic {
		id, secret = named, form.Get("client_secret")
	}
	if assertion != "" {
		if form.Get("client_assertion_type") != assertionType {
			return Client{}, Fail("invalid_request", "unknown client_assertion_type")
		}
		if id == "" {
			id = issuerOf(assertion)
		}
	}
	i := slices.IndexFunc(clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return refused("unknown client")
	}
	client := clients[i]
	switch {
	case assertion != "" && client.Key != nil:
		why, err := checkAssertion(ctx, assertion, client, audiences, now, once)
		if err != nil {
			return Client{}, err
		}
		if why != "" {
			return refused(why)
		}
		return client, nil
	case assertion == "" && client.Secret != "" && sameSecret(secret, client.Secret):
		return client, nil
	}
	return refused("the client authentication is wrong")
}

func basicAuth(header string) (id, secret string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	id, secret, ok = strings.Cut(string(raw), ":")
	// RFC 6749 section 2.3.1: both parts are form-encoded first.
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	return id, secret, ok && err1 == nil && err2 == nil
}

func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// issuerOf reads iss without trusting it, to find the client whose key decides.
func issuerOf(assertion string) string {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 || len(assertion) > jose.MaxToken {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Iss string `json:"iss"`
	}
	_ = json.Unmarshal(raw, &claims)
	return claims.Iss
}

// maxAssertion is the longest life of a client assertion that is accepted.
const maxAssertion = 5 * time.Minute

// checkAssertion says what is wrong with an assertion; "" for nothing. An
// error is the store's.
func checkAssertion(ctx context.Context, assertion string, c Client, audiences []string, now time.Time, once OnceFunc) (why string, err error) {
	var claims struct {
		Iss string   `json:"iss"`
		Sub string   `json:"sub"`
		Aud audience `json:"aud"`
		Exp int64    `json:"exp"`
		JTI string   `json:"jti"`
	}
	if err := jose.Verify(assertion, c.Key, []string{"ES256", "PS256", "RS256"}, &claims); err != nil {
		return err.Error(), nil
	}
	expires := time.Unix(claims.Exp, 0)
	switch {
	case claims.Iss != c.ID || claims.Sub != c.ID:
		return "iss and sub must be the client", nil
	case len(claims.Aud) != 1 || !slices.Contains(audiences, claims.Aud[0]):
		return "aud must be this server alone", nil
	case !now.Before(expires) || expires.Sub(now) > maxAssertion:
		return "exp is over or too far away", nil
	case claims.JTI == "":
		return "jti is missing", nil
	}
	first, err := once(ctx, c.ID+"|"+claims.JTI, expires)
	if err == nil && !first {
		why = "jti was used before"
	}
	return why, err
}

// audience reads aud as one string or a list (RFC 7519 section 4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}
