package auth_test

import (
	"slices"
	"testing"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
)

// policy says again, apart from the code, who may do what.
var policy = map[auth.Permission][]string{
	auth.CaseRead:         {"intake", "verifier", "approver", "approver2", "appeals", "grievance", "protection", "dataquality"},
	auth.CaseAsk:          {"intake", "verifier", "appeals", "grievance", "protection", "dataquality"},
	auth.CaseIntake:       {"intake"},
	auth.CaseRecommend:    {"verifier", "appeals", "grievance", "protection"},
	auth.CaseDecide:       {"approver", "approver2", "appeals", "grievance", "protection"},
	auth.CaseOpen:         {"verifier", "approver", "approver2", "dataquality"},
	auth.FreezeEdit:       {"programme"},
	auth.DelegateGrant:    {"intake"},
	auth.CredentialRead:   {"credential"},
	auth.CredentialRevoke: {"credential"},
	auth.FieldEdit:        {"dataquality", "sysadmin"},
	auth.SettingRead:      {"dpo", "sysadmin"},
	auth.SettingEdit:      {"sysadmin"},
	auth.SettingApprove:   {"dpo", "sysadmin"},
	auth.AreaRead:         {"approver", "approver2", "dataquality"},
	auth.AreaPropose:      {"dataquality"},
	auth.AreaApprove:      {"approver", "approver2"},
	auth.ImportRead:       {"approver", "approver2", "dataquality"},
	auth.ImportRun:        {"dataquality"},
	auth.ImportApprove:    {"approver", "approver2"},
	auth.PersonRead:       {"approver", "approver2", "dataquality", "protection", "verifier"},
	auth.PersonProtected:  {"protection"},
	auth.PersonNumber:     {"dataquality", "protection", "verifier"},
	auth.ChangeRead:       {"approver", "approver2", "dataquality", "protection", "verifier"},
	auth.ChangePropose:    {"dataquality", "protection"},
	auth.ChangeVerify:     {"verifier"},
	auth.ChangeApprove:    {"approver", "approver2"},
	auth.PersonSearch:     {"appeals", "approver", "approver2", "credential", "dataquality", "grievance", "intake", "programme", "protection", "verifier"},
	auth.PersonExport:     {"dataquality", "programme"},
	auth.FilterShare:      {"dataquality", "programme"},
	auth.AuditRead:        {"auditor", "dpo"},
	auth.AlertRead:        {"dpo"},
	auth.QuestionAnswer:   {"dpo"},
	auth.DelayRead:        {"approver2", "auditor", "dpo", "programme"},
	auth.DelayRequest:     {"approver2", "programme"},
	auth.DelayDecide:      {"dpo"},
	auth.LookRelease:      {"dpo", "protection"},
	auth.KinEnd:           {"dpo"},
	auth.DuplicateRead:    {"approver", "approver2", "dataquality", "protection", "verifier"},
	auth.DuplicateDecide:  {"dataquality", "protection"},
	auth.LetterPrint:      {"intake", "protection"},
	auth.LetterRead:       {"appeals", "programme"},
	auth.LetterEdit:       {"programme"},
	auth.LetterReview:     {"appeals"},
	auth.DecisionSend:     {"programme"},
	auth.RuleRead:         {"ministry", "programme"},
	auth.RuleApprove:      {"ministry"},
	auth.EmergencyAsk:     {"approver", "approver2", "protection", "verifier"},
	auth.EmergencyOpen:    {"approver2", "protection"},
	auth.OutageRecord:     {"support", "sysadmin"},
}

var someID = db.ID{1}

func member(role string) auth.Principal {
	return auth.Principal{Audience: auth.Admin, ID: someID, Grants: []auth.Grant{{Role: role, Area: someID}}}
}

func TestEveryPermissionAndRole(t *testing.T) {
	t.Parallel()
	roles := auth.Roles()
	if len(roles) != 15 {
		t.Errorf("%d roles; is the new one in the table?", len(roles))
	}
	for need, holders := range policy {
		for _, role := range roles {
			if got, want := member(role).May(need), slices.Contains(holders, role); got != want {
				t.Errorf("%s may %s: %t", role, need, got)
			}
		}
	}
}

