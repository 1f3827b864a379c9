package audit

import (
	"encoding/hex"
	"time"

	"daftar/db"
)

// Receipt is an entry that somebody was told of: its leaf hash is on their
// receipt, so that they can have it proven that the entry is in the log.
type Receipt struct {
	At     time.Time `db:"at"`
	Action string    `db:"action"`
	Hash   []byte    `db:"hash"`
}

// Leaf is the leaf hash as people copy it.
func (r Receipt) Leaf() string { return hex.EncodeToString(r.Hash) }

// WriteReceipt is Write for what a person does and gets a receipt for. The
// receipt belongs to the event's subject.
func WriteReceipt(tx db.Tx, e Event) error {
	id, err := write(tx, e, 0)
	if err != nil {
		return err
	}
	entry, err := e.entry(tx, id)
	if err != nil {
		return err
	}
	hash := entry.Hash()
	return tx.Exec(`insert into audit_receipt (hash, at, event_id, action, subject) values ($1, $2, $3, $4, $5)`,
		hash[:], tx.Now(), id, e.Action, e.Subject)
}

// entry is the row that write has just written. No web role may read it back.
func (e Event) entry(tx db.Tx, id db.ID) (Entry, error) {
	who := tx.Who()
	row := Entry{
		ID: id, At: tx.Now(), ActorKind: who.Kind, Actor: optional(who.Actor), ActingFor: optional(who.ActingFor), Session: optional(who.Session),
		Client: some(who.Client), Action: e.Action, SubjectKind: some(e.SubjectKind), Subject: optional(e.Subject), Before: positive(e.Before), After: positive(e.After),
		Case: optional(e.Case), Change: optional(e.Change), Purpose: some(e.Purpose), Basis: some(e.basis(tx)), Detail: "{}",
	}
	if row.ActorKind == "" {
		row.ActorKind = "anonymous"
	}
	if len(e.Detail) == 0 {
		return row, nil
	}
	detail, err := e.detail()
	if err == nil {
		err = tx.Get(&row.Detail, `select $1::jsonb::text`, detail) // as PostgreSQL writes it
	}
	return row, err
}

func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func positive(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// Receipts lists what somebody has receipts for about a case, the newest first.
func Receipts(tx db.Tx, subject db.ID) ([]Receipt, error) {
	var list []Receipt
	err := tx.Select(&list, `select at, action, hash from audit_receipt where subject = $1 order by at desc, hash limit 50`, subject)
	return list, err
}
