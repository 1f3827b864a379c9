// Package record shows people what the registry knows about them, where each
// value comes from, and why a decision fell.
package record

import (
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/programmes"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// view is one's record as one may see it (RULES R4): one's own values and the
// dwelling's; of other adults the name and relationship alone.
type view struct {
	Mine      []ui.Row
	Household *registry.Household
	Home      []ui.Row
	People    []ui.Row
	Decisions []programmes.Decision
}

// Show is one's own record.
func Show(c *web.Ctx) error {
	person := c.Principal().Person
	if person == nil {
		return c.Render(nonePage())
	}
	var v view
	err := c.View(func(tx db.Tx) (err error) {
		v, err = load(tx, c.Printer(), *person)
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(recordPage(v))
}

func load(tx db.Tx, p *i18n.Printer, id db.ID) (view, error) {
	var v view
	me, err := registry.LoadPerson(tx, id)
	if err != nil {
		return v, err
	}
	identifiers, err := registry.Identifiers(tx, id)
	if err != nil {
		return v, err
	}
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return v, err
	}
	provenances := []registry.Provenance{me.Provenance}
	for _, i := range identifiers {
		provenances = append(provenances, i.Provenance)
	}
	household, err := registry.HouseholdOf(tx, id)
	if err == nil {
		h, err := registry.LoadHousehold(tx, household)
		if err != nil {
			return v, err
		}
		v.Household = &h
		provenances = append(provenances, h.Provenance)
	} else if !fault.Is(err, fault.NotFound) {
		return v, err
	}
	sources, err := registry.Sources(tx, provenances...)
	if err != nil {
		return v, err
	}
	v.Mine = mine(p, me, identifiers, fields, sources)
	if v.Household == nil {
		return v, nil
	}
	if v.Home, err = home(tx, p, *v.Household, fields, sources); err != nil {
		return v, err
	}
	v.People = people(p, *v.Household, id, tx.Now())
	v.Decisions, err = programmes.Decisions(tx, household)
	return v, err
}

func mine(p *i18n.Printer, me registry.Person, identifiers []registry.Identifier, fields registry.Fields, sources map[db.ID]registry.Source) []ui.Row {
	row := func(key, value, name string) ui.Row {
		return ui.Row{Key: key, Value: value, Source: show.Sourced(p, sources, me.Provenance, name)}
	}
	rows := []ui.Row{
		{Key: p.T("record.reference"), Value: me.Ref, LTR: true},
		row(p.T("name.full"), me.FullName, "full_name"),
	}
	if me.FullNameLatin != "" {
		rows = append(rows, row(p.T("name.latin"), me.FullNameLatin, "full_name_latin"))
	}
	rows = append(rows,
		row(p.T("birth.label"), show.Birth(p, me.Birth()), "birth"),
		row(p.T("about.sex"), show.Code(p, "sex.", me.Sex), "sex"))
	for _, i := range identifiers {
		rows = append(rows, ui.Row{Key: p.T("identifier." + i.Type), Value: i.Masked(), LTR: true,
			Lines: []string{p.T("identifier.status." + i.Status)}, Source: show.Sourced(p, sources, i.Provenance, "*")})
	}
	return append(rows, show.Fields(p, fields, registry.KindPerson, me.Fields, me.Provenance, sources)...)
}

func home(tx db.Tx, p *i18n.Printer, h registry.Household, fields registry.Fields, sources map[db.ID]registry.Source) ([]ui.Row, error) {
	path, err := registry.AreaPath(tx, h.AreaID)
	if err != nil {
		return nil, err
	}
	row := func(key, value, name string) ui.Row {
		return ui.Row{Key: key, Value: value, Source: show.Sourced(p, sources, h.Provenance, name)}
	}
	rows := []ui.Row{row(p.T("area.label"), registry.PathName(p, path), "area")}
	if h.Directions != "" {
		rows = append(rows, row(p.T("directions.label"), h.Directions, "directions"))
	}
	return append(rows, show.Fields(p, fields, registry.KindHousehold, h.Fields, h.Provenance, sources)...), nil
}

// people lists who lives in the household; of other adults no more than name
// and relationship, of children also the birth date.
func people(p *i18n.Printer, h registry.Household, me db.ID, now time.Time) []ui.Row {
	var rows []ui.Row
	for _, m := range h.Members {
		row := ui.Row{Key: show.Name(p, m.FullName), Value: p.T("relationship." + m.Relationship)}
		if m.ID == me {
			row.Lines = []string{p.T("record.you")}
		} else if _, oldest := m.Birth().Age(now); oldest >= 0 && oldest < registry.Majority {
			row.Lines = []string{show.Birth(p, m.Birth())}
		}
		rows = append(rows, row)
	}
	return rows
}
