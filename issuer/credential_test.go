package issuer_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/db"
	"daftar/issuer"
	"daftar/registry/credentials"
)

const household = credentials.HouseholdRegistration

func TestNonce(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	token := s.token(t, "amina", household)
	try := func(nonce string) answer {
		t.Helper()
		return s.send(t, "/credential", token, ask(household, s.proof(t, 1, nonce)))
	}
	one, two := s.nonce(t), s.nonce(t)
	if one == two || len(one) < 43 {
		t.Fatal("nonces: ", one, two)
	}
	if a := try(one); a.status != 200 || a.json["c_nonce"] != nil {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	refused(t, "used", try(one), 400, "invalid_nonce")
	flipped, _ := base64.RawURLEncoding.DecodeString(two)
	for _, at := range []int{0, 7, 8, 23, 24, len(flipped) - 1} {
		flipped[at] ^= 1
		refused(t, "forged", try(b64(flipped)), 400, "invalid_nonce")
		flipped[at] ^= 1
	}
	mac := hmac.New(sha256.New, nil)
	mac.Write(flipped[:24])
	for name, nonce := range map[string]string{
		"made up": "abc", "cut": two[:len(two)-2], "longer": two + "AA", "padded": two + "=", "MAC of no key": b64(mac.Sum(flipped[:24])[:40]),
		"null": "\x00", "long": strings.Repeat("A", 5000),
	} {
		refused(t, name, try(nonce), 400, "invalid_nonce")
	}
	s.clock.Add(issuer.NonceTTL)
	token = s.token(t, "amina", household)
	refused(t, "old", try(two), 400, "invalid_nonce")
}

func TestNonceUsedAtOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	token, nonce := s.token(t, "amina", household), s.nonce(t)
	answers := make([]answer, 4)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = s.send(t, "/credential", token, ask(household, s.proof(t, byte(i+1), nonce))) })
	}
	all.Wait()
	issued := 0
	for _, a := range answers {
		if a.status == 200 {
			issued++
		} else {
			refused(t, "a loser", a, 400, "invalid_nonce")
		}
	}
	if issued != 1 {
		t.Errorf("%d credentials for one nonce", issued)
	}
}

