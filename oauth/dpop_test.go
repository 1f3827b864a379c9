package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"daftar/jose"
	"daftar/oauth"
)

const (
	target      = "https://issuer.example/credential"
	accessToken = "the-access-token"
)

func ath(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func proof(change func(object)) object {
	claims := object{"jti": "1", "htm": "POST", "htu": target, "iat": now.Unix(), "ath": ath(accessToken)}
	if change != nil {
		change(claims)
	}
	return claims
}

func TestVerifyProof(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	public := jwk(t, key)
	with := func(name string, value any) string {
		return sign(t, key, jose.Header{Typ: "dpop+jwt", JWK: public}, proof(func(c object) { c[name] = value }))
	}
	without := func(name string) string {
		return sign(t, key, jose.Header{Typ: "dpop+jwt", JWK: public}, proof(func(c object) { delete(c, name) }))
	}
	at := func(d time.Duration) string { return with("iat", now.Add(d).Unix()) }
	right := with("x", 1)
	forged := func(header object, secret []byte) string { return forge(t, header, proof(nil), secret) }
	for name, c := range map[string]struct {
		proof string
		ok    bool
	}{
		"right":                        {right, true},
		"default port":                 {with("htu", "https://issuer.example:443/credential"), true},
		"scheme and host in capitals":  {with("htu", "HTTPS://ISSUER.Example/credential"), true},
		"query and fragment":           {with("htu", target+"?x=1#y"), true},
		"two minutes old":              {at(-2 * time.Minute), true},
		"a minute ahead":               {at(time.Minute), true},
		"older":                        {at(-2*time.Minute - time.Second), false},
		"further ahead":                {at(time.Minute + time.Second), false},
		"at the end of time":           {with("iat", int64(1)<<62), false},
		"before all time":              {with("iat", -(int64(1) << 62)), false},
		"iat is a fraction":            {with("iat", 1.5), false},
		"no iat":                       {without("iat"), false},
		"no jti":                       {without("jti"), false},
		"an endless jti":               {with("jti", strings.Repeat("j", 201)), false},
		"another method":               {with("htm", "GET"), false},
		"method in small letters":      {with("htm", "post"), false},
		"no method":                    {without("htm"), false},
		"another path":                 {with("htu", "https://issuer.example/nonce"), false},
		"path in capitals":             {with("htu", "https://issuer.example/CREDENTIAL"), false},
		"a slash more":                 {with("htu", target+"/"), false},
		"another host":                 {with("htu", "https://evil.example/credential"), false},
		"another port":                 {with("htu", "https://issuer.example:8443/credential"), false},
		"the other scheme":             {with("htu", "http://issuer.example/credential"), false},
		"the other scheme on our port": {with("htu", "http://issuer.example:443/credential"), false},
		"path alone":                   {with("htu", "/credential"), false},
		"not an address":               {with("htu", "https://[::1/credential"), false},
		"no address":                   {without("htu"), false},
		"another token":                {with("ath", ath("another")), false},
		"the token itself":             {with("ath", accessToken), false},
		"no token":                     {without("ath"), false},
		"another typ":                  {sign(t, key, jose.Header{Typ: "JWT", JWK: public}, proof(nil)), false},
		"no typ":                       {sign(t, key, jose.Header{JWK: public}, proof(nil)), false},
		"no key":                       {sign(t, key, jose.Header{Typ: "dpop+jwt", Kid: key.ID}, proof(nil)), false},
		"another key":                  {sign(t, key, jose.Header{Typ: "dpop+jwt", JWK: jwk(t, other)}, proof(nil)), false},
		"alg none":                     {forged(object{"typ": "dpop+jwt", "alg": "none", "jwk": json.RawMessage(public)}, nil), false},
		"HMAC with the public key":     {forged(object{"typ": "dpop+jwt", "alg": "HS256", "jwk": json.RawMessage(public)}, pemOf(t, key)), false},
		"a symmetric key":              {forged(object{"typ": "dpop+jwt", "alg": "HS256", "jwk": object{"kty": "oct", "k": "c2VjcmV0"}}, []byte("secret")), false},
		"unsigned":                     {forged(object{"typ": "dpop+jwt", "alg": "ES256", "jwk": json.RawMessage(public)}, nil), false},
		"a critical header":            {forged(object{"typ": "dpop+jwt", "alg": "ES256", "jwk": json.RawMessage(public), "crit": []string{"b64"}, "b64": false}, nil), false},
		"changed after signing":        {changed(t, right), false},
		"too long":                     {with("x", strings.Repeat("x", jose.MaxToken)), false},
		"two proofs":                   {right + "," + right, false},
		"nothing":                      {"", false},
	} {
		p, err := oauth.VerifyProof(c.proof, "POST", target, accessToken, now)
		if c.ok {
			if err != nil || p.JKT != key.ID {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
			continue
		}
		if e, refused := oauth.As(err); !refused || e.Code != "invalid_dpop_proof" || p != (oauth.Proof{}) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// changed replaces a token's claims and keeps its signature.
func changed(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	other := strings.Split(forge(t, nil, proof(func(c object) { c["jti"] = "2" }), nil), ".")
	return parts[0] + "." + other[1] + "." + parts[2]
}

func TestProofWithAPrivateKeyIsRefused(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.NewKey(private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := private.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	public := jose.PublicJWK(key.Public())
	whole := object{"kty": "EC", "crv": "P-256", "x": public.X, "y": public.Y, "d": base64.RawURLEncoding.EncodeToString(secret)}
	token := signES256(t, private, object{"typ": "dpop+jwt", "alg": "ES256", "jwk": whole}, proof(nil))
	if _, err := oauth.VerifyProof(token, "POST", target, accessToken, now); err == nil {
		t.Error("a proof that gives its private key away was accepted")
	}
	delete(whole, "d")
	token = signES256(t, private, object{"typ": "dpop+jwt", "alg": "ES256", "jwk": whole}, proof(nil))
	if _, err := oauth.VerifyProof(token, "POST", target, accessToken, now); err != nil {
		t.Error("the same proof without it: ", err)
	}
}

// signES256 signs by hand, so that the header may hold anything (RFC 7518
// section 3.4).
func signES256(t *testing.T, key *ecdsa.PrivateKey, header, claims object) string {
	t.Helper()
	body := strings.TrimSuffix(forge(t, header, claims, nil), ".")
	sum := sha256.Sum256([]byte(body))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	both := append(fill(r), fill(s)...)
	return body + "." + base64.RawURLEncoding.EncodeToString(both)
}

func fill(n *big.Int) []byte { return n.FillBytes(make([]byte, 32)) }

func TestProofWithoutATokenNeedsNoHashOfOne(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	token := sign(t, key, jose.Header{Typ: "dpop+jwt", JWK: jwk(t, key)}, proof(func(c object) { delete(c, "ath") }))
	if _, err := oauth.VerifyProof(token, "POST", target, "", now); err != nil {
		t.Error(err)
	}
}

func TestProofTargetAtTheDefaultPortOfHTTP(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	for htu, here := range map[string]string{
		"http://localhost/token":      "http://localhost:80/token",
		"http://localhost:80/token":   "http://localhost/token",
		"http://[::1]/token":          "http://[::1]:80/token",
		"http://localhost:8082/token": "http://LOCALHOST:8082/token",
	} {
		token := sign(t, key, jose.Header{Typ: "dpop+jwt", JWK: jwk(t, key)}, proof(func(c object) { c["htu"] = htu }))
		if _, err := oauth.VerifyProof(token, "POST", here, "", now); err != nil {
			t.Errorf("%s at %s: %v", htu, here, err)
		}
	}
}

// Proof.ID names a proof by its key and jti: the same jti of another key is
// another proof. It may be forgotten when the proof is too old to be accepted.
func TestProofIsNamedByItsKeyAndIdentifier(t *testing.T) {
	t.Parallel()
	one, two := newKey(t), newKey(t)
	named := func(key *jose.Key, change func(object)) oauth.Proof {
		t.Helper()
		p, err := oauth.VerifyProof(sign(t, key, jose.Header{Typ: "dpop+jwt", JWK: jwk(t, key)}, proof(change)), "POST", target, accessToken, now)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := named(one, nil)
	if again := named(one, func(c object) { c["iat"] = now.Add(time.Minute).Unix() }); again.ID != first.ID {
		t.Error("the same jti, signed later, has another name")
	}
	if named(one, func(c object) { c["jti"] = "2" }).ID == first.ID || named(two, nil).ID == first.ID {
		t.Error("two proofs have one name")
	}
	for _, ahead := range []time.Duration{-2 * time.Minute, 0, time.Minute} {
		issued := now.Add(ahead)
		if p := named(one, func(c object) { c["iat"] = issued.Unix() }); !p.Expires.After(issued.Add(2 * time.Minute)) {
			t.Errorf("forgotten at %v, while it is still accepted", p.Expires)
		}
	}
}
