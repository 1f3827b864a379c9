package cases

import (
	"daftar/db"
	"daftar/fault"
)

// Colleague is somebody who may have a case.
type Colleague struct {
	ID   db.ID  `db:"id"`
	Name string `db:"name"`
	Open int    `db:"open"` // how many they have
}

// Colleagues lists who works at a case's desk for its area, with how much each
// has.
func Colleagues(tx db.Tx, c Case) ([]Colleague, error) {
	var list []Colleague
	err := tx.Select(&list, `
		select s.id, s.name, (select count(*) from case_file o where o.assigned_to = s.id
			and o.state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale')) as open
		from staff s where s.active and staff_may(s.id, $1, 'read', $2, $3) order by s.name, s.id limit 200`, c.Desk, c.Area, tx.Now())
	return list, err
}

// Assign gives a case to somebody who works at its desk, with a word for them;
// nil gives it back to everybody.
func Assign(tx db.Tx, officer Actor, ref string, to *db.ID, note, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	if !c.State.Open() {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	facts := map[string]any{}
	if to != nil {
		var name string
		if err := tx.Get(&name, `select name from staff s where s.id = $1 and s.active and staff_may(s.id, $2, 'read', $3, $4)`, *to, c.Desk, c.Area, tx.Now()); err != nil {
			if fault.Is(err, fault.NotFound) {
				var check fault.Check
				check.Fail("to", "assign.error.to")
				return check.Err()
			}
			return err
		}
		facts["to"], facts["name"] = to.String(), name
	}
	if err := tx.Exec(`update case_file set assigned_to = $2 where id = $1`, c.ID, to); err != nil {
		return err
	}
	return move(tx, &c, step{action: Assigned, facts: facts, note: note, lang: lang, private: true})
}

// Take gives an officer the case that is most urgent among those that nobody
// has; fault.NotFound when there is none.
func Take(tx db.Tx, officer Actor) (string, error) {
	rows, _, err := list(tx, officer, Filter{View: Free, Limit: 1})
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", fault.Hidden()
	}
	return rows[0].Ref, Assign(tx, officer, rows[0].Ref, &officer.ID, "", "")
}
