package credentials

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
	"daftar/registry/notices"
)

// Offer is a credential offer with a pre-authorized code (OpenID4VCI 1.0
// section 4.1.1).
type Offer struct {
	ID        db.ID        `db:"id"`
	Ref       string       `db:"ref"` // unguessable: part of its address
	Person    db.ID        `db:"person_id"`
	Type      string       `db:"type"`
	Decision  *db.ID       `db:"decision_id"`
	Channel   string       `db:"channel"`
	State     OfferState   `db:"state"`
	CreatedAt time.Time    `db:"created_at"`
	ExpiresAt time.Time    `db:"expires_at"`
	TxTries   int          `db:"tx_tries"`
	Redeemed  sql.NullTime `db:"redeemed_at"`
}

// Codes derives an offer's two codes from a secret and its reference, so that
// the pages of one offer can show them and the database holds neither.
type Codes struct{ Key []byte }

// PreAuthorized is the pre-authorized code.
func (k Codes) PreAuthorized(ref string) string {
	return base64.RawURLEncoding.EncodeToString(k.mac("code", ref))
}

// Tx is the transaction code: six digits, told to the holder apart from the
// offer.
func (k Codes) Tx(ref string) string {
	n := new(big.Int).SetBytes(k.mac("tx", ref))
	return fmt.Sprintf("%0*d", TxCodeLength, n.Mod(n, big.NewInt(1_000_000)))
}

func (k Codes) mac(use, ref string) []byte {
	m := hmac.New(sha256.New, k.Key)
	m.Write([]byte(use + "|" + ref))
	return m.Sum(nil)
}

