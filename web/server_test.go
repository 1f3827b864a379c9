package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/web"
)

const secretValue = "Amina Yusuf MJ-1001-4471"

func hello(c *web.Ctx) error {
	return c.Send(http.StatusOK, "text/plain; charset=utf-8", []byte("hello"))
}

func route(method, path string, h web.Handler) web.Route {
	return web.Route{Method: method, Path: path, Permission: auth.Public, Handler: h}
}

// everything is a site with one of each kind of answer.
func everything(t *testing.T, origin string) *site {
	upload := route("POST", "/upload", func(c *web.Ctx) error {
		if _, err := c.Form("photo"); err != nil {
			return err
		}
		return hello(c)
	})
	upload.Upload = true
	cross := route("POST", "/token", hello)
	cross.Bare, cross.Cross = true, true
	return open(t, origin,
		route("GET", "", hello), route("GET", "/case/:ref", hello), route("POST", "/case/:ref", hello), route("GET", "/only-get", hello),
		route("GET", "/panic/:ref", func(*web.Ctx) error { panic(secretValue) }),
		route("GET", "/nil", func(c *web.Ctx) error { var p *site; return errors.New(p.address) }),
		route("GET", "/internal", func(*web.Ctx) error { return errors.New("no such table") }),
		route("GET", "/sql", func(c *web.Ctx) error {
			return c.View(func(tx db.Tx) error { return tx.Exec(`select $1::int`, "x") })
		}),
		route("GET", "/slow", func(c *web.Ctx) error {
			return c.View(func(tx db.Tx) error { return tx.Exec(`select pg_sleep(60)`) })
		}),
		route("GET", "/down", func(*web.Ctx) error { return fault.New(fault.Unavailable, "error.unavailable") }),
		route("GET", "/echo", func(c *web.Ctx) error { return c.Send(200, "text/plain", []byte(c.Query("q"))) }),
		web.Route{Method: "GET", Path: "/mine", Permission: auth.Citizen, Handler: func(c *web.Ctx) error {
			return c.Send(200, "text/plain", []byte(c.Principal().Name))
		}},
		web.Route{Method: "GET", Path: "/staff-only", Permission: auth.CaseDecide, Handler: hello},
		upload, cross)
}

func TestCrossSiteRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := everything(t, "")
	own := "http://" + s.address
	for _, c := range []struct {
		site, origin string
		want         int
	}{
		{"", "", 200}, // no browser
		{"same-origin", own, 200}, {"same-origin", "", 200}, {"none", "", 200}, {"", own, 200},
		{"cross-site", "", 403}, {"cross-site", own, 403}, {"cross-site", "https://evil.example", 403},
		{"same-site", own, 403}, {"same-site", "", 403}, {"rubbish", "", 403},
		{"", "https://evil.example", 403}, {"", "null", 403}, {"", "http://127.0.0.1:1", 403}, {"", own + ".evil.example", 403}, {"", "%", 403},
	} {
		headers := []string{}
		if c.site != "" {
			headers = append(headers, "Sec-Fetch-Site", c.site)
		}
		if c.origin != "" {
			headers = append(headers, "Origin", c.origin)
		}
		if got := s.ask(t, "POST", "/en/case/x", "a=b", headers...); got.StatusCode != c.want {
			t.Errorf("%+v: %d", c, got.StatusCode)
		}
		if got := s.ask(t, "GET", "/en/case/x", "", headers...); got.StatusCode != 200 {
			t.Errorf("GET %+v: %d", c, got.StatusCode)
		}
		if got := s.ask(t, "POST", "/token", "a=b", headers...); got.StatusCode != 200 {
			t.Errorf("a route for programs %+v: %d", c, got.StatusCode)
		}
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	plain, tls := everything(t, ""), everything(t, "https://registry.example")
	style := ""
	for name, ask := range map[string]func(*site) answer{
		"page":           func(s *site) answer { return s.ask(t, "GET", "/en", "") },
		"HEAD":           func(s *site) answer { return s.ask(t, "HEAD", "/en", "") },
		"not found":      func(s *site) answer { return s.ask(t, "GET", "/en/nothing", "") },
		"no language":    func(s *site) answer { return s.ask(t, "GET", "/", "") },
		"other method":   func(s *site) answer { return s.ask(t, "POST", "/en/only-get", "a=b") },
		"another site's": func(s *site) answer { return s.ask(t, "POST", "/en/case/x", "a=b", "Origin", "https://evil.example") },
		"panic":          func(s *site) answer { return s.ask(t, "GET", "/en/panic/x", "") },
		"internal":       func(s *site) answer { return s.ask(t, "GET", "/en/internal", "") },
		"sign in first":  func(s *site) answer { return s.ask(t, "GET", "/en/mine", "") },
		"too large":      func(s *site) answer { return s.ask(t, "POST", "/en/case/x", strings.Repeat("a", 100_000)) },
		"asset":          func(s *site) answer { return s.ask(t, "GET", style, "") },
		"no such asset":  func(s *site) answer { return s.ask(t, "GET", "/assets/x/portal.css", "") },
		"header too large": func(s *site) answer {
			return s.raw(t, "GET /en HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 40_000)+"\r\n\r\n")
		},
		"no HTTP": func(s *site) answer { return s.raw(t, "\x16\x03\x01 / HTTP\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range []*site{plain, tls} {
				if style == "" {
					page := s.ask(t, "GET", "/en/nothing", "").text
					_, page, _ = strings.Cut(page, `rel="stylesheet" href="`)
					style, _, _ = strings.Cut(page, `"`)
				}
				a := ask(s)
				csp := a.Header.Get("Content-Security-Policy")
				for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
					if !strings.Contains(csp, part) {
						t.Errorf("%d: the policy lacks %s: %q", a.StatusCode, part, csp)
					}
				}
				if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
					t.Error(csp)
				}
				for header, want := range map[string]string{
					"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
				} {
					if got := a.Header.Get(header); got != want {
						t.Errorf("%d: %s: %q", a.StatusCode, header, got)
					}
				}
				if got := a.Header.Get("Strict-Transport-Security") != ""; got != (s == tls) {
					t.Errorf("HSTS: %v under %s", got, s.Origin())
				}
				if a.Header.Get("Server") != "" || a.Header.Get("X-Powered-By") != "" {
					t.Error("it says what it is made of")
				}
				if strings.Contains(a.text, "<style") || strings.Contains(a.text, " style=") || strings.Contains(a.text, "<script>") || strings.Contains(a.text, " onclick") {
					t.Error("something inline")
				}
			}
		})
	}
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	s := everything(t, "")
	for _, c := range []struct {
		method, path string
		status       int
		headers      []string
		lang, dir    string
	}{
		{"GET", "/en/nothing", 404, nil, "en", "ltr"},
		{"GET", "/ar/nothing", 404, nil, "ar", "rtl"},
		{"GET", "/en-XA/nothing", 404, nil, "en-XA", "ltr"},
		{"GET", "/xx/nothing", 404, []string{"Accept-Language", "ar"}, "ar", "rtl"},
		{"GET", "/xx", 404, nil, "en", "ltr"},
		{"GET", "/EN", 404, nil, "en", "ltr"},
		{"GET", "/%65n", 404, nil, "en", "ltr"},
		{"POST", "/ar/only-get", 404, nil, "ar", "rtl"},
		{"DELETE", "/ar", 404, nil, "ar", "rtl"},
		{"GET", "/ar/panic/x", 500, nil, "ar", "rtl"},
		{"GET", "/en/nil", 500, nil, "en", "ltr"},
		{"GET", "/ar/sql", 500, nil, "ar", "rtl"},
		{"GET", "/ar/down", 503, nil, "ar", "rtl"},
		{"POST", "/ar/case/x", 403, []string{"Sec-Fetch-Site", "cross-site"}, "ar", "rtl"},
	} {
		a := s.ask(t, c.method, c.path, "", c.headers...)
		if a.StatusCode != c.status {
			t.Errorf("%s %s: %d", c.method, c.path, a.StatusCode)
		}
		if want := fmt.Sprintf(`<html lang="%s" dir="%s"`, c.lang, c.dir); !strings.Contains(a.text, want) {
			t.Errorf("%s %s: not %s", c.method, c.path, want)
		}
		for _, leak := range []string{secretValue, "goroutine", ".go:", "SQLSTATE", "ERROR", "panic", "pgx", "fiber", "Method Not Allowed", "no such table"} {
			if strings.Contains(a.text, leak) {
				t.Errorf("%s %s shows %q", c.method, c.path, leak)
			}
		}
		if (c.status == 503) != (a.Header.Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", c.path, a.Header.Get("Retry-After"))
		}
	}
}

