package cases

import (
	"daftar/db"
	"daftar/fault"
)

// Link ties a case to another: "follows" is what it led from, "undoes" whose
// change it takes back, "appeals" whose decision it is about, "same" and "about"
// that both tell of one event, or perhaps do. Each has the message
// "case.link.<relation>".
type Link struct {
	Other    db.ID  `db:"other_id"`
	Relation string `db:"relation"`
	Ref      string `db:"ref"`
	Kind     string `db:"kind"`
	State    State  `db:"state"`
	From     bool   `db:"outgoing"` // the case itself named the other
}

func link(tx db.Tx, id db.ID, l Link) error {
	return tx.Exec(`insert into case_link (case_id, other_id, relation, linked_at) values ($1, $2, $3, $4) on conflict do nothing`,
		id, l.Other, l.Relation, tx.Now())
}

// Connect ties two cases of an officer's together.
func Connect(tx db.Tx, officer Actor, ref, other string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	o, err := Load(tx, officer, other)
	if fault.Is(err, fault.NotFound) || err == nil && o.ID == c.ID {
		var check fault.Check
		check.Fail("other", "link.error.other")
		return check.Err()
	}
	if err != nil {
		return err
	}
	if err := link(tx, c.ID, Link{Other: o.ID, Relation: "about"}); err != nil {
		return err
	}
	return move(tx, &c, step{action: Linked, facts: map[string]any{"case": o.Ref}, private: true})
}

// Links lists the cases that a case is tied to, as far as the reader may see
// them.
func Links(tx db.Tx, actor Actor, c Case) ([]Link, error) {
	condition, args := actor.scope(tx)
	var list []Link
	err := tx.Select(&list, `
		select x.other_id, x.relation, c.ref, c.kind, c.state, x.outgoing
		from (select other_id, relation, true as outgoing from case_link where case_id = $1
		      union select case_id, relation, false from case_link where other_id = $1) x
		join case_file c on c.id = x.other_id where `+condition+` order by c.created_at`, append([]any{c.ID}, args...)...)
	return list, err
}

// Related lists the other open cases about the same records.
func Related(tx db.Tx, officer Actor, c Case) ([]Link, error) {
	condition, args := officer.scope(tx)
	var list []Link
	err := tx.Select(&list, `
		select distinct c.id as other_id, 'about' as relation, c.ref, c.kind, c.state, false as outgoing
		from case_subject s join case_subject o on o.subject_id = s.subject_id and o.case_id <> s.case_id join case_file c on c.id = o.case_id
		where s.case_id = $1 and c.state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale') and `+condition+`
		order by c.ref limit 100`, append([]any{c.ID}, args...)...)
	return list, err
}
