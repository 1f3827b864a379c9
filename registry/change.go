package registry

import (
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"daftar/db"
)

// Item is the whole next state of one record, as proposed from BaseVersion
// (0 for a new record). What is approved is exactly what is applied.
type Item struct {
	Kind        string // KindHousehold, ...
	Subject     db.ID
	BaseVersion int
	Data        any // HouseholdData or PersonData
}

// Kinds of record.
const (
	KindHousehold = "household"
	KindPerson    = "person"
)

// Origins of a change.
const (
	OriginCase  = "case"
	OriginBatch = "batch"
)

// Provenance says which source each value has; "*" stands for all that are
// not named.
type Provenance map[string]db.ID

// Of returns the source of a value.
func (p Provenance) Of(value string) (db.ID, bool) {
	if id, ok := p[value]; ok {
		return id, true
	}
	id, ok := p["*"]
	return id, ok
}

// Scan reads a jsonb column.
func (p *Provenance) Scan(src any) error { return scanJSON(src, p) }

// Values holds field values by code.
type Values map[string]any

// Scan reads a jsonb column.
func (v *Values) Scan(src any) error { return scanJSON(src, v) }

// HouseholdData is the state of a household.
type HouseholdData struct {
	Ref         string           `json:"ref"`
	AreaID      db.ID            `json:"area_id"`
	Directions  string           `json:"directions,omitempty"`
	Protected   bool             `json:"protected,omitempty"` // where they live is told to nobody
	Fields      Values           `json:"fields,omitempty"`
	Identifiers []IdentifierData `json:"identifiers,omitempty"`
	Provenance  Provenance       `json:"provenance"`
}

// PersonData is the state of a person, with where they live and lived. Days are
// "2006-01-02"; empty means not known.
type PersonData struct {
	Ref           string           `json:"ref"`
	FullName      string           `json:"full_name,omitempty"`
	FullNameLatin string           `json:"full_name_latin,omitempty"`
	Sex           string           `json:"sex,omitempty"`
	BirthFrom     string           `json:"birth_from,omitempty"`
	BirthTo       string           `json:"birth_to,omitempty"`
	Fields        Values           `json:"fields,omitempty"`
	Memberships   []MembershipData `json:"memberships,omitempty"`
	Identifiers   []IdentifierData `json:"identifiers,omitempty"`
	Provenance    Provenance       `json:"provenance"`
}

// MembershipData says that the person lives, or lived, in a household.
type MembershipData struct {
	ID           db.ID  `json:"id"`
	HouseholdID  db.ID  `json:"household_id"`
	Relationship string `json:"relationship"`
	StartDate    string `json:"start_date,omitempty"`
	EndDate      string `json:"end_date,omitempty"`
}

// IdentifierData is a number that an issuer gave to the person or household.
type IdentifierData struct {
	Type       string     `json:"type"`
	Value      string     `json:"value"`  // as NormalIdentifier makes it
	Status     string     `json:"status"` // "verified" or "unverified"
	Provenance Provenance `json:"provenance,omitempty"`
}

// Propose stores a change and its items. The proposer is the transaction's
// principal.
func Propose(tx db.Tx, origin string, items []Item) (db.ID, error) {
	id := tx.NewID()
	if err := tx.Exec(`insert into change (id, origin, proposed_at) values ($1, $2, $3)`, id, origin, tx.Now()); err != nil {
		return id, err
	}
	n := 0
	_, err := tx.CopyFrom("change_item", []string{"change_id", "seq", "kind", "subject_id", "base_version", "data"},
		pgx.CopyFromFunc(func() ([]any, error) {
			if n == len(items) {
				return nil, nil
			}
			it := items[n]
			n++
			data, err := json.Marshal(it.Data)
			return []any{[16]byte(id), int32(n), it.Kind, [16]byte(it.Subject), int32(it.BaseVersion), data}, err
		}))
	return id, err
}

// Verify records that the principal checked a proposal. Whoever proposed it is
// refused by the database (fault.Forbidden).
func Verify(tx db.Tx, change db.ID) error {
	return tx.Exec(`select verify_change($1, $2)`, change, tx.Now())
}

// Approve records the principal's approval of exactly these items. Whoever
// proposed or verified them is refused by the database (fault.Forbidden).
func Approve(tx db.Tx, change db.ID) error {
	return tx.Exec(`select approve_change($1, $2)`, change, tx.Now())
}

// Refuse ends a proposal without applying it.
func Refuse(tx db.Tx, change db.ID) error { return tx.Exec(`select refuse_change($1)`, change) }

// Return sends a verified proposal back to be checked again.
func Return(tx db.Tx, change db.ID) error { return tx.Exec(`select return_change($1)`, change) }

// Supersede ends a proposal that was not decided: in favour of a new one, or
// because it was withdrawn. A citizen may end only their own.
func Supersede(tx db.Tx, change db.ID) error { return tx.Exec(`select supersede_change($1)`, change) }

// Apply writes every version and record of an approved change. A record that
// moved on since the proposal is a fault.Conflict, and nothing is written.
func Apply(tx db.Tx, change db.ID) error {
	return tx.Exec(`select apply_change($1, $2)`, change, tx.Now())
}
