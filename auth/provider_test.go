package auth_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/fault"
	"daftar/i18n"
	"daftar/jose"
	"daftar/locales"
	"daftar/mockid"
	"daftar/oauth"
	"daftar/static"
	"daftar/web"
)

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// newSite makes a site whose origin is a listener's.
func newSite(t *testing.T, d *dbtest.DB, ln net.Listener, cfg web.Config) *web.Server {
	t.Helper()
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Origin, cfg.DB, cfg.Clock = "http://"+ln.Addr().String(), d.DB, d.Clock.Now
	cfg.Messages, cfg.Assets, cfg.Log = messages, static.Load(), slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	return web.New(cfg)
}

func serve(t *testing.T, site *web.Server, ln net.Listener) {
	t.Helper()
	go func() { _ = site.Serve(ln, nil) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = site.Shutdown(ctx)
	})
}

func newKey(t *testing.T) *jose.Key {
	t.Helper()
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T) *jose.Key {
	t.Helper()
	store, err := jose.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key, err := store.RSAKey("rsa")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// national serves the demo's national ID, with one client of each kind of
// authentication, and returns our two registrations with it.
func national(t *testing.T, d *dbtest.DB, ln net.Listener) (withKey, withSecret auth.ProviderConfig) {
	t.Helper()
	site := newSite(t, d, ln, web.Config{Name: "mockid", Demo: true})
	people, _, err := demo.Directory(dbtest.Start)
	if err != nil {
		t.Fatal(err)
	}
	key, redirect := newKey(t), "http://127.0.0.1:1/auth/callback"
	if err := mockid.New(site, true, []mockid.Realm{{Name: demo.CitizenRealm, People: people, Clients: []oauth.Client{
		{ID: "with-key", Key: key.Public(), IDTokenAlg: "ES256", RedirectURIs: []string{redirect}},
		{ID: "with-secret", Secret: "a+secret/with %:signs", RedirectURIs: []string{redirect}},
	}}}, newKey(t), rsaKey(t), d.Clock.Now); err != nil {
		t.Fatal(err)
	}
	serve(t, site, ln)
	cfg := auth.ProviderConfig{
		Audience: auth.Portal, Issuer: mockid.Issuer(site.Origin(), demo.CitizenRealm), RedirectURL: redirect,
		StrongACR: mockid.ACRStrong, Clock: d.Clock.Now,
	}
	withKey, withSecret = cfg, cfg
	withKey.ClientID, withKey.Key = "with-key", key
	withSecret.ClientID, withSecret.Secret = "with-secret", "a+secret/with %:signs"
	return withKey, withSecret
}

// browser follows no redirects: tests look at each step.
var browser = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// choose presses a person's button on the provider's page.
func choose(t *testing.T, address string, form url.Values) auth.Callback {
	t.Helper()
	res, err := browser.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	back, err := res.Location()
	if err != nil {
		body, _ := io.ReadAll(res.Body)
		t.Fatalf("%v: %d %s", err, res.StatusCode, body)
	}
	q := back.Query()
	return auth.Callback{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Error: q.Get("error")}
}

func TestSignInThroughTheNationalID(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	withKey, withSecret := national(t, d, listen(t, "127.0.0.1:0"))
	for name, cfg := range map[string]auth.ProviderConfig{"private_key_jwt": withKey, "client_secret": withSecret} {
		for acr, strong := range map[string]bool{"normal": false, "high": true} {
			p := auth.NewProvider(cfg)
			address, secret, err := p.Begin(t.Context(), d.DB, "/en/home?x=1", "en", strong)
			if err != nil {
				t.Fatal(name, err)
			}
			form := url.Values{"person": {"amina"}}
			if strong {
				form.Set("acr", "high")
			}
			d.Clock.Add(time.Minute)
			id, to, err := p.Complete(t.Context(), d.DB, secret, choose(t, address, form))
			if err != nil {
				t.Fatal(name, err)
			}
			born := dbtest.Start.AddDate(-34, -9, 0).Format(time.DateOnly)
			want := auth.Claims{Name: "آمنة يوسف", NameLatin: "Amina Yusuf", BirthDate: born, Sex: "female", NationalID: aminasID}
			if id.Sub != mockid.Subject(demo.CitizenRealm, "amina") || id.Claims != want || id.Name != want.Name ||
				id.ACR != acr || !id.AuthTime.Equal(d.Clock.Now()) || strings.Count(id.IDToken, ".") != 2 || to != "/en/home?x=1" {
				t.Errorf("%s, %s: %+v, to %q", name, acr, id, to)
			}
			var left int
			in(t, d, auth.Portal, func(tx db.Tx) error { return tx.Get(&left, `select count(*) from sign_in_attempt`) })
			if left != 0 {
				t.Errorf("%s: the attempt was not consumed", name)
			}
		}
	}
}

func TestAttemptKeepsOnlyHashes(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	cfg, _ := national(t, d, listen(t, "127.0.0.1:0"))
	address, secret, err := auth.NewProvider(cfg).Begin(t.Context(), d.DB, "/", "en", false)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(address)
	q := u.Query()
	for name, want := range map[string]string{
		"response_type": "code", "response_mode": "query", "code_challenge_method": "S256", "scope": "openid profile",
		"client_id": "with-key", "redirect_uri": cfg.RedirectURL, "ui_locales": "en", "acr_values": "", "max_age": "",
	} {
		if got := q.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	var found int
	in(t, d, auth.Portal, func(tx db.Tx) error {
		return tx.Get(&found, `select count(*) from sign_in_attempt a where a::text like '%' || $1 || '%' or a::text like '%' || $2 || '%'`, q.Get("state"), secret)
	})
	if found != 0 || q.Get("state") == secret || q.Get("state") == q.Get("nonce") || len(q.Get("state")) < 43 || len(secret) < 43 {
		t.Error("state and browser secret must be long, different, and kept as hashes alone")
	}
}

func TestProviderThatIsDownIsUnavailableAndComesBack(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	ln := listen(t, "127.0.0.1:0")
	address := ln.Addr().String()
	_ = ln.Close()
	p := auth.NewProvider(auth.ProviderConfig{
		Audience: auth.Portal, Issuer: mockid.Issuer("http://"+address, demo.CitizenRealm),
		ClientID: "with-secret", Secret: "x", Clock: d.Clock.Now,
	})
	for range 2 {
		if _, _, err := p.Begin(t.Context(), d.DB, "/", "en", false); !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		if to := p.LogoutURL(t.Context(), "", "http://127.0.0.1:1/signed-out", "en"); to != "" {
			t.Fatalf("signing out leads to %q", to)
		}
	}
	national(t, d, listen(t, address))
	if _, _, err := p.Begin(t.Context(), d.DB, "/", "en", false); err != nil {
		t.Fatal(err)
	}
}

// A provider that accepts connections and never answers must not make requests
// wait for one another.
func TestProviderThatHangsHoldsNobodyBeyondTheirDeadline(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	ln := listen(t, "127.0.0.1:0")
	defer func() { _ = ln.Close() }()
	p := auth.NewProvider(auth.ProviderConfig{Audience: auth.Portal, Issuer: "http://" + ln.Addr().String(), Clock: d.Clock.Now})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	const waiting = 5
	errs := make(chan error, waiting)
	for range waiting {
		go func() { _, _, err := p.Begin(ctx, d.DB, "/", "en", false); errs <- err }()
	}
	late := time.After(2 * time.Second)
	for range waiting {
		select {
		case err := <-errs:
			if !fault.Is(err, fault.Unavailable) {
				t.Error(err)
			}
		case <-late:
			t.Fatal("a request waits beyond its deadline")
		}
	}
}

func TestDiscoveryOfAnotherIssuerIsRefused(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	cfg, _ := national(t, d, listen(t, "127.0.0.1:0"))
	cfg.Issuer = strings.Replace(cfg.Issuer, "127.0.0.1", "localhost", 1)
	if _, _, err := auth.NewProvider(cfg).Begin(t.Context(), d.DB, "/", "en", false); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
}

func TestLogoutURL(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	cfg, _ := national(t, d, listen(t, "127.0.0.1:0"))
	p := auth.NewProvider(cfg)
	u, err := url.Parse(p.LogoutURL(t.Context(), "id.to.ken", "http://127.0.0.1:1/signed-out", "ar"))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if p.Origin() != "http://"+u.Host || u.Path != "/citizen/logout" || q.Get("client_id") != "with-key" || q.Get("id_token_hint") != "id.to.ken" ||
		q.Get("post_logout_redirect_uri") != "http://127.0.0.1:1/signed-out" || q.Get("state") != "ar" {
		t.Error(u)
	}
	if bare := p.LogoutURL(t.Context(), "", "x", ""); strings.Contains(bare, "id_token_hint") {
		t.Error(bare)
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/en/home":                       "/en/home",
		"/en/apply/C-1/area?in=MJ01&x=%": "/en/apply/C-1/area?in=MJ01&x=%",
		"/en/cases/C-7KQ2M-9XDWA#top":    "/en/cases/C-7KQ2M-9XDWA#top",
		"/en/status?to=https://evil":     "/en/status?to=https://evil",
		"":                               "/",
		"home":                           "/",
		"//evil.example":                 "/",
		"///evil.example":                "/",
		"/\\evil.example":                "/",
		"\\\\evil.example":               "/",
		"/en\\..\\\\evil.example":        "/",
		"https://evil.example/":          "/",
		"https:evil.example":             "/",
		"javascript:alert(1)":            "/",
		"JaVaScRiPt:alert(1)":            "/",
		"data:text/html,x":               "/",
		"/%2f%2fevil.example":            "/",
		"/%2Fevil.example":               "/",
		"/%5cevil.example":               "/",
		"/%5C%5Cevil.example":            "/",
		"/\t/evil.example":               "/",
		"/\n/evil.example":               "/",
		"/en\r\nSet-Cookie: a=b":         "/",
		"/en\x00":                        "/",
		"/%0d%0aSet-Cookie:%20a=b":       "/",
		"/%09/evil.example":              "/",
		"/en%zz":                         "/",
		" /en":                           "/",
	} {
		if got := auth.LocalPath(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
