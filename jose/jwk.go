package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"

	"github.com/lestrrat-go/jwx/v2/cert"
)

// JWK is a public key (RFC 7517), reduced to the members that identify it: a
// wallet's kid or use would become a way to recognise its holder.
type JWK struct {
	Kty string `json:"kty"`
	Crv string `json:"crv,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
}

// PublishedJWK is a key in a key set.
type PublishedJWK struct {
	JWK
	Kid string `json:"kid"`
	Alg string `json:"alg"`
	Use string `json:"use"`
}

// JWKSet is a key set document.
type JWKSet struct {
	Keys []PublishedJWK `json:"keys"`
}

// PublicJWK writes a public key.
func PublicJWK(public crypto.PublicKey) JWK {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		raw, err := k.ECDH()
		if err != nil {
			panic(err) // our own keys are on the curve
		}
		point := raw.Bytes() // 0x04, x, y
		size := (len(point) - 1) / 2
		return JWK{Kty: "EC", Crv: "P-256", X: b64(point[1 : 1+size]), Y: b64(point[1+size:])}
	case *rsa.PublicKey:
		return JWK{Kty: "RSA", N: b64(k.N.Bytes()), E: b64(big.NewInt(int64(k.E)).Bytes())}
	}
	panic("no JWK for this kind of key")
}

// Set is the key set of public keys.
func Set(keys ...*Key) JWKSet {
	set := JWKSet{Keys: []PublishedJWK{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, PublishedJWK{JWK: PublicJWK(k.Public()), Kid: k.ID, Alg: k.Alg, Use: "sig"})
	}
	return set
}

// ParseECKey reads a P-256 public key that a wallet or client sent. A private
// key, another curve and a point off the curve are refused.
func ParseECKey(raw []byte) (*ecdsa.PublicKey, JWK, error) {
	var in struct {
		JWK
		D *string `json:"d"`
		P *string `json:"p"`
		K *string `json:"k"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, JWK{}, tokenError("jwk is not a JSON object")
	}
	if in.D != nil || in.P != nil || in.K != nil {
		return nil, JWK{}, tokenError("jwk holds a private key")
	}
	if in.Kty != "EC" || in.Crv != "P-256" {
		return nil, JWK{}, tokenError("jwk is not an EC key on P-256")
	}
	x, errX := base64.RawURLEncoding.DecodeString(in.X)
	y, errY := base64.RawURLEncoding.DecodeString(in.Y)
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, JWK{}, tokenError("jwk has a wrong x or y")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, JWK{}, tokenError("jwk is not a point on P-256")
	}
	return public, PublicJWK(public), nil // one spelling: the last character of x and y has bits to spare
}

// Thumbprint is the key's SHA-256 thumbprint (RFC 7638), base64url.
func (k JWK) Thumbprint() string {
	// The required members in lexicographic order, without spaces.
	var canonical []byte
	switch k.Kty {
	case "EC":
		canonical, _ = json.Marshal(struct {
			Crv string `json:"crv"`
			Kty string `json:"kty"`
			X   string `json:"x"`
			Y   string `json:"y"`
		}{k.Crv, k.Kty, k.X, k.Y})
	case "RSA":
		canonical, _ = json.Marshal(struct {
			E   string `json:"e"`
			Kty string `json:"kty"`
			N   string `json:"n"`
		}{k.E, k.Kty, k.N})
	}
	sum := sha256.Sum256(canonical)
	return b64(sum[:])
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func chain(x5c []string) *cert.Chain {
	var c cert.Chain
	for _, der := range x5c {
		_ = c.AddString(der)
	}
	return &c
}

var errNoKey = errors.New("no PEM block")
