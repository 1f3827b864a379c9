// Package decisions is the office's work on decisions that would take something
// away: each is looked at by itself and sent, or set aside.
package decisions

import (
	"errors"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/letters"
	"daftar/registry/notices"
	"daftar/registry/programmes"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

func reader(c *web.Ctx) registry.Reader {
	return registry.Reader{Areas: c.Areas(), Programmes: c.Principal().Programmes(auth.DecisionSend)}
}

// List shows what the rules propose to take away, and what is under way.
func List(c *web.Ctx) error {
	var list []programmes.Proposal
	err := c.WithTx(func(tx db.Tx) (err error) {
		list, err = programmes.Proposals(tx, reader(c))
		return err
	})
	if err != nil {
		return err
	}
	p := c.Printer()
	var fresh, under [][]ui.Cell
	for _, d := range list {
		row := []ui.Cell{
			{Text: d.Ref, Path: "/decisions/" + d.Ref, LTR: true}, {Text: d.Programme.In(p)}, {Text: d.HouseholdRef, LTR: true}, {Text: p.Number(d.People)},
			{Text: p.Date(d.DecidedAt)}, {Text: p.T("decision.state." + string(d.State)), Colour: show.StateColour(d.State)},
		}
		if d.SentAt.Valid {
			under = append(under, row)
		} else {
			fresh = append(fresh, row)
		}
	}
	return c.Render(listPage(fresh, under))
}

// view is one of them.
type view struct {
	programmes.Proposal
	Clock    programmes.Clock
	Criteria []show.Criterion
	Letters  []letters.Letter
	Told     []notices.Told
	Form     *ui.Form
	MaySend  bool
	MayDrop  bool
}

// Show is one of them. Reading it is logged.
func Show(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(showPage(v))
}

func load(c *web.Ctx) (view, error) {
	var v view
	err := c.WithTx(func(tx db.Tx) (err error) {
		if v.Proposal, err = programmes.ReadProposal(tx, reader(c), c.Param("ref")); err != nil {
			return err
		}
		if v.Clock, err = programmes.ClockOf(tx, v.Decision); err != nil {
			return err
		}
		if v.Letters, err = letters.About(tx, v.ID); err != nil {
			return err
		}
		if v.Told, err = notices.About(tx, v.ID); err != nil {
			return err
		}
		fields, err := registry.LoadFields(tx)
		v.Criteria = show.CriteriaOf(c.Printer(), v.Decision, fields)
		return err
	})
	v.MaySend = v.State == programmes.Proposed && !v.SentAt.Valid
	v.MayDrop = v.State == programmes.Proposed || v.State == programmes.Served
	v.Form = &ui.Form{Action: "/decisions/" + v.Ref + "/aside", Values: map[string][]string{}}
	return v, err
}

// Send has the proposal go out in writing.
func Send(c *web.Ctx) error {
	return step(c, nil, func(tx db.Tx, _ *web.Form) error { return programmes.SendOut(tx, reader(c), c.Param("ref")) })
}

// SetAside drops it, with a reason.
func SetAside(c *web.Ctx) error {
	return step(c, []string{"note"}, func(tx db.Tx, f *web.Form) error {
		var check fault.Check
		note := f.Required(&check, "note", 1000, "proposal.error.note")
		if err := check.Err(); err != nil {
			return err
		}
		return programmes.SetAside(tx, reader(c), c.Param("ref"), note, c.Printer().Tag)
	})
}

func step(c *web.Ctx, inputs []string, take func(db.Tx, *web.Form) error) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form(inputs...)
	if err != nil {
		return err
	}
	v.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(showPage(v))
	}
	err = c.WithTx(func(tx db.Tx) error { return take(tx, form) })
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict) {
		v.Form.Err = f
		return c.RenderStatus(web.Status(f.Code), showPage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/decisions/" + v.Ref))
}
