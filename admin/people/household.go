package people

import (
	"time"

	"daftar/db"
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
		if v.At.Past() {
			lived, err := history.Members(tx, id, v.At.At, v.At.day(p))
			if err != nil {
				return err
			}
			if err := told.CalculateThen(tx, registry.KindHousehold, data.Fields, v.At.day(p), lived); err != nil {
				return err
			}
		}
		v.Ref, v.Title = data.Ref, p.T("record.household_title")
		if data.Status != "" && data.Status != registry.Active {
			v.Status, v.Emptied = p.T("outcome.ended"), data.StatusReason == registry.HouseholdEmpty
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

// members lists who lives in the household and who is or was tied to it; for
// another time, who was then.
func (v *view) members(tx db.Tx, p *i18n.Printer, id db.ID) error {
	columns := []string{"record.person_reference", "name.full", "record.age", "record.tie", "record.relationship", "record.when"}
	if v.At.Past() {
		then, err := history.Members(tx, id, v.At.At, v.At.day(p))
		if err != nil {
			return err
		}
		day, err := time.Parse(time.DateOnly, v.At.day(p))
		if err != nil {
			return err
		}
		var rows [][]ui.Cell
		for _, m := range then {
			rows = append(rows, tieRow(p, m.Person.Ref, show.FullName(p, m.Person.FullName, m.Person.FullNameLatin), show.Age(p, m.Person.Birth(), day),
				m.Tie.Tie, m.Tie.Relationship, show.Span(p, m.Tie.StartDate, m.Tie.EndDate)))
		}
		v.add(p, "record.members", columns, rows)
		return nil
	}
	ties, err := registry.TiesOf(tx, id)
	if err != nil {
		return err
	}
	var rows [][]ui.Cell
	names := map[db.ID]string{}
	for _, t := range ties {
		names[t.PersonID] = show.FullName(p, t.PersonName, t.PersonLatin)
		age := show.Age(p, t.Birth(), registry.Today(tx.Now(), p.Zone))
		if t.PersonStatus != registry.Active {
			age = p.T("outcome." + t.PersonStatus)
		}
		rows = append(rows, tieRow(p, t.PersonRef, names[t.PersonID], age, t.Tie, t.Relationship, span(p, t.StartDate, t.EndDate)))
	}
	v.add(p, "record.members", columns, rows)
	return v.roles(tx, p, id, names)
}

// roles lists who does what in the household. Where nobody is left to receive
// what it gets, the alternative does for the time being (RULES R16).
func (v *view) roles(tx db.Tx, p *i18n.Printer, id db.ID, names map[db.ID]string) error {
	roles, err := registry.RolesIn(tx, id)
	if err != nil {
		return err
	}
	payee, err := registry.PayeeOf(tx, id)
	if err != nil {
		return err
	}
	var rows [][]ui.Cell
	for _, r := range roles {
		role := show.Role(p, r.Role, r.OfName)
		if payee != nil && payee.Provisional && r.PersonID == payee.Person && r.Role == registry.RoleAlternatePayee && !r.EndDate.Valid {
			role = p.T("role.provisional_payee")
		}
		rows = append(rows, []ui.Cell{{Text: show.Name(p, names[r.PersonID])}, {Text: role}, {Text: span(p, r.StartDate, r.EndDate)}})
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

func tieRow(p *i18n.Printer, ref, name, age, tie, relationship, when string) []ui.Cell {
	return []ui.Cell{{Text: ref, Path: "/people/" + ref, LTR: true}, {Text: name}, {Text: age}, {Text: show.Tie(p, tie)},
		{Text: show.Code(p, "relationship.", relationship)}, {Text: when}}
}
