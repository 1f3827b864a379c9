package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var amendmentRef = regexp.MustCompile(`M-[2-9A-Z]{5}-[2-9A-Z]{5}`)

// TestRecords is a mistake in a record: one officer proposes to correct it,
// another checks, a third decides, and the person sees what changed and why. The
// record can be read as it was before. Where a protected household lives is
// shown to nobody without the right (RULES R5).
func TestRecords(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			records(t, lang)
		})
	}
}

func records(t *testing.T, lang string) {
	s := ownSystem(t)
	amina := "/people/" + s.sql(t, `select ref from person where full_name_latin = 'Amina Yusuf'`)
	household := func(latin string) string {
		return "/households/" + s.sql(t, fmt.Sprintf(`select h.ref from household h join membership m on m.household_id = h.id and m.tie = 'usual'
			join person p on p.id = m.person_id where p.full_name_latin = '%s'`, latin))
	}
	// The demo was seeded a moment ago; its past begins ten days before.
	s.sql(t, `update record_version set recorded_at = recorded_at - interval '10 days'`)
	yesterday := s.sql(t, `select to_char(now() - interval '1 day', 'YYYY-MM-DD')`)

	quality := newBrowser(t, "records-quality", s.admin(), lang, true)
	quality.staffSignIn("dataquality")
	quality.needs(amina, "correction")
	quality.says("Amina Yusuf", quality.say("role.payee"), quality.say("history.first"), "•••••••471")
	quality.hides("MJ10014471")
	quality.look("person")
	proposal := quality.proposes(amina)

	verifier := quality.colleague("records-verifier", s.admin())
	verifier.staffSignIn("verifier")
	verifier.press(`.govuk-service-navigation__link[href$="/changes"]`)
	verifier.says(proposal)
	verifier.look("changes")
	verifier.open("/changes/" + proposal)
	verifier.says("Amina Yussuf")
	verifier.look("to-check")
	verifier.pressText(verifier.say("changes.verify"))
	verifier.says(verifier.say("amend.state.verified"))

	approver := quality.colleague("records-approver", s.admin())
	approver.staffSignIn("approver")
	approver.open("/changes/" + proposal)
	approver.choose("decision", "refuse")
	approver.next()
	approver.says(approver.say("changes.error.answer"))
	approver.look("refusal-without-a-word")
	approver.choose("decision", "approve")
	approver.next()
	approver.says(approver.say("amend.state.applied"))
	approver.look("done")
	anotherPayee(quality, s)

	quality.open(amina)
	quality.says("Amina Yussuf", quality.say("nature.correction"))
	quality.look("person-corrected")
	quality.open(amina + "?known=" + yesterday)
	quality.says("Amina Yusuf")
	quality.hides("Amina Yussuf")
	quality.look("person-before")
	quality.open(amina + "?on=1990-13-01")
	quality.says(quality.say("asof.wrong"))
	quality.open(amina + "?known=2100-01-01")
	quality.says(quality.say("asof.future"))
	quality.open(amina + "?known=1990-01-01")
	quality.says(quality.say("asof.not_yet_title"))
	quality.look("not-yet")

	her := quality.colleague("records-amina", s.portal())
	her.open("/sign-in?to=/record")
	her.signIn("amina")
	her.says("Amina Yussuf", her.say("nature.correction"), her.say("history.by.office"))
	her.look("record")
	her.press(`a[href*="/record/people/"]`)
	her.says(her.say("record.child_lead"))
	her.look("child")

	quality.open("/people/" + s.sql(t, `select ref from person where full_name = 'Juma Mushi'`))
	quality.says(quality.say("tie.second_union"))
	quality.look("two-households")
	quality.open("/groups/" + s.sql(t, `select ref from group_record where type = 'union'`))
	quality.says("12", "3") // five, three and four people, in three households
	quality.look("group")
	quality.open(amina + "/outcome")
	quality.look("outcome")
	quality.next()
	quality.says(quality.say("outcome.missing.outcome"), quality.say("propose.error.note"))
	quality.look("outcome-error")

	leila := household("Leila Karim")
	quality.open(leila)
	quality.says(quality.say("record.protected_hidden"))
	quality.hides("River Side", "ضفة النهر")
	quality.look("protected")
	protection := quality.colleague("records-protection", s.admin())
	protection.staffSignIn("protection")
	protection.needs(leila, "casework")
	protection.says(protection.say("record.protected_shown"))
	if lang == "en" {
		protection.says("River Side")
	}

	elsewhere := quality.colleague("records-north", s.admin())
	elsewhere.staffSignIn("approver-north")
	for _, path := range []string{amina, leila, "/changes/" + proposal, "/people/P-22222-22222"} {
		elsewhere.open(path)
		elsewhere.says(elsewhere.say("error.title.not_found"))
		elsewhere.forgive()
	}
	if n := s.sql(t, `select count(*) from audit_event e join person p on p.id = e.subject where e.action = 'person.read' and p.full_name_latin = 'Amina Yussuf'`); n == "0" {
		t.Error("nobody is said to have read the record")
	}
}

