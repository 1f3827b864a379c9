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
// others check and decide it like any other. What has changed since is left
// alone.
func Undo(tx db.Tx, officer Actor, ref, why, lang string) (string, error) {
	c, err := Load(tx, officer, ref)
	if err != nil {
		return "", err
	}
	if c.State != StateApproved || c.Change == nil {
		return "", fault.New(fault.Conflict, "error.out_of_order")
	}
	var again bool
	if err := tx.Get(&again, `
		select exists (select from case_link l join case_file u on u.id = l.case_id
			where l.other_id = $1 and l.relation = 'undoes' and u.state not in ('refused', 'withdrawn'))`, c.ID); err != nil {
		return "", err
	}
	if again {
		return "", fault.New(fault.Conflict, "undo.error.again")
	}
	next, err := Begin(tx, officer, Opening{Kind: "undo", Person: c.Person, Household: c.Household, Language: lang,
		Answers: registry.Values{"why": why}, Links: []Link{{Other: c.ID, Relation: "undoes"}}})
	if err != nil {
		return "", err
	}
	_, err = File(tx, officer, next)
	return next, err
}

// undone is what the change that a case takes back did to each record.
func undone(tx db.Tx, c Case) ([]effect.Undone, error) {
	var rows []struct {
		Kind    string `db:"kind"`
		Subject db.ID  `db:"subject_id"`
		Before  []byte `db:"before"`
		After   []byte `db:"after"`
	}
	err := tx.Select(&rows, `
		select i.kind, i.subject_id, old.data as before, i.data as after
		from case_link l join case_file o on o.id = l.other_id join change_item i on i.change_id = o.change_id
		left join record_state old on old.subject_id = i.subject_id and old.version = i.base_version
		where l.case_id = $1 and l.relation = 'undoes' order by i.seq`, c.ID)
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
