// Package audit writes the log of who did what and who looked at whom, in the
// transaction of the deed.
package audit

import (
	"encoding/json"

	"daftar/db"
)

// Event is one entry. Who acted is taken from the transaction.
type Event struct {
	Action      string // "case.submitted", "person.read", ...
	SubjectKind string // "person", "household", "case", "credential", ...; "" for none
	Subject     db.ID
	Case        db.ID // the case that gives the purpose
	Change      db.ID
	Purpose     string         // where there is no case
	Detail      map[string]any // references and codes, never a person's data
}

// Write adds the event to the log.
func Write(tx db.Tx, e Event) error {
	_, err := write(tx, e)
	return err
}

func write(tx db.Tx, e Event) (id db.ID, err error) {
	detail := []byte("{}")
	if e.Detail != nil {
		if detail, err = json.Marshal(e.Detail); err != nil {
			return id, err
		}
	}
	id = tx.NewID()
	return id, tx.Exec(`
		insert into audit_event (id, at, action, subject_kind, subject, case_id, change_id, purpose, detail)
		values ($1, $2, $3, nullif($4, ''), $5, $6, $7, nullif($8, ''), $9)`,
		id, tx.Now(), e.Action, e.SubjectKind, optional(e.Subject), optional(e.Case), optional(e.Change), e.Purpose, string(detail))
}

func optional(id db.ID) *db.ID {
	if id == (db.ID{}) {
		return nil
	}
	return &id
}
