// Package emergency opens, by two people and for an hour at most, one record that
// somebody's role does not show (break-glass).
package emergency

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/web"
	"daftar/web/ui"
)

// Mine shows what one asked for.
func Mine(c *web.Ctx) error {
	done := ""
	if c.Query("done") == "asked" || c.Query("done") == "ended" {
		done = c.Query("done")
	}
	return mine(c, fiber.StatusOK, &ui.Form{Action: "/emergency", Values: map[string][]string{"record": {c.Query("record")}}}, done)
}

func mine(c *web.Ctx, status int, state *ui.Form, done string) error {
	var list []auth.Emergency
	if err := c.View(func(tx db.Tx) (err error) { list, err = auth.MyEmergencies(tx); return err }); err != nil {
		return err
	}
	return c.RenderStatus(status, minePage(state, rows(c, list), done))
}

// Ask asks for a record.
func Ask(c *web.Ctx) error {
	form, err := c.Form("record", "what", "minutes", "reason")
	if err != nil {
		return err
	}
	state := &ui.Form{Action: "/emergency", Values: form.Values()}
	if form.Switching() {
		return mine(c, fiber.StatusOK, state, "")
	}
	var check fault.Check
	record, ok := registry.ParseRef(registry.RefPerson, form.Get("record"))
	if !ok {
		check.Fail("record", "emergency.error.record")
	}
	what := form.Choice(&check, "what", []string{auth.EmergencyRecord, auth.EmergencyContacts}, "emergency.error.what")
	minutes, err := strconv.Atoi(strings.TrimSpace(i18n.LatinDigits(form.Get("minutes"))))
	if err != nil || minutes < 1 || minutes > auth.EmergencyMinutes {
		check.Fail("minutes", "emergency.error.minutes", "Max", auth.EmergencyMinutes)
	}
	reason := form.Required(&check, "reason", 1000, "emergency.error.reason")
	if !check.Failed("reason") && utf8.RuneCountInString(reason) < auth.EmergencyReason {
		check.Fail("reason", "emergency.error.reason")
	}
	if err := check.Err(); err != nil {
		state.Err = web.AsFault(err)
		return mine(c, web.Status(fault.Invalid), state, "")
	}
	if err := c.WithTx(func(tx db.Tx) error { return auth.AskEmergency(tx, record, what, minutes, reason, c.Printer().Tag) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/emergency?done=asked"))
}

// End ends one before its time.
func End(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return auth.EndEmergency(tx, c.Param("ref")) }); err != nil {
		return err
	}
	to := "/emergency?done=ended"
	if c.Permission() == auth.EmergencyOpen {
		to = "/emergency/requests"
	}
	return c.Redirect(c.URL(to))
}

// Waiting shows what others asked for.
func Waiting(c *web.Ctx) error { return waiting(c, fiber.StatusOK, &ui.Form{}) }

func waiting(c *web.Ctx, status int, state *ui.Form) error {
	var list []auth.Emergency
	if err := c.View(func(tx db.Tx) (err error) { list, err = auth.WaitingEmergencies(tx); return err }); err != nil {
		return err
	}
	return c.RenderStatus(status, waitingPage(state, list, c.Now()))
}

// Decide opens what somebody else asked for, or does not.
func Decide(c *web.Ctx) error {
	form, err := c.Form("decision")
	if err != nil {
		return err
	}
	decision := form.Get("decision")
	if decision != "open" && decision != "refuse" {
		return fault.New(fault.Malformed, "error.malformed")
	}
	err = c.WithTx(func(tx db.Tx) error { return auth.DecideEmergency(tx, c.Param("ref"), decision == "open") })
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Conflict || f.Code == fault.Forbidden) {
		return waiting(c, web.Status(f.Code), &ui.Form{Err: f})
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/emergency/requests"))
}

var colours = map[string]string{"waiting": "yellow", "open": "red", "over": "grey", "refused": "grey", "lapsed": "grey"}

func rows(c *web.Ctx, list []auth.Emergency) [][]ui.Cell {
	p := c.Printer()
	var rows [][]ui.Cell
	for _, e := range list {
		state := e.State(c.Now())
		record := ui.Cell{Text: e.Record, LTR: true}
		if state == "open" {
			record.Path = "/people/" + e.Record
		}
		until := ""
		if e.Ends.Valid {
			until = p.Time(e.Ends.Time)
		}
		rows = append(rows, []ui.Cell{record, {Text: p.T("emergency.what." + e.What)}, {Text: p.Time(e.Asked)}, {Text: p.T("emergency.state." + state), Colour: colours[state]}, {Text: until}})
	}
	return rows
}

// about is what one asks for, for whoever agrees.
func about(p *i18n.Printer, e auth.Emergency) []ui.Row {
	rows := []ui.Row{
		{Key: p.T("emergency.asker"), Value: e.Asker},
		{Key: p.T("emergency.record"), Value: e.Record, LTR: true},
		{Key: p.T("emergency.what"), Value: p.T("emergency.what." + e.What)},
		{Key: p.T("emergency.asked"), Value: p.Time(e.Asked)},
		{Key: p.T("emergency.minutes"), Value: p.Number(e.Minutes)},
	}
	if e.Approved {
		rows = append(rows, ui.Row{Key: p.T("emergency.until"), Value: p.Time(e.Ends.Time)})
	}
	return rows
}
