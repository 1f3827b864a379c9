package ask

import (
	"fmt"
	"slices"
	"strings"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/formula"
	"daftar/web"
	"daftar/web/ui"
)

// Sheet is the questions of one subject on one page, rosters included: for the
// office's proposals, and for what a programme or a life event asks. The same
// definitions that ask one thing per page draw it.
type Sheet struct {
	All       registry.Fields // definitions, with the columns of the rosters
	Questions registry.Fields // of the sheet, in order
	Formulas  *formula.Set    // nil: every question is asked, whatever was answered
	Spare     int             // empty rows at the end of each roster
	Office    bool            // an officer reads it: names instead of questions, and short lists
}

// NewSheet is the sheet of the definitions of a subject. Calculated ones are
// nobody's to answer.
func NewSheet(all, questions registry.Fields) Sheet {
	return Sheet{All: all, Questions: slices.DeleteFunc(slices.Clone(questions), func(f registry.Field) bool {
		return f.Type == registry.TypeCalculated || f.Roster != ""
	}), Spare: 1}
}

// Name gives the places that stored values name their names.
func (s *Sheet) Name(tx db.Tx, values registry.Values) (err error) {
	if s.All, err = registry.WithPlaces(tx, s.All, values); err != nil {
		return err
	}
	s.Questions, err = registry.WithPlaces(tx, s.Questions, values)
	return err
}

// put is how a definition is drawn on the sheet.
func (s Sheet) put(f registry.Field) registry.Field {
	if s.Office {
		f.Question, f.Help = nil, nil
	}
	return f
}

// input is the name of a question's input: a prefix keeps it apart from others
// of the page.
func input(f registry.Field) string { return "f." + f.Code }

// cell is the name of an input in a row of a roster.
func cell(roster registry.Field, row int, code string) string {
	return fmt.Sprintf("f.%s.%d.%s", roster.Code, row, code)
}

// More is the button that asks for another empty row of a roster.
const More = "more"

// Inputs lists the names of every input that the sheet can have.
func (s Sheet) Inputs() []string {
	names := []string{More}
	for _, f := range s.Questions {
		if f.Type != registry.TypeRoster {
			names = append(names, Inputs(f, input(f))...)
			continue
		}
		for row := range registry.MaxRows {
			names = append(names, cell(f, row, registry.RowID), cell(f, row, "drop"))
			for _, column := range s.All.Columns(f) {
				names = append(names, Inputs(column, cell(f, row, column.Code))...)
			}
		}
	}
	return names
}

// Fill puts stored values into the inputs.
func (s Sheet) Fill(into map[string][]string, values registry.Values) {
	put := func(more map[string][]string) {
		for name, list := range more {
			into[name] = list
		}
	}
	for _, f := range s.Questions {
		if f.Type != registry.TypeRoster {
			put(Fill(f, input(f), values[f.Code]))
			continue
		}
		for n, row := range registry.Rows(values[f.Code]) {
			into[cell(f, n, registry.RowID)] = []string{row.ID()}
			for _, column := range s.All.Columns(f) {
				put(Fill(column, cell(f, n, column.Code), row[column.Code]))
			}
		}
	}
}

// Uploads reports whether a question takes a photo: the form is sent in parts.
func (s Sheet) Uploads() bool {
	return slices.ContainsFunc(s.Questions, func(f registry.Field) bool { return f.Type == registry.TypeFile })
}

// Growing reports that somebody only asked for another empty row.
func Growing(form *web.Form) bool { return form.Get(More) != "" }

// Read checks the answers and returns the values with them; what the sheet does
// not ask stays as it is, and so does what another answer made out of place in a
// record. In an application or an event that is left out. id names new rows.
func (s Sheet) Read(a *Answers, old registry.Values, id func() string) registry.Values {
	next := registry.Values{}
	for code, value := range old {
		next[code] = value
	}
	put := func(code string, value any) {
		if value == nil {
			delete(next, code)
		} else {
			next[code] = value
		}
	}
	for _, f := range s.Questions {
		switch f.Type {
		case registry.TypeFile:
		case registry.TypeRoster:
			put(f.Code, s.rows(a, f, old[f.Code], id))
		default:
			put(f.Code, a.Read(f, input(f), old[f.Code]))
		}
	}
	for _, f := range s.Questions { // last: only of a form without a mistake
		if f.Type == registry.TypeFile {
			put(f.Code, a.Read(f, input(f), old[f.Code]))
		}
	}
	if s.Formulas == nil {
		return next
	}
	for _, f := range s.Questions {
		if !s.Formulas.Asked(f, next) {
			delete(next, f.Code)
		}
	}
	return next
}

// rows reads a roster: rows keep their identity, empty ones are none, and those
// marked go.
func (s Sheet) rows(a *Answers, f registry.Field, old any, id func() string) any {
	rows := []any{}
	columns := s.All.Columns(f)
	for n := range registry.MaxRows {
		if a.Form.Get(cell(f, n, "drop")) == "yes" {
			continue
		}
		row := map[string]any{}
		given := a.Form.Get(cell(f, n, registry.RowID))
		was, known := registry.RowOf(old, given)
		for code, value := range was { // of columns that are asked no more
			if !slices.ContainsFunc(columns, func(c registry.Field) bool { return c.Code == code }) {
				row[code] = value
			}
		}
		answered := false
		for _, column := range columns {
			if value := a.Read(column, cell(f, n, column.Code), was[column.Code]); value != nil {
				row[column.Code], answered = value, true
			}
		}
		if !answered {
			continue
		}
		if row[registry.RowID] = given; !known { // a row's identity is the record's to give
			row[registry.RowID] = id()
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	return rows
}

// count is how many rows of a roster are drawn: those there, and empty ones.
func (s Sheet) count(f registry.Field, form *ui.Form) int {
	last := 0
	for name, values := range form.Values {
		var n int
		rest, ok := strings.CutPrefix(name, "f."+f.Code+".")
		if !ok {
			continue
		}
		if _, err := fmt.Sscanf(rest, "%d.", &n); err == nil && slices.ContainsFunc(values, func(v string) bool { return v != "" }) {
			last = max(last, n+1)
		}
	}
	return min(last+s.Spare, registry.MaxRows)
}
