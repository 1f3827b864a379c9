package registry_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry"
)

// change takes items through three hands; the error of whichever refused.
func change(t *testing.T, d *dbtest.DB, items ...registry.Item) error {
	t.Helper()
	var id db.ID
	do(t, d, citizen(1), func(tx db.Tx) (err error) {
		id, err = registry.Propose(tx, registry.OriginCase, items)
		return err
	})
	do(t, d, officer(1), func(tx db.Tx) error { return registry.Verify(tx, id) })
	do(t, d, officer(2), func(tx db.Tx) error { return registry.Approve(tx, id) })
	return d.WithTx(t.Context(), officer(2), func(tx db.Tx) error { return registry.Apply(tx, id) })
}

// rule is the rule that an error says was broken.
func rule(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Conflict {
		return ""
	}
	return strings.TrimPrefix(f.Key, "rule.")
}

// person reads the current version of a person's data.
func person(t *testing.T, d *dbtest.DB, id db.ID) (data registry.PersonData, version int) {
	t.Helper()
	do(t, d, worker, func(tx db.Tx) (err error) {
		data, version, err = registry.CurrentPerson(tx, id)
		return err
	})
	return data, version
}

// edit changes a person's record; the error of applying it.
func edit(t *testing.T, d *dbtest.DB, id db.ID, fn func(*registry.PersonData)) error {
	t.Helper()
	data, version := person(t, d, id)
	fn(&data)
	return change(t, d, registry.Item{Kind: registry.KindPerson, Subject: id, BaseVersion: version, Data: data})
}

// must is for changes that nothing speaks against.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newID(t *testing.T, d *dbtest.DB) (id db.ID) {
	t.Helper()
	do(t, d, worker, func(tx db.Tx) error { id = tx.NewID(); return nil })
	return id
}

