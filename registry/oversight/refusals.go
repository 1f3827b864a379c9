package oversight

import (
	"time"

	"daftar/db"
	"daftar/registry/audit"
)

// Kinds of what somebody asked for and was not given. Each has the message
// "refusal.kind.<kind>".
const (
	RefusedHidden    = "hidden"    // not there, or not theirs: which of the two, nobody notes
	RefusedForbidden = "forbidden" // not for their role, or a step that is for somebody else
	RefusedPurpose   = "purpose"   // a record, without having said what for
)

// NoteRefusal counts that the principal asked for something on a route and was not
// given it. It knows neither the reference nor whether there is such a thing. The
// first of a day stands in the audit log as well; the others only count, so that
// nobody fills a disk by asking.
func NoteRefusal(tx db.Tx, method, route, kind string) error {
	var first bool
	if err := tx.Get(&first, `select note_refusal($1, $2, $3, $4)`, method, route, kind, tx.Now()); err != nil || !first {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "access.refused", Detail: map[string]any{"method": method, "route": route, "kind": kind}})
}

// Refusal is what somebody asked for in vain on one page in a day.
type Refusal struct {
	Staff  string    `db:"staff"`
	Person string    `db:"person"` // reference of the record of a citizen's account; "" without one
	Method string    `db:"method"`
	Route  string    `db:"route"`
	Kind   string    `db:"kind"`
	Tries  int       `db:"tries"` // 1000: that many or more
	First  time.Time `db:"first_at"`
	Last   time.Time `db:"last_at"`
}

// Refusals lists the latest ones, for the data protection officer.
func Refusals(tx db.Tx) ([]Refusal, error) {
	var list []Refusal
	err := tx.Select(&list, `
		select coalesce(s.name, '') as staff, coalesce(p.ref, '') as person, r.method, r.route, r.kind, r.tries, r.first_at, r.last_at
		from refused_attempt r left join staff s on s.id = r.staff_id left join account a on a.id = r.account_id left join person p on p.id = a.person_id
		order by r.last_at desc, r.route, r.method, r.kind limit 200`)
	return list, err
}
