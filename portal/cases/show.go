// Package cases shows people their own cases: what happened, what comes next,
// and until when.
package cases

import (
	"daftar/db"
	"daftar/i18n"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

// Show is one case: its timeline, the due date, the office's questions.
func Show(c *web.Ctx) error {
	var k cases.Case
	var events []cases.Event
	var form cases.Form
	err := c.View(func(tx db.Tx) (err error) {
		if k, err = cases.Load(tx, intake.Actor(c, false), c.Param("ref")); err != nil {
			return err
		}
		if form, err = intake.LoadForm(tx, false); err != nil {
			return err
		}
		events, err = cases.Events(tx, k, false)
		return err
	})
	if err != nil {
		return err
	}
	if k.State == cases.StateDraft {
		return c.Redirect(c.URL("/apply/" + k.Ref))
	}
	return c.Render(casePage(k, happenings(c.Printer(), k, form, events), questions(c.Printer(), k, form, events)))
}

// happenings tells the events in the person's language: coded reasons and facts
// translated, an officer's own words as they were written.
func happenings(p *i18n.Printer, k cases.Case, form cases.Form, events []cases.Event) []ui.Happening {
	var list []ui.Happening
	for _, e := range events {
		list = append(list, intake.Happening(p, k, form, e, false))
	}
	return list
}

// questions lists the pages that the office asked to look at again.
func questions(p *i18n.Printer, k cases.Case, form cases.Form, events []cases.Event) []intake.AskedPage {
	if k.State != cases.StateWaiting {
		return nil
	}
	for _, e := range events {
		if e.Action == cases.Asked {
			return intake.AskedPages(p, k, form, e)
		}
	}
	return nil
}
