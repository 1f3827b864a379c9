package ask

import (
	"slices"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/web/ui"
)

// Near are the places that the rows of a roster may be at, to choose from.
type Near struct {
	offered []ui.Choice
	held    registry.Options // those that the rows are at: some are far away, some have ended
}

// maxNear is how many places a list offers.
const maxNear = 300

// NearPlaces lists where a row may be, for columns that ask for a place: all that
// lies in the region of home, the code of an area, the larger first where there are
// too many, and every other region. A plot is seldom far from home. Without a home
// it is the regions alone. rows is the roster as it is.
func NearPlaces(tx db.Tx, p *i18n.Printer, home string, columns registry.Fields, rows any) (Near, error) {
	var near Near
	place := slices.IndexFunc(columns, func(c registry.Field) bool { return c.Type == registry.TypeArea })
	if place < 0 {
		return near, nil
	}
	named, err := registry.WithPlaces(tx, columns, registry.Values{columns[place].Roster: rows})
	if err != nil {
		return near, err
	}
	near.held = named[place].Options
	settings, err := registry.LoadSettings(tx)
	if err != nil {
		return near, err
	}
	if home == "" {
		home = settings.Country.Code
	}
	var list []struct {
		Code string    `db:"code"`
		Name i18n.Text `db:"name"`
		In   i18n.Text `db:"inside"`
	}
	if err := tx.Select(&list, `
		with near as (
			select a.* from area a join area h on h.code = $1 join area c on c.code = $2
			where a.l0 = c.id and a.level > 0 and a.valid_to is null and (a.level = 1 or h.l1 is null or a.l1 = h.l1)
			order by a.level, a.place limit $3)
		select n.code, n.name, case when n.level > 1 then p.name else '{}' end as inside from near n join area p on p.id = n.parent_id order by n.place`,
		home, settings.Country.Code, maxNear); err != nil {
		return near, err
	}
	for _, a := range list {
		label := a.Name.In(p)
		if len(a.In) > 0 {
			label = p.List([]string{label, a.In.In(p)})
		}
		near.offered = append(near.offered, ui.Choice{Value: a.Code, Label: label})
	}
	return near, nil
}

// with is the list with the place of an earlier answer, which may be far away.
func (n Near) with(p *i18n.Printer, column registry.Field, code string) []ui.Choice {
	if code == "" || slices.ContainsFunc(n.offered, func(c ui.Choice) bool { return c.Value == code }) {
		return n.offered
	}
	column.Options = n.held
	return append([]ui.Choice{{Value: code, Label: column.Show(p, code)}}, n.offered...)
}
