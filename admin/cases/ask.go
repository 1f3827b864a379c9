package cases

import (
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
)

var ask = step{
	inputs: []string{"pages", "note"},
	can:    func(a actions) bool { return a.Ask },
	view:   askPage,
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, known []intake.AskedPage) error {
		note := f.Required(check, "note", maxNote, "ask.error.note")
		for _, page := range f.All("pages") {
			if !slices.ContainsFunc(known, func(a intake.AskedPage) bool { return a.Page == page }) {
				check.Fail("pages", "field.error.choice")
				break
			}
		}
		if err := check.Err(); err != nil {
			return err
		}
		return cases.Ask(tx, intake.Actor(c, true), c.Param("ref"), f.All("pages"), note, c.Printer().Tag)
	},
}

// AskForm asks what is to be corrected.
func AskForm(c *web.Ctx) error { return ask.form(c) }

// Ask sends the question.
func Ask(c *web.Ctx) error { return ask.submit(c) }
