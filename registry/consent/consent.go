// Package consent knows what data is used for, on which legal basis, and what
// people agreed to where it rests on that (RULES R18). Consent is never a
// condition of anything, and no rule sees it: a test holds programmes and cases
// away from this package.
package consent

import (
	"crypto/sha256"
	"database/sql"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
)

// Purpose is what data is used for. Its name is the message "purpose.<code>".
type Purpose struct {
	Code      string        `db:"code"`
	Basis     string        `db:"basis"` // of audit.Bases
	Kinds     string        `db:"kinds"` // of data: codes with the message "looks.kind.<code>"
	Recipient i18n.Text     `db:"recipient"`
	Version   int           `db:"version"` // of the text
	Text      i18n.Text     `db:"text"`    // what one agrees to
	Months    sql.NullInt64 `db:"months"`  // for how long
}

// Data lists the kinds of data.
func (p Purpose) Data() []string { return strings.Fields(p.Kinds) }

// Asks reports whether it rests on consent.
func (p Purpose) Asks() bool { return p.Basis == audit.Consent }

// Consent is what somebody agreed to.
type Consent struct {
	Ref       string       `db:"ref"`
	Purpose   string       `db:"purpose"`
	Version   int          `db:"version"`
	Language  string       `db:"language"`
	Hash      []byte       `db:"text_hash"`
	Given     time.Time    `db:"given_at"`
	Expires   time.Time    `db:"expires_at"`
	Withdrawn sql.NullTime `db:"withdrawn_at"`
}

// Stands reports whether it holds at an instant.
func (c Consent) Stands(now time.Time) bool { return !c.Withdrawn.Valid && now.Before(c.Expires) }

const columns = `ref, purpose, version, language, text_hash, given_at, expires_at, withdrawn_at`

// Purposes lists all purposes.
func Purposes(tx db.Tx) ([]Purpose, error) {
	var list []Purpose
	err := tx.Select(&list, `select code, basis, array_to_string(data, ' ') as kinds, recipient, version, text, months from purpose order by position`)
	return list, err
}

// Asked lists the codes of the purposes that rest on consent.
func Asked() []string {
	var list []string
	for _, code := range []string{"research", "employment"} {
		if audit.Bases[code] == audit.Consent {
			list = append(list, code)
		}
	}
	return list
}

// Mine lists what somebody agreed to, the latest first. The database answers the
// person alone.
func Mine(tx db.Tx, person db.ID) ([]Consent, error) {
	var list []Consent
	err := tx.Select(&list, `select `+columns+` from consent where person_id = $1 order by given_at desc`, person)
	return list, err
}

// Find is one of them; fault.NotFound for anybody else's.
func Find(tx db.Tx, person db.ID, ref string) (Consent, error) {
	canonical, _ := registry.ParseRef(registry.RefConsent, ref)
	var c Consent
	err := tx.Get(&c, `select `+columns+` from consent where person_id = $1 and ref = $2`, person, canonical)
	return c, err
}

// Give agrees to a purpose in the version of the text that was read, for as long
// as the purpose says. Agreeing again is a new consent. fault.Conflict when the
// text is another one by now, or the person is a child.
func Give(tx db.Tx, person db.ID, code string, version int, language string) (string, error) {
	list, err := Purposes(tx)
	if err != nil {
		return "", err
	}
	for _, p := range list {
		if p.Code != code || !p.Asks() {
			continue
		}
		if p.Version != version {
			return "", fault.New(fault.Conflict, "consent.error.version")
		}
		if err := tx.Exec(`update consent set withdrawn_at = $3 where person_id = $1 and purpose = $2 and withdrawn_at is null`, person, code, tx.Now()); err != nil {
			return "", err
		}
		hash := sha256.Sum256([]byte(p.Text[language]))
		id, ref := tx.NewID(), registry.NewRef(registry.RefConsent, tx.Rand())
		if err := tx.Exec(`insert into consent (id, ref, person_id, purpose, version, language, text_hash, given_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			id, ref, person, code, version, language, hash[:], tx.Now(), tx.Now().AddDate(0, int(p.Months.Int64), 0)); err != nil {
			return "", err
		}
		return ref, audit.Write(tx, audit.Event{Action: "consent.given", SubjectKind: "person", Subject: person, Purpose: code, Detail: map[string]any{"consent": ref, "version": version}})
	}
	return "", fault.Hidden()
}

// Withdraw takes a consent back. It holds from the moment that the transaction
// ends: every outlet asks the database when it lets something out.
func Withdraw(tx db.Tx, person db.ID, ref string) error {
	c, err := Find(tx, person, ref)
	if err != nil {
		return err
	}
	n, err := tx.Count(`update consent set withdrawn_at = $3 where person_id = $1 and ref = $2 and withdrawn_at is null`, person, c.Ref, tx.Now())
	if err != nil || n == 0 {
		return err // it was withdrawn already
	}
	return audit.Write(tx, audit.Event{Action: "consent.withdrawn", SubjectKind: "person", Subject: person, Purpose: c.Purpose, Detail: map[string]any{"consent": c.Ref}})
}

// Permits is the condition that the data of a person may leave for a purpose at an
// instant; all are SQL expressions. Every outlet has it in the statement that reads
// what leaves.
func Permits(person, purpose, at string) string {
	return `permits(` + person + `, ` + purpose + `::text, ` + at + `::timestamptz)`
}

// PermitsHousehold is the same for a household: all adults in it have to agree.
func PermitsHousehold(household, purpose, at string) string {
	return `permits_household(` + household + `, ` + purpose + `::text, ` + at + `::timestamptz)`
}
