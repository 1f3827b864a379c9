package registry_test

import (
	"encoding/json"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry"
)

// The rules of RULES.md that concern records, each by its number.

// names are those of people.
func names(people []registry.Person) (out []string) {
	for _, p := range people {
		out = append(out, p.FullName)
	}
	return out
}

func wards(t *testing.T, d *dbtest.DB, guardian db.ID) []string {
	t.Helper()
	var list []registry.Person
	who := citizen(1)
	do(t, d, worker, func(tx db.Tx) error {
		if err := tx.Exec(`insert into identity_provider (id, issuer) values ('citizen', 'https://c.example') on conflict do nothing`); err != nil {
			return err
		}
		who.Actor = tx.NewID()
		return tx.Exec(`insert into account (id, provider, sub, person_id, created_at) values ($1, 'citizen', $2, $3, $4)`, who.Actor, who.Actor.String(), guardian, tx.Now())
	})
	do(t, d, who, func(tx db.Tx) (err error) {
		list, err = registry.Wards(tx, guardian, registry.Today(tx.Now(), time.UTC))
		return err
	})
	return names(list)
}

// Whose records somebody sees as a guardian.
func TestR4GuardiansSeeTheirChildren(t *testing.T) {
	t.Parallel()
	d := land(t)
	born := func(day string) registry.PersonData {
		return registry.PersonData{FullName: "Child", BirthFrom: day, BirthTo: day}
	}
	for name, c := range map[string]struct {
		child    registry.PersonData
		relation func(child, adult db.ID) (of db.ID, r registry.RelationData) // whose record holds it
		role     bool
		apart    string // "": lives with the guardian; else the other household is "open" or "secret"
		sees     bool
	}{
		"a parent":                     {born("2020-01-01"), parent(""), false, "", true},
		"a parent, said by the child":  {born("2020-01-01"), childOf(""), false, "", true},
		"a parent who lives elsewhere": {born("2020-01-01"), parent(""), false, "open", true},
		"a parent who must not know":   {born("2020-01-01"), parent(""), false, "secret", false},
		"a relation that ended":        {born("2020-01-01"), parent("2026-01-01"), false, "", false},
		"the caregiver":                {born("2020-01-01"), nil, true, "", true},
		"an adult of the household":    {born("2020-01-01"), nil, false, "", false},
		"a child of eighteen":          {born("2008-03-02"), parent(""), true, "", false},
		"a child, eighteen tomorrow":   {born("2008-03-03"), parent(""), false, "", true},
		"a child perhaps of eighteen":  {registry.PersonData{BirthFrom: "2008-01-01", BirthTo: "2008-12-31"}, parent(""), false, "", false},
		"a child of nobody knows when": {registry.PersonData{}, parent(""), false, "", false},
		"a child whose record ended": {born("2020-01-01"), func(c, a db.ID) (db.ID, registry.RelationData) {
			return a, registry.RelationData{Type: "parent", PersonID: c}
		}, false, "ended", false},
		"a sibling": {born("2020-01-01"), func(c, a db.ID) (db.ID, registry.RelationData) {
			return a, registry.RelationData{Type: "sibling", PersonID: c}
		}, false, "", false},
		"somebody's parent, as a child": {born("2020-01-01"), func(c, a db.ID) (db.ID, registry.RelationData) {
			return c, registry.RelationData{Type: "parent", PersonID: a}
		}, false, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			h := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{FullName: "Adult", BirthFrom: "1990-01-01", BirthTo: "1990-01-01"}, c.child)
			adult, child := h.people[0], h.people[1]
			if c.apart == "open" || c.apart == "secret" {
				away := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{})
				if c.apart == "secret" {
					data, version := household(t, d, away.id)
					data.Protected = true
					must(t, change(t, d, registry.Item{Kind: registry.KindHousehold, Subject: away.id, BaseVersion: version, Data: data}))
				}
				must(t, edit(t, d, child, func(p *registry.PersonData) {
					*p = p.Move(registry.MembershipData{ID: newID(t, d), HouseholdID: away.id, Relationship: "child", StartDate: "2026-03-02"}, "separated")
				}))
			}
			if c.apart == "ended" {
				must(t, edit(t, d, child, func(p *registry.PersonData) {
					next, err := p.Conclude(registry.Deceased, "certificate", "2026-03-02", nil, today)
					must(t, err)
					*p = next
				}))
			}
			if c.relation != nil {
				of, r := c.relation(child, adult)
				r.ID = newID(t, d)
				must(t, edit(t, d, of, func(p *registry.PersonData) { p.Relations = append(p.Relations, r) }))
			}
			if c.role {
				must(t, edit(t, d, adult, func(p *registry.PersonData) {
					p.Memberships[0].Roles = []registry.RoleData{{Role: registry.RoleCaregiver, Of: &child, StartDate: "2026-03-02"}}
				}))
			}
			if got := len(wards(t, d, adult)) == 1; got != c.sees {
				t.Errorf("sees the child: %t", got)
			}
			if got := wards(t, d, child); len(got) != 0 {
				t.Errorf("the child sees %q as a guardian", got)
			}
		})
	}
}

