package issuer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/web"
)

// NonceTTL is how long a nonce may be used.
const NonceTTL = 5 * time.Minute

// A nonce is its time of birth and 16 random bytes under a MAC: minting one
// costs no row, so that asking for nonces cannot fill the database. Using one
// does (db.Tx.Once).
const (
	nonceBody = 8 + 16
	nonceMAC  = 16
)

// nonce mints a c_nonce (OpenID4VCI 1.0 section 7).
func (is *Issuer) nonce(c *web.Ctx) error {
	body := make([]byte, nonceBody)
	binary.BigEndian.PutUint64(body, uint64(is.DB.Now().Unix()))
	if _, err := io.ReadFull(is.DB.Rand(), body[8:]); err != nil {
		return err
	}
	return c.JSON(fiber.StatusOK, object{"c_nonce": base64.RawURLEncoding.EncodeToString(append(body, is.mac(body)...))})
}

func (is *Issuer) mac(body []byte) []byte {
	m := hmac.New(sha256.New, is.NonceKey)
	m.Write([]byte("c_nonce"))
	m.Write(body)
	return m.Sum(nil)[:nonceMAC]
}

// checkNonce reports whether this server minted a nonce that is not too old,
// and until when it could be used.
func (is *Issuer) checkNonce(nonce string) (time.Time, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(raw) != nonceBody+nonceMAC || !hmac.Equal(raw[nonceBody:], is.mac(raw[:nonceBody])) {
		return time.Time{}, false
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(raw)), 0).Add(NonceTTL)
	return expires, is.DB.Now().Before(expires)
}
