// Package record shows people what the registry knows about them, where each
// value comes from, and why a decision fell.
package record

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/history"
	"daftar/registry/programmes"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// view is one's record as one may see it (RULES R4): one's own values and the
// dwelling's; of other adults the name and relationship alone.
type view struct {
	Mine      []ui.Row
	Relations []ui.Row
	Household *registry.Household
	Home      []ui.Row
	People    []ui.Row
	Decisions []programmes.Decision
	Life      []ui.Happening // what changed about the person
	HomeLife  []ui.Happening // and about the home, since they live there
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
	told, err := show.LoadRecord(tx, p, id, tx.Now())
	if err != nil {
		return v, err
	}
	told.Photos = "/record"
	if err := told.Calculate(tx, id); err != nil {
		return v, err
	}
	me, _, err := registry.CurrentPerson(tx, id)
	if err != nil {
		return v, err
	}
	if v.Mine, err = mine(tx, told, id, me); err != nil {
		return v, err
	}
	if v.Relations, err = relations(tx, p, id); err != nil {
		return v, err
	}
	if v.Life, err = life(tx, told, id, time.Time{}); err != nil {
		return v, err
	}
	household, err := registry.HouseholdOf(tx, id)
	if fault.Is(err, fault.NotFound) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	return v, v.home(tx, p, household, id)
}

// mine are one's own values, numbers and ways to be reached.
func mine(tx db.Tx, told show.Record, id db.ID, me registry.PersonData) ([]ui.Row, error) {
	identifiers, err := registry.Identifiers(tx, id)
	if err != nil {
		return nil, err
	}
	types, err := registry.IdentifierTypes(tx)
	if err != nil {
		return nil, err
	}
	return slices.Concat(told.Person(me), told.Identifiers(identifiers, types), show.Contacts(told.P, contactsOf(me), true)), nil
}

// contactsOf are the contacts of one's own data: the portal reads no table of
// everybody's.
func contactsOf(me registry.PersonData) []registry.Contact {
	var list []registry.Contact
	for _, c := range me.Contacts {
		list = append(list, registry.Contact{Kind: c.Kind, Value: c.Value, Owner: c.Owner, Safe: strings.Join(c.Safe, " "), Protected: c.Protected})
	}
	return list
}

func relations(tx db.Tx, p *i18n.Printer, id db.ID) ([]ui.Row, error) {
	list, err := registry.Relations(tx, id)
	var rows []ui.Row
	for _, r := range list {
		row := ui.Row{Key: show.Name(p, r.OtherName), Value: p.T("relation." + r.Type)}
		if r.StartDate.Valid || r.EndDate.Valid {
			row.Lines = []string{show.Span(p, date(r.StartDate), date(r.EndDate))}
		}
		rows = append(rows, row)
	}
	return rows, err
}

func date(t sql.NullTime) string {
	if !t.Valid {
		return ""
	}
	return t.Time.Format(time.DateOnly)
}

// life tells what changed in a record since a moment, and why.
func life(tx db.Tx, told show.Record, id db.ID, since time.Time) ([]ui.Happening, error) {
	entries, err := history.Timeline(tx, id, tx.Now())
	if err != nil {
		return nil, err
	}
	names, err := show.NamesIn(tx, told.P, show.ChangesOf(entries)...)
	if err != nil {
		return nil, err
	}
	all := told.Timeline(entries, names, show.Reader{Place: true, Contacts: true})
	for i, e := range entries {
		if e.RecordedAt.Before(since) {
			return all[:i], nil
		}
	}
	return all, nil
}

// home adds the household that the person lives in. Of its past they see what
// was recorded since they are there (RULES R4).
func (v *view) home(tx db.Tx, p *i18n.Printer, id, me db.ID) error {
	h, err := registry.LoadHousehold(tx, id)
	if err != nil {
		return err
	}
	v.Household = &h
	told, err := show.LoadRecord(tx, p, id, tx.Now())
	if err != nil {
		return err
	}
	told.Photos = "/record"
	if err := told.Calculate(tx, id); err != nil {
		return err
	}
	data, _, err := registry.CurrentHousehold(tx, id)
	if err != nil {
		return err
	}
	path, err := registry.AreaPath(tx, h.AreaID)
	if err != nil {
		return err
	}
	v.Home = told.Household(data, registry.PathName(p, path))
	v.People = people(p, h, me, tx.Now())
	since := tx.Now()
	for _, m := range h.Members {
		if m.ID == me && m.Since.Valid {
			since = m.Since.Time
		}
	}
	if v.HomeLife, err = life(tx, told, id, since); err != nil {
		return err
	}
	v.Decisions, err = programmes.Decisions(tx, id)
	return err
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
