// Package audit writes the log of who did what and who looked at whom, in the
// transaction of the deed, and reads it for those who may know. Package seal,
// below it, makes the log tamper-evident.
package audit

import (
	"encoding/json"
	"slices"

	"daftar/db"
)

// Event is one entry. Who acted, for whom and from where is taken from the
// transaction.
type Event struct {
	Action        string // "case.submitted", "person.read", ...
	SubjectKind   string // "person", "household", "case", "credential", ...; "" for none
	Subject       db.ID
	Before, After int   // versions of the subject's record; 0 where the change says it
	Case          db.ID // the case that gives the purpose
	Change        db.ID
	Purpose       string         // where there is no case
	Detail        map[string]any // references and codes, never a person's data
}

// Write adds the event to the log.
func Write(tx db.Tx, e Event) error {
	_, err := write(tx, e, 0)
	return err
}

// WriteAbout adds an event that is about many: a list, a search, an export.
// Each of them can find it among what was done with their record.
func WriteAbout(tx db.Tx, e Event, kind string, subjects []db.ID) error {
	ids := make([]string, len(subjects))
	for i, s := range subjects {
		ids[i] = s.String()
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	id, err := write(tx, e, len(ids))
	if err != nil || len(ids) == 0 {
		return err
	}
	return tx.Exec(`select audit_about($1, $2, $3, $4)`, id, tx.Now(), kind, ids)
}

func write(tx db.Tx, e Event, subjects int) (id db.ID, err error) {
	detail, err := e.detail()
	if err != nil {
		return id, err
	}
	id = tx.NewID()
	return id, tx.Exec(`
		insert into audit_event (id, at, action, subject_kind, subject, before_version, after_version, case_id, change_id,
		  purpose, basis, subjects, detail)
		values ($1, $2, $3, nullif($4, ''), $5, nullif($6, 0), nullif($7, 0), $8, $9, nullif($10, ''), nullif($11, ''), $12, $13)`,
		id, tx.Now(), e.Action, e.SubjectKind, optional(e.Subject), e.Before, e.After, optional(e.Case), optional(e.Change),
		e.Purpose, e.basis(tx), subjects, detail)
}

func (e Event) detail() (string, error) {
	if len(e.Detail) == 0 {
		return "{}", nil
	}
	raw, err := json.Marshal(e.Detail)
	return string(raw), err
}

func optional(id db.ID) *db.ID {
	if id == (db.ID{}) {
		return nil
	}
	return &id
}

// Legal bases, as codes: article 6(1) of the GDPR and its many likes name the
// same ones. Each has the message "basis.<code>".
const (
	OwnRequest      = "own_request"      // the person did it, or asked for it
	PublicTask      = "public_task"      // the registry's task by law
	LegalObligation = "legal_obligation" // a duty to answer, to check, to keep
	Consent         = "consent"          // the person agreed, and can take it back (RULES R18)
)

// Bases says on which basis each purpose of auth.Purposes stands. A new purpose
// without a line here stands on the registry's task.
var Bases = map[string]string{
	"request":       OwnRequest,
	"complaint":     LegalObligation,
	"check":         LegalObligation,
	"audit":         LegalObligation,
	"investigation": LegalObligation,
	"research":      Consent,
	"employment":    Consent,
}

// basis is on what the event stands, said once and kept.
func (e Event) basis(tx db.Tx) string {
	switch who := tx.Who(); {
	case who.Kind == "citizen" || who.Kind == "wallet":
		return OwnRequest
	case Bases[e.Purpose] != "":
		return Bases[e.Purpose]
	case who.Kind == "staff" || e.Purpose != "" || e.Case != (db.ID{}):
		return PublicTask
	}
	return ""
}

// Partition makes the log's partitions of this month and the next two, where they
// are missing, and returns how many it made.
func Partition(tx db.Tx) (int, error) {
	var made int
	err := tx.Get(&made, `select audit_partitions($1)`, tx.Now())
	return made, err
}
