package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestSearch is the story of an officer who looks for somebody: in another
// script, misspelt, by number. What she finds is within her areas, says nothing
// of where a protected woman lives, and is written down for the people found.
func TestSearch(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			b := newBrowser(t, "search", s.admin(), lang, lang == "en")
			b.staffSignIn("programme")
			b.at("/search")
			b.look("empty")
			b.next() // nothing typed, no purpose
			b.says(b.say("search.error.what"), b.say("purpose.error"))
			b.look("error")

			b.finds("Fatma Hasan", "programme", "Fatima Hassan") // another spelling, of a name in Arabic
			b.look("found")
			b.finds("يوسف", "", "آمنة يوسف")
			b.finds("Okelo", "", "Joseph Okello", "Mary Okello")
			b.finds("MJ-1004-7710", "", "Tomás Rivera")
			b.finds("Leila Karim", "", "ليلى كريم", b.say("search.protected"))
			if row := b.find(`document.querySelector('section tbody').innerText`); strings.Contains(row, "MJ01") || strings.Contains(row, "River Side") {
				t.Errorf("says where she lives: %s", row)
			}
			b.finds("Nobody Whatsoever", "", b.say("search.none"))
			b.look("nobody")
			if strings.Contains(b.location(), "Nobody") {
				t.Error("the address holds what was typed")
			}
			if got := s.sql(t, `select count(*) from audit_event e join audit_subject s on s.event_id = e.id
				join person p on p.id = s.subject where e.action = 'person.searched' and e.purpose = 'programme' and p.full_name_latin = 'Leila Karim'`); got == "0" {
				t.Error("that she was found is not written down for her")
			}

			// an area is no way to find out where somebody protected lives
			b.fill("text", "Leila")
			b.pick("area", "MJ0102")
			b.next()
			b.says(b.say("search.none"))

			north := b.colleague("search-north", s.admin())
			north.staffSignIn("approver-north")
			north.open("/search")
			north.finds("Joseph Okello", "casework", north.say("search.none"))

			b.builds(t, s)
		})
	}
}

// finds searches and expects texts on the page.
func (b *Browser) finds(text, purpose string, want ...string) {
	b.t.Helper()
	b.fill("text", text)
	if purpose != "" {
		b.pick("purpose", purpose)
	}
	b.next()
	b.at("/search")
	b.says(want...)
}

// builds makes a filter page by page and takes what it finds away.
func (b *Browser) builds(t *testing.T, s *System) {
	t.Helper()
	b.open("/filters")
	b.look("filters")
	b.pressText(b.say("filter.new"))
	b.fill("name", "Large and poor")
	b.choose("subject", "household")
	b.look("filter-new")
	b.next()
	b.look("filter-empty")
	for _, c := range []struct{ field, op, value string }{{"members.children", "at_least", "2"}, {"household.field.monthly_income", "at_most", "300"}} {
		b.pressText(b.say("filter.add"))
		b.look("filter-field")
		b.pick("field", c.field)
		b.press(`#main-content form button[type=submit]`)
		b.look("filter-compare")
		b.choose("op", c.op)
		b.fill("value", "many")
		b.next()
		b.says(b.say("filter.error.value.number"))
		b.choose("op", c.op)
		b.fill("value", c.value)
		b.next()
	}
	b.says("آمنة يوسف", "Zawadi Mushi")
	b.hides("Joseph Okello")
	b.look("filter-found")
	ref := strings.TrimPrefix(b.location(), s.admin()+"/"+b.lang)

	b.pick("role", "protection")
	b.press(`form[action$="/share"] button[type=submit]`)
	protection := signedIn(t, s.admin(), b.lang, "protection")
	protection.mustAnswer(t, http.MethodGet, ref, nil, 428) // shared, and a purpose is asked
	protection.mustAnswer(t, http.MethodPost, ref, url.Values{"match": {"any"}}, http.StatusForbidden)
	protection.mustAnswer(t, http.MethodGet, ref+"/export", nil, http.StatusForbidden)
	signedIn(t, s.admin(), b.lang, "verifier").mustAnswer(t, http.MethodGet, ref, nil, http.StatusNotFound)
	signedIn(t, s.admin(), b.lang, "grievance").mustAnswer(t, http.MethodGet, ref, nil, http.StatusForbidden)

	b.pressText(b.say("filter.export"))
	b.look("export")
	programme := signedIn(t, s.admin(), b.lang, "programme")
	file := programme.mustAnswer(t, http.MethodPost, ref+"/export", url.Values{"format": {"csv"}, "purpose": {"programme"},
		"columns": {"members.children", "household.field.monthly_income"}}, http.StatusOK)
	for _, want := range []string{"240", "90"} {
		if !strings.Contains(file, want) {
			t.Errorf("the file lacks %s:\n%s", want, file)
		}
	}
	programme.mustAnswer(t, http.MethodPost, ref+"/export", url.Values{"format": {"csv"}, "columns": {"members.children"}}, http.StatusUnprocessableEntity)
	programme.mustAnswer(t, http.MethodPost, ref+"/export", url.Values{"format": {"csv"}, "purpose": {"programme"}, "columns": {"full_name; drop table person"}}, http.StatusUnprocessableEntity)
	if got := s.sql(t, fmt.Sprintf(`select count(distinct s.subject) >= 9 from audit_event e join audit_subject s on s.event_id = e.id
		join saved_filter f on f.id = e.subject where e.action = 'person.exported' and f.ref = '%s'`, strings.TrimPrefix(ref, "/filters/"))); got != "t" {
		t.Error("not everybody in the file can read that they are")
	}
}
