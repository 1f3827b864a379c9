package cases

import (
	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/programmes"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/show"
	"daftar/web/ui"
)

// appealed is the decision that an appeal is of, as those who hear it read it: on
// which grounds it fell. Who took it is none of them.
type appealed struct {
	Title    string
	Rows     []ui.Row
	Words    ui.Words // of whoever decided
	Criteria []show.Criterion
	Silent   string    // the case that was not answered in time, where the appeal is about that
	Override *override // what granting it sets aside
}

// override is a human decision against a programme's rule.
type override struct {
	Sentence string
	Against  []string // the conditions that are not met
	Visit    bool     // a visit is wanted first
}

// appealed adds the decision that an appeal is of; nothing to any other case.
func (v *view) appealed(c *web.Ctx, tx db.Tx) error {
	if v.Story.Kind.Family != "appeal" {
		return nil
	}
	if err := v.decisionAppealed(c, tx); err != nil || v.Appealed == nil || v.Case.Appeals == nil {
		return err
	}
	if err := v.inTime(c, tx); err != nil {
		return err
	}
	return v.overrides(c, tx)
}

// inTime says what was the last day to appeal, and whether it came until then.
func (v *view) inTime(c *web.Ctx, tx db.Tx) error {
	p := c.Printer()
	l, err := cases.LatenessOf(tx, v.Case)
	last := p.T("appealed.not_begun")
	if l.Served {
		last = p.Day(l.LastDay)
	}
	came := p.T("appealed.in_time")
	if l.Late {
		came = p.T("appealed.late")
	}
	v.Appealed.Rows = append(v.Appealed.Rows, ui.Row{Key: p.T("appealed.last_day"), Value: last},
		ui.Row{Key: p.T("receipt.received"), Value: p.Time(v.Case.SubmittedAt.Time), Lines: []string{came}})
	return err
}

// overrides says what granting an appeal against a programme's rule does.
func (v *view) overrides(c *web.Ctx, tx db.Tx) error {
	o, err := cases.OverrideOf(tx, v.Case)
	if err != nil || o == nil || !v.Case.State.Open() {
		return err
	}
	p := c.Printer()
	v.Appealed.Override = &override{Visit: o.Visit,
		Sentence: p.T("override.effect", "Household", show.Unbroken(o.Home), "Programme", o.Programme.In(p), "Date", p.Date(o.DecidedAt))}
	for i, r := range o.Criteria {
		if r.Outcome != programmes.Met {
			v.Appealed.Override.Against = append(v.Appealed.Override.Against, o.Rule.Criteria[i].Label.In(p))
		}
	}
	return nil
}

// silent names the case that was not answered in time.
func (v *view) silent(c *web.Ctx, tx db.Tx) error {
	p := c.Printer()
	of, err := cases.SilentCase(tx, v.Case)
	if err != nil || of == nil {
		return err
	}
	kind, err := of.Of(tx)
	if err != nil {
		return err
	}
	v.Appealed = &appealed{Title: kind.Title.In(p), Silent: of.Ref, Rows: []ui.Row{
		{Key: p.T("receipt.reference"), Value: of.Ref, LTR: true}, {Key: p.T("receipt.received"), Value: p.Time(of.SubmittedAt.Time)},
		{Key: p.T("appealed.was_due"), Value: p.Day(of.DueOn.Time)}, {Key: p.T("appealed.state"), Value: filing.State(p, kind, of.State, true)}}}
	return nil
}

func (v *view) decisionAppealed(c *web.Ctx, tx db.Tx) error {
	if v.Case.Appeals == nil {
		return v.silent(c, tx)
	}
	p := c.Printer()
	if d, of, err := cases.Appealed(tx, *v.Case.Appeals); err != nil {
		return err
	} else if of != nil {
		kind, err := of.Of(tx)
		if err != nil {
			return err
		}
		text, detail := kind.ReasonText(d.Reason, d.Fact)
		row := ui.Row{Key: p.T("appealed.decision"), Value: filing.State(p, kind, of.State, true)}
		for _, line := range []string{text.In(p), detail.In(p)} {
			if line != "" {
				row.Lines = append(row.Lines, line)
			}
		}
		v.Appealed = &appealed{Title: kind.Title.In(p), Rows: []ui.Row{
			{Key: p.T("receipt.reference"), Value: of.Ref, LTR: true}, {Key: p.T("appealed.when"), Value: p.Date(of.DecidedAt.Time)}, row},
			Words: ui.Words{By: p.T("words.officer"), Text: d.Note, Lang: d.Lang}}
		return nil
	}
	d, err := programmes.DecisionByID(tx, *v.Case.Appeals)
	if err != nil {
		return err
	}
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	v.Appealed = &appealed{Title: d.Programme.In(p), Criteria: show.CriteriaOf(p, d, told(c, fields)), Rows: []ui.Row{
		{Key: p.T("receipt.reference"), Value: d.Ref, LTR: true}, {Key: p.T("appealed.when"), Value: p.Date(d.DecidedAt)},
		{Key: p.T("appealed.decision"), Value: p.T("decision.outcome." + d.Outcome)}}}
	return nil
}
