package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestRefusal is the story of an application that is refused: for one of the
// permitted reasons and no other (RULES R1), told in the applicant's language,
// with the officer's own words as they were written (R3). She can apply again.
func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ citizen, officer, words string }{
		{"en", "ar", "قال الجيران إنهم يعيشون في الخارج."},
		{"ar", "en", "The neighbours say that they live abroad."},
	} {
		t.Run(c.citizen, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			ref := signedIn(t, s.portal(), c.citizen, "rosa").applies(t, "/apply", rosasHousehold())
			signedIn(t, s.admin(), c.officer, "verifier").recommends(t, ref, "refuse")
			inventsNoReason(t, s, ref)

			approver := newBrowser(t, "refusal-approver", s.admin(), c.officer, true)
			approver.staffSignIn("approver")
			approver.refuses(ref, "outside_rules:lives_abroad", c.words)

			rosa := newBrowser(t, "refusal-rosa", s.portal(), c.citizen, true)
			rosa.isTold(ref, c.officer, c.words)
			again := rosa.appliesAgain(ref)
			if got := s.sql(t, fmt.Sprintf(`select string_agg(state, ' ' order by created_at) from case_file where ref in ('%s', '%s')`, ref, again)); got != "refused draft" {
				t.Errorf("her cases are %q", got)
			}
			if n := s.sql(t, `select count(*) from person where full_name = 'Rosa Delgado'`); n != "0" {
				t.Errorf("%s records of somebody who was refused", n)
			}
		})
	}
}

// inventsNoReason posts grounds that are not permitted: a missing paper, a fact
// of another reason, none at all.
func inventsNoReason(t *testing.T, s *System, ref string) {
	t.Helper()
	before := s.caseAsItIs(t, ref)
	v := signedIn(t, s.admin(), "en", "approver")
	for _, reason := range []string{"no_certificate:birth", "no_certificate", "outside_rules:identity", "outside_rules", ""} {
		v.mustAnswer(t, http.MethodPost, "/cases/"+ref+"/decide",
			url.Values{"decision": {"refuse"}, "reason": {reason}, "note": {"no paper"}}, http.StatusUnprocessableEntity)
	}
	if after := s.caseAsItIs(t, ref); after != before {
		t.Errorf("the case was %s and is %s", before, after)
	}
}

func (b *Browser) refuses(ref, reason, words string) {
	b.t.Helper()
	b.pressText(ref)
	b.says(b.say("case.recommends.refuse"))
	b.look("case")
	b.pressText(b.say("case.decide"))
	b.choose("decision", "refuse")
	b.choose("reason", reason)
	b.fill("note", words)
	b.look("decide")
	b.next()
	b.says(b.say("office.state.refused"), b.reason("registration", "outside_rules", ""), words)
	b.look("refused")
}

// isTold is what the applicant reads.
func (b *Browser) isTold(ref, lang, words string) {
	t := b.t
	t.Helper()
	b.open("/sign-in?to=/home")
	b.signIn("rosa")
	b.says(b.say("case.state.refused"))
	b.look("home")
	b.press(`#main-content a[href$="/cases/` + ref + `"]`)
	b.says(b.say("case.action.refused"), b.reason("registration", "outside_rules", ""), b.reason("registration", "outside_rules", "lives_abroad"),
		b.say("words.officer"), words, b.say("case.refused_next"))
	b.hides("Abena Approver", "Viktor Verifier")
	b.look("case")
	said := b.find(`(() => {
		const q = document.querySelector('blockquote.dft-words');
		return [q.lang, q.dir, q.innerText.trim(), q.previousElementSibling.innerText.trim()].join('|')
	})()`)
	if want := strings.Join([]string{lang, "auto", words, b.say("words.officer")}, "|"); said != want {
		t.Errorf("the officer's words are marked %q instead of %q", said, want)
	}
}

// appliesAgain opens a new application; the refused one stays to be read.
func (b *Browser) appliesAgain(refused string) (again string) {
	b.t.Helper()
	b.open("/home")
	b.pressText(b.say("home.apply"))
	b.next0()
	if again = caseRef.FindString(b.location()); again == "" || again == refused {
		b.fail(fmt.Errorf("the new application is %q", again))
	}
	b.at("/apply/" + again)
	b.open("/home")
	b.says(b.say("home.draft"), refused, again)
	b.look("home-again")
	return again
}
