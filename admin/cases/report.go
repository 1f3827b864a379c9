package cases

import (
	"slices"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

var report = step{
	inputs: []string{"found", "findings"},
	can:    func(a actions) bool { return a.Visit },
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return reportPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		found := f.Choice(check, "found", cases.Findings(), "visit.error.found")
		findings := f.Required(check, "findings", 2000, "visit.error.findings")
		id, err := uuid.Parse(c.Param("visit"))
		if err != nil {
			return fault.Hidden()
		}
		if err := check.Err(); err != nil {
			return err
		}
		return cases.ReportVisit(tx, intake.Actor(c, true), c.Param("ref"), id, found, findings, c.Printer().Tag)
	},
}

// ReportForm asks what a visit found.
func ReportForm(c *web.Ctx) error {
	v, err := load(c, false)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(v.Visits, func(x cases.HomeVisit) bool { return x.ID.String() == c.Param("visit") }) {
		return fault.Hidden()
	}
	return report.form(c)
}

// Report notes it.
func Report(c *web.Ctx) error { return report.submit(c) }
