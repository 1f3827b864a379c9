package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestLinking: rosa's sign-in does not say that she is in the registry. She takes a
// code to an office, two officials look at her proof, and her record is hers.
func TestLinking(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			linking(t, lang)
		})
	}
}

func linking(t *testing.T, lang string) {
	s := ownSystem(t)
	person := strings.TrimPrefix(s.record(t, "Joseph Okello"), "/people/")
	rosa := newBrowser(t, "linking-rosa", s.portal(), lang, lang == "ar")
	rosa.open("/sign-in?to=/home")
	rosa.signIn("rosa")
	rosa.pressText(rosa.say("link.title"))
	rosa.look("before")
	rosa.pressText(rosa.say("link.make"))
	rosa.says(rosa.say("link.code"))
	rosa.look("code")
	code := strings.TrimSpace(rosa.find(`document.querySelector('.dft-code').innerText`))

	clerk := rosa.colleague("linking-clerk", s.admin())
	clerk.staffSignIn("intake")
	clerk.open("/counter/for/" + person)
	clerk.pressText(clerk.say("link.counter"))
	clerk.look("counter")
	clerk.next()
	clerk.says(clerk.say("link.error.proof"), clerk.say("rule.link_code"))
	clerk.look("counter-error")
	clerk.fill("code", "6-22222-22222")
	clerk.fill("proof", "Her card")
	clerk.next()
	clerk.says(clerk.say("rule.link_code"))
	clerk.fill("code", code)
	clerk.next()
	clerk.at("/counter/for/" + person)

	approver := rosa.colleague("linking-approver", s.admin())
	approver.staffSignIn("approver")
	approver.press(`.govuk-service-navigation__link[href$="/links"]`)
	approver.says(person)
	approver.look("list")
	approver.pressText(person)
	approver.says("Joseph Okello", "Her card")
	approver.look("decide")
	approver.next()
	approver.says(approver.say("link.error.decision"))
	approver.look("decide-error")
	ref := "/links/" + s.sql(t, `select ref from account_link where state = 'proposed'`)
	signedIn(t, s.admin(), lang, "approver-north").mustAnswer(t, http.MethodPost, ref, one("decision", "yes"), http.StatusNotFound)
	signedIn(t, s.admin(), lang, "intake").mustAnswer(t, http.MethodPost, ref, one("decision", "yes"), http.StatusForbidden)
	approver.choose("decision", "yes")
	approver.next()
	approver.says(approver.say("link.none"))

	rosa.open("/record")
	rosa.says("Joseph Okello")
	rosa.open("/notices")
	rosa.says(rosa.say("notice.account_linked.title"))
	rosa.look("told")

	// the code is worth nothing any more, and hers shows nobody anything
	clerkAgain := signedIn(t, s.admin(), lang, "intake")
	clerkAgain.isRefused(t, "/counter/for/"+person+"/", Bad{"account", url.Values{"code": {code}, "proof": {"x"}}, "code", "rule.link_code", nil})
	her := signedIn(t, s.portal(), lang, "rosa")
	her.mustAnswer(t, http.MethodGet, "/account/link", nil, http.StatusNotFound)
	her.mustAnswer(t, http.MethodPost, "/account/link", nil, http.StatusNotFound)
}
