package issuer

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/oauth"
	"daftar/registry/credentials"
	"daftar/web"
)

// notification takes a wallet's word on what became of a credential (OpenID4VCI
// 1.0 section 11). It is never required, and saying it twice is fine.
func (is *Issuer) notification(c *web.Ctx) error {
	token, err := is.authorize(c, "/notification")
	if err != nil {
		return err
	}
	members, err := oauth.Object(c.Body())
	id, err1 := oauth.Text(members, "notification_id")
	event, err2 := oauth.Text(members, "event")
	if !contentType(c, fiber.MIMEApplicationJSON) || err != nil || err1 != nil || err2 != nil || id == "" ||
		!slices.Contains([]string{"credential_accepted", "credential_failure", "credential_deleted"}, event) {
		return oauth.Fail("invalid_notification_request", "notification_id and a known event are needed")
	}
	err = is.DB.WithTx(c.Context(), who, func(tx db.Tx) error {
		return credentials.NoteWallet(tx, token.Person, id, event)
	})
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Malformed) {
		return oauth.Fail("invalid_notification_id", "there is no such notification")
	}
	if err != nil {
		return err
	}
	return c.Send(fiber.StatusNoContent, "", nil)
}
