package retention

import (
	"database/sql"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Due is somebody whose record's time is over.
type Due struct {
	Ref    string    `db:"ref"`
	Record string    `db:"record"` // reference of the person
	Status string    `db:"status"`
	Ended  time.Time `db:"ended"`
	On     time.Time `db:"due_on"`
}

// Waiting lists the people whom nobody agreed to erase yet, the longest due first.
func Waiting(tx db.Tx) ([]Due, error) {
	var list []Due
	err := tx.Select(&list, `
		select d.ref, p.ref as record, p.status, p.status_date as ended, d.due_on from erasure_due d join person p on p.id = d.person_id
		where d.approved_at is null and not person_held(p.id) order by d.due_on, d.ref limit 100`)
	return list, err
}

// Approve agrees that somebody's record is erased: the next time the job runs.
func Approve(tx db.Tx, ref string) error {
	canonical, ok := registry.ParseRef(registry.RefErasure, ref)
	if !ok {
		return fault.Hidden()
	}
	var row struct {
		ID     db.ID `db:"id"`
		Person db.ID `db:"person_id"`
	}
	if err := tx.Get(&row, `select id, person_id from erasure_due where ref = $1`, canonical); err != nil {
		return err
	}
	if err := tx.Exec(`select approve_erasure($1, $2)`, row.ID, tx.Now()); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "person.erasure_approved", SubjectKind: Person, Subject: row.Person})
}

// Held is a legal hold.
type Held struct {
	ID        db.ID        `db:"id"`
	Ref       string       `db:"ref"`
	Kind      string       `db:"kind"` // Person or Case
	Record    string       `db:"record"`
	Reason    string       `db:"reason"`
	Lang      string       `db:"reason_lang"`
	AskedAt   time.Time    `db:"asked_at"`
	AskedBy   db.ID        `db:"asked_by"`
	Asker     string       `db:"asker"`
	Confirmed sql.NullTime `db:"confirmed_at"`
	LiftAt    sql.NullTime `db:"lift_at"`
	LiftBy    *db.ID       `db:"lift_by"`
}

// State is where a hold stands: "asked", "stands" or "lifting". Each has the
// message "hold.state.<state>". It holds in all of them.
func (h Held) State() string {
	switch {
	case h.LiftAt.Valid:
		return "lifting"
	case h.Confirmed.Valid:
		return "stands"
	}
	return "asked"
}

// Asks reports whether a hold waits for somebody else than who.
func (h Held) Asks(who db.ID) bool {
	if h.LiftBy != nil {
		return *h.LiftBy != who
	}
	return !h.Confirmed.Valid && h.AskedBy != who
}

const holdQuery = `
	select h.id, h.ref, h.kind, coalesce(p.ref, f.ref, '') as record, h.reason, h.reason_lang, h.asked_at, h.asked_by, s.name as asker, h.confirmed_at, h.lift_at, h.lift_by
	from legal_hold h join staff s on s.id = h.asked_by left join person p on h.kind = 'person' and p.id = h.subject_id
	left join case_file f on h.kind = 'case' and f.id = h.subject_id where h.ended_at is null `

// Holds lists what is held.
func Holds(tx db.Tx) ([]Held, error) {
	var list []Held
	err := tx.Select(&list, holdQuery+`order by h.asked_at desc, h.id limit 200`)
	return list, err
}

// Find is what a reference of a person or a case names.
func Find(tx db.Tx, ref string) (kind string, id db.ID, err error) {
	if canonical, ok := registry.ParseRef(registry.RefPerson, ref); ok {
		return Person, id, tx.Get(&id, `select id from person where ref = $1`, canonical)
	}
	if canonical, ok := registry.ParseRef(registry.RefCase, ref); ok {
		return Case, id, tx.Get(&id, `select id from case_file where ref = $1`, canonical)
	}
	return "", id, fault.Hidden()
}

// Hold keeps a record or a case from being erased, from now on. Somebody else has
// to agree.
func Hold(tx db.Tx, kind string, subject db.ID, reason, lang string) error {
	id := tx.NewID()
	if err := tx.Exec(`insert into legal_hold (id, ref, kind, subject_id, reason, reason_lang, asked_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		id, registry.NewRef(registry.RefHold, tx.Rand()), kind, subject, reason, lang, tx.Now()); err != nil {
		return err
	}
	return note(tx, "hold.asked", kind, subject)
}

// Lift asks for the end of a hold. It holds until somebody else agrees.
func Lift(tx db.Tx, ref string) error {
	h, err := find(tx, ref)
	if err != nil {
		return err
	}
	if err := tx.Exec(`select lift_hold($1, $2)`, h.ID, tx.Now()); err != nil {
		return err
	}
	return note(tx, "hold.lift_asked", h.Kind, h.Subject)
}

// Decide is the second person's word on a new hold, or on the end of one.
func Decide(tx db.Tx, ref string, agree bool) error {
	h, err := find(tx, ref)
	if err != nil {
		return err
	}
	if err := tx.Exec(`select decide_hold($1, $2, $3)`, h.ID, agree, tx.Now()); err != nil {
		return err
	}
	action := "hold.refused"
	if agree {
		action = "hold.agreed"
	}
	return note(tx, action, h.Kind, h.Subject)
}

type found struct {
	ID      db.ID  `db:"id"`
	Kind    string `db:"kind"`
	Subject db.ID  `db:"subject_id"`
}

func find(tx db.Tx, ref string) (h found, err error) {
	canonical, ok := registry.ParseRef(registry.RefHold, ref)
	if !ok {
		return h, fault.Hidden()
	}
	return h, tx.Get(&h, `select id, kind, subject_id from legal_hold where ref = $1`, canonical)
}

func note(tx db.Tx, action, kind string, subject db.ID) error {
	e := audit.Event{Action: action, SubjectKind: kind, Subject: subject}
	if kind == Case {
		e.Case = subject
	}
	return audit.Write(tx, e)
}
