package issuer_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/db"
	"daftar/registry/credentials"
)

func TestCodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	o := s.offer(t, "amina", credentials.HouseholdRegistration)
	if a := s.redeem(t, o, ""); a.status != 200 || a.str("token_type") != "Bearer" || a.json["expires_in"] != 300.0 || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s %v", a.status, a.raw, a.header)
	}
	refused(t, "again", s.redeem(t, o, ""), 400, "invalid_grant")
	refused(t, "again, with a wrong transaction code", s.redeem(t, o, "", "tx_code", "x"), 400, "invalid_grant")
	refused(t, "the offer itself", s.get(t, "/offers/"+o.Ref), 404, "not_found")
}

func TestOneOfManyRedemptionsWins(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	o := s.offer(t, "amina", credentials.HouseholdRegistration)
	answers := make([]answer, 6)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = s.redeem(t, o, "") })
	}
	all.Wait()
	tokens := 0
	for _, a := range answers {
		if a.status == 200 {
			tokens++
		} else {
			refused(t, "a loser", a, 400, "invalid_grant")
		}
	}
	if tokens != 1 {
		t.Errorf("%d tokens for one code", tokens)
	}
}

// wrong is a transaction code that is not the offer's.
func (s *system) wrong(o credentials.Offer) string {
	if s.codes.Tx(o.Ref) == "000000" {
		return "000001"
	}
	return "000000"
}

func TestWrongTransactionCode(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	o := s.offer(t, "amina", credentials.HouseholdRegistration)
	for range credentials.MaxTxTries - 1 {
		refused(t, "wrong", s.redeem(t, o, "", "tx_code", s.wrong(o)), 400, "invalid_grant")
	}
	for range 2 * credentials.MaxTxTries { // not a try
		refused(t, "none", s.redeem(t, o, "", "tx_code", ""), 400, "invalid_request")
	}
	if a := s.redeem(t, o, ""); a.status != 200 {
		t.Errorf("right, after four wrong ones: %d %s", a.status, a.raw)
	}

	o = s.offer(t, "amina", credentials.HouseholdRegistration)
	for range credentials.MaxTxTries {
		refused(t, "wrong", s.redeem(t, o, "", "tx_code", s.wrong(o)), 400, "invalid_grant")
	}
	refused(t, "right, after five wrong ones", s.redeem(t, o, ""), 400, "invalid_grant")
	refused(t, "the locked offer", s.get(t, "/offers/"+o.Ref), 404, "not_found")
	var state string
	s.do(t, worker, func(tx db.Tx) error { return tx.Get(&state, `select state from credential_offer where id = $1`, o.ID) })
	if state != string(credentials.OfferLocked) {
		t.Error("the offer is ", state)
	}
}

// Guesses that come at once count one by one.
func TestTransactionCodeGuessedInParallel(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	o := s.offer(t, "amina", credentials.HouseholdRegistration)
	var all sync.WaitGroup
	for range 2 * credentials.MaxTxTries {
		all.Go(func() { s.redeem(t, o, "", "tx_code", s.wrong(o)) })
	}
	all.Wait()
	refused(t, "right, after many wrong ones", s.redeem(t, o, ""), 400, "invalid_grant")
	var tries int
	s.do(t, worker, func(tx db.Tx) error {
		return tx.Get(&tries, `select tx_tries from credential_offer where id = $1`, o.ID)
	})
	if tries != credentials.MaxTxTries {
		t.Errorf("%d tries were let in", tries)
	}
}

func TestOfferThatIsOver(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	o := s.offer(t, "amina", credentials.HouseholdRegistration)
	for range 3 { // link previews fetch offers too
		if a := s.get(t, "/offers/"+o.Ref); a.status != 200 || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", a.status, a.raw)
		}
	}
	s.clock.Add(credentials.OfferTTL)
	gone := s.get(t, "/offers/"+o.Ref)
	refused(t, "expired", gone, 404, "not_found")
	refused(t, "expired", s.redeem(t, o, ""), 400, "invalid_grant")
	if never := s.get(t, "/offers/"+strings.Repeat("A", len(o.Ref))); string(never.raw) != string(gone.raw) || never.status != gone.status {
		t.Errorf("an offer that was never made says %s, one that is over %s", never.raw, gone.raw)
	}

	older := s.offer(t, "amina", credentials.HouseholdRegistration)
	newer := s.offer(t, "amina", credentials.HouseholdRegistration)
	refused(t, "replaced", s.redeem(t, older, ""), 400, "invalid_grant")
	s.do(t, officer, func(tx db.Tx) error { return credentials.Cancel(tx, newer.Person, newer.Ref) })
	refused(t, "cancelled", s.redeem(t, newer, ""), 400, "invalid_grant")
}

