package auth

import (
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"io"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
)

// Limits of a session: how long it lasts without use, and at all.
type Limits struct{ Idle, Absolute time.Duration }

// Limits of the audience's sessions.
func (a Audience) Limits() Limits {
	if a == Admin {
		return Limits{Idle: 15 * time.Minute, Absolute: 8 * time.Hour}
	}
	return Limits{Idle: 20 * time.Minute, Absolute: 8 * time.Hour}
}

// newSecret makes a 256-bit secret for a cookie or a URL.
func newSecret(tx db.Tx) string {
	b := make([]byte, 32)
	if _, err := io.ReadFull(tx.Rand(), b); err != nil {
		panic("no random bytes: " + err.Error()) // the operating system's source does not fail
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// digest is what the database keeps of a secret.
func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// StartSession makes a session for an account (portal) or a member of staff
// (admin) and returns the secret for the cookie. The old session, if any, ends:
// the secret changes at every sign-in.
func StartSession(tx db.Tx, a Audience, subject db.ID, id Identity, old db.ID) (string, error) {
	if old != (db.ID{}) {
		if err := EndSession(tx, old); err != nil {
			return "", err
		}
	}
	secret := newSecret(tx)
	var account, staff *db.ID
	if a == Admin {
		staff = &subject
	} else {
		account = &subject
	}
	var strong *time.Time
	var by *string
	if id.Strong {
		way := BySignIn
		strong, by = &id.AuthTime, &way
	}
	session := tx.NewID()
	err := tx.Exec(`
		insert into session (id, token_hash, audience, account_id, staff_id, acr, auth_time, id_token, created_at, seen_at, expires_at, client, strong_at, strong_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13)`,
		session, digest(secret), a, account, staff, id.ACR, id.AuthTime, id.IDToken, tx.Now(), tx.Now().Add(a.Limits().Absolute), tx.Who().Client, strong, by)
	if err != nil || staff == nil || old == (db.ID{}) {
		return secret, err
	}
	// Whoever proves again to be themselves goes on with what they were at.
	return secret, tx.Exec(`
		update staff_work set session_id = $2
		where session_id = $1 and exists (select from session s where s.id = $1 and s.staff_id = $3)`, old, session, subject)
}

// EndSession revokes a session. The next request with its cookie is anonymous.
func EndSession(tx db.Tx, id db.ID) error {
	n, err := tx.Count(`update session set revoked_at = $2, id_token = '' where id = $1 and revoked_at is null`, id, tx.Now())
	if err != nil || n == 0 {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "session.ended", SubjectKind: "session", Subject: id})
}

// seenEvery is how often a session's last use is written down.
const seenEvery = time.Minute

// Resolve finds the principal of a cookie; anonymous when the secret is
// unknown, revoked, of the other audience, too old or idle too long. stale
// says that the last use should be noted with Touch.
func Resolve(tx db.Tx, a Audience, secret string) (p Principal, stale bool, err error) {
	if secret == "" {
		return Principal{}, false, nil
	}
	var row struct {
		ID       db.ID          `db:"id"`
		Account  *db.ID         `db:"account_id"`
		Staff    *db.ID         `db:"staff_id"`
		Person   *db.ID         `db:"person_id"`
		Name     sql.NullString `db:"name"`
		ACR      string         `db:"acr"`
		Strong   sql.NullTime   `db:"strong_at"`
		StrongBy string         `db:"strong_by"`
		Keys     bool           `db:"keys"`
		Urgent   bool           `db:"urgent"`
		AuthTime time.Time      `db:"auth_time"`
		IDToken  string         `db:"id_token"`
		Seen     time.Time      `db:"seen_at"`
	}
	query := `
		select s.id, s.account_id, s.staff_id, a.person_id, a.name, s.acr, s.strong_at, coalesce(s.strong_by, '') as strong_by, false as keys, false as urgent, s.auth_time, s.id_token, s.seen_at
		from session s join account a on a.id = s.account_id
		where s.token_hash = $1 and s.audience = 'portal' and s.revoked_at is null and s.expires_at > $2 and s.seen_at > $3`
	if a == Admin {
		query = `
		select s.id, s.account_id, s.staff_id, null::uuid as person_id, f.name, s.acr, s.strong_at, coalesce(s.strong_by, '') as strong_by,
		       exists (select from passkey k where k.staff_id = s.staff_id and k.removed_at is null) as keys,
		       has_emergency(s.staff_id, $2) as urgent, s.auth_time, s.id_token, s.seen_at
		from session s join staff f on f.id = s.staff_id and f.active
		where s.token_hash = $1 and s.audience = 'admin' and s.revoked_at is null and s.expires_at > $2 and s.seen_at > $3`
	}
	err = tx.Get(&row, query, digest(secret), tx.Now(), tx.Now().Add(-a.Limits().Idle))
	if fault.Is(err, fault.NotFound) {
		return Principal{}, false, nil
	}
	if err != nil {
		return Principal{}, false, err
	}
	p = Principal{Audience: a, Session: row.ID, Person: row.Person, Name: row.Name.String,
		ACR: row.ACR, AuthTime: row.AuthTime, StrongAt: row.Strong.Time.UTC(), StrongBy: row.StrongBy, Keys: row.Keys, Urgent: row.Urgent, IDToken: row.IDToken}
	if a == Admin {
		p.ID = *row.Staff
		err = tx.Select(&p.Grants, `
			select role, area_id from staff_scope
			where staff_id = $1 and valid_from <= $2 and (valid_to is null or valid_to > $2)`, p.ID, tx.Now())
		if err == nil {
			err = compose(tx, p.Grants)
		}
	} else {
		p.ID = *row.Account
	}
	return p, tx.Now().Sub(row.Seen) >= seenEvery, err
}

// Touch notes that a session is in use.
func Touch(tx db.Tx, id db.ID) error {
	return tx.Exec(`update session set seen_at = $2 where id = $1`, id, tx.Now())
}
