// Package credentials is what the registry vouches for in a wallet: the types,
// offers, the ledger of what was issued, and its status.
package credentials

import (
	"time"

	"daftar/i18n"
)

// Type is one kind of credential. Its texts are messages:
// "credential.<id>.name", "credential.<id>.description" and, for claims of its
// own, "credential.claim.<claim>".
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
	Shown     bool      // with every presentation: not selectively disclosable
	Label     i18n.Text // of a claim that a field definition makes
	defined   *Defined
}

// Hidden counts the claims that can be disclosed one by one.
func (t Type) Hidden() int {
	n := 0
	for _, c := range t.Claims {
		if !c.Shown {
			n++
		}
	}
	return n
}

const day = 24 * time.Hour

// Types lists the credential types as the program has them.
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

// Builtin finds a type as the program has it, in version 1; false when there is
// none. Load adds what definitions make of it.
func Builtin(id string) (Type, bool) {
	for _, t := range Types() {
		if t.ID == id {
			return t, true
		}
	}
	return Type{}, false
}
