package signin_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"daftar/auth"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/i18n"
	"daftar/jose"
	"daftar/locales"
	"daftar/mockid"
	"daftar/oauth"
	"daftar/static"
	"daftar/web"
	"daftar/web/signin"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// start runs a portal with nothing but sign-in, beside the demo national ID.
func start(t *testing.T) (origin string) {
	t.Helper()
	d := dbtest.New(t)
	d.Clock.Set(time.Now()) // the browser's, by which cookies expire
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	listen := func(cfg web.Config) (*web.Server, func()) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Origin, cfg.DB, cfg.Clock, cfg.Messages, cfg.Assets = "http://"+ln.Addr().String(), d.DB, d.Clock.Now, messages, static.Load()
		cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
		s := web.New(cfg)
		return s, func() {
			go func() { _ = s.Serve(ln, nil) }()
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				_ = s.Shutdown(ctx)
			})
		}
	}
	portal, run := listen(web.Config{Name: "portal", Audience: auth.Portal})
	id, runID := listen(web.Config{Name: "mockid"})
	store, err := jose.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ec, err1 := store.Key("ec")
	rsa, err2 := store.RSAKey("rsa")
	people, _, err3 := demo.Directory(d.Now())
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			t.Fatal(err)
		}
	}
	issuer := mockid.Issuer(id.Origin(), demo.CitizenRealm)
	if err := mockid.New(id, true, []mockid.Realm{{Name: demo.CitizenRealm, People: people, Clients: []oauth.Client{{
		ID: "daftar", Secret: "secret", RedirectURIs: []string{portal.Origin() + "/auth/callback"}, LogoutURIs: []string{portal.Origin() + "/signed-out"},
	}}}}, ec, rsa, d.Clock.Now); err != nil {
		t.Fatal(err)
	}
	if err := demo.Seed(t.Context(), d.DB, map[string]string{auth.CitizenProvider: issuer, auth.StaffProvider: "https://id.example/staff"}); err != nil {
		t.Fatal(err)
	}
	portal.Mount(signin.Routes(auth.Portal, auth.NewProvider(auth.ProviderConfig{
		Audience: auth.Portal, Issuer: issuer, ClientID: "daftar", Secret: "secret", RedirectURL: portal.Origin() + "/auth/callback",
		NationalIDClaim: "individual_id", StrongACR: "high", Clock: d.Clock.Now,
	}))...)
	portal.Mount(web.Route{Method: "GET", Path: "/who", Permission: auth.Public, Handler: func(c *web.Ctx) error {
		return c.Send(200, "text/plain; charset=utf-8", []byte(c.Printer().Tag+" "+c.Principal().Name))
	}})
	run()
	runID()
	return portal.Origin()
}

// browser follows redirects but for the last one to a page that is not there.
type browser struct{ *http.Client }

func newBrowser(t *testing.T) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return browser{&http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

func (b browser) get(t *testing.T, address string) (at *url.URL, text string) {
	t.Helper()
	return b.read(t)(b.Get(address))
}

func (b browser) post(t *testing.T, address string, form url.Values) (at *url.URL, text string) {
	t.Helper()
	return b.read(t)(b.PostForm(address, form))
}

func (b browser) read(t *testing.T) func(*http.Response, error) (*url.URL, string) {
	return func(res *http.Response, err error) (*url.URL, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.Request.URL, string(text)
	}
}

func (b browser) cookie(t *testing.T, origin string) string {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == "daftar_portal" {
			return c.Value
		}
	}
	return ""
}

func TestInAndOut(t *testing.T) {
	t.Parallel()
	origin := start(t)
	b := newBrowser(t)
	in := func(person string) *url.URL {
		at, _ := b.get(t, origin+"/ar/sign-in?to=/who")
		at, _ = b.post(t, at.String(), url.Values{"person": {person}})
		return at
	}
	if at := in("amina"); at.String() != origin+"/ar/who" {
		t.Error(at)
	}
	first := b.cookie(t, origin)
	if _, text := b.get(t, origin+"/ar/who"); text != "ar آمنة يوسف" {
		t.Error(text)
	}
	in("rosa")
	second := b.cookie(t, origin)
	if first == "" || second == "" || first == second {
		t.Error("the secret did not change")
	}
	if _, text := b.get(t, origin+"/en/who"); text != "en Rosa Delgado" {
		t.Error(text)
	}
	stolen := newBrowser(t)
	u, _ := url.Parse(origin)
	stolen.Jar.SetCookies(u, []*http.Cookie{{Name: "daftar_portal", Value: first, Path: "/"}})
	if _, text := stolen.get(t, origin+"/en/who"); text != "en " {
		t.Errorf("the session before the sign-in lives: %q", text)
	}

	at, text := b.post(t, origin+"/ar/sign-out", nil)
	if at.Path != "/signed-out" || !strings.Contains(text, `lang="ar"`) || b.cookie(t, origin) != "" {
		t.Errorf("%s %.200s", at, text)
	}
	stolen.Jar.SetCookies(u, []*http.Cookie{{Name: "daftar_portal", Value: second, Path: "/"}})
	if _, text := stolen.get(t, origin+"/en/who"); text != "en " {
		t.Errorf("a session that was signed out lives: %q", text)
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	origin := start(t)
	for _, to := range []string{"//evil.example", "https://evil.example", `/\evil.example`, "/%5cevil.example", "%2f%2fevil.example", "evil.example", "@evil.example", "/%0d%0aX: y"} {
		b := newBrowser(t)
		at, _ := b.get(t, origin+"/en/sign-in?to="+url.QueryEscape(to))
		at, _ = b.post(t, at.String(), url.Values{"person": {"amina"}})
		if !strings.HasPrefix(at.String(), origin+"/en") || strings.Contains(at.String(), "evil") {
			t.Errorf("%q leads to %s", to, at)
		}
	}
}

func TestCallbackOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	origin := start(t)
	b := newBrowser(t)
	at, _ := b.get(t, origin+"/en/sign-in")
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := b.PostForm(at.String(), url.Values{"person": {"amina"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	back := res.Header.Get("Location")
	if !strings.HasPrefix(back, origin+"/auth/callback?") {
		t.Fatal(back)
	}
	other := newBrowser(t)
	if _, text := other.get(t, back); other.cookie(t, origin) != "" || !strings.Contains(text, "</html>") {
		t.Error("somebody else's sign-in was completed")
	}
}
