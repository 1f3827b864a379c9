package cases

import (
	"daftar/db"
	"daftar/registry/cases"
	"daftar/web"
)

// Keys turns single letters as commands on or off.
func Keys(c *web.Ctx) error {
	form, err := c.Form("letters")
	if err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return cases.SetLetters(tx, c.Principal().ID, form.Get("letters") == "on") }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/cases"))
}
