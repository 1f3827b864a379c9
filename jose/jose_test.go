package jose_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/jose"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

type claims struct {
	Sub string `json:"sub"`
}

func key(t *testing.T) *jose.Key {
	t.Helper()
	k, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	k := key(t)
	token, err := jose.SignJSON(jose.Header{Typ: "test+jwt", Kid: k.ID}, claims{"amina"}, k)
	if err != nil {
		t.Fatal(err)
	}
	h, err := jose.ParseHeader(token)
	if err != nil || h.Typ != "test+jwt" || h.Kid != k.ID || h.Alg != "ES256" {
		t.Fatalf("%+v %v", h, err)
	}
	var got claims
	if err := jose.Verify(token, k.Public(), []string{"ES256"}, &got); err != nil || got.Sub != "amina" {
		t.Fatal(got, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	k, other := key(t), key(t)
	good, _ := jose.SignJSON(jose.Header{}, claims{"amina"}, k)
	parts := strings.Split(good, ".")
	enc := base64.RawURLEncoding.EncodeToString
	cases := map[string]string{
		"other key":          mustSign(t, other),
		"none":               enc([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"HS256":              enc([]byte(`{"alg":"HS256"}`)) + "." + parts[1] + "." + parts[2],
		"key of its own":     enc([]byte(`{"alg":"ES256","jwk":`+mustJSON(t, jose.PublicJWK(other.Public()))+`}`)) + "." + parts[1] + "." + parts[2],
		"critical extension": enc([]byte(`{"alg":"ES256","crit":["exp"],"exp":1}`)) + "." + parts[1] + "." + parts[2],
		"changed payload":    parts[0] + "." + enc([]byte(`{"sub":"joseph"}`)) + "." + parts[2],
		"four parts":         good + ".x",
		"too long":           parts[0] + "." + strings.Repeat("A", jose.MaxToken) + "." + parts[2],
		"empty":              "",
	}
	for name, token := range cases {
		var got claims
		if err := jose.Verify(token, k.Public(), []string{"ES256"}, &got); !errors.Is(err, jose.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var got claims
	if err := jose.Verify(good, k.Public(), []string{"RS256"}, &got); err == nil {
		t.Error("an algorithm that is not on the list was accepted")
	}
}

func mustSign(t *testing.T, k *jose.Key) string {
	t.Helper()
	s, err := jose.SignJSON(jose.Header{}, claims{"amina"}, k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParseECKey(t *testing.T) {
	t.Parallel()
	private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	k, _ := jose.NewKey(private)
	public := jose.PublicJWK(k.Public())
	raw := mustJSON(t, public)
	_, reduced, err := jose.ParseECKey([]byte(strings.TrimSuffix(raw, "}") + `,"kid":"follow-me","use":"sig"}`))
	if err != nil || reduced != public {
		t.Fatal(reduced, err)
	}
	for name, bad := range map[string]string{
		"private":       strings.TrimSuffix(raw, "}") + `,"d":"AAAA"}`,
		"other curve":   strings.Replace(raw, "P-256", "P-384", 1),
		"symmetric":     `{"kty":"oct","k":"AAAA"}`,
		"off the curve": strings.Replace(raw, public.X, public.Y, 1),
		"not JSON":      `[`,
	} {
		if _, _, err := jose.ParseECKey([]byte(bad)); !errors.Is(err, jose.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The key of RFC 7515 appendix A.3; the thumbprint is what the npm package jose
// computes for it.
func TestThumbprintAgreesWithAnotherImplementation(t *testing.T) {
	t.Parallel()
	k := jose.JWK{Kty: "EC", Crv: "P-256", X: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", Y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
	if got := k.Thumbprint(); got != "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U" {
		t.Fatal(got)
	}
}

func TestStoreMakesOneKeyAtOnceAndKeepsIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/keys"
	ids := make(chan string, 8)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := jose.OpenStore(dir)
			if err != nil {
				t.Error(err)
				return
			}
			k, err := s.Key("credential")
			if err != nil {
				t.Error(err)
				return
			}
			ids <- k.ID
		})
	}
	wg.Wait()
	close(ids)
	first := <-ids
	for id := range ids {
		if id != first {
			t.Fatal("two different keys")
		}
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatal(info.Mode(), err)
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 1 {
		t.Fatalf("%d files left", len(files))
	}
	info, _ = files[0].Info()
	if info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode())
	}
}

func TestLeafChainsToTheRootThatIsNotInTheChain(t *testing.T) {
	t.Parallel()
	s, err := jose.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root, err := s.Authority("root", "Test Root", now)
	if err != nil {
		t.Fatal(err)
	}
	k, leaf, err := root.Leaf("credential", "Test Issuer", "https://issuer.example", now)
	if err != nil {
		t.Fatal(err)
	}
	again, same, err := root.Leaf("credential", "Test Issuer", "https://issuer.example", now.AddDate(0, 1, 0))
	if err != nil || again.ID != k.ID || !same.Equal(leaf) {
		t.Fatal("the leaf was made again: ", err)
	}
	block, _ := pem.Decode(root.PEM())
	anchor, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(anchor)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Fatal(err)
	}
	if leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil {
		t.Fatal("the leaf is self-signed")
	}
	if len(jose.X5C(leaf)) != 1 {
		t.Fatal("x5c must hold the leaf alone")
	}
}
