package areas

import (
	"context"
	"errors"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

// lock finds a change that the actor answers for: every area that it touches
// lies in theirs. What is not theirs is not there.
func lock(tx db.Tx, who Actor, ref string) (db.ID, error) {
	canonical, ok := registry.ParseRef(registry.RefAreas, ref)
	if !ok {
		return db.ID{}, fault.Hidden()
	}
	var id db.ID
	err := tx.Get(&id, `select c.id from area_change c where c.ref = $1 and ($2 or `+answered("$3")+`)`, canonical, who.All, who.Areas)
	return id, err
}

// answered is the condition that a change c touches nothing outside the areas
// of a parameter. A country's own row asks for somebody who answers for one.
// An area has no ancestors below its level: unknown counts as no.
func answered(param string) string {
	return `not exists (
		select from area_change_item i where i.change_id = c.id and (
			(i.scope = '{}' and not exists (select from area n where n.level = 0 and n.id = any(` + param + `)))
			or exists (select from unnest(i.scope) s (id) join area n on n.id = s.id where ` + within("n", param) + ` is not true)))`
}

// Send hands a draft of one's own to whoever approves.
func Send(tx db.Tx, who Actor, ref string) error {
	return step(tx, who, ref, "areas.proposed", func(id db.ID) error { return tx.Exec(`select send_area_change($1)`, id) })
}

// Withdraw takes back what one proposed.
func Withdraw(tx db.Tx, who Actor, ref string) error {
	return step(tx, who, ref, "areas.withdrawn", func(id db.ID) error { return tx.Exec(`select withdraw_area_change($1)`, id) })
}

// Approve agrees to a proposal; a job applies it. Whoever proposed it is
// refused by the database (fault.Forbidden).
func Approve(tx db.Tx, who Actor, ref string) error {
	return step(tx, who, ref, "areas.approved", func(id db.ID) error {
		if err := tx.Exec(`select decide_area_change($1, true, '', '', $2)`, id, tx.Now()); err != nil {
			return err
		}
		if tx.Who().Role != db.Staff {
			return nil // a command applies it itself
		}
		return tx.Enqueue(jobs.KindApplyAreas, id, 1)
	})
}

// Refuse ends a proposal; note says why.
func Refuse(tx db.Tx, who Actor, ref, note, lang string) error {
	return step(tx, who, ref, "areas.refused", func(id db.ID) error {
		return tx.Exec(`select decide_area_change($1, false, $2, $3, $4)`, id, note, lang, tx.Now())
	})
}

func step(tx db.Tx, who Actor, ref, action string, do func(db.ID) error) error {
	id, err := lock(tx, who, ref)
	if err != nil {
		return err
	}
	if err := do(id); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: action, SubjectKind: "area_change", Subject: id})
}

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// Apply makes an approved change true: areas, records and staff together, or
// nothing. One that no longer fits is marked as stale; of any other that fails, the
// officers read why. It may run any number of times.
func Apply(ctx context.Context, d *db.DB, id db.ID) error {
	err := d.WithTx(ctx, worker, func(tx db.Tx) error { return apply(tx, id) })
	if err == nil || ctx.Err() != nil || fault.Is(err, fault.Unavailable) { // the latter are soon tried again
		return err
	}
	note := func(tx db.Tx) error { return tx.Exec(`select fail_area_change($1, $2)`, id, why(err)) }
	if why(err) == "error.stale" {
		note = func(tx db.Tx) error { return tx.Exec(`select stale_area_change($1)`, id) }
	}
	if err2 := d.WithTx(ctx, worker, note); err2 != nil {
		return errors.Join(err, err2)
	}
	return err
}

// why is the message of an error, for those whose change it is.
func why(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Conflict {
		return f.Key
	}
	return "error.internal"
}

// Retry asks again for an approved change that could not be carried out.
func Retry(tx db.Tx, who Actor, ref string) error {
	return step(tx, who, ref, "areas.retried", func(id db.ID) error {
		if err := tx.Exec(`select retry_area_change($1)`, id); err != nil {
			return err
		}
		return tx.Enqueue(jobs.KindApplyAreas, id, 1)
	})
}

