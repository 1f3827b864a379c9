package settings_test

import (
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry/settings"
)

// propose stores a proposal of the first officer; approve has the second agree.
func propose(t *testing.T, d *dbtest.DB, fn func(db.Tx, settings.Proposal) (string, error)) (ref string, err error) {
	t.Helper()
	err = d.WithTx(t.Context(), officer(1), func(tx db.Tx) (err error) {
		ref, err = fn(tx, settings.Proposal{Origin: settings.OriginPage})
		return err
	})
	return ref, err
}

func approve(t *testing.T, d *dbtest.DB, who db.Principal, ref string) error {
	t.Helper()
	return d.WithTx(t.Context(), who, func(tx db.Tx) error { return settings.Approve(tx, ref) })
}

func posts(t *testing.T, d *dbtest.DB, name string) (id db.ID, active bool, roles string) {
	t.Helper()
	as(t, d, officer(1), func(tx db.Tx) error {
		list, err := settings.Staff(tx)
		for _, m := range list {
			if m.Name == name {
				id, active = m.ID, m.Active
				for _, p := range m.Roles {
					roles += p.Role.Role + "@" + p.Office + p.Area + " "
				}
			}
		}
		return err
	})
	return id, active, roles
}

// Somebody begins with a role when a second person agreed, and not before; leaves
// when a second person agreed, and then has no role and no session; comes back
// without any.
func TestOfficialsComeAndGo(t *testing.T) {
	t.Parallel()
	d := open(t)
	start := func(o settings.Official, r settings.Role) (string, error) {
		return propose(t, d, func(tx db.Tx, p settings.Proposal) (string, error) { return settings.ProposeOfficial(tx, o, r, p) })
	}
	for what, o := range map[string]settings.Official{
		"no account": {Name: "Dalia"}, "an account that no directory gives": {Account: "a b", Name: "Dalia"}, "no name": {Account: "d"},
		"an account that somebody has": {Account: "c", Name: "Dalia"},
	} {
		if _, err := start(o, settings.Role{Role: "intake", Area: "MJ01"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ref, err := start(settings.Official{Account: "d", Name: "Dalia"}, settings.Role{Role: "intake", Area: "MJ01"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := start(settings.Official{Account: "d", Name: "Dalia Two"}, settings.Role{Role: "intake", Area: "MJ02"})
	if err != nil {
		t.Fatal(err)
	}
	if id, _, _ := posts(t, d, "Dalia"); id != (db.ID{}) {
		t.Error("one person was enough")
	}
	if err := approve(t, d, officer(1), ref); !fault.Is(err, fault.Forbidden) {
		t.Errorf("who proposed approved: %v", err)
	}
	if err := approve(t, d, officer(2), ref); err != nil {
		t.Fatal(err)
	}
	dalia, active, roles := posts(t, d, "Dalia")
	if !active || roles != "intake@MJ01 " {
		t.Errorf("%v %s", active, roles)
	}
	if err := approve(t, d, officer(2), second); !fault.Is(err, fault.Conflict) {
		t.Errorf("two of one account: %v", err)
	}

	// roles directly in an area: one that excludes another, one's own, one that ends
	role := func(r settings.Role) (string, error) {
		return propose(t, d, func(tx db.Tx, p settings.Proposal) (string, error) { return settings.ProposeRole(tx, r, p) })
	}
	agreed := func(r settings.Role) error {
		ref, err := role(r)
		if err != nil {
			return err
		}
		return approve(t, d, officer(2), ref)
	}
	if err := agreed(settings.Role{Staff: dalia, Role: "verifier", Area: "MJ02"}); !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Invalid) {
		t.Errorf("who takes in checks, too: %v", err)
	}
	if err := agreed(settings.Role{Staff: officer(2).Actor, Role: "dpo", Area: "MJ"}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a role of one's own was agreed to: %v", err)
	}
	if err := agreed(settings.Role{Staff: dalia, Role: "grievance", Area: "MJ02", From: d.Now().Add(time.Hour).Format(time.RFC3339)}); err != nil {
		t.Fatal(err)
	}
	var grievance int
	as(t, d, officer(1), func(tx db.Tx) error {
		return tx.Get(&grievance, `select count(*) from staff_scope where staff_id = $1 and role = 'grievance' and valid_from <= $2`, dalia, tx.Now())
	})
	if grievance != 0 {
		t.Error("a role began before its day")
	}
	if err := agreed(settings.Role{Staff: dalia, Role: "intake", Area: "MJ01", Ended: true}); err != nil {
		t.Fatal(err)
	}
	if _, _, roles := posts(t, d, "Dalia"); roles != "grievance@MJ02 " {
		t.Error(roles)
	}

	leave := func(id db.ID, leaves bool) (string, error) {
		return propose(t, d, func(tx db.Tx, p settings.Proposal) (string, error) { return settings.ProposeLeaving(tx, id, leaves, p) })
	}
	if _, err := leave(officer(1).Actor, true); !fault.Is(err, fault.Invalid) {
		t.Errorf("who runs it ended themselves: %v", err)
	}
	if ref, err = leave(officer(2).Actor, true); err != nil {
		t.Fatal(err)
	}
	if err := approve(t, d, officer(2), ref); !fault.Is(err, fault.Forbidden) {
		t.Errorf("somebody agreed to their own end: %v", err)
	}
	if ref, err = leave(dalia, true); err != nil {
		t.Fatal(err)
	}
	if err := approve(t, d, officer(2), ref); err != nil {
		t.Fatal(err)
	}
	if _, active, roles := posts(t, d, "Dalia"); active || roles != "" {
		t.Errorf("left, and still %v with %s", active, roles)
	}
	if _, err := role(settings.Role{Staff: dalia, Role: "intake", Area: "MJ01"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a role for somebody who left: %v", err)
	}
	if ref, err = leave(dalia, false); err != nil {
		t.Fatal(err)
	}
	if err := approve(t, d, officer(2), ref); err != nil {
		t.Fatal(err)
	}
	if _, active, roles := posts(t, d, "Dalia"); !active || roles != "" {
		t.Errorf("back: %v with %s", active, roles)
	}
}
