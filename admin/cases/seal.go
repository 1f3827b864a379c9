package cases

import (
	"slices"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

var seal = step{
	inputs: []string{"sure"}, unsure: true,
	can:  func(a actions) bool { return a.Seal },
	view: func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return sealPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		if slices.Contains(f.All("sure"), "yes") {
			return cases.Seal(tx, intake.Actor(c, true), c.Param("ref"))
		}
		check.Fail("sure", "seal.error.sure")
		return check.Err()
	},
}

// SealForm asks before a case is given to those who protect.
func SealForm(c *web.Ctx) error { return seal.form(c) }

// Seal gives it to them.
func Seal(c *web.Ctx) error { return seal.submit(c) }