// "Not there" and "not a method of it" cannot be told apart.
func TestNotFoundIsTheSameBytes(t *testing.T) {
	t.Parallel()
	s := everything(t, "")
	want := s.ask(t, "GET", "/en/nothing", "").text
	for _, c := range [][2]string{{"GET", "/en/case/x/y"}, {"POST", "/en/only-get"}, {"PUT", "/en/case/x"}, {"GET", "/en/%00"}, {"GET", "/en/..%2f..%2fetc"}} {
		if a := s.ask(t, c[0], c[1], ""); a.text != want || a.StatusCode != 404 {
			t.Errorf("%v: %d, other bytes", c, a.StatusCode)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	s := everything(t, "")
	for path, want := range map[string]int{"/en": 200, "/en/nothing": 404, "/en/mine": 303} {
		if a := s.ask(t, "HEAD", path, ""); a.StatusCode != want || a.text != "" {
			t.Errorf("%s: %d, %d bytes", path, a.StatusCode, len(a.text))
		}
	}
	if extra := s.Undeclared(); len(extra) > 0 {
		t.Errorf("served and not mounted: %v", extra)
	}
}

func TestOneLogLinePerRequestWithoutPersonalData(t *testing.T) {
	t.Parallel()
	s := everything(t, "")
	secret := s.session(t, "amina")
	cookie := "daftar_portal=" + secret
	for _, c := range []struct{ method, path, route string }{
		{"GET", "/en/case/MJ-1001-4471?name=Amina", "/:lang/case/:ref"},
		{"POST", "/en/case/MJ-1001-4471?name=Amina", "/:lang/case/:ref"},
		{"GET", "/en/panic/MJ-1001-4471?name=Amina", "/:lang/panic/:ref"},
		{"GET", "/en/internal?name=Amina", "/:lang/internal"},
		{"GET", "/en/sql", "/:lang/sql"},
		{"GET", "/en/nothing/MJ-1001-4471", "/"},
		{"GET", "/en/mine", "/:lang/mine"},
	} {
		before := len(s.log.lines(t))
		s.ask(t, c.method, c.path, "", "Cookie", cookie, "User-Agent", "Amina's phone", "X-Forwarded-For", "203.0.113.7")
		lines := s.log.lines(t)[before:]
		if len(lines) != 1 || lines[0]["route"] != c.route || lines[0]["method"] != c.method || lines[0]["site"] != "portal" {
			t.Errorf("%s: %v", c.path, lines)
		}
	}
	text := s.log.text()
	for _, leak := range []string{"MJ-1001", "Amina's", "name=", "203.0.113", "127.0.0.1", secret, "amina", `"x"`} {
		if strings.Contains(text, leak) {
			_, after, _ := strings.Cut(text, leak)
			t.Errorf("the log has %q before %.300s", leak, after)
		}
	}
	if !strings.Contains(text, "panic of type string") || !strings.Contains(text, "22P02") {
		t.Error("the log does not say what went wrong")
	}
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	s := everything(t, "")
	for name, c := range map[string]struct {
		path string
		size int
		want int
	}{
		"a form":            {"/en/case/x", web.FormLimit, 200},
		"too big":           {"/en/case/x", web.FormLimit + 1, 413},
		"10 MB":             {"/ar/case/x", 10 << 20, 413},
		"an upload too big": {"/en/upload", web.UploadLimit + 1, 413},
		"for programs":      {"/token", web.FormLimit + 1, 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := s.ask(t, "POST", c.path, strings.Repeat("a", c.size)); a.StatusCode != c.want {
				t.Errorf("%d", a.StatusCode)
			} else if c.want == 413 && !strings.Contains(a.text, "</html>") {
				t.Error("no page")
			}
		})
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	s := everything(t, "")
	if c := s.App().Config(); c.ReadTimeout == 0 || c.WriteTimeout == 0 || c.IdleTimeout == 0 || !c.Immutable || c.ReadBufferSize > 64<<10 {
		t.Errorf("%+v", c)
	}
	if testing.Short() {
		t.Skip("a request that takes too long takes long")
	}
	start := time.Now()
	if a := s.ask(t, "GET", "/ar/slow", ""); a.StatusCode != 503 || !strings.Contains(a.text, `lang="ar"`) {
		t.Errorf("%d", a.StatusCode)
	}
	if took := time.Since(start); took > web.RequestTimeout+5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestQueriesAreText(t *testing.T) {
	t.Parallel()
	s := everything(t, "")
	for query, want := range map[string]string{
		"a%20b": "a b", "%D8%A2": "آ", "%ff%fe": "", "a%00b": "ab", "%e2%80%aeevil": "evil",
		strings.Repeat("%D8%A2", 600): strings.Repeat("آ", 500), "x" + strings.Repeat("%D8%A2", 600): "x" + strings.Repeat("آ", 499),
	} {
		if a := s.ask(t, "GET", "/en/echo?q="+query, ""); a.text != want {
			t.Errorf("%.30s is %q", query, a.text)
		}
	}
}

func TestMountRefuses(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]web.Route{
		"no permission": {Method: "GET", Path: "/x", Handler: hello},
		"no handler":    {Method: "GET", Path: "/x", Permission: auth.Public},
		"no method":     {Path: "/x", Permission: auth.Public, Handler: hello},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was mounted")
				}
			}()
			web.New(web.Config{Name: "portal"}).Mount(r)
		})
	}
	s := web.New(web.Config{Name: "portal"})
	s.App().Post("/back-door", func(*fiber.Ctx) error { return nil })
	if got := s.Undeclared(); len(got) != 1 || got[0] != "POST /back-door" {
		t.Errorf("a route that nobody mounted is not found: %v", got)
	}
}

