// Package looks is what people know of those who looked at their records: who it
// was, what for and what they saw; questions about it; and what is held back for
// a while, by whom and until when.
package looks

import (
	"encoding/json"
	"fmt"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
)

// Look is one time that staff saw somebody's record.
type Look struct {
	Event      db.ID     `db:"event_id"`
	At         time.Time `db:"at"`
	Action     string    `db:"action"`  // of Kinds
	Purpose    string    `db:"purpose"` // of auth.Purposes; "" for not said
	Basis      string    `db:"basis"`   // of audit.Bases
	Role       string    `db:"role"`    // that whoever looked had then
	Office     string    `db:"office"`  // P-code of the area they work for
	OfficeName i18n.Text `db:"office_name"`
	Columns    Columns   `db:"columns"` // of an export: the fields in it
	Delayed    bool      `db:"delayed"` // it was held back for an investigation
}

// Columns are codes of fields.
type Columns []string

// Scan reads a jsonb column.
func (c *Columns) Scan(src any) error {
	raw, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("columns from %T", src)
	}
	return json.Unmarshal(raw, c)
}

// Ref stands for the look to the person whose record it was, and to nobody else.
func (l Look) Ref(person db.ID) string {
	return registry.DerivedRef(registry.RefEntry, l.Event, person)
}

// Kinds says what kinds of data a look of an action shows: codes with the message
// "looks.kind.<code>". An action that is not here shows them all.
func Kinds(action string) []string {
	kinds, ok := map[string][]string{
		"person.searched": {"identity", "place"},
		"person.listed":   {"identity", "place", "answers"},
		"person.exported": {"identity", "place", "answers"},
		"identifier.read": {"identity"},
		"credential.read": {"identity", "credentials"},
		"letter.listed":   {"identity", "place"},
		"letter.read":     {"identity", "place", "case"},
		"decision.listed": {"place", "case"},
		"decision.read":   {"place", "answers", "case"},
		"case.listed":     {"identity", "case"},
		"change.listed":   {"identity", "case"},
		"case.read":       {"identity", "place", "answers", "case"},
	}[action]
	if !ok {
		return []string{"identity", "place", "answers", "contact", "household"}
	}
	return kinds
}

// KindNames are kinds of data in words.
func KindNames(p *i18n.Printer, codes []string) (names []string) {
	for _, code := range codes {
		names = append(names, p.T("looks.kind."+code))
	}
	return names
}

// Period is how far back looks are listed.
const Period = 3 * 365 * 24 * time.Hour

// Limit is how many are.
const Limit = 500

// Of lists who looked at a person's record, the latest first. The database
// answers the person alone.
func Of(tx db.Tx, person db.ID) ([]Look, error) {
	var list []Look
	err := tx.Select(&list, `
		select event_id, at, action, purpose, basis, role, office, office_name, columns, delayed from person_looks($1, $2, $3, $4)`,
		person, tx.Now(), tx.Now().Add(-Period), Limit)
	return list, err
}

// Find is one of them, by its reference; fault.NotFound for any other.
func Find(tx db.Tx, person db.ID, ref string) (Look, error) {
	list, err := Of(tx, person)
	if err != nil {
		return Look{}, err
	}
	canonical, _ := registry.ParseRef(registry.RefEntry, ref)
	for _, l := range list {
		if l.Ref(person) == canonical {
			return l, nil
		}
	}
	return Look{}, fault.Hidden()
}
