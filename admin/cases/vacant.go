package cases

import (
	"net/url"

	"daftar/auth"
	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
)

// vacant is a page of one of the lists, and the address of the next.
type vacant struct {
	List []cases.Vacancy
	Next string
}

// Vacant lists the households that nobody receives the payments of, and the
// children for whom nobody cares, so that somebody is asked.
func Vacant(c *web.Ctx) error {
	var unpaid, uncared vacant
	r := registry.Reader{Areas: c.Areas(), Protected: c.Principal().Areas(auth.PersonProtected)}
	err := c.WithTx(func(tx db.Tx) (err error) {
		if unpaid.List, unpaid.Next, err = cases.Unpaids(tx, r, c.Query("unpaid")); err != nil {
			return err
		}
		uncared.List, uncared.Next, err = cases.UncaredChildren(tx, r, c.Query("uncared"))
		return err
	})
	if err != nil {
		return err
	}
	for next, v := range map[string]*vacant{"unpaid": &unpaid, "uncared": &uncared} { // the other list stays where it is
		if v.Next != "" {
			at := url.Values{"unpaid": {c.Query("unpaid")}, "uncared": {c.Query("uncared")}}
			at.Set(next, v.Next)
			v.Next = "/vacant?" + at.Encode()
		}
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
