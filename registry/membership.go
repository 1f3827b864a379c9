package registry

import (
	"database/sql"
	"slices"

	"daftar/db"
	"daftar/fault"
)

// Ties of a person to a household. Only TieUsual makes somebody live there; a
// person has at most one of it at a time, and any number of others (RULES R15).
const (
	TieUsual         = "usual"
	TieAbsent        = "absent"         // works elsewhere and belongs here
	TieSecondUnion   = "second_union"   // a spouse who usually lives with another household
	TieSharedCustody = "shared_custody" // a child who is here part of the time
	TieOther         = "other"
)

// Ties lists the ties. Each has the message "tie.<code>".
func Ties() []string {
	return []string{TieUsual, TieAbsent, TieSecondUnion, TieSharedCustody, TieOther}
}

// Roles lists what somebody can do in a household. Each has the message
// "role.<code>". The head is a relationship and brings no right.
func Roles() []string { return []string{RoleCaregiver, RolePayee, RoleAlternatePayee} }

// The roles.
const (
	RoleCaregiver      = "caregiver" // of one named child or person
	RolePayee          = "payee"     // receives what the household gets
	RoleAlternatePayee = "alternate_payee"
)

// EndReasons lists why somebody left a household. Each has the message
// "membership.end.<code>".
func EndReasons() []string {
	return []string{"moved", "married", "separated", "role", Deceased, Emigrated, Duplicate, Mistaken, Left, "other"}
}

// RelationshipHead is the relationship of the head.
const RelationshipHead = "head"

// Usual reports whether the membership is where the person lives.
func (m MembershipData) Usual() bool { return m.Tie == "" || m.Tie == TieUsual }

// During reports whether a part of a record that starts and ends is in force on
// a day; an unknown start lies before every day.
func During(start, end, day string) bool {
	return start <= day && (end == "" || day < end) // ISO days sort as text
}

// overlap reports whether two spans share a day.
func overlap(start, end, start2, end2 string) bool {
	return (end == "" || end > start) && (end2 == "" || end2 > start2) &&
		(end2 == "" || start < end2) && (end == "" || start2 < end)
}

// Residence is the household that somebody usually lives in on a day; false
// when there is none.
func (p PersonData) Residence(day string) (MembershipData, bool) {
	for _, m := range p.Memberships {
		if m.Usual() && During(m.StartDate, m.EndDate, day) {
			return m, true
		}
	}
	return MembershipData{}, false
}

// Move makes a household the person's usual residence from a day on. The
// earlier one ends that day; what was planned for later is left alone.
func (p PersonData) Move(to MembershipData, reason string) PersonData {
	next := p
	next.Memberships = slices.Clone(p.Memberships)
	for i, m := range next.Memberships {
		if m.Usual() && m.EndDate == "" {
			next.Memberships[i] = m.end(max(to.StartDate, m.StartDate), reason)
		}
	}
	next.Memberships = append(next.Memberships, to)
	return next
}

// Belong adds a tie to a household that the person does not usually live in.
func (p PersonData) Belong(to MembershipData) PersonData {
	p.Memberships = append(slices.Clone(p.Memberships), to)
	return p
}

// Leave ends a tie on a day, and what the person does there; false when there is
// no such tie that goes on.
func (p PersonData) Leave(tie db.ID, day, reason string) (PersonData, bool) {
	return p.tie(tie, func(m MembershipData) MembershipData { return m.end(max(day, m.StartDate), reason) })
}

// Relate says what the person is to the head of a household from a day on: the
// tie ends, and another goes on with the same duties. On the day on which the tie
// began it was wrong from the start, and is put right.
func (p PersonData) Relate(tie, id db.ID, relationship, day string) (PersonData, bool) {
	var next *MembershipData
	p, ok := p.tie(tie, func(m MembershipData) MembershipData {
		if day <= m.StartDate {
			m.Relationship = relationship
			return m
		}
		more := m
		more.ID, more.Relationship, more.StartDate, more.Roles = id, relationship, day, nil
		for _, r := range m.Roles {
			if r.EndDate == "" {
				more.Roles = append(more.Roles, RoleData{Role: r.Role, Of: r.Of, StartDate: max(day, r.StartDate)})
			}
		}
		next = &more
		return m.end(day, "role")
	})
	if next != nil {
		p.Memberships = append(p.Memberships, *next)
	}
	return p, ok
}

// Serve gives the person a duty in a household that they are tied to.
func (p PersonData) Serve(tie db.ID, duty RoleData) (PersonData, bool) {
	return p.tie(tie, func(m MembershipData) MembershipData {
		m.Roles = append(slices.Clone(m.Roles), duty)
		return m
	})
}

// Resign ends the nth duty of a tie on a day.
func (p PersonData) Resign(tie db.ID, nth int, day string) (PersonData, bool) {
	done := false
	p, ok := p.tie(tie, func(m MembershipData) MembershipData {
		if nth < 0 || nth >= len(m.Roles) || m.Roles[nth].EndDate != "" {
			return m
		}
		m.Roles = slices.Clone(m.Roles)
		m.Roles[nth].EndDate, done = max(day, m.Roles[nth].StartDate), true
		return m
	})
	return p, ok && done
}

// tie changes a tie that goes on.
func (p PersonData) tie(id db.ID, change func(MembershipData) MembershipData) (PersonData, bool) {
	for i, m := range p.Memberships {
		if m.ID == id && m.EndDate == "" {
			p.Memberships = slices.Clone(p.Memberships)
			p.Memberships[i] = change(m)
			return p, true
		}
	}
	return p, false
}

