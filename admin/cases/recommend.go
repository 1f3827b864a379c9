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

var recommend = step{
	inputs: []string{"outcome", "note"},
	can:    func(a actions) bool { return a.Recommend },
	fill: func(c *web.Ctx, _ view) map[string][]string {
		if o := c.Query("outcome"); o == "approve" {
			return map[string][]string{"outcome": {o}}
		}
		return nil
	},
	view: func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return recommendPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		outcome := f.Choice(check, "outcome", []string{"approve", "refuse"}, "recommend.error.outcome")
		note := f.Text(check, "note", maxNote)
		if err := check.Err(); err != nil {
			return err
		}
		_, err := cases.Recommend(tx, intake.Actor(c, true), c.Param("ref"), outcome, note, c.Printer().Tag)
		return err
	},
}

// RecommendForm asks what the officer recommends.
func RecommendForm(c *web.Ctx) error { return recommend.form(c) }

// Recommend records the recommendation.
func Recommend(c *web.Ctx) error { return recommend.submit(c) }
