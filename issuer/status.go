package issuer

import (
	"context"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/issuer/statuslist"
	"daftar/jose"
	"daftar/oauth"
	"daftar/registry/credentials"
	"daftar/web"
)

// Times of a published list: verifiers may keep it for listTTL; it is signed
// anew well before it expires, and at once when a bit changes.
const (
	listTTL     = 5 * time.Second
	listExpires = 24 * time.Hour
	listRenew   = 12 * time.Hour
)

func (is *Issuer) listURI(id int) string { return is.Origin + "/status/" + strconv.Itoa(id) }

// statusList publishes a status list token (draft-ietf-oauth-status-list
// section 5.1).
func (is *Issuer) statusList(c *web.Ctx) error {
	id, err := strconv.ParseInt(c.Param("list"), 10, 32)
	if err != nil || strconv.FormatInt(id, 10) != c.Param("list") {
		return fault.Hidden()
	}
	if c.Query("time") != "" { // lists of the past are not kept (section 8.4)
		return &oauth.Error{Code: "invalid_request", Description: "only the present list is published", Status: fiber.StatusNotImplemented}
	}
	token, err := is.Publish(c.Context(), int(id))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age="+strconv.Itoa(int(listTTL.Seconds())))
	return c.Send(fiber.StatusOK, "application/statuslist+jwt", []byte(token.JWT))
}

// Publish returns the signed list, signing it again when a status changed since,
// its time is running out or the issuer has another address.
func (is *Issuer) Publish(ctx context.Context, id int) (credentials.Token, error) {
	var token credentials.Token
	err := is.DB.View(ctx, who, func(tx db.Tx) (err error) {
		token, err = credentials.PublishedList(tx, id)
		return err
	})
	if err != nil {
		return token, err
	}
	now := is.DB.Now()
	if token.Version == token.Current && token.URI == is.listURI(id) && token.Expires.Valid && token.Expires.Time.Sub(now) > listRenew {
		return token, nil
	}
	err = is.DB.WithTx(ctx, who, func(tx db.Tx) error {
		state, err := credentials.ListState(tx, id)
		if err != nil {
			return err
		}
		if token.JWT, err = is.signList(state, now); err != nil {
			return err
		}
		token.URI, token.Version, token.Current = is.listURI(id), state.Version, state.Version
		return credentials.SaveToken(tx, id, token.JWT, token.URI, state.Version, now.Add(listExpires))
	})
	return token, err
}

func (is *Issuer) signList(state credentials.StatusList, now time.Time) (string, error) {
	signer, err := is.Status()
	if err != nil {
		return "", err
	}
	list := statuslist.New(state.Size)
	for _, i := range state.Invalid {
		if err := list.Invalidate(i); err != nil {
			return "", err
		}
	}
	return jose.SignJSON(jose.Header{Typ: "statuslist+jwt", Kid: signer.Key.ID, X5c: jose.X5C(signer.Cert)}, object{
		"iss": is.Origin, "sub": is.listURI(state.ID), "iat": now.Unix(), "exp": now.Add(listExpires).Unix(),
		"ttl": int(listTTL.Seconds()), "status_list": object{"bits": 1, "lst": list.Encode()},
	}, signer.Key)
}
