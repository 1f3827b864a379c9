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
	Ties      []ui.Row // where one lives, lived and belongs, and what one does there
	Relations []ui.Row
	Household *registry.Household
	Home      []ui.Row
	People    [][]ui.Cell
	Children  [][]ui.Cell // whose records one sees, wherever they live
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
		v, err = load(tx, c.Printer(), c.Principal().ID, *person)
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(recordPage(v))
}

func load(tx db.Tx, p *i18n.Printer, account, id db.ID) (view, error) {
	var v view
	told, err := show.LoadRecord(tx, p, id, tx.Now())
	if err != nil {
		return v, err
	}
	told = told.For(account)
	told.Photos = "/record"
	if err := told.Calculate(tx, id); err != nil {
		return v, err
	}
	me, _, err := registry.CurrentPerson(tx, id)
	if err != nil {
		return v, err
	}
	if v.Mine, err = values(tx, told, id, me); err != nil {
		return v, err
	}
	if v.Ties, err = ties(tx, p, me); err != nil {
		return v, err
	}
	if v.Relations, err = relations(tx, p, id); err != nil {
		return v, err
	}
	if v.Life, err = life(tx, told, id, time.Time{}, show.Reader{Place: true}); err != nil {
		return v, err
	}
	wards, err := registry.Wards(tx, id, registry.Today(tx.Now(), p.Zone))
	if err != nil {
		return v, err
	}
	for _, w := range wards {
		v.Children = append(v.Children, []ui.Cell{{Text: show.Name(p, w.FullName), Path: "/record/people/" + w.Ref}, {Text: show.Birth(p, w.Birth())}})
	}
	household, err := registry.HouseholdOf(tx, id)
	if fault.Is(err, fault.NotFound) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	return v, v.home(tx, p, account, household, id)
}

// values are somebody's own values, numbers and ways to be reached. What is told
// to nobody is not told here either: others may look over a shoulder, or hold
// the phone (RULES R5).
func values(tx db.Tx, told show.Record, id db.ID, me registry.PersonData) ([]ui.Row, error) {
	identifiers, err := registry.Identifiers(tx, id)
	if err != nil {
		return nil, err
	}
	types, err := registry.IdentifierTypes(tx)
	if err != nil {
		return nil, err
	}
	return slices.Concat(told.Person(me), told.Identifiers(identifiers, types), show.Contacts(told.P, contactsOf(me), false)), nil
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

// ties lists the households that somebody is or was tied to, with what they do
// there.
func ties(tx db.Tx, p *i18n.Printer, me registry.PersonData) ([]ui.Row, error) {
	var changes []history.Change
	for _, m := range me.Memberships {
		s, err := history.Of(m)
		if err != nil {
			return nil, err
		}
		changes = append(changes, history.Change{New: s})
	}
	names, err := show.NamesIn(tx, p, changes...)
	var rows []ui.Row
	for _, m := range slices.Backward(me.Memberships) {
		row := ui.Row{Key: names[m.HouseholdID.String()], Value: show.Tie(p, m.Tie), Lines: []string{show.Span(p, m.StartDate, m.EndDate)}}
		for _, r := range m.Roles {
			of := ""
			if r.Of != nil {
				of = names[r.Of.String()]
			}
			row.Lines = append(row.Lines, p.T("record.duty", "Role", show.Role(p, r.Role, of), "When", show.Span(p, r.StartDate, r.EndDate)))
		}
		rows = append(rows, row)
	}
	return rows, err
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
func life(tx db.Tx, told show.Record, id db.ID, since time.Time, who show.Reader) ([]ui.Happening, error) {
	entries, err := history.Timeline(tx, id, tx.Now())
	if err != nil {
		return nil, err
	}
	names, err := show.NamesIn(tx, told.P, show.ChangesOf(entries)...)
	if err != nil {
		return nil, err
	}
	all := told.Timeline(entries, names, who)
	for i, e := range entries {
		if e.RecordedAt.Before(since) {
			return all[:i], nil
		}
	}
	return all, nil
}

// home adds the household that the person lives in. Of its past they see what
// was recorded since they are there (RULES R4). Where a protected one is, is not
// said, not even here (RULES R5).
func (v *view) home(tx db.Tx, p *i18n.Printer, account, id, me db.ID) error {
	h, err := registry.LoadHousehold(tx, id)
	if err != nil {
		return err
	}
	v.Household = &h
	told, err := show.LoadRecord(tx, p, id, tx.Now())
	if err != nil {
		return err
	}
	told = told.For(account)
	told.Photos = "/record"
	if err := told.Calculate(tx, id); err != nil {
		return err
	}
	told.Mine()
	data, _, err := registry.CurrentHousehold(tx, id)
	if err != nil {
		return err
	}
	place := ""
	if h.Protected {
		v.Home = []ui.Row{{Key: p.T("area.label"), Value: p.T("record.secret")}}
	} else {
		path, err := registry.AreaPath(tx, h.AreaID)
		if err != nil {
			return err
		}
		place = registry.PathName(p, path)
	}
	v.Home = append(v.Home, told.Household(data, place)...)
	everybody, err := registry.TiesOf(tx, id)
	if err != nil {
		return err
	}
	v.People = people(p, everybody, me)
	since := tx.Now()
	for _, m := range h.Members {
		if m.ID == me && m.Since.Valid {
			since = m.Since.Time
		}
	}
	if v.HomeLife, err = life(tx, told, id, since, show.Reader{Place: !h.Protected}); err != nil {
		return err
	}
	v.Decisions, err = programmes.Decisions(tx, id)
	return err
}

// people lists who lives in the household and who else belongs to it now: name
// and relationship, no more.
func people(p *i18n.Printer, everybody []registry.Membership, me db.ID) [][]ui.Cell {
	var rows [][]ui.Cell
	for _, m := range everybody {
		if m.EndDate.Valid {
			continue
		}
		name, tie := show.Name(p, m.PersonName), show.Tie(p, m.Tie)
		if m.PersonID == me {
			tie = p.List([]string{tie, p.T("record.you")})
		}
		rows = append(rows, []ui.Cell{{Text: name}, {Text: p.T("relationship." + m.Relationship)}, {Text: tie}})
	}
	return rows
}
