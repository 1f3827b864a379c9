package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"daftar/jose"
)

// Proof is a verified DPoP proof (RFC 9449).
type Proof struct {
	JKT     string    // thumbprint of the client's key
	ID      string    // jti with the key: to be used once
	Expires time.Time // when it may be forgotten
}

// Accepted age of a proof. Phones have wrong clocks, so a minute ahead is
// borne; nothing older than this is looked at.
const (
	proofAge   = 2 * time.Minute
	proofAhead = time.Minute
)

// VerifyProof checks the DPoP header of a request to target, a public URL. For
// a protected resource, token is the access token that the proof must be bound
// to. The caller consumes Proof.ID.
func VerifyProof(header, method, target, token string, now time.Time) (Proof, error) {
	refuse := func(why string) (Proof, error) { return Proof{}, Fail("invalid_dpop_proof", why) }
	h, err := jose.ParseHeader(header)
	if err != nil || h.Typ != "dpop+jwt" || len(h.JWK) == 0 {
		return refuse("not a DPoP proof")
	}
	public, key, err := jose.ParseECKey(h.JWK)
	if err != nil {
		return refuse("the key is not usable")
	}
	var claims struct {
		HTM string `json:"htm"`
		HTU string `json:"htu"`
		IAT int64  `json:"iat"`
		JTI string `json:"jti"`
		ATH string `json:"ath"`
	}
	if err := jose.Verify(header, public, []string{"ES256"}, &claims); err != nil {
		return refuse("the signature is wrong")
	}
	issued := time.Unix(claims.IAT, 0)
	switch {
	case claims.JTI == "" || len(claims.JTI) > 200:
		return refuse("jti is missing")
	case claims.HTM != method:
		return refuse("htm is another method")
	case !sameTarget(claims.HTU, target):
		return refuse("htu is another address")
	case now.Sub(issued) > proofAge || issued.Sub(now) > proofAhead:
		return refuse("iat is not now")
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		if claims.ATH != base64.RawURLEncoding.EncodeToString(sum[:]) {
			return refuse("ath is another token")
		}
	}
	jkt := key.Thumbprint()
	return Proof{JKT: jkt, ID: jkt + "|" + claims.JTI, Expires: issued.Add(proofAge + proofAhead)}, nil
}

// sameTarget compares addresses without query and fragment (RFC 9449 section
// 4.3, point 9).
func sameTarget(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	if errX != nil || errY != nil {
		return false
	}
	return strings.EqualFold(x.Scheme, y.Scheme) && strings.EqualFold(hostPort(x), hostPort(y)) && x.EscapedPath() == y.EscapedPath()
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if strings.EqualFold(u.Scheme, "https") {
		return u.Host + ":443"
	}
	return u.Host + ":80"
}
