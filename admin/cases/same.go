package cases

import (
	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/ui"
)

var same = step{
	inputs: []string{"other", "verdict", "note"},
	can:    func(a actions) bool { return a.Same },
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return samePage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		actor, ref := intake.Actor(c, true), c.Param("ref")
		k, err := cases.Load(tx, actor, ref)
		if err != nil {
			return err
		}
		if list, err := cases.Doubts(tx, k); err != nil || len(list) == 0 {
			return fault.New(fault.Conflict, "error.out_of_order")
		}
		verdict := f.Choice(check, "verdict", []string{cases.SameChild, cases.AnotherChild}, "doubt.error.verdict")
		note := f.Text(check, "note", maxNote)
		if verdict == cases.AnotherChild && note == "" && !check.Failed("note") {
			check.Fail("note", "doubt.error.why")
		}
		if err := check.Err(); err != nil {
			return err
		}
		return cases.Tell(tx, actor, ref, f.Get("other"), verdict, note, c.Printer().Tag)
	},
}

// withOther shows what the first of the other cases tells beside the case.
func withOther(c *web.Ctx) step {
	return same.reading(func(tx db.Tx, v *view) error {
		if len(v.Doubts) == 0 {
			return nil
		}
		f, err := cases.FilingOf(tx, v.Doubts[0])
		if err != nil {
			return err
		}
		kept, err := cases.PlaceKept(tx, f.Case)
		v.Other = filed{Ref: f.Ref, Applicant: f.Applicant, Answers: filing.Answers(c, f, nil, !kept || protects(c))}
		return err
	})
}

// SameForm asks whether two cases register the same child. Both are shown, one
// beside the other.
func SameForm(c *web.Ctx) error { return withOther(c).form(c) }

// Same takes the answer.
func Same(c *web.Ctx) error { return withOther(c).submit(c) }
