package people

import (
	"strings"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/dedup"
	"daftar/registry/history"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// Person is one person's record.
func Person(c *web.Ctx) error {
	return open(c, registry.KindPerson, func(tx db.Tx, v *view, told show.Record, id db.ID) error {
		p := c.Printer()
		data, err := history.Person(tx, id, v.At.At)
		if err != nil {
			return err
		}
		if v.At.Past() {
			if err := told.CalculateThen(tx, registry.KindPerson, data.Fields, v.At.day(p), nil); err != nil {
				return err
			}
			day, err := time.Parse(time.DateOnly, v.At.day(p))
			if err != nil {
				return err
			}
			told = told.About(day)
		}
		v.Ref, v.Title = data.Ref, show.FullName(p, data.FullName, data.FullNameLatin)
		if data.Status != "" && data.Status != registry.Active {
			v.Status = p.T("outcome." + data.Status)
		}
		v.Rows = told.Person(data)
		if data.MergedInto != nil {
			into, err := registry.LoadPerson(tx, *data.MergedInto)
			if err != nil {
				return err
			}
			v.Rows = append(v.Rows, ui.Row{Key: p.T("record.merged_into"), Value: into.Ref, LTR: true})
		}
		if err := v.numbers(tx, told, id, data.Identifiers); err != nil {
			return err
		}
		if v.Contested, err = registry.Claimants(tx, id); err != nil {
			return err
		}
		if v.Reported, err = registry.ReportedDead(tx, id); err != nil {
			return err
		}
		if c.Principal().May(auth.DuplicateRead) {
			if v.Pairs, err = dedup.OfPerson(tx, reader(c), id); err != nil {
				return err
			}
		}
		sees, err := v.reader.SeesContacts(tx, id)
		if err != nil {
			return err
		}
		v.Contacts = show.Contacts(p, contacts(data), sees)
		if err := v.homes(tx, p, data); err != nil {
			return err
		}
		if err := v.relations(tx, p, id); err != nil {
			return err
		}
		if err := v.groups(tx, p, id); err != nil {
			return err
		}
		return v.life(tx, told, id, show.Reader{Place: true, Contacts: sees})
	})
}

func contacts(data registry.PersonData) []registry.Contact {
	var list []registry.Contact
	for _, d := range data.Contacts {
		list = append(list, registry.Contact{Kind: d.Kind, Value: d.Value, Owner: d.Owner, Safe: strings.Join(d.Safe, " "), Protected: d.Protected})
	}
	return list
}

// homes lists where the person lives, lived and belongs.
func (v *view) homes(tx db.Tx, p *i18n.Printer, data registry.PersonData) error {
	var changes []history.Change
	var rows [][]ui.Cell
	for _, m := range data.Memberships {
		s, err := history.Of(m)
		if err != nil {
			return err
		}
		changes = append(changes, history.Change{New: s})
	}
	names, err := show.NamesIn(tx, p, changes...)
	if err != nil {
		return err
	}
	var duties [][]ui.Cell
	for i := len(data.Memberships) - 1; i >= 0; i-- {
		m := data.Memberships[i]
		ref := names[m.HouseholdID.String()]
		home := ui.Cell{Text: ref, Path: "/households/" + ref, LTR: true}
		rows = append(rows, []ui.Cell{home, {Text: show.Tie(p, m.Tie)}, {Text: show.Code(p, "relationship.", m.Relationship)},
			{Text: show.Span(p, m.StartDate, m.EndDate)}})
		for _, r := range m.Roles {
			of := ""
			if r.Of != nil {
				of = names[r.Of.String()]
			}
			duties = append(duties, []ui.Cell{home, {Text: show.Role(p, r.Role, of)}, {Text: show.Span(p, r.StartDate, r.EndDate)}})
		}
	}
	v.add(p, "record.memberships", []string{"record.household_reference", "record.tie", "record.relationship", "record.when"}, rows)
	v.add(p, "record.roles", []string{"record.household_reference", "record.role", "record.when"}, duties)
	return nil
}

func (v *view) relations(tx db.Tx, p *i18n.Printer, id db.ID) error {
	list, err := registry.Relations(tx, id)
	var rows [][]ui.Cell
	for _, r := range list {
		if v.At.Past() && !registry.During(date(r.StartDate), date(r.EndDate), v.At.day(p)) {
			continue
		}
		rows = append(rows, []ui.Cell{{Text: p.T("relation." + r.Type)}, {Text: show.FullName(p, r.OtherName, r.Latin)},
			{Text: r.OtherRef, Path: "/people/" + r.OtherRef, LTR: true}, {Text: span(p, r.StartDate, r.EndDate)}})
	}
	v.add(p, "record.relations", []string{"record.relation", "name.full", "record.person_reference", "record.when"}, rows)
	return err
}
