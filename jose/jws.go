// Package jose signs and verifies, keeps the signing keys, and is the only
// package that imports jwx: a move to its next major version touches this
// package alone. Payloads come from encoding/json, never from jwx's builders.
package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// Header holds the protected header's members that Daftar reads or writes
// (RFC 7515 section 4.1).
type Header struct {
	Alg string          `json:"alg"`
	Typ string          `json:"typ,omitempty"`
	Kid string          `json:"kid,omitempty"`
	X5c []string        `json:"x5c,omitempty"` // base64 DER, the signer's first
	JWK json.RawMessage `json:"jwk,omitempty"`
	JKU string          `json:"jku,omitempty"`
	Crt []string        `json:"crit,omitempty"`
}

// Sign makes a compact JWS of payload with key. alg is the key's own.
func Sign(h Header, payload []byte, key *Key) (string, error) {
	headers := jws.NewHeaders()
	for name, value := range map[string]string{jws.TypeKey: h.Typ, jws.KeyIDKey: h.Kid} {
		if value == "" {
			continue
		}
		if err := headers.Set(name, value); err != nil {
			return "", err
		}
	}
	if len(h.JWK) > 0 {
		public, err := jwk.ParseKey(h.JWK)
		if err != nil {
			return "", err
		}
		if err := headers.Set(jws.JWKKey, public); err != nil {
			return "", err
		}
	}
	if len(h.X5c) > 0 {
		if err := headers.Set(jws.X509CertChainKey, chain(h.X5c)); err != nil {
			return "", err
		}
	}
	out, err := jws.Sign(payload, jws.WithKey(jwa.SignatureAlgorithm(key.Alg), key.signer, jws.WithProtectedHeaders(headers)))
	return string(out), err
}

// SignJSON signs the JSON of claims.
func SignJSON(h Header, claims any, key *Key) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return Sign(h, payload, key)
}

// ErrToken says that a token cannot be used; its text is safe to show to the
// client that sent it.
var ErrToken = errors.New("token")

func tokenError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrToken}, args...)...)
}

// MaxToken is the longest compact JWS that is looked at, in bytes.
const MaxToken = 16 << 10

// ParseHeader reads the protected header of a compact JWS without trusting it.
func ParseHeader(compact string) (Header, error) {
	var h Header
	if len(compact) > MaxToken {
		return h, tokenError("too long")
	}
	if strings.Count(compact, ".") != 2 {
		return h, tokenError("not a compact JWS")
	}
	first, _, _ := strings.Cut(compact, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return h, tokenError("the header is not base64url")
	}
	if err := strictJSON(raw, &h); err != nil {
		return h, tokenError("the header is not JSON")
	}
	if len(h.Crt) > 0 {
		return h, tokenError("unknown critical header %q", h.Crt[0])
	}
	return h, nil
}

// Verify checks the signature of a compact JWS with a public key and one of
// the algorithms, and decodes the payload into claims. It never looks at a key
// that the token brings along.
func Verify(compact string, public crypto.PublicKey, algs []string, claims any) error {
	h, err := ParseHeader(compact)
	if err != nil {
		return err
	}
	if !slices.Contains(algs, h.Alg) || !fits(h.Alg, public) {
		return tokenError("algorithm %q is not accepted", h.Alg)
	}
	payload, err := jws.Verify([]byte(compact), jws.WithKey(jwa.SignatureAlgorithm(h.Alg), public))
	if err != nil {
		return tokenError("the signature is wrong")
	}
	if err := strictJSON(payload, claims); err != nil {
		return tokenError("the payload is not the JSON expected")
	}
	return nil
}

// fits keeps a key to its own kind of algorithm: no HMAC with a public key.
func fits(alg string, public crypto.PublicKey) bool {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		return alg == "ES256" && k.Curve == elliptic.P256()
	case *rsa.PublicKey:
		return (alg == "RS256" || alg == "PS256") && k.N.BitLen() >= 2048
	}
	return false
}

// strictJSON decodes exactly one JSON value.
func strictJSON(raw []byte, dst any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(dst); err != nil {
		return err
	}
	if d.More() {
		return errors.New("trailing data")
	}
	return nil
}
