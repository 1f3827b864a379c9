package issuer_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"daftar/db"
	"daftar/registry/credentials"
)

// TestAbuse are the abuse cases of the security reference that meet the issuer, by
// number (docs/abuse.md).
func TestAbuse(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]func(*testing.T, *system){
		"08 a token of another algorithm, key or type":             foreignTokens,
		"09 one proof twice, and two hundred times at once":        proofTwice,
		"10 a proof for another issuer, a token of another holder": foreignProofs,
		"11 somebody else redeems the QR code first":               shoulderSurfer,
		"12 the transaction code is guessed":                       guesses,
		"13 the program dies between signing and storing":          diesBetween,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attack(t, newSystem(t))
		})
	}
}

// foreignTokens are what a consumer that trusts a token's header would take. The
// access token is no JWT at all; key proofs and DPoP proofs are.
func foreignTokens(t *testing.T, s *system) {
	token, nonce := s.token(t, "amina", household), s.nonce(t)
	o := s.offer(t, "amina", household)
	public, err := json.Marshal(jwk(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	for what, forge := range map[string]func(typ string, claims object) string{
		"none": func(typ string, c object) string {
			return unsigned(t, object{"typ": typ, "alg": "none", "jwk": jwk(t, 1)}, c) + "."
		},
		"HS256 with the public key": func(typ string, c object) string {
			body := unsigned(t, object{"typ": typ, "alg": "HS256", "jwk": jwk(t, 1)}, c)
			mac := hmac.New(sha256.New, public)
			mac.Write([]byte(body))
			return body + "." + b64(mac.Sum(nil))
		},
		"a jku": func(typ string, c object) string {
			return sign(t, fixedKey(t, 1), object{"typ": typ, "alg": "ES256", "jku": "https://evil.example/keys"}, c)
		},
		"somebody else's jwk": func(typ string, c object) string {
			return sign(t, fixedKey(t, 1), object{"typ": typ, "alg": "ES256", "jwk": jwk(t, 2)}, c)
		},
		"another typ": func(_ string, c object) string {
			return sign(t, fixedKey(t, 1), object{"typ": "JWT", "alg": "ES256", "jwk": jwk(t, 1)}, c)
		},
	} {
		proof := forge("openid4vci-proof+jwt", object{"aud": origin, "iat": s.clock.Now().Unix(), "nonce": nonce})
		if a := s.send(t, "/credential", token, ask(household, proof)); a.status != 400 || a.code() != "invalid_proof" {
			t.Errorf("%s as a key proof: %d %s", what, a.status, a.raw)
		}
		dpop := forge("dpop+jwt", object{"jti": what, "htm": "POST", "htu": origin + "/token", "iat": s.clock.Now().Unix()})
		if a := s.redeem(t, o, dpop); a.status/100 != 4 || a.code() != "invalid_dpop_proof" {
			t.Errorf("%s as DPoP: %d %s", what, a.status, a.raw)
		}
		access := forge("at+jwt", object{"iss": origin, "sub": "amina", "exp": s.clock.Now().Unix() + 300})
		if a := s.send(t, "/credential", access, ask(household, s.proof(t, 1, nonce))); a.status != 401 {
			t.Errorf("%s as an access token: %d %s", what, a.status, a.raw)
		}
	}
	if a := s.send(t, "/credential", token, ask(household, s.proof(t, 1, nonce))); a.status != 200 {
		t.Errorf("the nonce was used up by what was refused: %d %s", a.status, a.raw)
	}
}

func proofTwice(t *testing.T, s *system) {
	token, nonce := s.token(t, "amina", household), s.nonce(t)
	one := ask(household, s.proof(t, 1, nonce))
	if a := s.send(t, "/credential", token, one); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	refused(t, "again", s.send(t, "/credential", token, one), 400, "invalid_nonce")

	token, nonce = s.token(t, "amina", household), s.nonce(t)
	one = ask(household, s.proof(t, 1, nonce))
	var all sync.WaitGroup
	var issued atomic.Int32
	for range 200 {
		all.Go(func() {
			if a := s.send(t, "/credential", token, one); a.status == 200 {
				issued.Add(1)
			} else {
				refused(t, "a loser", a, 400, "invalid_nonce")
			}
		})
	}
	all.Wait()
	if n := issued.Load(); n != 1 {
		t.Errorf("%d credentials for one proof", n)
	}
}

func foreignProofs(t *testing.T, s *system) {
	token, nonce := s.token(t, "amina", household), s.nonce(t)
	for what, aud := range map[string]any{"another issuer": "https://other.example", "a prefix": origin + ".evil.example", "nobody": nil} {
		proof := s.bent(t, 1, nonce, nil, func(c object) { c["aud"] = aud })
		refused(t, what, s.send(t, "/credential", token, ask(household, proof)), 400, "invalid_proof")
	}
	// joseph's wallet has amina's token, which is bound to a key of hers
	a := s.redeem(t, s.offer(t, "amina", household), s.dpop(t, 1, "/token", "", nil))
	bound := a.str("access_token")
	body, err := json.Marshal(ask(household, s.proof(t, 2, nonce)))
	if err != nil {
		t.Fatal(err)
	}
	for what, headers := range map[string][]string{
		"his own key":                      {"Authorization", "DPoP " + bound, "DPoP", s.dpop(t, 2, "/credential", bound, nil)},
		"no proof":                         {"Authorization", "DPoP " + bound},
		"as a Bearer":                      {"Authorization", "Bearer " + bound},
		"made for POST to another address": {"Authorization", "DPoP " + bound, "DPoP", s.dpop(t, 1, "/notification", bound, nil)},
	} {
		if a := s.call(t, http.MethodPost, "/credential", "application/json", body, headers...); a.status != 401 {
			t.Errorf("%s: %d %s", what, a.status, a.raw)
		}
	}
	// a token is for one offer: what it is not for is not there
	if a := s.send(t, "/credential", token, ask(credentials.PersonRegistration, s.proof(t, 1, nonce))); a.status != 400 {
		t.Errorf("another type: %d %s", a.status, a.raw)
	}
}

// shoulderSurfer has the QR code and not the transaction code. The rightful holder
// still redeems, and if the code was seen too, sees that the offer is used.
func shoulderSurfer(t *testing.T, s *system) {
	o := s.offer(t, "amina", household)
	if a := s.get(t, "/offers/"+o.Ref); a.status != 200 || strings.Contains(string(a.raw), s.codes.Tx(o.Ref)) {
		t.Fatalf("the offer says its transaction code: %d %s", a.status, a.raw)
	}
	refused(t, "without the code", s.redeem(t, o, "", "tx_code", ""), 400, "invalid_request")
	refused(t, "with a wrong one", s.redeem(t, o, "", "tx_code", s.wrong(o)), 400, "invalid_grant")
	if a := s.redeem(t, o, ""); a.status != 200 {
		t.Errorf("the holder: %d %s", a.status, a.raw)
	}
	state := func(o credentials.Offer) (state string) {
		s.do(t, worker, func(tx db.Tx) error { return tx.Get(&state, `select state from credential_offer where id = $1`, o.ID) })
		return state
	}
	if got := state(o); got != string(credentials.OfferRedeemed) {
		t.Errorf("the holder sees an offer that is %s", got)
	}
	// she voids one that somebody looked at
	o = s.offer(t, "amina", household)
	holder := s.person(t, "amina")
	s.do(t, db.Principal{Role: db.Citizen, Kind: "citizen", Actor: db.ID{9}}, func(tx db.Tx) error { return credentials.Cancel(tx, holder, o.Ref) })
	refused(t, "voided", s.redeem(t, o, ""), 400, "invalid_grant")
}

// guesses: five tries for an offer, whichever way they come, and five offers a
// day for a person.
func guesses(t *testing.T, s *system) {
	o := s.offer(t, "amina", household)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { refused(t, "a guess", s.redeem(t, o, "", "tx_code", s.wrong(o)), 400, "invalid_grant") })
	}
	all.Wait()
	refused(t, "the right one, too late", s.redeem(t, o, ""), 400, "invalid_grant")
	var tries int
	s.do(t, worker, func(tx db.Tx) error {
		return tx.Get(&tries, `select tx_tries from credential_offer where id = $1`, o.ID)
	})
	if tries != credentials.MaxTxTries {
		t.Errorf("%d tries were let in", tries)
	}
	holder, offers := s.person(t, "amina"), 1
	for range 10 {
		if err := s.db.WithTx(t.Context(), officer, func(tx db.Tx) error {
			_, err := credentials.Make(tx, holder, household, credentials.ChannelPortal, s.codes)
			return err
		}); err == nil {
			offers++
		}
	}
	if offers > 5 {
		t.Errorf("%d offers in a day: too many guesses", offers)
	}
	// those that officers make count, for both
	for range 12 {
		if err := s.db.WithTx(t.Context(), officer, func(tx db.Tx) error {
			_, err := credentials.Make(tx, holder, household, credentials.ChannelCounter, s.codes)
			return err
		}); err == nil {
			offers++
		}
	}
	if offers != 10 {
		t.Errorf("%d offers in a day, with those of officers", offers)
	}
	var told int
	s.do(t, worker, func(tx db.Tx) error {
		return tx.Get(&told, `select count(*) from notice where kind = 'offer_guessed' and person_id = $1 and legal and case_id is null`, holder)
	})
	if told != 1 {
		t.Errorf("the holder was told %d times", told)
	}
	// guesses at many people's offers: the address is shut out, with the right code too,
	// until the hour is over
	wrong := credentials.MaxTxTries
	for _, who := range []string{"joseph", "tomas", "joseph", "tomas", "joseph", "tomas", "joseph"} {
		o := s.offer(t, who, household)
		for range 4 {
			if a := s.redeem(t, o, "", "tx_code", s.wrong(o)); a.code() == "invalid_grant" {
				wrong++
			}
		}
	}
	o = s.offer(t, "tomas", household)
	if a := s.redeem(t, o, ""); a.status != 429 || a.code() != "slow_down" || wrong > 30 {
		t.Errorf("after %d wrong codes from one address: %d %s", wrong, a.status, a.raw)
	}
	s.clock.Add(time.Hour)
	if a := s.redeem(t, s.offer(t, "tomas", household), ""); a.status != 200 {
		t.Errorf("an hour later: %d %s", a.status, a.raw)
	}
}