// A request that is refused for anything but the codes does not use them up.
func TestBadTokenRequestsLeaveTheCode(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	o := s.offer(t, "amina", credentials.HouseholdRegistration)
	dpop := func(change func(object)) string { return s.dpop(t, 1, "/token", "", change) }
	refused(t, "another grant", s.redeem(t, o, "", "grant_type", "authorization_code"), 400, "unsupported_grant_type")
	refused(t, "no grant", s.redeem(t, o, "", "grant_type", ""), 400, "unsupported_grant_type")
	refused(t, "no code", s.redeem(t, o, "", "pre-authorized_code", ""), 400, "invalid_request")
	refused(t, "details that are no JSON", s.redeem(t, o, "", "authorization_details", "{"), 400, "invalid_authorization_details")
	refused(t, "details of another type", s.redeem(t, o, "", "authorization_details",
		`[{"type":"openid_credential","credential_configuration_id":"person-registration"}]`), 400, "invalid_authorization_details")
	refused(t, "DPoP that is no proof", s.redeem(t, o, "x"), 400, "invalid_dpop_proof")
	for name, change := range map[string]func(object){
		"method": func(c object) { c["htm"] = "GET" }, "address": func(c object) { c["htu"] = origin + "/credential" },
		"time": func(c object) { c["iat"] = s.clock.Now().Add(-time.Hour).Unix() }, "jti": func(c object) { delete(c, "jti") },
	} {
		refused(t, "DPoP with another "+name, s.redeem(t, o, dpop(change)), 400, "invalid_dpop_proof")
	}
	right := dpop(nil)
	if a := s.redeem(t, o, right, "tx_code", "", "user_pin", s.codes.Tx(o.Ref), "authorization_details",
		`[{"type":"openid_credential","credential_configuration_id":"household-registration"}]`, "unknown", "x"); a.status != 200 ||
		a.str("token_type") != "DPoP" || a.json["authorization_details"] == nil {
		t.Fatalf("after all that: %d %s", a.status, a.raw)
	}
	refused(t, "the same DPoP proof again", s.redeem(t, s.offer(t, "amina", credentials.HouseholdRegistration), right), 400, "invalid_dpop_proof")
}

func TestTokenEndsAfterFiveMinutes(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	_, notification, token := s.issue(t, "amina", credentials.HouseholdRegistration, 1)
	none := s.call(t, http.MethodPost, "/credential", "application/json", []byte("{}"))
	refused(t, "without a token", none, 401, "invalid_token")
	if c := none.header.Get("WWW-Authenticate"); c != `DPoP algs="ES256", Bearer` {
		t.Error(c)
	}
	s.clock.Add(5*time.Minute - time.Second)
	if a := s.send(t, "/credential", token, ask(credentials.HouseholdRegistration, s.proof(t, 1, s.nonce(t)))); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	s.clock.Add(time.Second)
	for path, body := range map[string]object{
		"/credential":   ask(credentials.HouseholdRegistration, s.proof(t, 1, s.nonce(t))),
		"/notification": {"notification_id": notification, "event": "credential_accepted"},
	} {
		a := s.send(t, path, token, body)
		refused(t, path, a, 401, "invalid_token")
		if c := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(c, `Bearer error="invalid_token"`) {
			t.Error(path, c)
		}
	}
}

func TestTokensThatAreNone(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	token := s.token(t, "amina", credentials.HouseholdRegistration)
	for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer x", "Basic " + token, "DPoP " + token, token, "Bearer " + token + " ", "Bearer\t" + token} {
		a := s.call(t, http.MethodPost, "/credential?access_token="+token, "application/json", []byte(`{}`), "Authorization", authorization)
		if a.status == 400 && strings.HasSuffix(authorization, " ") && len(authorization) > 10 {
			continue // spaces around a header's value do not belong to it
		}
		refused(t, authorization, a, 401, "invalid_token")
		if a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: no challenge", authorization)
		}
	}
}

