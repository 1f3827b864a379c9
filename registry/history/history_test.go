package history_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/history"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

func hand(n byte) db.Principal {
	return db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1, 15: n}}
}

// setting is a database with one area and a source.
func setting(t *testing.T) (d *dbtest.DB, area, source db.ID) {
	t.Helper()
	d = dbtest.New(t)
	must(t, d.WithTx(t.Context(), worker, func(tx db.Tx) (err error) {
		area = tx.NewID()
		if err := tx.Exec(`insert into area (id, code, level, kind, name) values ($1, 'MJ', 0, 'country', '{}')`, area); err != nil {
			return err
		}
		source, err = registry.AddSource(tx, registry.SourceCounter, nil, "")
		return err
	}))
	return d, area, source
}

// tb is a test or one case of a property.
type tb interface {
	Helper()
	Fatal(...any)
	Context() context.Context
}

func must(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// apply takes items through three hands.
func apply(t tb, d *dbtest.DB, items ...registry.Item) {
	t.Helper()
	ctx := t.Context()
	var id db.ID
	must(t, d.WithTx(ctx, hand(1), func(tx db.Tx) (err error) {
		id, err = registry.Propose(tx, registry.OriginCase, items)
		return err
	}))
	must(t, d.WithTx(ctx, hand(2), func(tx db.Tx) error { return registry.Verify(tx, id) }))
	must(t, d.WithTx(ctx, hand(3), func(tx db.Tx) error {
		if err := registry.Approve(tx, id); err != nil {
			return err
		}
		return registry.Apply(tx, id)
	}))
}

func newID(t tb, d *dbtest.DB) (id db.ID) {
	t.Helper()
	must(t, d.View(t.Context(), worker, func(tx db.Tx) error { id = tx.NewID(); return nil }))
	return id
}

// patch is a state after changes: what Diff took apart, put together.
func patch(s history.State, changes []history.Change) history.State {
	next := history.State{}
	for key, raw := range s {
		next[key] = raw
	}
	list := func(what string) (out []history.State) { _ = json.Unmarshal(next[what], &out); return out }
	put := func(what string, v any, empty bool) {
		if delete(next, what); !empty {
			next[what], _ = json.Marshal(v)
		}
	}
	for _, c := range changes {
		switch {
		case len(c.What) > 7 && c.What[:7] == "fields.":
			fields := history.State{}
			_ = json.Unmarshal(next["fields"], &fields)
			if delete(fields, c.What[7:]); c.New != nil {
				fields[c.What[7:]] = c.New[c.What[7:]]
			}
			put("fields", fields, len(fields) == 0)
		case c.What == "memberships" || c.What == "identifiers" || c.What == "contacts" || c.What == "relations":
			var out []history.State
			for _, e := range list(c.What) {
				if !reflect.DeepEqual(plain(e), plain(c.Old)) {
					out = append(out, e)
				} else if c.New != nil {
					out = append(out, c.New)
				}
			}
			if c.Old == nil {
				out = append(out, c.New)
			}
			put(c.What, out, len(out) == 0)
		default:
			for key := range c.Old {
				delete(next, key)
			}
			for key, raw := range c.New {
				next[key] = raw
			}
		}
	}
	return next
}

func plain(v any) (out any) {
	raw, _ := json.Marshal(v)
	_ = json.Unmarshal(raw, &out)
	return out
}

// As-of(t) is the replay of the changes up to t, value by value and as a whole,
// for anything that people do to a record.
func TestAsOfIsTheReplayOfTheChanges(t *testing.T) {
	t.Parallel()
	d, area, source := setting(t)
	rapid.Check(t, func(t *rapid.T) {
		home, id := newID(t, d), newID(t, d)
		from := registry.Provenance{"*": source}
		ref := func(kind rune) (s string) {
			must(t, d.View(t.Context(), worker, func(tx db.Tx) error { s = registry.NewRef(kind, tx.Rand()); return nil }))
			return s
		}
		apply(t, d, registry.Item{Kind: registry.KindHousehold, Subject: home, Data: registry.HouseholdData{Ref: ref('H'), AreaID: area, Provenance: from}})
		before := d.Now()
		d.Clock.Add(time.Hour)
		data := registry.PersonData{Ref: ref('P'), Provenance: from}
		type moment struct {
			at   time.Time
			data registry.PersonData
		}
		var known []moment
		var replayed history.State
		for version := range rapid.IntRange(1, 7).Draw(t, "changes") {
			mutate(t, d, &data, home)
			nature := registry.Event
			if rapid.Bool().Draw(t, "correction") {
				nature = registry.Correction
			}
			apply(t, d, registry.Item{Kind: registry.KindPerson, Subject: id, BaseVersion: version, Nature: nature, Data: data})
			known = append(known, moment{d.Now(), data})
			d.Clock.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "hours")) * time.Hour)
		}
		must(t, d.View(t.Context(), hand(1), func(tx db.Tx) error {
			if _, err := history.Person(tx, id, history.At{Known: before}); !fault.Is(err, fault.NotFound) {
				t.Fatalf("known before it was: %v", err)
			}
			for i, k := range known {
				for _, at := range []time.Time{k.at, d.Now()} {
					if at == d.Now() && i < len(known)-1 {
						continue
					}
					got, err := history.Person(tx, id, history.At{Known: at})
					if err != nil || !reflect.DeepEqual(plain(got), plain(k.data)) {
						t.Fatalf("as of version %d: %v, not %v (%v)", i+1, plain(got), plain(k.data), err)
					}
				}
			}
			timeline, err := history.Timeline(tx, id, d.Now())
			if err != nil || len(timeline) != len(known) {
				t.Fatal(len(timeline), err)
			}
			for i := range timeline {
				e := timeline[len(timeline)-1-i]
				replayed = patch(replayed, e.Changes)
				want := e.Data
				delete(want, "provenance")
				delete(want, "ref")
				if !reflect.DeepEqual(plain(replayed), plain(want)) {
					t.Fatalf("the changes up to version %d lead to %v, not to %v", i+1, plain(replayed), plain(want))
				}
			}
			return nil
		}))
	})
}

