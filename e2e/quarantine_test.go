package e2e

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"daftar/registry/cases"
	"daftar/scan/clamdtest"
)

// TestQuarantine has a photo found harmful by a real clamd: the office cannot
// open it, the applicant is told in plain words and sends another, which is
// opened. A photo that waits for the scanner, which is down, waits closed.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	bad, err := cases.NewPhoto("photo", photo()) // what is kept of it, and scanned
	if err != nil {
		t.Fatal(err)
	}
	clamd := clamdtest.Start(t, false, fmt.Sprintf("%x:%d:Harmful", md5.Sum(bad.JPEG), len(bad.JPEG)))
	s := ownSystem(t, "--clamd-address="+clamd.Address)
	rosa := signedIn(t, s.portal(), "en", "rosa")
	ref := rosa.starts(t, "/apply")
	rosa.fills(t, "/apply/"+ref, rosasHousehold())
	document := "/apply/" + ref + "/documents/2"
	rosa.attaches(t, document)
	s.scanned(t)

	b := newBrowser(t, "quarantine", s.portal(), "en", false)
	b.open("/sign-in?to=/home")
	b.signIn("rosa")
	b.inBoth(document, "infected", func() {
		b.says(b.say("document.infected"))
		b.hides("/photo\"")
	})
	rosa.mustAnswer(t, http.MethodGet, document+"/photo", nil, http.StatusNotFound)
	b.inBoth("/notices/"+s.sql(t, `select ref from notice where kind = 'file_unsafe'`), "told", func() {
		b.says(b.say("notice.file_unsafe.title"))
	})

	rosa.mustSave(t, "/apply/"+ref+"/check", form("/apply/:ref/check"))
	clerk := newBrowser(t, "quarantine-clerk", s.admin(), "en", true)
	clerk.open("/sign-in?to=/cases/" + ref)
	clerk.signIn("verifier")
	clerk.inBoth("/cases/"+ref, "closed", func() {
		clerk.says(clerk.say("scan.error.infected"))
		clerk.hides("/evidence/")
	})
	officer := signedIn(t, s.admin(), "en", "verifier")
	officer.mustAnswer(t, http.MethodGet, "/cases/"+ref+"/evidence/2", nil, http.StatusConflict)

	officer.mustSave(t, "/cases/"+ref+"/ask", url.Values{"pages": {"documents/2"}, "note": {"Please send it again."}})
	rosa.mustSave(t, document, one("do", "remove"))
	if a, err := rosa.upload(document, "photo", "certificate.png", pngOf(t, 300, 200)); err != nil || a.status != http.StatusSeeOther {
		t.Fatal(a.status, err)
	}
	s.scanned(t)
	rosa.mustSave(t, "/apply/"+ref+"/check", one("note", "Another one."))
	clerk.inBoth("/cases/"+ref, "open", func() { clerk.says(clerk.say("scan.state.clean"), clerk.say("told.title")) })
	if got := officer.mustGet(t, "/cases/"+ref+"/evidence/2"); !strings.HasPrefix(got, "\xff\xd8") {
		t.Error("the office cannot open what is clean")
	}

	// down: nothing opens, nothing is lost
	clamd.Stop()
	site := signedIn(t, s.admin(), "en", "intake")
	ref = site.starts(t, "/counter")
	site.fills(t, "/counter/"+ref, aHousehold("Mama Ngina", ""))
	site.fills(t, "/counter/"+ref, []Page{{"people/2/name", url.Values{"full_name": {"Her grandchild"}, "full_name_latin": {""}}}})
	if a, err := site.upload("/counter/"+ref+"/documents/2", "photo", "certificate.png", pngOf(t, 30, 20)); err != nil || a.status != http.StatusSeeOther {
		t.Fatal(a.status, err)
	}
	s.until(t, `select 'tried' from river.river_job where kind = 'scan_blob' and state = 'retryable'`)
	site.mustAnswer(t, http.MethodGet, "/cases/"+ref+"/evidence/2", nil, http.StatusConflict)
	if got := s.sql(t, `select count(*) from blob_scan where state = 'pending'`); got != "1" {
		t.Errorf("%s files wait", got)
	}
}

// inBoth opens a page in both directions, checks it and looks at it.
func (b *Browser) inBoth(path, name string, check func()) {
	b.t.Helper()
	for _, b.lang = range []string{"ar", "en"} {
		b.open(path)
		check()
		b.look(name + "-" + b.lang)
	}
}

// scanned waits until every file has its verdict.
func (s *System) scanned(t *testing.T) {
	t.Helper()
	s.until(t, `select 'all' where not exists (select from blob_scan where state = 'pending')`)
}
