// Package retention is where the data protection officer agrees that records
// whose time is over are erased, and where two people keep others from it.
package retention

import (
	"errors"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/retention"
	"daftar/web"
	"daftar/web/ui"
)

// Show lists the people whose time is over, and what is held.
func Show(c *web.Ctx) error { return show(c, fiber.StatusOK, &ui.Form{Action: "/holds"}) }

func show(c *web.Ctx, status int, state *ui.Form) error {
	var due []retention.Due
	var holds []retention.Held
	if err := c.View(func(tx db.Tx) (err error) {
		if due, err = retention.Waiting(tx); err == nil {
			holds, err = retention.Holds(tx)
		}
		return err
	}); err != nil {
		return err
	}
	return c.RenderStatus(status, erasuresPage(state, due, holds))
}

// Erase agrees that one record is erased.
func Erase(c *web.Ctx) error {
	return step(c, "/erasures", func(tx db.Tx) error { return retention.Approve(tx, c.Param("ref")) })
}

// minReason is how many letters say why something is held, at least.
const minReason = 15

// Hold keeps a record or a case from being erased.
func Hold(c *web.Ctx) error {
	form, err := c.Form("record", "reason")
	if err != nil {
		return err
	}
	state := &ui.Form{Action: "/holds", Values: form.Values()}
	if form.Switching() {
		return show(c, fiber.StatusOK, state)
	}
	var check fault.Check
	record := form.Required(&check, "record", 40, "hold.error.record")
	reason := form.Required(&check, "reason", 1000, "hold.error.reason")
	if !check.Failed("reason") && utf8.RuneCountInString(reason) < minReason {
		check.Fail("reason", "hold.error.reason")
	}
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			kind, id, err := retention.Find(tx, record)
			if fault.Is(err, fault.NotFound) {
				check.Fail("record", "hold.error.record")
				return check.Err()
			}
			if err != nil {
				return err
			}
			return retention.Hold(tx, kind, id, reason, c.Printer().Tag)
		})
	}
	if fault.Is(err, fault.Invalid) {
		state.Err = web.AsFault(err)
		return show(c, web.Status(fault.Invalid), state)
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/erasures"))
}

// Lift asks for the end of a hold.
func Lift(c *web.Ctx) error {
	return step(c, "/erasures", func(tx db.Tx) error { return retention.Lift(tx, c.Param("ref")) })
}

// Holds lists what waits for a second person.
func Holds(c *web.Ctx) error { return holds(c, fiber.StatusOK, &ui.Form{}) }

func holds(c *web.Ctx, status int, state *ui.Form) error {
	var list []retention.Held
	if err := c.View(func(tx db.Tx) (err error) { list, err = retention.Holds(tx); return err }); err != nil {
		return err
	}
	return c.RenderStatus(status, holdsPage(state, list, c.Principal().ID))
}

// Decide is the second person's word on a hold.
func Decide(c *web.Ctx) error {
	form, err := c.Form("decision")
	if err != nil {
		return err
	}
	decision := form.Get("decision")
	if decision != "agree" && decision != "refuse" {
		return fault.New(fault.Malformed, "error.malformed")
	}
	err = c.WithTx(func(tx db.Tx) error { return retention.Decide(tx, c.Param("ref"), decision == "agree") })
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Conflict || f.Code == fault.Forbidden) {
		return holds(c, web.Status(f.Code), &ui.Form{Err: f})
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/holds"))
}

// step takes one step without an input, and shows the list again.
func step(c *web.Ctx, to string, take func(db.Tx) error) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	err := c.WithTx(take)
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Conflict || f.Code == fault.Forbidden) {
		return show(c, web.Status(f.Code), &ui.Form{Action: "/holds", Err: f})
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(to))
}

var colours = map[string]string{"asked": "yellow", "stands": "blue", "lifting": "yellow"}

// about is what is held.
func about(p *i18n.Printer, h retention.Held) []ui.Row {
	return []ui.Row{
		{Key: p.T("hold.record"), Value: h.Record, LTR: true},
		{Key: p.T("hold.asker"), Value: h.Asker},
		{Key: p.T("hold.since"), Value: p.Time(h.AskedAt)},
	}
}

// over is why a record's time is over.
func over(p *i18n.Printer, d retention.Due) []ui.Row {
	return []ui.Row{
		{Key: p.T("erasure.why"), Value: p.T("outcome." + d.Status)},
		{Key: p.T("erasure.ended"), Value: p.Date(d.Ended)},
		{Key: p.T("erasure.due"), Value: p.Date(d.On)},
	}
}