// end closes a membership and the roles in it.
func (m MembershipData) end(day, reason string) MembershipData {
	m.EndDate, m.EndReason = day, reason
	m.Roles = slices.Clone(m.Roles)
	for i, r := range m.Roles {
		if r.EndDate == "" || r.EndDate > day {
			m.Roles[i].EndDate = max(day, r.StartDate)
		}
	}
	return m
}

// Check finds what cannot be true within one person's record: a name for each
// is a rule of the database, which checks them all again. The error names the
// rule: "rule.<name>".
func (p PersonData) Check() error {
	broken := func(rule string) error { return fault.New(fault.Conflict, "rule."+rule) }
	for i, m := range p.Memberships {
		if m.EndDate != "" && m.EndDate < m.StartDate {
			return broken("membership_dates")
		}
		for _, n := range p.Memberships[:i] {
			if m.Usual() && n.Usual() && overlap(m.StartDate, m.EndDate, n.StartDate, n.EndDate) {
				return broken("membership_usual_residence")
			}
		}
		for _, r := range m.Roles {
			if r.EndDate != "" && r.EndDate < r.StartDate {
				return broken("role_dates")
			}
			if (r.Role == RoleCaregiver) != (r.Of != nil) {
				return broken("role_of")
			}
		}
	}
	for _, r := range p.Relations {
		if r.EndDate != "" && r.EndDate < r.StartDate {
			return broken("relation_dates")
		}
	}
	if (p.Status == "") != (p.StatusReason == "" && p.StatusDate == "") || (p.Status == Duplicate) != (p.MergedInto != nil) {
		return broken("person_outcome")
	}
	if p.Status == Deceased && p.Unborn(p.StatusDate) {
		return broken("person_death")
	}
	return nil
}

// Membership is a person's tie to a household, as it stands in the tables.
type Membership struct {
	ID           db.ID          `db:"id"`
	HouseholdID  db.ID          `db:"household_id"`
	HouseholdRef string         `db:"household_ref"`
	PersonID     db.ID          `db:"person_id"`
	PersonRef    string         `db:"person_ref"`
	PersonName   string         `db:"person_name"`
	PersonLatin  string         `db:"person_latin"`
	PersonStatus string         `db:"person_status"`
	BirthFrom    sql.NullTime   `db:"birth_from"`
	BirthTo      sql.NullTime   `db:"birth_to"`
	Tie          string         `db:"tie"`
	Relationship string         `db:"relationship"`
	StartDate    sql.NullTime   `db:"start_date"`
	EndDate      sql.NullTime   `db:"end_date"`
	EndReason    sql.NullString `db:"end_reason"`
}

// Birth is what is known about the person's day of birth.
func (m Membership) Birth() BirthDate { return BirthDate{From: m.BirthFrom.Time, To: m.BirthTo.Time} }

const membershipQuery = `
	select m.id, m.household_id, h.ref as household_ref, m.person_id, p.ref as person_ref, coalesce(p.full_name, '') as person_name,
	       coalesce(p.full_name_latin, '') as person_latin, p.status as person_status, p.birth_from, p.birth_to,
	       m.tie, m.relationship, m.start_date, m.end_date, m.end_reason
	from membership m join household h on h.id = m.household_id join person p on p.id = m.person_id `

// Memberships lists where a person lives, lived and belongs, the newest first.
func Memberships(tx db.Tx, person db.ID) ([]Membership, error) {
	var list []Membership
	err := tx.Select(&list, membershipQuery+`where m.person_id = $1 order by m.end_date desc nulls first, m.start_date desc nulls last, m.id`, person)
	return list, err
}

// Ties lists everybody who is or was tied to a household, those who live there
// first.
func TiesOf(tx db.Tx, household db.ID) ([]Membership, error) {
	var list []Membership
	err := tx.Select(&list, membershipQuery+`
		where m.household_id = $1
		order by m.end_date is not null, m.tie <> 'usual', m.relationship <> 'head', p.birth_from nulls last, m.end_date desc, m.id`, household)
	return list, err
}

// Role is what somebody does in a household.
type Role struct {
	PersonID     db.ID        `db:"person_id"`
	MembershipID db.ID        `db:"membership_id"`
	Role         string       `db:"role"`
	OfRef        string       `db:"of_ref"`
	OfName       string       `db:"of_name"`
	StartDate    sql.NullTime `db:"start_date"`
	EndDate      sql.NullTime `db:"end_date"`
}

// Payee is who receives what a household gets.
type Payee struct {
	Person      db.ID `db:"person_id"`
	Provisional bool  `db:"provisional"` // the alternative, because there is no payee now
}

// PayeeOf is who receives what a household gets: the payee, or, when there is
// none any more, for the time being the alternative (RULES R16). That is derived,
// so there is nothing to undo when the payee comes back; nil when there is nobody.
func PayeeOf(tx db.Tx, household db.ID) (*Payee, error) {
	var list []Payee
	err := tx.Select(&list, `
		select person_id, role = 'alternate_payee' as provisional from membership_role
		where household_id = $1 and role in ('payee', 'alternate_payee') and end_date is null
		order by provisional, start_date nulls first, person_id limit 1`, household)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// RolesIn lists who does what in a household, those in force first.
func RolesIn(tx db.Tx, household db.ID) ([]Role, error) {
	var list []Role
	err := tx.Select(&list, `
		select r.person_id, r.membership_id, r.role, coalesce(o.ref, '') as of_ref, coalesce(o.full_name, '') as of_name, r.start_date, r.end_date
		from membership_role r left join person o on o.id = r.of_id
		where r.household_id = $1 order by r.end_date is not null, r.role, r.start_date`, household)
	return list, err
}
