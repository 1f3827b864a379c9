package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestStepUp: an approver who signed in the ordinary way is stopped, proves to
// be themselves in a strong way, and sends what they had typed, which nobody
// else can.
func TestStepUp(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	stepUp(t, s, "en", "rosa")
}

func stepUp(t *testing.T, s *System, lang, person string) {
	ref := signedIn(t, s.portal(), "en", person).applies(t, "/apply", rosasHousehold())
	signedIn(t, s.admin(), "en", "verifier").recommends(t, ref, "approve")

	approver := newBrowser(t, "stepup", s.admin(), lang, false)
	approver.open("/sign-in")
	approver.choose("acr", "normal")
	approver.signIn("approver")
	approver.open("/cases/" + ref + "/decide")
	approver.choose("decision", "return")
	approver.fill("note", "Please measure the roof again")
	before := s.caseAsItIs(t, ref)
	approver.next()
	approver.says(approver.say("stepup.title"), approver.say("stepup.kept"))
	approver.look("asked")
	if after := s.caseAsItIs(t, ref); after != before {
		t.Fatalf("it went through without a step-up: the case was %s and is %s", before, after)
	}

	// What waits is the approver's own: for others there is nothing.
	_, held, _ := strings.Cut(approver.location(), s.admin()+"/"+lang)
	other := signedIn(t, s.admin(), lang, "approver2")
	if page := other.mustGet(t, held); strings.Contains(page, "measure the roof") || !strings.Contains(page, approver.say("stepup.over")) {
		t.Error("somebody else sees what waits")
	}
	other.mustAnswer(t, http.MethodGet, "/step-up?form=x", nil, http.StatusSeeOther)

	approver.press("#step-up")
	approver.signIn("approver") // the strong way
	approver.says(approver.say("stepup.done"))
	approver.look("proved")
	approver.next()
	approver.says("Please measure the roof again")
	if after := s.caseAsItIs(t, ref); after == before {
		t.Error("it did not go through after the step-up")
	}
	// For ten minutes nothing more is asked; then it is.
	s.sql(t, `update session set strong_at = strong_at - interval '10 minutes'`)
	signedIn(t, s.admin(), "en", "verifier").recommends(t, ref, "approve")
	approver.open("/cases/" + ref + "/decide")
	approver.choose("decision", "approve")
	approver.next()
	approver.says(approver.say("stepup.title"))
}
