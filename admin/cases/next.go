package cases

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
)

// Next takes the most urgent case that nobody has.
func Next(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	var ref string
	err := c.WithTx(func(tx db.Tx) (err error) {
		ref, err = cases.Take(tx, intake.Actor(c, true))
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return c.Redirect(c.URL("/cases?view=" + string(cases.Free)))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/cases/" + ref))
}
