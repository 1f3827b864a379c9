package cases

import (
	"daftar/db"
	"daftar/registry/cases"
	"daftar/web"
)

// Rounds is the list of visits that the officer has to make, to print and take
// along.
func Rounds(c *web.Ctx) error {
	var list []cases.HomeVisit
	err := c.WithTx(func(tx db.Tx) (err error) { list, err = cases.Rounds(tx, c.Principal().ID); return err })
	if err != nil {
		return err
	}
	return c.Render(roundsPage(list, protects(c)))
}
