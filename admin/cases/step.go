package cases

import (
	"errors"
	"strconv"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/registry/letters"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

const maxNote = 1000

// step is one action of the office on a case: a form and what it does. Steps
// differ in their inputs and their use case alone.
type step struct {
	inputs []string
	can    func(actions) bool // what the case page offers it for
	fill   func(*web.Ctx, view) map[string][]string
	view   func(view, *ui.Form, []intake.AskedPage) templ.Component
	take   func(*web.Ctx, db.Tx, *web.Form, *fault.Check, []intake.AskedPage) error
	read   func(db.Tx, *view) error // what else the page offers
	unsure bool                     // the case may be seen no more afterwards
	next   *string                  // the case that it opened, to which it leads
}

// load reads the case with what else the page offers.
func (s step) load(c *web.Ctx) (view, error) {
	v, err := load(c, false)
	if err != nil || s.read == nil {
		return v, err
	}
	return v, c.View(func(tx db.Tx) error { return s.read(tx, &v) })
}

func (s step) form(c *web.Ctx) error {
	v, err := s.load(c)
	if err != nil {
		return err
	}
	if !s.can(v.Can) {
		return c.Redirect(c.URL("/cases/" + v.Case.Ref))
	}
	f := &ui.Form{}
	if s.fill != nil {
		f.Values = s.fill(c, v)
	}
	return c.Render(s.view(v, seen(v, f), pages(c, v)))
}

// reading is the step with more for its page to offer.
func (s step) reading(more func(db.Tx, *view) error) step {
	s.read = more
	return s
}

// seenInput holds the version of the case that the officer has before them.
const seenInput = "seen"

func seen(v view, f *ui.Form) *ui.Form {
	if f.Values == nil {
		f.Values = map[string][]string{}
	}
	f.Values[seenInput] = []string{strconv.Itoa(v.Case.Version)}
	return f
}

func (s step) submit(c *web.Ctx) error {
	v, err := s.load(c)
	if err != nil {
		return err
	}
	form, err := c.Form(append([]string{seenInput}, s.inputs...)...)
	if err != nil {
		return err
	}
	asked := pages(c, v)
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(s.view(v, state, asked))
	}
	version, _ := strconv.Atoi(form.Get(seenInput))
	err = c.WithTx(func(tx db.Tx) error {
		if s.can(v.Can) { // whom the page does not offer it is told why not
			if err := cases.Unmoved(tx, intake.Actor(c, true), v.Case.Ref, version); err != nil {
				return err
			}
		}
		return s.take(c, tx, form, &fault.Check{}, asked)
	})
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Forbidden || f.Code == fault.Conflict) {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), s.view(v, seen(v, state), asked))
	}
	if err != nil {
		return err
	}
	if s.unsure {
		return c.Redirect(c.URL("/cases"))
	}
	if s.next != nil {
		return c.Redirect(c.URL("/cases/" + *s.next))
	}
	return c.Redirect(c.URL("/cases/" + v.Case.Ref))
}

// pages lists the questions of the form that an applicant can be asked to look
// at again.
func pages(c *web.Ctx, v view) []intake.AskedPage {
	var list []intake.AskedPage
	if v.Case.Kind != "registration" {
		for _, p := range v.Pages(c) {
			list = append(list, intake.AskedPage{Page: "q/" + p, Title: v.Story.Title("q/" + p)})
		}
		if len(v.Story.Kind.Proof) > 0 {
			list = append(list, intake.AskedPage{Page: "proof", Title: v.Story.Title("proof")})
		}
		return list
	}
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

// Pages lists the questions of a case that is no registration.
func (v view) Pages(c *web.Ctx) (codes []string) {
	_ = c.View(func(tx db.Tx) error { // none, where it cannot be read
		f, err := cases.FilingOf(tx, v.Case)
		if err != nil {
			return err
		}
		for _, p := range f.Pages() {
			codes = append(codes, p.Code)
		}
		return nil
	})
	return codes
}

// letterOf is the letter that a ruling would send, to be read before it is taken.
func letterOf(c *web.Ctx, v view, d cases.Decision) (parts []letters.Part, err error) {
	err = c.View(func(tx db.Tx) error {
		kind, facts, err := cases.LetterOf(tx, v.Case, v.Story.Kind, d)
		if err != nil {
			return err
		}
		parts, err = letters.Preview(tx, c.Messages(), kind, v.Case.Language, facts)
		return err
	})
	return parts, err
}
