package cases

import (
	"time"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

var visit = step{
	inputs: []string{"on", "visitor", "what"},
	can:    func(a actions) bool { return a.Visit },
	fill: func(c *web.Ctx, _ view) map[string][]string {
		return map[string][]string{"visitor": {c.Principal().ID.String()}}
	},
	view: func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return visitPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		on, err := time.Parse(time.DateOnly, f.Get("on"))
		if err != nil || on.Before(registry.Today(c.Now(), c.Printer().Zone)) {
			check.Fail("on", "visit.error.on")
		}
		visitor, err := uuid.Parse(f.Get("visitor"))
		if err != nil {
			check.Fail("visitor", "assign.error.to")
		}
		what := f.Text(check, "what", maxNote)
		if err := check.Err(); err != nil {
			return err
		}
		return cases.PlanVisit(tx, intake.Actor(c, true), c.Param("ref"), on, visitor, what, c.Printer().Tag)
	},
}

// VisitForm asks when somebody goes there, and what to look at.
func VisitForm(c *web.Ctx) error { return withColleagues(visit, cases.MayAsk).form(c) }

// Visit plans it.
func Visit(c *web.Ctx) error { return withColleagues(visit, cases.MayAsk).submit(c) }
