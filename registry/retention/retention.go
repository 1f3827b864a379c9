// Package retention deletes what the country does not keep any longer, and
// nothing else: by the rules of the settings, after a person agreed where a whole
// record goes, and never what a legal hold keeps. docs/privacy.md.
package retention

import (
	"context"
	"errors"
	"time"

	"daftar/blob"
	"daftar/db"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/seal"
)

// What is erased.
const (
	Person   = "person"   // all of a record but that there was one
	Case     = "case"     // what was said in it
	Evidence = "evidence" // the photos of a case
)

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// Keeper erases. What it is about to erase stands in the ledger first.
type Keeper struct {
	DB     *db.DB
	Blobs  *blob.Dir
	Ledger Ledger
}

// batch is how much is erased in one transaction.
const batch = 200

// Run erases all that is due, and lists the people whose time is over.
func (k Keeper) Run(ctx context.Context) error {
	rules := registry.Retention{}
	if err := k.DB.WithTx(ctx, worker, func(tx db.Tx) error {
		settings, err := registry.LoadSettings(tx)
		if err != nil {
			return err
		}
		rules = settings.Retention
		return errors.Join(list(tx, rules), expire(tx, rules))
	}); err != nil {
		return err
	}
	for _, due := range []func(db.Tx, registry.Retention) ([]Entry, error){dueCases, dueEvidence, duePeople} {
		if err := k.all(ctx, func(tx db.Tx) ([]Entry, error) { return due(tx, rules) }); err != nil {
			return err
		}
	}
	return nil
}

// all erases what due finds, until that is nothing.
func (k Keeper) all(ctx context.Context, due func(db.Tx) ([]Entry, error)) error {
	for {
		var entries []Entry
		if err := k.DB.View(ctx, worker, func(tx db.Tx) (err error) { entries, err = due(tx); return err }); err != nil || len(entries) == 0 {
			return err
		}
		if err := k.Ledger.Append(entries); err != nil {
			return err
		}
		erased, err := k.erase(ctx, entries)
		if err != nil || erased == 0 { // a hold came in between
			return err
		}
	}
}

// erase erases, whatever the rules say, what no hold keeps: in one transaction
// rows and keys, then the files, which nobody can read any more.
func (k Keeper) erase(ctx context.Context, entries []Entry) (erased int, err error) {
	var files []string
	if err := k.DB.WithTx(ctx, worker, func(tx db.Tx) error {
		for _, e := range entries {
			gone, done, err := e.erase(tx)
			if err != nil {
				return err
			}
			if done {
				erased++
				files = append(files, gone...)
			}
		}
		return nil
	}); err != nil {
		return 0, err
	}
	for _, f := range files {
		if err := k.Blobs.Remove(f); err != nil {
			return erased, err
		}
	}
	return erased, nil
}

// erase erases one thing, and returns the files that go with it; false where a
// hold keeps it.
func (e Entry) erase(tx db.Tx) (files []string, done bool, err error) {
	statement, args := `select erase_case($1, $2, $3)`, []any{e.Subject, e.Rule, tx.Now()}
	switch e.Kind {
	case Evidence:
		statement = `select erase_evidence($1, $2, $3)`
	case Person:
		statement, args = `select erase_person($1, $2, $3, $4)`, []any{e.Subject, e.Rule, e.ApprovedBy, tx.Now()}
	}
	var blobs *[]string
	if err := tx.Each(func(row db.Row) error { return row.Scan(&blobs) }, statement, args...); err != nil || blobs == nil {
		return nil, false, err
	}
	keys := make([]db.ID, 0, len(*blobs))
	for _, name := range *blobs {
		var id db.ID
		if err := id.UnmarshalText([]byte(name)); err == nil {
			keys = append(keys, id)
		}
	}
	if _, err := seal.Destroy(tx, seal.File, keys...); err != nil {
		return nil, false, err
	}
	event := audit.Event{Action: e.Kind + ".erased", SubjectKind: e.Kind, Subject: e.Subject, Detail: map[string]any{"rule": e.Rule}}
	if e.Kind != Person {
		event.SubjectKind, event.Case = Case, e.Subject
	}
	if e.Kind == Case {
		if _, err := seal.Destroy(tx, seal.Case, e.Subject); err != nil {
			return nil, false, err
		}
	}
	return *blobs, true, audit.Write(tx, event)
}

// over is when a case was over; the alias of case_file is f.
const over = `coalesce(f.decided_at, (select max(e.at) from case_event e where e.case_id = f.id and e.action = 'withdrawn'), f.created_at)`

// heard is the condition that a case f is still needed: somebody appeals the
// decision in it.
const heard = `exists (select from decision d join case_file a on a.appeals_id = d.id
	where d.case_id = f.id and a.state not in ('draft', 'refused', 'withdrawn', 'approved'))`

