package oauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/oauth"
)

// The example of RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestVerifyPKCE(t *testing.T) {
	t.Parallel()
	hashOf := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	long := strings.Repeat("a", 128)
	for name, c := range map[string]struct {
		challenge, verifier string
		want                bool
	}{
		"the RFC's":          {challenge, verifier, true},
		"as long as allowed": {hashOf(long), long, true},
		"too long":           {hashOf(long + "a"), long + "a", false},
		"too short":          {hashOf(verifier[:42]), verifier[:42], false},
		"another":            {challenge, strings.Repeat("b", 43), false},
		"the challenge":      {challenge, challenge, false},
		"plain":              {verifier, verifier, false},
		"nothing":            {hashOf(""), "", false},
		"no challenge":       {"", verifier, false},
		"padded challenge":   {challenge + "=", verifier, false},
	} {
		if got := oauth.VerifyPKCE(c.challenge, c.verifier); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

var portal = oauth.Client{ID: "portal", RedirectURIs: []string{"https://daftar.example/auth/callback", "https://daftar.example/other?x=1"}}

func request(change func(url.Values)) url.Values {
	q := url.Values{
		"client_id": {"portal"}, "redirect_uri": {portal.RedirectURIs[0]}, "response_type": {"code"}, "scope": {"openid  profile"},
		"state": {"s"}, "nonce": {"n"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}, "acr_values": {"high normal"}, "prompt": {"login"},
	}
	if change != nil {
		change(q)
	}
	return q
}

func TestParseRequest(t *testing.T) {
	t.Parallel()
	r, _, err := oauth.ParseRequest([]oauth.Client{{ID: "another"}, portal}, request(nil))
	if err != nil {
		t.Fatal(err)
	}
	if r.Client.ID != "portal" || r.RedirectURI != portal.RedirectURIs[0] || r.State != "s" || r.Nonce != "n" || r.Challenge != challenge ||
		r.Prompt != "login" || !slices.Equal(r.Scopes, []string{"openid", "profile"}) || !slices.Equal(r.ACR, []string{"high", "normal"}) {
		t.Errorf("%+v", r)
	}
}

func TestParseRequestRefuses(t *testing.T) {
	t.Parallel()
	set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	del := func(name string) func(url.Values) { return func(q url.Values) { q.Del(name) } }
	again := func(name string) func(url.Values) { return func(q url.Values) { q.Add(name, q.Get(name)) } }
	for name, c := range map[string]struct {
		change       func(url.Values)
		code         string
		redirectable bool // never to an address that is not registered
	}{
		"unknown client":             {set("client_id", "nobody"), "invalid_request", false},
		"no client":                  {del("client_id"), "invalid_request", false},
		"another address":            {set("redirect_uri", "https://evil.example/auth/callback"), "invalid_request", false},
		"no address":                 {del("redirect_uri"), "invalid_request", false},
		"a longer address":           {set("redirect_uri", portal.RedirectURIs[0]+"/x"), "invalid_request", false},
		"an address with a query":    {set("redirect_uri", portal.RedirectURIs[0]+"?x=1"), "invalid_request", false},
		"an address with a fragment": {set("redirect_uri", portal.RedirectURIs[0]+"#x"), "invalid_request", false},
		"another case":               {set("redirect_uri", strings.ToUpper(portal.RedirectURIs[0])), "invalid_request", false},
		"another scheme":             {set("redirect_uri", "http://daftar.example/auth/callback"), "invalid_request", false},
		"user info":                  {set("redirect_uri", "https://daftar.example@evil.example/auth/callback"), "invalid_request", false},
		"a script":                   {set("redirect_uri", "javascript:alert(1)"), "invalid_request", false},
		"repeated address":           {again("redirect_uri"), "invalid_request", false},
		"repeated client":            {again("client_id"), "invalid_request", false},
		"repeated state":             {again("state"), "invalid_request", false},
		"repeated unknown":           {func(q url.Values) { q["x"] = []string{"1", "2"} }, "invalid_request", false},
		"implicit":                   {set("response_type", "token"), "unsupported_response_type", true},
		"hybrid":                     {set("response_type", "code id_token"), "unsupported_response_type", true},
		"no response type":           {del("response_type"), "unsupported_response_type", true},
		"fragment mode":              {set("response_mode", "fragment"), "invalid_request", true},
		"form_post mode":             {set("response_mode", "form_post"), "invalid_request", true},
		"request object":             {set("request", "x.y.z"), "request_not_supported", true},
		"request_uri":                {set("request_uri", "https://evil.example/r"), "request_not_supported", true},
		"no PKCE":                    {del("code_challenge"), "invalid_request", true},
		"no PKCE method":             {del("code_challenge_method"), "invalid_request", true},
		"plain PKCE":                 {set("code_challenge_method", "plain"), "invalid_request", true},
		"short challenge":            {set("code_challenge", "abc"), "invalid_request", true},
		"padded challenge":           {set("code_challenge", challenge+"="), "invalid_request", true},
		"challenge not base64url":    {set("code_challenge", strings.Repeat("*", 43)), "invalid_request", true},
	} {
		r, redirectable, err := oauth.ParseRequest([]oauth.Client{portal}, request(c.change))
		e, ok := oauth.As(err)
		if !ok || e.Code != c.code || e.Status != 400 || redirectable != c.redirectable {
			t.Errorf("%s: %v, redirectable %t", name, err, redirectable)
		}
		if redirectable && !slices.Contains(portal.RedirectURIs, r.RedirectURI) {
			t.Errorf("%s: would lead to %q", name, r.RedirectURI)
		}
	}
}

func TestErrorsNameParametersInASCIIAlone(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{"آمنة", `x"><script>`, strings.Repeat("a", 500), "line\r\nbreak", "\x00\xff"} {
		_, _, err := oauth.ParseRequest([]oauth.Client{portal}, url.Values{odd: {"1", "2"}})
		e, ok := oauth.As(err)
		if !ok || len(e.Description) > 100 || strings.ContainsFunc(e.Description, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\<>`, r) }) {
			t.Errorf("%q: %v", odd, err)
		}
	}
}

// shelf holds one grant for each code.
func shelf(grants map[string]oauth.Grant) oauth.TakeFunc {
	return func(_ context.Context, code string) (oauth.Grant, bool, error) {
		g, ok := grants[code]
		delete(grants, code)
		return g, ok, nil
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	grant := oauth.Grant{
		ClientID: "portal", RedirectURI: portal.RedirectURIs[0], Challenge: challenge, Subject: "amina", Expires: now.Add(oauth.CodeTTL),
	}
	for name, c := range map[string]struct {
		change func(url.Values)
		client string
		at     time.Time
		ok     bool
	}{
		"right":               {nil, "portal", now, true},
		"at the last moment":  {nil, "portal", now.Add(oauth.CodeTTL - 1), true},
		"too late":            {nil, "portal", now.Add(oauth.CodeTTL), false},
		"another client":      {nil, "another", now, false},
		"unknown code":        {func(f url.Values) { f.Set("code", "y") }, "portal", now, false},
		"no code":             {func(f url.Values) { f.Del("code") }, "portal", now, false},
		"another address":     {func(f url.Values) { f.Set("redirect_uri", portal.RedirectURIs[1]) }, "portal", now, false},
		"no address":          {func(f url.Values) { f.Del("redirect_uri") }, "portal", now, false},
		"no verifier":         {func(f url.Values) { f.Del("code_verifier") }, "portal", now, false},
		"another verifier":    {func(f url.Values) { f.Set("code_verifier", strings.Repeat("b", 43)) }, "portal", now, false},
		"challenge as answer": {func(f url.Values) { f.Set("code_verifier", challenge) }, "portal", now, false},
	} {
		grants := map[string]oauth.Grant{"x": grant}
		form := url.Values{"code": {"x"}, "redirect_uri": {grant.RedirectURI}, "code_verifier": {verifier}}
		right := url.Values{"code": {"x"}, "redirect_uri": {grant.RedirectURI}, "code_verifier": {verifier}}
		if c.change != nil {
			c.change(form)
		}
		take := shelf(grants)
		g, err := oauth.Exchange(t.Context(), take, oauth.Client{ID: c.client}, form, c.at)
		if e, refused := oauth.As(err); c.ok && (err != nil || g.Subject != "amina") || !c.ok && (!refused || e.Code != "invalid_grant") {
			t.Errorf("%s: %+v, %v", name, g, err)
		}
		// A code that was tried is gone, whoever tried it and however.
		if form.Get("code") == "x" {
			if _, err := oauth.Exchange(t.Context(), take, oauth.Client{ID: "portal"}, right, now); err == nil {
				t.Errorf("%s: and the code is still good", name)
			}
		}
	}
}

func TestExchangePassesTheStoresErrorOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	_, err := oauth.Exchange(t.Context(), func(context.Context, string) (oauth.Grant, bool, error) { return oauth.Grant{}, false, broken },
		portal, url.Values{}, now)
	if !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	got := oauth.Redirect(portal.RedirectURIs[1], url.Values{"code": {"a b&c"}, "state": {"é#"}, "empty": {""}})
	if want := "https://daftar.example/other?code=a+b%26c&state=%C3%A9%23&x=1"; got != want {
		t.Error(got)
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*oauth.Error{
		`DPoP error="invalid_token", error_description="it is over", algs="ES256"`: oauth.Unauthorized("DPoP", "invalid_token", "it is over"),
		`Bearer error="invalid_token"`:                                             oauth.Unauthorized("Bearer", "invalid_token", ""),
	} {
		if got := e.Challenge(); got != want || e.Status != 401 || e.Error() == "" {
			t.Error(got)
		}
	}
	if _, ok := oauth.As(errors.New("another")); ok {
		t.Error("found an error that is not there")
	}
}
