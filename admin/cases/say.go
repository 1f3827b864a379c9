package cases

import (
	"daftar/db"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
)

var say = words(wording{"say.title", "say.lead", "say.label", "say.error.note"}, func(a actions) bool { return a.Say }, func(c *web.Ctx, tx db.Tx, text string) error {
	return cases.Say(tx, intake.Actor(c, true), c.Param("ref"), text, c.Printer().Tag, nil)
})

// SayForm asks for a message to the applicant.
func SayForm(c *web.Ctx) error { return say.form(c) }

// Say sends it.
func Say(c *web.Ctx) error { return say.submit(c) }
