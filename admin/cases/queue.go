// Package cases is the office's work on cases.
package cases

import (
	"net/url"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/show"
	"daftar/web/ui"
)

const pageSize = 50

// Queue lists the cases at the officer's desks, the most urgent first.
func Queue(c *web.Ctx) error {
	filter := cases.Filter{View: cases.Team, After: c.Query("after"), Limit: pageSize, Today: registry.Today(c.Now(), c.Printer().Zone)}
	for _, v := range cases.Views() {
		if string(v) == c.Query("view") {
			filter.View = v
		}
	}
	code := string(filter.View)
	var rows []cases.QueueRow
	var next string
	err := c.WithTx(func(tx db.Tx) (err error) {
		rows, next, err = cases.Queue(tx, intake.Actor(c, true), filter)
		return err
	})
	if err != nil {
		return err
	}
	page := func(after string) string {
		return "/cases?" + url.Values{"view": {code}, "after": {after}}.Encode()
	}
	q := queue{View: code, Rows: tableRows(c, rows)}
	if filter.After != "" {
		q.First = "/cases?view=" + code
	}
	if next != "" {
		q.Next = page(next)
	}
	return c.Render(queuePage(q))
}

type queue struct {
	View        string
	Rows        [][]ui.Cell
	First, Next string
}

func tableRows(c *web.Ctx, rows []cases.QueueRow) [][]ui.Cell {
	p := c.Printer()
	today := registry.Today(c.Now(), p.Zone)
	var out [][]ui.Cell
	for _, r := range rows {
		var area i18n.Text
		_ = area.Scan(r.AreaName)
		due := ui.Cell{Text: p.Day(r.DueOn)}
		if r.State.Open() && r.DueOn.Before(today) {
			due.Class, due.Text = "dft-overdue", p.T("queue.overdue", "Date", due.Text)
		}
		out = append(out, []ui.Cell{
			{Text: r.Ref, Path: "/cases/" + r.Ref, LTR: true},
			{Text: show.Name(p, r.Applicant)},
			{Text: area.In(p)},
			{Text: p.Date(r.SubmittedAt.Time)},
			due,
			{Text: p.T("office.state." + string(r.State)), Colour: stateColour(r.State)},
		})
	}
	return out
}

func stateColour(s cases.State) string {
	switch s {
	case cases.StateApproved:
		return "green"
	case cases.StateRefused:
		return "red"
	case cases.StateWaiting:
		return "orange"
	case cases.StateRecommended:
		return "purple"
	case cases.StateWithdrawn, cases.StateDraft:
		return "grey"
	}
	return "blue"
}
