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

var decide = step{
	inputs: []string{"decision", "reason", "note"},
	can:    func(a actions) bool { return a.Decide },
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return decidePage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		decision := f.Choice(check, "decision", []string{"approve", "refuse", "return"}, "decide.error.decision")
		note := f.Text(check, "note", maxNote)
		reason, fact := splitReason(f.Get("reason"))
		if decision == "refuse" && !cases.PermittedReason(reason, fact) {
			check.Fail("reason", "case.error.reason")
		}
		if decision != "" && decision != "refuse" && f.Get("reason") != "" {
			check.Fail("reason", "decide.error.reason_without_refusal")
		}
		if decision == "return" && note == "" {
			check.Fail("note", "decide.error.note")
		}
		if err := check.Err(); err != nil {
			return err
		}
		actor, ref, lang := intake.Actor(c, true), c.Param("ref"), c.Printer().Tag
		if decision == "return" {
			return cases.Return(tx, actor, ref, note, lang)
		}
		_, err := cases.Decide(tx, actor, ref, cases.Ruling{
			Approve: decision == "approve", Reason: reason, Fact: fact, Note: note, Lang: lang,
		})
		return err
	},
}

// DecideForm asks for the decision.
func DecideForm(c *web.Ctx) error { return decide.form(c) }

// Decide takes the decision.
func Decide(c *web.Ctx) error { return decide.submit(c) }
