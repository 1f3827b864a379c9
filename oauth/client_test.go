package oauth_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"daftar/jose"
	"daftar/oauth"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const (
	issuer        = "https://id.example/citizen"
	tokenEndpoint = issuer + "/token"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

type object = map[string]any

func newKey(t *testing.T) *jose.Key {
	t.Helper()
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, key *jose.Key, h jose.Header, claims object) string {
	t.Helper()
	token, err := jose.SignJSON(h, claims, key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// forge makes a token with any header; a nil secret signs nothing.
func forge(t *testing.T, header, claims object, secret []byte) string {
	t.Helper()
	h, err1 := json.Marshal(header)
	c, err2 := json.Marshal(claims)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	body := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	if secret == nil {
		return body + "."
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(body))
	return body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func pemOf(t *testing.T, key *jose.Key) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// once remembers in memory what was used.
func once() oauth.OnceFunc {
	used := map[string]bool{}
	return func(_ context.Context, value string, _ time.Time) (bool, error) {
		first := !used[value]
		used[value] = true
		return first, nil
	}
}

func assertion(iss string, change func(object)) object {
	claims := object{"iss": iss, "sub": iss, "aud": issuer, "jti": "1", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	if change != nil {
		change(claims)
	}
	return claims
}

func asserted(token string) url.Values {
	return url.Values{"client_assertion_type": {assertionType}, "client_assertion": {token}}
}

func authenticate(t *testing.T, clients []oauth.Client, authorization string, form url.Values, used oauth.OnceFunc) (oauth.Client, error) {
	t.Helper()
	return oauth.Authenticate(t.Context(), clients, authorization, form, []string{issuer, tokenEndpoint}, now, used)
}

func TestClientAssertion(t *testing.T) {
	t.Parallel()
	key, others := newKey(t), newKey(t)
	clients := []oauth.Client{
		{ID: "portal", Key: key.Public()}, {ID: "other", Key: others.Public()}, {ID: "secretive", Secret: "s3cret"}, {ID: "open"},
	}
	signed := func(change func(object)) string {
		return sign(t, key, jose.Header{Kid: key.ID}, assertion("portal", change))
	}
	with := func(name string, value any) url.Values {
		return asserted(signed(func(c object) { c[name] = value }))
	}
	without := func(name string) url.Values { return asserted(signed(func(c object) { delete(c, name) })) }
	plus := func(form url.Values, name, value string) url.Values { form.Set(name, value); return form }
	for name, c := range map[string]struct {
		form url.Values
		code string // of the error; "" when it is accepted
	}{
		"right":                          {asserted(signed(nil)), ""},
		"with client_id":                 {plus(asserted(signed(nil)), "client_id", "portal"), ""},
		"addressed to the endpoint":      {with("aud", tokenEndpoint), ""},
		"audience in a list":             {with("aud", []string{issuer}), ""},
		"five minutes":                   {with("exp", now.Add(5*time.Minute).Unix()), ""},
		"addressed to another":           {with("aud", "https://evil.example"), "invalid_client"},
		"addressed to a part":            {with("aud", "https://id.example"), "invalid_client"},
		"two audiences":                  {with("aud", []string{issuer, "https://evil.example"}), "invalid_client"},
		"both of ours":                   {with("aud", []string{issuer, tokenEndpoint}), "invalid_client"},
		"no audience":                    {without("aud"), "invalid_client"},
		"an empty list":                  {with("aud", []string{}), "invalid_client"},
		"null audience":                  {with("aud", nil), "invalid_client"},
		"audience is a number":           {with("aud", 7), "invalid_client"},
		"expired":                        {with("exp", now.Unix()), "invalid_client"},
		"too far away":                   {with("exp", now.Add(5*time.Minute+time.Second).Unix()), "invalid_client"},
		"at the end of time":             {with("exp", int64(1)<<62), "invalid_client"},
		"before all time":                {with("exp", -(int64(1) << 62)), "invalid_client"},
		"never expires":                  {without("exp"), "invalid_client"},
		"no jti":                         {without("jti"), "invalid_client"},
		"another issuer":                 {plus(with("iss", "other"), "client_id", "portal"), "invalid_client"},
		"another subject":                {with("sub", "other"), "invalid_client"},
		"no issuer":                      {without("iss"), "invalid_client"},
		"unknown client":                 {with("iss", "nobody"), "invalid_client"},
		"another client's key":           {asserted(sign(t, others, jose.Header{}, assertion("portal", nil))), "invalid_client"},
		"another client's id":            {plus(asserted(signed(nil)), "client_id", "other"), "invalid_client"},
		"client with a secret":           {asserted(sign(t, key, jose.Header{}, assertion("secretive", nil))), "invalid_client"},
		"public client":                  {asserted(sign(t, key, jose.Header{}, assertion("open", nil))), "invalid_client"},
		"alg none":                       {asserted(forge(t, object{"alg": "none"}, assertion("portal", nil), nil)), "invalid_client"},
		"HMAC with the public key":       {asserted(forge(t, object{"alg": "HS256"}, assertion("portal", nil), pemOf(t, key))), "invalid_client"},
		"RS256 with an EC key":           {asserted(forge(t, object{"alg": "RS256"}, assertion("portal", nil), pemOf(t, key))), "invalid_client"},
		"brings its own key":             {asserted(sign(t, others, jose.Header{JWK: jwk(t, others)}, assertion("portal", nil))), "invalid_client"},
		"not a token":                    {asserted("x.y.z"), "invalid_client"},
		"too long":                       {asserted(signed(func(c object) { c["x"] = strings.Repeat("x", jose.MaxToken) })), "invalid_client"},
		"another assertion type":         {plus(asserted(signed(nil)), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), "invalid_request"},
		"with a secret too":              {plus(asserted(signed(nil)), "client_secret", "s3cret"), "invalid_request"},
		"nothing at all":                 {url.Values{}, "invalid_client"},
		"a client with a key, by name":   {url.Values{"client_id": {"portal"}}, "invalid_client"},
		"a client with a key, no secret": {url.Values{"client_id": {"portal"}, "client_secret": {""}}, "invalid_client"},
		"a public client, by name":       {url.Values{"client_id": {"open"}}, "invalid_client"},
	} {
		client, err := authenticate(t, clients, "", c.form, once())
		checkRefusal(t, name, err, c.code)
		if (client.ID == "portal") != (c.code == "") {
			t.Errorf("%s: client %q", name, client.ID)
		}
	}
	if _, err := authenticate(t, clients, basic("secretive", "s3cret"), asserted(signed(nil)), once()); err == nil {
		t.Error("two kinds of authentication at once were accepted")
	}
}

func jwk(t *testing.T, key *jose.Key) []byte {
	t.Helper()
	raw, err := json.Marshal(jose.PublicJWK(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func checkRefusal(t *testing.T, name string, err error, code string) {
	t.Helper()
	if err == nil && code == "" {
		return
	}
	e, ok := oauth.As(err)
	switch {
	case !ok || e.Code != code:
		t.Errorf("%s: %v, want %q", name, err, code)
	case code == "invalid_client" && (e.Status != 401 || e.Scheme != "Basic"), code != "invalid_client" && e.Status != 400:
		t.Errorf("%s: status %d, scheme %q", name, e.Status, e.Scheme)
	}
}

func TestClientAssertionIsGoodOnce(t *testing.T) {
	t.Parallel()
	key, others := newKey(t), newKey(t)
	clients := []oauth.Client{{ID: "portal", Key: key.Public()}, {ID: "other", Key: others.Public()}}
	used := once()
	form := asserted(sign(t, key, jose.Header{}, assertion("portal", nil)))
	if _, err := authenticate(t, clients, "", form, used); err != nil {
		t.Fatal(err)
	}
	_, err := authenticate(t, clients, "", form, used)
	checkRefusal(t, "again", err, "invalid_client")
	again := asserted(sign(t, key, jose.Header{Typ: "JWT"}, assertion("portal", nil)))
	_, err = authenticate(t, clients, "", again, used)
	checkRefusal(t, "signed again with the same jti", err, "invalid_client")
	if _, err := authenticate(t, clients, "", asserted(sign(t, others, jose.Header{}, assertion("other", nil))), used); err != nil {
		t.Error("another client's jti is its own: ", err)
	}
}

func TestWrongAssertionDoesNotUseUpTheIdentifier(t *testing.T) {
	t.Parallel()
	key, others := newKey(t), newKey(t)
	clients := []oauth.Client{{ID: "portal", Key: key.Public()}}
	used := once()
	_, err := authenticate(t, clients, "", asserted(sign(t, others, jose.Header{}, assertion("portal", nil))), used)
	checkRefusal(t, "forged", err, "invalid_client")
	if _, err := authenticate(t, clients, "", asserted(sign(t, key, jose.Header{}, assertion("portal", nil))), used); err != nil {
		t.Error(err)
	}
}

func TestStoreThatFailsRefuses(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	broken := func(context.Context, string, time.Time) (bool, error) { return true, errors.New("disk full") }
	client, err := authenticate(t, []oauth.Client{{ID: "portal", Key: key.Public()}}, "", asserted(sign(t, key, jose.Header{}, assertion("portal", nil))), broken)
	if _, shown := oauth.As(err); err == nil || shown || client.ID != "" {
		t.Errorf("nobody knows whether it was used before: %q, %v", client.ID, err)
	}
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

func TestClientSecret(t *testing.T) {
	t.Parallel()
	clients := []oauth.Client{{ID: "admin", Secret: "a+b c%:d"}, {ID: "odd id:x", Secret: "plain"}, {ID: "keyed", Key: newKey(t).Public()}}
	for name, c := range map[string]struct {
		header string
		form   url.Values
		want   string // client; "" when it is refused
	}{
		"form-encoded, as the RFC says": {basic("admin", "a%2Bb+c%25%3Ad"), nil, "admin"},
		"percent-encoded space":         {basic("admin", "a%2Bb%20c%25%3Ad"), nil, "admin"},
		"encoded id":                    {basic("odd+id%3Ax", "plain"), nil, "odd id:x"},
		"lower-case scheme":             {"basic " + strings.TrimPrefix(basic("odd+id%3Ax", "plain"), "Basic "), nil, "odd id:x"},
		"in the form":                   {"", url.Values{"client_id": {"admin"}, "client_secret": {"a+b c%:d"}}, "admin"},
		"not encoded":                   {basic("admin", "a+b c%:d"), nil, ""},
		"wrong":                         {basic("admin", "wrong"), nil, ""},
		"a beginning of it":             {"", url.Values{"client_id": {"admin"}, "client_secret": {"a+b c"}}, ""},
		"empty":                         {basic("admin", ""), nil, ""},
		"no colon":                      {"Basic " + base64.StdEncoding.EncodeToString([]byte("admin")), nil, ""},
		"not base64":                    {"Basic admin:a", nil, ""},
		"another scheme":                {"Bearer " + strings.TrimPrefix(basic("odd+id%3Ax", "plain"), "Basic "), nil, ""},
		"unknown client":                {basic("nobody", "plain"), nil, ""},
		"another client's secret":       {basic("admin", "plain"), nil, ""},
		"client without a secret":       {basic("keyed", ""), nil, ""},
		"header and form":               {basic("odd+id%3Ax", "plain"), url.Values{"client_id": {"odd id:x"}, "client_secret": {"plain"}}, ""},
		"header and another client_id":  {basic("odd+id%3Ax", "plain"), url.Values{"client_id": {"admin"}}, ""},
	} {
		client, err := authenticate(t, clients, c.header, c.form, once())
		if client.ID != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", name, client.ID, err)
		}
	}
}
