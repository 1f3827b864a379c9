package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestComplaintWithoutName is the story of a complaint of somebody who does not
// say who they are, from the first message to the answer: the code on the receipt
// is the only way back, in both directions.
func TestComplaintWithoutName(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			somebody := newBrowser(t, "nameless", s.portal(), lang, lang == "ar")
			ref, code := somebody.complains()
			if n := s.sql(t, `select count(*) from case_file where ref = '`+ref+`' and account_id is null and person_id is null and applicant = ''`); n != "1" {
				t.Error("the complaint says whose it is")
			}

			officer := somebody.colleague("nameless-officer", s.admin())
			officer.staffSignIn("grievance")
			officer.pressText(ref)
			officer.says("They asked for money.", officer.say("case.channel.anonymous"))
			officer.look("case")
			officer.pressText(officer.say("say.title"))
			officer.fill("note", "On which day was it?")
			officer.look("say")
			officer.next()
			officer.says("On which day was it?")

			somebody.readsByCode(ref, code)
			somebody.says("On which day was it?")
			somebody.look("asked")
			somebody.fill("message", "On Monday.")
			somebody.press(`form[action$="/status/message"] button[type=submit]`)
			somebody.says("On Monday.")

			officer.open("/cases/" + ref)
			officer.says("On Monday.")
			officer.pressText(officer.say("case.decide"))
			officer.choose("decision", "approve")
			officer.fill("note", "The money was paid back. It must not happen again.")
			officer.look("decide")
			officer.next()
			officer.says(officer.say("office.state.grievance.approved"))

			somebody.readsByCode(ref, code)
			somebody.says(somebody.say("case.state.grievance.approved"), "The money was paid back.")
			somebody.look("answered")
			somebody.hides("Greta Grievance")
			somebody.tries(ref, "AAAA-AAAA")
			somebody.says(somebody.say("status.error.unknown"))
			somebody.look("unknown")
			complaintSentTwice(t, s, lang)
		})
	}
}

// complaintSentTwice: the receipt is the answer to the form, so reloading it sends
// the form again. It is the same receipt, and later none.
func complaintSentTwice(t *testing.T, s *System, lang string) {
	t.Helper()
	v := newVisitor(t, s.portal(), lang)
	page := v.mustAnswer(t, http.MethodGet, "/complain/payment", nil, http.StatusOK)
	found := regexp.MustCompile(`name="once" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the form has no name")
	}
	form := url.Values{"once": {found[1]}, "what": {"Nothing came in March."}, "area": {"MJ0101"}}
	first := v.mustAnswer(t, http.MethodPost, "/complain/payment", form, http.StatusOK)
	ref, code := caseRef.FindString(first), regexp.MustCompile(`class="dft-code"><bdi dir="ltr">([^<]+)<`).FindStringSubmatch(first)
	if ref == "" || code == nil {
		t.Fatal("the receipt has no reference or no code")
	}
	if again := v.mustAnswer(t, http.MethodPost, "/complain/payment", form, http.StatusOK); !strings.Contains(again, ref) || !strings.Contains(again, code[1]) {
		t.Error("reloaded, the receipt is another one")
	}
	s.sql(t, `update case_file set submitted_at = submitted_at - interval '11 minutes' where ref = '`+ref+`'`)
	if later := v.mustAnswer(t, http.MethodPost, "/complain/payment", form, http.StatusOK); strings.Contains(later, ref) || strings.Contains(later, code[1]) {
		t.Error("who opens the browser later is told the code")
	}
	if n := s.sql(t, `select count(*) from case_file where kind = 'payment' and channel = 'anonymous'`); n != "1" {
		t.Error(n, "cases")
	}
}

// complains tells of something without signing in.
func (b *Browser) complains() (ref, code string) {
	b.t.Helper()
	b.open("/events")
	b.press(`#main-content a[href$="/events/service"]`)
	b.look("before")
	b.pressText(b.say("kinds.anonymous"))
	b.look("complain")
	b.next()
	b.look("complain-error")
	b.fill("what", "They asked for money.")
	b.pick("area", "MJ0101")
	b.next()
	b.says(b.say("filing.received"))
	b.look("receipt")
	if ref = caseRef.FindString(b.text()); ref == "" {
		b.t.Fatal("the receipt has no reference")
	}
	return ref, strings.TrimSpace(b.find(`document.querySelector('.dft-code').innerText`))
}

// tries types a reference and a code.
func (b *Browser) tries(ref, code string) {
	b.t.Helper()
	b.open("/status")
	b.fill("ref", ref)
	b.fill("code", code)
	b.next()
}

func (b *Browser) readsByCode(ref, code string) {
	b.t.Helper()
	b.tries(ref, code)
	b.says(ref)
}
