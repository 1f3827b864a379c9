// Package people shows the records of people, households and groups to staff,
// as they are and as they were, and takes proposals to change them.
package people

import (
	"database/sql"
	"strings"
	"time"

	"daftar/admin/purpose"
	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/amend"
	"daftar/registry/dedup"
	"daftar/registry/history"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// reader is what the member of staff may see with the route's permission.
func reader(c *web.Ctx) registry.Reader {
	return registry.Reader{Areas: c.Areas(), Protected: c.Principal().Areas(auth.PersonProtected), Roles: c.Principal().Roles()}
}

// view is one record.
type view struct {
	Kind, Ref, Title string
	Status           string // "" while the record goes on
	At               moment
	NotYet           bool // it was not in the registry at that time
	Protected        bool // told to nobody else
	Hidden           bool // and not to this reader either
	Contested        []registry.Claimant
	Reported         bool           // dead, and not confirmed
	Waiting          []string       // references of proposals
	Pairs            []dedup.Stored // records that may be of the same person
	Rows             []ui.Row
	Numbers          []ui.Row
	Contacts         []ui.Row
	Tables           []table
	Life             []ui.Happening
	Totals           *registry.Totals
	MayPropose       bool
	Emptied          bool // a household that nobody is in: it goes on when somebody comes back
	MayUnmask        bool // see a number whole

	reader registry.Reader
}

// parts are what can be proposed beyond the plain values.
func (v view) parts() []part {
	var list []part
	for _, pt := range parts[v.Kind] {
		if (pt.Key == "restore") == (v.Status != "") && !v.Emptied {
			list = append(list, pt)
		}
	}
	return list
}

// table is a list within a record.
type table struct {
	Title   string
	Columns []ui.Column
	Rows    [][]ui.Cell
}

// add notes a table, unless it is empty.
func (v *view) add(p *i18n.Printer, title string, columns []string, rows [][]ui.Cell) {
	if len(rows) == 0 {
		return
	}
	t := table{Title: p.T(title), Rows: rows}
	for _, key := range columns {
		t.Columns = append(t.Columns, ui.Column{Title: p.T(key)})
	}
	v.Tables = append(v.Tables, t)
}

// moment is the point in both times that is asked for: the record as it was
// known at the end of a day, and as it was on a day.
type moment struct {
	history.At
	Known, On string // as asked; "" for now
	Form      *ui.Form
}

// Past reports whether another time than now is asked for.
func (m moment) Past() bool { return m.Known != "" || m.On != "" }

// when reads the two days. What is no day, or one to come, is an error of its form,
// which keeps what was typed.
func when(c *web.Ctx) moment {
	m := moment{At: history.At{Known: c.Now()}, Form: &ui.Form{Values: map[string][]string{}}}
	zone := c.Printer().Zone
	var check fault.Check
	read := func(name string) (string, time.Time) {
		typed := c.Query(name)
		m.Form.Values[name] = []string{typed}
		day := strings.TrimSpace(i18n.LatinDigits(typed))
		if day == "" {
			return "", time.Time{}
		}
		t, err := time.ParseInLocation(time.DateOnly, day, zone)
		switch {
		case err != nil:
			check.Fail(name, "asof.wrong")
		case t.After(c.Now()):
			check.Fail(name, "asof.future")
		default:
			return day, t
		}
		return "", time.Time{}
	}
	var known time.Time
	if m.Known, known = read("known"); m.Known != "" {
		if end := known.AddDate(0, 0, 1).Add(-time.Microsecond); end.Before(m.At.Known) {
			m.At.Known = end
		}
	}
	m.On, _ = read("on")
	m.At.On = m.On
	m.Form.Err = check.Fault()
	return m
}

// why is what the officer needs the record for, outside a case. What is not
// theirs is not there before anything is asked; ok is false when the page was
// answered with the question.
func why(c *web.Ctx, kind string) (code string, ok bool, err error) {
	if err := c.View(func(tx db.Tx) error {
		_, err := registry.FindRecord(tx, reader(c), kind, c.Param("ref"))
		return err
	}); err != nil {
		return "", false, err
	}
	return purpose.Of(c)
}

var letters = map[string]rune{registry.KindPerson: registry.RefPerson, registry.KindHousehold: registry.RefHousehold, registry.KindGroup: registry.RefGroup}

// urgent reports whether a person's record is open to the officer by two people's
// word.
func urgent(c *web.Ctx, kind string) (yes bool, err error) {
	if kind != registry.KindPerson || !c.Principal().Urgent {
		return false, nil
	}
	err = c.View(func(tx db.Tx) error {
		r, open, err := auth.InEmergency(tx, c.Principal(), reader(c), c.Param("ref"))
		if err == nil && open {
			_, err = registry.FindRecord(tx, r, kind, c.Param("ref"))
			yes = err == nil
		}
		return err
	})
	return yes, err
}

// open finds the record, asks what for, logs the reading and fills what every
// kind of record has.
func open(c *web.Ctx, kind string, fill func(db.Tx, *view, show.Record, db.ID) error) error {
	p := c.Printer()
	code := auth.EmergencyPurpose
	yes, err := urgent(c, kind)
	if err == nil && !yes {
		var ok bool
		if code, ok, err = why(c, kind); err == nil && !ok {
			return nil // it was asked for
		}
	}
	if err != nil {
		return err
	}
	v := view{Kind: kind, At: when(c), MayPropose: c.Principal().May(auth.ChangePropose),
		MayUnmask: kind == registry.KindPerson && c.Principal().May(auth.PersonNumber), reader: reader(c)}
	err = c.WithTx(func(tx db.Tx) error {
		if code == auth.EmergencyPurpose { // as long as it is open, at this very moment
			if v.reader, _, err = auth.InEmergency(tx, c.Principal(), v.reader, c.Param("ref")); err != nil {
				return err
			}
			v.MayPropose, v.MayUnmask = false, false
		}
		id, err := registry.ReadRecord(tx, v.reader, kind, c.Param("ref"), code)
		if err != nil {
			return err
		}
		if v.At.Known != "" {
			versions, err := history.Versions(tx, id, v.At.At.Known)
			if err != nil {
				return err
			}
			if v.NotYet = len(versions) == 0; v.NotYet {
				v.Ref, _ = registry.ParseRef(letters[kind], c.Param("ref"))
				return nil
			}
		}
		told, err := show.LoadRecord(tx, p, id, v.At.At.Known)
		if err != nil {
			return err
		}
		if v.Waiting, err = amend.Waiting(tx, id); err != nil {
			return err
		}
		told.Staff, told.Roles, told.Photos = true, c.Principal().Roles(), c.Here()
		if !v.At.Past() {
			if err := told.Calculate(tx, id); err != nil {
				return err
			}
		}
		return fill(tx, &v, told, id)
	})
	if err != nil {
		return err
	}
	if v.At.Form.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), recordPage(v))
	}
	return c.Render(recordPage(v))
}