func parent(end string) func(child, adult db.ID) (db.ID, registry.RelationData) {
	return func(child, adult db.ID) (db.ID, registry.RelationData) {
		return adult, registry.RelationData{Type: "parent", PersonID: child, EndDate: end}
	}
}

func childOf(end string) func(child, adult db.ID) (db.ID, registry.RelationData) {
	return func(child, adult db.ID) (db.ID, registry.RelationData) {
		return child, registry.RelationData{Type: "child", PersonID: adult, EndDate: end}
	}
}

func household(t *testing.T, d *dbtest.DB, id db.ID) (data registry.HouseholdData, version int) {
	t.Helper()
	do(t, d, worker, func(tx db.Tx) (err error) {
		data, version, err = registry.CurrentHousehold(tx, id)
		return err
	})
	return data, version
}

// On a contact only what was said to be safe is sent; one helper's phone serves
// two hundred people.
func TestR6OnlyWhatIsSafe(t *testing.T) {
	t.Parallel()
	d := land(t)
	area := areaID(t, d, "MJ01")
	phone := func(owner string, safe ...string) registry.PersonData {
		return registry.PersonData{Contacts: []registry.ContactData{{Kind: "phone", Value: "+254700000001", Owner: owner, Safe: safe}}}
	}
	var served []registry.PersonData
	for range 200 {
		served = append(served, phone("helper", "notices"))
	}
	h := register(t, d, area, append(served, phone("shared"), phone("own", "codes", "notices"))...)
	for i, want := range map[int]string{0: "notices", 199: "notices", 200: "", 201: "codes notices"} {
		got := ""
		do(t, d, worker, func(tx db.Tx) error {
			for _, use := range registry.ContactUses() {
				list, err := registry.Reachable(tx, h.people[i], use)
				if err != nil {
					return err
				}
				if len(list) == 1 {
					got += use + " "
				}
			}
			return nil
		})
		if got != want+" " && got != want {
			t.Errorf("%d: %q instead of %q", i, got, want)
		}
	}
}

// payeeAt gives somebody a duty in the household that they were registered with.
func payeeAt(t *testing.T, d *dbtest.DB, who db.ID, role string) error {
	t.Helper()
	return edit(t, d, who, func(p *registry.PersonData) {
		p.Memberships[0].Roles = append(p.Memberships[0].Roles, registry.RoleData{Role: role, StartDate: "2026-03-02"})
	})
}

