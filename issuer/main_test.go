package issuer_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/i18n"
	"daftar/issuer"
	"daftar/jose"
	"daftar/locales"
	"daftar/registry/credentials"
	"daftar/web"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

type object = map[string]any

const (
	origin        = "https://issuer.example"
	preAuthorized = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
	form          = "application/x-www-form-urlencoded"
)

var (
	worker  = db.Principal{Role: db.Jobs, Kind: "job"}
	officer = db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1}}
)

// system is the issuer's own routes on a listener, over the demo country.
type system struct {
	db     *db.DB
	clock  *dbtest.Clock
	codes  credentials.Codes
	root   []byte
	status *jose.Key
	url    string
}

// fixed is a random source that is the same in every run.
type fixed struct {
	mu sync.Mutex
	r  *mrand.ChaCha8
}

func (f *fixed) Read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.r.Read(b)
}

func newSystem(t *testing.T) *system {
	t.Helper()
	raw := dbtest.New(t)
	d, err := db.Open(db.Config{
		URL:   func(r db.Role) string { return raw.URL(r.Login()) },
		Clock: raw.Clock.Now, Rand: &fixed{r: mrand.NewChaCha8([32]byte{1})}, Conns: 8,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	if err := demo.Seed(t.Context(), d, map[string]string{"citizen": "http://c.example", "staff": "http://s.example"}); err != nil {
		t.Fatal(err)
	}
	s := &system{db: d, clock: raw.Clock, codes: credentials.Codes{Key: []byte("codes")}}
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	keys := keyStore(t)
	root, err := keys.Authority("root", "Test root", dbtest.Start)
	if err != nil {
		t.Fatal(err)
	}
	s.root = root.PEM()
	leaf := func(name string) func() (issuer.Signer, error) {
		key, cert, err := root.Leaf(name, "Test "+name, origin, dbtest.Start)
		if name == "status" {
			s.status = key
		}
		return func() (issuer.Signer, error) { return issuer.Signer{Key: key, Cert: cert}, err }
	}
	is := issuer.New(issuer.Config{
		Origin: origin, DB: d, Messages: messages, Codes: s.codes, NonceKey: []byte("nonces"), Clock: raw.Clock.Now,
		Credential: leaf("credential"), Status: leaf("status"),
	})
	site := web.New(web.Config{
		Name: "issuer", Origin: origin, DB: d, Messages: messages, Log: slog.New(slog.DiscardHandler), Clock: raw.Clock.Now,
		Failed: issuer.Failed,
	})
	site.Mount(is.Routes()...)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = site.Serve(ln, nil) }()
	t.Cleanup(func() { _ = site.Shutdown(t.Context()) })
	s.url = "http://" + ln.Addr().String()
	return s
}

// keyStore holds the same private keys in every run.
func keyStore(t *testing.T) *jose.Store {
	t.Helper()
	dir := t.TempDir()
	for i, name := range []string{"root", "credential", "status"} {
		der, err := x509.MarshalPKCS8PrivateKey(fixedKey(t, byte(100+i)))
		if err != nil {
			t.Fatal(err)
		}
		block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, name+".key.pem"), block, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store, err := jose.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// fixedKey is the n-th private key, for n > 0.
func fixedKey(t *testing.T, n byte) *ecdsa.PrivateKey {
	t.Helper()
	scalar := make([]byte, 32)
	scalar[31] = n
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	raw    []byte
	json   object
}

func (a answer) code() string { s, _ := a.json["error"].(string); return s }
func (a answer) str(name string) string {
	s, _ := a.json[name].(string)
	return s
}

// call makes a request. Whatever is sent, the answer is JSON (or nothing), says
// how long it may be kept, may be read by any origin and is no failure of ours.
func (s *system) call(t *testing.T, method, path, contentType string, body []byte, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.raw, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	a.check(t, method+" "+path)
	return a
}

func (a *answer) check(t *testing.T, what string) {
	t.Helper()
	if a.status >= 500 && a.status != http.StatusNotImplemented || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Date") == "" {
		t.Errorf("%s: %d %v %s", what, a.status, a.header, a.raw)
	}
	kind, kept := a.header.Get("Content-Type"), a.header.Get("Cache-Control")
	if len(a.raw) == 0 {
		return
	}
	if a.status >= 400 && kept != "no-store" || kept == "" {
		t.Errorf("%s: %d with Cache-Control %q", what, a.status, kept)
	}
	if kind == "application/statuslist+jwt" {
		return
	}
	if json.Unmarshal(a.raw, &a.json) != nil || !strings.HasPrefix(kind, "application/json") {
		t.Errorf("%s: %d %s: %.200s", what, a.status, kind, a.raw)
	}
	if a.status >= 400 && a.code() == "" {
		t.Errorf("%s: %d without an error code: %s", what, a.status, a.raw)
	}
	for _, r := range a.str("error_description") { // RFC 6749 section 5.2
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			t.Errorf("%s: error_description %q", what, a.str("error_description"))
		}
	}
}

