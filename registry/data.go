package registry

import (
	"time"

	"daftar/db"
)

// What a version of a record holds. Days are "2006-01-02"; empty means not
// known. Where a part has a start and an end, the end is the first day on which
// it is no longer so.

// PersonData is the state of a person, with where they live and lived.
type PersonData struct {
	Ref           string `json:"ref"`
	FullName      string `json:"full_name,omitempty"`       // in the person's own script
	FullNameLatin string `json:"full_name_latin,omitempty"` // as the person writes it; never a machine's over theirs
	FamilyName    string `json:"family_name,omitempty"`
	GivenName     string `json:"given_name,omitempty"`
	OtherNames    string `json:"other_names,omitempty"`
	Sex           string `json:"sex,omitempty"`
	BirthFrom     string `json:"birth_from,omitempty"`
	BirthTo       string `json:"birth_to,omitempty"`
	// Status is one of Outcomes, or empty for a record that goes on.
	Status       string           `json:"status,omitempty"`
	StatusReason string           `json:"status_reason,omitempty"`
	StatusDate   string           `json:"status_date,omitempty"`
	MergedInto   *db.ID           `json:"merged_into,omitempty"` // of a duplicate: the record that goes on
	Tags         []string         `json:"tags,omitempty"`
	Fields       Values           `json:"fields,omitempty"`
	Memberships  []MembershipData `json:"memberships,omitempty"`
	Relations    []RelationData   `json:"relations,omitempty"`
	Contacts     []ContactData    `json:"contacts,omitempty"`
	Identifiers  []IdentifierData `json:"identifiers,omitempty"`
	Provenance   Provenance       `json:"provenance"`
}

// Birth is what is known about the day of birth.
func (p PersonData) Birth() BirthDate {
	from, err := time.Parse(time.DateOnly, p.BirthFrom)
	to, err2 := time.Parse(time.DateOnly, p.BirthTo)
	if err != nil || err2 != nil {
		return BirthDate{}
	}
	return BirthDate{From: from, To: to}
}

// HouseholdData is the state of a household. Nobody may live in it: who does is
// in the people's own records.
type HouseholdData struct {
	Ref          string           `json:"ref"`
	AreaID       db.ID            `json:"area_id"`
	Directions   string           `json:"directions,omitempty"`
	Protected    bool             `json:"protected,omitempty"` // where they live is told to nobody
	Status       string           `json:"status,omitempty"`    // "ended", or empty
	StatusReason string           `json:"status_reason,omitempty"`
	StatusDate   string           `json:"status_date,omitempty"`
	Tags         []string         `json:"tags,omitempty"`
	Fields       Values           `json:"fields,omitempty"`
	Identifiers  []IdentifierData `json:"identifiers,omitempty"`
	Provenance   Provenance       `json:"provenance"`
}

// GroupData is the state of a group: a cooperative, a union of cooperatives.
type GroupData struct {
	Ref          string            `json:"ref"`
	Type         string            `json:"type"` // one of GroupTypes
	Name         string            `json:"name"`
	NameLatin    string            `json:"name_latin,omitempty"`
	AreaID       *db.ID            `json:"area_id,omitempty"`
	Beneficiary  bool              `json:"beneficiary,omitempty"` // programmes may serve it as a whole
	FormedOn     string            `json:"formed_on,omitempty"`   // nobody joins before
	Status       string            `json:"status,omitempty"`      // "ended", or empty
	StatusReason string            `json:"status_reason,omitempty"`
	StatusDate   string            `json:"status_date,omitempty"`
	Tags         []string          `json:"tags,omitempty"`
	Fields       Values            `json:"fields,omitempty"`
	Members      []GroupMemberData `json:"members,omitempty"`
	Identifiers  []IdentifierData  `json:"identifiers,omitempty"`
	Provenance   Provenance        `json:"provenance"`
}

// GroupMemberData says that a household, a person or another group belongs to
// the group: exactly one of the three.
type GroupMemberData struct {
	ID          db.ID  `json:"id"`
	HouseholdID *db.ID `json:"household_id,omitempty"`
	PersonID    *db.ID `json:"person_id,omitempty"`
	GroupID     *db.ID `json:"group_id,omitempty"`
	Role        string `json:"role,omitempty"` // one of GroupRoles; a member when empty
	StartDate   string `json:"start_date,omitempty"`
	EndDate     string `json:"end_date,omitempty"`
}

// MembershipData ties the person to a household.
type MembershipData struct {
	ID           db.ID      `json:"id"`
	HouseholdID  db.ID      `json:"household_id"`
	Tie          string     `json:"tie,omitempty"` // one of Ties; TieUsual when empty
	Relationship string     `json:"relationship"`  // to the head
	Roles        []RoleData `json:"roles,omitempty"`
	StartDate    string     `json:"start_date,omitempty"`
	EndDate      string     `json:"end_date,omitempty"`
	EndReason    string     `json:"end_reason,omitempty"` // one of EndReasons
}

// RoleData says what the person does in the household.
type RoleData struct {
	Role      string `json:"role"`         // one of Roles
	Of        *db.ID `json:"of,omitempty"` // whom a caregiver cares for
	StartDate string `json:"start_date,omitempty"`
	EndDate   string `json:"end_date,omitempty"`
}

// RelationData says that the person is the ... of another. It is kept with one
// of the two and read from both.
type RelationData struct {
	ID        db.ID  `json:"id"`
	Type      string `json:"type"` // one of RelationTypes: "parent" makes the other the child
	PersonID  db.ID  `json:"person_id"`
	StartDate string `json:"start_date,omitempty"`
	EndDate   string `json:"end_date,omitempty"`
}

// ContactData is a way to reach the person (RULES R6).
type ContactData struct {
	Kind      string   `json:"kind"`                // ContactPhone or ContactEmail
	Value     string   `json:"value"`               // as NormalContact makes it
	Owner     string   `json:"owner"`               // one of ContactOwners
	Safe      []string `json:"safe,omitempty"`      // of ContactUses: what may be sent to it; nothing when empty
	Protected bool     `json:"protected,omitempty"` // never shown or passed on
}

// IdentifierData is a number that an issuer gave to the person or household.
// That two living people claim it is no part of a record: see Identifier.Status.
type IdentifierData struct {
	Type       string     `json:"type"`
	Value      string     `json:"value"`            // as NormalIdentifier makes it
	Issuer     string     `json:"issuer,omitempty"` // where a type has more than one
	Status     string     `json:"status"`           // "verified", "unverified" or "ended"
	ExpiresOn  string     `json:"expires_on,omitempty"`
	Assurance  string     `json:"assurance,omitempty"` // one of Assurances
	Method     string     `json:"method,omitempty"`    // one of VerificationMethods
	Provenance Provenance `json:"provenance,omitempty"`
}