func TestMembershipsThatContradictEachOther(t *testing.T) {
	t.Parallel()
	d := land(t)
	area := areaID(t, d, "MJ01")
	one, two := register(t, d, area, registry.PersonData{}, registry.PersonData{}), register(t, d, area, registry.PersonData{})
	usual := func(home db.ID, start, end string) registry.MembershipData {
		return registry.MembershipData{ID: newID(t, d), HouseholdID: home, Relationship: "other_relative", StartDate: start, EndDate: end}
	}
	head := usual(one.id, "2026-01-01", "2026-02-01")
	head.Relationship = "head"
	payee := func(start, end string) registry.MembershipData {
		m := usual(one.id, "2026-01-01", "")
		m.Roles = []registry.RoleData{{Role: registry.RolePayee, StartDate: start, EndDate: end}}
		return m
	}
	for name, c := range map[string]struct {
		list []registry.MembershipData
		rule string
	}{
		"two homes at once":              {[]registry.MembershipData{usual(one.id, "", ""), usual(two.id, "", "")}, "membership_usual_residence"},
		"the second before the first":    {[]registry.MembershipData{usual(one.id, "2026-03-02", ""), usual(two.id, "2026-01-01", "2026-03-03")}, "membership_usual_residence"},
		"a past one without a start":     {[]registry.MembershipData{usual(one.id, "2026-01-01", "2026-02-01"), usual(two.id, "", "2026-01-02")}, "membership_usual_residence"},
		"the same home twice":            {[]registry.MembershipData{usual(one.id, "2026-01-01", "2026-02-01"), usual(one.id, "2026-01-15", "")}, "membership_usual_residence"},
		"an end before the start":        {[]registry.MembershipData{usual(one.id, "2026-03-02", "2026-03-01")}, "membership_dates"},
		"a household that is not there":  {[]registry.MembershipData{usual(db.ID{9}, "2026-03-02", "")}, "record_parts"},
		"a tie that is not known":        {[]registry.MembershipData{{ID: newID(t, d), HouseholdID: one.id, Tie: "guest", Relationship: "non_relative"}}, "record_parts"},
		"a second head":                  {[]registry.MembershipData{{ID: newID(t, d), HouseholdID: one.id, Relationship: "head", StartDate: "2026-03-02"}}, "membership_head"},
		"two payees":                     {[]registry.MembershipData{payee("2026-01-01", "2026-03-02"), func() registry.MembershipData { m := payee("2026-02-01", ""); m.Tie = "absent"; return m }()}, "membership_payee"},
		"a caregiver of nobody":          {[]registry.MembershipData{{ID: newID(t, d), HouseholdID: one.id, Relationship: "parent", Roles: []registry.RoleData{{Role: "caregiver"}}}}, "role_of"},
		"moved on the day":               {[]registry.MembershipData{usual(one.id, "2026-01-01", "2026-02-01"), usual(two.id, "2026-02-01", "")}, ""},
		"there for no day":               {[]registry.MembershipData{usual(one.id, "2026-02-01", "2026-02-01"), usual(two.id, "2026-01-01", "")}, ""},
		"head until another came":        {[]registry.MembershipData{head, usual(one.id, "2026-02-01", "")}, ""},
		"one home and other ties":        {[]registry.MembershipData{usual(one.id, "2026-01-01", ""), {ID: newID(t, d), HouseholdID: two.id, Tie: "second_union", Relationship: "spouse", StartDate: "2026-01-01"}, {ID: newID(t, d), HouseholdID: two.id, Tie: "absent", Relationship: "spouse", StartDate: "2026-01-01"}}, ""},
		"nowhere":                        {nil, ""},
		"a caregiver of a child":         {[]registry.MembershipData{{ID: newID(t, d), HouseholdID: one.id, Relationship: "parent", Roles: []registry.RoleData{{Role: "caregiver", Of: &two.people[0]}}}}, ""},
		"payee after payee, the same":    {[]registry.MembershipData{payee("2026-01-01", "2026-02-01")}, ""},
		"two who are payees, one by one": {[]registry.MembershipData{payee("2026-02-01", "")}, ""},
	} {
		err := edit(t, d, one.people[1], func(p *registry.PersonData) { p.Memberships = c.list })
		if rule(err) != c.rule || (err != nil) != (c.rule != "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A new head may not reach back into the time of one who ended, whichever of
// the two records is written last.
func TestTwoHeadsInThePast(t *testing.T) {
	t.Parallel()
	d := land(t)
	h := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{}, registry.PersonData{})
	must(t, edit(t, d, h.people[0], func(p *registry.PersonData) { p.Memberships[0].EndDate = "2026-03-10" }))
	head := func(start string) func(p *registry.PersonData) {
		return func(p *registry.PersonData) {
			p.Memberships[0].Relationship, p.Memberships[0].StartDate = "head", start
		}
	}
	if err := edit(t, d, h.people[1], head("2026-03-09")); rule(err) != "membership_head" {
		t.Error(err)
	}
	must(t, edit(t, d, h.people[1], head("2026-03-10")))
	if err := edit(t, d, h.people[0], func(p *registry.PersonData) { p.Memberships[0].EndDate = "2026-03-11" }); rule(err) != "membership_head" {
		t.Error(err)
	}
}

// RULES R15: only the usual residence makes a member; a household with nobody
// is valid.
func TestR15OnlyTheUsualResidenceCounts(t *testing.T) {
	t.Parallel()
	d := land(t)
	area := areaID(t, d, "MJ01")
	his, hers := register(t, d, area, registry.PersonData{FullName: "He"}), register(t, d, area, registry.PersonData{FullName: "She"})
	must(t, edit(t, d, his.people[0], func(p *registry.PersonData) {
		p.Memberships = append(p.Memberships, registry.MembershipData{ID: newID(t, d), HouseholdID: hers.id, Tie: "second_union", Relationship: "spouse", StartDate: "2026-01-01"})
	}))
	members := func(home db.ID) int {
		var h registry.Household
		do(t, d, worker, func(tx db.Tx) (err error) { h, err = registry.LoadHousehold(tx, home); return err })
		return len(h.Members)
	}
	if members(hers.id) != 1 || members(his.id) != 1 {
		t.Error(members(his.id), members(hers.id))
	}
	must(t, edit(t, d, his.people[0], func(p *registry.PersonData) {
		*p = p.Move(registry.MembershipData{ID: newID(t, d), HouseholdID: hers.id, Relationship: "spouse", StartDate: "2026-03-05"}, "married")
	}))
	if members(hers.id) != 2 || members(his.id) != 0 {
		t.Error(members(his.id), members(hers.id))
	}
}

// claims registers somebody with a number and returns them.
func claims(t *testing.T, d *dbtest.DB, number, status string) db.ID {
	t.Helper()
	return register(t, d, areaID(t, d, "MJ01"), registry.PersonData{Identifiers: []registry.IdentifierData{
		{Type: registry.NationalID, Value: number, Status: status}}}).people[0]
}

func held(t *testing.T, d *dbtest.DB, who ...db.ID) string {
	t.Helper()
	var out []string
	for _, id := range who {
		do(t, d, worker, func(tx db.Tx) error {
			list, err := registry.Identifiers(tx, id)
			for _, i := range list {
				out = append(out, i.Status)
			}
			if len(list) == 0 {
				out = append(out, "none")
			}
			return err
		})
	}
	return strings.Join(out, " ")
}

// RULES R14: a number that two living people claim is contested on both sides,
// whatever each had, and each has again what it had once it is not.
func TestR14ContestedIdentifier(t *testing.T) {
	t.Parallel()
	d := land(t)
	first := claims(t, d, "N1", "verified")
	other := claims(t, d, "N2", "verified")
	second := claims(t, d, "N1", "unverified")
	if got := held(t, d, first, second, other); got != "contested contested verified" {
		t.Fatal(got)
	}
	third := claims(t, d, "N1", "verified")
	if got := held(t, d, first, second, third); got != "contested contested contested" {
		t.Fatal(got)
	}
	contests := func() (open int) {
		do(t, d, worker, func(tx db.Tx) error {
			var asked []struct {
				Ref db.ID `db:"ref"`
			}
			if err := tx.Select(&asked, `delete from outbox where kind = 'contested_identifier' returning ref`); err != nil {
				return err
			}
			for _, a := range asked {
				for range 2 { // a job may run twice
					if err := registry.SettleContests(tx, a.Ref); err != nil {
						return err
					}
				}
			}
			return tx.Get(&open, `select count(*) from identifier_contest where closed_at is null`)
		})
		return open
	}
	if n := contests(); n != 1 {
		t.Errorf("%d contests", n)
	}
	must(t, edit(t, d, third, func(p *registry.PersonData) { p.Identifiers[0].Status = "ended" }))
	if got := held(t, d, first, second, third); got != "contested contested none" {
		t.Error(got)
	}
	must(t, edit(t, d, second, func(p *registry.PersonData) {
		next, err := p.Conclude(registry.Deceased, "witnesses", "2026-03-01", nil, today)
		must(t, err)
		*p = next
	}))
	if got := held(t, d, first, second); got != "verified unverified" {
		t.Error(got)
	}
	if n := contests(); n != 0 {
		t.Errorf("%d contests", n)
	}
	// Alive after all (RULES R16): the claim stands again.
	must(t, edit(t, d, second, func(p *registry.PersonData) { p.Status, p.StatusReason, p.StatusDate = "", "", "" }))
	if got := held(t, d, first, second); got != "contested contested" {
		t.Error(got)
	}
	if n := contests(); n != 1 {
		t.Errorf("%d contests", n)
	}
}

// Two records of one person, each with the number verified: once one is a
// duplicate, the other has it alone.
func TestR14VerifiedNumberOfADuplicate(t *testing.T) {
	t.Parallel()
	d := land(t)
	a, b := claims(t, d, "N1", "verified"), claims(t, d, "N1", "verified")
	if got := held(t, d, a, b); got != "contested contested" {
		t.Fatal(got)
	}
	must(t, edit(t, d, b, func(p *registry.PersonData) {
		next, err := p.Conclude(registry.Duplicate, "same_person", "2026-03-02", &a, today)
		must(t, err)
		*p = next
	}))
	if got := held(t, d, a, b); got != "verified verified" {
		t.Error(got)
	}
	do(t, d, worker, func(tx db.Tx) error {
		if id, err := registry.PersonByIdentifier(tx, registry.NationalID, "N1"); err != nil || id != a {
			t.Error(id, err)
		}
		return nil
	})
	must(t, edit(t, d, b, func(p *registry.PersonData) { p.Status, p.StatusReason, p.StatusDate, p.MergedInto = "", "", "", nil }))
	if got := held(t, d, a, b); got != "contested contested" {
		t.Error(got)
	}
}

func TestR14NumbersOfOthersAreNotContested(t *testing.T) {
	t.Parallel()
	d := land(t)
	p := func(kind, issuer string) db.ID {
		return register(t, d, areaID(t, d, "MJ01"), registry.PersonData{Identifiers: []registry.IdentifierData{
			{Type: kind, Issuer: issuer, Value: "77", Status: "verified"}}}).people[0]
	}
	if got := held(t, d, p("passport", "A"), p("passport", "B"), p("health_card", "A")); got != "verified verified verified" {
		t.Error(got)
	}
}

// Two changes at once, neither of which sees the other: only one of them may
// make the number verified.
func TestR14NumberVerifiedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	d := land(t)
	area := areaID(t, d, "MJ01")
	var ids [2]db.ID
	for n := range ids {
		do(t, d, citizen(1), func(tx db.Tx) (err error) {
			home := tx.NewID()
			ids[n], err = registry.Propose(tx, registry.OriginCase, []registry.Item{
				{Kind: registry.KindHousehold, Subject: home, Data: registry.HouseholdData{Ref: registry.NewRef('H', tx.Rand()), AreaID: area}},
				{Kind: registry.KindPerson, Subject: tx.NewID(), Data: registry.PersonData{Ref: registry.NewRef('P', tx.Rand()),
					Identifiers: []registry.IdentifierData{{Type: registry.NationalID, Value: "SAME", Status: "verified"}}}},
			})
			return err
		})
		do(t, d, officer(1), func(tx db.Tx) error { return registry.Verify(tx, ids[n]) })
		do(t, d, officer(2), func(tx db.Tx) error { return registry.Approve(tx, ids[n]) })
	}
	second := make(chan error, 1)
	do(t, d, officer(2), func(tx db.Tx) error {
		if err := registry.Apply(tx, ids[0]); err != nil {
			return err
		}
		go func() {
			second <- d.WithTx(t.Context(), officer(3), func(tx db.Tx) error { return registry.Apply(tx, ids[1]) })
		}()
		waitForLock(t, d)
		return nil
	})
	if err := <-second; !fault.Is(err, fault.Conflict) {
		t.Fatal(err)
	}
	do(t, d, officer(3), func(tx db.Tx) error { return registry.Apply(tx, ids[1]) }) // tried again, it sees the other
	var n int
	do(t, d, worker, func(tx db.Tx) error {
		return tx.Get(&n, `select count(*) from identifier where value = 'SAME' and status = 'contested'`)
	})
	if n != 2 {
		t.Errorf("%d contested", n)
	}
}

// waitForLock waits until somebody waits for a lock.
func waitForLock(t *testing.T, d *dbtest.DB) {
	t.Helper()
	for {
		var waiting bool
		do(t, d, worker, func(tx db.Tx) error {
			return tx.Get(&waiting, `select exists (select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database())`)
		})
		if waiting {
			return
		}
	}
}

func TestVerifiedNumbersFitTheirType(t *testing.T) {
	t.Parallel()
	d := land(t)
	owner(t, d, `update identifier_type set pattern = 'MJ[0-9]{8}' where code = 'national_id'`)
	id := claims(t, d, "MISTYPED", "unverified") // nobody is refused for it (RULES R1)
	number := func(value, status string) func(p *registry.PersonData) {
		return func(p *registry.PersonData) {
			p.Identifiers[0].Value, p.Identifiers[0].Status = value, status
		}
	}
	for _, value := range []string{"MISTYPED", "MJ1234567", "MJ123456789", "xMJ12345678"} {
		if err := edit(t, d, id, number(value, "verified")); rule(err) != "identifier_pattern" {
			t.Errorf("%s: %v", value, err)
		}
	}
	must(t, edit(t, d, id, number("MJ12345678", "verified")))
	var types []registry.IdentifierType
	do(t, d, citizen(1), func(tx db.Tx) (err error) { types, err = registry.IdentifierTypes(tx); return err })
	if len(types) != 5 || !types[0].Fits("MJ12345678") || types[0].Fits("MJ123") || types[0].Fits("") {
		t.Error(types)
	}
}

func TestCheckDigits(t *testing.T) {
	t.Parallel()
	for scheme, c := range map[string]struct{ right, wrong []string }{
		"none":     {[]string{"", "X"}, nil},
		"luhn":     {[]string{"79927398713", "4111111111111111", "18"}, []string{"79927398710", "79927398731", "0", "", "7992A398713"}},
		"verhoeff": {[]string{"2363", "123451", "84736430954837284567892"}, []string{"2364", "2336", "3263", "", "3"}},
		"mod97":    {[]string{"3214282912345698765432161182", "GB82WEST12345698765432"[4:] + "GB82", "79444"}, []string{"3214282912345698765432161183", "", "97", "é1"}},
		"other":    {nil, []string{"1"}},
	} {
		for _, s := range c.right {
			if !registry.CheckDigit(scheme, s) {
				t.Errorf("%s refuses %q", scheme, s)
			}
		}
		for _, s := range c.wrong {
			if registry.CheckDigit(scheme, s) {
				t.Errorf("%s accepts %q", scheme, s)
			}
		}
	}
}

func TestRelations(t *testing.T) {
	t.Parallel()
	d := land(t)
	h := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{FullName: "Man"}, registry.PersonData{FullName: "Wife"},
		registry.PersonData{FullName: "Second wife"}, registry.PersonData{FullName: "Child"})
	man, wife, second, child := h.people[0], h.people[1], h.people[2], h.people[3]
	relate := func(who db.ID, kind string, other db.ID) error {
		return edit(t, d, who, func(p *registry.PersonData) {
			p.Relations = append(p.Relations, registry.RelationData{ID: newID(t, d), Type: kind, PersonID: other, StartDate: "2020-01-01"})
		})
	}
	must(t, relate(man, "spouse", wife))
	must(t, relate(man, "spouse", second))
	must(t, relate(wife, "spouse", man)) // said from both sides
	must(t, relate(man, "parent", child))
	must(t, relate(child, "child", second))
	for who, want := range map[db.ID]string{
		man:    "child of Child, spouse of Second wife, spouse of Wife",
		wife:   "spouse of Man",
		second: "child of Child, spouse of Man",
		child:  "parent of Man, parent of Second wife",
	} {
		var got []string
		do(t, d, worker, func(tx db.Tx) error {
			list, err := registry.Relations(tx, who)
			for _, r := range list {
				got = append(got, r.Type+" of "+r.OtherName)
			}
			return err
		})
		if slices.Sort(got); strings.Join(got, ", ") != want {
			t.Errorf("%v instead of %s", got, want)
		}
	}
	for name, c := range map[string]struct {
		err  error
		rule string
	}{
		"to oneself":              {relate(man, "sibling", man), "relation_self"},
		"to nobody":               {relate(man, "sibling", db.ID{9}), "record_parts"},
		"of an unknown kind":      {relate(man, "friend", wife), "record_parts"},
		"a child who is a parent": {relate(child, "parent", man), "relation_circle"},
		"a grandchild's child":    {relate(man, "grandchild", child), "relation_circle"},
	} {
		if rule(c.err) != c.rule {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	var types []struct {
		Code    string `db:"code"`
		Inverse string `db:"inverse"`
	}
	do(t, d, worker, func(tx db.Tx) error { return tx.Select(&types, `select code, inverse from relation_type`) })
	known := registry.RelationTypes()
	for _, r := range types {
		if known[r.Code] != r.Inverse || known[r.Inverse] != r.Code {
			t.Errorf("%s and %s", r.Code, r.Inverse)
		}
	}
	if len(types) != len(known) {
		t.Error(len(types), len(known))
	}
}

func TestR6ContactsHaveAnOwner(t *testing.T) {
	t.Parallel()
	d := land(t)
	id := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{Contacts: []registry.ContactData{
		{Kind: "phone", Value: registry.NormalContact("phone", "٠٧٠٠ 123-456"), Owner: "helper"},
		{Kind: "email", Value: registry.NormalContact("email", " A@Example.org "), Owner: "own", Safe: []string{"notices"}, Protected: true},
	}}).people[0]
	var list []registry.Contact
	do(t, d, worker, func(tx db.Tx) (err error) { list, err = registry.Contacts(tx, id); return err })
	if len(list) != 2 || list[0].Value != "0700123456" || list[0].SafeFor("codes") || list[0].SafeFor("notices") ||
		list[1].Value != "a@example.org" || !list[1].SafeFor("notices") || list[1].SafeFor("codes") || !list[1].Protected {
		t.Error(list)
	}
	for _, c := range []registry.ContactData{
		{Kind: "phone", Value: "1", Owner: "nobody"}, {Kind: "pigeon", Value: "1", Owner: "own"}, {Kind: "phone", Value: "1", Owner: "own", Safe: []string{"everything"}},
	} {
		if err := edit(t, d, id, func(p *registry.PersonData) { p.Contacts = []registry.ContactData{c} }); rule(err) != "record_parts" {
			t.Errorf("%v: %v", c, err)
		}
	}
	for in, want := range map[string]string{"+254 700 1": "+2547001", "00254-700": "+254700", "(0700) 1": "07001", "": ""} {
		if got := registry.NormalContact("phone", in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// group proposes a group with members and returns it.
func group(t *testing.T, d *dbtest.DB, id db.ID, version int, members ...registry.GroupMemberData) error {
	t.Helper()
	ref := ""
	do(t, d, worker, func(tx db.Tx) error { ref = registry.NewRef(registry.RefGroup, tx.Rand()); return nil })
	for i := range members {
		members[i].ID = newID(t, d)
	}
	return change(t, d, registry.Item{Kind: registry.KindGroup, Subject: id, BaseVersion: version,
		Data: registry.GroupData{Ref: ref, Type: "cooperative", Name: "Group", Beneficiary: true, Members: members}})
}

func TestNestedGroupsCountEachOnce(t *testing.T) {
	t.Parallel()
	d := land(t)
	area := areaID(t, d, "MJ01")
	var homes []db.ID
	for range 3 {
		homes = append(homes, register(t, d, area, registry.PersonData{}, registry.PersonData{}).id)
	}
	member := register(t, d, area, registry.PersonData{}).people[0]
	cooperative, second, union := newID(t, d), newID(t, d), newID(t, d)
	must(t, group(t, d, cooperative, 0, registry.GroupMemberData{HouseholdID: &homes[0]}, registry.GroupMemberData{HouseholdID: &homes[1]}))
	must(t, group(t, d, second, 0, registry.GroupMemberData{HouseholdID: &homes[1]}, registry.GroupMemberData{PersonID: &member},
		registry.GroupMemberData{HouseholdID: &homes[2], StartDate: "2026-01-01", EndDate: "2026-02-01"}))
	must(t, group(t, d, union, 0, registry.GroupMemberData{GroupID: &cooperative}, registry.GroupMemberData{GroupID: &second}, registry.GroupMemberData{HouseholdID: &homes[0]}))
	totals := func(on string, groups ...db.ID) registry.Totals {
		var out registry.Totals
		do(t, d, worker, func(tx db.Tx) (err error) { out, err = registry.TotalsOf(tx, groups, day(on)); return err })
		return out
	}
	for name, c := range map[string]struct{ got, want registry.Totals }{
		"the cooperative":   {totals("2026-03-02", cooperative), registry.Totals{People: 4, Households: 2}},
		"the other":         {totals("2026-03-02", second), registry.Totals{People: 3, Households: 1}},
		"the union":         {totals("2026-03-02", union), registry.Totals{People: 5, Households: 2}},
		"all three":         {totals("2026-03-02", cooperative, second, union), registry.Totals{People: 5, Households: 2}},
		"before they lived": {totals("2026-01-15", union), registry.Totals{People: 1, Households: 3}},
		"none":              {totals("2026-03-02"), registry.Totals{}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v instead of %v", name, c.got, c.want)
		}
	}
	do(t, d, worker, func(tx db.Tx) error {
		in, err := registry.GroupsOf(tx, homes[0], day("2026-03-02"))
		if err != nil || len(in) != 2 || !in[0].Beneficiary {
			t.Error(in, err)
		}
		list, err := registry.GroupMembers(tx, union)
		if err != nil || len(list) != 3 {
			t.Error(list, err)
		}
		return nil
	})

	for name, c := range map[string]struct {
		err  error
		rule string
	}{
		"inside itself":         {group(t, d, union, 1, registry.GroupMemberData{GroupID: &union}), "group_cycle"},
		"inside what is inside": {group(t, d, cooperative, 1, registry.GroupMemberData{GroupID: &union}), "group_cycle"},
		"the same member twice": {group(t, d, cooperative, 1, registry.GroupMemberData{HouseholdID: &homes[0]}, registry.GroupMemberData{HouseholdID: &homes[0]}), "group_member_once"},
		"twice in the past":     {group(t, d, cooperative, 1, registry.GroupMemberData{HouseholdID: &homes[0], EndDate: "2026-02-02"}, registry.GroupMemberData{HouseholdID: &homes[0], StartDate: "2026-02-01"}), "group_member_once"},
		"two things as one":     {group(t, d, cooperative, 1, registry.GroupMemberData{HouseholdID: &homes[0], PersonID: &member}), "record_parts"},
		"nothing at all":        {group(t, d, cooperative, 1, registry.GroupMemberData{}), "record_parts"},
		"over before it starts": {group(t, d, cooperative, 1, registry.GroupMemberData{HouseholdID: &homes[0], StartDate: "2026-02-02", EndDate: "2026-02-01"}), "group_member_dates"},
		"in it for no day":      {group(t, d, cooperative, 1, registry.GroupMemberData{GroupID: &union, StartDate: "2000-01-01", EndDate: "2000-01-01"}), ""},
	} {
		if rule(c.err) != c.rule {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}

// Nobody is in a group before it is formed, after it has ended, or in the future.
func TestGroupDates(t *testing.T) {
	t.Parallel()
	d := land(t)
	h := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{})
	try := func(edit func(*registry.GroupData), spans ...string) error {
		g := registry.GroupData{Type: "cooperative", Name: "Group", FormedOn: "2020-05-01"}
		do(t, d, worker, func(tx db.Tx) error { g.Ref = registry.NewRef(registry.RefGroup, tx.Rand()); return nil })
		for i := 0; i+1 < len(spans); i += 2 {
			g.Members = append(g.Members, registry.GroupMemberData{ID: newID(t, d), HouseholdID: &h.id, StartDate: spans[i], EndDate: spans[i+1]})
		}
		if edit != nil {
			edit(&g)
		}
		return change(t, d, registry.Item{Kind: registry.KindGroup, Subject: newID(t, d), Data: g})
	}
	end := func(on string) func(*registry.GroupData) {
		return func(g *registry.GroupData) { g.Status, g.StatusReason, g.StatusDate = "ended", "empty", on }
	}
	future := d.Clock.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	for name, c := range map[string]struct {
		err  error
		rule string
	}{
		"on its first day":        {try(nil, "2020-05-01", ""), ""},
		"before":                  {try(nil, "2020-04-30", ""), "group_member_early"},
		"not known when":          {try(nil, "", ""), ""},
		"before an unknown day":   {try(func(g *registry.GroupData) { g.FormedOn = "" }, "2001-01-01", ""), ""},
		"after it ended":          {try(end("2021-01-01"), "2021-01-02", ""), "group_member_early"},
		"before it ended":         {try(end("2021-01-01"), "2020-12-31", ""), ""},
		"over before it was":      {try(end("2020-04-01")), "group_member_early"},
		"tomorrow's tomorrow":     {try(nil, future, ""), "group_member_future"},
		"left before joining":     {try(nil, "2021-01-02", "2021-01-01"), "group_member_dates"},
		"left on the day of both": {try(nil, "2021-01-02", "2021-01-02"), ""},
	} {
		if rule(c.err) != c.rule {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	d := land(t)
	h := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{FullName: "Twice"}, registry.PersonData{FullName: "Twice"}, registry.PersonData{FullName: "Twice"})
	a, b, c := h.people[0], h.people[1], h.people[2]
	merge := func(into db.ID) func(*registry.PersonData) {
		return func(p *registry.PersonData) {
			next, err := p.Conclude(registry.Duplicate, "same_person", "2026-03-02", &into, today)
			must(t, err)
			*p = next
		}
	}
	must(t, edit(t, d, b, merge(a)))
	for name, err := range map[string]error{
		"into a duplicate":     edit(t, d, c, merge(b)),
		"which others lead to": edit(t, d, a, merge(c)),
		"into itself":          edit(t, d, c, merge(c)),
		"without a reason":     edit(t, d, c, func(p *registry.PersonData) { p.Status = registry.Deceased }),
		"a duplicate of nobody": edit(t, d, c, func(p *registry.PersonData) {
			p.Status, p.StatusReason, p.StatusDate = "duplicate", "same_person", "2026-03-02"
		}),
		"merged and still there": edit(t, d, c, func(p *registry.PersonData) { p.MergedInto = &a }),
	} {
		if rule(err) != "person_merged" && rule(err) != "person_outcome" {
			t.Errorf("%s: %v", name, err)
		}
	}
	now, _ := person(t, d, b)
	if m := now.Memberships[0]; m.EndDate != "2026-03-02" || m.EndReason != registry.Duplicate {
		t.Error(m)
	}
	before, _ := person(t, d, c)
	before.Memberships[0].ID, before.Memberships[0].HouseholdID = now.Memberships[0].ID, h.id
	must(t, edit(t, d, b, func(p *registry.PersonData) {
		next, err := p.Restore(before)
		must(t, err)
		*p = next
	}))
	again, _ := person(t, d, b)
	if again.Status != "" || again.MergedInto != nil || again.Memberships[0].EndDate != "" {
		t.Error(again)
	}
}

func TestConcludeRefuses(t *testing.T) {
	t.Parallel()
	id := db.ID{1}
	for name, c := range map[string]struct {
		status, reason, day string
		into                *db.ID
		input               string
	}{
		"a reason of another outcome": {registry.Deceased, "asked", "2026-03-01", nil, "reason"},
		"no such outcome":             {"gone", "asked", "2026-03-01", nil, "reason"},
		"tomorrow":                    {registry.Deceased, "witnesses", "2026-03-03", nil, "date"},
		"no day":                      {registry.Deceased, "witnesses", "", nil, "date"},
		"a duplicate of nobody":       {registry.Duplicate, "same_person", "2026-03-01", nil, "into"},
		"dead, as somebody else":      {registry.Deceased, "witnesses", "2026-03-01", &id, "into"},
	} {
		_, err := registry.PersonData{}.Conclude(c.status, c.reason, c.day, c.into, today)
		if input, _ := failed(err); input != c.input {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (registry.PersonData{Status: registry.Left}).Conclude(registry.Deceased, "witnesses", "2026-03-01", nil, today); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if _, err := (registry.PersonData{}).Restore(registry.PersonData{}); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
}

// A name that a person gave is never replaced by one that a machine made; an
// empty one may be filled, and what a machine made may be made again.
func TestNamesAreNotTransliteratedOver(t *testing.T) {
	t.Parallel()
	d := land(t)
	id := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{FullName: "آمنة يوسف"}).people[0]
	var machine, office db.ID
	do(t, d, worker, func(tx db.Tx) (err error) {
		if machine, err = registry.AddSource(tx, registry.SourceCalculated, nil, ""); err == nil {
			office, err = registry.AddSource(tx, registry.SourceOffice, nil, "")
		}
		return err
	})
	latin := func(name string, source db.ID) error {
		return edit(t, d, id, func(p *registry.PersonData) {
			p.FullNameLatin, p.Provenance = name, p.Provenance.With(source, "full_name_latin")
		})
	}
	must(t, latin("Amnh Ywsf", machine))
	must(t, latin("Aminah Yusuf", machine))
	must(t, latin("Amina Yusuf", office))
	if err := latin("Aminah Yusuf", machine); rule(err) != "name_transliterated" {
		t.Error(err)
	}
	if err := edit(t, d, id, func(p *registry.PersonData) {
		p.FullName, p.Provenance = "Amina Yusuf", p.Provenance.With(machine, "full_name")
	}); rule(err) != "name_transliterated" {
		t.Error(err)
	}
}

func TestWebRolesCannotWriteTheRecord(t *testing.T) {
	t.Parallel()
	d := land(t)
	register(t, d, areaID(t, d, "MJ01"), registry.PersonData{})
	for _, table := range []string{"person", "household", "membership", "membership_role", "relation", "contact", "identifier", "group_record",
		"group_member", "record_version", "relation_type", "identifier_type", "identifier_contest"} {
		for _, who := range []db.Principal{citizen(1), officer(1), {Role: db.Issuer}, {Role: db.API}} {
			for _, statement := range []string{`delete from ` + table, `insert into ` + table + ` default values`} {
				if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil ||
					!strings.Contains(err.Error(), "permission denied") {
					t.Errorf("%s may %s: %v", who.Role, statement, err)
				}
			}
		}
	}
	for _, call := range []string{`broken('x')`, `apply_memberships(null, true)`, `apply_identifiers(null, true, null)`, `apply_groups(null)`,
		`settle_claims(null, null, null, null)`, `check_people(null)`, `check_groups(null)`, `check_relations(null)`} {
		if err := d.WithTx(t.Context(), officer(1), func(tx db.Tx) error { return tx.Exec(`select ` + call) }); err == nil ||
			!strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", call, err)
		}
	}
}
