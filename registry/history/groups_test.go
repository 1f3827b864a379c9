package history_test

import (
	"slices"
	"testing"
	"time"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/history"
)

// Which groups somebody was in on a day, as it was known at a moment.
func TestGroupsAtAnotherTime(t *testing.T) {
	t.Parallel()
	d, area, source := setting(t)
	from := registry.Provenance{"*": source}
	ref := func(kind rune) (ref string) {
		must(t, d.View(t.Context(), worker, func(tx db.Tx) error { ref = registry.NewRef(kind, tx.Rand()); return nil }))
		return ref
	}
	home := newID(t, d)
	put := func(id db.ID, base int, g registry.GroupData, spans ...string) {
		g.Ref, g.Type, g.Provenance = ref('G'), "cooperative", from
		for i := 0; i+1 < len(spans); i += 2 {
			g.Members = append(g.Members, registry.GroupMemberData{ID: newID(t, d), HouseholdID: &home, StartDate: spans[i], EndDate: spans[i+1]})
		}
		apply(t, d, registry.Item{Kind: registry.KindGroup, Subject: id, BaseVersion: base, Data: g})
	}
	apply(t, d, registry.Item{Kind: registry.KindHousehold, Subject: home, Data: registry.HouseholdData{Ref: ref('H'), AreaID: area, Provenance: from}})
	fishers, weavers := newID(t, d), newID(t, d)
	put(fishers, 0, registry.GroupData{Name: "Fishers"}, "2026-01-10", "")
	first := d.Clock.Now()
	d.Clock.Add(24 * time.Hour)
	put(weavers, 0, registry.GroupData{Name: "Weavers"}, "2025-06-01", "2026-01-05", "2026-02-01", "")
	put(fishers, 1, registry.GroupData{Name: "Fishers", Status: "ended", StatusReason: "empty", StatusDate: "2026-02-10"}, "2026-01-10", "")
	for _, c := range []struct {
		known time.Time
		day   string
		want  []string
	}{
		{d.Clock.Now(), "2026-01-01", []string{"Weavers"}}, {d.Clock.Now(), "2026-01-07", nil}, {d.Clock.Now(), "2026-02-05", []string{"Fishers", "Weavers"}},
		{d.Clock.Now(), "2026-02-15", []string{"Weavers"}}, {first, "2026-02-15", []string{"Fishers"}}, {first, "2026-01-01", nil}, {first.Add(-time.Hour), "2026-02-15", nil},
	} {
		var got []string
		must(t, d.View(t.Context(), worker, func(tx db.Tx) error {
			list, err := history.Groups(tx, home, history.At{Known: c.known}, c.day)
			for _, g := range list {
				got = append(got, g.Name)
			}
			return err
		}))
		if !slices.Equal(got, c.want) {
			t.Errorf("on %s, known at %s: %q instead of %q", c.day, c.known, got, c.want)
		}
	}
}
