// Package mockid is the demo's national ID and staff directory: a real OpenID
// provider (discovery, keys, authorization code with PKCE, private_key_jwt and
// client_secret, userinfo, RP-initiated logout, acr) whose login page asks who
// you want to be. It refuses to run outside a demo.
package mockid

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/jose"
	"daftar/oauth"
	"daftar/web"
)

// Person is somebody who can sign in.
type Person struct {
	Key        string // "amina": the value of the button
	Name       string
	NameLatin  string
	BirthDate  string // 2006-01-02
	Gender     string
	NationalID string
	About      string // message key: who this is in the demo's story
}

// Realm is one directory with its own issuer: citizens, or staff.
type Realm struct {
	Name    string // path below the origin
	People  []Person
	Clients []oauth.Client
	Strong  bool // its people sign in the strong way unless they choose the other
}

// Subject is the stable, meaningless subject of a person in a realm.
func Subject(realm, key string) string {
	sum := sha256.Sum256([]byte("mockid|" + realm + "|" + key))
	return hex.EncodeToString(sum[:12])
}

// Issuer is the issuer identifier of a realm below an origin.
func Issuer(origin, realm string) string { return origin + "/" + realm }

// acr values, the first for an ordinary sign-in.
const (
	ACRNormal = "normal"
	ACRStrong = "high"
)

type provider struct {
	origin string
	realms map[string]Realm
	ec     *jose.Key
	rsa    *jose.Key
	now    func() time.Time
	mu     sync.Mutex
	codes  map[string]oauth.Grant
	tokens map[string]access
	used   map[string]time.Time
}

type access struct {
	realm   string
	person  Person
	expires time.Time
}

// New mounts the realms on a site. ec and rsa sign identity tokens.
func New(site *web.Server, demo bool, realms []Realm, ec, rsa *jose.Key, now func() time.Time) error {
	if !demo {
		return errors.New("the demo identity provider runs only in a demo (--demo)")
	}
	p := &provider{origin: site.Origin(), realms: map[string]Realm{}, ec: ec, rsa: rsa, now: now,
		codes: map[string]oauth.Grant{}, tokens: map[string]access{}, used: map[string]time.Time{}}
	for _, r := range realms {
		p.realms[r.Name] = r
	}
	open := func(method, path string, h func(*web.Ctx, Realm) error, cross bool) web.Route {
		return web.Route{Method: method, Path: "/:realm" + path, Permission: auth.Public, Bare: true, Cross: cross,
			Handler: func(c *web.Ctx) error {
				realm, ok := p.realms[c.Param("realm")]
				if !ok {
					return fiber.ErrNotFound
				}
				return h(c, realm)
			}}
	}
	site.Mount(
		open(fiber.MethodGet, "/.well-known/openid-configuration", p.discovery, true),
		open(fiber.MethodGet, "/jwks", p.jwks, true),
		open(fiber.MethodGet, "/authorize", p.authorize, false),
		open(fiber.MethodPost, "/authorize", p.choose, false),
		open(fiber.MethodPost, "/token", p.token, true),
		open(fiber.MethodGet, "/userinfo", p.userinfo, true),
		open(fiber.MethodPost, "/userinfo", p.userinfo, true),
		open(fiber.MethodGet, "/logout", p.logout, false),
	)
	return nil
}

// take consumes a code of a realm. Clients may have one name in several realms,
// so codes are kept with theirs.
func (p *provider) take(r Realm) oauth.TakeFunc {
	return func(_ context.Context, code string) (oauth.Grant, bool, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		g, ok := p.codes[r.Name+"|"+code]
		delete(p.codes, r.Name+"|"+code)
		return g, ok, nil
	}
}

func (p *provider) once(_ context.Context, value string, expires time.Time) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for v, until := range p.used {
		if p.now().After(until) {
			delete(p.used, v)
		}
	}
	if _, seen := p.used[value]; seen {
		return false, nil
	}
	p.used[value] = expires
	return true, nil
}

// sweep drops what is over. The caller holds the lock.
func (p *provider) sweep() {
	now := p.now()
	for code, g := range p.codes {
		if now.After(g.Expires) {
			delete(p.codes, code)
		}
	}
	for token, a := range p.tokens {
		if now.After(a.expires) {
			delete(p.tokens, token)
		}
	}
}

func secret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b)
}

func (p *provider) discovery(c *web.Ctx, r Realm) error {
	iss := Issuer(p.origin, r.Name)
	c.Set("Access-Control-Allow-Origin", "*")
	return c.JSON(fiber.StatusOK, map[string]any{
		"issuer":                                           iss,
		"authorization_endpoint":                           iss + "/authorize",
		"token_endpoint":                                   iss + "/token",
		"userinfo_endpoint":                                iss + "/userinfo",
		"jwks_uri":                                         iss + "/jwks",
		"end_session_endpoint":                             iss + "/logout",
		"response_types_supported":                         []string{"code"},
		"response_modes_supported":                         []string{"query"},
		"grant_types_supported":                            []string{"authorization_code"},
		"subject_types_supported":                          []string{"public"},
		"scopes_supported":                                 []string{"openid", "profile"},
		"id_token_signing_alg_values_supported":            []string{"RS256", "ES256"},
		"token_endpoint_auth_methods_supported":            []string{"private_key_jwt", "client_secret_basic", "client_secret_post"},
		"token_endpoint_auth_signing_alg_values_supported": []string{"ES256", "PS256", "RS256"},
		"code_challenge_methods_supported":                 []string{"S256"},
		"acr_values_supported":                             []string{ACRNormal, ACRStrong},
		"claims_supported":                                 []string{"sub", "name", "name#Latn", "birthdate", "gender", "individual_id", "acr", "auth_time", "nonce"},
		"ui_locales_supported":                             []string{"en", "ar"},
		"authorization_response_iss_parameter_supported":   true,
		"request_parameter_supported":                      false,
		"request_uri_parameter_supported":                  false,
		"claims_parameter_supported":                       false,
	})
}

func (p *provider) jwks(c *web.Ctx, _ Realm) error {
	c.Set("Access-Control-Allow-Origin", "*")
	return c.JSON(fiber.StatusOK, jose.Set(p.ec, p.rsa))
}
