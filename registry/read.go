package registry

import (
	"strconv"
	"strings"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
)

// Reader is a member of staff who reads records: where they may, and where they
// may see the places that are told to nobody else (RULES R5).
type Reader struct {
	Areas     []db.ID
	Protected []db.ID
	Roles     []string // what they may see and change of a record's fields
	// Programmes are those whose decisions they send; nil for all.
	Programmes []string
}

// Named lets a transaction of the portal read the records whose references somebody
// typed, beside their own: row security hides every other (docs/decisions/0021).
func Named(tx db.Tx, refs []string) error {
	if len(refs) == 0 {
		return nil
	}
	return tx.Exec(`select set_config('daftar.named', $1, true)`, strings.Join(refs, ","))
}

// Texts are identifiers as an argument of the database.
func Texts(ids []db.ID) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = id.String()
	}
	return list
}

// within is the condition that area a is in the areas $2.
const within = `(a.l0 = any($2) or a.l1 = any($2) or a.l2 = any($2) or a.l3 = any($2) or a.l4 = any($2) or a.l5 = any($2))`

// personWithin is the condition that person p is the reader's business. Somebody
// belongs to where they usually live, or lived last; somebody who never lived
// anywhere belongs to whoever is responsible for a whole country.
const personWithin = `(exists (
	select from area a where ` + within + ` and a.id = (
		select h.area_id from membership m join household h on h.id = m.household_id where m.person_id = p.id
		order by m.tie <> 'usual', m.end_date desc nulls first, m.start_date desc nulls last, m.id limit 1))
	or not exists (select from membership m where m.person_id = p.id)
	   and exists (select from area a where a.level = 0 and ` + within + `))`

const householdWithin = `exists (select from area a where a.id = h.area_id and ` + within + `)`

// A group without a place belongs to whoever is responsible for a whole country.
const groupWithin = `(exists (select from area a where a.id = g.area_id and ` + within + `)
	or g.area_id is null and exists (select from area a where a.level = 0 and ` + within + `))`

// FindRecord finds the record of a kind with a reference, for a reader. One that
// is not the reader's business and one that is not there give the same
// fault.NotFound.
func FindRecord(tx db.Tx, r Reader, kind, ref string) (db.ID, error) {
	letter, query := RefPerson, `select p.id from person p where p.ref = $1 and `+personWithin
	switch kind {
	case KindHousehold:
		letter, query = RefHousehold, `select h.id from household h where h.ref = $1 and `+householdWithin
	case KindGroup:
		letter, query = RefGroup, `select g.id from group_record g where g.ref = $1 and `+groupWithin
	}
	canonical, ok := ParseRef(letter, ref)
	if !ok {
		return db.ID{}, fault.Hidden()
	}
	var id db.ID
	err := tx.Get(&id, query, canonical, Texts(r.Areas))
	return id, err
}

// WithinReader is the condition that the record of a kind and id, which are SQL
// expressions, is the business of a reader whose areas are argument n.
func WithinReader(kind, id string, n int) string {
	return strings.ReplaceAll(`case `+kind+`
		when 'person' then exists (select from person p where p.id = `+id+` and `+personWithin+`)
		when 'household' then exists (select from household h where h.id = `+id+` and `+householdWithin+`)
		else exists (select from group_record g where g.id = `+id+` and `+groupWithin+`) end`, "$2", "$"+strconv.Itoa(n))
}

// ReadRecord is FindRecord, and logs the reading before the answer leaves. A
// household is read with everybody who lives there.
func ReadRecord(tx db.Tx, r Reader, kind, ref, purpose string) (db.ID, error) {
	id, err := FindRecord(tx, r, kind, ref)
	if err != nil {
		return id, err
	}
	var people []db.ID
	if kind == KindHousehold {
		if err := tx.Select(&people, `select distinct person_id from membership where household_id = $1 and end_date is null`, id); err != nil {
			return id, err
		}
	}
	return id, audit.WriteAbout(tx, audit.Event{Action: kind + ".read", SubjectKind: kind, Subject: id, Purpose: purpose}, KindPerson, people)
}

// SeesPlace reports whether a reader may see where a household lives.
func (r Reader) SeesPlace(tx db.Tx, household db.ID) (bool, error) {
	var sees bool
	err := tx.Get(&sees, `
		select not h.protected or exists (select from area a where a.id = h.area_id and `+within+`)
		from household h where h.id = $1`, household, Texts(r.Protected))
	return sees, err
}

// SeesContacts reports whether a reader may see a person's protected contacts.
func (r Reader) SeesContacts(tx db.Tx, person db.ID) (bool, error) {
	var sees bool
	err := tx.Get(&sees, `select exists (select from person p where p.id = $1 and `+personWithin+`)`, person, Texts(r.Protected))
	return sees, err
}
