package duplicates

import (
	"slices"
	"strings"

	"daftar/auth"
	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/amend"
	"daftar/registry/dedup"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// line is one thing of two records, side by side.
type line struct {
	Key  string
	A, B cell
	Fits string // "same", "may" be, "differs", or "" where one of them does not have it
}

// cell is what one record says.
type cell struct {
	Text  string
	Lines []string
	Path  string
	LTR   bool
}

func (c cell) empty() bool { return c.Text == "" && len(c.Lines) == 0 }

// view is a pair with all that an officer needs to decide.
type view struct {
	dedup.Stored
	Lines   []line
	Reasons []show.Reason
	Homes   []house
	History []ui.Happening
	Merges  []amend.Merge
	Form    *ui.Form
	MayRead bool // open the records
	// What may be said now: nothing while a merge is under way or done.
	MaySay bool
}

// house is a household of one of the two, or of both.
type house struct {
	Title string
	Rows  [][]ui.Cell
}

// Show is one pair, side by side.
func Show(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(pairPage(v))
}

func load(c *web.Ctx) (view, error) {
	p := c.Printer()
	v := view{Form: &ui.Form{}, MayRead: c.Principal().May(auth.PersonRead)}
	err := c.WithTx(func(tx db.Tx) (err error) {
		r := reader(c)
		if v.Stored, err = dedup.Read(tx, r, c.Param("ref")); err != nil {
			return err
		}
		var sides [2]side
		for i, id := range []db.ID{v.AID, v.BID} {
			if sides[i], err = readSide(tx, p, r, id); err != nil {
				return err
			}
		}
		v.Lines = compare(p, sides[0], sides[1], v.MayRead)
		v.Reasons = show.Reasons(p, v.Score)
		if v.Homes, err = houses(tx, p, v.Stored, v.MayRead); err != nil {
			return err
		}
		if v.Merges, err = amend.MergesOf(tx, v.ID); err != nil {
			return err
		}
		said, err := dedup.History(tx, v.ID)
		for _, s := range said {
			h := ui.Happening{Title: p.T("dedup.decision." + string(s.Decision)), When: p.Time(s.At)}
			if s.By.Valid {
				h.Lines = []string{s.By.String}
			}
			if s.Note != "" {
				h.Words = ui.Words{By: p.T("words.officer"), Text: s.Note, Lang: s.NoteLang}
			}
			v.History = append(v.History, h)
		}
		return err
	})
	v.MaySay = c.Principal().May(auth.DuplicateDecide) && v.State != dedup.Same
	return v, err
}

// side is one record with what is told of it.
type side struct {
	ref      string
	birth    [2]string // earliest and latest
	rows     []ui.Row
	numbers  []registry.Identifier
	types    []registry.IdentifierType
	contacts []registry.Contact
	sees     bool // the protected contacts
	home     string
	place    string
	hidden   bool
}

func readSide(tx db.Tx, p *i18n.Printer, r registry.Reader, id db.ID) (side, error) {
	var s side
	told, err := show.LoadRecord(tx, p, id, tx.Now())
	if err != nil {
		return s, err
	}
	told.Staff = true
	data, _, err := registry.CurrentPerson(tx, id)
	if err != nil {
		return s, err
	}
	s.ref, s.birth = data.Ref, [2]string{data.BirthFrom, data.BirthTo}
	s.rows = told.Person(data)[1:] // the reference has a line of its own
	if s.types, err = registry.IdentifierTypes(tx); err != nil {
		return s, err
	}
	if s.numbers, err = registry.Identifiers(tx, id); err != nil {
		return s, err
	}
	if s.contacts, err = registry.Contacts(tx, id); err != nil {
		return s, err
	}
	if s.sees, err = r.SeesContacts(tx, id); err != nil {
		return s, err
	}
	for _, m := range data.Memberships {
		if !m.Usual() || m.EndDate != "" {
			continue
		}
		h, err := registry.LoadHousehold(tx, m.HouseholdID)
		if err != nil {
			return s, err
		}
		s.home = h.Ref
		sees, err := r.SeesPlace(tx, h.ID)
		if err != nil {
			return s, err
		}
		if s.hidden = !sees; sees {
			path, err := registry.AreaPath(tx, h.AreaID)
			if err != nil {
				return s, err
			}
			s.place = registry.PathName(p, path)
		}
	}
	return s, nil
}

// compare lists two records value by value.
func compare(p *i18n.Printer, a, b side, link bool) []line {
	reference := func(s side) cell {
		c := cell{Text: s.ref, LTR: true}
		if link {
			c.Path = "/people/" + s.ref
		}
		return c
	}
	list := []line{{Key: p.T("record.person_reference"), A: reference(a), B: reference(b)}}
	add := func(key string, x, y cell, same bool) {
		l := line{Key: key, A: x, B: y}
		if !x.empty() && !y.empty() {
			l.Fits = "differs"
			if same {
				l.Fits = "same"
			}
		}
		list = append(list, l)
	}
	keys := []string{}
	byKey := [2]map[string]ui.Row{{}, {}}
	for i, s := range []side{a, b} {
		for _, r := range s.rows {
			byKey[i][r.Key] = r
			if !slices.Contains(keys, r.Key) {
				keys = append(keys, r.Key)
			}
		}
	}
	for _, key := range keys {
		x, y := byKey[0][key], byKey[1][key]
		add(key, cell{Text: x.Value, Lines: x.Lines, LTR: x.LTR}, cell{Text: y.Value, Lines: y.Lines, LTR: y.LTR},
			x.Value == y.Value && slices.Equal(x.Lines, y.Lines))
	}
	for i := range list { // an age and a day may be the same
		if l := &list[i]; l.Key == p.T("birth.label") && l.Fits == "differs" && overlap(a.birth, b.birth) {
			l.Fits = "may"
		}
	}
	numbers(p, a, b, add)
	phones(p, a, b, add)
	home := func(s side) cell {
		c := cell{Text: s.home, LTR: true}
		if link && s.home != "" {
			c.Path = "/households/" + s.home
		}
		return c
	}
	add(p.T("record.household_reference"), home(a), home(b), a.home == b.home)
	place := func(s side) cell {
		if s.hidden {
			return cell{Text: p.T("record.hidden")}
		}
		return cell{Text: s.place}
	}
	add(p.T("area.label"), place(a), place(b), !a.hidden && a.place == b.place)
	return list
}

// overlap reports whether two births can be on one day.
func overlap(a, b [2]string) bool { return a[0] <= b[1] && b[0] <= a[1] } // ISO days sort as text

// numbers compares the numbers of each kind, masked as everywhere.
func numbers(p *i18n.Printer, a, b side, add func(string, cell, cell, bool)) {
	var kinds []string
	for _, n := range append(slices.Clone(a.numbers), b.numbers...) {
		if !slices.Contains(kinds, n.Type) {
			kinds = append(kinds, n.Type)
		}
	}
	of := func(s side, kind string) (c cell, values []string) {
		for _, n := range s.numbers {
			if n.Type != kind {
				continue
			}
			values = append(values, n.Issuer+" "+n.Value)
			if c.Text == "" {
				c.Text, c.LTR = n.Masked(), true
			} else {
				c.Lines = append(c.Lines, n.Masked())
			}
			c.Lines = append(c.Lines, p.T("identifier.status."+n.Status))
		}
		return c, values
	}
	for _, kind := range kinds {
		x, mine := of(a, kind)
		y, theirs := of(b, kind)
		add(show.IdentifierName(p, a.types, kind), x, y, slices.ContainsFunc(mine, func(v string) bool { return slices.Contains(theirs, v) }))
	}
}

// phones compares the ways to reach the two. One that is told to nobody is no
// more than a line that says so.
func phones(p *i18n.Printer, a, b side, add func(string, cell, cell, bool)) {
	of := func(s side) (c cell, values []string) {
		for _, row := range show.Contacts(p, s.contacts, s.sees) {
			c.Lines = append(c.Lines, row.Value)
		}
		for _, x := range s.contacts {
			if !x.Protected || s.sees {
				values = append(values, x.Value)
			}
		}
		if len(c.Lines) > 0 {
			c.Text, c.Lines = c.Lines[0], c.Lines[1:]
		}
		c.LTR = len(values) > 0
		return c, values
	}
	x, mine := of(a)
	y, theirs := of(b)
	if x.empty() && y.empty() {
		return
	}
	add(p.T("record.contacts"), x, y, slices.ContainsFunc(mine, func(v string) bool { return slices.Contains(theirs, v) }))
}

// houses lists who lives with the two.
func houses(tx db.Tx, p *i18n.Printer, s dedup.Stored, link bool) ([]house, error) {
	var list []house
	titles := map[db.ID][]string{}
	var order []db.ID
	for _, x := range []dedup.Side{s.A, s.B} {
		if x.Household != (db.ID{}) {
			if titles[x.Household] == nil {
				order = append(order, x.Household)
			}
			titles[x.Household] = append(titles[x.Household], x.Ref)
		}
	}
	for _, id := range order {
		h, err := registry.LoadHousehold(tx, id)
		if err != nil {
			return nil, err
		}
		one := house{Title: p.T("dedup.household_of", "Household", show.Unbroken(h.Ref), "Person", show.Unbroken(strings.Join(titles[id], ", ")))}
		for _, m := range h.Members {
			ref := ui.Cell{Text: m.Ref, LTR: true}
			if link {
				ref.Path = "/people/" + m.Ref
			}
			one.Rows = append(one.Rows, []ui.Cell{ref, {Text: show.TwoNames(p, m.FullName, m.FullNameLatin)},
				{Text: show.Code(p, "relationship.", m.Relationship)}, {Text: show.Birth(p, m.Birth())}})
		}
		list = append(list, one)
	}
	return list, nil
}
