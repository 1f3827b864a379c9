// Package cases is the office's work on cases.
package cases

import (
	"net/url"

	"daftar/auth"
	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/registry/deadline"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/ui"
)

const pageSize = 50

// queue is one page of one list.
type queue struct {
	View        cases.View
	Kind        string
	Kinds       []ui.Choice
	Rows        []line
	First, Next string
	Bulk        bool // cases can be approved together here
	Keys        bool
	Frozen      []cases.Freeze
	Overdue     int // late cases, told to those who decide
	Form        *ui.Form
}

// line is one case in the queue.
type line struct {
	Ref, Kind, Applicant, Area, Received, Due, State, Colour, Officer string
	Late, News                                                        bool
	Reached                                                           string // whom the lateness has reached
}

// Queue lists the cases at the officer's desks, the most urgent first.
func Queue(c *web.Ctx) error {
	q := queue{View: cases.Team, Kind: c.Query("kind"), Form: &ui.Form{}}
	for _, v := range cases.Views() {
		if string(v) == c.Query("view") {
			q.View = v
		}
	}
	if err := q.load(c, c.Query("after")); err != nil {
		return err
	}
	return c.Render(queuePage(q))
}

func (q *queue) load(c *web.Ctx, after string) error {
	p := c.Printer()
	today := registry.Today(c.Now(), p.Zone)
	err := c.WithTx(func(tx db.Tx) error {
		rows, next, err := cases.Queue(tx, intake.Actor(c, true), cases.Filter{View: q.View, Kind: q.Kind, After: after, Limit: pageSize, Today: today})
		if err != nil {
			return err
		}
		address := func(after string) string {
			return "/cases?" + url.Values{"view": {string(q.View)}, "kind": {q.Kind}, "after": {after}}.Encode()
		}
		if after != "" {
			q.First = address("")
		}
		if next != "" {
			q.Next = address(next)
		}
		for _, r := range rows {
			kind, err := kinds.ByID(tx, r.KindID)
			if err != nil {
				return err
			}
			var area i18n.Text
			_ = area.Scan(r.AreaName)
			place := area.In(p)
			if r.Kept && !protects(c) {
				place = p.T("record.hidden")
			}
			q.Rows = append(q.Rows, line{
				Ref: r.Ref, Kind: kind.Title.In(p), Applicant: r.Applicant, Area: place, Received: p.Date(r.SubmittedAt.Time), Due: p.Day(r.DueOn),
				State: filing.State(p, kind, r.State, true), Colour: stateColour(r.State), Officer: r.Officer,
				Late: r.State.Open() && r.DueOn.Before(today), News: r.NewsAt.Valid, Reached: reached(r.State, r.Escalation),
			})
		}
		all, err := kinds.All(tx)
		if err != nil {
			return err
		}
		for _, k := range all {
			q.Kinds = append(q.Kinds, ui.Choice{Value: k.Code, Label: k.Title.In(p)})
		}
		if q.Frozen, err = cases.Freezes(tx, today); err != nil {
			return err
		}
		if c.Principal().May(auth.CaseDecide) {
			if q.Overdue, err = cases.LateCount(tx, intake.Actor(c, true), today); err != nil {
				return err
			}
		}
		q.Keys, err = cases.Letters(tx, c.Principal().ID)
		return err
	})
	q.Bulk = q.View == cases.Checked && c.Principal().May(auth.CaseDecide)
	return err
}

// reached is whom the lateness of an open case has reached; "" for nobody.
func reached(s cases.State, e deadline.Silence) string {
	if !s.Open() {
		return ""
	}
	return e.String()
}

// protects reports whether the reader may know places that are told to nobody.
func protects(c *web.Ctx) bool { return len(c.Principal().Areas(auth.PersonProtected)) > 0 }

func stateColour(s cases.State) string {
	switch s {
	case cases.StateApproved:
		return "green"
	case cases.StateRefused:
		return "red"
	case cases.StateWaiting, cases.StateStale:
		return "orange"
	case cases.StateRecommended, cases.StateEndorsed:
		return "purple"
	case cases.StateWithdrawn, cases.StateDraft:
		return "grey"
	}
	return "blue"
}