func TestPrincipalMay(t *testing.T) {
	t.Parallel()
	every := []auth.Permission{auth.Public, auth.Citizen, auth.Staff}
	for need := range policy {
		every = append(every, need)
	}
	everyRole := auth.Principal{Audience: auth.Admin, ID: someID}
	for _, role := range auth.Roles() {
		everyRole.Grants = append(everyRole.Grants, auth.Grant{Role: role, Area: someID})
	}
	anonymous := everyRole
	anonymous.ID = db.ID{}
	citizen := everyRole
	citizen.Audience = auth.Portal
	for name, c := range map[string]struct {
		who auth.Principal
		may []auth.Permission
	}{
		"nobody":               {auth.Principal{}, []auth.Permission{auth.Public}},
		"not signed in":        {anonymous, []auth.Permission{auth.Public}},
		"citizen":              {auth.Principal{Audience: auth.Portal, ID: someID}, []auth.Permission{auth.Public, auth.Citizen}},
		"citizen with grants":  {citizen, []auth.Permission{auth.Public, auth.Citizen}},
		"staff without a role": {auth.Principal{Audience: auth.Admin, ID: someID}, []auth.Permission{auth.Public, auth.Staff}},
		"unknown role":         {member("minister"), []auth.Permission{auth.Public, auth.Staff}},
		"sysadmin":             {member("sysadmin"), []auth.Permission{auth.Public, auth.Staff, auth.FieldEdit, auth.SettingRead, auth.SettingEdit, auth.SettingApprove, auth.OutageRecord}},
		"every role":           {everyRole, slices.DeleteFunc(slices.Clone(every), func(p auth.Permission) bool { return p == auth.Citizen })},
	} {
		for _, need := range every {
			if got, want := c.who.May(need), slices.Contains(c.may, need); got != want {
				t.Errorf("%s may %s: %t", name, need, got)
			}
		}
		for _, need := range []auth.Permission{"", "case", "case.read ", "CASE.READ", "no.such"} {
			if c.who.May(need) {
				t.Errorf("%s may %q", name, need)
			}
		}
	}
}

func TestAreasAreThoseOfTheRoleThatPermits(t *testing.T) {
	t.Parallel()
	here, there := db.ID{1}, db.ID{2}
	p := auth.Principal{Audience: auth.Admin, ID: someID, Grants: []auth.Grant{
		{Role: "intake", Area: here}, {Role: "approver", Area: there},
	}}
	for need, want := range map[auth.Permission][]db.ID{
		auth.CaseRead: {here, there}, auth.CaseIntake: {here}, auth.CaseDecide: {there}, auth.CredentialRead: nil,
	} {
		if got := p.Areas(need); !slices.Equal(got, want) {
			t.Errorf("%s: %v", need, got)
		}
	}
}

func TestDatabasePrincipalFollowsTheSite(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who  auth.Principal
		at   auth.Audience
		want db.Principal
	}{
		"anonymous in the portal": {auth.Principal{}, auth.Portal, db.Principal{Role: db.Citizen, Kind: "anonymous"}},
		"anonymous in admin":      {auth.Principal{}, auth.Admin, db.Principal{Role: db.Staff, Kind: "anonymous"}},
		"citizen":                 {auth.Principal{Audience: auth.Portal, ID: someID}, auth.Portal, db.Principal{Role: db.Citizen, Kind: "citizen", Actor: someID}},
		"staff":                   {member("intake"), auth.Admin, db.Principal{Role: db.Staff, Kind: "staff", Actor: someID}},
	} {
		if got := c.who.DB(c.at); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestDemoStaffHaveTheirOneRole(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	for key, role := range map[string]string{"intake": "intake", "approver-north": "approver", "sysadmin": "sysadmin"} {
		p, _ := resolve(t, d, auth.Admin, start(t, d, auth.Admin, officer(key), db.ID{}))
		if len(p.Grants) != 1 || p.Grants[0].Role != role || !p.AuthTime.Equal(dbtest.Start) {
			t.Errorf("%s: %+v", key, p)
		}
	}
}
