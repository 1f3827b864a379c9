package dedup_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/registry"
)

// Who a change brings is found and compared as whoever is brought in line later
// (find_new, search_refresh and dedup_refresh in the migrations).
func TestWhoIsNewIsFoundLikeAnybody(t *testing.T) {
	t.Parallel()
	l := start(t)
	var items []registry.Item
	add := func(name, born string, change ...func(*registry.PersonData)) {
		_, more := l.somebody(name, born, len(items)%2, change...)
		items = append(items, more...)
	}
	for _, name := range []string{
		"Amina Hassan", "amina  HASSAN", "", "Abdul Rahman Ali", "Abdirahman Ali", "al Hassan", "Ali al Hassan Al", "عبد الله محمد", "عبدالله", "Anne-Marie d'Arc", "José Ñandú",
		"- ' -", "Мария Ө", "ሰላም ፋጢማ", "王小明 王", strings.Repeat("long", 40) + " Name", "O'Brien O'Brien", "Abd", "a b c d e f g",
	} {
		add(name, "1987-05-07")
	}
	latin := func(p *registry.PersonData) { p.FullNameLatin = "Abdul Rahman Mohamed" }
	born := func(from, to string) func(*registry.PersonData) {
		return func(p *registry.PersonData) { p.BirthFrom, p.BirthTo = from, to }
	}
	add("عبد الرحمن محمد", "1990-01-01", latin)
	add("Year Only", "", born("1990-01-01", "1990-12-31"))
	add("Two Years", "", born("1990-06-01", "1991-05-31"))
	add("Some Years", "", born("1980-01-01", "1989-12-31"))
	add("Unknown Birth", "", born("", ""))
	add("Long Ago", "", born("1930-01-01", "1960-12-31"))
	add("Mistaken Record", "1980-01-01", func(p *registry.PersonData) {
		p.Status, p.StatusReason, p.StatusDate = "error", "no_such_person", "2026-01-01"
	})
	home := items[0].Subject
	add("Moved Once", "1980-02-03", func(p *registry.PersonData) {
		p.Memberships[0].StartDate = "2010-01-01"
		p.Memberships = append([]registry.MembershipData{{ID: l.id(), HouseholdID: home, Relationship: "child", StartDate: "2001-01-01", EndDate: "2010-01-01", EndReason: "moved"}}, p.Memberships...)
	})
	add("Left All", "1980-02-03", func(p *registry.PersonData) {
		p.Memberships = []registry.MembershipData{
			{ID: l.id(), HouseholdID: home, Relationship: "child", EndDate: "2010-01-01", EndReason: "moved"},
			{ID: l.id(), HouseholdID: p.Memberships[0].HouseholdID, Relationship: "child", StartDate: "2011-01-01", EndDate: "2020-01-01", EndReason: "moved"}}
	})
	add("Tied Twice", "1980-02-03", func(p *registry.PersonData) {
		p.Memberships = append(p.Memberships, registry.MembershipData{ID: l.id(), HouseholdID: home, Tie: "absent", Relationship: "child"})
	})
	add("Nowhere", "1980-02-03", func(p *registry.PersonData) { p.Memberships = nil })
	l.apply(items...)
	// A household moves, and somebody is born into it, in one change.
	moved := items[0].Data.(registry.HouseholdData)
	moved.AreaID = l.areas[1]
	_, since := l.somebody("Born Since", "2026-01-05", 0, func(p *registry.PersonData) {
		p.Memberships = []registry.MembershipData{{ID: l.id(), HouseholdID: home, Relationship: "child"}}
	})
	l.apply(registry.Item{Kind: registry.KindHousehold, Subject: home, BaseVersion: 1, Data: moved}, since[1])

	conn, err := pgx.Connect(t.Context(), l.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	found := func() (lines []string) {
		t.Helper()
		rows, err := conn.Query(t.Context(), `
			select s::text from (select p.full_name, s.* from person_search s join person p on p.id = s.person_id order by 2) s
			union all select d::text from (select p.full_name, d.* from dedup_record d join person p on p.id = d.person_id order by 2) d
			union all (select distinct (w.word, w.key)::text from name_word w order by 1)`)
		if err == nil {
			lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	brought := found()
	if _, err := conn.Exec(t.Context(), `
		truncate person_search, dedup_record, name_word;
		select search_refresh(array(select id from person)), dedup_refresh(array(select id from person))`); err != nil {
		t.Fatal(err)
	}
	if made := found(); len(made) != len(brought) || len(made) < 100 {
		t.Errorf("%d rows are made, %d were brought", len(made), len(brought))
	} else {
		for i := range made {
			if made[i] != brought[i] {
				t.Errorf("made    %s\nbrought %s", made[i], brought[i])
			}
		}
	}
}
