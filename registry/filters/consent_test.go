package filters_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry/consent"
	"daftar/registry/filters"
)

// A file for a purpose that rests on consent has those who agreed, and after the
// next statement nobody who took it back: never in the header, the rows or the log
// (RULES R18; security.md, abuse case 22).
func TestConsentWithdrawalStopsTheNextFile(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := demo.Seed(t.Context(), d.DB, map[string]string{"citizen": "http://c.example", "staff": "http://s.example"}); err != nil {
		t.Fatal(err)
	}
	d.Clock.Add(time.Hour)
	do := func(who db.Principal, fn func(db.Tx) error) {
		t.Helper()
		if err := d.WithTx(t.Context(), who, fn); err != nil {
			t.Fatal(err)
		}
	}
	worker := db.Principal{Role: db.Jobs, Kind: "job"}
	officer, err := demo.Staff(t.Context(), d.DB, "programme")
	if err != nil {
		t.Fatal(err)
	}
	officer.Role = db.Staff
	amina := db.Principal{Role: db.Citizen, Kind: "citizen"}
	var person db.ID
	var ref, household string
	o := filters.Officer{ID: officer.Actor, Roles: []string{"programme"}}
	do(worker, func(tx db.Tx) (err error) {
		if person, err = demo.Person(tx, "amina"); err != nil {
			return err
		}
		amina.Actor = tx.NewID()
		if err := tx.Exec(`insert into account (id, provider, sub, person_id, created_at) values ($1, 'citizen', 'amina', $2, $3)`, amina.Actor, person, tx.Now()); err != nil {
			return err
		}
		if err := tx.Select(&o.Areas, `select area_id from staff_scope where staff_id = $1`, officer.Actor); err != nil {
			return err
		}
		if err := tx.Get(&ref, `select ref from person where id = $1`, person); err != nil {
			return err
		}
		return tx.Get(&household, `select h.ref from household h join membership m on m.household_id = h.id where m.person_id = $1 and m.end_date is null and m.tie = 'usual'`, person)
	})
	bundle, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	refs := func(subject filters.Subject, purpose string) (list []string) {
		t.Helper()
		do(officer, func(tx db.Tx) error {
			f := filters.Filter{ID: tx.NewID(), Subject: subject, Expr: filters.Expr{Cond: &filters.Cond{Field: "household.status", Op: filters.Is, Values: []string{"active"}}}}
			table, err := filters.Export(tx, o, filters.NewCatalogue(subject, nil, nil, nil, o.Roles), f, nil, purpose, bundle.Printer("en"))
			for _, row := range table.Rows {
				list = append(list, row[0].Text)
			}
			return err
		})
		return list
	}
	if !slices.Contains(refs(filters.People, "programme"), ref) || !slices.Contains(refs(filters.Households, "programme"), household) {
		t.Fatal("what the law demands asks for consent")
	}
	if got := refs(filters.People, "research"); len(got) != 0 {
		t.Errorf("nobody agreed, and the file has %v", got)
	}
	if got := refs(filters.People, "anything"); len(got) != 0 {
		t.Errorf("for what is no purpose the file has %v", got)
	}
	var given string
	do(amina, func(tx db.Tx) (err error) {
		given, err = consent.Give(tx, person, "research", 1, "en")
		return err
	})
	if got := refs(filters.People, "research"); !slices.Equal(got, []string{ref}) {
		t.Errorf("she alone agreed, and the file has %v", got)
	}
	if got := refs(filters.People, "employment"); len(got) != 0 {
		t.Errorf("she agreed to another purpose, and the file has %v", got)
	}
	if got := refs(filters.Households, "research"); len(got) != 0 {
		t.Errorf("she agrees for her household: %v", got)
	}
	do(amina, func(tx db.Tx) error { return consent.Withdraw(tx, person, given) })
	if got := refs(filters.People, "research"); len(got) != 0 {
		t.Errorf("after she took it back the file has %v", got)
	}
	var told int
	do(worker, func(tx db.Tx) error {
		return tx.Get(&told, `select count(*) from audit_event e join audit_subject s on s.event_id = e.id and s.at = e.at
			where e.action = 'person.exported' and e.purpose = 'research' and e.basis = 'consent' and s.subject = $1`, person)
	})
	if told != 1 {
		t.Errorf("she is told of %d files instead of the one that she was in", told)
	}

	// by order of events: a file that was begun, and had read something, before she
	// took it back, and reads who agreed after it, is without her
	filter := filters.Filter{ID: db.ID{7}, Subject: filters.People, Expr: filters.Expr{Cond: &filters.Cond{Field: "household.status", Op: filters.Is, Values: []string{"active"}}}}
	file := func(tx db.Tx) (filters.Table, error) {
		return filters.Export(tx, o, filters.NewCatalogue(filters.People, nil, nil, nil, o.Roles), filter, nil, "research", bundle.Printer("en"))
	}
	has := func(table filters.Table) bool {
		return slices.ContainsFunc(table.Rows, func(row []filters.Cell) bool { return row[0].Text == ref })
	}
	give := func() {
		do(amina, func(tx db.Tx) (err error) { given, err = consent.Give(tx, person, "research", 1, "en"); return err })
	}
	give()
	do(officer, func(tx db.Tx) error {
		if before, err := file(tx); err != nil || !has(before) {
			t.Errorf("she agreed: %v, %v", has(before), err)
		}
		do(amina, func(tx db.Tx) error { return consent.Withdraw(tx, person, given) })
		after, err := file(tx)
		if has(after) {
			t.Error("a file that was begun before has her afterwards")
		}
		return err
	})

	// and many at once: whichever is begun after the withdrawal is done
	for range 5 {
		give()
		var done, stop atomic.Bool
		var all sync.WaitGroup
		var seen, since atomic.Int32
		for range 3 {
			all.Go(func() {
				for !stop.Load() {
					late := done.Load()
					var table filters.Table
					if err := d.WithTx(t.Context(), officer, func(tx db.Tx) (err error) { table, err = file(tx); return err }); err != nil {
						t.Error(err)
						return
					}
					switch {
					case late && has(table):
						t.Error("a file that was begun afterwards has her")
						return
					case late:
						since.Add(1)
					case has(table):
						seen.Add(1)
					}
				}
			})
		}
		for seen.Load() == 0 && !t.Failed() {
			runtime.Gosched()
		}
		do(amina, func(tx db.Tx) error { return consent.Withdraw(tx, person, given) })
		done.Store(true)
		for since.Load() < 3 && !t.Failed() {
			runtime.Gosched()
		}
		stop.Store(true)
		all.Wait()
	}
}