// A head may be sixteen; who receives the money is an adult.
func TestR15PayeeIsOfAge(t *testing.T) {
	t.Parallel()
	d := land(t)
	h := register(t, d, areaID(t, d, "MJ01"),
		registry.PersonData{BirthFrom: "2010-01-01", BirthTo: "2010-01-01"}, // the head
		registry.PersonData{BirthFrom: "1970-01-01", BirthTo: "1970-12-31"},
		registry.PersonData{BirthFrom: "2008-03-02", BirthTo: "2008-03-02"}, // eighteen today
		registry.PersonData{BirthFrom: "2008-03-03", BirthTo: "2008-03-03"},
		registry.PersonData{})
	for i, want := range []string{"payee_of_age", "", "", "payee_of_age", ""} {
		for _, role := range []string{registry.RolePayee, registry.RoleAlternatePayee} {
			err := payeeAt(t, d, h.people[i], role)
			if rule(err) != want || (err != nil) != (want != "") {
				t.Errorf("%d as %s: %v", i, role, err)
			}
			if err == nil {
				must(t, edit(t, d, h.people[i], func(p *registry.PersonData) { p.Memberships[0].Roles = nil }))
			}
		}
	}
	if err := edit(t, d, h.people[0], func(p *registry.PersonData) {
		p.Memberships[0].Roles = []registry.RoleData{{Role: registry.RolePayee, StartDate: "2026-01-01", EndDate: "2026-02-01"}}
	}); err != nil {
		t.Error("a past that cannot be told:", err)
	}
}

