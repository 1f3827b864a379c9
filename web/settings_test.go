package web_test

import (
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/registry/settings"
	"daftar/static"
	"daftar/web"
	"daftar/web/ui"
)

// A site follows the settings: languages on offer, name, colour, logo, contact.
func TestSiteFollowsSettings(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := demo.Seed(t.Context(), d.DB, map[string]string{auth.CitizenProvider: "https://id.example/c", auth.StaffProvider: "https://id.example/s"}); err != nil {
		t.Fatal(err)
	}
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	live, err := settings.NewLive(t.Context(), d.DB, messages)
	if err != nil {
		t.Fatal(err)
	}
	s := web.New(web.Config{Name: "portal", Audience: auth.Portal, Origin: "http://portal.example", DB: d.DB, Messages: messages, Assets: static.Load(),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: d.Clock.Now, Live: live})
	page := func(c *web.Ctx) error { return c.Render(ui.Page(ui.PageProps{Title: "A page"})) }
	typed := ""
	s.Mount(web.Logo(),
		web.Route{Method: "GET", Path: "/page", Permission: auth.Public, Handler: page},
		web.Route{Method: "POST", Path: "/page", Permission: auth.Public, Handler: func(c *web.Ctx) error {
			f, err := c.Form("note")
			if err == nil {
				typed = f.Get("note")
			}
			return err
		}})
	ask := func(method, path, body string) (*http.Response, string) {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := s.App().Test(r, -1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(b)
	}
	change := func(edit func(*settings.File)) {
		t.Helper()
		sysadmin, err := demo.Staff(t.Context(), d.DB, "sysadmin")
		if err != nil {
			t.Fatal(err)
		}
		dpo, err := demo.Staff(t.Context(), d.DB, "dpo")
		if err != nil {
			t.Fatal(err)
		}
		var ref string
		var done bool
		if err := d.WithTx(t.Context(), sysadmin, func(tx db.Tx) error {
			old, err := settings.Read(tx)
			if err != nil {
				return err
			}
			f := &settings.File{Format: settings.Format}
			edit(f)
			ref, done, err = settings.Propose(tx, settings.Proposal{Origin: settings.OriginPage, Items: settings.Diff(old, old.With(f))})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if !done {
			if err := d.WithTx(t.Context(), dpo, func(tx db.Tx) error { return settings.Approve(tx, ref) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := live.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	logo, err := settings.NewLogo("logo", []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0z"/></svg>`))
	if err != nil {
		t.Fatal(err)
	}
	change(func(f *settings.File) {
		f.Branding = &registry.Branding{Service: i18n.Text{"en": "Sijil", "ar": "سجل"}, Colour: "navy"}
		f.Logo = &logo
		f.Contact = &registry.ServiceContact{Lines: []i18n.Text{{"en": "Call <us>"}}, Links: []registry.Link{{Label: i18n.Text{"en": "Law"}, URL: "https://law.example/?a=1&b=2"}}}
	})
	_, body := ask("GET", "/en/page", "")
	for _, want := range []string{"A page – Sijil</title>", "dft-brand-navy", `src="/logo/` + logo.Hash, "Call &lt;us&gt;", `href="https://law.example/?a=1&amp;b=2"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	res, picture := ask("GET", "/logo/"+logo.Hash, "")
	data, _ := base64.StdEncoding.DecodeString(logo.Data)
	if res.StatusCode != http.StatusOK || picture != string(data) || res.Header.Get("Content-Type") != "image/svg+xml" ||
		res.Header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%d %v %q", res.StatusCode, res.Header, picture)
	}
	if res, _ := ask("GET", "/logo/0000", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("a logo of another time: %d", res.StatusCode)
	}

	change(func(f *settings.File) { f.Languages = &registry.Languages{Offered: []string{"ar"}} })
	res, _ = ask("GET", "/en/page?x=1", "")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/ar/page?x=1" {
		t.Errorf("a language that is on offer no more: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	if ask("POST", "/en/page", "note=hello"); typed != "hello" {
		t.Error("what was typed in it is lost")
	}
	if _, body := ask("GET", "/ar/page", ""); strings.Contains(body, `hreflang="en"`) || !strings.Contains(body, "سجل") {
		t.Error("the switch offers a language that is not on offer")
	}
	if res, _ := ask("GET", "/en/nothing", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("%d", res.StatusCode)
	}
	if _, body := ask("GET", "/fr/page", ""); !strings.Contains(body, `lang="ar"`) {
		t.Error("who asks for a language that is not shipped is not answered in the first one")
	}
}
