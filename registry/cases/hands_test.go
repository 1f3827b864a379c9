package cases_test

import (
	"slices"
	"testing"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
)

// The four steps that need other hands, as anybody can write them who has the
// staff site's connection and none of its code.
var steps = map[string]string{
	"verify":  `select verify_change($1, '2026-03-03')`,
	"return":  `select return_change($1)`,
	"approve": `select approve_change($1, '2026-03-03')`,
	"refuse":  `select refuse_change($1)`,
}

func (o *office) raw(t *testing.T, who db.Principal, statement string, args ...any) error {
	t.Helper()
	return o.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(statement, args...) })
}

func TestSeparateHandsWithoutTheProgram(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	opener, second, verifier, approver, earlier := o.officer(t), o.officer(t), o.officer(t), o.officer(t), o.officer(t)
	citizen := o.citizen(t)
	do := func(who hand, fn func(db.Tx, cases.Actor) error) {
		t.Helper()
		o.do(t, who.Principal, func(tx db.Tx) error { return fn(tx, who.Actor) })
	}
	recommend := func(who hand, ref string) {
		t.Helper()
		do(who, func(tx db.Tx, by cases.Actor) error {
			_, err := cases.Recommend(tx, by, ref, "approve", "", "en")
			return err
		})
	}
	answer := func(who hand, ref string) {
		t.Helper()
		do(approver, func(tx db.Tx, by cases.Actor) error { return cases.Ask(tx, by, ref, nil, "?", "en") })
		do(who, func(tx db.Tx, by cases.Actor) error {
			_, err := cases.Answer(tx, by, ref, o.form, "", "en")
			return err
		})
	}
	asStaff := func(h hand) db.Principal { return db.Principal{Role: db.Staff, Kind: "staff", Actor: h.Actor.ID} }

	// Taken by one officer, answered by a second: the proposal is the second's.
	fresh := o.submitted(t, opener)
	answer(second, fresh)
	// The same, checked by one officer, returned, and checked by another.
	checked := o.submitted(t, opener)
	answer(second, checked)
	recommend(earlier, checked)
	do(approver, func(tx db.Tx, by cases.Actor) error { return cases.Return(tx, by, checked, "?", "en") })
	recommend(verifier, checked)
	// A citizen's own, answered at the counter.
	own := o.submitted(t, citizen)
	answer(second, own)
	recommend(verifier, own)

	for name, c := range map[string]struct {
		ref string
		who db.Principal
		may string // the steps that are theirs
	}{
		"who took it checks":          {fresh, opener.Principal, ""},
		"who answered checks":         {fresh, second.Principal, ""},
		"nobody checks":               {fresh, db.Principal{Role: db.Staff}, ""},
		"who took it decides":         {checked, opener.Principal, "return"},
		"who answered decides":        {checked, second.Principal, ""},
		"who checked decides":         {checked, verifier.Principal, ""},
		"who checked before decides":  {checked, earlier.Principal, "return"},
		"nobody decides":              {checked, db.Principal{Role: db.Staff}, ""},
		"the applicant decides":       {own, asStaff(citizen), "return"},
		"who answered for them":       {own, second.Principal, ""},
		"who checked their own":       {own, verifier.Principal, ""},
		"the applicant on their site": {own, citizen.Principal, ""},
	} {
		change := *o.read(t, opener, c.ref).Change
		for step, statement := range steps {
			if c.ref == fresh == (step != "verify") || step == c.may {
				continue // out of order, whoever it is; or theirs
			}
			err := o.raw(t, c.who, statement, change)
			if c.who.Role == db.Citizen && err != nil {
				continue // no right to the function at all
			}
			if !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %s: %v", name, step, err)
			}
		}
	}

	// A decision is the signed-in officer's, and follows the change.
	k := o.read(t, opener, checked)
	decide := func(who db.Principal, by db.ID, outcome string) error {
		return o.raw(t, who, `
			insert into decision (id, ref, kind, case_id, outcome, decided_at, decided_by)
			values (gen_random_uuid(), gen_random_uuid()::text, 'case', $1, $2, '2026-03-03', $3)`, k.ID, outcome, by)
	}
	if err := decide(approver.Principal, approver.Actor.ID, "approved"); !fault.Is(err, fault.Conflict) {
		t.Error("decided before the change was: ", err)
	}
	if err := o.raw(t, approver.Principal, `select apply_change($1, '2026-03-03')`, *k.Change); !fault.Is(err, fault.Conflict) {
		t.Error("applied without approval: ", err)
	}
	if err := o.raw(t, approver.Principal, steps["approve"], *k.Change); err != nil {
		t.Fatal(err)
	}
	if err := o.raw(t, approver.Principal, `select apply_change($1, '2026-03-03')`, *k.Change); err != nil {
		t.Fatal(err)
	}
	for name, who := range map[string]hand{"opener": opener, "second": second, "verifier": verifier, "earlier": earlier} {
		if err := decide(who.Principal, who.Actor.ID, "approved"); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s decided: %v", name, err)
		}
		if err := decide(who.Principal, approver.Actor.ID, "approved"); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s decided in another's name: %v", name, err)
		}
	}
	if err := decide(approver.Principal, approver.Actor.ID, "refused"); !fault.Is(err, fault.Conflict) {
		t.Error("refused what was applied: ", err)
	}
	if err := decide(approver.Principal, approver.Actor.ID, "approved"); err != nil {
		t.Error(err)
	}
	if err := decide(o.officer(t).Principal, approver.Actor.ID, "approved"); err == nil {
		t.Error("decided twice")
	}
}