func TestDPoP(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	a := s.redeem(t, s.offer(t, "amina", credentials.HouseholdRegistration), s.dpop(t, 1, "/token", "", nil))
	token := a.str("access_token")
	if a.str("token_type") != "DPoP" {
		t.Fatalf("%s", a.raw)
	}
	use := func(scheme, proof string) answer {
		t.Helper()
		body := []byte(`{"notification_id":"unknown","event":"credential_accepted"}`)
		headers := []string{"Authorization", scheme + " " + token}
		if proof != "" {
			headers = append(headers, "DPoP", proof)
		}
		return s.call(t, http.MethodPost, "/notification", "application/json", body, headers...)
	}
	dpop := func(n byte, change func(object)) string { return s.dpop(t, n, "/notification", token, change) }
	right := dpop(1, nil)
	refused(t, "right", use("dpop", right), 400, "invalid_notification_id") // a scheme has any case (RFC 9110 section 11.1)
	for name, c := range map[string]struct{ scheme, proof, code string }{
		"the same again":  {"DPoP", right, "invalid_dpop_proof"},
		"as Bearer":       {"Bearer", dpop(1, nil), "invalid_token"},
		"without proof":   {"DPoP", "", "invalid_dpop_proof"},
		"another key":     {"DPoP", dpop(2, nil), "invalid_token"},
		"another method":  {"DPoP", dpop(1, func(c object) { c["htm"] = "GET" }), "invalid_dpop_proof"},
		"another address": {"DPoP", dpop(1, func(c object) { c["htu"] = origin + "/credential" }), "invalid_dpop_proof"},
		"another issuer":  {"DPoP", dpop(1, func(c object) { c["htu"] = "https://evil.example/notification" }), "invalid_dpop_proof"},
		"another token":   {"DPoP", dpop(1, func(c object) { c["ath"] = b64(make([]byte, 32)) }), "invalid_dpop_proof"},
		"no token":        {"DPoP", dpop(1, func(c object) { delete(c, "ath") }), "invalid_dpop_proof"},
		"old":             {"DPoP", dpop(1, func(c object) { c["iat"] = s.clock.Now().Add(-time.Hour).Unix() }), "invalid_dpop_proof"},
		"ahead":           {"DPoP", dpop(1, func(c object) { c["iat"] = s.clock.Now().Add(time.Hour).Unix() }), "invalid_dpop_proof"},
		"a Bearer's":      {"DPoP", s.dpop(t, 1, "/notification", "", nil), "invalid_dpop_proof"},
		"no proof at all": {"DPoP", "x", "invalid_dpop_proof"},
		"two proofs":      {"DPoP", dpop(1, nil) + ", " + dpop(1, nil), "invalid_dpop_proof"},
	} {
		a := use(c.scheme, c.proof)
		refused(t, name, a, 401, c.code)
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), c.scheme+" ") {
			t.Errorf("%s: %q", name, a.header.Get("WWW-Authenticate"))
		}
	}
	refused(t, "right again", use("DPoP", dpop(1, nil)), 400, "invalid_notification_id")

	// RFC 9449 section 4.3, point 1.
	two := s.call(t, http.MethodPost, "/notification", "application/json", []byte(`{}`),
		"Authorization", "DPoP "+token, "DPoP", dpop(1, nil), "DPoP", dpop(1, nil))
	refused(t, "two headers", two, 401, "invalid_dpop_proof")
}

func TestDPoPProofInManyRequestsIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	token := s.redeem(t, s.offer(t, "amina", credentials.HouseholdRegistration), s.dpop(t, 1, "/token", "", nil)).str("access_token")
	proof := s.dpop(t, 1, "/notification", token, nil)
	answers := make([]answer, 5)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = s.call(t, http.MethodPost, "/notification", "application/json", []byte(`{"notification_id":"x","event":"credential_accepted"}`),
				"Authorization", "DPoP "+token, "DPoP", proof)
		})
	}
	all.Wait()
	passed := 0
	for _, a := range answers {
		if a.status == 400 {
			passed++
		}
	}
	if passed != 1 {
		t.Errorf("one proof was good for %d requests", passed)
	}
}
