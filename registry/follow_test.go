package registry_test

import (
	"strings"
	"testing"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry"
)

// proposed stores items and takes them to the step before they are applied.
func proposed(t *testing.T, d *dbtest.DB, items ...registry.Item) (id db.ID) {
	t.Helper()
	do(t, d, citizen(1), func(tx db.Tx) (err error) { id, err = registry.Propose(tx, registry.OriginCase, items); return err })
	do(t, d, officer(1), func(tx db.Tx) error { return registry.Verify(tx, id) })
	do(t, d, officer(2), func(tx db.Tx) error { return registry.Approve(tx, id) })
	return id
}

func applies(t *testing.T, d *dbtest.DB, id db.ID) error {
	t.Helper()
	return d.WithTx(t.Context(), officer(2), func(tx db.Tx) error { return registry.Apply(tx, id) })
}

// leaving is the next state of somebody who leaves on a day.
func leaving(t *testing.T, d *dbtest.DB, id db.ID, day string) registry.Item {
	t.Helper()
	p, version := person(t, d, id)
	for _, m := range p.Memberships {
		if m.EndDate == "" {
			p, _ = p.Leave(m.ID, day, "moved")
		}
	}
	return registry.Item{Kind: registry.KindPerson, Subject: id, BaseVersion: version, Reason: "moved", Data: p}
}

// standing is how a household stands: its status, reason and day.
func standing(t *testing.T, d *dbtest.DB, id db.ID) (s string) {
	t.Helper()
	do(t, d, worker, func(tx db.Tx) error {
		var row, table registry.HouseholdData
		var err error
		if row, _, err = registry.CurrentHousehold(tx, id); err != nil {
			return err
		}
		if err := tx.Get(&table.Status, `select concat_ws(' ', nullif(status, 'active'), status_reason, status_date) from household where id = $1`, id); err != nil {
			return err
		}
		if s = strings.TrimSpace(row.Status + " " + row.StatusReason + " " + row.StatusDate); s != table.Status {
			t.Errorf("the record says %q and the table %q", s, table.Status)
		}
		return nil
	})
	return s
}

// A household that nobody is left in ends with the change that empties it, on the
// day on which the last one left; the proposal says so. It goes on when somebody
// comes back.
func TestEmptiedHouseholdEnds(t *testing.T) {
	t.Parallel()
	d := land(t)
	area := areaID(t, d, "MJ01")
	h := register(t, d, area, registry.PersonData{}, registry.PersonData{})
	id := proposed(t, d, leaving(t, d, h.people[0], "2026-03-05"), leaving(t, d, h.people[1], "2026-03-04"))
	do(t, d, worker, func(tx db.Tx) error {
		items, err := registry.ItemsOf(tx, id)
		if err == nil && (len(items) != 3 || items[2].Kind != registry.KindHousehold || items[2].Reason != "moved") {
			t.Errorf("the proposal does not say what becomes of the household: %v", items)
		}
		return err
	})
	must(t, applies(t, d, id))
	if s := standing(t, d, h.id); s != "ended empty 2026-03-05" {
		t.Error(s)
	}
	back := func(p *registry.PersonData) {
		*p = p.Belong(registry.MembershipData{ID: newID(t, d), HouseholdID: h.id, Relationship: "head", StartDate: "2026-03-06"})
	}
	must(t, edit(t, d, h.people[1], back))
	if s := standing(t, d, h.id); s != "" {
		t.Error("somebody came back: ", s)
	}
	// a record that was wrong from the start: nobody ever lived there
	must(t, edit(t, d, h.people[1], func(p *registry.PersonData) { p.Memberships = nil }))
	if s := standing(t, d, h.id); s != "ended empty 2026-03-06" {
		t.Error(s)
	}
}

