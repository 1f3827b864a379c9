package record

import (
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/programmes"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/ui"
)

// criterion is one condition of a rule with its outcome and the facts it rests
// on.
type criterion struct {
	Label   string
	Outcome programmes.Outcome
	Facts   []ui.Row
}

// Decision tells what was decided about one's household, and why, condition by
// condition. Scores and distances are not shown (RULES R13).
func Decision(c *web.Ctx) error {
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	var d programmes.Decision
	var fields registry.Fields
	var until time.Time
	err := c.View(func(tx db.Tx) error {
		household, err := registry.HouseholdOf(tx, *person)
		if err != nil {
			return err
		}
		if d, err = programmes.DecisionByRef(tx, household, c.Param("ref")); err != nil {
			return err
		}
		if until, err = cases.AppealUntil(tx, d.DecidedAt); err != nil {
			return err
		}
		fields, err = registry.LoadFields(tx)
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(decisionPage(d, criteria(c.Printer(), d, fields), until))
}

func criteria(p *i18n.Printer, d programmes.Decision, fields registry.Fields) []criterion {
	var list []criterion
	for i, result := range d.Criteria {
		rule := d.Rule.Criteria[i]
		k := criterion{Label: rule.Label.In(p), Outcome: result.Outcome}
		for _, fact := range rule.Facts {
			switch fact {
			case "members":
				k.Facts = append(k.Facts, ages(p, d.Inputs)...)
				continue
			case "size":
				k.Facts = append(k.Facts, ui.Row{Key: p.T("decision.size"), Value: p.Number(d.Inputs.Size)})
				continue
			}
			if f, ok := fields.Of(registry.KindHousehold).Get(fact); ok {
				k.Facts = append(k.Facts, ui.Row{Key: f.Label.In(p), Value: f.Show(p, d.Inputs.Household[fact])})
			}
		}
		list = append(list, k)
	}
	return list
}

// ages says how old the children are that the rule saw, the youngest first.
func ages(p *i18n.Printer, in programmes.Inputs) []ui.Row {
	var children []int
	unknown := 0
	for _, m := range in.Members {
		switch {
		case m.Youngest < 0:
			unknown++
		case m.Youngest < registry.Majority:
			children = append(children, m.Youngest)
		}
	}
	slices.Sort(children)
	var years []string
	for _, age := range children {
		years = append(years, p.Number(age))
	}
	row := ui.Row{Key: p.T("decision.children"), Value: p.List(years)}
	if len(children) == 0 {
		row.Value = p.T("decision.no_children")
	}
	rows := []ui.Row{row}
	if unknown > 0 {
		rows = append(rows, ui.Row{Key: p.T("decision.unknown_age"), Value: p.Number(unknown)})
	}
	return rows
}

// Appeal opens an appeal of the decision, with one button.
func Appeal(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	var ref string
	err := c.WithTx(func(tx db.Tx) error {
		household, err := registry.HouseholdOf(tx, *person)
		if err != nil {
			return err
		}
		d, err := programmes.DecisionByRef(tx, household, c.Param("ref"))
		if err != nil {
			return err
		}
		ref, err = cases.AppealProgramme(tx, intake.Actor(c, false), household, d.ID, c.Printer().Tag)
		return err
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(filing.Base + "/" + ref))
}
