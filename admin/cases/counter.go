package cases

import (
	"daftar/db"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
)

// Counter is where an officer starts to type for somebody without a phone, an
// identity card or an account (RULES R2).
func Counter(c *web.Ctx) error { return c.Render(counterPage()) }

// StartAtCounter opens an empty application.
func StartAtCounter(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	var ref string
	err := c.WithTx(func(tx db.Tx) (err error) {
		ref, err = cases.Start(tx, intake.Actor(c, true), cases.Applicant{}, c.Printer().Tag)
		return err
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/counter/" + ref))
}
