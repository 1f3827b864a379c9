package registry

import (
	"database/sql"
	"regexp"
	"strings"
	"unicode"

	"daftar/db"
	"daftar/i18n"
)

// NationalID is the type of the number on the national identity card.
const NationalID = "national_id"

// Contested is the status of a number that two living people claim: it counts
// as unverified on both sides until the office has found out (RULES R14).
const Contested = "contested"

// Assurances lists how sure an identifier makes of who somebody is. Each has
// the message "assurance.<code>".
func Assurances() []string { return []string{"high", "substantial", "low"} }

// VerificationMethods lists how an identifier was checked. Each has the message
// "verification.<code>".
func VerificationMethods() []string {
	return []string{"issuer", "document", "copy", "witness", "said"}
}

// Identifier is a number that an issuer gave to somebody.
type Identifier struct {
	Type       string         `db:"type"`
	Value      string         `db:"value"`
	Issuer     string         `db:"issuer"`
	Status     string         `db:"status"` // what holds: verified, unverified, ended or Contested
	ExpiresOn  sql.NullTime   `db:"expires_on"`
	Assurance  sql.NullString `db:"assurance"`
	Method     sql.NullString `db:"method"`
	Provenance Provenance     `db:"provenance"`
}

// IdentifierType is what is known about the numbers of one kind.
type IdentifierType struct {
	Code       string    `db:"code"`
	Name       i18n.Text `db:"name"`
	Subject    string    `db:"subject"`
	Pattern    string    `db:"pattern"` // of the normalised value, all of it; "": any
	CheckDigit string    `db:"check_digit"`
	Issuers    Issuers   `db:"issuers"` // where there is more than one
}

// Issuer is one of several that give numbers of a kind.
type Issuer struct {
	Code string    `json:"code" yaml:"code"`
	Name i18n.Text `json:"name" yaml:"name"`
}

// Issuers are a type's issuers.
type Issuers []Issuer

// Scan reads a jsonb column.
func (l *Issuers) Scan(src any) error { return scanJSON(src, l) }

// IdentifierTypes lists the types in use.
func IdentifierTypes(tx db.Tx) ([]IdentifierType, error) {
	var list []IdentifierType
	err := tx.Select(&list, `
		select code, name, subject, pattern, check_digit, issuers from identifier_type
		where retired_at is null or retired_at > $1 order by position, code`, tx.Now())
	return list, err
}

// Fits reports whether a normalised value can be a number of the type. One that
// cannot is kept as somebody gave it, and is never verified.
func (t IdentifierType) Fits(value string) bool {
	if value == "" {
		return false
	}
	if t.Pattern != "" {
		pattern, err := regexp.Compile(`^(?:` + t.Pattern + `)$`)
		if err != nil || !pattern.MatchString(value) {
			return false
		}
	}
	return CheckDigit(t.CheckDigit, value)
}

// Masked shows the last three characters of the value.
func (i Identifier) Masked() string {
	value := []rune(i.Value)
	shown := len(value) - 3
	if shown <= 0 {
		return strings.Repeat("•", len(value))
	}
	return strings.Repeat("•", shown) + string(value[shown:])
}

// NormalIdentifier brings a typed identifier to the form that is stored and
// compared: capitals and 0–9, no spaces or punctuation.
func NormalIdentifier(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, i18n.LatinDigits(s))
}

// Identifiers lists what a person or household has.
func Identifiers(tx db.Tx, subject db.ID) ([]Identifier, error) {
	var list []Identifier
	err := tx.Select(&list, `
		select type, value, issuer, status, expires_on, assurance, method, provenance from identifier
		where subject_id = $1 and status <> 'ended' order by type, value`, subject)
	return list, err
}

// PersonByIdentifier finds the one living person with a verified identifier;
// fault.NotFound when there is none or more than one: a contested identifier
// links nobody.
func PersonByIdentifier(tx db.Tx, kind, value string) (db.ID, error) {
	var id db.ID
	err := tx.Get(&id, `select found from person_of_number($1, $2) found where found is not null`, kind, NormalIdentifier(value))
	return id, err
}

// RegisteredWith reports whether anybody in the registry has the identifier,
// verified or not.
func RegisteredWith(tx db.Tx, kind, value string) (bool, error) {
	var there bool
	err := tx.Get(&there, `select exists (select from identifier where type = $1 and value = $2 and status <> 'ended')`,
		kind, NormalIdentifier(value))
	return there, err
}
