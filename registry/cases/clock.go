package cases

import (
	"context"
	"time"

	"daftar/db"
	"daftar/registry"
)

// waitDays is how many working days a case waits for the citizen each time
// (RULES R12).
const waitDays = 15

// clock is the calendar of the country.
func clock(tx db.Tx) (registry.Calendar, registry.Country, error) {
	country, err := registry.LoadCountry(tx)
	if err != nil {
		return registry.Calendar{}, country, err
	}
	calendar, err := country.Calendar()
	return calendar, country, err
}

// goOn lets the clock of a waiting case run again: the days that it stood still,
// at most waitDays, are added to the due date.
func goOn(tx db.Tx, c *Case) error {
	calendar, _, err := clock(tx)
	if err != nil {
		return err
	}
	waited := min(calendar.WorkingDays(calendar.Today(c.WaitingFrom.Time), calendar.Today(tx.Now())), waitDays)
	c.DueOn.Time = calendar.AddWorkingDays(c.DueOn.Time, waited)
	return tx.Exec(`update case_file set due_on = $2 where id = $1`, c.ID, c.DueOn.Time)
}

// WaitsUntil is the last day on which an answer is waited for.
func WaitsUntil(calendar registry.Calendar, c Case) time.Time {
	return calendar.AddWorkingDays(calendar.Today(c.WaitingFrom.Time), waitDays)
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
	calendar, _, err := clock(tx)
	if err != nil {
		return err
	}
	today := calendar.Today(tx.Now())
	var waiting []Case
	if err := tx.Select(&waiting, `select `+caseColumns+` from case_file c
		where c.state = 'waiting' and c.waiting_since < $1 order by c.waiting_since limit 500 for update of c skip locked`,
		today.AddDate(0, 0, -waitDays)); err != nil {
		return err
	}
	for i := range waiting {
		c := &waiting[i]
		if !today.After(WaitsUntil(calendar, *c)) {
			continue
		}
		if err := goOn(tx, c); err != nil {
			return err
		}
		if err := move(tx, c, step{action: Lapsed}); err != nil {
			return err
		}
	}
	return nil
}

// escalate marks cases that are late: the head of the office sees them first.
func escalate(tx db.Tx) error {
	calendar, _, err := clock(tx)
	if err != nil {
		return err
	}
	var late []Case
	if err := tx.Select(&late, `select `+caseColumns+` from case_file c
		where c.state in ('submitted', 'recommended', 'endorsed', 'stale') and c.due_on < $1 and c.escalated_at is null and c.access <> 'sealed'
		order by c.due_on limit 500 for update of c skip locked`, calendar.Today(tx.Now())); err != nil {
		return err
	}
	for i := range late {
		if err := tx.Exec(`update case_file set escalated_at = $2 where id = $1`, late[i].ID, tx.Now()); err != nil {
			return err
		}
		if err := move(tx, &late[i], step{action: Escalated}); err != nil {
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
		if err := tx.Exec(`update case_file set escalated_at = $2 where id = $1`, late[i].ID, tx.Now()); err != nil {
			return err
		}
		if err := move(tx, &late[i], step{action: Alarmed, private: true}); err != nil {
			return err
		}
	}
	return nil
}