func apply(tx db.Tx, id db.ID) error {
	var state string
	if err := tx.Get(&state, `select state from area_change where id = $1`, id); err != nil || state != "approved" {
		return err // applied already
	}
	change := tx.NewID()
	var moved int
	if err := tx.Get(&moved, `select apply_area_change($1, $2, $3, $4)`, id, change, tx.NewID(), tx.Now()); err != nil {
		return err
	}
	if err := reassess(tx, change); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "areas.applied", SubjectKind: "area_change", Subject: id, Change: change, Detail: map[string]any{"records": moved}})
}

// reassess asks for the programmes of every household that records of a change
// count in, and for what formulas give.
func reassess(tx db.Tx, change db.ID) error {
	if err := tx.Exec(`
		select enqueue($2, h.id, h.version, $3) from household h where h.id in (
			select i.subject_id from change_item i where i.change_id = $1 and i.kind = 'household'
			union select r.household_id from change_item i join residence r on r.person_id = i.subject_id where i.change_id = $1)`,
		change, jobs.KindAssessHousehold, tx.Now()); err != nil {
		return err
	}
	return tx.Exec(`select enqueue($2, $1, 1, $3) where exists (select from change_item where change_id = $1)`, change, jobs.KindRecomputeFields, tx.Now())
}

// latest is the condition that a successor took what nobody assigned, the last
// time that the area ended.
const latest = `s.rest and not exists (select from area_successor n where n.from_id = s.from_id and n.rest and n.on_day > s.on_day)`

// lateFor is how long after a record changed it is looked at once more.
const lateFor = 24 * time.Hour

// Follow moves households and groups that came into an area after it ended (an
// application that was under way, an import that was approved late), and answers
// that name one, to the area that took over, as the change that ended it would
// have done. It returns how many records there were.
func Follow(tx db.Tx) (int, error) {
	var late []struct {
		Ref      string `db:"ref"`
		Proposer db.ID  `db:"proposed_by"`
		Approver db.ID  `db:"decided_by"`
		Records  string `db:"records"`
		Areas    string `db:"areas"`
		Codes    string `db:"codes"`
	}
	since := tx.Now().Add(-lateFor)
	if err := tx.Select(&late, `
		with ended as (
			select s.change_id, s.from_id, s.to_id, a.code, t.code as next, s.answers
			from area_successor s join area a on a.id = s.from_id and a.valid_to is not null join area t on t.id = s.to_id
			where `+latest+`
		), record as (
			select e.change_id, r.id, e.to_id from ended e
			join (select id, area_id from household union all select id, area_id from group_record) r on r.area_id = e.from_id
		), answer as (
			select distinct x.code
			from records_naming(array(select e.code from ended e where e.answers), $1) n cross join lateral area_answers(n.kind, n.fields) x
		)
		select c.ref, c.proposed_by, c.decided_by,
		       (select coalesce(array_agg(r.id order by r.id), '{}') from record r where r.change_id = c.id)::text as records,
		       (select coalesce(array_agg(r.to_id order by r.id), '{}') from record r where r.change_id = c.id)::text as areas,
		       (select coalesce(jsonb_object_agg(e.code, e.next), '{}') from ended e
		        where e.change_id = c.id and e.answers and e.code in (select code from answer))::text as codes
		from area_change c
		where c.id in (select change_id from record union select e.change_id from ended e where e.answers and e.code in (select code from answer))`,
		since); err != nil {
		return 0, err
	}
	total := 0
	for _, l := range late {
		change := tx.NewID()
		var moved int
		if err := tx.Get(&moved, `select move_records($1::text::uuid[], $2::text::uuid[], $3::text::jsonb, $4, $5, $6, $7, $8, $9, $10)`,
			l.Records, l.Areas, l.Codes, since, l.Proposer, l.Approver, l.Ref, change, tx.NewID(), tx.Now()); err != nil {
			return total, err
		}
		if err := reassess(tx, change); err != nil {
			return total, err
		}
		total += moved
	}
	return total, nil
}
