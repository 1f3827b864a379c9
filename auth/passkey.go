package auth

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Passkeys are the keys of staff (WebAuthn level 3): what shows, without the staff
// directory, that it is still they. The nil value has none.
type Passkeys struct {
	party *webauthn.WebAuthn
}

// challengeTTL is how long an authenticator has to answer.
const challengeTTL = 5 * time.Minute

// NewPasskeys takes the site's public origin. An address without a name has no
// passkeys (a relying party's id is a domain): nil.
func NewPasskeys(origin, service string) (*Passkeys, error) {
	u, err := url.Parse(origin)
	if err != nil {
		return nil, err
	}
	if net.ParseIP(u.Hostname()) != nil {
		return nil, nil
	}
	verified := protocol.AuthenticatorSelection{UserVerification: protocol.VerificationRequired, ResidentKey: protocol.ResidentKeyRequirementPreferred}
	party, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: service, RPOrigins: []string{u.Scheme + "://" + u.Host},
		AuthenticatorSelection: verified, AttestationPreference: protocol.PreferNoAttestation,
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys at %s: %w", origin, err)
	}
	return &Passkeys{party}, nil
}

// Passkey is a key as its owner knows it.
type Passkey struct {
	ID      db.ID        `db:"id"`
	Ref     string       `db:"ref"`
	Name    string       `db:"name"`
	Added   time.Time    `db:"added_at"`
	Used    sql.NullTime `db:"used_at"`
	Removed bool         `db:"removed"` // because its counter went back: its owner should know
}

// PasskeyName is how long the name of a key may be.
const PasskeyName = 60

// PasskeysOf lists the keys of a member of staff, the oldest first.
func PasskeysOf(tx db.Tx, staff db.ID) ([]Passkey, error) {
	var list []Passkey
	err := tx.Select(&list, `
		select id, ref, name, added_at, used_at, removed_at is not null as removed from passkey
		where staff_id = $1 and (removed_at is null or removed_why = 'counter') order by added_at, id`, staff)
	return list, err
}

// RemovePasskey ends a key of one's own; fault.NotFound for any other.
func RemovePasskey(tx db.Tx, ref string) error {
	canonical, _ := registry.ParseRef(registry.RefPasskey, ref)
	var id db.ID
	if err := tx.Get(&id, `select id from passkey where ref = $1 and staff_id = $2`, canonical, tx.Who().Actor); err != nil {
		return err
	}
	var done bool
	if err := tx.Get(&done, `select remove_passkey($1, $2)`, id, tx.Now()); err != nil {
		return err
	}
	if !done {
		return fault.Hidden()
	}
	return audit.Write(tx, audit.Event{Action: "passkey.removed", SubjectKind: "passkey", Subject: id})
}

// owner is a member of staff as WebAuthn sees them.
type owner struct {
	id   db.ID
	name string
	keys []webauthn.Credential
	ids  []db.ID // of keys, in their order
}

// WebAuthnID is the user handle: it says nothing about anybody.
func (o owner) WebAuthnID() []byte { return o.id[:] }

// WebAuthnName is what an authenticator lists the key under.
func (o owner) WebAuthnName() string { return o.name }

// WebAuthnDisplayName is the same.
func (o owner) WebAuthnDisplayName() string { return o.name }

// WebAuthnCredentials are the keys that count.
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.keys }

func (p Principal) keys(tx db.Tx) (owner, error) {
	o := owner{id: p.ID, name: p.Name}
	var rows []struct {
		ID         db.ID  `db:"id"`
		Credential []byte `db:"credential_id"`
		Key        []byte `db:"public_key"`
		Backup     bool   `db:"backup_able"`
		Count      uint32 `db:"sign_count"`
	}
	err := tx.Select(&rows, `
		select id, credential_id, public_key, backup_able, sign_count from passkey where staff_id = $1 and removed_at is null order by added_at, id`, p.ID)
	for _, r := range rows {
		o.ids = append(o.ids, r.ID)
		o.keys = append(o.keys, webauthn.Credential{ID: r.Credential, PublicKey: r.Key, AttestationFormat: "none",
			Flags: webauthn.CredentialFlags{BackupEligible: r.Backup}, Authenticator: webauthn.Authenticator{SignCount: r.Count}})
	}
	return o, err
}

