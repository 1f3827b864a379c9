package auth

import (
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
)

// PurposeTTL is how long a purpose is kept before it is asked again.
const PurposeTTL = 15 * time.Minute

// Purposes lists what staff may look people up for outside a case. Each has
// the message "purpose.<code>"; the person concerned can read it.
func Purposes() []string {
	return []string{"casework", "correction", "programme", "request", "complaint", "check"}
}

// Purpose is what the session's officer said last, while it holds; "" when it
// has to be asked.
func Purpose(tx db.Tx, session db.ID) (string, error) {
	var code string
	err := tx.Get(&code, `select purpose from staff_work where session_id = $1 and purpose_until > $2`, session, tx.Now())
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return code, err
}

// SetPurpose notes a purpose of Purposes for the next quarter of an hour.
func SetPurpose(tx db.Tx, session db.ID, code string) error {
	if !slices.Contains(Purposes(), code) {
		var check fault.Check
		check.Fail("purpose", "purpose.error")
		return check.Err()
	}
	return tx.Exec(`
		insert into staff_work (session_id, purpose, purpose_until) values ($1, $2, $3)
		on conflict (session_id) do update set purpose = excluded.purpose, purpose_until = excluded.purpose_until`,
		session, code, tx.Now().Add(PurposeTTL))
}
