package looks

import (
	"database/sql"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// MaxDelay is how long reads for an investigation can be held back.
const MaxDelay = 180 * 24 * time.Hour

// Delay holds back what one officer reads of one record, until a day. It needs a
// second person; then it comes to light by itself.
type Delay struct {
	ID          db.ID          `db:"id"`
	Ref         string         `db:"ref"`
	PersonRef   string         `db:"person_ref"`
	Officer     string         `db:"officer"`
	Requester   string         `db:"requester"`
	Reason      string         `db:"reason"`
	ReasonLang  string         `db:"reason_lang"`
	RequestedAt time.Time      `db:"requested_at"`
	Until       time.Time      `db:"until"`
	Approved    sql.NullBool   `db:"approved"`
	Decider     sql.NullString `db:"decider"`
	DecidedAt   sql.NullTime   `db:"decided_at"`
	Mine        bool           `db:"mine"` // of whoever reads this: they cannot decide
}

const delayColumns = `d.id, d.ref, p.ref as person_ref, s.name as officer, r.name as requester, d.reason, d.reason_lang, d.requested_at, d.until,
	d.approved, a.name as decider, d.decided_at, coalesce(actor() in (d.requested_by, d.staff_id), false) as mine`

const delayTables = `look_delay d join person p on p.id = d.person_id join staff s on s.id = d.staff_id join staff r on r.id = d.requested_by
	left join staff a on a.id = d.decided_by`

// RequestDelay asks that the requester's own reads of a record be held back until
// a day. Whoever decides is told why; the person will be.
func RequestDelay(tx db.Tx, r registry.Reader, personRef string, until time.Time, reason, lang string) (string, error) {
	var check fault.Check
	person, err := registry.FindRecord(tx, r, registry.KindPerson, personRef)
	if fault.Is(err, fault.NotFound) {
		check.Fail("person", "delay.error.person")
	} else if err != nil {
		return "", err
	}
	if !until.After(tx.Now()) || until.After(tx.Now().Add(MaxDelay)) {
		check.Fail("until", "delay.error.until", "Max", int(MaxDelay.Hours()/24))
	}
	if err := check.Err(); err != nil {
		return "", err
	}
	id, ref := tx.NewID(), registry.NewRef(registry.RefDelay, tx.Rand())
	if err := tx.Exec(`
		insert into look_delay (id, ref, person_id, staff_id, reason, reason_lang, until, requested_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, ref, person, tx.Who().Actor, reason, lang, until, tx.Now()); err != nil {
		return "", err
	}
	return ref, audit.Write(tx, audit.Event{Action: "delay.requested", SubjectKind: "delay", Subject: id, Purpose: "investigation"})
}

// Delays lists requests and what became of them, those that wait first.
func Delays(tx db.Tx) ([]Delay, error) {
	var list []Delay
	err := tx.Select(&list, `select `+delayColumns+` from `+delayTables+` order by d.decided_at is not null, d.requested_at desc, d.id limit 200`)
	if err != nil {
		return nil, err
	}
	return list, audit.Write(tx, audit.Event{Action: "delay.listed", Purpose: "check"})
}

// FindDelay is one of them.
func FindDelay(tx db.Tx, ref string) (Delay, error) {
	canonical, ok := registry.ParseRef(registry.RefDelay, ref)
	if !ok {
		return Delay{}, fault.Hidden()
	}
	var d Delay
	err := tx.Get(&d, `select `+delayColumns+` from `+delayTables+` where d.ref = $1`, canonical)
	return d, err
}

// DecideDelay approves or refuses one. Who asked for it, or would be hidden, is
// refused by the database.
func DecideDelay(tx db.Tx, d Delay, approve bool) error {
	if err := tx.Exec(`select decide_look_delay($1, $2, $3)`, d.ID, approve, tx.Now()); err != nil {
		return err
	}
	action := "delay.refused"
	if approve {
		action = "delay.approved"
	}
	return audit.Write(tx, audit.Event{Action: action, SubjectKind: "delay", Subject: d.ID, Purpose: "check"})
}

// Release shows a person what was read of their record for protection, up to
// now, after a review of what that could do to anybody (RULES R8). What the
// reviewer read themselves stays hidden until another does this.
func Release(tx db.Tx, r registry.Reader, personRef, review, lang string) error {
	person, err := registry.FindRecord(tx, r, registry.KindPerson, personRef)
	if fault.Is(err, fault.NotFound) {
		var check fault.Check
		check.Fail("person", "delay.error.person")
		return check.Err()
	}
	if err != nil {
		return err
	}
	if err := tx.Exec(`insert into look_release (person_id, up_to, released_at, review, review_lang) values ($1, $2, $2, $3, $4)`,
		person, tx.Now(), review, lang); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "looks.released", SubjectKind: "person", Subject: person, Purpose: "check"})
}
