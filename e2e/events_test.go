package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestBirth is the story of a baby: amina tells of it with a certificate, the
// office sees what would change, checks it and approves it from the queue by
// keyboard, she reads the letter, and the household has one more.
func TestBirth(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			birth(t, s, lang)
		})
	}
}

func birth(t *testing.T, s *System, lang string) {
	amina := newBrowser(t, "birth-amina", s.portal(), lang, true)
	ref := amina.tellsOfABirth()

	verifier := amina.colleague("birth-verifier", s.admin())
	verifier.staffSignIn("verifier")
	verifier.checksTheBirth(ref)

	approver := amina.colleague("birth-approver", s.admin())
	approver.staffSignIn("approver")
	approver.approvesByKeyboard(ref)

	amina.open("/cases/" + ref)
	amina.says(amina.say("case.state.approved"))
	amina.look("approved")
	s.until(t, `select 'written' from letter l join case_file c on c.id = l.case_id where l.composed_at is not null and c.ref = '`+ref+`'`)
	amina.open("/cases/" + ref)
	amina.pressText(amina.say("letter.read"))
	amina.says(ref)
	amina.look("letter")
	amina.open("/record")
	amina.says("Zaynab Yusuf")
	amina.look("record")
	if n := s.sql(t, `select count(*) from membership m join case_file c on c.household_id = m.household_id and m.end_date is null where c.ref = '`+ref+`'`); n != "6" {
		t.Errorf("%s people live there", n)
	}
}

// begins goes from the list of what can happen to the first question.
func (b *Browser) begins(kind string) (ref string) {
	b.t.Helper()
	b.open("/events")
	b.look("events")
	b.press(`#main-content a[href$="/events/` + kind + `"]`)
	b.look("before")
	b.next0()
	if ref = caseRef.FindString(b.location()); ref == "" {
		b.fail(fmt.Errorf("started at %s", b.location()))
	}
	return ref
}

// picks chooses the radio or checkbox whose label says text.
func (b *Browser) picks(text string) {
	b.t.Helper()
	id := b.find(fmt.Sprintf(`[...document.querySelectorAll('#main-form label')].find(l => l.innerText.includes(%q))?.htmlFor ?? ''`, text))
	if id == "" {
		b.fail(fmt.Errorf("no choice says %q", text))
	}
	b.do(chromedp.Click(chromedp.CSS(`label[for="` + id + `"]`)))
}

func (b *Browser) tellsOfABirth() string {
	t := b.t
	t.Helper()
	b.open("/sign-in?to=/home")
	b.signIn("amina")
	b.press(`.govuk-service-navigation__link[href$="/events"]`)
	ref := b.begins("birth")
	b.look("mother")
	b.next()
	b.look("mother-error")
	b.picks("آمنة يوسف")
	b.next()
	b.look("father")
	b.picks("بلال يوسف")
	b.next()
	b.look("born")
	for _, part := range []struct{ name, value string }{{"day", "31"}, {"month", "12"}, {"year", "2999"}} {
		b.fill("answer-"+part.name, part.value)
	}
	b.next()
	b.look("born-error")
	born := time.Now().AddDate(0, 0, -9)
	for _, part := range []struct{ name, value string }{{"day", born.Format("2")}, {"month", born.Format("1")}, {"year", born.Format("2006")}} {
		b.fill("answer-"+part.name, part.value)
	}
	b.next()
	b.look("baby")
	b.choose("another", "yes")
	b.next()
	b.fill("name", "Zaynab Yusuf")
	b.choose("sex", "female")
	b.look("baby-name")
	b.next()
	b.look("babies")

	// she leaves, and goes on where she was
	b.open("/home")
	b.says(b.say("case.state.draft"))
	b.look("home-draft")
	b.press(`#main-content a[href$="/request/` + ref + `"]`)
	b.choose("another", "no")
	b.next()

	// two pages of the certificate
	b.look("proof")
	b.choose("kind", "birth_certificate")
	b.attach("photo", "fake.png", []byte("<script>alert(1)</script>"))
	b.press(`button[name=do][value=add]`)
	b.says(b.say("upload.error.type"))
	b.look("proof-error")
	for range 2 {
		b.choose("kind", "birth_certificate")
		b.attach("photo", "page.jpg", photo())
		b.press(`button[name=do][value=add]`)
	}
	b.look("proof-two")
	b.press(`button[name=do][value=on]`)
	b.says("Zaynab Yusuf")
	b.look("check")
	b.next()
	b.says(b.say("check.error.agree"))
	b.choose("agree", "yes")
	b.next()
	b.at("/request/" + ref + "/receipt")
	b.says(ref)
	b.look("receipt")
	b.pressText(b.say("receipt.follow"))
	b.look("case")
	b.fill("message", "She sleeps well.")
	b.press(`form[action$="/messages"] button[type=submit]`)
	b.says("She sleeps well.")
	b.look("case-message")
	return ref
}

func (b *Browser) checksTheBirth(ref string) {
	b.t.Helper()
	b.at("/cases")
	b.says(ref)
	b.look("queue")
	b.pressText(ref)
	b.says("Zaynab Yusuf", "She sleeps well.")
	b.look("case")
	b.pressText(b.say("case.recommend"))
	b.look("recommend")
	b.choose("outcome", "approve")
	b.next()
	b.says(b.say("office.state.recommended"))
}

// approvesByKeyboard goes from the queue to the decision with at most four
// keystrokes, the letters being turned on.
func (b *Browser) approvesByKeyboard(ref string) {
	b.t.Helper()
	b.open("/cases?view=decide")
	if strings.Contains(b.text(), b.say("keys.turn_on")) {
		b.press(`button[name=letters][value=on]`)
	}
	b.look("queue-keys")
	b.keys("j")
	for b.find(`document.activeElement.innerText`) != ref { // others' cases stand above it
		b.keys("j")
	}
	b.presses(kb.Enter)
	b.at("/cases/" + ref)
	b.presses("a")
	b.at("/cases/" + ref + "/decide")
	b.look("decide")
	b.presses(kb.Enter)
	b.at("/cases/" + ref)
	b.says(b.say("office.state.approved"))
	b.look("approved")
}

// presses presses a key and waits for the page that follows.
func (b *Browser) presses(key string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.KeyEvent(key))); err != nil {
		b.fail(fmt.Errorf("press %q: %w", key, err))
	}
}
