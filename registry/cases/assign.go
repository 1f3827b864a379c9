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

// What somebody who has a case, or goes there, must be allowed at its desk.
const (
	MayRead = "read"
	MayAsk  = "ask"
)

// Colleagues lists who may take a step with a case: who works at its desk for its
// area and is not kept from it, with how much each has.
func Colleagues(tx db.Tx, c Case, may string) ([]Colleague, error) {
	var list []Colleague
	err := tx.Select(&list, `
		select s.id, s.name, (select count(*) from case_file o where o.assigned_to = s.id
			and o.state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale')) as open
		from staff s where s.active and may_have($1, s.id, $2, $3) order by s.name, s.id limit 200`, c.ID, may, tx.Now())
	return list, err
}

// colleague is what one of them is called; fault.Invalid on the input for anybody
// else.
func colleague(tx db.Tx, c Case, id db.ID, may, input string) (name string, err error) {
	err = tx.Get(&name, `select name from staff s where s.id = $2 and s.active and may_have($1, s.id, $3, $4)`, c.ID, id, may, tx.Now())
	if fault.Is(err, fault.NotFound) {
		var check fault.Check
		check.Fail(input, "assign.error.to")
		err = check.Err()
	}
	return name, err
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
		name, err := colleague(tx, c, *to, MayRead, "to")
		if err != nil {
			return err
		}
		facts["to"], facts["name"] = to.String(), name
	}
	if err := tx.Exec(`update case_file set assigned_to = $2 where id = $1`, c.ID, to); err != nil {
		return err
	}
	return move(tx, &c, step{action: Assigned, facts: facts, note: note, lang: lang, private: true})
}

// Take gives an officer the next case of those that nobody has: first what was
// checked and the officer can decide, then what the officer can check, then what
// the office has to look at before it can go on. Within each the one that is due
// first, then by reference. What waits, and what others have to do, is not given.
// fault.NotFound when there is none.
func Take(tx db.Tx, officer Actor) (string, error) {
	for _, rank := range []struct {
		view    View
		blocked bool
	}{{toDecide, false}, {toCheck, false}, {toCheck, true}} {
		rows, _, err := list(tx, officer, Filter{View: rank.view, Limit: takeLimit})
		if err != nil {
			return "", err
		}
		for _, r := range rows {
			can, err := workable(tx, officer, r.Ref, rank.blocked)
			if err != nil {
				return "", err
			}
			if can {
				return r.Ref, Assign(tx, officer, r.Ref, &officer.ID, "", "")
			}
		}
	}
	return "", fault.Hidden()
}

// takeLimit is how many cases of each sort Take looks at.
const takeLimit = 100

// workable reports whether an officer can take the next step of a case now.
func workable(tx db.Tx, officer Actor, ref string, blocked bool) (bool, error) {
	c, err := Load(tx, officer, ref)
	if err != nil || (c.Blocked != "") != blocked && c.State == StateSubmitted {
		return false, err
	}
	events, err := Events(tx, c, true)
	if err != nil {
		return false, err
	}
	life := LifeOf(c, events)
	for _, next := range []struct {
		action Action
		may    string
	}{{Recommended, "recommend"}, {Approved, "decide"}, {Endorsed, "decide"}, {Asked, MayAsk}} {
		if !life.May(next.action, officer.ID, ByOfficer) {
			continue
		}
		var may bool
		if err := tx.Get(&may, `select staff_may($1, $2, $3, $4, $5)`, officer.ID, c.Desk, next.may, c.Area, tx.Now()); err != nil || may {
			return may, err
		}
	}
	return false, nil
}
