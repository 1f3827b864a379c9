package e2e

import (
	"strings"
	"testing"
)

// TestStaffComeAndGo: one administrator proposes that somebody begins to work here,
// another person agrees; a role that is given directly in an area ends; who leaves
// is refused at the next page.
func TestStaffComeAndGo(t *testing.T) {
	t.Parallel()
	s := ownSystem(t)
	admin := newBrowser(t, "staff", s.admin(), "en", true)
	admin.staffSignIn("sysadmin")
	dpo := admin.colleague("staff-dpo", s.admin())
	dpo.staffSignIn("dpo")
	agreed := func() {
		t.Helper()
		admin.says(admin.say("setting.state.proposed"))
		parts := strings.Split(strings.Split(admin.location(), "?")[0], "/")
		dpo.open("/settings/changes/" + parts[len(parts)-1])
		dpo.look("staff-change")
		dpo.choose("decision", "approve")
		dpo.next()
		dpo.says(dpo.say("setting.state.applied"))
	}

	admin.open("/settings/staff")
	admin.pressText(admin.say("setting.staff_add"))
	admin.next()
	admin.says(admin.say("setting.error.account"), admin.say("setting.error.staff_name"), admin.say("setting.error.role"), admin.say("setting.error.choose_office"))
	admin.look("staff-new-errors")
	admin.fill("account", "directory-77")
	admin.fill("name", "Noor Newcomer")
	admin.choose("role", "intake")
	admin.pick("office", "north")
	admin.fill("area", "MJ02")
	admin.next()
	admin.says(admin.say("setting.error.office_or_area"))
	admin.pick("office", "")
	admin.next()
	agreed()
	if got := s.sql(t, `select count(*) from staff f join staff_role r on r.staff_id = f.id join area a on a.id = r.area_id
		where f.sub = 'directory-77' and f.active and r.role = 'intake' and a.code = 'MJ02'`); got != "1" {
		t.Errorf("%s such members of staff", got)
	}
	admin.open("/settings/staff")
	admin.says("Noor Newcomer")
	admin.look("staff-list")

	nadia := signedIn(t, s.admin(), "en", "approver-north")
	nadia.mustGet(t, "/areas")
	admin.pressText("Nadia North")
	admin.look("staff-member")
	admin.pressText(admin.say("setting.leave"))
	agreed()
	if a, err := nadia.ask("GET", "/areas", nil); err != nil || strings.Contains(a.body, "MJ01") {
		t.Errorf("who left still reads areas (%v)", err)
	}
	if got := s.sql(t, `select count(*) from staff f join staff_role r on r.staff_id = f.id where f.name = 'Nadia North' and (f.active or r.valid_to is null)`); got != "0" {
		t.Error("who left has a role")
	}
	admin.open("/settings/staff")
	admin.pressText("Nadia North")
	admin.says(admin.say("setting.back_lead"))
	admin.look("staff-left")
}
