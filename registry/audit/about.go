package audit

import "daftar/db"

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