func (s *system) get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	return s.call(t, http.MethodGet, path, "", nil, headers...)
}

func (s *system) do(t *testing.T, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := s.db.WithTx(t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

// person is the record of somebody of the demo.
func (s *system) person(t *testing.T, key string) (id db.ID) {
	t.Helper()
	s.do(t, worker, func(tx db.Tx) (err error) { id, err = demo.Person(tx, key); return err })
	return id
}

func (s *system) offer(t *testing.T, key, typeID string) (o credentials.Offer) {
	t.Helper()
	holder := s.person(t, key)
	s.do(t, officer, func(tx db.Tx) (err error) {
		o, err = credentials.Make(tx, holder, typeID, credentials.ChannelCounter, s.codes)
		return err
	})
	return o
}

// redeem asks for a token with the offer's codes, changed by the pairs of name
// and value that follow; "" takes a parameter out.
func (s *system) redeem(t *testing.T, o credentials.Offer, dpop string, changes ...string) answer {
	t.Helper()
	q := url.Values{"grant_type": {preAuthorized}, "pre-authorized_code": {s.codes.PreAuthorized(o.Ref)}, "tx_code": {s.codes.Tx(o.Ref)}}
	for i := 0; i+1 < len(changes); i += 2 {
		if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	var headers []string
	if dpop != "" {
		headers = []string{"DPoP", dpop}
	}
	return s.call(t, http.MethodPost, "/token", form, []byte(q.Encode()), headers...)
}

// token is a Bearer token for a fresh offer.
func (s *system) token(t *testing.T, key, typeID string) string {
	t.Helper()
	a := s.redeem(t, s.offer(t, key, typeID), "")
	if a.status != http.StatusOK {
		t.Fatalf("token: %d %s", a.status, a.raw)
	}
	return a.str("access_token")
}

func (s *system) nonce(t *testing.T) string {
	t.Helper()
	return s.call(t, http.MethodPost, "/nonce", "", nil).str("c_nonce")
}

// send posts JSON with a Bearer token.
func (s *system) send(t *testing.T, path, token string, body any) answer {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return s.call(t, http.MethodPost, path, "application/json", raw, "Authorization", "Bearer "+token)
}

func ask(typeID string, proofs ...string) object {
	return object{"credential_configuration_id": typeID, "proofs": object{"jwt": proofs}}
}

// proof is a right key proof of the n-th key.
func (s *system) proof(t *testing.T, n byte, nonce string) string {
	t.Helper()
	return s.bent(t, n, nonce, nil, nil)
}

// bent is a key proof with its header and claims changed.
func (s *system) bent(t *testing.T, n byte, nonce string, header, claims func(object)) string {
	t.Helper()
	h := object{"typ": "openid4vci-proof+jwt", "alg": "ES256", "jwk": jwk(t, n)}
	c := object{"aud": origin, "iat": s.clock.Now().Unix(), "nonce": nonce}
	if header != nil {
		header(h)
	}
	if claims != nil {
		claims(c)
	}
	return sign(t, fixedKey(t, n), h, c)
}

// dpop is a DPoP proof of the n-th key for a POST to path, changed by change.
func (s *system) dpop(t *testing.T, n byte, path, token string, change func(object)) string {
	t.Helper()
	c := object{"jti": strconv.Itoa(int(mrand.Int32())), "htm": "POST", "htu": origin + path, "iat": s.clock.Now().Unix()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		c["ath"] = b64(sum[:])
	}
	if change != nil {
		change(c)
	}
	return sign(t, fixedKey(t, n), object{"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(t, n)}, c)
}

func jwk(t *testing.T, n byte) object {
	t.Helper()
	public := jose.PublicJWK(fixedKey(t, n).Public())
	return object{"kty": public.Kty, "crv": public.Crv, "x": public.X, "y": public.Y}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unsigned(t *testing.T, header, claims object) string {
	t.Helper()
	h, err1 := json.Marshal(header)
	c, err2 := json.Marshal(claims)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return b64(h) + "." + b64(c)
}

// sign signs by hand, so that the header may hold anything (RFC 7518 section
// 3.4).
func sign(t *testing.T, key *ecdsa.PrivateKey, header, claims object) string {
	t.Helper()
	body := unsigned(t, header, claims)
	sum := sha256.Sum256([]byte(body))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return body + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// refused checks an error answer.
func refused(t *testing.T, what string, a answer, status int, code string) {
	t.Helper()
	if a.status != status || a.code() != code {
		t.Errorf("%s: %d %s, want %d %s", what, a.status, a.raw, status, code)
	}
}
