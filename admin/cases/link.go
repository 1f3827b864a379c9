package cases

import (
	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

var link = step{
	inputs: []string{"other"},
	can:    func(a actions) bool { return a.Link },
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return linkPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		other := f.Required(check, "other", 30, "link.error.other")
		if err := check.Err(); err != nil {
			return err
		}
		return cases.Connect(tx, intake.Actor(c, true), c.Param("ref"), other)
	},
}

// LinkForm asks for another case that belongs to this one.
func LinkForm(c *web.Ctx) error { return link.form(c) }

// Link ties the two together.
func Link(c *web.Ctx) error { return link.submit(c) }
