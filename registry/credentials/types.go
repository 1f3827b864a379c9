// Package credentials is what the registry vouches for in a wallet: the types,
// offers, the ledger of what was issued, and its status.
package credentials

import "time"

// Type is one kind of credential. Its texts are messages:
// "credential.<id>.name", "credential.<id>.description" and
// "credential.claim.<claim>".
type Type struct {
	ID      string // also the configuration id and the scope
	Version int    // of the claims; part of the vct address, never changed in place
	Claims  []Claim
	Valid   time.Duration
	Subject string // "household" or "person": whose record it is about
}

// Claim is one claim of a type. Nested claims have a longer path.
type Claim struct {
	Path      []string
	Mandatory bool
}

const day = 24 * time.Hour

// Types lists the credential types.
func Types() []Type {
	return []Type{
		{
			ID: HouseholdRegistration, Version: 1, Valid: 365 * day, Subject: "household",
			Claims: []Claim{
				{Path: []string{"household_reference"}, Mandatory: true},
				{Path: []string{"household_size"}, Mandatory: true},
				{Path: []string{"district"}},
				{Path: []string{"registered_on"}, Mandatory: true},
			},
		},
		{
			ID: ProgrammeEligibility, Version: 1, Valid: 182 * day, Subject: "household",
			Claims: []Claim{
				{Path: []string{"programme"}, Mandatory: true},
				{Path: []string{"programme_name"}, Mandatory: true},
				{Path: []string{"decision_reference"}, Mandatory: true},
				{Path: []string{"decided_on"}, Mandatory: true},
				{Path: []string{"household_reference"}, Mandatory: true},
			},
		},
		{
			ID: PersonRegistration, Version: 1, Valid: 365 * day, Subject: "person",
			Claims: []Claim{
				{Path: []string{"person_reference"}, Mandatory: true},
				{Path: []string{"full_name"}},
				{Path: []string{"birth_date"}},
				{Path: []string{"registered_on"}, Mandatory: true},
			},
		},
	}
}

// Credential types.
const (
	HouseholdRegistration = "household-registration"
	ProgrammeEligibility  = "programme-eligibility"
	PersonRegistration    = "person-registration"
)

// TypeByID finds a type; false when there is none.
func TypeByID(id string) (Type, bool) {
	for _, t := range Types() {
		if t.ID == id {
			return t, true
		}
	}
	return Type{}, false
}
