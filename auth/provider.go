package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"daftar/db"
	"daftar/fault"
	"daftar/jose"
)

// ProviderConfig describes an OpenID provider and our registration with it.
type ProviderConfig struct {
	Audience    Audience
	Issuer      string
	ClientID    string
	Secret      string    // for client_secret_basic
	Key         *jose.Key // for private_key_jwt, used when Secret is empty
	RedirectURL string
	// Claim names that differ between schemes; the defaults are eSignet's.
	NationalIDClaim string // "individual_id"
	StrongACR       string // acr_values of a strong sign-in
	Client          *http.Client
	Clock           func() time.Time
}

// Provider signs people in through OpenID Connect: authorization code with
// PKCE, nonce, and a state that belongs to one browser. Discovery happens at
// the first use and is tried again after a failure, so that pages stay up
// while the provider is down.
type Provider struct {
	cfg   ProviderConfig
	mu    sync.Mutex
	found *discovered
}

type discovered struct {
	oidc     *oidc.Provider
	verifier *oidc.IDTokenVerifier
	issParam bool
	logout   string
}

// NewProvider makes a provider; it does not talk to it yet.
func NewProvider(cfg ProviderConfig) *Provider {
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if cfg.NationalIDClaim == "" {
		cfg.NationalIDClaim = "individual_id"
	}
	return &Provider{cfg: cfg}
}

// signingAlgs are accepted on identity tokens.
var signingAlgs = []string{"ES256", "RS256", "PS256"}

func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.cfg.Client), p.cfg.Issuer)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "signin.error.provider")
	}
	var extra struct {
		IssParam bool   `json:"authorization_response_iss_parameter_supported"`
		Logout   string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&extra); err != nil {
		return nil, err
	}
	p.found = &discovered{
		oidc:     provider,
		issParam: extra.IssParam,
		logout:   extra.Logout,
		// Keys are fetched on a context of their own: a request's would end.
		verifier: provider.VerifierContext(oidc.ClientContext(context.Background(), p.cfg.Client), &oidc.Config{
			ClientID: p.cfg.ClientID, SupportedSigningAlgs: signingAlgs, Now: p.cfg.Clock,
		}),
	}
	return p.found, nil
}

func (p *Provider) oauth(d *discovered) *oauth2.Config {
	endpoint := d.oidc.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if p.cfg.Secret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.Secret, RedirectURL: p.cfg.RedirectURL,
		Endpoint: endpoint, Scopes: []string{oidc.ScopeOpenID, "profile"},
	}
}

// SignInTTL is how long somebody may take at the provider.
const SignInTTL = 15 * time.Minute

// clockSkew is how far the provider's clock may be behind ours.
const clockSkew = time.Minute

