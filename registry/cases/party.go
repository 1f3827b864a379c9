package cases

import (
	"database/sql"
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases/effect"
)

// Party is an adult whom a case affects without being theirs (RULES R5).
type Party struct {
	Person   db.ID          `db:"person_id"`
	Name     string         `db:"name"`
	Needed   bool           `db:"needed"`
	Answer   sql.NullString `db:"answer"` // "agreed", "objected"
	Answered sql.NullTime   `db:"answered_at"`
}

// parties notes whom a proposal affects; who was told before stays told.
func parties(tx db.Tx, c Case, out effect.Out) error {
	for _, id := range out.Affected {
		added, err := tx.Count(`
			insert into case_party (case_id, person_id, needed, told_at) values ($1, $2, $3, $4) on conflict (case_id, person_id) do nothing`,
			c.ID, id, slices.Contains(out.Needed, id), tx.Now())
		if err != nil {
			return err
		}
		if added == 1 {
			if err := tellAffected(tx, c, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// PlaceKept reports whether where a case's people are is told to nobody but those
// who protect (RULES R5).
func PlaceKept(tx db.Tx, c Case) (bool, error) {
	var kept bool
	err := tx.Get(&kept, `select place_kept(household_id, person_id) from case_file where id = $1`, c.ID)
	return kept, err
}

// Parties lists whom a case affects.
func Parties(tx db.Tx, c Case) ([]Party, error) {
	var list []Party
	err := tx.Select(&list, `
		select x.person_id, coalesce(p.full_name, p.ref) as name, x.needed, x.answer, x.answered_at
		from case_party x join person p on p.id = x.person_id where x.case_id = $1 order by x.needed desc, p.ref`, c.ID)
	return list, err
}

// settled reports whether everybody who was told agreed.
func settled(list []Party) bool {
	return !slices.ContainsFunc(list, func(p Party) bool { return p.Answer.String != "agreed" })
}

// Concerning lists the open cases of others that affect a person.
func Concerning(tx db.Tx, person db.ID) ([]Case, error) {
	var list []Case
	err := tx.Select(&list, `
		select `+caseColumns+` from case_party x join case_file c on c.id = x.case_id
		where x.person_id = $1 and c.access <> 'sealed' and c.state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale')
		order by c.submitted_at desc limit 50`, person)
	return list, err
}

// Concern reads a case of somebody else's that affects a person; to anybody else
// it is not there.
func Concern(tx db.Tx, person db.ID, ref string) (Filing, Party, error) {
	var row struct {
		Case
		Party `db:"party"`
	}
	err := tx.Get(&row.Case, `
		select `+caseColumns+` from case_party x join case_file c on c.id = x.case_id
		where c.ref = $2 and x.person_id = $1 and c.access <> 'sealed'`, person, ref)
	if err != nil {
		return Filing{}, Party{}, err
	}
	if err := row.decode(tx); err != nil {
		return Filing{}, Party{}, err
	}
	list, err := Parties(tx, row.Case)
	if err != nil {
		return Filing{}, Party{}, err
	}
	f, err := filing(tx, row.Case)
	i := slices.IndexFunc(list, func(p Party) bool { return p.Person == person })
	return f, list[i], err
}

// Respond records that somebody affected agrees, or objects and why.
func Respond(tx db.Tx, person db.ID, ref string, agrees bool, note, lang string) error {
	f, _, err := Concern(tx, person, ref)
	if err != nil {
		return err
	}
	if !f.State.Open() {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	answer, action := "objected", Objected
	if agrees {
		answer, action = "agreed", Agreed
	}
	if err := tx.Exec(`update case_party set answer = $3, answered_at = $4 where case_id = $1 and person_id = $2`, f.ID, person, answer, tx.Now()); err != nil {
		return err
	}
	return move(tx, &f.Case, step{action: action, note: note, lang: lang, private: true})
}
