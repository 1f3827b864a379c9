package amend_test

import (
	"crypto/rand"
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/amend"
)

// What could never be applied is refused when it is proposed, by the rule that it
// breaks, and leaves nothing: the proposer hears of it, and not the third official.
func TestImpossibleProposals(t *testing.T) {
	t.Parallel()
	w := place(t)
	child, childRef := w.lives(t, "2016-05-04", "child")
	var union, coop db.ID
	for _, g := range []struct {
		id   *db.ID
		name string
	}{{&union, "Union"}, {&coop, "Cooperative"}} {
		w.must(t, officer(1), func(tx db.Tx) error { *g.id = tx.NewID(); return nil })
		area := w.areas["MJ01"]
		w.apply(t, registry.Item{Kind: registry.KindGroup, Subject: *g.id, Data: registry.GroupData{Ref: w.newRef(registry.RefGroup), Type: "union", Name: g.name, AreaID: &area}})
	}
	w.joinGroup(t, union, coop)

	person := func(id db.ID, ref string, change func(*registry.PersonData)) func() error {
		return func() error {
			return w.WithTx(t.Context(), officer(1), func(tx db.Tx) error {
				data, version, err := registry.CurrentPerson(tx, id)
				if err != nil {
					return err
				}
				change(&data)
				_, err = amend.Propose(tx, w.all, ref, amend.Draft{Note: "n", Lang: "en", Method: "document",
					Item: registry.Item{Kind: registry.KindPerson, BaseVersion: version, Reason: "other", Data: data}})
				return err
			})
		}
	}
	group := func(into, member db.ID) func() error {
		return func() error {
			return w.WithTx(t.Context(), officer(1), func(tx db.Tx) error {
				data, version, err := registry.CurrentGroup(tx, into)
				if err != nil {
					return err
				}
				data.Members = append(data.Members, registry.GroupMemberData{ID: tx.NewID(), GroupID: &member, StartDate: "2026-03-02"})
				_, err = amend.Propose(tx, w.all, data.Ref, amend.Draft{Note: "n", Lang: "en", Method: "document",
					Item: registry.Item{Kind: registry.KindGroup, BaseVersion: version, Reason: "other", Data: data}})
				return err
			})
		}
	}
	parentOf := func(id db.ID) func(*registry.PersonData) {
		return func(p *registry.PersonData) {
			p.Relations = append(p.Relations, registry.RelationData{ID: w.newID(), Type: "parent", PersonID: id})
		}
	}
	before := w.waiting(t)
	for _, c := range []struct {
		rule    string
		propose func() error
	}{
		{"payee_of_age", person(child, childRef, func(p *registry.PersonData) {
			*p, _ = p.Serve(p.Memberships[0].ID, registry.RoleData{Role: registry.RolePayee, StartDate: "2026-03-02"})
		})},
		{"membership_head", person(child, childRef, func(p *registry.PersonData) { p.Memberships[0].Relationship = registry.RelationshipHead })},
		{"relation_self", person(child, childRef, parentOf(child))},
		{"person_death", person(child, childRef, func(p *registry.PersonData) {
			p.Status, p.StatusReason, p.StatusDate, p.Memberships = registry.Deceased, "witnesses", "1900-01-01", nil
		})},
		{"person_outcome", person(child, childRef, func(p *registry.PersonData) {
			p.Status, p.StatusReason, p.StatusDate, p.MergedInto, p.Memberships = registry.Duplicate, "same_person", "2026-03-02", &child, nil
		})},
		{"group_cycle", group(union, union)},
		{"group_cycle", group(coop, union)},
		{"group_member_once", group(union, coop)},
	} {
		if err := c.propose(); !fault.Is(err, fault.Conflict) || err.(*fault.Error).Key != "rule."+c.rule {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
	if n := w.waiting(t); n != before {
		t.Errorf("%d proposals wait", n)
	}
	// Her own child is her mother, once it is her child.
	w.decides(t, w.proposes(t, w.ref, w.who, "other", parentOf(child)))
	if err := person(child, childRef, parentOf(w.who))(); err == nil || fault.CodeOf(err) != fault.Conflict {
		t.Error("a circle of parents: ", err)
	}
	// What is possible is only tried, and not done.
	if err := person(child, childRef, func(p *registry.PersonData) { p.FullName = "Nur" })(); err != nil {
		t.Fatal(err)
	}
	w.must(t, worker, func(tx db.Tx) error {
		p, version, err := registry.CurrentPerson(tx, child)
		if p.FullName == "Nur" || version != 1 {
			t.Error("a proposal changed the record")
		}
		return err
	})
	if w.waiting(t) != before+1 {
		t.Error("a proposal was lost")
	}
}

func (w *town) newID() db.ID            { return db.NewID(w.Clock.Now(), rand.Reader) }
func (w *town) newRef(kind rune) string { return registry.NewRef(kind, rand.Reader) }
func (w *town) waiting(t *testing.T) (n int) {
	t.Helper()
	w.must(t, worker, func(tx db.Tx) error { return tx.Get(&n, `select count(*) from change where state = 'proposed'`) })
	return n
}

// apply brings items in through three hands, with a source of their own.
func (w *town) apply(t *testing.T, items ...registry.Item) {
	t.Helper()
	var change db.ID
	w.must(t, officer(7), func(tx db.Tx) (err error) { change, err = registry.Propose(tx, registry.OriginCase, items); return err })
	w.must(t, officer(8), func(tx db.Tx) error { return registry.Verify(tx, change) })
	w.must(t, officer(9), func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
}

// lives puts somebody born on a day into the household.
func (w *town) lives(t *testing.T, born, relationship string) (id db.ID, ref string) {
	t.Helper()
	id, ref = w.newID(), w.newRef(registry.RefPerson)
	w.apply(t, registry.Item{Kind: registry.KindPerson, Subject: id, Data: registry.PersonData{Ref: ref, BirthFrom: born, BirthTo: born,
		Memberships: []registry.MembershipData{{ID: w.newID(), HouseholdID: w.home, Relationship: relationship, StartDate: "2026-03-02"}}}})
	return id, ref
}

// joinGroup takes a group into another.
func (w *town) joinGroup(t *testing.T, into, member db.ID) {
	t.Helper()
	var data registry.GroupData
	var version int
	w.must(t, worker, func(tx db.Tx) (err error) { data, version, err = registry.CurrentGroup(tx, into); return err })
	data.Members = append(data.Members, registry.GroupMemberData{ID: w.newID(), GroupID: &member, StartDate: "2026-03-02"})
	w.apply(t, registry.Item{Kind: registry.KindGroup, Subject: into, BaseVersion: version, Data: data})
}
