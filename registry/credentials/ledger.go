package credentials

import (
	"database/sql"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Credential is one issuance to one wallet, as the ledger has it: what type,
// when, and whether it still stands. The signed credential itself is not kept, and
// of the wallet's keys the thumbprint.
type Credential struct {
	ID          db.ID          `db:"id"`
	Ref         string         `db:"ref"`
	Person      db.ID          `db:"person_id"`
	PersonRef   string         `db:"person_ref"`
	Holder      string         `db:"holder"`
	Type        string         `db:"type"`
	Format      string         `db:"format"`
	IssuedAt    time.Time      `db:"issued_at"`
	ExpiresAt   time.Time      `db:"expires_at"`
	State       string         `db:"state"` // "valid" or "revoked"
	RevokedAt   sql.NullTime   `db:"revoked_at"`
	Reason      sql.NullString `db:"reason"`
	WalletEvent sql.NullString `db:"wallet_event"`
	Copies      int            `db:"copies"`
}

// Status is the state that a verifier would find, on a day.
func (c Credential) Status(now time.Time) string {
	if c.State == "valid" && now.After(c.ExpiresAt) {
		return "expired"
	}
	return c.State
}

const credentialColumns = `c.id, c.ref, c.person_id, p.ref as person_ref, coalesce(p.full_name, '') as holder, c.type, c.format, c.issued_at,
	c.expires_at, c.state, c.revoked_at, c.reason, c.wallet_event,
	(select count(*) from credential_copy k where k.credential_id = c.id) as copies`

const credentialTables = `credential c join person p on p.id = c.person_id`

// Slot is the place of one copy in a status list.
type Slot struct {
	List  int `db:"list_id"`
	Index int `db:"idx"`
}

// Issuance is what the ledger notes of a credential that is about to be
// signed.
type Issuance struct {
	Credential   db.ID
	Notification string // notification_id (OpenID4VCI 1.0 section 8.3)
	Slots        []Slot // one per copy, random and never used before
	Expires      time.Time
}

// maxCopiesPerOffer bounds what one offer can be made to yield.
const maxCopiesPerOffer = 50

// Note writes an issuance to the ledger, a copy for each of the wallet's keys, before
// anything is signed: no credential exists that the registry could not revoke. A
// wallet that lost the answer and asks again with keys that it proved before is
// given the issuance that there is.
func Note(tx db.Tx, o Offer, t Type, data Dataset, keys []string) (Issuance, error) {
	copies := len(keys)
	if err := tx.Exec(`select from credential_offer where id = $1 for update`, o.ID); err != nil { // one at a time
		return Issuance{}, err
	}
	var earlier int
	if err := tx.Get(&earlier, `
		select count(*) from credential_copy k join credential c on c.id = k.credential_id where c.offer_id = $1`, o.ID); err != nil {
		return Issuance{}, err
	}
	var ended bool // whoever still holds the token of a lost phone gets no new one
	if err := tx.Get(&ended, `select exists (select from credential where offer_id = $1 and state = 'revoked')`, o.ID); err != nil {
		return Issuance{}, err
	}
	if ended {
		return Issuance{}, notEntitled()
	}
	if is, err := noted(tx, o, t, data, keys); err != nil || is.Notification != "" {
		return is, err
	}
	if earlier+copies > maxCopiesPerOffer {
		return Issuance{}, fault.New(fault.TooMany, "offer.error.too_many", "Max", maxCopiesPerOffer)
	}
	issued := tx.Now().Truncate(day)
	is := Issuance{
		Credential: tx.NewID(), Notification: registry.RandomCode(26, tx.Rand()), Expires: issued.Add(t.Valid),
	}
	err := tx.Exec(`
		insert into credential (id, ref, offer_id, person_id, household_id, decision_id, type, format, dataset_hash, issued_at, expires_at, notification)
		values ($1, $2, $3, $4, $5, $6, $7, 'dc+sd-jwt', $8, $9, $10, $11)`,
		is.Credential, registry.NewRef(registry.RefCredential, tx.Rand()), o.ID, o.Person, data.Household, data.Decision, t.ID,
		data.Hash(), tx.Now(), is.Expires, is.Notification)
	if err != nil {
		return is, err
	}
	if is.Slots, err = takeSlots(tx, is.Credential, keys); err != nil {
		return is, err
	}
	if err := tx.Exec(`update credential_offer set state = 'issued' where id = $1 and state in ('redeemed', 'failed')`, o.ID); err != nil {
		return is, err
	}
	return is, audit.Write(tx, audit.Event{Action: "credential.issued", SubjectKind: "person", Subject: o.Person,
		Detail: map[string]any{"credential": is.Credential, "type": t.ID, "copies": copies}})
}

// place is one copy that was noted.
type place struct {
	Slot
	Key          string    `db:"holder_key"`
	Credential   db.ID     `db:"id"`
	Notification string    `db:"notification"`
	Expires      time.Time `db:"expires_at"`
}

// noted is the issuance of an offer that has all of the keys, and says what is so
// now; none, with no notification, where there is none.
func noted(tx db.Tx, o Offer, t Type, data Dataset, keys []string) (is Issuance, err error) {
	var found []place
	if err := tx.Select(&found, `
		select k.list_id, k.idx, k.holder_key, c.id, c.notification, c.expires_at
		from credential c join credential_copy k on k.credential_id = c.id and k.holder_key = any($3::text[])
		where c.offer_id = $1 and c.dataset_hash = $2 and c.type = $4 and c.state = 'valid' order by c.issued_at desc, c.id`,
		o.ID, data.Hash(), keys, t.ID); err != nil {
		return is, err
	}
	for _, key := range keys {
		i := slices.IndexFunc(found, func(f place) bool { return f.Key == key && f.Credential == found[0].Credential })
		if i < 0 {
			return Issuance{}, nil
		}
		is.Slots = append(is.Slots, found[i].Slot)
	}
	is.Credential, is.Notification, is.Expires = found[0].Credential, found[0].Notification, found[0].Expires
	return is, audit.Write(tx, audit.Event{Action: "credential.issued", SubjectKind: "person", Subject: o.Person,
		Detail: map[string]any{"credential": is.Credential, "type": t.ID, "copies": 0}})
}

// Of lists a holder's credentials, newest first.
func Of(tx db.Tx, holder db.ID) ([]Credential, error) {
	var list []Credential
	err := tx.Select(&list, `select `+credentialColumns+` from `+credentialTables+` where c.person_id = $1 order by c.issued_at desc limit 100`, holder)
	return list, err
}

// NoteWallet writes down what a wallet said about a credential (OpenID4VCI 1.0
// section 11). Saying it again changes nothing; fault.NotFound when there is no
// such notification_id for the holder.
func NoteWallet(tx db.Tx, holder db.ID, notification, event string) error {
	n, err := tx.Count(`
		update credential set wallet_event = $3, wallet_event_at = coalesce(wallet_event_at, $4)
		where notification = $1 and person_id = $2`, notification, holder, event, tx.Now())
	if err == nil && n == 0 {
		err = fault.Hidden()
	}
	if err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "credential.noted", SubjectKind: "person", Subject: holder, Detail: map[string]any{"event": event}})
}
