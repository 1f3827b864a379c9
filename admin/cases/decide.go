package cases

import (
	"strings"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

var decide = step{
	inputs: []string{"decision", "reason", "note", "do"},
	can:    func(a actions) bool { return a.Decide || a.Return },
	fill: func(c *web.Ctx, _ view) map[string][]string { // "a" on the case page leads here with the answer chosen
		if d := c.Query("decision"); d == "approve" {
			return map[string][]string{"decision": {d}, "reason": {""}}
		}
		return nil
	},
	view: func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return decidePage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		actor, ref, lang := intake.Actor(c, true), c.Param("ref"), c.Printer().Tag
		k, err := cases.Load(tx, actor, ref)
		if err != nil {
			return err
		}
		kind, err := k.Of(tx)
		if err != nil {
			return err
		}
		r := ruling(f, check, kind)
		if err := check.Err(); err != nil {
			return err
		}
		if f.Get("decision") == "return" {
			return cases.Return(tx, actor, ref, r.Note, lang)
		}
		r.Lang = lang
		_, err = cases.Decide(tx, actor, ref, r)
		return err
	},
}

// ruling reads what was decided.
func ruling(f *web.Form, check *fault.Check, kind kinds.Kind) cases.Ruling {
	decision := f.Choice(check, "decision", []string{"approve", "refuse", "return"}, "decide.error.decision")
	r := cases.Ruling{Approve: decision == "approve", Note: f.Text(check, "note", maxNote)}
	r.Reason, r.Fact, _ = strings.Cut(f.Get("reason"), ":")
	if decision == "refuse" && !kind.Permits(r.Reason, r.Fact) {
		check.Fail("reason", "case.error.reason")
	}
	if decision != "" && decision != "refuse" && f.Get("reason") != "" {
		check.Fail("reason", "decide.error.reason_without_refusal")
	}
	if decision == "return" && r.Note == "" {
		check.Fail("note", "decide.error.note")
	}
	return r
}

// DecideForm asks for the decision.
func DecideForm(c *web.Ctx) error { return decide.form(c) }

// Decide takes the decision, or shows the letter that it would send.
func Decide(c *web.Ctx) error {
	form, err := c.Form(append([]string{seenInput}, decide.inputs...)...)
	if err != nil || form.Get("do") != "preview" || form.Switching() {
		return decide.submit(c)
	}
	v, err := load(c, false)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	var check fault.Check
	r := ruling(form, &check, v.Story.Kind)
	if state.Err = check.Fault(); state.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), decidePage(v, seen(v, state)))
	}
	d := cases.Decision{Outcome: "approved", Reason: r.Reason, Fact: r.Fact, Note: r.Note, Lang: c.Printer().Tag}
	if form.Get("decision") == "refuse" {
		d.Outcome = "refused"
	}
	if form.Get("decision") != "return" {
		if v.Letter, err = letterOf(c, v, d); err != nil {
			return err
		}
		v.Previewed = true
	}
	return c.Render(decidePage(v, seen(v, state)))
}