// Offer begins to add a key under a name. It returns what the browser passes to
// navigator.credentials.create.
func (k *Passkeys) Offer(tx db.Tx, p Principal, name string) (string, error) {
	o, err := p.keys(tx)
	if err != nil {
		return "", err
	}
	var others []protocol.CredentialDescriptor
	for _, c := range o.keys {
		others = append(others, c.Descriptor())
	}
	challenge, err := newChallenge(tx)
	if err != nil {
		return "", err
	}
	options, ceremony, err := k.party.BeginRegistration(o, webauthn.WithExclusions(others), func(c *protocol.PublicKeyCredentialCreationOptions) error {
		c.Challenge = challenge
		return nil
	})
	if err != nil {
		return "", err
	}
	return ask(tx, p, "add", name, ceremony, options.Response)
}

// Ask begins to prove by a key that it is still they. It returns what the browser
// passes to navigator.credentials.get; "" for whoever has no key.
func (k *Passkeys) Ask(tx db.Tx, p Principal) (string, error) {
	o, err := p.keys(tx)
	if err != nil || len(o.keys) == 0 {
		return "", err
	}
	challenge, err := newChallenge(tx)
	if err != nil {
		return "", err
	}
	options, ceremony, err := k.party.BeginLogin(o, webauthn.WithUserVerification(protocol.VerificationRequired), webauthn.WithChallenge(challenge))
	if err != nil {
		return "", err
	}
	return ask(tx, p, "prove", "", ceremony, options.Response)
}

func newChallenge(tx db.Tx) ([]byte, error) {
	b := make([]byte, 32)
	_, err := io.ReadFull(tx.Rand(), b)
	return b, err
}

// ask keeps a challenge until its answer comes.
func ask(tx db.Tx, p Principal, purpose, name string, ceremony *webauthn.SessionData, options any) (string, error) {
	kept, err := json.Marshal(ceremony)
	if err != nil {
		return "", err
	}
	if err := tx.Exec(`
		insert into passkey_challenge (hash, session_id, purpose, name, ceremony, expires_at) values ($1, $2, $3, $4, $5, $6)`,
		digest(ceremony.Challenge), p.Session, purpose, name, string(kept), tx.Now().Add(challengeTTL)); err != nil {
		return "", err
	}
	raw, err := json.Marshal(options)
	return string(raw), err
}

// asked takes the challenge that an answer names: once, and by the session that it
// was made for.
func asked(tx db.Tx, p Principal, purpose, challenge string) (ceremony webauthn.SessionData, name string, err error) {
	var row struct {
		Name     string `db:"name"`
		Ceremony []byte `db:"ceremony"`
	}
	if err := tx.Get(&row, `
		delete from passkey_challenge where hash = $1 and session_id = $2 and purpose = $3 and expires_at > $4 returning name, ceremony`,
		digest(challenge), p.Session, purpose, tx.Now()); err != nil {
		return ceremony, "", err
	}
	return ceremony, row.Name, json.Unmarshal(row.Ceremony, &ceremony)
}

// Why a passkey was refused. Each has the message "passkey.refused.<why>".
const (
	KeyRefused = "answer"  // the answer is not the right one, or comes too late
	KeyCopied  = "counter" // its counter went back: there may be a copy of it
)

// Add keeps the key that the browser made. refused says why it did not; the
// transaction is to be committed all the same.
func (k *Passkeys) Add(tx db.Tx, p Principal, answer string) (refused string, err error) {
	made, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return refuseKey(tx, p)
	}
	ceremony, name, err := asked(tx, p, "add", made.Response.CollectedClientData.Challenge)
	if fault.Is(err, fault.NotFound) {
		return refuseKey(tx, p)
	}
	if err != nil {
		return "", err
	}
	key, err := k.party.CreateCredential(owner{id: p.ID, name: p.Name}, ceremony, made)
	if err != nil {
		return refuseKey(tx, p)
	}
	id := tx.NewID()
	n, err := tx.Count(`
		insert into passkey (id, ref, name, credential_id, public_key, backup_able, sign_count, added_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (credential_id) do nothing`,
		id, registry.NewRef(registry.RefPasskey, tx.Rand()), name, key.ID, key.PublicKey, key.Flags.BackupEligible, int64(key.Authenticator.SignCount), tx.Now())
	if err != nil {
		return "", err
	}
	if n == 0 {
		return refuseKey(tx, p)
	}
	return "", audit.Write(tx, audit.Event{Action: "passkey.added", SubjectKind: "passkey", Subject: id})
}

