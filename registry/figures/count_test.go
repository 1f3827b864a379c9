package figures_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
	"daftar/demo"
	"daftar/registry/figures"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// newYear is the demo after a January in which 40 cases came in at the capital, 12
// of them late and 3 sealed, and 4 somewhere else. Its triggers are off for as long
// as that takes: nothing here is about how a case comes about.
func newYear(t *testing.T) *dbtest.DB {
	t.Helper()
	d := dbtest.New(t)
	if err := demo.Seed(t.Context(), d.DB, map[string]string{"citizen": "http://c.example", "staff": "http://s.example"}); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), d.URL(localpg.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), `
		set session_replication_role = replica;
		with place as (select id, l0, row_number() over (order by code) as n from area where level = 1)
		insert into case_file (id, ref, kind, kind_id, state, desk, access, channel, area_id, l0, l1, language, created_at, submitted_at, due_on, decided_at)
		select gen_random_uuid(), 'FIG' || i, 'registration', (select id from case_kind where code = 'registration' limit 1), 'approved', 'office',
		  case when i <= 3 then 'sealed' else 'open' end, 'event', p.id, p.l0, p.id, 'en',
		  '2026-01-05 09:00Z', '2026-01-05 09:00Z', '2026-01-20', case when i % 40 < 12 then timestamptz '2026-01-25 09:00Z' else '2026-01-19 09:00Z' end
		from generate_series(1, 47) i join place p on p.n = case when i <= 43 then 1 else 2 end;
		insert into decision (id, ref, kind, case_id, outcome, reason, decided_at)
		select gen_random_uuid(), 'D' || ref, 'case', id, case when right(ref, 1) in ('1', '2', '3', '4') then 'refused' else 'approved' end,
		  case when right(ref, 1) in ('1', '2', '3', '4') then 'proven_false' end, decided_at
		from case_file where ref like 'FIG%'`); err != nil {
		t.Fatal(err)
	}
	return d
}

func count(t *testing.T, d *dbtest.DB) (done bool) {
	t.Helper()
	if err := d.WithTx(t.Context(), worker, func(tx db.Tx) (err error) { done, err = figures.Count(tx); return err }); err != nil {
		t.Fatal(err)
	}
	return done
}

func TestMonthsAreCountedOnceAfterTheyEnded(t *testing.T) {
	t.Parallel()
	d := newYear(t)
	d.Clock.Set(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	if !count(t, d) {
		t.Fatal("a month was counted that was not over")
	}
	d.Clock.Set(dbtest.Start)
	n := 0
	for ; !count(t, d); n++ {
	}
	if n != 2 { // January and February
		t.Fatalf("%d months were counted", n)
	}
	var months []time.Time
	var country, capital []figures.Figure
	january := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := d.View(t.Context(), db.Principal{Role: db.Citizen, Kind: "anonymous"}, func(tx db.Tx) (err error) {
		if months, err = figures.Months(tx); err != nil {
			return err
		}
		var first string
		if err := tx.Get(&first, `select code from area where level = 1 order by code limit 1`); err != nil {
			return err
		}
		if country, err = figures.Of(tx, january, figures.Country); err != nil {
			return err
		}
		capital, err = figures.Of(tx, january, first)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(months) != 2 {
		t.Errorf("the months are %v", months)
	}
	of := func(list []figures.Figure, measure, code string) int {
		for _, f := range list {
			if f.Measure == measure && f.Code == code {
				if !f.N.Valid {
					return -1
				}
				return int(f.N.Int64)
			}
		}
		return -2
	}
	for _, want := range []struct {
		list          []figures.Figure
		measure, code string
		n             int
	}{
		// The three that are sealed are in none. Four came in elsewhere, so that the
		// capital's 40 are not shown beside the country's 44.
		{country, figures.Received, "", 44}, {country, figures.Received, "registration", 44}, {capital, figures.Received, "registration", -1},
		{capital, figures.Received, "", -1}, {country, figures.Due, figures.OnTime, 28}, {country, figures.Due, figures.Late, 16},
		{country, figures.Decided, "refused.proven_false", 17}, {country, figures.Decided, "approved", 27}, {country, figures.Appeals, "", 0},
	} {
		if got := of(want.list, want.measure, want.code); got != want.n {
			t.Errorf("%s %q is %d instead of %d", want.measure, want.code, got, want.n)
		}
	}
}

// What is withheld is nowhere: not even in the table. And what was said once
// stays.
func TestFiguresStayAsTheyAre(t *testing.T) {
	t.Parallel()
	d := newYear(t)
	for !count(t, d) {
	}
	for _, statement := range []string{`update public_figure set n = 1`, `delete from public_figure`, `delete from public_month`} {
		if err := d.WithTx(t.Context(), worker, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
			t.Errorf("%s: it can be changed", statement)
		}
	}
	var small int
	if err := d.View(t.Context(), worker, func(tx db.Tx) error {
		return tx.Get(&small, `select count(*) from public_figure where n between 1 and 9`)
	}); err != nil || small > 0 {
		t.Errorf("%d small numbers are in the table, %v", small, err)
	}
}
