package registry

import (
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/i18n"
)

// RelationTypes lists the kinds of relation between two people and the inverse
// of each. Each has the message "relation.<code>". The table relation_type says
// the same; a test compares them.
func RelationTypes() map[string]string {
	return map[string]string{
		"spouse": "spouse", "parent": "child", "child": "parent", "grandparent": "grandchild", "grandchild": "grandparent",
		"sibling": "sibling", "guardian": "ward", "ward": "guardian", "carer": "cared_for", "cared_for": "carer",
	}
}

// Relation is how another person is related to the one asked about: Type
// "child" means that the other is the child.
type Relation struct {
	Type      string       `db:"type"`
	OtherID   db.ID        `db:"other_id"`
	OtherRef  string       `db:"other_ref"`
	OtherName string       `db:"other_name"`
	Latin     string       `db:"other_latin"`
	StartDate sql.NullTime `db:"start_date"`
	EndDate   sql.NullTime `db:"end_date"`
}

// Relations lists a person's relations, whichever of the two records holds
// them; one that both hold appears once.
func Relations(tx db.Tx, person db.ID) ([]Relation, error) {
	var list []Relation
	err := tx.Select(&list, `
		select distinct r.type, r.other_id, p.ref as other_ref, coalesce(p.full_name, '') as other_name,
		       coalesce(p.full_name_latin, '') as other_latin, r.start_date, r.end_date
		from (select t.inverse as type, r.other_id, r.start_date, r.end_date
		      from relation r join relation_type t on t.code = r.type where r.person_id = $1
		      union select r.type, r.person_id, r.start_date, r.end_date from relation r where r.other_id = $1) r
		join person p on p.id = r.other_id
		order by r.end_date desc nulls first, r.type, r.start_date, p.ref`, person)
	return list, err
}

// Wards lists the children whose records somebody sees as their guardian: a
// parent, a guardian, or who is their caregiver, until they are of age (RULES
// R4). A child whose home is told to nobody is seen by those who live there.
func Wards(tx db.Tx, guardian db.ID, today time.Time) ([]Person, error) {
	var list []Person
	err := tx.Select(&list, `
		select `+personColumns+` from person p
		where p.status = 'active' and (
		    exists (select from relation r where r.person_id = $1 and r.other_id = p.id and r.type in ('parent', 'guardian') and daterange(r.start_date, r.end_date) @> $2::date)
		 or exists (select from relation r where r.person_id = p.id and r.other_id = $1 and r.type in ('child', 'ward') and daterange(r.start_date, r.end_date) @> $2::date)
		 or exists (select from membership_role c where c.person_id = $1 and c.of_id = p.id and c.role = 'caregiver' and daterange(c.start_date, c.end_date) @> $2::date))
		and not exists (
		    select from residence r join household h on h.id = r.household_id
		    where r.person_id = p.id and h.protected
		      and not exists (select from residence mine where mine.person_id = $1 and mine.household_id = h.id))
		order by p.birth_from, p.id`, guardian, today)
	return slices.DeleteFunc(list, func(p Person) bool {
		_, oldest := p.Birth().Age(today)
		return oldest < 0 || oldest >= Majority
	}), err
}

// Kinds of contact.
const (
	ContactPhone = "phone"
	ContactEmail = "email"
)

// ContactOwners lists whose a contact can be. Each has the message
// "contact.owner.<code>".
func ContactOwners() []string { return []string{"own", "shared", "helper"} }

// ContactUses lists what can be safe on a contact. Each has the message
// "contact.safe.<code>".
func ContactUses() []string { return []string{"codes", "notices"} }

// NormalContact brings a phone number or an address to the form that is stored
// and compared: digits with a leading "+" where the country is said; an e-mail
// address in small letters.
func NormalContact(kind, s string) string {
	if kind == ContactEmail {
		return strings.ToLower(strings.TrimSpace(s))
	}
	s = strings.TrimSpace(i18n.LatinDigits(s))
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
	switch {
	case strings.HasPrefix(s, "+"):
		return "+" + digits
	case strings.HasPrefix(digits, "00"):
		return "+" + digits[2:]
	}
	return digits
}

// Contact is a way to reach a person.
type Contact struct {
	Kind      string `db:"kind"`
	Value     string `db:"value"`
	Owner     string `db:"owner"`
	Safe      string `db:"safe"` // of ContactUses, with spaces between
	Protected bool   `db:"protected"`
}

// SafeFor reports whether a use is safe on the contact.
func (c Contact) SafeFor(use string) bool { return strings.Contains(" "+c.Safe+" ", " "+use+" ") }

// ReportedDead reports whether somebody is said to have died and nobody has
// confirmed it (RULES R16).
func ReportedDead(tx db.Tx, person db.ID) (bool, error) {
	var reported bool
	err := tx.Get(&reported, `select reported_dead($1)`, person)
	return reported, err
}

// Reachable lists the contacts of somebody on which a use is safe (RULES R6).
// There are none of somebody who died or is said to have died: the phone may be
// in other hands.
func Reachable(tx db.Tx, person db.ID, use string) ([]Contact, error) {
	var list []Contact
	err := tx.Select(&list, `
		select c.kind, c.value, c.owner, array_to_string(c.safe, ' ') as safe, c.protected
		from contact c join person p on p.id = c.person_id and p.status = 'active'
		where c.person_id = $1 and $2 = any(c.safe) and not reported_dead(p.id) order by c.owner <> 'own', c.kind desc, c.value`, person, use)
	return list, err
}

// ContactsBefore lists the ways to reach a person that there were before a change.
func ContactsBefore(tx db.Tx, person, change db.ID) ([]Contact, error) {
	var rows [][]byte
	if err := tx.Select(&rows, `
		select b.data from record_version v join record_state b on b.subject_id = v.subject_id and b.version = v.version - 1
		where v.subject_id = $1 and v.change_id = $2`, person, change); err != nil || len(rows) == 0 {
		return nil, err
	}
	var p PersonData
	if err := json.Unmarshal(rows[0], &p); err != nil {
		return nil, err
	}
	var list []Contact
	for _, c := range p.Contacts {
		list = append(list, Contact{Kind: c.Kind, Value: c.Value, Owner: c.Owner, Safe: strings.Join(c.Safe, " "), Protected: c.Protected})
	}
	return list, nil
}

// Contacts lists the ways to reach a person.
func Contacts(tx db.Tx, person db.ID) ([]Contact, error) {
	var list []Contact
	err := tx.Select(&list, `
		select kind, value, owner, array_to_string(safe, ' ') as safe, protected from contact where person_id = $1 order by kind desc, value`, person)
	return list, err
}
