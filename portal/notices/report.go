package notices

import (
	"net/url"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/notify"
	"daftar/registry/notices"
	"daftar/web"
)

// Report takes what a text message gateway says became of a message. The
// gateway's signature is all that counts: it covers address, the one that the
// gateway was given, and everything that it sends.
func Report(gateway *notify.Twilio, address string) web.Handler {
	return func(c *web.Ctx) error {
		form, err := url.ParseQuery(string(c.Body()))
		if err != nil || gateway == nil {
			return fault.Hidden()
		}
		report, ok := gateway.Report(address, form, c.Header("X-Twilio-Signature"))
		if !ok {
			return fault.Hidden()
		}
		if err := c.WithTx(func(tx db.Tx) error {
			_, err := notices.Report(tx, report)
			return err
		}); err != nil {
			return err
		}
		return c.Send(fiber.StatusNoContent, fiber.MIMETextPlainCharsetUTF8, nil)
	}
}
