// Package history reads what the records were: any record as it was known at
// any moment and as it was on any day, value by value, and who changed what and
// why. Two times are kept apart: when the registry learned something, and since
// when it is so in the world.
package history

import (
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/registry"
)

// Version is one state that a record has had.
type Version struct {
	Number     int
	Change     db.ID
	RecordedAt time.Time
	Nature     registry.Nature
	Reason     string
	Effective  string // since when it is so, "2006-01-02": as said, or the day it was recorded
	Said       bool   // the day was said
	Data       State
}

// State is a version's data by its keys. The keys are those of PersonData,
// HouseholdData and GroupData in JSON.
type State map[string]json.RawMessage

// Into decodes the state.
func (s State) Into(data any) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, data)
}

// Versions reads every state of a record that the registry knew at a moment,
// the first first; none is fault.NotFound's business, not an error here.
func Versions(tx db.Tx, subject db.ID, known time.Time) ([]Version, error) {
	settings, err := registry.LoadSettings(tx)
	if err != nil {
		return nil, err
	}
	calendar, err := settings.Calendar()
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Number     int             `db:"version"`
		Change     db.ID           `db:"change_id"`
		RecordedAt time.Time       `db:"recorded_at"`
		Nature     registry.Nature `db:"nature"`
		Reason     string          `db:"reason"`
		Effective  string          `db:"effective"`
		Data       []byte          `db:"data"`
	}
	err = tx.Select(&rows, `
		select version, change_id, recorded_at, nature, reason, coalesce(to_char(effective_on, 'YYYY-MM-DD'), '') as effective, data
		from record_state where subject_id = $1 and recorded_at <= $2 order by version`, subject, known)
	if err != nil {
		return nil, err
	}
	list := make([]Version, len(rows))
	for i, r := range rows {
		v := Version{Number: r.Number, Change: r.Change, RecordedAt: r.RecordedAt, Nature: r.Nature, Reason: r.Reason,
			Effective: r.Effective, Said: r.Effective != ""}
		if !v.Said {
			v.Effective = calendar.Today(r.RecordedAt).Format(time.DateOnly)
		}
		if err := json.Unmarshal(r.Data, &v.Data); err != nil {
			return nil, err
		}
		list[i] = v
	}
	return list, nil
}
