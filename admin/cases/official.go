package cases

import (
	"github.com/a-h/templ"
	"github.com/google/uuid"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

var official = step{
	inputs: []string{"who"},
	can:    func(a actions) bool { return a.Official },
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return officialPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		id, err := uuid.Parse(f.Get("who"))
		if err != nil {
			check.Fail("who", "official.error.who")
		}
		if err := check.Err(); err != nil {
			return err
		}
		return cases.NameOfficial(tx, intake.Actor(c, true), c.Param("ref"), id)
	},
}

func withOfficials(s step) step {
	return s.reading(func(tx db.Tx, v *view) (err error) { v.Officials, err = cases.Officials(tx, v.Case); return err })
}

// OfficialForm asks whom a complaint is about.
func OfficialForm(c *web.Ctx) error { return withOfficials(official).form(c) }

// Official keeps the complaint from them and their office.
func Official(c *web.Ctx) error { return withOfficials(official).submit(c) }
