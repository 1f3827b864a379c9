package areas_test

import (
	"encoding/json"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/registry/areas"
)

// asked defines fields that ask for a place: of a person, and in a roster of a
// household.
func asked(t testing.TB, d *dbtest.DB) {
	t.Helper()
	for _, f := range [][3]string{{"person", "", "birth_place"}, {"household", "plots", "place"}, {"application", "", "market"}} {
		owner(t, d, `insert into field_definition (id, subject, roster, code, version, type, label, published_at)
			values (gen_random_uuid(), $1, $2, $3, 1, 'area', '{"en": "Place"}', '2026-01-01')`, f[0], f[1], f[2])
	}
}

// register stores one record by two hands.
func register(t testing.TB, d *dbtest.DB, kind string, data func(db.Tx, db.ID) (any, error)) (db.ID, string) {
	t.Helper()
	var change, id db.ID
	do(t, d, db.Principal{Role: db.Jobs, Kind: "staff", Actor: officer(3).Actor}, func(tx db.Tx) error {
		source, err := registry.AddSource(tx, registry.SourceCounter, nil, "")
		if err != nil {
			return err
		}
		id = tx.NewID()
		v, err := data(tx, source)
		if err != nil {
			return err
		}
		change, err = registry.Propose(tx, registry.OriginBatch, []registry.Item{{Kind: kind, Subject: id, Data: v}})
		return err
	})
	agree(t, d, change)
	return id, one(t, d, `select data->>'ref' from record_state where subject_id = $1`, id)
}

