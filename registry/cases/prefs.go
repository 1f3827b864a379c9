package cases

import (
	"daftar/db"
	"daftar/registry/audit"
)

// Letters reports whether a member of staff uses single letters as commands. They
// do, until they turn them off (WCAG 2.1.4).
func Letters(tx db.Tx, staff db.ID) (bool, error) {
	var on bool
	err := tx.Get(&on, `select coalesce((select letters from staff_keys where staff_id = $1), true)`, staff)
	return on, err
}

// SetLetters turns them on or off.
func SetLetters(tx db.Tx, staff db.ID, on bool) error {
	if err := tx.Exec(`insert into staff_keys (staff_id, letters) values ($1, $2) on conflict (staff_id) do update set letters = excluded.letters`, staff, on); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "keys.set", Detail: map[string]any{"on": on}})
}

// OfficerOf is the name of who has a case; "" for nobody.
func OfficerOf(tx db.Tx, c Case) (string, error) {
	if c.Assigned == nil {
		return "", nil
	}
	var name string
	err := tx.Get(&name, `select name from staff where id = $1`, *c.Assigned)
	return name, err
}

// Officials lists whom a complaint of a case's area could name.
func Officials(tx db.Tx, c Case) ([]Colleague, error) {
	var list []Colleague
	err := tx.Select(&list, `
		select distinct s.id, s.name, 0 as open
		from staff s join staff_scope r on r.staff_id = s.id join area a on a.id = r.area_id join area here on here.id = $1
		where a.l0 = here.l0 order by s.name, s.id limit 500`, c.Area)
	return list, err
}

// JoinedTo lists the cases of others that told of the same event and joined a
// case.
func JoinedTo(tx db.Tx, c Case) ([]Filing, error) {
	var rows []Case
	if err := tx.Select(&rows, `select `+caseColumns+` from case_file c where c.joined_to = $1 order by c.submitted_at`, c.ID); err != nil {
		return nil, err
	}
	var list []Filing
	for _, j := range rows {
		if err := j.decode(tx); err != nil {
			return nil, err
		}
		f, err := filing(tx, j)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}
