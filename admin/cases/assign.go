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

var assign = step{
	inputs: []string{"to", "note"},
	can:    func(a actions) bool { return a.Assign },
	fill: func(c *web.Ctx, v view) map[string][]string {
		if v.Case.Assigned == nil {
			return map[string][]string{"to": {c.Principal().ID.String()}}
		}
		return map[string][]string{"to": {v.Case.Assigned.String()}}
	},
	view: func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return assignPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		text := f.Text(check, "note", maxNote)
		var to *db.ID
		if typed := f.Get("to"); typed != "nobody" {
			id, err := uuid.Parse(typed)
			if err != nil {
				check.Fail("to", "assign.error.to")
			}
			to = &id
		}
		if err := check.Err(); err != nil {
			return err
		}
		return cases.Assign(tx, intake.Actor(c, true), c.Param("ref"), to, text, c.Printer().Tag)
	},
}

// withColleagues adds those who may have the case, to take a step with it.
func withColleagues(s step, may string) step {
	return s.reading(func(tx db.Tx, v *view) (err error) { v.Colleagues, err = cases.Colleagues(tx, v.Case, may); return err })
}

// AssignForm asks who shall have the case, with a word for them.
func AssignForm(c *web.Ctx) error { return withColleagues(assign, cases.MayRead).form(c) }

// Assign gives it to them.
func Assign(c *web.Ctx) error { return withColleagues(assign, cases.MayRead).submit(c) }
