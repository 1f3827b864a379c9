package history

import (
	"time"

	"daftar/db"
)

// Entry is one step of a record's life: what became different, who saw to it
// and why.
type Entry struct {
	Version
	Origin   string // "case", "batch" or "event"
	Case     string // reference of the case, if there was one
	Note     string // why, in the words of who proposed it
	NoteLang string
	// Who did it. A citizen is not named: Citizen says that it was one.
	Citizen                      bool
	Proposed, Verified, Approved string
	Changes                      []Change
}

// Timeline tells a record's life as it is known now, the latest step first.
func Timeline(tx db.Tx, subject db.ID, known time.Time) ([]Entry, error) {
	versions, err := Versions(tx, subject, known)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Change   db.ID  `db:"id"`
		Origin   string `db:"origin"`
		Case     string `db:"case_ref"`
		Note     string `db:"note"`
		NoteLang string `db:"note_lang"`
		Citizen  bool   `db:"citizen"`
		Proposed string `db:"proposed"`
		Verified string `db:"verified"`
		Approved string `db:"approved"`
	}
	err = tx.Select(&rows, `
		select c.id, c.origin, coalesce(f.ref, '') as case_ref, coalesce(m.note, '') as note, coalesce(m.note_lang, '') as note_lang,
		       exists (select from account a where a.id = c.proposed_by) as citizen,
		       coalesce(p.name, '') as proposed, coalesce(v.name, '') as verified, coalesce(d.name, '') as approved
		from change c
		left join case_file f on f.change_id = c.id left join amendment m on m.change_id = c.id
		left join staff p on p.id = c.proposed_by left join staff v on v.id = c.verified_by left join staff d on d.id = c.approved_by
		where c.id in (select change_id from record_version where subject_id = $1)`, subject)
	if err != nil {
		return nil, err
	}
	list := make([]Entry, len(versions))
	var old State
	for i, v := range versions {
		e := Entry{Version: v, Changes: Diff(old, v.Data)}
		for _, r := range rows {
			if r.Change == v.Change {
				e.Origin, e.Case, e.Note, e.NoteLang = r.Origin, r.Case, r.Note, r.NoteLang
				e.Citizen, e.Proposed, e.Verified, e.Approved = r.Citizen, r.Proposed, r.Verified, r.Approved
			}
		}
		list[len(versions)-1-i], old = e, v.Data
	}
	return list, nil
}
