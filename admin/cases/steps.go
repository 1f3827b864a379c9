package cases

import (
	"errors"
	"slices"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

const maxNote = 1000

// step is one action of the office on a case: a form and what it does. The
// three steps differ in their inputs and their use case alone.
type step struct {
	inputs []string
	view   func(view, *ui.Form, []intake.AskedPage) templ.Component
	take   func(*web.Ctx, db.Tx, *web.Form, *fault.Check, []intake.AskedPage) error
}

func (s step) form(c *web.Ctx) error {
	v, err := load(c, false)
	if err != nil {
		return err
	}
	return c.Render(s.view(v, &ui.Form{}, pages(c, v)))
}

func (s step) submit(c *web.Ctx) error {
	v, err := load(c, false)
	if err != nil {
		return err
	}
	form, err := c.Form(s.inputs...)
	if err != nil {
		return err
	}
	asked := pages(c, v)
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(s.view(v, state, asked))
	}
	err = c.WithTx(func(tx db.Tx) error { return s.take(c, tx, form, &fault.Check{}, asked) })
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Forbidden || f.Code == fault.Conflict) {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), s.view(v, state, asked))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/cases/" + v.Case.Ref))
}

// pages lists the questions of the form that an applicant can be asked to look
// at again.
func pages(c *web.Ctx, v view) []intake.AskedPage {
	var list []intake.AskedPage
	var form cases.Form
	if err := c.View(func(tx db.Tx) (err error) {
		form, err = intake.LoadForm(tx, v.Case.Channel == cases.ChannelCounter)
		return err
	}); err != nil {
		return nil
	}
	for _, s := range cases.Sections() {
		for _, page := range form.Pages(&v.Case.Draft, s) {
			if title := intake.PageTitle(c.Printer(), v.Case, form, page); title != "" {
				list = append(list, intake.AskedPage{Page: page, Title: title})
			}
		}
	}
	return list
}

var ask = step{
	inputs: []string{"pages", "note"},
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

// AskForm and Ask ask the applicant for a correction.
func AskForm(c *web.Ctx) error { return ask.form(c) }

// Ask sends the question.
func Ask(c *web.Ctx) error { return ask.submit(c) }

var recommend = step{
	inputs: []string{"outcome", "note"},
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return recommendPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		outcome := f.Choice(check, "outcome", []string{"approve", "refuse"}, "recommend.error.outcome")
		note := f.Text(check, "note", maxNote)
		if err := check.Err(); err != nil {
			return err
		}
		return cases.Recommend(tx, intake.Actor(c, true), c.Param("ref"), outcome, note, c.Printer().Tag)
	},
}

// RecommendForm asks what the officer recommends.
func RecommendForm(c *web.Ctx) error { return recommend.form(c) }

// Recommend records the recommendation.
func Recommend(c *web.Ctx) error { return recommend.submit(c) }

var decide = step{
	inputs: []string{"decision", "reason", "note"},
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return decidePage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		decision := f.Choice(check, "decision", []string{"approve", "refuse", "return"}, "decide.error.decision")
		note := f.Text(check, "note", maxNote)
		reason, fact := splitReason(f.Get("reason"))
		if decision == "refuse" && !cases.PermittedReason(reason, fact) {
			check.Fail("reason", "case.error.reason")
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
