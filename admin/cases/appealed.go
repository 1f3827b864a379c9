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
}

// appealed adds the decision that an appeal is of; nothing to any other case.
func (v *view) appealed(c *web.Ctx, tx db.Tx) error {
	if v.Case.Appeals == nil {
		return nil
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
