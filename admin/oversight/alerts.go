package oversight

import (
	"errors"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/looks"
	"daftar/registry/oversight"
	"daftar/web"
	"daftar/web/ui"
)

// Alerts lists patterns of reading that stand out.
func Alerts(c *web.Ctx) error {
	var list []oversight.Alert
	if err := c.View(func(tx db.Tx) (err error) {
		list, err = oversight.Alerts(tx)
		return err
	}); err != nil {
		return err
	}
	p := c.Printer()
	var rows [][]ui.Cell
	for _, a := range list {
		state := ui.Cell{Text: p.T("alert.open"), Colour: "red"}
		if a.Closed.Valid {
			state = ui.Cell{Text: p.T(found(a, a.Finding.String)), Colour: findingColour(a.Finding.String)}
		}
		rows = append(rows, []ui.Cell{{Text: a.Ref, Path: "/alerts/" + a.Ref, LTR: true}, {Text: p.T("alert.kind." + a.Kind)}, {Text: whose(p, a)},
			{Text: reads(p, a)}, {Text: p.Time(a.Last)}, state})
	}
	return c.Render(alertsPage(rows))
}

// whose is whom an alert is about: of a citizen, the reference of their record.
func whose(p *i18n.Printer, a oversight.Alert) string {
	switch {
	case a.Staff != "":
		return a.Staff
	case a.Person != "":
		return a.Person
	}
	return p.T("alert.citizen")
}

// reads is how many records were read; "" where it is not about reading.
func reads(p *i18n.Printer, a oversight.Alert) string {
	if a.AboutReading() {
		return p.Number(a.Reads)
	}
	return ""
}

// found is the message of a finding.
func found(a oversight.Alert, finding string) string {
	if a.AboutReading() || a.Kind == "emergency" || a.Kind == "refused" {
		return "finding." + finding
	}
	return "alert.found." + finding
}

// facts are what an alert rests on.
func facts(p *i18n.Printer, a oversight.Alert) []ui.Row {
	rows := []ui.Row{{Key: p.T("alert.who"), Value: whose(p, a)}}
	if a.AboutReading() {
		return append(rows, ui.Row{Key: p.T("alert.reads"), Value: p.Number(a.Reads)},
			ui.Row{Key: p.T("alert.first"), Value: p.Time(a.First)}, ui.Row{Key: p.T("alert.last"), Value: p.Time(a.Last)})
	}
	return append(rows, ui.Row{Key: p.T("alert.times"), Value: p.Number(a.Reads)},
		ui.Row{Key: p.T("alert.from"), Value: p.Time(a.First)}, ui.Row{Key: p.T("alert.to"), Value: p.Time(a.Last)})
}

func findingColour(code string) string {
	return map[string]string{"proper": "green", "improper": "red", "unclear": "yellow"}[code]
}

func findings(p *i18n.Printer) []ui.Choice {
	var list []ui.Choice
	for _, code := range looks.Findings() {
		list = append(list, ui.Choice{Value: code, Label: p.T("finding." + code)})
	}
	return list
}

// outcomes are what may come of looking into an alert.
func outcomes(p *i18n.Printer, a oversight.Alert) []ui.Choice {
	list := findings(p)
	for i := range list {
		list[i].Label = p.T(found(a, list[i].Value))
	}
	return list
}

func oneAlert(c *web.Ctx) (a oversight.Alert, err error) {
	err = c.View(func(tx db.Tx) error {
		a, err = oversight.FindAlert(tx, c.Param("ref"))
		return err
	})
	return a, err
}

// Alert is one of them, with the way to what was read.
func Alert(c *web.Ctx) error {
	a, err := oneAlert(c)
	if err != nil {
		return err
	}
	return showAlert(c, 200, a, &ui.Form{})
}

// urgency is the emergency that an alert is about.
type urgency struct {
	auth.Emergency
	Entries int
}

func showAlert(c *web.Ctx, status int, a oversight.Alert, state *ui.Form) error {
	var u *urgency
	if a.Kind == "emergency" {
		u = &urgency{}
		if err := c.View(func(tx db.Tx) (err error) { u.Emergency, u.Entries, err = auth.EmergencyOfAlert(tx, a.ID); return err }); err != nil {
			return err
		}
	}
	return c.RenderStatus(status, alertPage(a, u, state))
}

// rows say what was opened, by whom and for how long.
func (u urgency) rows(p *i18n.Printer) []ui.Row {
	ended := u.Ends.Time
	if u.Closed.Valid {
		ended = u.Closed.Time
	}
	return []ui.Row{
		{Key: p.T("emergency.asker"), Value: u.Asker}, {Key: p.T("emergency.decider"), Value: u.Decider},
		{Key: p.T("emergency.record"), Value: u.Record, LTR: true}, {Key: p.T("emergency.what"), Value: p.T("emergency.what." + u.What)},
		{Key: p.T("alert.from"), Value: p.Time(u.Decided.Time)}, {Key: p.T("alert.to"), Value: p.Time(ended)},
		{Key: p.T("emergency.entries"), Value: p.Number(u.Entries)},
	}
}

// officerPath leads to what the officer did in the log.
func officerPath(a oversight.Alert, p *i18n.Printer) string {
	return "/audit?officer=" + oversight.Officer{ID: a.StaffID}.Ref() + "&from=" + a.First.In(p.Zone).Format("2006-01-02")
}

// CloseAlert notes what came of looking into it.
func CloseAlert(c *web.Ctx) error {
	a, err := oneAlert(c)
	if err != nil {
		return err
	}
	form, err := c.Form("finding", "note")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return showAlert(c, 200, a, state)
	}
	var check fault.Check
	finding := form.Choice(&check, "finding", looks.Findings(), "finding.error")
	note := form.Required(&check, "note", 1000, "finding.error.note")
	if err = check.Err(); err == nil {
		err = c.WithTx(func(tx db.Tx) error { return oversight.Close(tx, a, finding, note, c.Printer().Tag) })
	}
	if refused := said(err, state); refused != 0 {
		return showAlert(c, refused, a, state)
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/alerts/" + a.Ref))
}

// said puts an error that a person can act on into a form and returns the
// status; 0 for any other.
func said(err error, state *ui.Form) int {
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Forbidden || f.Code == fault.Conflict) {
		state.Err = f
		return web.Status(f.Code)
	}
	return 0
}
