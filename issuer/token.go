package issuer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/oauth"
	"daftar/registry/credentials"
	"daftar/web"
)

// tokenTTL keeps to the five minutes that a Bearer token may live at most
// (OpenID4VCI 1.0 section 13.10).
const tokenTTL = 5 * time.Minute

// token exchanges a pre-authorized code for an access token (OpenID4VCI 1.0
// section 6). The token is opaque; with a DPoP proof it is bound to its key.
func (is *Issuer) token(c *web.Ctx) error {
	if !contentType(c, fiber.MIMEApplicationForm) {
		return oauth.Fail("invalid_request", "the body must be a form")
	}
	form, err := url.ParseQuery(string(c.Body()))
	if err != nil {
		return oauth.Fail("invalid_request", "the form cannot be read")
	}
	for _, values := range form {
		if len(values) > 1 {
			return oauth.Fail("invalid_request", "a parameter is repeated")
		}
	}
	if form.Get("grant_type") != preAuthorized {
		return oauth.Fail("unsupported_grant_type", "only the pre-authorized code grant is supported")
	}
	if form.Get("pre-authorized_code") == "" {
		return oauth.Fail("invalid_request", "pre-authorized_code is missing")
	}
	proof, err := is.proof(c, "/token", "")
	if err != nil {
		return err
	}
	answer, err := is.grant(c, form, proof)
	if err != nil {
		return err
	}
	return c.JSON(fiber.StatusOK, answer)
}

// proof checks the DPoP header, if there is one, and that it was not used
// before.
func (is *Issuer) proof(c *web.Ctx, path, token string) (oauth.Proof, error) {
	headers := c.Headers("DPoP")
	if len(headers) == 0 {
		return oauth.Proof{}, nil
	}
	if len(headers) > 1 { // RFC 9449 section 4.3, point 1
		return oauth.Proof{}, oauth.Fail("invalid_dpop_proof", "more than one proof")
	}
	proof, err := oauth.VerifyProof(headers[0], fiber.MethodPost, is.Origin+path, token, is.DB.Now())
	if err != nil {
		return proof, err
	}
	var first bool
	err = is.DB.WithTx(c.Context(), who, func(tx db.Tx) (err error) {
		first, err = tx.Once("dpop", proof.ID, proof.Expires)
		return err
	})
	if err == nil && !first {
		err = oauth.Fail("invalid_dpop_proof", "the proof was used before")
	}
	return proof, err
}

func (is *Issuer) grant(c *web.Ctx, form url.Values, proof oauth.Proof) (object, error) {
	secret := make([]byte, 32)
	if _, err := io.ReadFull(is.DB.Rand(), secret); err != nil {
		return nil, err
	}
	token := base64.RawURLEncoding.EncodeToString(secret)
	answer := object{"access_token": token, "token_type": "Bearer", "expires_in": int(tokenTTL.Seconds())}
	if proof.JKT != "" {
		answer["token_type"] = "DPoP"
	}
	var refusal credentials.Refusal
	err := is.DB.WithTx(c.Context(), who, func(tx db.Tx) error {
		// user_pin is what the drafts called tx_code; some wallets send both.
		txCode := form.Get("tx_code")
		if txCode == "" {
			txCode = form.Get("user_pin")
		}
		offer, refused, err := credentials.Redeem(tx, is.Codes, form.Get("pre-authorized_code"), txCode, c.IP())
		refusal = refused
		if err != nil || refusal != credentials.Redeemable {
			return err
		}
		// An error rolls the redemption back: what the wallet asked wrongly does
		// not cost the holder their code.
		details, err := authorizationDetails(form.Get("authorization_details"), offer.Type)
		if err != nil {
			return err
		}
		if details != nil {
			answer["authorization_details"] = details
		}
		sum := sha256.Sum256([]byte(token))
		return tx.Exec(`
			insert into wallet_token (hash, offer_id, person_id, type, jkt, created_at, expires_at)
			values ($1, $2, $3, $4, nullif($5, ''), $6, $7)`,
			sum[:], offer.ID, offer.Person, offer.Type, proof.JKT, tx.Now(), tx.Now().Add(tokenTTL))
	})
	if err != nil {
		return nil, err
	}
	switch refusal {
	case credentials.WrongCode:
		return nil, oauth.Fail("invalid_grant", "the code is unknown, used or expired")
	case credentials.WrongTx:
		return nil, oauth.Fail("invalid_grant", "the transaction code is wrong")
	case credentials.TooOften:
		return nil, &oauth.Error{Code: "slow_down", Description: "too many codes from this address were wrong", Status: fiber.StatusTooManyRequests}
	case credentials.MissingTx:
		return nil, oauth.Fail("invalid_request", "tx_code is missing")
	}
	return answer, nil
}

