package history_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/history"
)

// Who was in a household on a day, as it was known at a moment: also somebody
// who was entered there by mistake, until the mistake was put right.
func TestMembersAtAnotherTime(t *testing.T) {
	t.Parallel()
	d, area, source := setting(t)
	from := registry.Provenance{"*": source}
	home, away := newID(t, d), newID(t, d)
	lives := func(in db.ID, since string) []registry.MembershipData {
		return []registry.MembershipData{{ID: newID(t, d), HouseholdID: in, Relationship: "other_relative", StartDate: since}}
	}
	ref := func(kind rune) (ref string) {
		must(t, d.View(t.Context(), worker, func(tx db.Tx) error { ref = registry.NewRef(kind, tx.Rand()); return nil }))
		return ref
	}
	people := map[string]db.ID{}
	items := []registry.Item{
		{Kind: registry.KindHousehold, Subject: home, Data: registry.HouseholdData{Ref: ref('H'), AreaID: area, Provenance: from}},
		{Kind: registry.KindHousehold, Subject: away, Data: registry.HouseholdData{Ref: ref('H'), AreaID: area, Provenance: from}},
	}
	for _, name := range []string{"stays", "leaves", "mistaken"} {
		people[name] = newID(t, d)
		items = append(items, registry.Item{Kind: registry.KindPerson, Subject: people[name],
			Data: registry.PersonData{Ref: ref('P'), FullName: name, Provenance: from, Memberships: lives(home, "2026-01-01")}})
	}
	apply(t, d, items...)
	atFirst := d.Clock.Now()
	d.Clock.Add(24 * time.Hour)
	edit := func(name string, fn func(*registry.PersonData)) {
		var p registry.PersonData
		var version int
		must(t, d.View(t.Context(), worker, func(tx db.Tx) (err error) {
			p, version, err = registry.CurrentPerson(tx, people[name])
			return err
		}))
		fn(&p)
		apply(t, d, registry.Item{Kind: registry.KindPerson, Subject: people[name], BaseVersion: version, Data: p})
	}
	edit("leaves", func(p *registry.PersonData) {
		*p = p.Move(registry.MembershipData{ID: newID(t, d), HouseholdID: away, Relationship: "spouse", StartDate: "2026-02-01"}, "married")
	})
	edit("mistaken", func(p *registry.PersonData) { p.Memberships = lives(away, "2026-01-01") }) // never was here
	edit("mistaken", func(p *registry.PersonData) { p.FullName = "mistaken once" })
	for _, c := range []struct {
		known time.Time
		on    string
		want  string
	}{
		{atFirst, "2026-01-15", "leaves mistaken stays"}, {atFirst, "2026-02-15", "leaves mistaken stays"}, {atFirst, "2025-12-31", ""},
		{d.Clock.Now(), "2026-01-15", "leaves stays"}, {d.Clock.Now(), "2026-02-15", "stays"}, {atFirst.Add(-time.Hour), "2026-02-15", ""},
	} {
		var got []string
		must(t, d.View(t.Context(), worker, func(tx db.Tx) error {
			list, err := history.Members(tx, home, history.At{Known: c.known, On: c.on}, c.on)
			for _, m := range list {
				got = append(got, m.Person.FullName)
			}
			return err
		}))
		slices.Sort(got)
		if strings.Join(got, " ") != c.want {
			t.Errorf("on %s, known at %s: %q instead of %q", c.on, c.known, got, c.want)
		}
	}
}
