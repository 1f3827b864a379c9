package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestAppeal is the story of an application that is refused: one button appeals,
// whoever decided does not even learn of it, and two who had nothing to do with it
// overturn the decision (RULES R12, invariant 3).
func TestAppeal(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			appeal(t, s, lang)
		})
	}
}

func appeal(t *testing.T, s *System, lang string) {
	ref := signedIn(t, s.portal(), lang, "rosa").applies(t, "/apply", rosasHousehold())
	signedIn(t, s.admin(), lang, "verifier").recommends(t, ref, "refuse")
	approver := signedIn(t, s.admin(), lang, "approver")
	refusal := approval()
	refusal.Set("decision", "refuse")
	refusal.Set("reason", "outside_rules:not_a_household")
	approver.mustSave(t, "/cases/"+ref+"/decide", refusal)
	letter := s.until(t, `select l.ref from letter l join case_file c on c.id = l.case_id where l.composed_at is not null and c.ref = '`+ref+`'`)

	rosa := newBrowser(t, "appeal-rosa", s.portal(), lang, lang == "en")
	again := rosa.appeals(ref, letter)

	for _, who := range []string{"approver", "verifier"} {
		v := signedIn(t, s.admin(), lang, who)
		v.mustAnswer(t, http.MethodGet, "/cases/"+again, nil, http.StatusNotFound)
		if strings.Contains(v.mustGet(t, "/cases?view=team"), again) {
			t.Errorf("%s has the appeal in the queue", who)
		}
	}

	first := rosa.colleague("appeal-first", s.admin())
	first.staffSignIn("appeals")
	first.pressText(again)
	first.says(first.say("appealed.title"), first.reason("registration", "outside_rules", "not_a_household"), "We share one kitchen.")
	first.hides("Abena Approver", "Viktor Verifier")
	first.look("case")
	first.pressText(first.say("case.recommend"))
	first.choose("outcome", "approve")
	first.fill("note", "They share one kitchen.")
	first.next()
	first.says(first.say("office.state.recommended"))
	own := signedIn(t, s.admin(), lang, "appeals").mustAnswer(t, http.MethodPost, "/cases/"+again+"/decide", approval(), http.StatusForbidden)
	if !strings.Contains(own, first.say("error.separate_hands")) {
		t.Errorf("who checked it decides: %s", headings(own))
	}

	second := rosa.colleague("appeal-second", s.admin())
	second.staffSignIn("appeals2")
	second.open("/cases/" + again)
	second.pressText(second.say("case.approve"))
	second.look("decide")
	second.next()
	second.says(second.say("office.state.appeal.approved"))
	second.look("overturned")

	rosa.open("/cases/" + again)
	rosa.says(rosa.say("case.state.appeal.approved"), rosa.say("case.action.appeal.approved"))
	rosa.look("granted")
	rosa.open("/record")
	rosa.says("Rosa Delgado")
	if n := s.sql(t, `select count(*) from person where full_name = 'Rosa Delgado'`); n != "1" {
		t.Errorf("%s records of her", n)
	}
}

// appeals goes from the letter to the receipt of the appeal.
func (b *Browser) appeals(ref, letter string) (again string) {
	b.t.Helper()
	b.open("/sign-in?to=/letters/" + letter)
	b.signIn("rosa")
	b.says(ref)
	b.look("letter")
	b.open("/cases/" + ref)
	b.says(b.say("appeal.lead"))
	b.look("refused")
	b.pressText(b.say("appeal.button"))
	if again = caseRef.FindString(b.location()); again == "" || again == ref {
		b.fail(fmt.Errorf("the appeal is %q", again))
	}
	b.look("ground")
	b.choose("answer", "facts")
	b.next()
	b.next() // in her words: something has to be there
	b.look("words-error")
	b.fill("answer", "We share one kitchen.")
	b.next() // why it is late is not asked: it is not
	b.look("proof")
	b.press(`button[name=do][value=on]`)
	b.says("We share one kitchen.")
	b.look("check")
	b.choose("agree", "yes")
	b.next()
	b.at("/request/" + again + "/receipt")
	b.look("receipt")
	return again
}