// Who was appointed from outside keeps no household alive; who belongs to it and
// works elsewhere does. One that has ended for another reason stays as it is.
func TestWhoIsInAHousehold(t *testing.T) {
	t.Parallel()
	d := land(t)
	area := areaID(t, d, "MJ01")
	outside := register(t, d, area, registry.PersonData{BirthFrom: "1980-01-01", BirthTo: "1980-01-01"}, registry.PersonData{})
	for tie, want := range map[string]string{registry.TieOther: "ended empty 2026-03-05", registry.TieAbsent: "", registry.TieSharedCustody: ""} {
		h := register(t, d, area, registry.PersonData{})
		must(t, edit(t, d, outside.people[0], func(p *registry.PersonData) {
			*p = p.Belong(registry.MembershipData{ID: newID(t, d), HouseholdID: h.id, Tie: tie, Relationship: "other_relative", StartDate: "2026-03-03"})
		}))
		must(t, applies(t, d, proposed(t, d, leaving(t, d, h.people[0], "2026-03-05"))))
		if s := standing(t, d, h.id); s != want {
			t.Errorf("with somebody %s: %q", tie, s)
		}
	}
	h := register(t, d, area, registry.PersonData{})
	p := leaving(t, d, h.people[0], "2026-03-05")
	var home registry.HouseholdData
	do(t, d, worker, func(tx db.Tx) (err error) { home, _, err = registry.CurrentHousehold(tx, h.id); return err })
	home.Status, home.StatusReason, home.StatusDate = "ended", "joined", "2026-03-05"
	must(t, change(t, d, p, registry.Item{Kind: registry.KindHousehold, Subject: h.id, BaseVersion: 1, Data: home}))
	must(t, edit(t, d, h.people[0], func(p *registry.PersonData) {
		*p = p.Belong(registry.MembershipData{ID: newID(t, d), HouseholdID: h.id, Tie: registry.TieAbsent, Relationship: "other_relative", StartDate: "2026-03-06"})
	}))
	if s := standing(t, d, h.id); s != "ended joined 2026-03-05" {
		t.Error(s)
	}
}

// Two leave in two proposals, of which neither empties the household: the second
// to be applied ends it all the same. One that counted on nobody being left is out
// of date once somebody is born there.
func TestWhatFollowsWhenAChangeIsApplied(t *testing.T) {
	t.Parallel()
	d := land(t)
	area := areaID(t, d, "MJ01")
	h := register(t, d, area, registry.PersonData{}, registry.PersonData{})
	one, two := proposed(t, d, leaving(t, d, h.people[0], "2026-03-05")), proposed(t, d, leaving(t, d, h.people[1], "2026-03-04"))
	must(t, applies(t, d, one))
	if s := standing(t, d, h.id); s != "" {
		t.Error(s)
	}
	must(t, applies(t, d, two))
	if s := standing(t, d, h.id); s != "ended empty 2026-03-04" {
		t.Error(s)
	}

	h = register(t, d, area, registry.PersonData{})
	last := proposed(t, d, leaving(t, d, h.people[0], "2026-03-05"))
	baby := registry.PersonData{Ref: "P-BABY", Memberships: []registry.MembershipData{{ID: newID(t, d), HouseholdID: h.id, Relationship: "child", StartDate: "2026-03-03"}}}
	must(t, change(t, d, registry.Item{Kind: registry.KindPerson, Subject: newID(t, d), Data: baby}))
	if err := applies(t, d, last); !fault.Is(err, fault.Conflict) || rule(err) != "error.stale" {
		t.Error("it ends with a child in it: ", err)
	}
	if s := standing(t, d, h.id); s != "" {
		t.Error(s)
	}
	// and one whose values change in the same change, agreed to before the other left
	h = register(t, d, area, registry.PersonData{}, registry.PersonData{})
	var home registry.HouseholdData
	do(t, d, worker, func(tx db.Tx) (err error) { home, _, err = registry.CurrentHousehold(tx, h.id); return err })
	home.Directions = "Blue door"
	both := []registry.Item{leaving(t, d, h.people[0], "2026-03-05"), {Kind: registry.KindHousehold, Subject: h.id, BaseVersion: 1, Data: home}}
	early := proposed(t, d, both...)
	must(t, applies(t, d, proposed(t, d, leaving(t, d, h.people[1], "2026-03-04"))))
	if err := applies(t, d, early); rule(err) != "error.stale" {
		t.Error(err)
	}
	must(t, change(t, d, both...)) // anew, it says what becomes of the household
	if s := standing(t, d, h.id); s != "ended empty 2026-03-05" {
		t.Error(s)
	}
}

// What follows is added by the database alone.
func TestNobodyWritesWhatFollows(t *testing.T) {
	t.Parallel()
	d := land(t)
	h := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{}, registry.PersonData{})
	id := proposed(t, d, leaving(t, d, h.people[0], "2026-03-05"))
	insert := `insert into change_item (change_id, seq, kind, subject_id, base_version, data, follows) values ($1, 9, 'household', $2, 1, '{}', true)`
	for name, who := range map[string]db.Principal{"a citizen": citizen(1), "an officer": officer(3), "a job": worker} {
		if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(insert, id, h.id) }); err == nil {
			t.Errorf("%s adds to what was agreed to", name)
		}
		if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { return registry.Follow(tx, id) }); err == nil {
			t.Errorf("%s makes items of a change that was agreed to", name)
		}
	}
}