// authorizationDetails answers the parameter with the identifier of the one
// dataset that the offer stands for, and only when it was sent: wallets get
// confused by identifiers that they did not ask for.
func authorizationDetails(parameter, typeID string) ([]object, error) {
	if parameter == "" {
		return nil, nil
	}
	var asked []struct {
		Type string `json:"type"`
		ID   string `json:"credential_configuration_id"`
	}
	if json.Unmarshal([]byte(parameter), &asked) != nil {
		return nil, oauth.Fail("invalid_authorization_details", "not a list of details")
	}
	var granted []object
	for _, a := range asked {
		if a.Type == "openid_credential" && a.ID == typeID {
			granted = append(granted, object{"type": a.Type, "credential_configuration_id": a.ID, "credential_identifiers": []string{typeID}})
		}
	}
	if granted == nil {
		return nil, oauth.Fail("invalid_authorization_details", "the offer is for another credential")
	}
	return granted, nil
}

// access is a verified access token.
type access struct {
	Offer  db.ID   `db:"offer_id"`
	Person db.ID   `db:"person_id"`
	Type   string  `db:"type"`
	JKT    *string `db:"jkt"`
}

// authorize checks the access token of a request to path. A token that is bound
// to a key needs its proof; there is no way back to Bearer.
func (is *Issuer) authorize(c *web.Ctx, path string) (access, error) {
	scheme, token, _ := strings.Cut(c.Header(fiber.HeaderAuthorization), " ")
	bound := strings.EqualFold(scheme, "DPoP")
	if !bound && !strings.EqualFold(scheme, "Bearer") || token == "" {
		return access{}, &oauth.Error{Code: "invalid_token", Description: "an access token is needed", Status: fiber.StatusUnauthorized, Scheme: oauth.AnyScheme}
	}
	challenge := "Bearer"
	if bound {
		challenge = "DPoP"
	}
	var a access
	err := is.DB.View(c.Context(), who, func(tx db.Tx) error {
		sum := sha256.Sum256([]byte(token))
		return tx.Get(&a, `select offer_id, person_id, type, jkt from wallet_token where hash = $1 and expires_at > $2`, sum[:], tx.Now())
	})
	if fault.Is(err, fault.NotFound) {
		return a, oauth.Unauthorized(challenge, "invalid_token", "the token is unknown or over")
	}
	if err != nil {
		return a, err
	}
	if bound != (a.JKT != nil) {
		return a, oauth.Unauthorized(challenge, "invalid_token", "the token is of another type")
	}
	if !bound {
		return a, nil
	}
	proof, err := is.proof(c, path, token)
	if e, ok := oauth.As(err); ok {
		return a, oauth.Unauthorized("DPoP", e.Code, e.Description)
	}
	if err == nil && proof.JKT == "" {
		return a, oauth.Unauthorized("DPoP", "invalid_dpop_proof", "a DPoP proof is needed")
	}
	if err == nil && proof.JKT != *a.JKT {
		err = oauth.Unauthorized("DPoP", "invalid_token", "the token is bound to another key")
	}
	return a, err
}