// What a site's connection could be made to say, whatever its pages allow.
func TestCaseFilesCannotBeWrittenAround(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c, ref := o.reach(t, cases.StateRecommended)
	_, other := o.reach(t, cases.StateSubmitted)
	k, change := o.read(t, c.citizen, ref), *o.read(t, c.intake, other).Change
	for name, statement := range map[string]string{
		"approved":              `update case_file set state = 'approved' where id = $1 and $2::uuid is not null`,
		"refused":               `update case_file set state = 'refused' where id = $1 and $2::uuid is not null`,
		"another proposal":      `update case_file set change_id = $2 where id = $1`,
		"no proposal":           `update case_file set change_id = null, state = 'draft' where id = $1 and $2::uuid is not null`,
		"another account":       `update case_file set account_id = $2 where id = $1`,
		"opened by another":     `update case_file set opened_by = $2 where id = $1`,
		"another reference":     `update case_file set ref = $2::text where id = $1`,
		"an event undone":       `delete from case_event where case_id = $1 and $2::uuid is not null`,
		"an event of another's": `insert into case_event (id, case_id, at, action, from_state, to_state, actor) values (gen_random_uuid(), $1, '2026-03-03', 'asked', 'x', 'y', $2)`,
		"an event rewritten":    `update case_event set actor = $2 where case_id = $1`,
		"the case gone":         `delete from case_file where id = $1 and $2::uuid is not null`,
		"made approved":         `insert into case_file (id, ref, kind, kind_id, desk, channel, account_id, language, created_at, state) select gen_random_uuid(), $2::text, kind, kind_id, desk, channel, account_id, language, created_at, 'approved' from case_file where id = $1`,
		"the change approved":   `update change set state = 'approved' where id = $2 and $1::uuid is not null`,
		"the items replaced":    `update change_item set data = '{}' where change_id = $2 and $1::uuid is not null`,
		"the items taken away":  `delete from change_item where change_id = $2 and $1::uuid is not null`,
		"items added":           `insert into change_item (change_id, seq, kind, subject_id, base_version, data) values ($2, 99, 'person', $1, 0, '{}')`,
	} {
		for _, who := range []db.Principal{c.citizen.Principal, c.intake.Principal, c.approver.Principal} {
			if err := o.raw(t, who, statement, k.ID, change); err == nil {
				t.Errorf("%s: %s", who.Role, name)
			}
		}
	}
}

// R8: an officer who declares a relative still works on everybody else's cases of
// every kind; only the relative's are not there any more.
func TestR8CasesOfOthersStayAfterDeclaringRelatives(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, zawadi, officer := o.member(t, "Amina Yusuf"), o.member(t, "Zawadi Mushi"), o.officer(t)
	others := []string{
		o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 40.0}),
		o.submitted(t, o.citizen(t)), // a registration names its people in another place
	}
	hers := o.files(t, zawadi, "job", registry.Values{"who": o.ref(t, "Zawadi Mushi"), "monthly_income": 40.0})
	o.do(t, officer.Principal, func(tx db.Tx) error { return auth.DeclareKin(tx, auth.KinRelative, o.ref(t, "Zawadi Mushi")) })
	var listed []string
	o.do(t, officer.Principal, func(tx db.Tx) error {
		rows, _, err := cases.Queue(tx, officer.Actor, cases.Filter{View: cases.Team, Limit: 50, Today: dbtest.Start})
		for _, r := range rows {
			listed = append(listed, r.Ref)
		}
		return err
	})
	for _, ref := range others {
		if !slices.Contains(listed, ref) {
			t.Error("the queue lost a case of somebody else")
		}
		o.do(t, officer.Principal, func(tx db.Tx) error { _, err := cases.Read(tx, officer.Actor, ref); return err })
	}
	if slices.Contains(listed, hers) {
		t.Error("the queue shows the relative's case")
	}
}
