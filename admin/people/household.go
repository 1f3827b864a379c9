package people

import (
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/history"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// Household is one household's record with everybody who is or was tied to it.
func Household(c *web.Ctx) error {
	return open(c, registry.KindHousehold, func(tx db.Tx, v *view, told show.Record, id db.ID) error {
		p := c.Printer()
		data, err := history.Household(tx, id, v.At.At)
		if err != nil {
			return err
		}
		v.Ref, v.Title = data.Ref, p.T("record.household_title")
		if data.Status != "" && data.Status != registry.Active {
			v.Status = p.T("outcome.ended")
		}
		sees, err := reader(c).SeesPlace(tx, id)
		if err != nil {
			return err
		}
		where := ""
		if sees && data.AreaID != (db.ID{}) {
			if where, err = place(tx, p, data.AreaID); err != nil {
				return err
			}
		}
		now, err := registry.LoadHousehold(tx, id)
		if err != nil {
			return err
		}
		v.Protected, v.Hidden = now.Protected, !sees
		v.Rows = append([]ui.Row{{Key: p.T("record.household_reference"), Value: data.Ref, LTR: true}}, told.Household(data, where)...)
		if err := v.numbers(tx, told, id, data.Identifiers); err != nil {
			return err
		}
		if err := v.members(tx, p, id); err != nil {
			return err
		}
		if err := v.groups(tx, p, id); err != nil {
			return err
		}
		return v.life(tx, told, id, show.Reader{Place: sees})
	})
}

// members lists who lives in the household and who is or was tied to it. For
// another time it asks the records of all of them how it was then.
func (v *view) members(tx db.Tx, p *i18n.Printer, id db.ID) error {
	ties, err := registry.TiesOf(tx, id)
	if err != nil {
		return err
	}
	var rows [][]ui.Cell
	seen := map[db.ID]bool{}
	for _, t := range ties {
		if v.At.Past() && seen[t.PersonID] {
			continue
		}
		seen[t.PersonID] = true
		if !v.At.Past() {
			rows = append(rows, tieRow(p, t.PersonRef, t.PersonName, t.Tie, t.Relationship, date(t.StartDate), date(t.EndDate)))
			continue
		}
		then, err := history.Person(tx, t.PersonID, v.At.At)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		for _, m := range then.Memberships {
			if m.HouseholdID == id && registry.During(m.StartDate, m.EndDate, v.At.day(p)) {
				tie := m.Tie
				if tie == "" {
					tie = registry.TieUsual
				}
				rows = append(rows, tieRow(p, then.Ref, then.FullName, tie, m.Relationship, m.StartDate, m.EndDate))
			}
		}
	}
	v.add(p, "record.members", []string{"record.person_reference", "name.full", "record.tie", "record.relationship", "record.when"}, rows)
	roles, err := registry.RolesIn(tx, id)
	if err != nil || v.At.Past() {
		return err
	}
	names := map[db.ID]string{}
	for _, t := range ties {
		names[t.PersonID] = t.PersonName
	}
	rows = nil
	for _, r := range roles {
		rows = append(rows, []ui.Cell{{Text: show.Name(p, names[r.PersonID])}, {Text: show.Role(p, r.Role, r.OfName)}, {Text: span(p, r.StartDate, r.EndDate)}})
	}
	v.add(p, "record.roles", []string{"name.full", "record.role", "record.when"}, rows)
	return nil
}

// day is the day that is asked about: the day itself, or that of the moment.
func (m moment) day(p *i18n.Printer) string {
	if m.On != "" {
		return m.On
	}
	return m.At.Known.In(p.Zone).Format(time.DateOnly)
}

func tieRow(p *i18n.Printer, ref, name, tie, relationship, from, to string) []ui.Cell {
	return []ui.Cell{{Text: ref, Path: "/people/" + ref, LTR: true}, {Text: show.Name(p, name)}, {Text: p.T("tie." + tie)},
		{Text: show.Code(p, "relationship.", relationship)}, {Text: show.Span(p, from, to)}}
}
