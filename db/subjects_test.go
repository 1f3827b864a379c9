package db_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
	"daftar/demo"
)

// Whatever a page of the portal asks: people and households that have nothing to do
// with whoever is signed in are not there, nor is whoever lives where households are
// protected; and without anybody signed in nobody is.
func TestPortalSeesItsOwn(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := demo.Seed(t.Context(), d.DB, map[string]string{auth.CitizenProvider: "https://c.example", auth.StaffProvider: "https://s.example"}); err != nil {
		t.Fatal(err)
	}
	worker := db.Principal{Role: db.Jobs, Kind: "job"}
	account := func(name string) db.Principal {
		who := db.Principal{Role: db.Citizen, Kind: "citizen"}
		if err := d.WithTx(t.Context(), worker, func(tx db.Tx) error {
			who.Actor = tx.NewID()
			return tx.Exec(`insert into account (id, provider, sub, person_id, created_at) select $1, 'citizen', 'own-' || $2, id, $3 from person where $2 in (full_name_latin, full_name)`, who.Actor, name, tx.Now())
		}); err != nil {
			t.Fatal(err)
		}
		return who
	}
	count := func(who db.Principal, named, query string, args ...any) (n int) {
		t.Helper()
		if err := d.View(t.Context(), who, func(tx db.Tx) error {
			if named != "" {
				if err := tx.Exec(`select set_config('daftar.named', $1, true)`, named); err != nil {
					return err
				}
			}
			return tx.Get(&n, query, args...)
		}); err != nil {
			t.Fatal(query, ": ", err)
		}
		return n
	}
	amina := account("Amina Yusuf")
	for table, column := range map[string]string{"person": "id", "household": "id", "membership": "household_id", "relation": "person_id", "record_version": "subject_id"} {
		all := count(worker, "", `select count(*) from `+table)
		own := count(amina, "", `select count(*) from `+table)
		if own == 0 || own >= all {
			t.Errorf("%s: she reads %d rows of %d", table, own, all)
		}
		strangers := `select count(*) from ` + table + ` where ` + column + ` in (
			select id from person where full_name in ('Joseph Okello', 'Zawadi Mushi')
			union select m.household_id from membership m join person p on p.id = m.person_id where p.full_name in ('Joseph Okello', 'Zawadi Mushi'))`
		if n := count(amina, "", strangers); n != 0 {
			t.Errorf("%s: she reads %d rows of strangers", table, n)
		}
		if n := count(db.Principal{Role: db.Citizen, Kind: "anonymous"}, "", `select count(*) from `+table); n != 0 {
			t.Errorf("%s: nobody in particular reads %d rows", table, n)
		}
	}
	// whose reference she has, with those around
	var ref string
	if err := d.View(t.Context(), worker, func(tx db.Tx) error {
		return tx.Get(&ref, `select ref from person where full_name = 'Joseph Okello'`)
	}); err != nil {
		t.Fatal(err)
	}
	if n := count(amina, ref, `select count(*) from person where ref = $1`, ref); n != 1 {
		t.Error("she does not find whom she names")
	}
	// in one transaction as well, whatever was found out before
	if err := d.WithTx(t.Context(), amina, func(tx db.Tx) error {
		for _, step := range []struct {
			named string
			want  int
		}{{"", 0}, {ref, 1}, {"", 0}} {
			if err := tx.Exec(`select set_config('daftar.named', $1, true)`, step.named); err != nil {
				return err
			}
			var n int
			if err := tx.Get(&n, `select count(*) from person where ref = $1`, ref); err != nil {
				return err
			}
			if n != step.want {
				t.Errorf("with %q named she finds %d", step.named, n)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	// her husband lives where households are protected: he is not there for her
	conn, err := pgx.Connect(t.Context(), d.URL(localpg.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), `set session_replication_role = replica;
		insert into relation (id, person_id, type, other_id) select gen_random_uuid(), a.id, 'spouse', b.id from person a, person b where a.full_name_latin = 'Amina Yusuf' and b.full_name = 'Joseph Okello'`); err != nil {
		t.Fatal(err)
	}
	if n := count(amina, "", `select count(*) from person where ref = $1`, ref); n != 1 {
		t.Error("she does not see whom she is married to")
	}
	if _, err := conn.Exec(t.Context(), `update household set protected = true where id in (select m.household_id from membership m join person p on p.id = m.person_id where p.full_name = 'Joseph Okello')`); err != nil {
		t.Fatal(err)
	}
	if n := count(amina, "", `select count(*) from person where ref = $1`, ref); n != 0 {
		t.Error("she sees somebody who lives protected")
	}
}
