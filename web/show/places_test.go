package show_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/history"
	"daftar/web/show"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// A proposal names places, whichever side of it they stand on: one that ended as
// such, and never by a code.
func TestAProposalNamesPlaces(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	conn, err := pgx.Connect(t.Context(), d.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, statement := range []string{
		`insert into area (id, code, level, kind, name, valid_to) values
			('00000000-0000-0000-0000-000000000001', 'ZZ', 0, 'country', '{"en": "Zed"}', null), ('00000000-0000-0000-0000-000000000002', 'YY', 0, 'country', '{"en": "Old Zed"}', '2026-01-01')`,
		`insert into field_definition (id, subject, roster, code, version, type, label, published_at) values
			(gen_random_uuid(), 'person', '', 'birth_place', 1, 'area', '{"en": "Born in"}', '2026-01-01')`,
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	p := messages.Printer("en")
	state := func(place string) history.State {
		s, err := history.Of(registry.PersonData{Ref: "P-1", Fields: registry.Values{"birth_place": place}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := d.View(t.Context(), db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1}}, func(tx db.Tx) error {
		a := cases.Alteration{Kind: registry.KindPerson, Subject: db.ID{5}, Ref: "P-1", Old: state("YY"), New: state("ZZ")}
		list, err := show.Proposal(tx, p, []cases.Alteration{a}, func(cases.Alteration) (show.Reader, bool) { return show.Reader{Staff: true}, true })
		if err != nil {
			return err
		}
		if pair := list[0].Pairs[0]; pair.Old != "Old Zed (ended)" || pair.New != "Zed" {
			t.Errorf("%q now %q", pair.Old, pair.New)
		}
		told, err := show.LoadRecord(tx, p, db.ID{5}, tx.Now(), registry.Values{"birth_place": "ZZ"}, registry.Values{"birth_place": "YY"})
		if err != nil {
			return err
		}
		lines := told.Changes(history.Diff(a.Old, a.New), show.Names{}, show.Reader{Staff: true})
		if line := strings.Join(lines, "\n"); strings.Contains(line, "ZZ") || strings.Contains(line, "YY") || !strings.Contains(line, "Old Zed (ended)") {
			t.Error(line)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// What somebody did before and goes on doing is told on neither side; and a record that
// is only confirmed has nothing to compare.
func TestAProposalTellsOnlyWhatChanges(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	p := messages.Printer("en")
	state := func(roles ...string) history.State {
		m := registry.MembershipData{ID: db.ID{7}, HouseholdID: db.ID{8}, Relationship: "head", StartDate: "2020-01-01"}
		for _, r := range roles {
			m.Roles = append(m.Roles, registry.RoleData{Role: r, StartDate: "2020-01-01"})
		}
		s, err := history.Of(registry.PersonData{Ref: "P-1", Memberships: []registry.MembershipData{m}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := d.View(t.Context(), db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1}}, func(tx db.Tx) error {
		list, err := show.Proposal(tx, p, []cases.Alteration{
			{Kind: registry.KindPerson, Subject: db.ID{5}, Ref: "P-1", Old: state(registry.RolePayee), New: state(registry.RolePayee, registry.RoleAlternatePayee)},
			{Kind: registry.KindPerson, Subject: db.ID{6}, Ref: "P-2", Old: state(registry.RolePayee), New: state(registry.RolePayee)},
		}, func(cases.Alteration) (show.Reader, bool) { return show.Reader{Staff: true}, true })
		if err != nil || len(list) != 1 {
			t.Fatal(len(list), " records are compared: ", err)
		}
		payee, other := p.T("role."+registry.RolePayee), p.T("role."+registry.RoleAlternatePayee)
		if pair := list[0].Pairs[0]; strings.Contains(pair.Old, payee) || strings.Contains(pair.New, payee) || !strings.Contains(pair.New, other) {
			t.Errorf("%q now %q", pair.Old, pair.New)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// What formulas make of a household as of a day counts those who lived there then, as
// old as they were.
func TestFormulasOverThoseOfAnotherDay(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	conn, err := pgx.Connect(t.Context(), d.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), `insert into field_definition (id, subject, roster, code, version, type, result, formula, label, published_at) values
		(gen_random_uuid(), 'household', '', 'minors', 1, 'calculated', 'number', 'members.count(m, m.age < 18)', '{"en": "Minors"}', '2026-01-01')`); err != nil {
		t.Fatal(err)
	}
	born := func(day string) registry.PersonData { return registry.PersonData{BirthFrom: day, BirthTo: day} }
	lived := []history.Member{
		{Person: born("2005-06-01"), Tie: registry.MembershipData{Relationship: "head"}}, {Person: born("2015-06-01"), Tie: registry.MembershipData{Relationship: "child"}},
		{Person: born("2016-06-01"), Tie: registry.MembershipData{Relationship: "child", Tie: registry.TieSharedCustody}},
	}
	for day, want := range map[string]float64{"2020-01-01": 2, "2026-01-01": 1} {
		if err := d.View(t.Context(), db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1}}, func(tx db.Tx) error {
			var r show.Record
			err := r.CalculateThen(tx, registry.KindHousehold, nil, day, lived)
			if r.Calculated["minors"] != want {
				t.Errorf("%s: %v", day, r.Calculated)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}