// Begin starts a sign-in. It returns the provider's address to go to and the
// secret for a cookie that ties the answer to this browser.
func (p *Provider) Begin(ctx context.Context, d *db.DB, returnTo, locale string, strong bool) (address, browser string, err error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	var state, nonce string
	verifier := oauth2.GenerateVerifier()
	acr := ""
	if strong {
		acr = p.cfg.StrongACR
	}
	err = d.WithTx(ctx, Principal{}.DB(p.cfg.Audience), func(tx db.Tx) error {
		state, nonce, browser = newSecret(tx)+"."+locale, newSecret(tx), newSecret(tx)
		return tx.Exec(`
			insert into sign_in_attempt (state_hash, browser_hash, audience, nonce, verifier, acr, return_to, expires_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8)`,
			digest(state), digest(browser), p.cfg.Audience, nonce, verifier, acr, LocalPath(returnTo), tx.Now().Add(SignInTTL))
	})
	if err != nil {
		return "", "", err
	}
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier),
		oauth2.SetAuthURLParam("response_mode", "query"),
		oauth2.SetAuthURLParam("ui_locales", locale),
	}
	if acr != "" {
		options = append(options, oauth2.SetAuthURLParam("acr_values", acr), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return p.oauth(found).AuthCodeURL(state, options...), browser, nil
}

// LocalPath keeps a return address inside this site: a path, no host, nothing
// a browser might read as one, encoded or not.
func LocalPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host != "" || !strings.HasPrefix(s, "/") || strings.Contains(s, `\`) ||
		strings.Contains(u.Path, "//") || strings.Contains(u.Path, "..") || strings.ContainsFunc(u.Path, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return "/"
	}
	return s
}

// Callback is what the provider sent back in the query.
type Callback struct{ State, Code, Issuer, Error string }

// Locale is the language in which the sign-in began, as the state says: only
// for the page that tells how it ended.
func (cb Callback) Locale() string {
	_, tag, _ := strings.Cut(cb.State, ".")
	return tag
}

// Identity is who the provider says has signed in.
type Identity struct {
	Sub      string
	Name     string
	Claims   Claims
	ACR      string
	Strong   bool // in the way that the deployment takes as strong
	AuthTime time.Time
	IDToken  string
}

var errSignIn = errors.New("sign-in refused")

func refuse(why string) error {
	return fault.Wrap(errors.Join(errSignIn, errors.New(why)), fault.Forbidden, "signin.error.refused")
}

// Complete finishes a sign-in: the state is consumed, then code, tokens and
// claims are checked. Any mismatch is fault.Forbidden and makes no session.
func (p *Provider) Complete(ctx context.Context, d *db.DB, browser string, cb Callback) (Identity, string, error) {
	var attempt struct {
		Nonce    string    `db:"nonce"`
		Verifier string    `db:"verifier"`
		ACR      string    `db:"acr"`
		ReturnTo string    `db:"return_to"`
		Expires  time.Time `db:"expires_at"`
	}
	err := d.WithTx(ctx, Principal{}.DB(p.cfg.Audience), func(tx db.Tx) error {
		return tx.Get(&attempt, `
			delete from sign_in_attempt
			where state_hash = $1 and browser_hash = $2 and audience = $3 and expires_at > $4
			returning nonce, verifier, acr, return_to, expires_at`,
			digest(cb.State), digest(browser), p.cfg.Audience, tx.Now())
	})
	if fault.Is(err, fault.NotFound) {
		return Identity{}, "", fault.Wrap(errSignIn, fault.Forbidden, "signin.error.expired")
	}
	if err != nil {
		return Identity{}, "", err
	}
	if cb.Error != "" {
		return Identity{}, "", fault.New(fault.Forbidden, "signin.error.cancelled")
	}
	found, err := p.discover(ctx)
	if err != nil {
		return Identity{}, "", err
	}
	// RFC 9207: who answers is who was asked.
	if cb.Issuer != "" && cb.Issuer != p.cfg.Issuer || cb.Issuer == "" && found.issParam {
		return Identity{}, "", refuse("iss is not the provider")
	}
	id, err := p.exchange(ctx, found, cb.Code, attempt.Verifier, attempt.Nonce)
	if err != nil {
		return Identity{}, "", err
	}
	// A strong sign-in asks for max_age=0: an earlier one does not count
	// (OpenID Connect Core 1.0 section 3.1.3.7, points 12 and 13).
	asked := attempt.Expires.Add(-SignInTTL)
	if attempt.ACR != "" && (id.ACR != attempt.ACR || id.AuthTime.Before(asked.Add(-clockSkew))) {
		return Identity{}, "", fault.New(fault.Forbidden, "signin.error.not_strong")
	}
	if id.AuthTime.IsZero() {
		id.AuthTime = p.cfg.Clock()
	}
	id.Strong = p.cfg.StrongACR != "" && id.ACR == p.cfg.StrongACR
	return id, attempt.ReturnTo, nil
}

func (p *Provider) exchange(ctx context.Context, found *discovered, code, verifier, nonce string) (Identity, error) {
	options := []oauth2.AuthCodeOption{oauth2.VerifierOption(verifier)}
	if p.cfg.Secret == "" {
		assertion, err := p.assertion()
		if err != nil {
			return Identity{}, err
		}
		options = append(options,
			oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
			oauth2.SetAuthURLParam("client_assertion", assertion))
	}
	ctx = oidc.ClientContext(ctx, p.cfg.Client)
	token, err := p.oauth(found).Exchange(ctx, code, options...)
	if err != nil {
		var answer *oauth2.RetrieveError
		if errors.As(err, &answer) && answer.Response.StatusCode < 500 {
			return Identity{}, refuse("the code was not accepted: " + answer.ErrorCode)
		}
		return Identity{}, fault.Wrap(err, fault.Unavailable, "signin.error.provider")
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := found.verifier.Verify(ctx, raw)
	if err != nil {
		return Identity{}, refuse("id_token: " + err.Error())
	}
	var extra struct {
		AZP      string `json:"azp"`
		ACR      string `json:"acr"`
		AuthTime int64  `json:"auth_time"`
	}
	if err := idToken.Claims(&extra); err != nil {
		return Identity{}, refuse("id_token claims")
	}
	switch {
	case idToken.Nonce != nonce:
		return Identity{}, refuse("nonce")
	case len(idToken.Audience) > 1 && extra.AZP != p.cfg.ClientID, extra.AZP != "" && extra.AZP != p.cfg.ClientID:
		return Identity{}, refuse("azp")
	case idToken.AccessTokenHash != "" && idToken.VerifyAccessToken(token.AccessToken) != nil:
		return Identity{}, refuse("at_hash")
	case !usable(idToken.Subject):
		return Identity{}, refuse("sub")
	}
	id := Identity{Sub: idToken.Subject, ACR: extra.ACR, IDToken: raw}
	if extra.AuthTime > 0 {
		id.AuthTime = time.Unix(extra.AuthTime, 0).UTC()
	}
	return id, p.userinfo(ctx, found, token, &id)
}

// usable reports whether a provider's text can be stored and shown: 255 bytes
// are the longest sub (OpenID Connect Core 1.0 section 2).
func usable(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, unicode.IsControl)
}

// userinfo adds what the provider tells about the person. The answer must be
// about the subject of the identity token.
func (p *Provider) userinfo(ctx context.Context, found *discovered, token *oauth2.Token, id *Identity) error {
	info, err := found.oidc.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "signin.error.provider")
	}
	if info.Subject != id.Sub {
		return refuse("userinfo is about somebody else")
	}
	var claims map[string]any
	if err := info.Claims(&claims); err != nil {
		return refuse("userinfo claims")
	}
	text := func(name string) string {
		if s, _ := claims[name].(string); usable(s) {
			return s
		}
		return ""
	}
	id.Claims = Claims{
		Name: text("name"), NameLatin: text("name#Latn"), BirthDate: text("birthdate"),
		NationalID: text(p.cfg.NationalIDClaim),
	}
	if g := strings.ToLower(text("gender")); slices.Contains([]string{"female", "male", "other"}, g) {
		id.Claims.Sex = g
	}
	if _, err := time.Parse(time.DateOnly, id.Claims.BirthDate); err != nil {
		id.Claims.BirthDate = ""
	}
	id.Name = id.Claims.Name
	return nil
}

// assertion authenticates us to the provider (RFC 7523). aud is the issuer
// alone, against audience injection.
func (p *Provider) assertion() (string, error) {
	jti, now := oauth2.GenerateVerifier(), p.cfg.Clock()
	claims, err := json.Marshal(map[string]any{
		"iss": p.cfg.ClientID, "sub": p.cfg.ClientID, "aud": p.cfg.Issuer, "jti": jti,
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	if err != nil {
		return "", err
	}
	return jose.Sign(jose.Header{Kid: p.cfg.Key.ID, Typ: "JWT"}, claims, p.cfg.Key)
}

// Origin is the provider's own origin.
func (p *Provider) Origin() string {
	u, err := url.Parse(p.cfg.Issuer)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// LogoutURL is where to go so that the provider forgets the sign-in too;
// "" when it has no such place or is down.
func (p *Provider) LogoutURL(ctx context.Context, idToken, back, state string) string {
	found, err := p.discover(ctx)
	if err != nil || found.logout == "" {
		return ""
	}
	q := url.Values{"client_id": {p.cfg.ClientID}, "post_logout_redirect_uri": {back}, "state": {state}}
	if idToken != "" {
		q.Set("id_token_hint", idToken)
	}
	return found.logout + "?" + q.Encode()
}
