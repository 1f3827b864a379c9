package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"
)

var pairRef = regexp.MustCompile(`J-[2-9A-Z]{5}-[2-9A-Z]{5}`)

// TestDuplicates is somebody who applies at the counter and is in the registry
// already. The officers see it and the applicant is told nothing; the two records
// become one, in three hands; and it is taken back.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			duplicates(t, lang)
		})
	}
}

func duplicates(t *testing.T, lang string) {
	s := ownSystem(t)
	const name = "Grace Wanjiru Kamau"
	known := s.sql(t, `select ref from person where full_name = '`+name+`'`)

	// At the counter: the officer is told before the application is sent.
	intake := signedIn(t, s.admin(), lang, "intake")
	ref := intake.starts(t, "/counter")
	intake.fills(t, "/counter/"+ref, aHousehold(name, ""))
	clerk := newBrowser(t, "duplicates-counter", s.admin(), lang, true)
	clerk.staffSignIn("intake")
	clerk.open("/counter/" + ref + "/check")
	clerk.says(clerk.say("dedup.alike"), known)
	clerk.look("check")
	intake.mustSave(t, "/counter/"+ref+"/check", form("/counter/:ref/check"))
	if got := s.sql(t, `select count(*) from audit_event e join audit_subject a on a.event_id = e.id join person p on p.id = a.subject
		where e.action = 'person.listed' and e.case_id is not null and p.ref = '`+known+`'`); got == "0" {
		t.Error("that the record was shown is not written down for her")
	}

	// At the office: so is who checks it. Nobody refuses by a machine's word.
	verifier := clerk.colleague("duplicates-verifier", s.admin())
	verifier.staffSignIn("verifier")
	verifier.open("/cases/" + ref)
	verifier.says(verifier.say("dedup.alike"), known)
	verifier.look("case")
	check, approve := signedIn(t, s.admin(), lang, "verifier"), signedIn(t, s.admin(), lang, "approver")
	check.recommends(t, ref, "approve")
	approve.approves(t, ref)
	newer := s.sql(t, `select p.ref from person p join membership m on m.person_id = p.id join case_file c on c.household_id = m.household_id where c.ref = '`+ref+`'`)

	// The pair opens by itself.
	pair := s.opened(t, known, newer)
	quality := clerk.colleague("duplicates-quality", s.admin())
	quality.staffSignIn("dataquality")
	quality.press(`.govuk-service-navigation__link[href$="/duplicates"]`)
	quality.says(pair, name, "Grace Wanjiro") // and the one of the demo
	quality.look("list")
	quality.pressText(pair)
	quality.says(known, newer, quality.say("dedup.why"), quality.say("dedup.name.same"))
	quality.look("pair")
	quality.next()
	quality.says(quality.say("dedup.error.decision"), quality.say("dedup.error.note"))
	quality.look("pair-error")
	quality.choose("decision", "same")
	quality.next()
	quality.at("/duplicates/pairs/" + pair + "/merge")
	quality.look("merge")
	quality.next()
	quality.says(quality.say("merge.error.keep"), quality.say("dedup.error.note"))
	quality.look("merge-error")
	for status, form := range map[int]url.Values{
		http.StatusUnprocessableEntity: {"keep": {"c"}, "version_a": {"1"}, "version_b": {"1"}, "note": {"Why"}},
		http.StatusBadRequest:          {"keep": {"a"}, "version_a": {"one"}, "version_b": {"1"}, "note": {"Why"}},
		http.StatusConflict:            {"keep": {"a"}, "version_a": {"9"}, "version_b": {"1"}, "note": {"Why"}, "v.birth": {"a"}, "v.home": {"a"}},
	} {
		signedIn(t, s.admin(), lang, "dataquality").mustAnswer(t, http.MethodPost, "/duplicates/pairs/"+pair+"/merge", form, status)
	}
	keep := "a"
	if quality.find(`document.querySelector('#keep').closest('.govuk-radios__item').innerText.includes('`+known+`') ? 'a' : 'b'`) == "b" {
		keep = "b"
	}
	quality.choose("keep", keep)
	quality.fill("note", "She remembers the first time.")
	quality.next()
	merge := amendmentRef.FindString(quality.location())
	quality.says(known, newer, quality.say("amend.state.proposed"))
	quality.look("proposed")

	// Three hands, and nobody of another region.
	signedIn(t, s.admin(), lang, "dataquality").mustAnswer(t, http.MethodPost, "/changes/"+merge+"/verify", nil, http.StatusForbidden)
	north := signedIn(t, s.admin(), lang, "approver-north")
	for _, path := range []string{"/changes/" + merge, "/duplicates/pairs/" + pair} {
		north.mustAnswer(t, http.MethodGet, path, nil, http.StatusNotFound)
	}
	s.agree(t, check, approve, merge)
	if got := s.sql(t, `select p.status || ' ' || m.ref from person p join person m on m.id = p.merged_into where p.ref = '`+newer+`'`); got != "duplicate "+known {
		t.Fatalf("the newer record is %q", got)
	}
	quality.needs("/people/"+newer, "check")
	quality.says(known, quality.say("outcome.duplicate"))

	// It was her sister after all.
	quality.open("/changes/" + merge)
	quality.look("merged")
	quality.pressText(quality.say("merge.undo_link"))
	quality.look("undo")
	quality.next()
	quality.says(quality.say("dedup.error.note"))
	quality.fill("note", "It was her sister.")
	quality.next()
	undo := amendmentRef.FindString(quality.location())
	quality.says(quality.say("amend.state.proposed"))
	s.agree(t, check, approve, undo)
	if got := s.sql(t, `select string_agg(status, ' ') from person where ref in ('`+known+`', '`+newer+`')`); got != "active active" {
		t.Fatalf("the two are %s", got)
	}
	quality.open("/duplicates/pairs/" + pair)
	quality.says(quality.say("dedup.decision.undone"), "She remembers the first time.")
	quality.choose("decision", "different")
	quality.fill("note", "Sisters.")
	quality.next()
	quality.says(quality.say("dedup.state.different"))
	quality.look("different")

	// An officer's own suspicion.
	quality.open("/duplicates/open")
	quality.look("open")
	quality.fill("first", known)
	quality.fill("second", "P-22222-22222")
	quality.next()
	quality.says(quality.say("dedup.error.reference"))
	quality.look("open-error")
	quality.fill("second", s.sql(t, `select ref from person where full_name = 'Mary Okello'`))
	quality.next()
	if pairRef.FindString(quality.location()) == "" {
		t.Errorf("at %s", quality.location())
	}
}

// opened waits for the pair of two people.
func (s *System) opened(t *testing.T, a, b string) string {
	t.Helper()
	for range 400 {
		if ref := s.sql(t, fmt.Sprintf(`select q.ref from duplicate_pair q join person a on a.id = q.a_id join person b on b.id = q.b_id
			where (a.ref, b.ref) in (('%s', '%s'), ('%s', '%s'))`, a, b, b, a)); ref != "" {
			return ref
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the two records are no pair")
	return ""
}

// agree takes a proposal through the two hands after the proposer's.
func (s *System) agree(t *testing.T, verifier, approver *Visitor, change string) {
	t.Helper()
	verifier.mustAnswer(t, http.MethodPost, "/changes/"+change+"/decide", url.Values{"decision": {"approve"}}, http.StatusForbidden)
	verifier.mustAnswer(t, http.MethodPost, "/changes/"+change+"/verify", nil, http.StatusSeeOther)
	approver.mustAnswer(t, http.MethodPost, "/changes/"+change+"/decide", url.Values{"decision": {"approve"}}, http.StatusSeeOther)
}
