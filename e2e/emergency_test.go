package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestEmergency: an approver of the north needs a record of the capital at once. A
// second person opens it; every page says so; the person sees it; it ends by the
// button, and the data protection officer looks into it.
func TestEmergency(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	person := s.sql(t, `select ref from person where full_name_latin = 'Amina Yusuf'`)
	for _, lang := range []string{"en", "ar"} {
		b := newBrowser(t, "emergency", s.admin(), lang, false)
		b.open("/sign-in")
		b.signIn("approver-north")
		b.open("/emergency")
		b.next()
		b.says(b.say("emergency.error.record"), b.say("emergency.error.what"), b.say("emergency.error.minutes", "Max", 60), b.say("emergency.error.reason"))
		b.fill("record", strings.ToLower(person))
		b.choose("what", "contacts")
		b.fill("minutes", "61")
		b.fill("reason", "She is in hospital and cannot speak")
		b.next()
		b.says(b.say("emergency.error.minutes", "Max", 60))
		b.look("wrong")
		b.fill("minutes", "30")
		b.next()
		b.says(b.say("emergency.done.asked"), b.say("emergency.state.waiting"))
		b.look("asked")
		v := signedIn(t, s.admin(), lang, "approver-north")
		v.mustAnswer(t, http.MethodGet, "/people/"+person, nil, http.StatusNotFound)

		second := newBrowser(t, "emergency-second", s.admin(), lang, false)
		second.open("/sign-in")
		second.signIn("approver2")
		second.open("/emergency/requests")
		second.says("She is in hospital and cannot speak")
		second.look("waiting")
		second.press(`button[value=open]`)
		second.says(second.say("emergency.state.open"))

		b.open("/people/" + person)
		b.says("MJ-1001-4471")
		if banner := b.find(`document.querySelector('.dft-emergency').innerText`); !strings.Contains(banner, person) {
			t.Errorf("the banner says %q", banner)
		}
		b.look("record")
		for _, path := range []string{"/households/" + s.sql(t, `select h.ref from household h join membership m on m.household_id = h.id and m.tie = 'usual' and m.end_date is null join person p on p.id = m.person_id where p.ref = '`+person+`'`),
			"/people/" + person + "/propose", "/people/" + s.sql(t, `select ref from person where full_name = 'Tomás Rivera'`)} {
			v.mustAnswer(t, http.MethodGet, path, nil, http.StatusNotFound)
		}
		b.press(".dft-emergency button")
		b.says(b.say("emergency.done.ended"))
		v.mustAnswer(t, http.MethodGet, "/people/"+person, nil, http.StatusNotFound)
		if marked := s.sql(t, `select count(*) > 0 from audit_event where action = 'person.read' and purpose = 'emergency' and detail ? 'emergency'`); marked != "t" {
			t.Error("the reading is not marked")
		}

		dpo := newBrowser(t, "emergency-dpo", s.admin(), lang, false)
		dpo.open("/sign-in")
		dpo.signIn("dpo")
		dpo.open("/alerts")
		dpo.press("tbody tr:first-child a")
		dpo.says(dpo.say("alert.means.emergency"), "She is in hospital and cannot speak")
		dpo.look("alert")
		dpo.choose("finding", "proper")
		dpo.fill("note", "Asked the ward")
		dpo.next()
		dpo.says("Asked the ward")
	}
	if page := signedIn(t, s.portal(), "en", "amina").mustGet(t, "/record/looks"); !strings.Contains(page, "An emergency, opened by two officials") {
		t.Error("she does not see it")
	}
	v := signedIn(t, s.admin(), "en", "approver-north")
	v.mustAnswer(t, http.MethodPost, "/emergency/requests/8-22222-22222", url.Values{"decision": {"open"}}, http.StatusForbidden)
	v.mustAnswer(t, http.MethodPost, "/emergency/8-22222-22222/end", nil, http.StatusNotFound)
}