// diesBetween: the ledger knows of a copy before it is signed, so a program that
// dies leaves none that cannot be revoked; and the wallet that asks again with its key
// gets that one, not a further one.
func diesBetween(t *testing.T, s *system) {
	token, nonce := s.token(t, "amina", household), s.nonce(t)
	copies := func() (n int) {
		s.do(t, worker, func(tx db.Tx) error { return tx.Get(&n, `select count(*) from credential_copy`) })
		return n
	}
	// the answer is lost: the wallet hears nothing
	if a := s.send(t, "/credential", token, ask(household, s.proof(t, 1, nonce))); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if copies() != 1 {
		t.Fatalf("%d places", copies())
	}
	refused(t, "the same request again", s.send(t, "/credential", token, ask(household, s.proof(t, 1, nonce))), 400, "invalid_nonce")
	if copies() != 1 {
		t.Errorf("a request that was refused took a place: %d", copies())
	}
	// with a fresh nonce it gets the one that there is, however often it asks at once
	var all sync.WaitGroup
	var mu sync.Mutex
	notified := map[string]bool{}
	for range 20 {
		nonce := s.nonce(t)
		all.Go(func() {
			a := s.send(t, "/credential", token, ask(household, s.proof(t, 1, nonce)))
			mu.Lock()
			defer mu.Unlock()
			if notified[a.str("notification_id")] = true; a.status != 200 {
				t.Errorf("asked again: %d %s", a.status, a.raw)
			}
		})
	}
	all.Wait()
	if len(notified) != 1 || copies() != 1 {
		t.Errorf("asked again: %d credentials, %d places", len(notified), copies())
	}
	// another key is another copy
	if a := s.send(t, "/credential", token, ask(household, s.proof(t, 2, s.nonce(t)))); a.status != 200 || copies() != 2 {
		t.Errorf("%d places after an answer %d", copies(), a.status)
	}
	// what was lost on the way stays in the ledger, with a place of its own, and is
	// revoked with the rest
	var known, placed int
	s.do(t, worker, func(tx db.Tx) error {
		if err := tx.Get(&known, `select count(*) from credential`); err != nil {
			return err
		}
		return tx.Get(&placed, `select count(distinct credential_id) from credential_copy`)
	})
	if known != copies() || placed != known {
		t.Errorf("%d credentials, %d with a place, %d places", known, placed, copies())
	}
}