func TestSessionCookie(t *testing.T) {
	t.Parallel()
	in := route("GET", "/in", func(c *web.Ctx) error { c.SetSession("s"); c.SetSignIn("b"); return hello(c) })
	out := route("GET", "/out", func(c *web.Ctx) error { c.ClearSession(); c.ClearSignIn(); return hello(c) })
	for origin, want := range map[string][]string{
		"":                         {"daftar_portal=s; path=/; HttpOnly; SameSite=Lax", "daftar_portal_signin=b; "},
		"https://registry.example": {"__Host-daftar_portal=s; path=/; HttpOnly; secure; SameSite=Lax", "__Host-daftar_portal_signin=b; "},
	} {
		s := open(t, origin, in, out)
		got := s.ask(t, "GET", "/en/in", "").Header["Set-Cookie"]
		if len(got) != 2 || !strings.EqualFold(got[0], want[0]) || !strings.HasPrefix(got[1], want[1]) {
			t.Errorf("%q", got)
		}
		for _, c := range s.ask(t, "GET", "/en/out", "").Cookies() {
			if c.Value != "" || c.Expires.After(s.d.Clock.Now()) {
				t.Errorf("%v", c)
			}
		}
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	s := everything(t, "")
	mine := func(cookie string) answer { return s.ask(t, "GET", "/en/mine", "", "Cookie", cookie) }
	secret := s.session(t, "amina")
	if a := mine("daftar_portal=" + secret); a.text != "amina" {
		t.Errorf("%d %s", a.StatusCode, a.text)
	}
	for _, cookie := range []string{"", "daftar_portal=", "daftar_portal=x", "daftar_admin=" + secret, "__Host-daftar_portal=" + secret, "daftar_portal=" + secret + "x"} {
		if a := mine(cookie); a.StatusCode != 303 || a.Header.Get("Location") != "/en/sign-in?to=%2Fmine" {
			t.Errorf("%q: %d %s", cookie, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if a := s.ask(t, "GET", "/en/staff-only", "", "Cookie", "daftar_portal="+secret); a.StatusCode != 403 {
		t.Errorf("a permission that citizens do not have: %d", a.StatusCode)
	}
	if err := s.d.WithTx(t.Context(), auth.Principal{}.DB(auth.Portal), func(tx db.Tx) error {
		p, _, err := auth.Resolve(tx, auth.Portal, secret)
		return errors.Join(err, auth.EndSession(tx, p.Session))
	}); err != nil {
		t.Fatal(err)
	}
	if a := mine("daftar_portal=" + secret); a.StatusCode != 303 {
		t.Errorf("revoked: %d", a.StatusCode)
	}
	secret = s.session(t, "amina")
	s.d.Clock.Add(21 * time.Minute)
	if a := mine("daftar_portal=" + secret); a.StatusCode != 303 {
		t.Errorf("idle: %d", a.StatusCode)
	}
}