// Prove takes an authenticator's answer for a strong proof. It returns the secret
// of the session that goes on; or why it was refused: the transaction is to be
// committed all the same.
func (k *Passkeys) Prove(tx db.Tx, p Principal, answer string) (secret, refused string, err error) {
	given, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		refused, err = refuseKey(tx, p)
		return "", refused, err
	}
	ceremony, _, err := asked(tx, p, "prove", given.Response.CollectedClientData.Challenge)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", "", err
	}
	o, lost := p.keys(tx)
	if lost != nil {
		return "", "", lost
	}
	if err == nil {
		_, err = k.party.ValidateLogin(o, ceremony, given)
	}
	if err != nil {
		refused, err = refuseKey(tx, p)
		return "", refused, err
	}
	id, err := o.find(given.RawID)
	if err != nil {
		return "", "", err
	}
	var goesOn bool
	if err := tx.Get(&goesOn, `select use_passkey($1, $2, $3)`, id, int64(given.Response.AuthenticatorData.Counter), tx.Now()); err != nil {
		return "", "", err
	}
	if !goesOn {
		if err := audit.Write(tx, audit.Event{Action: "passkey.copied", SubjectKind: "passkey", Subject: id}); err != nil {
			return "", "", err
		}
		return "", KeyCopied, alarm(tx, "passkey", tx.Now(), tx.Now())
	}
	if err := audit.Write(tx, audit.Event{Action: "passkey.proved", SubjectKind: "passkey", Subject: id}); err != nil {
		return "", "", err
	}
	secret, err = renewSession(tx, p)
	return secret, "", err
}

func (o owner) find(credential []byte) (db.ID, error) {
	for i, c := range o.keys {
		if string(c.ID) == string(credential) {
			return o.ids[i], nil
		}
	}
	return db.ID{}, errors.New("the key that signed is nobody's") // ValidateLogin found it
}

func refuseKey(tx db.Tx, p Principal) (string, error) {
	return KeyRefused, audit.Write(tx, audit.Event{Action: "passkey.refused", SubjectKind: "staff", Subject: p.ID})
}

// renewSession gives a session that was proved by a passkey a new secret. It lasts
// no longer than before: only the directory says who still works here.
func renewSession(tx db.Tx, p Principal) (string, error) {
	secret, id := newSecret(tx), tx.NewID()
	n, err := tx.Count(`
		insert into session (id, token_hash, audience, staff_id, acr, auth_time, id_token, created_at, seen_at, expires_at, client, strong_at, strong_by)
		select $2, $3, audience, staff_id, acr, auth_time, id_token, created_at, $4, expires_at, client, $4, 'passkey'
		from session where id = $1 and staff_id = $5 and revoked_at is null`, p.Session, id, digest(secret), tx.Now(), p.ID)
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "", fault.Hidden()
	}
	if err := tx.Exec(`update staff_work set session_id = $2 where session_id = $1`, p.Session, id); err != nil {
		return "", err
	}
	return secret, EndSession(tx, p.Session)
}

// alarm tells the data protection officer that something about the principal
// stands out; first and last say when it was.
func alarm(tx db.Tx, kind string, first, last time.Time) error {
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return err
	}
	id := tx.NewID()
	var raised bool
	if err := tx.Get(&raised, `select raise_alert($1, $2, $3, $4, $5, $6, $7)`,
		id, registry.NewRef(registry.RefAlert, tx.Rand()), kind, today, first, last, tx.Now()); err != nil || !raised {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "alert.raised", SubjectKind: "alert", Subject: id, Purpose: "check", Detail: map[string]any{"kind": kind}})
}