// mutate does to a record one of the things that people do.
func mutate(t *rapid.T, d *dbtest.DB, p *registry.PersonData, home db.ID) {
	word := rapid.SampledFrom([]string{"", "A", "B", "ج"})
	switch rapid.IntRange(0, 7).Draw(t, "what") {
	case 0:
		p.FullName, p.FullNameLatin = word.Draw(t, "name"), word.Draw(t, "latin")
	case 1:
		p.BirthFrom = fmt.Sprintf("19%02d-01-01", rapid.IntRange(40, 60).Draw(t, "born"))
		p.BirthTo = p.BirthFrom[:4] + "-12-31"
	case 2, 3:
		fields := registry.Values{}
		for code, v := range p.Fields {
			fields[code] = v
		}
		code := rapid.SampledFrom([]string{"income", "disability"}).Draw(t, "field")
		if v := rapid.IntRange(0, 3).Draw(t, "value"); v > 0 {
			fields[code] = float64(v)
		} else {
			delete(fields, code)
		}
		if p.Fields = fields; len(fields) == 0 {
			p.Fields = nil
		}
	case 4:
		list := append([]registry.MembershipData{}, p.Memberships...)
		for i := range list {
			if list[i].EndDate == "" {
				list[i].EndDate, list[i].EndReason = "2026-03-10", "moved"
			}
		}
		p.Memberships = append(list, registry.MembershipData{ID: newID(t, d), HouseholdID: home, Relationship: "child", StartDate: "2026-03-10"})
		if n := len(p.Memberships); n > 1 {
			p.Memberships[n-1].Tie = registry.TieAbsent
		}
	case 5:
		p.Contacts = []registry.ContactData{{Kind: "phone", Value: fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "phone")), Owner: "own"}}
	case 6:
		p.Tags = nil
		if tag := word.Draw(t, "tag"); tag != "" {
			p.Tags = []string{tag}
		}
	case 7:
		if p.Status == "" {
			p.Status, p.StatusReason, p.StatusDate = registry.Left, "asked", "2026-03-02"
		} else {
			p.Status, p.StatusReason, p.StatusDate = "", "", ""
		}
	}
}

// Income was 100 from January; in June it is said that it is 50 since April; in
// August, that the 100 was a slip of the pen for 10, never true, is too late:
// it is the 50 that is corrected. What was known in May does not change.
func TestTwoTimes(t *testing.T) {
	t.Parallel()
	d, area, source := setting(t)
	id := newID(t, d)
	version := 0
	say := func(on, effective string, nature registry.Nature, income float64, area db.ID) {
		at, err := time.Parse(time.DateOnly, on)
		must(t, err)
		d.Clock.Set(at.Add(12 * time.Hour))
		ref := ""
		must(t, d.View(t.Context(), worker, func(tx db.Tx) error { ref = registry.NewRef('H', tx.Rand()); return nil }))
		apply(t, d, registry.Item{Kind: registry.KindHousehold, Subject: id, BaseVersion: version, Nature: nature, EffectiveOn: effective,
			Data: registry.HouseholdData{Ref: ref, AreaID: area, Fields: registry.Values{"income": income}, Provenance: registry.Provenance{"*": source}}})
		version++
	}
	say("2026-01-10", "2026-01-01", registry.Event, 100, area)
	say("2026-06-10", "2026-04-01", registry.Event, 50, area)
	say("2026-08-10", "", registry.Correction, 55, area)
	say("2026-09-10", "2026-02-01", registry.Correction, 60, area)
	for _, c := range []struct {
		known, on string
		want      any
	}{
		{"2026-05-01", "2025-12-31", nil}, {"2026-05-01", "2026-01-01", 100.0}, {"2026-05-01", "2026-05-01", 100.0},
		{"2026-07-01", "2026-03-31", 100.0}, {"2026-07-01", "2026-04-01", 50.0}, {"2026-07-01", "", 50.0},
		{"2026-08-11", "2026-03-31", 100.0}, {"2026-08-11", "2026-05-01", 55.0}, {"2026-08-11", "", 55.0},
		{"2026-09-11", "2026-01-31", 100.0}, {"2026-09-11", "2026-02-01", 60.0}, {"2026-09-11", "2026-09-11", 60.0},
		{"2026-05-01", "", 100.0},
	} {
		known, err := time.Parse(time.DateOnly, c.known)
		must(t, err)
		must(t, d.View(t.Context(), worker, func(tx db.Tx) error {
			h, err := history.Household(tx, id, history.At{Known: known, On: c.on})
			if err != nil || h.Fields["income"] != c.want {
				t.Errorf("known on %s about %q: %v instead of %v (%v)", c.known, c.on, h.Fields["income"], c.want, err)
			}
			return err
		}))
	}
}

