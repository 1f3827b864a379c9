package issuer

import (
	"encoding/json"
	"maps"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/issuer/sdjwt"
	"daftar/jose"
	"daftar/oauth"
	"daftar/registry/credentials"
	"daftar/web"
)

// request is a credential request (OpenID4VCI 1.0 section 8.2) with the key
// proofs of the one type that we take. Members that are not known are ignored.
type request struct {
	configuration, identifier string
	proofs                    []string
}

// credential issues one credential per proven key. The ledger knows of every
// copy before it is signed.
func (is *Issuer) credential(c *web.Ctx) error {
	token, err := is.authorize(c, "/credential")
	if err != nil {
		return err
	}
	req, err := parseRequest(c, token)
	if err != nil {
		return err
	}
	keys, nonces, err := is.verifyProofs(req.proofs)
	if err != nil {
		return err
	}
	t, err := typeOf(token.Type)
	if err != nil {
		return err
	}
	var data credentials.Dataset
	var issuance credentials.Issuance
	err = is.DB.WithTx(c.Context(), who, func(tx db.Tx) error {
		for nonce, expires := range nonces {
			first, err := tx.Once("c_nonce", nonce, expires)
			if err != nil {
				return err
			}
			if !first {
				return oauth.Fail("invalid_nonce", "the nonce was used before")
			}
		}
		var offer credentials.Offer
		if offer, err = credentials.OfferByID(tx, token.Offer); err != nil {
			return err
		}
		if t, err = credentials.Load(tx, t.ID); err != nil { // with what definitions make of it now
			return err
		}
		if data, err = credentials.Data(tx, t, token.Person, offer.Decision); err != nil {
			return err
		}
		issuance, err = credentials.Note(tx, offer, t, data, thumbprints(keys))
		return err
	})
	if fault.Is(err, fault.TooMany) {
		return oauth.Fail("credential_request_denied", "this offer has yielded all the copies it can")
	}
	if fault.Is(err, fault.Conflict) {
		return oauth.Fail("credential_request_denied", "the holder is not entitled to this credential any more")
	}
	if err != nil {
		return err
	}
	list, err := is.sign(t, data, issuance, keys)
	if err != nil {
		return err
	}
	return c.JSON(fiber.StatusOK, object{"credentials": list, "notification_id": issuance.Notification})
}

// thumbprints are what the ledger keeps of the wallet's keys.
func thumbprints(keys []jose.JWK) []string {
	var list []string
	for _, k := range keys {
		list = append(list, k.Thumbprint())
	}
	return list
}

func parseRequest(c *web.Ctx, token access) (request, error) {
	var req request
	members, err := oauth.Object(c.Body())
	if !contentType(c, fiber.MIMEApplicationJSON) || err != nil {
		return req, oauth.Fail("invalid_credential_request", "the body must be a JSON object")
	}
	var err1, err2 error
	req.configuration, err1 = oauth.Text(members, "credential_configuration_id")
	req.identifier, err2 = oauth.Text(members, "credential_identifier")
	encryption := string(members["credential_response_encryption"])
	switch {
	case err1 != nil || err2 != nil || (req.configuration == "") == (req.identifier == ""):
		return req, oauth.Fail("invalid_credential_request", "either credential_configuration_id or credential_identifier is needed")
	case req.configuration != "" && req.configuration != token.Type:
		return req, oauth.Fail("unknown_credential_configuration", "the token is not for this configuration")
	case req.identifier != "" && req.identifier != token.Type:
		return req, oauth.Fail("unknown_credential_identifier", "the token is not for this credential")
	case encryption != "" && encryption != "null":
		return req, oauth.Fail("invalid_encryption_parameters", "encrypted responses are not supported")
	}
	req.proofs, err = parseProofs(members["proofs"])
	return req, err
}

// parseProofs reads the member "proofs": an object with exactly one member,
// whose name is the type of the proofs.
func parseProofs(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 {
		return nil, oauth.Fail("invalid_proof", "proofs is missing")
	}
	byType, err := oauth.Object(raw)
	if err != nil || len(byType) != 1 {
		return nil, oauth.Fail("invalid_credential_request", "proofs must be an object with proofs of one type")
	}
	var list []string
	switch proofs, ok := byType["jwt"]; {
	case !ok:
		return nil, oauth.Fail("invalid_proof", "only proofs of type jwt are supported")
	case json.Unmarshal(proofs, &list) != nil:
		return nil, oauth.Fail("invalid_credential_request", "proofs.jwt must be an array of proofs")
	case len(list) == 0:
		return nil, oauth.Fail("invalid_proof", "proofs.jwt is empty")
	case len(list) > BatchSize:
		return nil, oauth.Fail("invalid_credential_request", "at most "+strconv.Itoa(BatchSize)+" proofs at once")
	}
	return list, nil
}

// proofAge bounds the iat of a proof; what really limits it is the nonce.
const (
	proofAge   = 10 * time.Minute
	proofAhead = time.Minute
)