// forgive drops what the console said about a page that was meant to fail.
func (b *Browser) forgive() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = nil
}

// needs opens a record, is asked what for, and says it.
func (b *Browser) needs(path, purpose string) {
	b.t.Helper()
	b.open(path)
	b.says(b.say("purpose.title"))
	b.look("purpose")
	b.next()
	b.says(b.say("purpose.error"))
	b.choose("purpose", purpose)
	b.next()
	b.at(path)
}

// anotherPayee proposes that the husband receives the money: both records change
// in one proposal.
func anotherPayee(b *Browser, s *System) {
	b.t.Helper()
	husband := "/people/" + s.sql(b.t, `select ref from person where full_name_latin = 'Bilal Yusuf'`)
	b.open(husband)
	b.do(chromedp.Click(chromedp.CSS(`main details summary`)))
	b.press(`a[href$="/propose/duty"]`)
	b.next()
	b.says(b.say("part.error.which"), b.say("part.error.role"), b.say("part.error.effective"))
	b.look("duty-error")
	b.pick("which", s.sql(b.t, `select m.id from membership m join person p on p.id = m.person_id where p.full_name_latin = 'Bilal Yusuf'`))
	b.choose("role", "payee")
	b.choose("nature", "event")
	b.do(chromedp.SetValue(chromedp.CSS(`input[name=effective]`), s.sql(b.t, `select to_char(now() at time zone 'Africa/Nairobi', 'YYYY-MM-DD')`)))
	b.pick("method", "said")
	b.fill("note", "Both of them came.")
	b.next()
	b.says("Bilal Yusuf", "آمنة يوسف", "Both of them came.")
	b.look("duty")

	b.open(husband + "/propose/leave") // nobody leaves before they came
	b.pick("which", s.sql(b.t, `select m.id from membership m join person p on p.id = m.person_id where p.full_name_latin = 'Bilal Yusuf'`))
	b.pick("why", "moved")
	b.choose("nature", "event")
	b.do(chromedp.SetValue(chromedp.CSS(`input[name=effective]`), "1990-01-01"))
	b.pick("method", "said")
	b.fill("note", "He said so.")
	b.next()
	before, _, _ := strings.Cut(b.say("part.error.left_early", "Date", "@"), "@")
	b.says(before)
	b.holds("note", "He said so.")
}

// proposes corrects a name and returns the proposal's reference.
func (b *Browser) proposes(person string) string {
	b.t.Helper()
	b.pressText(b.say("propose.link"))
	b.at(person + "/propose")
	b.look("propose")
	b.next()
	b.says(b.say("propose.error.nature"), b.say("propose.error.method"), b.say("propose.error.note"))
	b.look("propose-error")
	b.fill("full_name_latin", "Amina Yussuf")
	b.choose("nature", "correction")
	b.pick("reason", "mistake")
	b.pick("method", "document")
	b.fill("note", "She showed me her card.")
	b.next()
	ref := amendmentRef.FindString(b.location())
	b.says(ref, "Amina Yussuf", "She showed me her card.")
	b.look("proposed")
	return ref
}
