package search

import (
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/fault"
)

// keep is how long a search can be gone back to.
const keep = 15 * time.Minute

// Remember keeps a session's last search. A name does not belong into an
// address, which ends up in logs and in the history of a shared computer.
func Remember(tx db.Tx, session db.ID, q Query) error {
	raw, err := json.Marshal(q)
	if err != nil {
		return err
	}
	return tx.Exec(`update staff_work set search = $2, searched_at = $3 where session_id = $1`, session, string(raw), tx.Now())
}

// Last is the session's last search; false when there is none, or it is old.
func Last(tx db.Tx, session db.ID) (Query, bool, error) {
	var raw []byte
	err := tx.Get(&raw, `select search from staff_work where session_id = $1 and searched_at > $2`, session, tx.Now().Add(-keep))
	if fault.Is(err, fault.NotFound) {
		return Query{}, false, nil
	}
	if err != nil {
		return Query{}, false, err
	}
	var q Query
	return q, true, json.Unmarshal(raw, &q)
}