// dueCases lists cases whose words are kept no longer. A month that is shorter
// ends later, never earlier.
func dueCases(tx db.Tx, rules registry.Retention) ([]Entry, error) {
	var list []Entry
	for _, r := range []struct{ rule, states string }{
		{"drafts", `{draft}`}, {"refused_cases", `{refused,withdrawn}`}, {"decided_cases", `{approved}`},
	} {
		if rules[r.rule] <= 0 {
			continue
		}
		var some []Entry
		if err := tx.Select(&some, `
			select 'case' as kind, f.id as subject, $1 as rule, null::uuid as approved_by from case_file f
			where f.erased_at is null and f.state = any($2::text[]) and f.created_at <= $3::timestamptz - make_interval(months => $4)
			  and `+over+` <= $3::timestamptz - make_interval(months => $4) and not `+heard+` and not case_held(f.id)
			order by f.created_at limit $5`, r.rule, r.states, tx.Now(), rules[r.rule], batch); err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// dueEvidence lists cases whose photos are kept no longer.
func dueEvidence(tx db.Tx, rules registry.Retention) ([]Entry, error) {
	if rules["evidence"] <= 0 {
		return nil, nil
	}
	var list []Entry
	err := tx.Select(&list, `
		select 'evidence' as kind, f.id as subject, 'evidence' as rule, null::uuid as approved_by from case_file f
		where f.erased_at is null and f.state in ('refused', 'withdrawn', 'approved') and f.created_at <= $1::timestamptz - make_interval(months => $2)
		  and exists (select from evidence e where e.case_id = f.id)
		  and `+over+` <= $1::timestamptz - make_interval(months => $2) and not `+heard+` and not case_held(f.id)
		order by f.created_at limit $3`, tx.Now(), rules["evidence"], batch)
	return list, err
}

// duePeople lists the people whom somebody agreed to erase.
func duePeople(tx db.Tx, _ registry.Retention) ([]Entry, error) {
	var list []Entry
	err := tx.Select(&list, `
		select 'case' as kind, f.id as subject, 'ended_records' as rule, null::uuid as approved_by
		from erasure_due d join case_file f on f.person_id = d.person_id and f.erased_at is null and f.state in ('draft', 'refused', 'withdrawn', 'approved')
		where d.approved_at is not null and not person_held(d.person_id) and not case_held(f.id) and not `+heard+`
		limit $1`, batch)
	if err != nil || len(list) > 0 { // their own cases first: the person's last line erases what is left
		return list, err
	}
	err = tx.Select(&list, `
		select 'person' as kind, d.person_id as subject, 'ended_records' as rule, d.approved_by
		from erasure_due d where d.approved_at is not null and not person_held(d.person_id) order by d.due_on limit $1`, batch)
	return list, err
}

// list keeps the list of people whose time is over as the rules are now.
func list(tx db.Tx, rules registry.Retention) error {
	months := rules["ended_records"]
	const due = `p.status in ('deceased', 'emigrated', 'left') and p.status_date <= $2::date and $1 > 0 and not person_held(p.id)
		and not exists (select from erasure x where x.kind = 'person' and x.subject_id = p.id)`
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return err
	}
	var until time.Time
	if err := tx.Get(&until, `select ($1::date - make_interval(months => $2))::date`, today, max(months, 0)); err != nil {
		return err
	}
	if err := tx.Exec(`
		delete from erasure_due d using person p where p.id = d.person_id and d.approved_at is null and not (`+due+`)`, months, until); err != nil {
		return err
	}
	var people []struct {
		ID    db.ID     `db:"id"`
		Ended time.Time `db:"status_date"`
	}
	if err := tx.Select(&people, `
		select p.id, p.status_date from person p where `+due+` and not exists (select from erasure_due d where d.person_id = p.id)
		order by p.status_date limit 1000`, months, until); err != nil {
		return err
	}
	for _, p := range people {
		if err := tx.Exec(`insert into erasure_due (id, ref, person_id, due_on, listed_at) values ($1, $2, $3, ($4::date + make_interval(months => $5))::date, $6)`,
			tx.NewID(), registry.NewRef(registry.RefErasure, tx.Rand()), p.ID, p.Ended, months, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// expire deletes what is nobody's words and needs nobody's leave: sign-ins, and
// credentials that ended.
func expire(tx db.Tx, rules registry.Retention) error {
	if m := rules["sign_ins"]; m > 0 {
		if err := tx.Exec(`delete from session where expires_at <= $1::timestamptz - make_interval(months => $2)`, tx.Now(), m); err != nil {
			return err
		}
	}
	m := rules["credentials"]
	if m <= 0 {
		return nil
	}
	const ended = ` (select c.id from credential c where c.expires_at <= $1::timestamptz - make_interval(months => $2) and not person_held(c.person_id)) `
	for _, statement := range []string{
		`delete from credential_copy where credential_id in ` + ended,
		`delete from credential where id in ` + ended,
		`delete from credential_offer o where o.expires_at <= $1::timestamptz - make_interval(months => $2) and not person_held(o.person_id)
			and not exists (select from credential c where c.offer_id = o.id) and not exists (select from wallet_token w where w.offer_id = o.id)`,
	} {
		if err := tx.Exec(statement, tx.Now(), m); err != nil {
			return err
		}
	}
	return nil
}
