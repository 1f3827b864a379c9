package oversight

import (
	"strings"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/looks"
	"daftar/registry/oversight"
	"daftar/web"
	"daftar/web/ui"
)

func reader(c *web.Ctx) registry.Reader { return registry.Reader{Areas: c.Areas()} }

// delays is the list, with what this officer may do.
type delays struct {
	List       []looks.Delay
	Now        time.Time
	MayRequest bool
	MayDecide  bool
	Form       *ui.Form
}

// Delays lists what is held back for investigations, and for how long.
func Delays(c *web.Ctx) error {
	d, err := loadDelays(c)
	if err != nil {
		return err
	}
	return c.Render(delaysPage(d))
}

func loadDelays(c *web.Ctx) (d delays, err error) {
	d = delays{MayRequest: c.Principal().May(auth.DelayRequest), MayDecide: c.Principal().May(auth.DelayDecide), Now: c.Now(), Form: &ui.Form{}}
	err = c.WithTx(func(tx db.Tx) error {
		d.List, err = looks.Delays(tx)
		return err
	})
	return d, err
}

// delayState is how a request stands, with its colour.
func delayState(p *i18n.Printer, d looks.Delay, now time.Time) (text, colour string) {
	switch {
	case !d.Approved.Valid:
		return p.T("delay.waiting"), "blue"
	case !d.Approved.Bool:
		return p.T("delay.refused"), "grey"
	case d.Until.After(now):
		return p.T("delay.hidden"), "orange"
	}
	return p.T("delay.shown"), "green"
}

func delayRows(p *i18n.Printer, d looks.Delay) []ui.Row {
	rows := []ui.Row{
		{Key: p.T("audit.person"), Value: d.PersonRef, LTR: true}, {Key: p.T("delay.officer"), Value: d.Officer},
		{Key: p.T("delay.requested"), Value: p.Time(d.RequestedAt)}, {Key: p.T("delay.until"), Value: p.Time(d.Until)},
	}
	if d.Decider.Valid {
		rows = append(rows, ui.Row{Key: p.T("delay.decided"), Value: d.Decider.String, Lines: []string{p.Time(d.DecidedAt.Time)}})
	}
	return rows
}

// DelayForm asks whose record, until when, and why.
func DelayForm(c *web.Ctx) error { return c.Render(delayPage(&ui.Form{})) }

// RequestDelay sends the request on to a second person.
func RequestDelay(c *web.Ctx) error {
	form, err := c.Form("person", "until", "reason")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(delayPage(state))
	}
	var check fault.Check
	person := form.Required(&check, "person", 40, "delay.error.person")
	reason := form.Required(&check, "reason", 1000, "delay.error.reason")
	day, wrong := time.ParseInLocation(time.DateOnly, strings.TrimSpace(i18n.LatinDigits(form.Get("until"))), c.Printer().Zone)
	if wrong != nil {
		check.Fail("until", "audit.error.day")
	}
	if err = check.Err(); err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			_, err := looks.RequestDelay(tx, reader(c), person, day.AddDate(0, 0, 1), reason, c.Printer().Tag) // until the end of the day
			return err
		})
	}
	if refused := said(err, state); refused != 0 {
		return c.RenderStatus(refused, delayPage(state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/delays"))
}

// DecideDelay approves or refuses a request.
func DecideDelay(c *web.Ctx) error {
	var d looks.Delay
	err := c.View(func(tx db.Tx) (err error) {
		d, err = looks.FindDelay(tx, c.Param("ref"))
		return err
	})
	if err != nil {
		return err
	}
	form, err := c.Form("decision")
	if err != nil {
		return err
	}
	var check fault.Check
	decision := form.Choice(&check, "decision", []string{"approve", "refuse"}, "decide.error.decision")
	if err = check.Err(); err == nil {
		err = c.WithTx(func(tx db.Tx) error { return looks.DecideDelay(tx, d, decision == "approve") })
	}
	state := &ui.Form{}
	if refused := said(err, state); refused != 0 {
		page, err := loadDelays(c)
		if err != nil {
			return err
		}
		page.Form = state
		return c.RenderStatus(refused, delaysPage(page))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/delays"))
}

// Releases lists records of which reads for protection are held back, and asks
// for the review that shows them.
func Releases(c *web.Ctx) error {
	held, err := heldBack(c)
	if err != nil {
		return err
	}
	return c.Render(releasesPage(held, &ui.Form{}))
}

func heldBack(c *web.Ctx) (rows [][]ui.Cell, err error) {
	if err := c.WithTx(func(tx db.Tx) error { return oversight.Note(tx, oversight.Filter{}, "looks.held_listed") }); err != nil {
		return nil, err
	}
	var list []oversight.Held
	err = asAuditor(c, func(tx db.Tx) error {
		list, err = oversight.HeldBack(tx)
		return err
	})
	p := c.Printer()
	for _, h := range list {
		rows = append(rows, []ui.Cell{{Text: h.Ref, LTR: true}, {Text: p.Number(h.Reads)}, {Text: p.Time(h.First)}, {Text: p.Time(h.Last)}})
	}
	return rows, err
}

// Release shows a person what was read of their record for protection.
func Release(c *web.Ctx) error {
	form, err := c.Form("person", "review", "agree")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	show := func(status int) error {
		held, err := heldBack(c)
		if err != nil {
			return err
		}
		return c.RenderStatus(status, releasesPage(held, state))
	}
	if form.Switching() {
		return show(200)
	}
	var check fault.Check
	person := form.Required(&check, "person", 40, "delay.error.person")
	review := form.Required(&check, "review", 1000, "release.error.review")
	form.Choice(&check, "agree", []string{"yes"}, "release.error.agree")
	if err = check.Err(); err == nil {
		err = c.WithTx(func(tx db.Tx) error { return looks.Release(tx, reader(c), person, review, c.Printer().Tag) })
	}
	if refused := said(err, state); refused != 0 {
		return show(refused)
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/releases"))
}
