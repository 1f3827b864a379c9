package cases

import (
	"daftar/auth"
	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
)

// Vacant lists the households that nobody receives the payments of, and the
// children for whom nobody cares, so that somebody is asked.
func Vacant(c *web.Ctx) error {
	var unpaid, uncared []cases.Vacancy
	r := registry.Reader{Areas: c.Areas(), Protected: c.Principal().Areas(auth.PersonProtected)}
	err := c.WithTx(func(tx db.Tx) (err error) {
		if unpaid, err = cases.Unpaids(tx, r); err != nil {
			return err
		}
		uncared, err = cases.UncaredChildren(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	open := ""
	switch {
	case c.Principal().May(auth.CaseIntake):
		open = "/counter/for/"
	case c.Principal().May(auth.PersonRead):
		open = "/people/"
	}
	return c.Render(vacantPage(unpaid, uncared, open))
}