func TestProofs(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	token, nonce := s.token(t, "amina", household), s.nonce(t)
	header := func(change func(object)) string { return s.bent(t, 1, nonce, change, nil) }
	claims := func(change func(object)) string { return s.bent(t, 1, nonce, nil, change) }
	set := func(name string, value any) func(object) { return func(o object) { o[name] = value } }
	drop := func(name string) func(object) { return func(o object) { delete(o, name) } }
	at := func(d time.Duration) func(object) { return set("iat", s.clock.Now().Add(d).Unix()) }
	mac := func(secret []byte, head object) string {
		body := unsigned(t, head, object{"aud": origin, "iat": s.clock.Now().Unix(), "nonce": nonce})
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(body))
		return body + "." + b64(m.Sum(nil))
	}
	typ := "openid4vci-proof+jwt"
	private := jwk(t, 1)
	scalar, err := fixedKey(t, 1).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	private["d"] = b64(scalar)
	public, _ := json.Marshal(jwk(t, 1))
	right := claims(nil)
	none := unsigned(t, object{"typ": typ, "alg": "none", "jwk": jwk(t, 1)}, object{"aud": origin, "iat": s.clock.Now().Unix(), "nonce": nonce})
	for name, proof := range map[string]string{
		"another issuer's":    claims(set("aud", "https://other.example")),
		"ours with a slash":   claims(set("aud", origin+"/")),
		"two audiences":       claims(set("aud", []string{origin, "https://other.example"})),
		"no audience":         claims(drop("aud")),
		"typ JWT":             header(set("typ", "JWT")),
		"typ of DPoP":         header(set("typ", "dpop+jwt")),
		"no typ":              header(drop("typ")),
		"alg none":            none + ".",
		"alg none, signed":    header(set("alg", "none")),
		"alg ES384":           header(set("alg", "ES384")),
		"HS256, public key":   mac(public, object{"typ": typ, "alg": "HS256", "jwk": jwk(t, 1)}),
		"HS256, key inside":   mac([]byte("secret"), object{"typ": typ, "alg": "HS256", "jwk": object{"kty": "oct", "k": "c2VjcmV0"}}),
		"private key":         header(set("jwk", private)),
		"another key":         header(set("jwk", jwk(t, 2))),
		"no key":              header(drop("jwk")),
		"kid instead":         header(func(h object) { delete(h, "jwk"); h["kid"] = "did:example:1" }),
		"kid too":             header(set("kid", "1")),
		"x5c too":             header(set("x5c", []string{"MAo="})),
		"critical header":     header(func(h object) { h["crit"] = []string{"b64"}; h["b64"] = false }),
		"key off the curve":   header(func(h object) { k := jwk(t, 1); k["y"] = k["x"]; h["jwk"] = k }),
		"key is a string":     header(set("jwk", "key")),
		"no nonce":            claims(drop("nonce")),
		"empty nonce":         claims(set("nonce", "")),
		"nonce is a number":   claims(set("nonce", 1)),
		"iat in the future":   claims(at(time.Hour)),
		"iat long ago":        claims(at(-time.Hour)),
		"iat beyond time":     claims(set("iat", 1e300)),
		"iat is text":         claims(set("iat", "now")),
		"no iat":              claims(drop("iat")),
		"changed":             right[:len(right)-40] + strings.Repeat("A", 40),
		"three dots":          right + ".",
		"empty":               "",
		"not a token":         "x",
		"too long":            claims(set("x", strings.Repeat("x", 20<<10))),
		"payload is no JSON":  header(nil)[:strings.IndexByte(right, '.')] + ".e30x." + right[strings.LastIndexByte(right, '.')+1:],
		"header is no object": b64([]byte(`[]`)) + right[strings.IndexByte(right, '.'):],
	} {
		refused(t, name, s.send(t, "/credential", token, ask(household, proof)), 400, "invalid_proof")
	}
	if a := s.send(t, "/credential", token, ask(household, right)); a.status != 200 {
		t.Errorf("a refused proof used the nonce up: %d %s", a.status, a.raw)
	}
	var issued int
	s.do(t, worker, func(tx db.Tx) error { return tx.Get(&issued, `select count(*) from credential_copy`) })
	if issued != 1 {
		t.Errorf("the ledger knows %d copies", issued)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	token, nonce := s.token(t, "amina", household), s.nonce(t)
	used := 0
	proofs := func(n int) (list []string) { // each with a key that the wallet has not shown before
		for range n {
			used++
			list = append(list, s.proof(t, byte(used), nonce))
		}
		return list
	}
	refused(t, "eleven", s.send(t, "/credential", token, ask(household, proofs(issuer.BatchSize+1)...)), 400, "invalid_credential_request")
	refused(t, "none", s.send(t, "/credential", token, ask(household)), 400, "invalid_proof")
	refused(t, "one key twice", s.send(t, "/credential", token, ask(household, s.proof(t, 1, nonce), s.proof(t, 1, nonce))), 400, "invalid_proof")
	// The last character of a coordinate has two bits to spare: the same key, spelt
	// in another way.
	respelt := s.bent(t, 1, nonce, func(h object) {
		key := jwk(t, 1)
		x := key["x"].(string)
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		key["x"] = x[:42] + string(alphabet[strings.IndexByte(alphabet, x[42])+1])
		h["jwk"] = key
	}, nil)
	refused(t, "one key, spelt twice", s.send(t, "/credential", token, ask(household, s.proof(t, 1, nonce), respelt)), 400, "invalid_proof")
	if a := s.send(t, "/credential", token, ask(household, proofs(issuer.BatchSize)...)); a.status != 200 || len(a.json["credentials"].([]any)) != issuer.BatchSize {
		t.Errorf("ten: %d %s", a.status, a.raw)
	}
	for range 4 {
		nonce = s.nonce(t)
		if a := s.send(t, "/credential", token, ask(household, proofs(issuer.BatchSize)...)); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
	}
	nonce = s.nonce(t)
	refused(t, "more than one offer yields", s.send(t, "/credential", token, ask(household, proofs(1)...)), 400, "credential_request_denied")
}

