package amend_test

import (
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/amend"
)

// joins puts another adult into the household, and returns their record.
func (w *town) joins(t *testing.T, area string, phone bool) (id db.ID, ref string) {
	t.Helper()
	var change db.ID
	w.must(t, officer(7), func(tx db.Tx) error {
		home := w.home
		source, err := registry.AddSource(tx, registry.SourceCounter, nil, "")
		if err != nil {
			return err
		}
		from := registry.Provenance{"*": source}
		id, ref = tx.NewID(), registry.NewRef('P', tx.Rand())
		var items []registry.Item
		if area != "MJ01" {
			home = tx.NewID()
			items = append(items, registry.Item{Kind: registry.KindHousehold, Subject: home,
				Data: registry.HouseholdData{Ref: registry.NewRef('H', tx.Rand()), AreaID: w.areas[area], Provenance: from}})
		}
		data := registry.PersonData{Ref: ref, FullName: "Bilal", Provenance: from, Memberships: []registry.MembershipData{
			{ID: tx.NewID(), HouseholdID: home, Relationship: "spouse", StartDate: "2026-03-02", Roles: []registry.RoleData{{Role: registry.RolePayee, StartDate: "2026-03-02"}}}}}
		if phone {
			data.Contacts = []registry.ContactData{{Kind: "phone", Value: "+254700000001", Owner: "own", Safe: []string{"notices"}}}
		}
		change, err = registry.Propose(tx, registry.OriginCase, append(items, registry.Item{Kind: registry.KindPerson, Subject: id, Data: data}))
		return err
	})
	w.must(t, officer(8), func(tx db.Tx) error { return registry.Verify(tx, change) })
	w.must(t, officer(9), func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
	return id, ref
}

// proposes changes a record, and others along with it.
func (w *town) proposes(t *testing.T, ref string, id db.ID, reason string, change func(*registry.PersonData), also ...registry.Item) (proposal string) {
	t.Helper()
	w.must(t, officer(1), func(tx db.Tx) error {
		data, version, err := registry.CurrentPerson(tx, id)
		if err != nil {
			return err
		}
		change(&data)
		proposal, err = amend.Propose(tx, w.all, ref, amend.Draft{Note: "n", Lang: "en", Method: "document", Also: also,
			Item: registry.Item{Kind: registry.KindPerson, BaseVersion: version, Reason: reason, Data: data}})
		return err
	})
	return proposal
}

func (w *town) decides(t *testing.T, ref string) {
	t.Helper()
	w.must(t, officer(2), func(tx db.Tx) error { return amend.Verify(tx, w.all, ref) })
	w.must(t, officer(3), func(tx db.Tx) error { return amend.Approve(tx, w.all, ref) })
}

func (w *town) payee(t *testing.T) (id db.ID) {
	t.Helper()
	w.must(t, worker, func(tx db.Tx) error {
		p, err := registry.PayeeOf(tx, w.home)
		if p != nil {
			id = p.Person
		}
		return err
	})
	return id
}

// A payee is replaced in both records at once, after two officials: until then,
// the money goes where it went.
func TestR15ReplacingAPayee(t *testing.T) {
	t.Parallel()
	w := place(t)
	his, _ := w.joins(t, "MJ01", false)
	var also registry.Item
	w.must(t, officer(1), func(tx db.Tx) error {
		data, version, err := registry.CurrentPerson(tx, his)
		if err != nil {
			return err
		}
		data, _ = data.Resign(data.Memberships[0].ID, 0, "2026-03-02")
		also = registry.Item{Kind: registry.KindPerson, Subject: his, BaseVersion: version, Data: data}
		return nil
	})
	ref := w.proposes(t, w.ref, w.who, "other", func(p *registry.PersonData) {
		*p, _ = p.Serve(p.Memberships[0].ID, registry.RoleData{Role: registry.RolePayee, StartDate: "2026-03-02"})
	}, also)
	steps := []struct {
		hand byte
		step func(db.Tx, registry.Reader, string) error
		want fault.Code
	}{
		{1, amend.Verify, fault.Forbidden}, {2, amend.Approve, fault.Conflict}, {2, amend.Verify, ""}, {1, amend.Approve, fault.Forbidden}, {2, amend.Approve, fault.Forbidden},
	}
	for _, s := range steps {
		err := w.WithTx(t.Context(), officer(s.hand), func(tx db.Tx) error { return s.step(tx, w.here, ref) })
		if (err != nil) != (s.want != "") || err != nil && !fault.Is(err, s.want) {
			t.Error(s.hand, err)
		}
		if w.payee(t) != his {
			t.Fatal("replaced before two officials agreed")
		}
	}
	w.must(t, officer(4), func(tx db.Tx) error {
		a, err := amend.Find(tx, w.here, ref)
		if err != nil {
			return err
		}
		others, _, err := amend.Others(tx, w.here, a)
		if len(others) != 1 || others[0].Name != "Bilal" || a.SubjectRef != w.ref {
			t.Error(a.SubjectRef, others)
		}
		return err
	})
	w.must(t, officer(3), func(tx db.Tx) error { return amend.Approve(tx, w.here, ref) })
	if w.payee(t) != w.who {
		t.Error("not replaced")
	}
}

// A proposal that changes a record elsewhere, too, is the business of whoever
// answers for both.
func TestProposalsAcrossAreas(t *testing.T) {
	t.Parallel()
	w := place(t)
	away, _ := w.joins(t, "MJ02", false)
	var also registry.Item
	w.must(t, officer(1), func(tx db.Tx) error {
		data, version, err := registry.CurrentPerson(tx, away)
		data.FullName = "Bilal Yusuf"
		also = registry.Item{Kind: registry.KindPerson, Subject: away, BaseVersion: version, Data: data}
		return err
	})
	ref := w.proposes(t, w.ref, w.who, "mistake", func(p *registry.PersonData) { p.FullName = "Amina Yusuf" }, also)
	for _, step := range []func(db.Tx, registry.Reader, string) error{amend.Verify, amend.Approve} {
		if err := w.WithTx(t.Context(), officer(2), func(tx db.Tx) error { return step(tx, w.here, ref) }); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	}
	w.decides(t, ref)
}

// Somebody is said to have died: nothing stops, and nothing goes to the phone.
// Confirmed by two officials, they are dead. They live after all: that comes
// first in everybody's list, and takes no longer than anything else.
func TestR16ReportedDead(t *testing.T) {
	t.Parallel()
	w := place(t)
	his, ref := w.joins(t, "MJ01", true)
	reachable := func() (n int) {
		w.must(t, worker, func(tx db.Tx) error {
			list, err := registry.Reachable(tx, his, "notices")
			n = len(list)
			return err
		})
		return n
	}
	var before registry.PersonData
	w.must(t, worker, func(tx db.Tx) (err error) { before, _, err = registry.CurrentPerson(tx, his); return err })
	dies := func(p *registry.PersonData) {
		next, err := p.Conclude(registry.Deceased, "witnesses", "2026-03-02", nil, w.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		*p = next
	}
	if reachable() != 1 {
		t.Fatal("not reachable to begin with")
	}
	said := w.proposes(t, ref, his, "outcome", dies)
	w.must(t, officer(2), func(tx db.Tx) error { return amend.Verify(tx, w.here, said) })
	var members int
	w.must(t, worker, func(tx db.Tx) error {
		h, err := registry.LoadHousehold(tx, w.home)
		members = len(h.Members)
		return err
	})
	if reachable() != 0 || members != 2 || w.payee(t) != his {
		t.Error("reported: ", reachable(), members, w.payee(t) == his)
	}
	w.must(t, officer(3), func(tx db.Tx) error { return amend.Refuse(tx, w.here, said, "He was here today.", "en") })
	if reachable() != 1 {
		t.Error("not reachable after it was refuted")
	}

	w.decides(t, w.proposes(t, ref, his, "outcome", dies))
	if reachable() != 0 || w.payee(t) == his {
		t.Error("dead: ", reachable())
	}
	older := w.proposes(t, w.ref, w.who, "mistake", func(p *registry.PersonData) { p.FullName = "Amina Yusuf" })
	w.Clock.Add(1e9)
	back := w.proposes(t, ref, his, "restored", func(p *registry.PersonData) {
		next, err := p.Restore(before)
		if err != nil {
			t.Fatal(err)
		}
		*p = next
	})
	w.must(t, officer(2), func(tx db.Tx) error {
		list, err := amend.Open(tx, w.here)
		if len(list) != 2 || list[0].Ref != back || list[1].Ref != older {
			t.Error("he has to wait", list)
		}
		return err
	})
	w.decides(t, back)
	if reachable() != 1 || w.payee(t) != his {
		t.Error("alive after all: ", reachable())
	}
}

// A group comes in as a proposal, and is nobody's business elsewhere.
func TestNewGroup(t *testing.T) {
	t.Parallel()
	w := place(t)
	var id db.ID
	var ref string
	propose := func(area string) (err error) {
		return w.WithTx(t.Context(), officer(1), func(tx db.Tx) error {
			id = tx.NewID()
			place := w.areas[area]
			ref, err = amend.Propose(tx, w.here, "", amend.Draft{Note: "n", Lang: "en", Method: "said", Item: registry.Item{
				Kind: registry.KindGroup, Subject: id, Reason: "registered",
				Data: registry.GroupData{Ref: registry.NewRef(registry.RefGroup, tx.Rand()), Type: "cooperative", Name: "Weavers", AreaID: &place}}})
			return err
		})
	}
	if err := propose("MJ01"); err != nil {
		t.Fatal(err)
	}
	there := registry.Reader{Areas: []db.ID{w.areas["MJ02"]}}
	w.must(t, officer(2), func(tx db.Tx) error {
		for r, n := range map[*registry.Reader]int{&w.here: 1, &w.all: 1, &there: 0} {
			list, err := amend.Open(tx, *r)
			if err != nil || len(list) != n {
				t.Error(list, err)
			}
			if _, err := amend.Read(tx, *r, ref); (err == nil) != (n == 1) {
				t.Error(err)
			}
		}
		return nil
	})
	w.decides(t, ref)
	w.must(t, worker, func(tx db.Tx) error {
		g, err := registry.LoadGroup(tx, id)
		if g.Name != "Weavers" || g.Version != 1 {
			t.Error(g)
		}
		return err
	})
}
