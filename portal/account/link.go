// Package account is how somebody who is in the registry already comes to their
// record, where the sign-in does not say which it is.
package account

import (
	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/web"
)

// LinkForm says how. It asks for nothing about the person, so that nobody learns
// from it who is in the registry.
func LinkForm(c *web.Ctx) error { return page(c, "") }

// Link makes a code that names the account at an office, and shows it once.
func Link(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	if c.Principal().Person != nil {
		return fault.Hidden()
	}
	var code string
	if err := c.WithTx(func(tx db.Tx) (err error) { code, err = auth.LinkCode(tx); return err }); err != nil {
		return err
	}
	return page(c, code)
}

func page(c *web.Ctx, code string) error {
	if c.Principal().Person != nil {
		return fault.Hidden()
	}
	return c.Render(linkPage(code))
}
