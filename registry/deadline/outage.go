package deadline

import (
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Load is the clock of an area.
func Load(tx db.Tx, area db.ID) (c Clock, err error) {
	if c.Calendar, err = registry.CalendarOf(tx, area); err != nil {
		return c, err
	}
	err = tx.Select(&c.Outages, `
		select started_at, coalesce(ended_at, greatest($1::timestamptz, started_at)) as ended_at from service_outage
		where started_at < $1 and coalesce(ended_at, $1) > $1::timestamptz - interval '2 years' order by started_at`, tx.Now())
	return c, err
}

// LoadHousehold is the clock of where a household lives.
func LoadHousehold(tx db.Tx, household db.ID) (Clock, error) {
	var area db.ID
	if err := tx.Get(&area, `select area_id from household where id = $1`, household); err != nil {
		return Clock{}, err
	}
	return Load(tx, area)
}

// pulse is how long a part may be silent before that was an outage. It beats
// every minute.
const pulse = 10 * time.Minute

// Beat says that a part of the service runs. A gap since the last beat, of
// whichever copy of it, is noted as an outage.
func Beat(tx db.Tx, part string) error {
	var last []time.Time
	if err := tx.Select(&last, `select at from service_pulse where part = $1 for update`, part); err != nil {
		return err
	}
	if len(last) == 1 && tx.Now().Sub(last[0]) > pulse {
		if err := tx.Exec(`insert into service_outage (id, started_at, ended_at, noted_at) values ($1, $2, $3, $3)`,
			tx.NewID(), last[0], tx.Now()); err != nil {
			return err
		}
		if err := noted(tx, last[0], tx.Now()); err != nil {
			return err
		}
	}
	return tx.Exec(`
		insert into service_pulse (part, at) values ($1, $2)
		on conflict (part) do update set at = greatest(service_pulse.at, excluded.at)`, part, tx.Now())
}

// Noted is an outage on record.
type Noted struct {
	ID      db.ID      `db:"id"`
	From    time.Time  `db:"started_at"`
	To      *time.Time `db:"ended_at"` // nil: goes on
	Note    string     `db:"note"`
	Lang    string     `db:"note_lang"`
	By      string     `db:"name"` // "" when the program noticed
	NotedAt time.Time  `db:"noted_at"`
}

// List is what was noted, the latest first.
func List(tx db.Tx) ([]Noted, error) {
	var list []Noted
	err := tx.Select(&list, `
		select o.id, o.started_at, o.ended_at, o.note, o.note_lang, coalesce(s.name, '') as name, o.noted_at
		from service_outage o left join staff s on s.id = o.noted_by order by o.started_at desc limit 100`)
	return list, err
}

// Note records an outage that the program cannot have noticed: a region without
// a network, an office that was closed. It was before now and not for ever.
func Note(tx db.Tx, from, to time.Time, note, lang string) error {
	var check fault.Check
	switch {
	case !from.Before(to):
		check.Fail("to", "outage.error.order")
	case to.After(tx.Now()):
		check.Fail("to", "outage.error.future")
	case to.Sub(from) > 90*24*time.Hour:
		check.Fail("to", "outage.error.long")
	}
	if err := check.Err(); err != nil {
		return err
	}
	if err := tx.Exec(`insert into service_outage (id, started_at, ended_at, note, note_lang, noted_at) values ($1, $2, $3, $4, $5, $6)`,
		tx.NewID(), from, to, note, lang, tx.Now()); err != nil {
		return err
	}
	return noted(tx, from, to)
}

// noted writes into the log that days were moved: an outage moves deadlines.
func noted(tx db.Tx, from, to time.Time) error {
	return audit.Write(tx, audit.Event{Action: "outage.noted", Detail: map[string]any{"from": from.UTC(), "to": to.UTC()}})
}
