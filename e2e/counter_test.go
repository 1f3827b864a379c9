package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"daftar/demo"
	"daftar/mockid"
)

// TestCounter is the story of mama-ngina, who has no ID, phone or account and
// does not read (RULES R1, R2): an officer types for her, she takes a receipt
// home, anybody she trusts can follow the case for her, and no officer carries
// it through alone.
func TestCounter(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			counter(t, lang)
		})
	}
}

func counter(t *testing.T, lang string) {
	s := ownSystem(t)
	clerk := newBrowser(t, "counter-intake", s.admin(), lang, true)
	clerk.staffSignIn("intake")
	ref, code := clerk.takesAnApplication()

	neighbour := clerk.colleague("counter-status", s.portal())
	neighbour.followsTheCase(ref, code)

	takesFourEyes(t, s, ref, lang, "intake", "recommend", url.Values{"outcome": {"approve"}, "note": {""}}, "verifier")
	verifier := clerk.colleague("counter-verifier", s.admin())
	verifier.staffSignIn("verifier")
	verifier.recommends(ref, "approve", "Mama Ngina", verifier.say("case.channel.counter"))

	takesFourEyes(t, s, ref, lang, "intake", "decide", approval(), "approver")
	takesFourEyes(t, s, ref, lang, "verifier", "decide", approval(), "approver")
	approver := clerk.colleague("counter-approver", s.admin())
	approver.staffSignIn("approver")
	approver.approves(ref)

	neighbour.status(ref, code)
	neighbour.says(neighbour.say("case.state.approved"))
	neighbour.look("status-approved")
	if got := s.sql(t, `select p.full_name || ' ' || (p.birth_from < p.birth_to) || ' ' ||
		(select count(*) from identifier i where i.subject_id = p.id) || ' ' || (select count(*) from account a where a.person_id = p.id)
		from person p where p.full_name = 'Mama Ngina'`); got != "Mama Ngina true 0 0" {
		t.Errorf("in the registry as %q", got)
	}
}

var statusCode = regexp.MustCompile(`^[2-9A-Z]{5}-[2-9A-Z]{5}$`)

// takesAnApplication types for one woman who knows her age alone, reads it back
// to her and prints the receipt.
func (b *Browser) takesAnApplication() (ref, code string) {
	t := b.t
	t.Helper()
	b.press(`.govuk-service-navigation__link[href$="/counter"]`)
	b.at("/counter")
	b.look("counter")
	b.next0()
	if ref = caseRef.FindString(b.location()); ref == "" {
		t.Fatalf("started at %s", b.location())
	}
	b.look("tasks")

	// who she is: a name and an age; a missing identifier is skipped
	b.press(`#main-content a[href$="/people/1/name"]`)
	b.look("name")
	b.fill("full_name", "Mama Ngina")
	b.next()
	b.look("birth")
	b.fill("age", "70")
	b.next()
	b.choose("sex", "female")
	b.pick("relationship", "head")
	b.look("about")
	b.next()
	b.at("/counter/" + ref + "/people/1/id")
	b.look("id")
	b.next()
	b.look("disability")
	b.choose("answer", "unknown")
	b.next()
	b.look("people")
	b.choose("another", "no")
	b.next()

	// where she lives: nowhere fixed, so with the office
	b.press(`#main-content a[href$="/area"]`)
	b.choose("area", "MJ01")
	b.next()
	b.choose("area", "MJ0101")
	b.next()
	b.look("no-fixed-place")
	b.choose("area", "no_fixed")
	b.next()
	b.next() // no directions

	// what she lives in and on: most of it she does not know
	b.press(`#main-content a[href$="/q/tenure"]`)
	for _, field := range []string{"tenure", "rooms", "floor", "walls", "roof", "water", "toilet", "electricity", "cook_fuel"} {
		b.at("/counter/" + ref + "/q/" + field)
		b.next()
	}
	b.press(`#main-content a[href$="/q/assets"]`)
	b.next()
	b.answer("none")
	b.next()

	// nothing to photograph: she is no child
	b.at("/counter/" + ref)
	b.says(b.say("task.status.not_needed"))
	b.press(`#main-content a[href$="/check"]`)
	b.says("Mama Ngina", b.say("check.declare_counter"))
	b.look("check")
	b.next()
	b.says(b.say("check.error.agree"))
	b.look("check-error")
	b.choose("agree", "yes")
	b.next()

	b.at("/counter/" + ref + "/receipt")
	b.says(ref, "Mama Ngina")
	b.look("receipt")
	code = strings.TrimSpace(b.find(`document.querySelector('.dft-code').innerText`))
	if !statusCode.MatchString(code) {
		t.Fatalf("the status code is %q", code)
	}
	return ref, code
}