// life is a record's timeline, up to the moment asked for.
func (v *view) life(tx db.Tx, told show.Record, id db.ID, who show.Reader) error {
	entries, err := history.Timeline(tx, id, v.At.At.Known)
	if err != nil {
		return err
	}
	names, err := show.NamesIn(tx, told.P, show.ChangesOf(entries)...)
	if err != nil {
		return err
	}
	who.Staff = true
	v.Life = told.Timeline(entries, names, who)
	return nil
}

func (v *view) numbers(tx db.Tx, told show.Record, id db.ID, data []registry.IdentifierData) error {
	types, err := registry.IdentifierTypes(tx)
	if err != nil {
		return err
	}
	list, err := registry.Identifiers(tx, id)
	if v.At.Past() {
		list = nil
		for _, d := range data {
			i := registry.Identifier{Type: d.Type, Value: d.Value, Issuer: d.Issuer, Status: d.Status, Provenance: d.Provenance}
			i.Method.String, i.Assurance.String = d.Method, d.Assurance
			list = append(list, i)
		}
	}
	v.Numbers = told.Identifiers(list, types)
	return err
}

// groups lists what the record is directly in, or was at the time asked for.
func (v *view) groups(tx db.Tx, p *i18n.Printer, id db.ID) error {
	var list []registry.Group
	var err error
	if v.At.Past() {
		list, err = history.Groups(tx, id, v.At.At, v.At.day(p))
	} else {
		list, err = registry.GroupsOf(tx, id, registry.Today(tx.Now(), p.Zone))
	}
	var rows [][]ui.Cell
	for _, g := range list {
		rows = append(rows, []ui.Cell{{Text: g.Ref, Path: "/groups/" + g.Ref, LTR: true}, {Text: g.Name}, {Text: p.T("group.type." + g.Type)}})
	}
	v.add(p, "record.groups", []string{"record.group_reference", "group.name", "group.type"}, rows)
	return err
}

func date(t sql.NullTime) string {
	if !t.Valid {
		return ""
	}
	return t.Time.Format(time.DateOnly)
}

func span(p *i18n.Printer, from, to sql.NullTime) string { return show.Span(p, date(from), date(to)) }

// place is where an area is, in words.
func place(tx db.Tx, p *i18n.Printer, area db.ID) (string, error) {
	path, err := registry.AreaPath(tx, area)
	return registry.PathName(p, path), err
}
