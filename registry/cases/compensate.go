package cases

import (
	"cmp"
	"database/sql"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/notices"
)

// compensate opens the case that takes back what somebody objected to, now that
// their appeal was granted: sent by whoever heard it, checked and decided by others,
// with its own clock. Where a value changed again since, it is blocked until somebody
// looked at it, and not lost (RULES R5).
func compensate(tx db.Tx, officer Actor, appeal Case, note string) error {
	of, err := objectedTo(tx, appeal)
	if err != nil || of == nil {
		return err
	}
	links := []Link{{Other: of.ID, Relation: "undoes"}, {Other: appeal.ID, Relation: "follows"}}
	ref, err := Begin(tx, officer, Opening{Kind: "undo", Person: of.Person, Household: of.Household, Language: of.Language,
		Answers: registry.Values{"why": cmp.Or(note, appeal.Ref)}, Links: links})
	if err != nil {
		return err
	}
	_, err = File(tx, officer, ref)
	return err
}

// TakesBack reports whether granting a case opens one that takes a change back.
func TakesBack(tx db.Tx, c Case) (bool, error) {
	of, err := objectedTo(tx, c)
	return of != nil, err
}

// objectedTo is the case whose change a granted appeal is against: of somebody else's,
// also through a first appeal that was refused; nil for any other appeal, and where
// the change is being taken back already.
func objectedTo(tx db.Tx, appeal Case) (*Case, error) {
	for next := appeal.Appeals; next != nil; {
		d, of, err := Appealed(tx, *next)
		if err != nil || of == nil {
			return nil, err
		}
		if of.Appeals != nil {
			next = of.Appeals
			continue
		}
		own := appeal.Person == nil || of.Person != nil && *of.Person == *appeal.Person
		if own || d.Outcome == "refused" || of.State != StateApproved || of.Change == nil {
			return nil, nil
		}
		if there, err := UndoneBy(tx, *of); err != nil || there != "" {
			return nil, err
		}
		return of, nil
	}
	return nil, nil
}

// TakingBack is where the case stands that takes a change back.
type TakingBack struct {
	State     State        `db:"state"`
	DecidedAt sql.NullTime `db:"decided_at"`
}

// TakingBackOf is the newest one that takes back a case's change, or that a granted
// appeal led to; nil for none. It says nothing of what it changes.
func TakingBackOf(tx db.Tx, id db.ID) (*TakingBack, error) {
	var list []TakingBack
	err := tx.Select(&list, `
		select u.state, u.decided_at from case_link l join case_file u on u.id = l.case_id and u.kind = 'undo' and u.state <> 'draft'
		where l.other_id = $1 and l.relation in ('undoes', 'follows') order by u.created_at desc, u.id limit 1`, id)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// tellCompensated tells whoever's granted appeal led to a case that it was decided.
func tellCompensated(tx db.Tx, c Case) error {
	if c.Kind != "undo" {
		return nil
	}
	var rows []struct {
		Of     db.ID `db:"of"`
		Person db.ID `db:"person_id"`
	}
	if err := tx.Select(&rows, `
		select o.other_id as of, a.person_id from case_link f join case_file a on a.id = f.other_id and a.appeals_id is not null and a.person_id is not null
		join case_link o on o.case_id = f.case_id and o.relation = 'undoes'
		where f.case_id = $1 and f.relation = 'follows'`, c.ID); err != nil {
		return err
	}
	for _, r := range rows {
		if err := notices.Tell(tx, notices.Notice{Kind: "concern_decided", Person: &r.Person, Case: &r.Of, Legal: true,
			Once: "taken_back:" + c.ID.String() + ":" + r.Person.String()}); err != nil {
			return err
		}
	}
	return nil
}
