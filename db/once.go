package db

import (
	"crypto/sha256"
	"net/netip"
	"time"
)

// Once consumes something that may be used once (a nonce, a proof's
// identifier): true for exactly one caller. It may be forgotten after expires.
func (t Tx) Once(kind, what string, expires time.Time) (bool, error) {
	sum := sha256.Sum256([]byte(what))
	n, err := t.Count(`insert into used_once (kind, hash, expires_at) values ($1, $2, $3) on conflict do nothing`, kind, sum[:], expires)
	return n == 1, err
}

// Attempt counts a try at something that could be guessed and returns how many
// there were in this window. The transaction must be committed whatever comes
// of the try.
func (t Tx) Attempt(kind, what string, window time.Duration) (int, error) {
	sum := sha256.Sum256([]byte(what))
	var n int
	err := t.Get(&n, `
		insert into attempt (kind, hash, window_start, tries) values ($1, $2, $3, 1)
		on conflict (kind, hash, window_start) do update set tries = attempt.tries + 1
		returning tries`, kind, sum[:], t.now.Truncate(window))
	return n, err
}

// Origin is where tries are counted for: an address, or the network of one of those
// of which everybody has as many as they like (RFC 4291 section 2.5.4).
func Origin(from string) string {
	a, err := netip.ParseAddr(from)
	if err != nil {
		return ""
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// Spare takes a try back that turned out to be right: only wrong ones count.
func (t Tx) Spare(kind, what string, window time.Duration) error {
	sum := sha256.Sum256([]byte(what))
	return t.Exec(`update attempt set tries = tries - 1 where kind = $1 and hash = $2 and window_start = $3 and tries > 0`,
		kind, sum[:], t.now.Truncate(window))
}

// Forget deletes what is over: used-up markers, counters, sign-ins that never
// came back, and wallet tokens. It returns how many rows.
func (t Tx) Forget() (int64, error) {
	var total int64
	for _, statement := range []string{
		`delete from used_once where expires_at < $1`,
		`delete from attempt where window_start < $1::timestamptz - interval '2 days'`,
		`delete from sign_in_attempt where expires_at < $1`,
		`delete from account_code where expires_at < $1`,
		`delete from passkey_challenge where expires_at < $1`,
		`delete from held_form where held_at < $1::timestamptz - interval '1 hour'`,
		`delete from refused_attempt where last_at < $1::timestamptz - interval '90 days'`,
		`delete from wallet_token where expires_at < $1`,
		`update data_copy set content = null where content is not null and expires_at < $1`,
	} {
		n, err := t.Count(statement, t.now)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}
