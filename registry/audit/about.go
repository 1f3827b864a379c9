package audit

import (
	"time"

	"daftar/db"
)

// WriteAbout adds an event that is about many: a list, a search, an export.
// Each of them can find it among what was done with their record.
func WriteAbout(tx db.Tx, e Event, kind string, subjects []db.ID) error {
	id, err := write(tx, e)
	if err != nil || len(subjects) == 0 {
		return err
	}
	ids := make([]string, len(subjects))
	for i, s := range subjects {
		ids[i] = s.String()
	}
	return tx.Exec(`insert into audit_subject (event_id, subject_kind, subject) select $1, $2, s from unnest($3::uuid[]) s`, id, kind, ids)
}

// Look is one time that staff saw somebody's record.
type Look struct {
	At      time.Time `db:"at"`
	Action  string    `db:"action"` // "person.read", "person.searched", "person.listed", "person.exported"
	Purpose string    `db:"purpose"`
	Role    string    `db:"role"` // that whoever looked had then
}

// Looks lists who looked at a person's record, the latest first. The database
// answers the person alone.
func Looks(tx db.Tx, person db.ID, limit int) ([]Look, error) {
	var list []Look
	err := tx.Select(&list, `select at, action, purpose, role from record_looks($1, $2)`, person, limit)
	return list, err
}