func digest(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// OfferState is where an offer stands. Each has the message "offer.state.<state>".
type OfferState string

// The states of an offer.
const (
	OfferOpen      OfferState = "open"
	OfferRedeemed  OfferState = "redeemed" // the wallet has its token
	OfferIssued    OfferState = "issued"
	OfferFailed    OfferState = "failed" // the wallet said so
	OfferCancelled OfferState = "cancelled"
	OfferLocked    OfferState = "locked" // too many wrong transaction codes
)

// Limits of offers: guessing a transaction code succeeds with a probability of
// at most 5e-5 per person and day (10 offers, 5 tries, 6 digits), and of 3e-5 per
// address and hour, whosever offers they are.
const (
	OfferTTL     = 10 * time.Minute
	TxCodeLength = 6
	MaxTxTries   = 5
	maxOffers    = 5  // a day, that people make for themselves
	maxGiven     = 10 // with those that officers make for them
	maxWrong     = 30 // an hour, from one address
	alarming     = 3  // of five: so many are no slip
)

const offerColumns = `o.id, o.ref, o.person_id, o.type, o.decision_id, o.channel, o.state, o.created_at, o.expires_at, o.tx_tries, o.redeemed_at`

// Make makes an offer for a holder. fault.Conflict when they are not entitled
// to the credential, fault.TooMany after five in a day, or ten with those of
// officers.
func Make(tx db.Tx, holder db.ID, typeID, channel string, codes Codes) (Offer, error) {
	t, err := Load(tx, typeID)
	if err != nil {
		return Offer{}, err
	}
	data, err := Data(tx, t, holder, nil)
	if err != nil {
		return Offer{}, err
	}
	var recent int
	if err := tx.Get(&recent, `select count(*) from credential_offer where person_id = $1 and created_at > $2`,
		holder, tx.Now().Add(-24*time.Hour)); err != nil {
		return Offer{}, err
	}
	if limit := map[string]int{ChannelPortal: maxOffers, ChannelCounter: maxGiven}[channel]; recent >= limit {
		return Offer{}, fault.New(fault.TooMany, "offer.error.too_many", "Max", limit)
	}
	// One open offer per holder and type: an older QR code stops working.
	if err := tx.Exec(`update credential_offer set state = 'cancelled' where person_id = $1 and type = $2 and state = 'open'`, holder, t.ID); err != nil {
		return Offer{}, err
	}
	ref := make([]byte, 24)
	if _, err := io.ReadFull(tx.Rand(), ref); err != nil {
		return Offer{}, err
	}
	o := Offer{
		ID: tx.NewID(), Ref: base64.RawURLEncoding.EncodeToString(ref), Person: holder, Type: t.ID, Decision: data.Decision, Channel: channel,
		State: OfferOpen, CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(OfferTTL),
	}
	err = tx.Exec(`
		insert into credential_offer (id, ref, person_id, type, decision_id, code_hash, channel, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		o.ID, o.Ref, o.Person, o.Type, o.Decision, digest(codes.PreAuthorized(o.Ref)), o.Channel, o.CreatedAt, o.ExpiresAt)
	if err != nil {
		return Offer{}, err
	}
	return o, audit.Write(tx, audit.Event{Action: "offer.made", SubjectKind: "person", Subject: holder, Detail: map[string]any{"type": t.ID, "channel": channel}})
}

// Channels of an offer.
const (
	ChannelPortal  = "portal"
	ChannelCounter = "counter"
)

// OfferByRef reads an offer. It changes nothing: link previews fetch offers
// too.
func OfferByRef(tx db.Tx, ref string) (Offer, error) {
	var o Offer
	err := tx.Get(&o, `select `+offerColumns+` from credential_offer o where o.ref = $1`, ref)
	return o, err
}

// OfferByID reads the offer of an access token.
func OfferByID(tx db.Tx, id db.ID) (Offer, error) {
	var o Offer
	err := tx.Get(&o, `select `+offerColumns+` from credential_offer o where o.id = $1`, id)
	return o, err
}

// OwnOffer reads an offer of a holder; fault.NotFound for anybody else's.
func OwnOffer(tx db.Tx, holder db.ID, ref string) (Offer, error) {
	o, err := OfferByRef(tx, ref)
	if err == nil && o.Person != holder {
		err = fault.Hidden()
	}
	return o, err
}

// Usable reports whether a wallet can still redeem the offer.
func (o Offer) Usable(now time.Time) bool { return o.State == OfferOpen && now.Before(o.ExpiresAt) }

// Cancel voids an open offer.
func Cancel(tx db.Tx, holder db.ID, ref string) error {
	n, err := tx.Count(`update credential_offer set state = 'cancelled' where ref = $1 and person_id = $2 and state = 'open'`, ref, holder)
	if err == nil && n == 0 {
		err = fault.Hidden()
	}
	if err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "offer.cancelled", SubjectKind: "person", Subject: holder})
}

// Refusal is why a code was not redeemed.
type Refusal string

// The refusals.
const (
	Redeemable Refusal = ""        // it was redeemed
	WrongCode  Refusal = "code"    // unknown, used, expired, cancelled or locked
	WrongTx    Refusal = "tx_code" // wrong, and the code may be tried again
	MissingTx  Refusal = "missing"
	TooOften   Refusal = "often" // too many were wrong from this address
)

// Redeem consumes a pre-authorized code with its transaction code, once. A
// wrong transaction code does not use the code up; the fifth one kills it, and the
// holder is told before. The transaction must be committed in every case: it counts
// the tries, for the offer and for the address that they came from.
func Redeem(tx db.Tx, codes Codes, code, txCode, from string) (Offer, Refusal, error) {
	var o Offer
	err := tx.Get(&o, `select `+offerColumns+` from credential_offer o where o.code_hash = $1 for update`, digest(code))
	if fault.Is(err, fault.NotFound) {
		return o, WrongCode, nil
	}
	if err != nil {
		return o, "", err
	}
	if !o.Usable(tx.Now()) {
		return o, WrongCode, nil
	}
	if txCode == "" {
		return o, MissingTx, nil
	}
	wrong, err := tx.Attempt("tx_code", db.Origin(from), time.Hour)
	if err != nil {
		return o, "", err
	}
	if wrong > maxWrong {
		return o, TooOften, nil
	}
	if subtle.ConstantTimeCompare([]byte(txCode), []byte(codes.Tx(o.Ref))) != 1 {
		err := tx.Exec(`
			update credential_offer set tx_tries = tx_tries + 1, state = case when tx_tries + 1 >= $2 then 'locked' else state end
			where id = $1`, o.ID, MaxTxTries)
		if err != nil {
			return o, "", err
		}
		if o.TxTries+1 >= alarming {
			if err := notices.Tell(tx, notices.Notice{Kind: "offer_guessed", Person: &o.Person, Legal: true, Once: "guessed:" + o.ID.String()}); err != nil {
				return o, "", err
			}
		}
		return o, WrongTx, audit.Write(tx, audit.Event{Action: "offer.wrong_tx_code", SubjectKind: "person", Subject: o.Person})
	}
	if err := tx.Spare("tx_code", db.Origin(from), time.Hour); err != nil {
		return o, "", err
	}
	if err := tx.Exec(`update credential_offer set state = 'redeemed', redeemed_at = $2 where id = $1`, o.ID, tx.Now()); err != nil {
		return o, "", err
	}
	o.State = OfferRedeemed
	return o, Redeemable, audit.Write(tx, audit.Event{Action: "offer.redeemed", SubjectKind: "person", Subject: o.Person, Detail: map[string]any{"type": o.Type}})
}
