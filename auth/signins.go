package auth

import (
	"database/sql"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
)

// SignIn is one sign-in of an account or a member of staff.
type SignIn struct {
	ID      db.ID        `db:"id"`
	Client  string       `db:"client"` // db.Client…; "" when it did not say
	Started time.Time    `db:"created_at"`
	Seen    time.Time    `db:"seen_at"` // last used, to the minute
	Ended   sql.NullTime `db:"ended_at"`
	Open    bool         `db:"open"`
}

// SignInsKept is for how long sign-ins are listed.
const SignInsKept = 30 * 24 * time.Hour

// owner is the column that says whose a session is.
func (p Principal) owner() string {
	if p.Audience == Admin {
		return "staff_id"
	}
	return "account_id"
}

// SignIns lists somebody's own sign-ins, the latest first.
func SignIns(tx db.Tx, p Principal) ([]SignIn, error) {
	var list []SignIn
	err := tx.Select(&list, `
		select id, client, created_at, seen_at, open, case when open then null else coalesce(revoked_at, least(expires_at, seen_at + $4)) end as ended_at
		from (select id, client, created_at, seen_at, revoked_at, expires_at, revoked_at is null and expires_at > $2 and seen_at > $2::timestamptz - $4::interval as open from session where `+p.owner()+` = $1 and created_at > $3) s
		order by created_at desc, id limit 100`, p.ID, tx.Now(), tx.Now().Add(-SignInsKept), p.Audience.Limits().Idle)
	return list, err
}

// EndSignIn ends one of somebody's own sessions; fault.NotFound when it is not
// theirs or over.
func EndSignIn(tx db.Tx, p Principal, id db.ID) error {
	var mine bool
	if err := tx.Get(&mine, `select exists (select from session where id = $1 and `+p.owner()+` = $2 and revoked_at is null)`, id, p.ID); err != nil {
		return err
	}
	if !mine {
		return fault.Hidden()
	}
	return EndSession(tx, id)
}

// EndOthers ends all of somebody's sessions but the one that they are using.
func EndOthers(tx db.Tx, p Principal) error {
	var others []db.ID
	if err := tx.Select(&others, `select id from session where `+p.owner()+` = $1 and id <> $2 and revoked_at is null`, p.ID, p.Session); err != nil {
		return err
	}
	for _, id := range others {
		if err := EndSession(tx, id); err != nil {
			return err
		}
	}
	return nil
}

// Dispute notes that a sign-in was not of whoever says so, ends every session but
// theirs, and tells the data protection officer.
func Dispute(tx db.Tx, p Principal, id db.ID) error {
	var theirs struct {
		Started time.Time `db:"created_at"`
		Seen    time.Time `db:"seen_at"`
	}
	if err := tx.Get(&theirs, `select created_at, seen_at from session where id = $1 and `+p.owner()+` = $2 and id <> $3`, id, p.ID, p.Session); err != nil {
		return err
	}
	if err := EndOthers(tx, p); err != nil {
		return err
	}
	if err := alarm(tx, "not_me", theirs.Started, theirs.Seen); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "session.disputed", SubjectKind: "session", Subject: id})
}