func agree(t testing.TB, d *dbtest.DB, change db.ID) {
	t.Helper()
	do(t, d, db.Principal{Role: db.Jobs, Kind: "staff", Actor: officer(4).Actor}, func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
}

func born(place string) func(db.Tx, db.ID) (any, error) {
	return func(tx db.Tx, source db.ID) (any, error) {
		return registry.PersonData{Ref: registry.NewRef(registry.RefPerson, tx.Rand()), FullName: "Amina", Sex: "female",
			Fields: registry.Values{"birth_place": place, "note": "her mother's house"}, Provenance: registry.Provenance{"*": source}}, nil
	}
}

func farm(home string, places ...string) func(db.Tx, db.ID) (any, error) {
	return func(tx db.Tx, source db.ID) (any, error) {
		a, err := registry.AreaByCode(tx, home)
		rows := []any{}
		for i, place := range places {
			rows = append(rows, map[string]any{"id": string(rune('a' + i)), "place": place, "ha": 1.5})
		}
		return registry.HouseholdData{Ref: registry.NewRef(registry.RefHousehold, tx.Rand()), AreaID: a.ID,
			Fields: registry.Values{"plots": rows}, Provenance: registry.Provenance{"*": source}}, err
	}
}

func group(code string) func(db.Tx, db.ID) (any, error) {
	return func(tx db.Tx, source db.ID) (any, error) {
		a, err := registry.AreaByCode(tx, code)
		return registry.GroupData{Ref: registry.NewRef(registry.RefGroup, tx.Rand()), Type: "cooperative", Name: "Millers", AreaID: &a.ID,
			Provenance: registry.Provenance{"*": source}}, err
	}
}

func seat(t testing.TB, d *dbtest.DB, id db.ID) string {
	t.Helper()
	return one(t, d, `select a.code from group_record g join area a on a.id = g.area_id where g.id = $1`, id)
}

func birthPlace(t testing.TB, d *dbtest.DB, id db.ID) string {
	t.Helper()
	return one(t, d, `select concat_ws(' ', version, fields->>'birth_place', fields->>'note') from person where id = $1`, id)
}

func plots(t testing.TB, d *dbtest.DB, id db.ID) string {
	t.Helper()
	return one(t, d, `select version || ' ' || (select string_agg(r->>'place' || '/' || (r->>'ha'), ' ') from jsonb_array_elements(fields->'plots') r) from household where id = $1`, id)
}

func left(t testing.TB, d *dbtest.DB) string {
	t.Helper()
	return one(t, d, `select coalesce(string_agg(subject_kind || ' ' || field || ' ' || a.code, ', ' order by subject_kind), '') from area_answer_left l join area a on a.id = l.area_id`)
}

// What answers name and where groups are follows a merge as homes do: by a change
// of the records, with two hands and a source.
func TestAnswersAndGroupsFollowAMerge(t *testing.T) {
	t.Parallel()
	d := land(t)
	asked(t, d)
	amina, _ := register(t, d, registry.KindPerson, born("ZZ0101"))
	stays, _ := register(t, d, registry.KindPerson, born("ZZ0201"))
	far, _ := register(t, d, registry.KindHousehold, farm("ZZ0201", "ZZ0101", "ZZ0201"))
	both, _ := register(t, d, registry.KindHousehold, farm("ZZ0101", "ZZ0101"))
	millers, _ := register(t, d, registry.KindGroup, group("ZZ0101"))
	restructure(t, d, areas.KindMerge, func(tx db.Tx) (*areas.Plan, error) {
		p, err := areas.PlanMerge(tx, everywhere, areas.Merge{Areas: []string{"ZZ0101", "ZZ0102"}, Into: "ZZ0102", On: "2026-03-01"})
		if err == nil && (p.Counts.Households != 1 || p.Counts.Groups != 1) {
			t.Errorf("%d households, %d groups follow", p.Counts.Households, p.Counts.Groups)
		}
		return p, err
	})
	if got := birthPlace(t, d, amina) + ", " + birthPlace(t, d, stays); got != "2 ZZ0102 her mother's house, 1 ZZ0201 her mother's house" {
		t.Error(got)
	}
	if got := plots(t, d, far) + ", " + plots(t, d, both) + ", " + where(t, d, both) + ", " + seat(t, d, millers); got != "2 ZZ0102/1.5 ZZ0201/1.5, 2 ZZ0102/1.5, ZZ0102, ZZ0102" {
		t.Error(got)
	}
	if got := one(t, d, `
		select concat_ws(' ', c.origin, c.state, c.proposed_by = $2, c.approved_by = $3, s.kind, s.label = x.ref, (p.provenance ? '*'), p.provenance ? 'area')
		from person p join change c on c.id = p.change_id join source s on s.id = (p.provenance->>'birth_place')::uuid
		join area_change x on x.change_id = c.id where p.id = $1`, amina, officer(1).Actor, officer(2).Actor); got != "batch applied t t calculated t t f" {
		t.Error(got)
	}
	if got := left(t, d); got != "" {
		t.Errorf("left: %s", got)
	}
}

// In a split nobody knows which part an answer means: it stays and is listed,
// unless the split says that all of them go to the first part. Groups go where
// the split says.
func TestAnswersInASplit(t *testing.T) {
	t.Parallel()
	d := land(t)
	asked(t, d)
	amina, _ := register(t, d, registry.KindPerson, born("ZZ0101"))
	rosa, _ := register(t, d, registry.KindPerson, born("ZZ0102"))
	farmer, _ := register(t, d, registry.KindHousehold, farm("ZZ0201", "ZZ0101"))
	stay, _ := register(t, d, registry.KindGroup, group("ZZ0101"))
	goes, ref := register(t, d, registry.KindGroup, group("ZZ0101"))
	split := func(s areas.Split) {
		restructure(t, d, areas.KindSplit, func(tx db.Tx) (*areas.Plan, error) { return areas.PlanSplit(tx, everywhere, s) })
	}
	name := i18n.Text{"en": "Part"}
	split(areas.Split{Area: "ZZ0101", Ends: true, On: "2026-03-01", Parts: []areas.Part{{Code: "ZZ0104", Name: name}, {Code: "ZZ0105", Name: name, Holds: []string{ref}}}})
	if got := birthPlace(t, d, amina) + ", " + plots(t, d, farmer); got != "1 ZZ0101 her mother's house, 1 ZZ0101/1.5" {
		t.Error(got)
	}
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	do(t, d, officer(1), func(tx db.Tx) error {
		f := registry.Fields{{Subject: "person", Code: "birth_place", Type: registry.TypeArea}}
		named, err := registry.WithPlaces(tx, f, registry.Values{"birth_place": "ZZ0101"}, registry.Values{"birth_place": "ZZ0104"})
		if err != nil {
			return err
		}
		p := messages.Printer("en")
		if was, is := named[0].Show(p, "ZZ0101"), named[0].Show(p, "ZZ0104"); was != "Old Town, Capital (ended)" || is != "Part, Capital" {
			t.Errorf("%s; %s", was, is)
		}
		return nil
	})
	if got := seat(t, d, stay) + " " + seat(t, d, goes); got != "ZZ0104 ZZ0105" {
		t.Error(got)
	}
	if got := left(t, d); got != "household plots.place ZZ0101, person birth_place ZZ0101" {
		t.Error(got)
	}
	split(areas.Split{Area: "ZZ0102", Ends: true, Answers: true, On: "2026-03-01", Parts: []areas.Part{{Code: "ZZ0106", Name: name}, {Code: "ZZ0107", Name: name}}})
	if got := birthPlace(t, d, rosa); got != "2 ZZ0106 her mother's house" {
		t.Error(got)
	}
}

// An answer that was proposed before the merge and applied after it follows, once.
func TestLateAnswersFollow(t *testing.T) {
	t.Parallel()
	d := land(t)
	asked(t, d)
	var change, id db.ID
	do(t, d, db.Principal{Role: db.Jobs, Kind: "staff", Actor: officer(3).Actor}, func(tx db.Tx) (err error) {
		source, err := registry.AddSource(tx, registry.SourceCounter, nil, "")
		if err != nil {
			return err
		}
		data, err := born("ZZ0101")(tx, source)
		if err != nil {
			return err
		}
		id = tx.NewID()
		change, err = registry.Propose(tx, registry.OriginBatch, []registry.Item{{Kind: registry.KindPerson, Subject: id, Data: data}})
		return err
	})
	restructure(t, d, areas.KindMerge, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanMerge(tx, everywhere, areas.Merge{Areas: []string{"ZZ0101", "ZZ0102"}, Into: "ZZ0102", On: "2026-03-01"})
	})
	agree(t, d, change)
	for range 2 {
		do(t, d, worker, func(tx db.Tx) error { _, err := areas.Follow(tx); return err })
	}
	if got := birthPlace(t, d, id); got != "2 ZZ0102 her mother's house" {
		t.Error(got)
	}
}