func TestCredentialRequests(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	token, nonce := s.token(t, "amina", household), s.nonce(t)
	proofs := object{"jwt": []string{s.proof(t, 1, nonce)}}
	for name, c := range map[string]struct {
		body any
		code string
	}{
		"another type":       {object{"credential_configuration_id": credentials.PersonRegistration, "proofs": proofs}, "unknown_credential_configuration"},
		"an unknown type":    {object{"credential_configuration_id": "x", "proofs": proofs}, "unknown_credential_configuration"},
		"another identifier": {object{"credential_identifier": "x", "proofs": proofs}, "unknown_credential_identifier"},
		"both":               {object{"credential_configuration_id": household, "credential_identifier": household, "proofs": proofs}, "invalid_credential_request"},
		"neither":            {object{"proofs": proofs}, "invalid_credential_request"},
		"encrypted":          {object{"credential_configuration_id": household, "proofs": proofs, "credential_response_encryption": object{"alg": "ECDH-ES"}}, "invalid_encryption_parameters"},
		"no proofs":          {object{"credential_configuration_id": household}, "invalid_proof"},
		"proofs of a draft":  {object{"credential_configuration_id": household, "proof": object{"proof_type": "jwt", "jwt": "x"}}, "invalid_proof"},
		"another proof type": {object{"credential_configuration_id": household, "proofs": object{"attestation": []string{"x"}}}, "invalid_proof"},
		"two proof types":    {object{"credential_configuration_id": household, "proofs": object{"jwt": proofs["jwt"], "attestation": []string{"x"}}}, "invalid_credential_request"},
		"an empty list":      {object{"credential_configuration_id": household, "proofs": object{"jwt": []string{}}}, "invalid_proof"},
		"proofs in a string": {object{"credential_configuration_id": household, "proofs": object{"jwt": "x"}}, "invalid_credential_request"},
		"a number":           {object{"credential_configuration_id": 1, "proofs": proofs}, "invalid_credential_request"},
		"a list":             {[]string{}, "invalid_credential_request"},
		"null":               {nil, "invalid_credential_request"},
	} {
		refused(t, name, s.send(t, "/credential", token, c.body), 400, c.code)
	}
	with := object{"credential_identifier": household, "proofs": proofs, "something_new": object{"a": 1}, "credential_response_encryption": nil}
	if a := s.send(t, "/credential", token, with); a.status != 200 {
		t.Errorf("an unknown member: %d %s", a.status, a.raw)
	}
}

// Who lost the ground for a credential after the offer gets none (RULES R7).
func TestCredentialFollowsTheDecision(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	token := s.token(t, "amina", credentials.ProgrammeEligibility)
	s.do(t, worker, func(tx db.Tx) error { return tx.Exec(`update decision set superseded_at = $1`, tx.Now()) })
	nonce := s.nonce(t)
	for range 2 { // and the nonce is not used up by it
		refused(t, "no decision", s.send(t, "/credential", token, ask(credentials.ProgrammeEligibility, s.proof(t, 1, nonce))), 400, "credential_request_denied")
	}
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	_, hers, token := s.issue(t, "amina", household, 1)
	_, his, _ := s.issue(t, "joseph", household, 1)
	say := func(id, event any) answer {
		t.Helper()
		return s.send(t, "/notification", token, object{"notification_id": id, "event": event})
	}
	for range 2 {
		if a := say(hers, "credential_accepted"); a.status != 204 || len(a.raw) > 0 {
			t.Errorf("%d %s", a.status, a.raw)
		}
	}
	if unknown, other := say("unknown", "credential_accepted"), say(his, "credential_accepted"); !bytes.Equal(unknown.raw, other.raw) ||
		unknown.status != other.status || unknown.code() != "invalid_notification_id" || unknown.status != 400 {
		t.Errorf("unknown: %s, somebody else's: %s", unknown.raw, other.raw)
	}
	refused(t, "null byte", say(hers+"\x00", "credential_accepted"), 400, "invalid_notification_id")
	refused(t, "long", say(strings.Repeat("x", 30000), "credential_accepted"), 400, "invalid_notification_id")
	for name, event := range map[string]any{"unknown": "credential_burnt", "empty": "", "null": nil, "a number": 1} {
		refused(t, name, say(hers, event), 400, "invalid_notification_request")
	}
	refused(t, "no id", say("", "credential_accepted"), 400, "invalid_notification_request")
	refused(t, "id is a number", say(1, "credential_accepted"), 400, "invalid_notification_request")
}
