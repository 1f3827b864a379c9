package e2e

import (
	"html"
	"net/http"
	"strings"
	"testing"
)

// TestEveryAddressIsReached asks for every address that has no parameters, as
// nobody: no other address stands before it.
func TestEveryAddressIsReached(t *testing.T) {
	t.Parallel()
	s := sharedSystem(t)
	sites := map[string]*Visitor{
		"portal": newVisitor(t, s.portal(), "en"), "admin": newVisitor(t, s.admin(), "en"), "issuer": newVisitor(t, s.issuer(), "en"),
	}
	for _, r := range s.addresses(t) {
		path := strings.Replace(r.Path, "/:lang", "/en", 1)
		if r.Method != http.MethodGet || strings.Contains(path, ":") || sites[r.Site] == nil {
			continue
		}
		v := sites[r.Site]
		a, err := v.get(v.base + path)
		if err != nil {
			t.Fatal(err)
		}
		if a.status == http.StatusNotFound || a.status >= 500 {
			t.Errorf("%s %s is answered with %d", r.Site, path, a.status)
		}
	}
}

// TestSignOut signs out at both sites and at the provider, and says so in the
// person's language; a sign-in that was broken off says so in it, too.
func TestSignOut(t *testing.T) {
	t.Parallel()
	s := sharedSystem(t)
	for who, site := range map[string]string{"joseph": s.portal(), "verifier": s.admin()} {
		say := (&Browser{t: t, lang: "ar"}).say
		v := signedIn(t, site, "ar", who)
		a, err := v.post("/sign-out", nil)
		for range 5 {
			if err != nil {
				t.Fatal(err)
			}
			if a.to == "" {
				break
			}
			a, err = v.get(a.to)
		}
		if a.status != http.StatusOK || !strings.Contains(html.UnescapeString(a.body), say("signin.out.title")) || !strings.Contains(a.body, `dir="rtl"`) {
			t.Errorf("%s: signing out ends with %d: %s", who, a.status, headings(a.body))
		}

		begun, err := v.get("/sign-in")
		if err != nil {
			t.Fatal(err)
		}
		if a, err = v.post(begun.to, one("cancel", "1")); err == nil {
			a, err = v.get(a.to)
		}
		if err != nil {
			t.Fatal(err)
		}
		if a.status != http.StatusForbidden || !strings.Contains(html.UnescapeString(a.body), say("signin.error.cancelled")) {
			t.Errorf("%s: a sign-in that was broken off ends with %d: %s", who, a.status, headings(a.body))
		}
	}
}
