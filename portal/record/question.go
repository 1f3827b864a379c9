package record

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/looks"
	"daftar/web"
	"daftar/web/ui"
)

// maxWords is the longest question, in characters.
const maxWords = 1000

// AskForm is one look, with a question about it to fill in.
func AskForm(c *web.Ctx) error {
	rows, _, err := theLook(c)
	if err != nil {
		return err
	}
	return c.Render(askPage(rows, &ui.Form{}))
}

// theLook is the look that the address names, in words.
func theLook(c *web.Ctx) (rows []ui.Row, l looks.Look, err error) {
	person := c.Principal().Person
	if person == nil {
		return nil, l, fault.Hidden()
	}
	var country registry.Country
	if err = c.View(func(tx db.Tx) error {
		if l, err = looks.Find(tx, *person, c.Param("ref")); err != nil {
			return err
		}
		all, err := registry.LoadSettings(tx)
		country = all.Country
		return err
	}); err != nil {
		return nil, l, err
	}
	p := c.Printer()
	w := l.In(p, country)
	return []ui.Row{
		{Key: p.T("looks.when"), Value: p.Time(l.At)}, {Key: p.T("looks.who"), Value: w.Role, Lines: []string{w.Office}},
		{Key: p.T("looks.what"), Value: w.Action, Lines: []string{p.List(w.Kinds)}}, {Key: p.T("looks.purpose"), Value: w.Purpose, Lines: []string{w.Basis}},
	}, l, nil
}

// Ask puts the question.
func Ask(c *web.Ctx) error {
	rows, l, err := theLook(c)
	if err != nil {
		return err
	}
	form, err := c.Form("words")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(askPage(rows, state))
	}
	var check fault.Check
	words := form.Required(&check, "words", maxWords, "looks.error.words")
	if state.Err = check.Fault(); state.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), askPage(rows, state))
	}
	if err := c.WithTx(func(tx db.Tx) error {
		_, err := looks.Ask(tx, *c.Principal().Person, l, words, c.Printer().Tag)
		return err
	}); err != nil {
		return err
	}
	return c.Redirect(c.URL("/record/looks"))
}
