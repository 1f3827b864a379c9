package cases

import (
	"encoding/json"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases/effect"
	"daftar/registry/history"
)

// Undo opens a case that takes an approved case's change back, and sends it:
// others check and decide it like any other. Where a value changed again since, or
// such a case is there, none is opened.
func Undo(tx db.Tx, officer Actor, ref, why, lang string) (string, error) {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return "", err
	}
	if c.State != StateApproved || c.Change == nil {
		return "", fault.New(fault.Conflict, "error.out_of_order")
	}
	if there, err := UndoneBy(tx, c); err != nil {
		return "", err
	} else if there != "" {
		return "", fault.New(fault.Conflict, "undo.error.again")
	}
	if moved, err := MovedOn(tx, c); err != nil {
		return "", err
	} else if len(moved) > 0 {
		return "", fault.New(fault.Conflict, "undo.error.moved")
	}
	next, err := Begin(tx, officer, Opening{Kind: "undo", Person: c.Person, Household: c.Household, Language: lang,
		Answers: registry.Values{"why": why}, Links: []Link{{Other: c.ID, Relation: "undoes"}}})
	if err != nil {
		return "", err
	}
	_, err = File(tx, officer, next)
	return next, err
}

// UndoneBy is the reference of the case that takes a case's change back, or did; ""
// for none.
func UndoneBy(tx db.Tx, c Case) (string, error) {
	var refs []string
	err := tx.Select(&refs, `
		select u.ref from case_link l join case_file u on u.id = l.case_id
		where l.other_id = $1 and l.relation = 'undoes' and u.state not in ('refused', 'withdrawn') limit 1`, c.ID)
	if err != nil || len(refs) == 0 {
		return "", err
	}
	return refs[0], nil
}

// Stuck is a record of which a case's change cannot be taken back whole: values of
// it changed again since.
type Stuck struct {
	Kind, Ref, Name string
	Values          []string // as history.Change says them
}

// MovedOn lists the records that a case's change can no longer be taken back of.
func MovedOn(tx db.Tx, c Case) ([]Stuck, error) {
	did, err := doneBy(tx, *c.Change)
	if err != nil {
		return nil, err
	}
	var list []Stuck
	for _, u := range did {
		if u.Before == nil {
			continue // the record ends
		}
		var data any
		if u.Kind == registry.KindHousehold {
			data, _, err = registry.CurrentHousehold(tx, u.Subject)
		} else {
			data, _, err = registry.CurrentPerson(tx, u.Subject)
		}
		if err != nil {
			return nil, err
		}
		now, err := history.Of(data)
		if err != nil {
			return nil, err
		}
		if values := u.MovedOn(now); len(values) > 0 {
			list = append(list, Stuck{u.Kind, now.Text("ref"), now.Text("full_name"), values})
		}
	}
	return list, nil
}

// undone is what the change that a case takes back did to each record.
func undone(tx db.Tx, c Case) ([]effect.Undone, error) {
	var change db.ID
	if err := tx.Get(&change, `
		select o.change_id from case_link l join case_file o on o.id = l.other_id where l.case_id = $1 and l.relation = 'undoes'`, c.ID); err != nil {
		return nil, err
	}
	return doneBy(tx, change)
}

// doneBy is what a change did to each record.
func doneBy(tx db.Tx, change db.ID) ([]effect.Undone, error) {
	var rows []struct {
		Kind    string `db:"kind"`
		Subject db.ID  `db:"subject_id"`
		Before  []byte `db:"before"`
		After   []byte `db:"after"`
	}
	err := tx.Select(&rows, `
		select i.kind, i.subject_id, old.data as before, i.data as after
		from change_item i left join record_state old on old.subject_id = i.subject_id and old.version = i.base_version
		where i.change_id = $1 order by i.seq`, change)
	var list []effect.Undone
	for _, r := range rows {
		u := effect.Undone{Kind: r.Kind, Subject: r.Subject}
		if r.Before != nil {
			u.Before = history.State{}
			if err := json.Unmarshal(r.Before, &u.Before); err != nil {
				return nil, err
			}
		}
		if err := json.Unmarshal(r.After, &u.After); err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, err
}