// Where somebody lived is in the record's own dates; what was known of it is
// in the versions.
func TestResidenceInTwoTimes(t *testing.T) {
	t.Parallel()
	d, area, source := setting(t)
	old, now, id := newID(t, d), newID(t, d), newID(t, d)
	from := registry.Provenance{"*": source}
	apply(t, d, registry.Item{Kind: registry.KindHousehold, Subject: old, Data: registry.HouseholdData{Ref: "H-1", AreaID: area, Provenance: from}},
		registry.Item{Kind: registry.KindHousehold, Subject: now, Data: registry.HouseholdData{Ref: "H-2", AreaID: area, Provenance: from}})
	p := registry.PersonData{Ref: "P-1", Provenance: from, Memberships: []registry.MembershipData{{ID: newID(t, d), HouseholdID: old, Relationship: "head", StartDate: "2026-01-01"}}}
	apply(t, d, registry.Item{Kind: registry.KindPerson, Subject: id, Data: p})
	before := d.Now()
	d.Clock.Add(24 * time.Hour)
	p = p.Move(registry.MembershipData{ID: newID(t, d), HouseholdID: now, Relationship: "head", StartDate: "2026-02-01"}, "moved")
	apply(t, d, registry.Item{Kind: registry.KindPerson, Subject: id, BaseVersion: 1, Data: p})
	for _, c := range []struct {
		known time.Time
		on    string
		home  db.ID
	}{{before, "2026-02-15", old}, {d.Now(), "2026-02-15", now}, {d.Now(), "2026-01-31", old}, {d.Now(), "2025-12-31", db.ID{}}} {
		must(t, d.View(t.Context(), worker, func(tx db.Tx) error {
			got, err := history.Person(tx, id, history.At{Known: c.known, On: c.on})
			m, _ := got.Residence(c.on)
			if err != nil || m.HouseholdID != c.home || len(got.Memberships) > 1 {
				t.Errorf("on %s: %v %v", c.on, got.Memberships, err)
			}
			return err
		}))
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	d, area, first := setting(t)
	source := func() (id db.ID) {
		must(t, d.WithTx(t.Context(), worker, func(tx db.Tx) (err error) {
			id, err = registry.AddSource(tx, registry.SourceOffice, nil, "")
			return err
		}))
		return id
	}
	id := newID(t, d)
	h := registry.HouseholdData{Ref: "H-1", AreaID: area, Directions: "Blue door", Fields: registry.Values{"income": 1.0, "rooms": 2.0}, Provenance: registry.Provenance{"*": first}}
	apply(t, d, registry.Item{Kind: registry.KindHousehold, Subject: id, Data: h})
	second, third := source(), source()
	d.Clock.Add(240 * time.Hour)
	h.Fields, h.Provenance = registry.Values{"income": 5.0, "rooms": 2.0}, h.Provenance.With(second, "income")
	apply(t, d, registry.Item{Kind: registry.KindHousehold, Subject: id, BaseVersion: 1, EffectiveOn: "2026-03-05", Data: h})
	h.Provenance = h.Provenance.With(third, "income", "rooms") // said again
	apply(t, d, registry.Item{Kind: registry.KindHousehold, Subject: id, BaseVersion: 2, Reason: "confirmed", Data: h})
	must(t, d.View(t.Context(), hand(1), func(tx db.Tx) error {
		versions, err := history.Versions(tx, id, d.Now())
		must(t, err)
		facts, err := history.Facts(versions)
		must(t, err)
		for name, want := range map[string]history.Fact{
			"income":     {Source: second, Confirmed: third, Since: "2026-03-05"},
			"rooms":      {Source: first, Confirmed: third, Since: "2026-03-02"},
			"directions": {Source: first, Confirmed: first, Since: "2026-03-02"},
		} {
			if facts[name] != want {
				t.Errorf("%s: %v instead of %v", name, facts[name], want)
			}
		}
		timeline, err := history.Timeline(tx, id, d.Now())
		if err != nil || len(timeline) != 3 || len(timeline[0].Changes) != 0 || len(timeline[1].Changes) != 1 || timeline[1].Changes[0].What != "fields.income" {
			t.Errorf("%v %v", timeline, err)
		}
		return nil
	}))
}