// status asks for the state of a case on the public page.
func (b *Browser) status(ref, code string) {
	b.t.Helper()
	b.open("/status")
	b.fill("ref", ref)
	b.fill("code", code)
	b.next()
}

// followsTheCase looks the case up without signing in: nothing at all, a wrong
// code, the right one as people type it.
func (b *Browser) followsTheCase(ref, code string) {
	b.t.Helper()
	b.open("")
	b.press(`#main-content a[href$="/status"]`)
	b.look("status-form")
	b.next()
	b.says(b.say("status.error.ref"), b.say("status.error.code"))
	b.look("status-error")
	b.status(ref, "ZZZZZ-ZZZZZ")
	b.says(b.say("status.error.unknown"))
	b.hides("Mama Ngina")
	b.look("status-wrong-code")
	b.status("C-22222-22222", code)
	b.says(b.say("status.error.unknown"))
	b.status(strings.ToLower(strings.ReplaceAll(ref, "-", " ")), strings.ToLower(strings.ReplaceAll(code, "-", "")))
	b.says(ref, b.say("case.state.submitted"))
	b.hides("Mama Ngina", "MJ0101")
	b.look("status")
}

// takesFourEyes has an officer post a step that is not theirs, without a page.
// The route refuses it; and once the officer has the role for it too, the
// database refuses it, because the same hands were on the case already. The
// case stays as it was.
func takesFourEyes(t *testing.T, s *System, ref, lang, officer, step string, form url.Values, role string) {
	t.Helper()
	before := s.caseAsItIs(t, ref)
	v := signedIn(t, s.admin(), lang, officer)
	say := (&Browser{t: t, lang: lang}).say
	expect := func(why string) {
		t.Helper()
		page := v.mustAnswer(t, http.MethodPost, "/cases/"+ref+"/"+step, form, http.StatusForbidden)
		if !strings.Contains(page, say(why)) {
			t.Errorf("%s posts %s: the page does not say %q", officer, step, say(why))
		}
		if after := s.caseAsItIs(t, ref); after != before {
			t.Errorf("%s posts %s: the case was %s and is %s", officer, step, before, after)
		}
	}
	expect("error.forbidden")
	s.grant(t, officer, role)
	expect("error.separate_hands")
	s.withdrawGrant(t, officer, role)
}

// caseAsItIs is everything about a case that a decision could change.
func (s *System) caseAsItIs(t *testing.T, ref string) string {
	t.Helper()
	return s.sql(t, fmt.Sprintf(`
		select c.state, c.version, g.state, coalesce(g.verified_by::text, '-'), coalesce(g.approved_by::text, '-'),
		       (select count(*) from case_event e where e.case_id = c.id), (select count(*) from decision d where d.case_id = c.id),
		       (select count(*) from person)
		from case_file c join change g on g.id = c.change_id where c.ref = '%s'`, ref))
}

// grant gives a member of staff a second role in the capital region.
func (s *System) grant(t *testing.T, officer, role string) {
	t.Helper()
	s.sql(t, fmt.Sprintf(`insert into staff_role (staff_id, role, area_id, valid_from)
		select s.id, '%s', a.id, timestamptz '2020-01-01' from staff s, area a where s.sub = '%s' and a.code = 'MJ01'`,
		role, mockid.Subject(demo.StaffRealm, officer)))
}

func (s *System) withdrawGrant(t *testing.T, officer, role string) {
	t.Helper()
	s.sql(t, fmt.Sprintf(`delete from staff_role where role = '%s' and staff_id = (select id from staff where sub = '%s')`,
		role, mockid.Subject(demo.StaffRealm, officer)))
}

// TestNoFixedPlace registers people who live nowhere for long: they
// belong to the office that registers them (RULES R1).
func TestNoFixedPlace(t *testing.T) {
	t.Parallel()
	s := sharedSystem(t)
	intake := signedIn(t, s.admin(), "en", "intake")
	counter := "/counter/" + intake.starts(t, "/counter")
	intake.sees(t, counter+"/area", "Capital regional office")
	intake.mustSave(t, counter+"/area", one("area", "no_fixed"))
	ref := counter[len("/counter/"):]
	if got := s.answerOf(t, ref, "->>'area'") + " " + s.answerOf(t, ref, "->>'no_fixed'"); got != "MJ010101 capital" {
		t.Errorf("they belong to %s", got)
	}
	intake.mustSave(t, counter+"/area", one("area", "MJ02")) // they have a place after all
	if got := s.answerOf(t, ref, "->>'no_fixed'"); got != "" {
		t.Errorf("and still to %s", got)
	}
}
