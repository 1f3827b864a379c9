package intake

import (
	"context"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/ask"
	"daftar/web/show"
	"daftar/web/ui"
)

// newRow is the path of a row that is not there yet.
const newRow = "new"

// rosterRow asks for one row of a roster: every column, none of them needed.
var rosterRow = page{
	load: func(v *visit, tx db.Tx) error {
		if v.field.Type != registry.TypeRoster {
			return fault.Hidden()
		}
		var err error
		if v.near, err = ask.NearPlaces(tx, v.Printer(), v.c.Draft.AreaCode, v.columns(), v.answers()[v.field.Code]); err != nil {
			return err
		}
		if v.Param("row") == newRow {
			if len(registry.Rows(v.answers()[v.field.Code])) >= registry.MaxRows {
				return fault.New(fault.Conflict, "roster.error.too_many", "Max", registry.MaxRows)
			}
			v.row = registry.Row{registry.RowID: registry.RandomCode(6, tx.Rand())}
			return nil
		}
		var ok bool
		if v.row, ok = registry.RowOf(v.answers()[v.field.Code], v.Param("row")); !ok {
			return fault.Hidden()
		}
		return nil
	},
	named: func(v *visit) []string {
		var names []string
		for _, column := range v.columns() {
			names = append(names, ask.Inputs(column, column.Code)...)
		}
		return names
	},
	fill: func(v *visit) map[string][]string {
		values := map[string][]string{}
		for _, column := range v.columns() {
			for name, given := range ask.Fill(column, column.Code, v.row[column.Code]) {
				values[name] = given
			}
		}
		return values
	},
	read: func(v *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		row := registry.Row{registry.RowID: v.row.ID()}
		answers := &ask.Answers{Form: f, Check: &check, Places: ask.PlacesOf(v.Ctx)}
		for _, column := range v.columns() {
			if value := answers.Read(column, column.Code, v.row[column.Code]); value != nil {
				row[column.Code] = value
			}
		}
		if answers.Err() != nil {
			return nil, answers.Err()
		}
		if len(row) == 1 {
			check.Fail(v.columns()[0].Code, "roster.error.empty")
		}
		return v.changeRows(func(value any) []registry.Row { return registry.PutRow(value, row) }), check.Err()
	},
	view: func(v *visit, f *ui.Form) templ.Component { return rowPage(v, f) },
	next: func(v *visit, _ *cases.Draft, _ *web.Form) string { return v.roster() },
}

// removeRow asks before taking a row out.
var removeRow = page{
	inputs: []string{"remove"},
	load: func(v *visit, tx db.Tx) error {
		if v.Param("row") == newRow {
			return fault.Hidden()
		}
		return rosterRow.load(v, tx)
	},
	fill: func(*visit) map[string][]string { return nil },
	read: func(v *visit, f *web.Form) (func(*cases.Draft) error, error) {
		var check fault.Check
		if f.Choice(&check, "remove", []string{"yes", "no"}, "roster.error.remove") == "no" {
			return func(*cases.Draft) error { return nil }, check.Err()
		}
		return v.changeRows(func(value any) []registry.Row { return registry.DropRow(value, v.row.ID()) }), check.Err()
	},
	view: func(v *visit, f *ui.Form) templ.Component { return removeRowPage(v, f) },
	next: func(v *visit, _ *cases.Draft, _ *web.Form) string { return v.roster() },
}

// changeRows edits the roster as it is when it is stored: two rows sent at once
// are both kept.
func (v *visit) changeRows(change func(value any) []registry.Row) func(*cases.Draft) error {
	rows := func(values registry.Values) any {
		if rows := change(values[v.field.Code]); len(rows) > 0 {
			return rows
		}
		return nil
	}
	if v.member != nil {
		return v.on(func(m *cases.Member) { m.Set(v.field.Code, rows(m.Fields)) })
	}
	return func(d *cases.Draft) error { d.Set(v.field.Code, rows(d.Fields)); return nil }
}

func (v *visit) columns() registry.Fields { return v.form.Fields.Columns(v.field) }

// roster is the address of the roster's list.
func (v *visit) roster() string {
	address := v.at(v.fieldKey())
	if v.Query("from") == "check" {
		address += "?from=check"
	}
	return address
}

type rosterLine struct{ Text, Edit, Remove string }

func (v *visit) rosterLines(ctx context.Context) []rosterLine {
	var lines []rosterLine
	for _, row := range registry.Rows(v.answers()[v.field.Code]) {
		at := v.at(v.fieldKey() + "/rows/" + row.ID())
		lines = append(lines, rosterLine{Text: show.RosterRow(i18n.From(ctx), v.form.Fields, v.field, row), Edit: at, Remove: at + "/remove"})
	}
	return lines
}
