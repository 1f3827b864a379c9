package filing

import (
	"context"

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

type line struct{ Text, At string }

// lines are the rows that were told.
func (v *visit) lines(ctx context.Context) []line {
	var list []line
	for _, row := range registry.Rows(v.earlier()) {
		list = append(list, line{show.RosterRow(i18n.From(ctx), v.fields(), v.page.Field, row), v.at("q/" + v.page.Code + "/rows/" + row.ID())})
	}
	return list
}

// fields are the columns of the page's roster, as definitions.
func (v *visit) fields() registry.Fields {
	return append(registry.Fields{v.page.Field}, v.page.Columns...)
}

// another asks whether there is one more row, or goes on.
func (v *visit) another() error {
	form, err := v.Form("another")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return v.Render(questionPage(v, state))
	}
	var check fault.Check
	rows := v.earlier()
	switch form.Choice(&check, "another", []string{"yes", "no"}, "roster.error.another") {
	case "yes":
		return v.Redirect(v.URL(v.at("q/" + v.page.Code + "/rows/" + newRow)))
	case "no":
		if rows == nil {
			v.page.Check(nil, "another", v.f.Form.Today, &check)
		}
	}
	if state.Err = check.Fault(); state.Err != nil {
		return v.RenderStatus(web.Status(fault.Invalid), questionPage(v, state))
	}
	return v.put(v.page.Code, rows)
}

// openRow finds the row of the path, or begins one.
func (v *visit) openRow() error {
	if v.page.Field.Type != registry.TypeRoster {
		return fault.Hidden()
	}
	rows := v.earlier()
	if v.Param("row") == newRow {
		if len(registry.Rows(rows)) >= registry.MaxRows {
			return fault.New(fault.Conflict, "roster.error.too_many", "Max", registry.MaxRows)
		}
		v.row = registry.Row{registry.RowID: registry.RandomCode(6, v.DB().Rand())}
		return nil
	}
	var ok bool
	if v.row, ok = registry.RowOf(rows, v.Param("row")); !ok {
		return fault.Hidden()
	}
	return nil
}

// offerPlaces lists the places that a row may be at: those near home, unless that
// is told to nobody (RULES R5).
func (v *visit) offerPlaces(tx db.Tx) error {
	home := ""
	if m, ok := v.f.Scene.Residence(v.f.Scene.Me); ok {
		if h := v.f.Scene.Homes[m.HouseholdID]; !h.Protected {
			path, err := registry.AreaPath(tx, h.AreaID)
			if err != nil {
				return err
			}
			home = path[len(path)-1].Code
		}
	}
	var err error
	v.near, err = ask.NearPlaces(tx, v.Printer(), home, v.page.Columns, v.earlier())
	return err
}

// row asks for one row: every column, none of them needed.
func (s Site) row(c *web.Ctx) error {
	return s.editing(c, func(v *visit) error {
		if err := v.openRow(); err != nil {
			return err
		}
		values := map[string][]string{}
		for _, column := range v.page.Columns {
			for name, given := range ask.Fill(column, column.Code, v.row[column.Code]) {
				values[name] = given
			}
		}
		return c.Render(rowPage(v, &ui.Form{Values: values}))
	})
}

// putRow saves a row. An empty one is a row too: a baby without a name yet.
func (s Site) putRow(c *web.Ctx) error {
	return s.editing(c, func(v *visit) error {
		if err := v.openRow(); err != nil {
			return err
		}
		var inputs []string
		for _, column := range v.page.Columns {
			inputs = append(inputs, ask.Inputs(column, column.Code)...)
		}
		form, err := c.Form(inputs...)
		if err != nil {
			return err
		}
		state := &ui.Form{Values: form.Values()}
		if form.Switching() {
			return c.Render(rowPage(v, state))
		}
		var check fault.Check
		row := registry.Row{registry.RowID: v.row.ID()}
		answers := &ask.Answers{Form: form, Check: &check, Places: ask.PlacesOf(c)}
		for _, column := range v.page.Columns {
			if value := answers.Read(column, column.Code, v.row[column.Code]); value != nil {
				row[column.Code] = value
			}
		}
		if answers.Err() != nil {
			return answers.Err()
		}
		if state.Err = check.Fault(); state.Err != nil {
			return c.RenderStatus(web.Status(fault.Invalid), rowPage(v, state))
		}
		return v.changeRows(func(rows any) []registry.Row { return registry.PutRow(rows, row) })
	})
}

// dropRow takes a row out.
func (s Site) dropRow(c *web.Ctx) error {
	return s.editing(c, func(v *visit) error {
		if err := v.openRow(); err != nil {
			return err
		}
		if _, err := c.Form(); err != nil {
			return err
		}
		return v.changeRows(func(rows any) []registry.Row { return registry.DropRow(rows, v.row.ID()) })
	})
}

// changeRows edits the rows as they are when they are stored: two sent at once
// are both kept.
func (v *visit) changeRows(change func(any) []registry.Row) error {
	err := v.WithTx(func(tx db.Tx) error {
		_, err := cases.Edit(tx, v.actor(), v.f.Ref, func(d *cases.Draft) error {
			before := d.Answers[v.page.Code]
			if before == nil && v.page.Value.Name != "" {
				before = v.known() // of the record: what is changed is all of it
			}
			rows := change(before)
			if len(rows) == 0 && v.page.Value.Name == "" {
				delete(d.Answers, v.page.Code)
				delete(d.Done, v.page.Code)
				return nil
			}
			if d.Answers == nil {
				d.Answers = registry.Values{}
			}
			if d.Answers[v.page.Code] = rows; len(rows) == 0 {
				d.Answers[v.page.Code] = []registry.Row{} // none is left: not the same as no answer
			}
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.URL(v.at("q/" + v.page.Code)))
}
