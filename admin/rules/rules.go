// Package rules shows the versions of programmes' rules with what they would
// do, and lets the ministry decide on those that would take much away.
package rules

import (
	"errors"
	"strconv"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/programmes"
	"daftar/web"
	"daftar/web/ui"
)

// List shows every version, those that wait first.
func List(c *web.Ctx) error {
	var list []programmes.Review
	err := c.View(func(tx db.Tx) (err error) {
		list, err = programmes.Reviews(tx)
		return err
	})
	if err != nil {
		return err
	}
	p := c.Printer()
	var rows [][]ui.Cell
	for _, r := range list {
		rows = append(rows, []ui.Cell{
			{Text: r.Programme.In(p), Path: path(r)}, {Text: p.Number(r.Version)}, {Text: p.Date(r.PublishedAt)},
			{Text: losing(p, r)}, {Text: p.T("rule.state." + string(r.State)), Colour: colour(r.State)},
		})
	}
	return c.Render(listPage(rows))
}

func path(r programmes.Review) string { return "/rules/" + r.Code + "/" + strconv.Itoa(r.Version) }

// losing says whom a version takes from: "12 of 340 (3.53 %)".
func losing(p *i18n.Printer, r programmes.Review) string {
	if !r.Enrolled.Valid || r.Enrolled.Int32 == 0 {
		return ""
	}
	return p.T("rule.losing_of", "Losing", p.Number(int(r.Losing.Int32)), "Enrolled", p.Number(int(r.Enrolled.Int32)),
		"Share", p.Decimal(100*float64(r.Losing.Int32)/float64(r.Enrolled.Int32)))
}

func colour(s programmes.ReviewState) string {
	switch s {
	case programmes.Waiting, programmes.Measuring:
		return "orange"
	case programmes.Refused:
		return "red"
	}
	return "green"
}

// view is one version.
type view struct {
	programmes.Review
	Criteria  []programmes.Criterion
	Form      *ui.Form
	MayDecide bool
}

// Show is one version with what it would do.
func Show(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(showPage(v))
}

func load(c *web.Ctx) (view, error) {
	var v view
	version, err := strconv.Atoi(c.Param("version"))
	if err != nil {
		return v, fault.Hidden()
	}
	if err := c.View(func(tx db.Tx) (err error) {
		v.Review, err = programmes.ReviewOf(tx, c.Param("code"), version)
		return err
	}); err != nil {
		return v, err
	}
	p := c.Principal()
	v.MayDecide = p.May(auth.RuleApprove) && v.State == programmes.Waiting && (v.PublishedBy == nil || *v.PublishedBy != p.ID)
	v.Form = &ui.Form{Action: path(v.Review) + "/decide", Values: map[string][]string{}}
	v.Criteria, err = v.Review.Criteria()
	return v, err
}

// Decide approves the version, in waves, or refuses it.
func Decide(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("decision", "note")
	if err != nil {
		return err
	}
	v.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(showPage(v))
	}
	var check fault.Check
	decision := form.Choice(&check, "decision", []string{"approve", "refuse"}, "decide.error.decision")
	note := form.Required(&check, "note", 1000, "rule.error.note")
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			return programmes.DecideRule(tx, v.Rule, decision == "approve", note, c.Printer().Tag)
		})
	}
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict || f.Code == fault.Forbidden) {
		v.Form.Err = f
		return c.RenderStatus(web.Status(f.Code), showPage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(path(v.Review)))
}
