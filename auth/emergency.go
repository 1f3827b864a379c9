package auth

import (
	"database/sql"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// What an emergency opens: one person's record, outside one's areas; and the
// contacts in it that are told to nobody else.
const (
	EmergencyRecord   = "record"
	EmergencyContacts = "contacts"
)

// Limits of an emergency.
const (
	EmergencyMinutes = 60 // how long it is open, at most
	EmergencyReason  = 15 // letters of a reason, at least
	emergencyWaits   = time.Hour
)

// EmergencyPurpose is what a record is read for in one. Nobody chooses it.
const EmergencyPurpose = "emergency"

// Emergency is one record that two people open, for a while (break-glass).
type Emergency struct {
	ID         db.ID        `db:"id"`
	Ref        string       `db:"ref"`
	Record     string       `db:"record"` // reference of a person, as it was asked for
	What       string       `db:"what"`
	Minutes    int          `db:"minutes"`
	Reason     string       `db:"reason"`
	ReasonLang string       `db:"reason_lang"`
	Asked      time.Time    `db:"asked_at"`
	AskedBy    db.ID        `db:"asked_by"`
	Asker      string       `db:"asker"`
	Decided    sql.NullTime `db:"decided_at"`
	Decider    string       `db:"decider"`
	Approved   bool         `db:"approved"`
	Ends       sql.NullTime `db:"ends_at"`
	Closed     sql.NullTime `db:"closed_at"`
}

// State is where it stands: a message "emergency.state.<state>".
func (e Emergency) State(now time.Time) string {
	switch {
	case !e.Decided.Valid && now.Sub(e.Asked) >= emergencyWaits:
		return "lapsed"
	case !e.Decided.Valid:
		return "waiting"
	case !e.Approved:
		return "refused"
	case e.Closed.Valid || !e.Ends.Time.After(now):
		return "over"
	}
	return "open"
}

const emergencyQuery = `
	select e.id, e.ref, e.record, e.what, e.minutes, e.reason, e.reason_lang, e.asked_at, e.asked_by, s.name as asker, e.decided_at,
	       coalesce(d.name, '') as decider, coalesce(e.approved, false) as approved, e.ends_at, e.closed_at
	from emergency e join staff s on s.id = e.asked_by left join staff d on d.id = e.decided_by`

// AskEmergency asks for a record. Whether there is one under the reference is for
// whoever agrees to learn.
func AskEmergency(tx db.Tx, record, what string, minutes int, reason, lang string) error {
	id := tx.NewID()
	if err := tx.Exec(`
		insert into emergency (id, ref, record, what, minutes, reason, reason_lang, asked_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, registry.NewRef(registry.RefEmergency, tx.Rand()), record, what, minutes, reason, lang, tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "emergency.asked", SubjectKind: "emergency", Subject: id, Detail: map[string]any{"what": what, "minutes": minutes}})
}

// MyEmergencies lists what the principal asked for, the latest first.
func MyEmergencies(tx db.Tx) ([]Emergency, error) {
	var list []Emergency
	err := tx.Select(&list, emergencyQuery+` where e.asked_by = $1 order by e.asked_at desc, e.id limit 50`, tx.Who().Actor)
	return list, err
}

// WaitingEmergencies lists what others asked for and nobody decided yet, and what
// is open, the oldest first.
func WaitingEmergencies(tx db.Tx) ([]Emergency, error) {
	var list []Emergency
	err := tx.Select(&list, emergencyQuery+`
		where e.asked_by <> $1 and (e.decided_at is null and e.asked_at > $2 or e.approved and e.closed_at is null and e.ends_at > $3)
		order by e.asked_at, e.id limit 50`, tx.Who().Actor, tx.Now().Add(-emergencyWaits), tx.Now())
	return list, err
}

// EmergencyOfAlert is what an alert is about, and how much was done in it.
func EmergencyOfAlert(tx db.Tx, alert db.ID) (e Emergency, entries int, err error) {
	if err = tx.Get(&e, emergencyQuery+` where e.alert_id = $1`, alert); err != nil {
		return e, 0, err
	}
	return e, entries, tx.Get(&entries, `select emergency_entries($1)`, e.ID)
}

func findEmergency(tx db.Tx, ref string) (id db.ID, err error) {
	canonical, ok := registry.ParseRef(registry.RefEmergency, ref)
	if !ok {
		return id, fault.Hidden()
	}
	return id, tx.Get(&id, `select id from emergency where ref = $1`, canonical)
}

// DecideEmergency opens what somebody else asked for, or does not. The data
// protection officer is told of what is opened.
func DecideEmergency(tx db.Tx, ref string, open bool) error {
	id, err := findEmergency(tx, ref)
	if err != nil {
		return err
	}
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return err
	}
	if err := tx.Exec(`select decide_emergency($1, $2, $3, $4, $5, $6)`,
		id, open, tx.NewID(), registry.NewRef(registry.RefAlert, tx.Rand()), today, tx.Now()); err != nil {
		return err
	}
	action := "emergency.refused"
	if open {
		action = "emergency.opened"
	}
	return audit.Write(tx, audit.Event{Action: action, SubjectKind: "emergency", Subject: id})
}

// EndEmergency ends one before its time: by whoever asked, or whoever agreed.
func EndEmergency(tx db.Tx, ref string) error {
	id, err := findEmergency(tx, ref)
	if err != nil {
		return err
	}
	var done bool
	if err := tx.Get(&done, `select end_emergency($1, $2)`, id, tx.Now()); err != nil {
		return err
	}
	if !done {
		return fault.Hidden()
	}
	return audit.Write(tx, audit.Event{Action: "emergency.ended", SubjectKind: "emergency", Subject: id})
}

// OpenEmergency is a record that the principal may read at this moment.
type OpenEmergency struct {
	ID     db.ID     `db:"id"`
	Ref    string    `db:"ref"`
	Record string    `db:"record"`
	Person db.ID     `db:"person_id"`
	What   string    `db:"what"`
	Ends   time.Time `db:"ends_at"`
}

// OpenEmergencies lists them. The database looks at the clock of each transaction.
func OpenEmergencies(tx db.Tx) ([]OpenEmergency, error) {
	var list []OpenEmergency
	err := tx.Select(&list, `select id, ref, record, person_id, what, ends_at from open_emergency($1)`, tx.Now())
	return list, err
}

// InEmergency widens a reader to the record of one person that is open to them; ok
// says whether there is one.
func InEmergency(tx db.Tx, p Principal, r registry.Reader, ref string) (wider registry.Reader, ok bool, err error) {
	canonical, _ := registry.ParseRef(registry.RefPerson, ref)
	if len(p.Emergencies) == 0 || canonical == "" {
		return r, false, nil
	}
	list, err := OpenEmergencies(tx)
	for _, e := range list {
		if e.Record != canonical {
			continue
		}
		var everywhere []db.ID
		if err := tx.Select(&everywhere, `select id from area where level = 0`); err != nil {
			return r, false, err
		}
		r.Areas = everywhere
		if e.What == EmergencyContacts {
			r.Protected = everywhere
		}
		return r, true, nil
	}
	return r, false, err
}