// What somebody has told of so far in an application follows too.
func TestAnswersOfOpenCasesFollow(t *testing.T) {
	t.Parallel()
	d := land(t)
	asked(t, d)
	raw := func(s string) (v map[string]any) {
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	draft := `{"area": "ZZ0101", "fields": {"plots": [{"id": "a", "place": "ZZ0101"}, {"id": "b", "place": "ZZ0201"}]},
		"members": [{"key": "1", "fields": {"birth_place": "ZZ0101", "note": "ZZ0101"}}, {"key": "2"}], "answers": {"own_market": "ZZ0101", "market": "ZZ0101"}}`
	want := `{"area": "ZZ0101", "fields": {"plots": [{"id": "a", "place": "ZZ0102"}, {"id": "b", "place": "ZZ0201"}]},
		"members": [{"key": "1", "fields": {"birth_place": "ZZ0102", "note": "ZZ0101"}}, {"key": "2"}], "answers": {"own_market": "ZZ0102", "market": "ZZ0101"}}`
	owner(t, d, `insert into identity_provider (id, issuer) values ('staff', 'x') on conflict do nothing`)
	owner(t, d, `insert into staff (id, provider, sub, name) values ('00000000-0000-0000-0000-000000000099', 'staff', 'x', 'x')`)
	owner(t, d, `insert into case_kind (id, code, version, definition, published_at) values (gen_random_uuid(), 'registration', 1000, '{}', '2026-01-01')`)
	owner(t, d, `insert into case_file (id, ref, kind, kind_id, desk, channel, opened_by, language, draft, created_at)
		select '00000000-0000-0000-0000-000000000001', 'A-1', k.code, k.id, 'office', 'counter', '00000000-0000-0000-0000-000000000099', 'en', $1::text::jsonb, '2026-01-01'
		from case_kind k where k.code = 'registration' limit 1`, draft)
	restructure(t, d, areas.KindMerge, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanMerge(tx, everywhere, areas.Merge{Areas: []string{"ZZ0101", "ZZ0102"}, Into: "ZZ0102", On: "2026-03-01"})
	})
	var got string
	do(t, d, worker, func(tx db.Tx) error { return tx.Get(&got, `select draft::text from case_file where ref = 'A-1'`) })
	a, _ := json.Marshal(raw(got))
	b, _ := json.Marshal(raw(want))
	if string(a) != string(b) {
		t.Errorf("%s\nand not\n%s", a, b)
	}
}