// verifyProofs checks every key proof (OpenID4VCI 1.0 appendix F.1) and returns
// the holder's keys, all different, with the nonces to consume: one nonce may
// serve all proofs of one request.
func (is *Issuer) verifyProofs(proofs []string) ([]jose.JWK, map[string]time.Time, error) {
	var keys []jose.JWK
	nonces, seen := map[string]time.Time{}, map[jose.JWK]bool{}
	for _, proof := range proofs {
		key, nonce, err := is.verifyProof(proof)
		if err != nil {
			return nil, nil, err
		}
		expires, ok := is.checkNonce(nonce)
		if !ok {
			return nil, nil, oauth.Fail("invalid_nonce", "the nonce is unknown or over")
		}
		if seen[key] {
			return nil, nil, oauth.Fail("invalid_proof", "each proof needs a key of its own")
		}
		seen[key], nonces[nonce] = true, expires
		keys = append(keys, key)
	}
	return keys, nonces, nil
}

func (is *Issuer) verifyProof(proof string) (jose.JWK, string, error) {
	refuse := func(why string) (jose.JWK, string, error) { return jose.JWK{}, "", oauth.Fail("invalid_proof", why) }
	h, err := jose.ParseHeader(proof)
	switch {
	case err != nil:
		return refuse("not a JWT")
	case h.Typ != "openid4vci-proof+jwt":
		return refuse("typ must be openid4vci-proof+jwt")
	case len(h.JWK) == 0 || h.Kid != "" || len(h.X5c) > 0:
		return refuse("the key must be given as jwk, and only so")
	}
	public, key, err := jose.ParseECKey(h.JWK)
	if err != nil {
		return refuse("the key is not usable")
	}
	var claims struct {
		Aud   json.RawMessage `json:"aud"`
		IAT   json.Number     `json:"iat"`
		EXP   *json.Number    `json:"exp"`
		NBF   *json.Number    `json:"nbf"`
		Nonce string          `json:"nonce"`
	}
	if err := jose.Verify(proof, public, []string{"ES256"}, &claims); err != nil {
		return refuse("the signature is wrong")
	}
	seconds, err := claims.IAT.Float64()
	issued := time.Unix(int64(seconds), 0)
	now := is.DB.Now()
	switch {
	case !isAudience(claims.Aud, is.Origin):
		return refuse("aud must be the credential issuer")
	case err != nil || now.Sub(issued) > proofAge || issued.Sub(now) > proofAhead:
		return refuse("iat is not now")
	case claims.EXP != nil && !instant(*claims.EXP).After(now.Add(-proofAhead)):
		return refuse("exp is over")
	case claims.NBF != nil && instant(*claims.NBF).After(now.Add(proofAhead)):
		return refuse("nbf is not reached")
	case claims.Nonce == "":
		return refuse("nonce is missing")
	}
	return key, claims.Nonce, nil
}

// instant reads a NumericDate (RFC 7519 section 2); what is none is long past.
func instant(n json.Number) time.Time {
	seconds, _ := n.Float64()
	return time.Unix(int64(seconds), 0)
}

// isAudience accepts the identifier as a string or as the only one of a list.
func isAudience(raw json.RawMessage, want string) bool {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one == want
	}
	var list []string
	return json.Unmarshal(raw, &list) == nil && len(list) == 1 && list[0] == want
}

// sign makes the copies. They share the dataset and nothing else: salts, status
// index and key differ, and times are whole days (RFC 9901 section 10.1).
func (is *Issuer) sign(t credentials.Type, data credentials.Dataset, issuance credentials.Issuance, keys []jose.JWK) ([]object, error) {
	signer, err := is.Credential()
	if err != nil {
		return nil, err
	}
	day := is.DB.Now().Truncate(24 * time.Hour)
	var list []object
	for i, key := range keys {
		slot := issuance.Slots[i]
		always := object{
			"iss": is.Origin, "vct": is.vct(t), "iat": day.Unix(), "exp": issuance.Expires.Unix(),
			"cnf":    object{"jwk": key},
			"status": object{"status_list": object{"idx": slot.Index, "uri": is.listURI(slot.List)}},
		}
		hidden := maps.Clone(data.Claims)
		for _, c := range t.Claims {
			if value, there := hidden[c.Path[0]]; there && c.Shown {
				always[c.Path[0]] = value
				delete(hidden, c.Path[0])
			}
		}
		signed, err := sdjwt.Sign(sdjwt.Token{
			Header:  jose.Header{Typ: "dc+sd-jwt", Kid: signer.Key.ID, X5c: jose.X5C(signer.Cert)},
			Always:  always,
			Hidden:  hidden,
			Digests: t.Hidden(),
		}, signer.Key, is.DB.Rand())
		if err != nil {
			return nil, err
		}
		list = append(list, object{"credential": signed})
	}
	return list, nil
}
