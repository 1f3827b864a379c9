// Package outages records when the service was down, so that nobody loses a day
// to it.
package outages

import (
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/deadline"
	"daftar/web"
	"daftar/web/ui"
)

// List shows what was recorded and asks for what the program cannot notice.
func List(c *web.Ctx) error { return render(c, &ui.Form{}) }

func render(c *web.Ctx, f *ui.Form) error {
	var list []deadline.Noted
	err := c.View(func(tx db.Tx) (err error) {
		list, err = deadline.List(tx)
		return err
	})
	if err != nil {
		return err
	}
	p := c.Printer()
	var rows [][]ui.Cell
	for _, o := range list {
		by, to := o.By, p.T("outage.goes_on")
		if by == "" {
			by = p.T("outage.noticed")
		}
		if o.To != nil {
			to = p.Time(*o.To)
		}
		rows = append(rows, []ui.Cell{{Text: p.Time(o.From)}, {Text: to}, {Text: by}, {Text: o.Note}})
	}
	status := 200
	if f.Failed() {
		status = web.Status(f.Err.Code)
	}
	return c.RenderStatus(status, listPage(rows, f))
}

// Record notes an outage.
func Record(c *web.Ctx) error {
	form, err := c.Form("from_day", "from_time", "to_day", "to_time", "note")
	if err != nil {
		return err
	}
	f := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return render(c, f)
	}
	var check fault.Check
	from := instant(c, form, &check, "from_day", "from_time")
	to := instant(c, form, &check, "to_day", "to_time")
	note := form.Required(&check, "note", 500, "outage.error.note")
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error { return deadline.Note(tx, from, to, note, c.Printer().Tag) })
	}
	if fa := web.AsFault(err); err != nil && fa.Code == fault.Invalid {
		for i := range fa.Fields {
			if fa.Fields[i].Name == "to" {
				fa.Fields[i].Name = "to_day"
			}
		}
		f.Err = fa
		return render(c, f)
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/outages"))
}

// instant reads a day and a time of day where the office is.
func instant(c *web.Ctx, form *web.Form, check *fault.Check, day, clock string) time.Time {
	d := i18n.LatinDigits(strings.TrimSpace(form.Get(day)))
	if _, err := time.Parse(time.DateOnly, d); err != nil {
		check.Fail(day, "outage.error."+day)
		return time.Time{}
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", d+" "+i18n.LatinDigits(strings.TrimSpace(form.Get(clock))), c.Printer().Zone)
	if err != nil {
		check.Fail(clock, "outage.error.time")
	}
	return t
}
