// Package freezes is about times in which decisions do not change records: while
// a list of payments is being drawn up, say.
package freezes

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/web"
	"daftar/web/ui"
)

// view is the times that go on or are to come.
type view struct {
	List  []cases.Freeze
	Areas []ui.Choice
	Form  *ui.Form
}

func load(c *web.Ctx) (v view, err error) {
	v.Form = &ui.Form{}
	err = c.View(func(tx db.Tx) error {
		if v.List, err = cases.Freezes(tx, registry.Today(c.Now(), c.Printer().Zone)); err != nil {
			return err
		}
		for _, id := range c.Areas() {
			path, err := registry.AreaPath(tx, id)
			if err != nil {
				return err
			}
			v.Areas = append(v.Areas, ui.Choice{Value: path[len(path)-1].Code, Label: registry.PathName(c.Printer(), path)})
		}
		return nil
	})
	return v, err
}

// List shows them and asks for one more.
func List(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(page(v))
}

// Add freezes an area of the officer's.
func Add(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("from", "to", "families", "area", "reason")
	if err != nil {
		return err
	}
	v.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(page(v))
	}
	var check fault.Check
	today := registry.Today(c.Now(), c.Printer().Zone)
	from, err := time.Parse(time.DateOnly, form.Get("from"))
	if err != nil || from.Before(today) {
		check.Fail("from", "freeze.error.from")
	}
	to, err := time.Parse(time.DateOnly, form.Get("to"))
	if err != nil || to.Before(from) || to.After(from.AddDate(0, 0, 31)) {
		check.Fail("to", "freeze.error.to")
	}
	for _, f := range form.All("families") {
		if !slices.Contains(kinds.Families(), f) && !check.Failed("families") {
			check.Fail("families", "field.error.choice")
		}
	}
	reason := form.Required(&check, "reason", 500, "freeze.error.reason")
	var codes []string
	for _, a := range v.Areas {
		codes = append(codes, a.Value)
	}
	code := form.Choice(&check, "area", codes, "area.error.missing")
	if v.Form.Err = check.Fault(); v.Form.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), page(v))
	}
	err = c.WithTx(func(tx db.Tx) error {
		area, err := registry.AreaByCode(tx, code)
		if err != nil {
			return err
		}
		return cases.AddFreeze(tx, from, to, form.All("families"), area.ID, reason, c.Printer().Tag)
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/freezes"))
}

// End ends one early.
func End(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return fault.Hidden()
	}
	if err := c.WithTx(func(tx db.Tx) error { return cases.EndFreeze(tx, id, registry.Texts(c.Areas())) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/freezes"))
}
