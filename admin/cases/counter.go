package cases

import (
	"daftar/db"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
)

// Counter is where an officer starts to type for somebody without a phone, an
// identity card or an account (RULES R2), and finds again what they began.
func Counter(c *web.Ctx) error {
	var drafts []cases.Case
	if err := c.View(func(tx db.Tx) (err error) {
		drafts, err = cases.Drafts(tx, intake.Actor(c, true))
		return err
	}); err != nil {
		return err
	}
	return c.Render(counterPage(drafts))
}

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
