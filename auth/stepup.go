package auth

import (
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/registry/audit"
)

// StepUpTTL is how long a strong proof of being oneself counts.
const StepUpTTL = 10 * time.Minute

// SteppedUp reports whether the principal proved lately, in a strong way, to be
// themselves.
func (p Principal) SteppedUp(now time.Time) bool {
	return p.SignedIn() && now.Sub(p.StrongAt) < StepUpTTL
}

// Ways of a strong proof.
const (
	BySignIn  = "sign-in" // a fresh sign-in, of the acr that the deployment takes as strong
	ByPasskey = "passkey"
)

// StepUp is what a deployment asks for before what is strong; the zero value asks
// for nothing.
type StepUp string

// What it may ask for.
const (
	StepUpOff     StepUp = "off"
	StepUpSignIn  StepUp = BySignIn
	StepUpPasskey StepUp = ByPasskey
	StepUpEither  StepUp = "either"
)

// Met reports whether somebody gave the proof. Who has no passkey proves by a
// sign-in, in any case, to add the first one.
func (s StepUp) Met(p Principal, now time.Time, addsKey bool) bool {
	switch s {
	case "", StepUpOff:
		return true
	case StepUpEither:
		return p.SteppedUp(now)
	}
	return p.SteppedUp(now) && (p.StrongBy == string(s) || addsKey && !p.Keys)
}

// HeldForm is a form that was sent before a step-up, to be sent after it.
type HeldForm struct {
	Path   string              // after the language
	Fields map[string][]string // what was typed
}

// heldFor is how long a form is kept for the one who sent it.
const heldFor = 30 * time.Minute

// Hold keeps a form of the transaction's principal.
func Hold(tx db.Tx, f HeldForm) (db.ID, error) {
	id := tx.NewID()
	fields, err := json.Marshal(f.Fields)
	if err != nil {
		return id, err
	}
	if err := tx.Exec(`insert into held_form (id, path, fields, held_at) values ($1, $2, $3, $4)`, id, f.Path, string(fields), tx.Now()); err != nil {
		return id, err
	}
	return id, audit.Write(tx, audit.Event{Action: "session.step_up", SubjectKind: "staff", Subject: tx.Who().Actor})
}

// Held is a form that the transaction's principal sent; fault.NotFound when there
// is none.
func Held(tx db.Tx, id db.ID) (f HeldForm, err error) {
	var row struct {
		Path   string `db:"path"`
		Fields []byte `db:"fields"`
	}
	if err := tx.Get(&row, `select path, fields from held_form where id = $1 and held_at > $2`, id, tx.Now().Add(-heldFor)); err != nil {
		return f, err
	}
	f.Path = row.Path
	return f, json.Unmarshal(row.Fields, &f.Fields)
}
