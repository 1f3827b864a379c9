package show

import (
	"slices"

	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/programmes"
	"daftar/web/ui"
)

// Criterion is one condition of a rule with its outcome and the facts it rests
// on.
type Criterion struct {
	Label   string
	Outcome programmes.Outcome
	Facts   []ui.Row
}

// CriteriaOf are the conditions of a decision, in words.
func CriteriaOf(p *i18n.Printer, d programmes.Decision, fields registry.Fields) []Criterion {
	var list []Criterion
	for i, result := range d.Criteria {
		rule := d.Rule.Criteria[i]
		k := Criterion{Label: rule.Label.In(p), Outcome: result.Outcome}
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

func outcomeClass(o programmes.Outcome) string {
	switch o {
	case programmes.Met:
		return "dft-yes"
	case programmes.NotMet:
		return "dft-no"
	}
	return "dft-unknown"
}

// StateColour is the tag's colour of a decision that would take something away.
func StateColour(s programmes.State) string {
	switch s {
	case programmes.Suspended:
		return "purple"
	case programmes.InForce:
		return "red"
	case programmes.Overturned, programmes.Withdrawn:
		return "green"
	}
	return "orange"
}

// ClockRows are the days that count for a decision.
func ClockRows(p *i18n.Printer, d programmes.Decision, c programmes.Clock) []ui.Row {
	var rows []ui.Row
	if !c.Served {
		return rows
	}
	rows = append(rows, ui.Row{Key: p.T("clock.served"), Value: p.Day(c.ServedOn)})
	if d.State != programmes.Suspended && d.State != programmes.Upheld {
		rows = append(rows, ui.Row{Key: p.T("clock.appeal"), Value: p.T("clock.until", "Date", p.Day(c.LastDay))})
	}
	if d.Replaces != nil && (d.State.Open() && d.State != programmes.Suspended || d.State == programmes.InForce) {
		rows = append(rows, ui.Row{Key: p.T("clock.from"), Value: p.Day(c.From)})
	}
	return rows
}
