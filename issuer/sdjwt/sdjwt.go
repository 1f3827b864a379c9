// Package sdjwt writes SD-JWTs (RFC 9901): claims that the holder discloses one
// by one. It knows the encoding and nothing of credentials.
package sdjwt

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"daftar/jose"
)

// Disclosure is one claim that can be disclosed on its own (RFC 9901 section
// 4.2.1).
type Disclosure struct {
	Encoded string // base64url of the JSON array
	Digest  string // base64url of its SHA-256
}

// NewDisclosure makes the disclosure of an object property with a fresh
// 128-bit salt.
func NewDisclosure(name string, value any, random io.Reader) (Disclosure, error) {
	salt, err := salt(random)
	if err != nil {
		return Disclosure{}, err
	}
	return encode(salt, name, value)
}

func encode(salt, name string, value any) (Disclosure, error) {
	raw, err := json.Marshal([]any{salt, name, value})
	if err != nil {
		return Disclosure{}, err
	}
	encoded := base64.RawURLEncoding.EncodeToString(raw)
	return Disclosure{Encoded: encoded, Digest: digest(encoded)}, nil
}

func salt(random io.Reader) (string, error) {
	b := make([]byte, 16)
	_, err := io.ReadFull(random, b)
	return base64.RawURLEncoding.EncodeToString(b), err
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Token is an SD-JWT to be signed.
type Token struct {
	Header jose.Header
	Always map[string]any // never disclosable: iss, exp, cnf, vct, status
	Hidden map[string]any // each disclosable
	// Digests is how many digests the token shows: decoys fill up what Hidden
	// does not (RFC 9901 section 4.2.5), so that an absent claim does not show.
	Digests int
}

// Sign makes the token with its disclosures, in the form that an issuer sends:
// <JWT>~<disclosure>~...~ (RFC 9901 section 4).
func Sign(t Token, key *jose.Key, random io.Reader) (string, error) {
	var disclosures []Disclosure
	var digests []string
	for _, name := range slices.Sorted(maps.Keys(t.Hidden)) {
		d, err := NewDisclosure(name, t.Hidden[name], random)
		if err != nil {
			return "", err
		}
		disclosures = append(disclosures, d)
		digests = append(digests, d.Digest)
	}
	for len(digests) < t.Digests {
		decoy, err := salt(random)
		if err != nil {
			return "", err
		}
		digests = append(digests, digest(decoy))
	}
	if err := shuffle(digests, random); err != nil {
		return "", err
	}
	payload := map[string]any{"_sd": digests, "_sd_alg": "sha-256"}
	for name, value := range t.Always {
		payload[name] = value
	}
	jwt, err := jose.SignJSON(t.Header, payload, key)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(jwt)
	b.WriteByte('~')
	for _, d := range disclosures {
		b.WriteString(d.Encoded)
		b.WriteByte('~')
	}
	return b.String(), nil
}

// shuffle hides the order of the claims.
func shuffle(s []string, random io.Reader) error {
	var seed [32]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return err
	}
	rand.New(rand.NewChaCha8(seed)).Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	return nil
}
