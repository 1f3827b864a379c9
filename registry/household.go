// Package registry is the record: people, households, who lives where, their
// identifiers, the areas, the fields, and the one way to change any of it.
package registry

import (
	"database/sql"
	"time"

	"daftar/db"
)

// Person is one person's record, as it is now.
type Person struct {
	ID            db.ID        `db:"id"`
	Ref           string       `db:"ref"`
	Version       int          `db:"version"`
	FullName      string       `db:"full_name"` // "" when not known
	FullNameLatin string       `db:"full_name_latin"`
	Sex           string       `db:"sex"`
	BirthFrom     sql.NullTime `db:"birth_from"`
	BirthTo       sql.NullTime `db:"birth_to"`
	FamilyName    string       `db:"family_name"`
	GivenName     string       `db:"given_name"`
	OtherNames    string       `db:"other_names"`
	Status        string       `db:"status"`
	StatusReason  string       `db:"status_reason"`
	StatusDate    sql.NullTime `db:"status_date"`
	MergedInto    *db.ID       `db:"merged_into"`
	Tags          string       `db:"tags"` // with a comma between
	Fields        Values       `db:"fields"`
	Provenance    Provenance   `db:"provenance"`
}

// Birth is what is known about the day of birth.
func (p Person) Birth() BirthDate { return BirthDate{From: p.BirthFrom.Time, To: p.BirthTo.Time} }

// Member is a person in a household.
type Member struct {
	Person
	Relationship string       `db:"relationship"`
	Since        sql.NullTime `db:"start_date"`
}

// Household is a household's record with the people who live in it.
type Household struct {
	ID           db.ID        `db:"id"`
	Ref          string       `db:"ref"`
	Version      int          `db:"version"`
	AreaID       db.ID        `db:"area_id"`
	Directions   string       `db:"directions"`
	Protected    bool         `db:"protected"`
	Status       string       `db:"status"`
	StatusReason string       `db:"status_reason"`
	StatusDate   sql.NullTime `db:"status_date"`
	Tags         string       `db:"tags"` // with a comma between
	Fields       Values       `db:"fields"`
	Provenance   Provenance   `db:"provenance"`
	Members      []Member     `db:"-"`
}

// Adults counts the members who are surely of age on day, and Children those
// who are surely not; somebody of unknown age is in neither.
func (h Household) Adults(day time.Time) (adults, children int) {
	for _, m := range h.Members {
		switch youngest, oldest := m.Birth().Age(day); {
		case youngest >= Majority:
			adults++
		case oldest >= 0 && oldest < Majority:
			children++
		}
	}
	return adults, children
}

// Majority is the age at which a person is an adult, in years.
const Majority = 18

const personColumns = `p.id, p.ref, p.version, coalesce(p.full_name, '') as full_name,
	coalesce(p.full_name_latin, '') as full_name_latin, coalesce(p.family_name, '') as family_name,
	coalesce(p.given_name, '') as given_name, coalesce(p.other_names, '') as other_names, p.sex, p.birth_from, p.birth_to, p.status,
	coalesce(p.status_reason, '') as status_reason, p.status_date, p.merged_into, array_to_string(p.tags, ',') as tags, p.fields, p.provenance`

// LoadPerson reads a person.
func LoadPerson(tx db.Tx, id db.ID) (Person, error) {
	var p Person
	err := tx.Get(&p, `select `+personColumns+` from person p where p.id = $1`, id)
	return p, err
}

// LoadHousehold reads a household and its members, the head first.
func LoadHousehold(tx db.Tx, id db.ID) (Household, error) {
	var h Household
	if err := tx.Get(&h, `
		select id, ref, version, area_id, directions, protected, status, coalesce(status_reason, '') as status_reason, status_date,
		       array_to_string(tags, ',') as tags, fields, provenance
		from household where id = $1`, id); err != nil {
		return h, err
	}
	err := tx.Select(&h.Members, `
		select `+personColumns+`, m.relationship, m.start_date
		from membership m join person p on p.id = m.person_id
		where m.household_id = $1 and m.end_date is null and m.tie = 'usual'
		order by m.relationship <> 'head', p.birth_from nulls last, p.id`, id)
	return h, err
}

// HouseholdOf returns the household that a person usually lives in;
// fault.NotFound when there is none.
func HouseholdOf(tx db.Tx, person db.ID) (db.ID, error) {
	var id db.ID
	err := tx.Get(&id, `select household_id from membership where person_id = $1 and end_date is null and tie = 'usual'`, person)
	return id, err
}

// Relationships lists the codes of a member's relationship to the head. Each
// has the message "relationship.<code>".
func Relationships() []string {
	return []string{"head", "spouse", "child", "child_in_law", "grandchild", "parent", "parent_in_law",
		"grandparent", "sibling", "other_relative", "non_relative"}
}

// Sexes lists the codes of a person's sex. Each has the message "sex.<code>".
func Sexes() []string { return []string{"female", "male", "other", Unknown} }
