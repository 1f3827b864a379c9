package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestStaleProposal: the record moves on between the proposal and the decision.
// Nothing is applied on top of what nobody saw: the proposal is made anew, checked
// again, and shown with what changed (invariant 4).
func TestStaleProposal(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			income := func(amount string) string {
				amina := signedIn(t, s.portal(), lang, "amina")
				ref := amina.tells(t, "job")
				at := "/request/" + ref
				her := s.sql(t, `select ref from person where full_name = 'آمنة يوسف'`)
				amina.fills(t, at, []Page{{"q/who", one("answer", her)}, {"q/since", one("answer-day", "")}, {"q/work", one("answer", "")},
					{"q/livelihood", one("answer", "none")}, {"q/monthly_income", one("answer", amount)}, {"proof", one("do", "on")}})
				amina.mustSave(t, at+"/check", url.Values{"note": {""}, "agree": {"yes"}})
				return ref
			}
			first, second := income("120"), income("80")
			signedIn(t, s.admin(), lang, "verifier").recommends(t, first, "approve")
			signedIn(t, s.admin(), lang, "verifier").recommends(t, second, "approve")
			signedIn(t, s.admin(), lang, "approver").approves(t, first)

			officer := newBrowser(t, "stale-officer", s.admin(), lang, true)
			officer.staffSignIn("approver")
			officer.open("/cases/" + second)
			officer.says(officer.say("case.moved_on"))
			officer.look("moved-on")
			officer.pressText(officer.say("case.approve"))
			officer.next()
			if n := s.sql(t, `select count(*) from household where (fields->>'monthly_income')::numeric = 80`); n != "0" {
				t.Fatal("it was applied on top of what nobody saw")
			}
			s.until(t, `select 'again' from case_event e join case_file c on c.id = e.case_id where c.ref = '`+second+`' and e.action = 'renewed'`)
			officer.open("/cases/" + second)
			officer.says(officer.say("office.action.renewed"), officer.say("office.state.submitted"), "120")
			officer.look("renewed")

			signedIn(t, s.admin(), lang, "verifier").recommends(t, second, "approve")
			officer.open("/cases/" + second)
			officer.pressText(officer.say("case.approve"))
			officer.next()
			officer.says(officer.say("office.state.approved"))
			if n := s.sql(t, `select count(*) from household where (fields->>'monthly_income')::numeric = 80`); n != "1" {
				t.Error("what was approved was not applied")
			}
		})
	}
}

// TestBulk: many are approved at once with one reason, in a second person's hands;
// one that oneself checked makes the whole list unfit, however it is sent.
func TestBulk(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := ownSystem(t)
			intake, verifier := signedIn(t, s.admin(), lang, "intake"), signedIn(t, s.admin(), lang, "verifier")
			var refs []string
			for range 3 {
				refs = append(refs, intake.applies(t, "/counter", aHousehold("Nobody Known", "By the well")))
			}
			for _, ref := range refs[:2] {
				verifier.recommends(t, ref, "approve")
			}
			// the approver is a verifier, too, and checks the third
			s.sql(t, `insert into staff_role (staff_id, role, area_id, valid_from) select r.staff_id, 'verifier', r.area_id, r.valid_from from staff_role r join staff f on f.id = r.staff_id where f.name = 'Abena Approver'`)
			both := signedIn(t, s.admin(), lang, "approver")
			both.recommends(t, refs[2], "approve")
			page := both.mustAnswer(t, http.MethodPost, "/cases/bulk/approve", url.Values{"ref": refs, "reason": {"All were visited."}}, http.StatusForbidden)
			if !strings.Contains(page, refs[2]) {
				t.Errorf("it does not say which one is one's own: %s", headings(page))
			}
			approved(t, s, "0")

			officer := newBrowser(t, "bulk-officer", s.admin(), lang, true)
			officer.staffSignIn("approver")
			officer.open("/cases?view=decide")
			officer.look("queue")
			for _, ref := range refs[:2] {
				officer.choose("ref", ref)
			}
			officer.do(chromedp.Evaluate[chromedp.Void](`(() => {
				const own = document.createElement('input'); own.type = 'hidden'; own.name = 'ref'; own.value = '` + refs[2] + `'
				document.querySelector('form[action$="/cases/bulk"]').append(own) })()`))
			officer.pressText(officer.say("bulk.look"))
			officer.says(officer.say("bulk.unfit"), refs[2], officer.say("error.separate_hands"))
			officer.look("unfit")

			officer.open("/cases?view=decide")
			for _, ref := range refs[:2] {
				officer.choose("ref", ref)
			}
			officer.pressText(officer.say("bulk.look"))
			officer.next()
			officer.says(officer.say("bulk.error.reason"))
			officer.look("bulk-error")
			officer.fill("reason", "All were visited.")
			officer.next()
			officer.says(refs[0], refs[1], officer.say("office.state.approved"))
			officer.look("done")
			approved(t, s, "2")
		})
	}
}

// approved compares how many registrations were approved.
func approved(t *testing.T, s *System, want string) {
	t.Helper()
	if got := s.sql(t, `select count(*) from case_file where kind = 'registration' and state = 'approved'`); got != want {
		t.Fatalf("%s were approved instead of %s", got, want)
	}
}
