package e2e

import (
	"html"
	"net/url"
	"strings"
	"testing"
)

// TestD8MarkupStaysText: what people write is text on every page that shows it, of
// both sites, in previews and letters as well.
func TestD8MarkupStaysText(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	const name, words, note = `Eve <img src=x onerror=alert(1)>`, `</textarea><script>alert(2)</script>`, `"><svg onload=alert(3)>`
	intake := signedIn(t, s.admin(), "en", "intake")
	ref := intake.applies(t, "/counter", aHousehold(name, words))
	plain := func(t *testing.T, v *Visitor, path string, says ...string) {
		t.Helper()
		page := v.mustGet(t, path)
		for _, raw := range []string{"<img src=x", "<script>alert", "<svg onload"} {
			if strings.Contains(page, raw) {
				t.Errorf("%s holds %s", path, raw)
			}
		}
		for _, said := range says {
			if !strings.Contains(page, html.EscapeString(said)) {
				t.Errorf("%s does not say %q", path, said)
			}
		}
	}
	plain(t, intake, "/counter/"+ref+"/receipt", name)
	verifier, approver := signedIn(t, s.admin(), "en", "verifier"), signedIn(t, s.admin(), "en", "approver")
	for _, path := range []string{"/cases", "/cases/" + ref} {
		plain(t, verifier, path, name)
	}
	verifier.mustSave(t, "/cases/"+ref+"/note", one("note", note))
	verifier.mustSave(t, "/cases/"+ref+"/recommend", url.Values{"outcome": {"approve"}, "note": {note}})
	plain(t, approver, "/cases/"+ref, name, note, words)
	preview := approver.mustAnswer(t, "POST", "/cases/"+ref+"/decide", url.Values{"decision": {"refuse"}, "reason": {"proven_false:home"}, "note": {words}, "do": {"preview"}}, 200)
	if strings.Contains(preview, "<script>alert") || !strings.Contains(preview, html.EscapeString(words)) {
		t.Error("the preview of the letter runs what somebody wrote")
	}
	approver.approves(t, ref)
	person := s.sql(t, `select p.ref from person p where p.full_name like 'Eve %'`)
	home := s.sql(t, `select h.ref from household h join membership m on m.household_id = h.id join person p on p.id = m.person_id where p.ref = '`+person+`'`)
	quality := signedIn(t, s.admin(), "en", "dataquality")
	quality.mustSave(t, "/purpose", url.Values{"purpose": {"correction"}, "to": {"/people/" + person}})
	plain(t, quality, "/people/"+person, name)
	plain(t, quality, "/people/"+person+"/propose", name)
	plain(t, quality, "/households/"+home, name, words)
}
