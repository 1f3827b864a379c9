package amend_test

import (
	"errors"
	"testing"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/amend"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

func officer(n byte) db.Principal {
	return db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1, 15: n}}
}

// town is a country with two regions and a protected household in the first.
type town struct {
	*dbtest.DB
	areas             map[string]db.ID
	home, who, nobody db.ID
	homeRef, ref      string
	all, here         registry.Reader
}

func place(t *testing.T) *town {
	t.Helper()
	w := &town{DB: dbtest.New(t), areas: map[string]db.ID{}}
	w.must(t, worker, func(tx db.Tx) error {
		for _, a := range []struct {
			code, parent string
			level        int
		}{{"MJ", "", 0}, {"MJ01", "MJ", 1}, {"MJ02", "MJ", 1}} {
			id := tx.NewID()
			w.areas[a.code] = id
			if err := tx.Exec(`insert into area (id, code, level, kind, parent_id, name)
				values ($1, $2, $3, 'area', (select id from area where code = nullif($4, '')), '{}')`, id, a.code, a.level, a.parent); err != nil {
				return err
			}
		}
		return nil
	})
	var change db.ID
	w.must(t, officer(7), func(tx db.Tx) error {
		source, err := registry.AddSource(tx, registry.SourceCounter, nil, "")
		if err != nil {
			return err
		}
		from := registry.Provenance{"*": source}
		w.home, w.who, w.nobody = tx.NewID(), tx.NewID(), tx.NewID()
		w.homeRef, w.ref = registry.NewRef('H', tx.Rand()), registry.NewRef('P', tx.Rand())
		change, err = registry.Propose(tx, registry.OriginCase, []registry.Item{
			{Kind: registry.KindHousehold, Subject: w.home, Data: registry.HouseholdData{Ref: w.homeRef, AreaID: w.areas["MJ01"], Protected: true, Provenance: from}},
			{Kind: registry.KindPerson, Subject: w.who, Data: registry.PersonData{Ref: w.ref, FullName: "Amina", Provenance: from,
				Memberships: []registry.MembershipData{{ID: tx.NewID(), HouseholdID: w.home, Relationship: "head", StartDate: "2026-03-02"}}}},
			{Kind: registry.KindPerson, Subject: w.nobody, Data: registry.PersonData{Ref: registry.NewRef('P', tx.Rand()), Provenance: from}},
		})
		return err
	})
	w.must(t, officer(8), func(tx db.Tx) error { return registry.Verify(tx, change) })
	w.must(t, officer(9), func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
	w.all, w.here = registry.Reader{Areas: []db.ID{w.areas["MJ"]}}, registry.Reader{Areas: []db.ID{w.areas["MJ01"]}}
	return w
}

func (w *town) must(t *testing.T, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := w.WithTx(t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

// renames proposes another name for the person.
func (w *town) renames(t *testing.T, who db.Principal, base int, name string) (ref string, err error) {
	t.Helper()
	err = w.WithTx(t.Context(), who, func(tx db.Tx) error {
		data, _, err := registry.CurrentPerson(tx, w.who)
		if err != nil {
			return err
		}
		data.FullName = name
		ref, err = amend.Propose(tx, w.here, w.ref, amend.Draft{Note: "Her card", Lang: "en",
			Item: registry.Item{Kind: registry.KindPerson, BaseVersion: base, Nature: registry.Correction, Reason: "mistake", Data: data}})
		return err
	})
	return ref, err
}

func key(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Key
	}
	return ""
}

func TestThreeHands(t *testing.T) {
	t.Parallel()
	w := place(t)
	ref, err := w.renames(t, officer(1), 1, "Amina Yusuf")
	if err != nil {
		t.Fatal(err)
	}
	do := func(n byte, step func(db.Tx, registry.Reader, string) error) error {
		return w.WithTx(t.Context(), officer(n), func(tx db.Tx) error { return step(tx, w.here, ref) })
	}
	if err := do(1, amend.Verify); !fault.Is(err, fault.Forbidden) {
		t.Error("the proposer verified: ", err)
	}
	if err := do(2, amend.Approve); !fault.Is(err, fault.Conflict) {
		t.Error("approved before it was verified: ", err)
	}
	if err := do(2, amend.Verify); err != nil {
		t.Fatal(err)
	}
	for _, n := range []byte{1, 2} {
		if err := do(n, amend.Approve); !fault.Is(err, fault.Forbidden) {
			t.Error("approved by who proposed or verified: ", err)
		}
	}
	if err := do(3, amend.Withdraw); !fault.Is(err, fault.NotFound) {
		t.Error("taken back by another: ", err)
	}
	if err := do(3, amend.Approve); err != nil {
		t.Fatal(err)
	}
	w.must(t, officer(1), func(tx db.Tx) error {
		p, version, err := registry.CurrentPerson(tx, w.who)
		name, _ := p.Provenance.Of("full_name")
		rest, _ := p.Provenance.Of("sex")
		if err != nil || version != 2 || p.FullName != "Amina Yusuf" || name == rest {
			t.Error(p, version, err)
		}
		var asked int
		if err := tx.Get(&asked, `select count(*) from change where state = 'applied'`); err != nil || asked != 2 {
			t.Error(asked, err)
		}
		list, err := amend.Open(tx, w.here)
		if err != nil || len(list) != 0 {
			t.Error(list, err)
		}
		return nil
	})
}

// Invariant 4: what was proposed for an older version is never written over a
// newer one.
func TestStaleProposals(t *testing.T) {
	t.Parallel()
	w := place(t)
	first, err := w.renames(t, officer(1), 1, "First")
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.renames(t, officer(2), 1, "Second")
	if err != nil {
		t.Fatal(err)
	}
	take := func(ref string) error {
		if err := w.WithTx(t.Context(), officer(3), func(tx db.Tx) error { return amend.Verify(tx, w.here, ref) }); err != nil {
			return err
		}
		return w.WithTx(t.Context(), officer(4), func(tx db.Tx) error { return amend.Approve(tx, w.here, ref) })
	}
	if err := take(first); err != nil {
		t.Fatal(err)
	}
	if err := take(second); key(err) != "error.stale" {
		t.Error(err)
	}
	if _, err := w.renames(t, officer(1), 1, "Third"); key(err) != "error.stale" {
		t.Error(err)
	}
	if _, err := w.renames(t, officer(1), 2, "First"); key(err) != "propose.error.nothing" {
		t.Error(err)
	}
}

// Elsewhere a record and its proposals are not there at all; somebody without a
// household is the whole country's business.
func TestScope(t *testing.T) {
	t.Parallel()
	w := place(t)
	ref, err := w.renames(t, officer(1), 1, "Amina Yusuf")
	if err != nil {
		t.Fatal(err)
	}
	there := registry.Reader{Areas: []db.ID{w.areas["MJ02"]}}
	w.must(t, officer(5), func(tx db.Tx) error {
		nobody, _, err := registry.CurrentPerson(tx, w.nobody)
		if err != nil {
			return err
		}
		for name, c := range map[string]struct {
			reader registry.Reader
			kind   string
			ref    string
			found  bool
		}{
			"here": {w.here, "person", w.ref, true}, "the country": {w.all, "person", w.ref, true}, "elsewhere": {there, "person", w.ref, false},
			"no area at all": {registry.Reader{}, "person", w.ref, false}, "the home": {w.here, "household", w.homeRef, true},
			"the home, elsewhere": {there, "household", w.homeRef, false}, "without a home": {w.here, "person", nobody.Ref, false},
			"without a home, the country": {w.all, "person", nobody.Ref, true}, "a household as a person": {w.here, "person", w.homeRef, false},
			"nobody": {w.all, "person", "P-22222-22222", false},
		} {
			_, err := registry.FindRecord(tx, c.reader, c.kind, c.ref)
			if c.found != (err == nil) || err != nil && !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := amend.Read(tx, there, ref); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		for reader, n := range map[*registry.Reader]int{&w.here: 1, &w.all: 1, &there: 0} {
			if list, err := amend.Open(tx, *reader); err != nil || len(list) != n {
				t.Error(list, err)
			}
		}
		for name, c := range map[string]struct {
			reader registry.Reader
			sees   bool
		}{"without the right": {w.here, false}, "with it": {registry.Reader{Protected: []db.ID{w.areas["MJ01"]}}, true},
			"with it elsewhere": {registry.Reader{Protected: []db.ID{w.areas["MJ02"]}}, false}} {
			if sees, err := c.reader.SeesPlace(tx, w.home); err != nil || sees != c.sees {
				t.Errorf("%s: %t %v", name, sees, err)
			}
		}
		return nil
	})
}

func TestRefusalAndWithdrawal(t *testing.T) {
	t.Parallel()
	w := place(t)
	refused, err := w.renames(t, officer(1), 1, "Wrong")
	if err != nil {
		t.Fatal(err)
	}
	withdrawn, err := w.renames(t, officer(1), 1, "Also wrong")
	if err != nil {
		t.Fatal(err)
	}
	w.must(t, officer(2), func(tx db.Tx) error { return amend.Verify(tx, w.here, refused) })
	w.must(t, officer(3), func(tx db.Tx) error { return amend.Refuse(tx, w.here, refused, "Her card says otherwise", "en") })
	w.must(t, officer(1), func(tx db.Tx) error { return amend.Withdraw(tx, w.here, withdrawn) })
	w.must(t, officer(1), func(tx db.Tx) error {
		for ref, state := range map[string]string{refused: amend.Refused, withdrawn: amend.Superseded} {
			if a, err := amend.Read(tx, w.here, ref); err != nil || a.State != state {
				t.Error(a.State, err)
			}
		}
		p, version, err := registry.CurrentPerson(tx, w.who)
		if p.FullName != "Amina" || version != 1 {
			t.Error(p, version)
		}
		return err
	})
}

// "Confirmed" changes no value, and every value comes from the office anew.
func TestConfirmed(t *testing.T) {
	t.Parallel()
	w := place(t)
	var ref string
	w.must(t, officer(1), func(tx db.Tx) (err error) {
		data, version, err := registry.CurrentPerson(tx, w.who)
		if err != nil {
			return err
		}
		ref, err = amend.Propose(tx, w.here, w.ref, amend.Draft{Note: "Visited", Lang: "en",
			Item: registry.Item{Kind: registry.KindPerson, BaseVersion: version, Reason: "confirmed", Data: data}})
		return err
	})
	w.must(t, officer(2), func(tx db.Tx) error { return amend.Verify(tx, w.here, ref) })
	w.must(t, officer(3), func(tx db.Tx) error { return amend.Approve(tx, w.here, ref) })
	w.must(t, officer(3), func(tx db.Tx) error {
		p, _, err := registry.CurrentPerson(tx, w.who)
		if err != nil {
			return err
		}
		sources, err := registry.Sources(tx, p.Provenance)
		for _, s := range sources {
			if s.Kind != registry.SourceOffice {
				t.Error(s)
			}
		}
		return err
	})
}
