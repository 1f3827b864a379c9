package sdjwt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"daftar/jose"
)

// RFC 9901 section 4.2.3: the digest of a disclosure is taken over its encoded
// form, whatever the spacing of the JSON in it.
func TestDigestOfTheRFC(t *testing.T) {
	t.Parallel()
	const encoded = "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd"
	if got := digest(encoded); got != "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4" {
		t.Fatal(got)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	d, err := encode("2GLC42sKQveCfGfryNRN9w", "given_name", "آمنة")
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(d.Encoded)
	if string(raw) != `["2GLC42sKQveCfGfryNRN9w","given_name","آمنة"]` || d.Digest != digest(d.Encoded) {
		t.Fatalf("%s %s", raw, d.Digest)
	}
}

// counter is a random source that never repeats and can be replayed.
type counter struct{ n byte }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = c.n
		c.n++
	}
	return len(b), nil
}

func TestSignHidesWhatIsAbsent(t *testing.T) {
	t.Parallel()
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	token, err := Sign(Token{
		Header: jose.Header{Typ: "dc+sd-jwt"}, Digests: 4,
		Always: map[string]any{"vct": "https://example.org/vct"},
		Hidden: map[string]any{"district": "North", "size": 5},
	}, key, &counter{})
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, "~")
	if len(parts) != 4 || parts[3] != "" {
		t.Fatalf("%d parts", len(parts))
	}
	var payload struct {
		SD     []string `json:"_sd"`
		Alg    string   `json:"_sd_alg"`
		VCT    string   `json:"vct"`
		Leaked any      `json:"district"`
	}
	if err := jose.Verify(parts[0], key.Public(), []string{"ES256"}, &payload); err != nil {
		t.Fatal(err)
	}
	if len(payload.SD) != 4 || payload.Alg != "sha-256" || payload.VCT == "" || payload.Leaked != nil {
		t.Fatalf("%+v", payload)
	}
	for _, disclosure := range parts[1:3] {
		if !strings.Contains(strings.Join(payload.SD, " "), digest(disclosure)) {
			t.Error("a disclosure has no digest")
		}
		raw, _ := base64.RawURLEncoding.DecodeString(disclosure)
		var array []any
		if json.Unmarshal(raw, &array) != nil || len(array) != 3 {
			t.Errorf("disclosure %s", raw)
		}
		salt, err := base64.RawURLEncoding.DecodeString(array[0].(string))
		if err != nil || len(salt) != 16 {
			t.Error("the salt is not 128 bits")
		}
	}
	if bytes.Contains([]byte(parts[0]), []byte("North")) {
		t.Error("a hidden value is in the token")
	}
}