// What another system tells makes nobody dead, and gives nobody else the money,
// before two officials have confirmed it. A case has them in any event.
func TestTwoOfficials(t *testing.T) {
	t.Parallel()
	d := land(t)
	do(t, d, worker, func(tx db.Tx) error {
		if err := tx.Exec(`insert into identity_provider (id, issuer) values ('staff', 'http://x.example')`); err != nil {
			return err
		}
		for n := byte(1); n <= 3; n++ {
			if err := tx.Exec(`insert into staff (id, provider, sub, name) values ($1, 'staff', $2, 'Officer')`, officer(n).Actor, string('a'+rune(n))); err != nil {
				return err
			}
		}
		return nil
	})
	born := registry.PersonData{BirthFrom: "1970-01-01", BirthTo: "1970-01-01", FullName: "Payee"}
	died := func(p *registry.PersonData) {
		next, err := p.Conclude(registry.Deceased, "civil_registry", "2026-03-01", nil, today)
		must(t, err)
		*p = next
	}
	resigned := func(p *registry.PersonData) { p.Memberships[0].Roles[0].EndDate = "2026-03-02" }
	renamed := func(p *registry.PersonData) { p.FullName = "Somebody" }
	peer := db.Principal{Role: db.Jobs, Kind: "peer", Actor: db.ID{9, 15: 1}}
	for name, c := range map[string]struct {
		change             func(*registry.PersonData)
		origin             string
		proposer, verifier *db.Principal
		permitted          bool
	}{
		"R16 a death, one official":             {died, "event", &peer, nil, false},
		"R16 a death, two officials":            {died, "event", &peer, ptr(officer(1)), true},
		"R16 a death, in a file":                {died, "batch", ptr(db.Principal{Role: db.Jobs, Kind: "staff", Actor: officer(1).Actor}), nil, true},
		"R15 another payee, one official":       {resigned, "event", &peer, nil, false},
		"R15 another payee, two officials":      {resigned, "event", &peer, ptr(officer(1)), true},
		"anything else, one official":           {renamed, "event", &peer, nil, true},
		"R16 a death, two who are no officials": {died, "event", &peer, ptr(db.Principal{Role: db.Jobs, Kind: "peer", Actor: db.ID{9, 15: 2}}), false},
	} {
		t.Run(name, func(t *testing.T) {
			h := register(t, d, areaID(t, d, "MJ01"), born)
			must(t, payeeAt(t, d, h.people[0], registry.RolePayee))
			data, version := person(t, d, h.people[0])
			c.change(&data)
			var id db.ID
			do(t, d, *c.proposer, func(tx db.Tx) (err error) {
				id, err = registry.Propose(tx, c.origin, []registry.Item{{Kind: registry.KindPerson, Subject: h.people[0], BaseVersion: version, Data: data}})
				return err
			})
			if c.verifier != nil {
				do(t, d, *c.verifier, func(tx db.Tx) error { return registry.Verify(tx, id) })
			}
			err := d.WithTx(t.Context(), officer(2), func(tx db.Tx) error { return registry.Approve(tx, id) })
			if (err == nil) != c.permitted || err != nil && !fault.Is(err, fault.Forbidden) {
				t.Error(err)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

// The payee dies: the alternative receives the money for the time being, nobody
// heads the household, and nothing else changes. The payee lives after all, and
// all is as it was. Unless somebody took over since: who comes back finds a place
// in any case.
func TestR16DeathAndBackAgain(t *testing.T) {
	t.Parallel()
	d := land(t)
	of := func() registry.PersonData { return registry.PersonData{BirthFrom: "1970-01-01", BirthTo: "1970-01-01"} }
	h := register(t, d, areaID(t, d, "MJ01"), of(), of(), of())
	head, alternate, third := h.people[0], h.people[1], h.people[2]
	must(t, payeeAt(t, d, head, registry.RolePayee))
	must(t, payeeAt(t, d, alternate, registry.RoleAlternatePayee))
	payee := func() (out registry.Payee) {
		do(t, d, worker, func(tx db.Tx) error {
			p, err := registry.PayeeOf(tx, h.id)
			if p != nil {
				out = *p
			}
			return err
		})
		return out
	}
	if got := payee(); got != (registry.Payee{Person: head}) {
		t.Fatal(got)
	}
	before, _ := person(t, d, head)
	end := func(p *registry.PersonData) {
		next, err := p.Conclude(registry.Deceased, "witnesses", "2026-03-02", nil, today)
		must(t, err)
		*p = next
	}
	goesOn := func(relationship string) func(p *registry.PersonData) {
		return func(p *registry.PersonData) {
			next, err := p.Restore(before)
			must(t, err)
			do(t, d, worker, func(tx db.Tx) error {
				taken, err := registry.TakenIn(tx, next)
				next = next.Yield(taken, relationship, p.StatusDate)
				return err
			})
			*p = next
		}
	}
	must(t, edit(t, d, head, end))
	if got := payee(); got != (registry.Payee{Person: alternate, Provisional: true}) {
		t.Error("after the death", got)
	}
	var now registry.Household
	do(t, d, worker, func(tx db.Tx) (err error) { now, err = registry.LoadHousehold(tx, h.id); return err })
	if len(now.Members) != 2 || now.Status != "active" || now.Members[0].Relationship == "head" {
		t.Error("the household without a head", now.Members)
	}
	must(t, edit(t, d, head, goesOn("")))
	after, _ := person(t, d, head)
	if !equalJSON(t, before, after) || payee() != (registry.Payee{Person: head}) {
		t.Error("alive after all", after, payee())
	}

	must(t, edit(t, d, head, end))
	must(t, edit(t, d, third, func(p *registry.PersonData) { p.Memberships[0].Relationship = "head" }))
	must(t, payeeAt(t, d, third, registry.RolePayee))
	must(t, edit(t, d, head, goesOn("parent")))
	after, _ = person(t, d, head)
	if m := after.Memberships[0]; m.Relationship != "parent" || m.EndDate != "" || m.Roles[0].EndDate != "2026-03-02" || payee() != (registry.Payee{Person: third}) {
		t.Error("others took over", after.Memberships, payee())
	}
}

// Twins: one day, one mother, nearly one name. Both are people of their own, and
// so are a father and a son of one name.
func TestR17TwinsAreNotDuplicates(t *testing.T) {
	t.Parallel()
	d := land(t)
	twin := func(name, number string) registry.PersonData {
		return registry.PersonData{FullName: name, Sex: "male", BirthFrom: "2026-01-01", BirthTo: "2026-01-01",
			Identifiers: []registry.IdentifierData{{Type: "birth_certificate", Value: number, Status: "verified"}},
			Contacts:    []registry.ContactData{{Kind: "phone", Value: "+254700000001", Owner: "shared"}}}
	}
	h := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{FullName: "Hassan Omar"}, twin("Hassan Hassan Omar", "71"), twin("Hussein Hassan Omar", "72"), registry.PersonData{FullName: "Hassan Omar"})
	if got := held(t, d, h.people[1:3]...); got != "verified verified" {
		t.Error(got)
	}
	for _, id := range h.people {
		if p, _ := person(t, d, id); p.Status != "" || p.MergedInto != nil {
			t.Error(p)
		}
	}
}

// equalJSON compares what is stored.
func equalJSON(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	must(t, err)
	y, err := json.Marshal(b)
	must(t, err)
	return string(x) == string(y)
}
