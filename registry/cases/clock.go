package cases

import (
	"cmp"
	"context"
	"time"

	"daftar/db"
	"daftar/registry/cases/kinds"
	"daftar/registry/deadline"
)

// clock is the law's clock where the office of a case is, with its holidays.
func clock(tx db.Tx, c Case) (deadline.Clock, error) { return deadline.Load(tx, *c.Area) }

// goOn lets the clock of a waiting case run again: the days that it stood still,
// at most waitDays, are added to the due date. The caller stores it.
func goOn(tx db.Tx, c *Case) error {
	clock, err := clock(tx, *c)
	if err != nil {
		return err
	}
	waited := min(clock.WorkingDays(clock.Today(c.WaitingFrom.Time), clock.Today(tx.Now())), deadline.WaitDays)
	c.DueOn.Time = clock.AddWorkingDays(c.DueOn.Time, waited)
	return nil
}

// WaitsUntil is the last day on which the answer to a waiting case is waited for.
func WaitsUntil(tx db.Tx, c Case) (time.Time, error) {
	clock, err := clock(tx, c)
	if err != nil {
		return time.Time{}, err
	}
	return waitsUntil(clock, c), nil
}

func waitsUntil(clock deadline.Clock, c Case) time.Time {
	until, _ := clock.WaitsUntil(clock.Today(c.WaitingFrom.Time), 0)
	return until
}

// Sweep does what the clock does by itself: cases that waited long enough go on
// with what is known, and those that are late are escalated. It never decides.
func Sweep(ctx context.Context, d *db.DB) error {
	worker := db.Principal{Role: db.Jobs, Kind: "job"}
	for _, sweep := range []func(db.Tx) error{lapse, escalate, alarm} {
		if err := d.WithTx(ctx, worker, sweep); err != nil {
			return err
		}
	}
	return nil
}

// lapse sends cases back to the office whose answer did not come.
func lapse(tx db.Tx) error {
	var waiting []Case
	if err := tx.Select(&waiting, `select `+caseColumns+` from case_file c
		where c.state = 'waiting' and c.waiting_since < $1 order by c.waiting_since limit 500 for update of c skip locked`,
		tx.Now().AddDate(0, 0, -deadline.WaitDays)); err != nil {
		return err
	}
	for i := range waiting {
		c := &waiting[i]
		clock, err := clock(tx, *c)
		if err != nil {
			return err
		}
		if !clock.Today(tx.Now()).After(waitsUntil(clock, *c)) {
			continue
		}
		if err := goOn(tx, c); err != nil {
			return err
		}
		if err := tx.Exec(`update case_file set due_on = $2 where id = $1`, c.ID, c.DueOn.Time); err != nil {
			return err
		}
		if err := move(tx, c, step{action: Lapsed}); err != nil {
			return err
		}
	}
	return nil
}

// escalate tells, step by step, of cases that are late: those who decide in the
// office, the office above, the ministry (RULES R12).
func escalate(tx db.Tx) error {
	now := tx.Now()
	var late []Case
	if err := tx.Select(&late, `select `+caseColumns+` from case_file c join case_kind k on k.id = c.kind_id
		where c.state in ('submitted', 'recommended', 'endorsed', 'stale') and c.access <> 'sealed'
		  and c.due_on < $1::date - case c.escalation when 0 then 0 when 1 then coalesce((k.definition->>'regional')::int, $2)
		                                              when 2 then coalesce((k.definition->>'national')::int, $3) end
		order by c.due_on limit 500 for update of c skip locked`,
		now.AddDate(0, 0, 1), deadline.RegionalDays, deadline.NationalDays); err != nil {
		return err
	}
	for i := range late {
		c := &late[i]
		clock, err := clock(tx, *c)
		if err != nil {
			return err
		}
		kind, err := kinds.ByID(tx, c.KindID)
		if err != nil {
			return err
		}
		reached := clock.SilentAfter(c.DueOn.Time, now, cmp.Or(kind.Regional, deadline.RegionalDays), cmp.Or(kind.National, deadline.NationalDays))
		if reached <= c.Escalation {
			continue
		}
		if err := tx.Exec(`update case_file set escalated_at = coalesce(escalated_at, $2), escalation = $3 where id = $1`, c.ID, now, int(reached)); err != nil {
			return err
		}
		if err := move(tx, c, step{action: Escalated, facts: map[string]any{"reached": reached.String()}}); err != nil {
			return err
		}
	}
	return nil
}

// alarm tells of sealed cases that nobody opened in their hours (RULES R8): that
// there is one, and nothing else.
func alarm(tx db.Tx) error {
	var late []Case
	if err := tx.Select(&late, `select `+caseColumns+` from case_file c
		where c.access = 'sealed' and c.state in ('submitted', 'recommended', 'endorsed', 'stale') and c.due_at < $1 and c.escalated_at is null
		order by c.due_at limit 500 for update of c skip locked`, tx.Now()); err != nil {
		return err
	}
	for i := range late {
		if err := tx.Exec(`update case_file set escalated_at = $2, escalation = 1 where id = $1`, late[i].ID, tx.Now()); err != nil {
			return err
		}
		if err := move(tx, &late[i], step{action: Alarmed, private: true}); err != nil {
			return err
		}
	}
	return nil
}
