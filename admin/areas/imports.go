package areas

import (
	"path"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/areas"
	"daftar/web"
	"daftar/web/ui"
)

// today is the registry's day.
func today(c *web.Ctx) time.Time { return registry.Today(c.Now(), c.Printer().Zone) }

// ImportForm asks for a file.
func ImportForm(c *web.Ctx) error {
	mine, err := own(c)
	if err != nil {
		return err
	}
	return c.Render(importPage(mine, &ui.Form{Values: map[string][]string{"missing": {"end"}}}, nil))
}

// own says which areas a file of the officer's may be about.
func own(c *web.Ctx) (string, error) {
	var names []string
	err := c.View(func(tx db.Tx) error {
		list, err := areas.Own(tx, actor(c))
		for _, a := range list {
			names = append(names, a.Name.In(c.Printer())+" ("+a.Code+")")
		}
		return err
	})
	return c.Printer().List(names), err
}

// Import reads a file and leads to what it would do. Nothing is stored of a
// file with problems; of a good one, a draft that only its author sees.
func Import(c *web.Ctx) error {
	form, err := c.Form("file", "missing")
	if err != nil {
		return err
	}
	mine, err := own(c)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(importPage(mine, state, nil))
	}
	var check fault.Check
	missing := form.Choice(&check, "missing", []string{"end", "keep"}, "areas.error.missing")
	file, ok := form.File("file")
	if !ok {
		check.Fail("file", "areas.error.file")
	}
	if f := check.Fault(); f != nil {
		state.Err = f
		return c.RenderStatus(fiber.StatusUnprocessableEntity, importPage(mine, state, nil))
	}
	var ref string
	var plan *areas.Plan
	on := today(c).Format(time.DateOnly)
	upload, err := areas.ReadUpload(file.Bytes)
	if err == nil {
		err = c.WithTx(func(tx db.Tx) (err error) {
			if plan, err = upload.Plan(tx, actor(c), areas.Options{On: on, KeepMissing: missing == "keep"}); err != nil {
				return err
			}
			ref, err = areas.Propose(tx, areas.Draft{Kind: upload.Kind(), On: on, Files: []string{fileName(file.Name)}, Digest: areas.Digest(file.Bytes)}, plan)
			return err
		})
	}
	if f := shown(err); f != nil {
		if len(f.Fields) == 0 { // beside the input that it is about
			f = &fault.Error{Code: f.Code, Key: f.Key, Fields: []fault.Field{{Name: "file", Key: f.Key, Args: f.Args}}, Cause: f.Cause}
		}
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), importPage(mine, state, plan))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/areas/changes/" + ref))
}

// fileName is the last part of what the browser called a file, short.
func fileName(s string) string {
	r := []rune(path.Base(s))
	return string(r[max(0, len(r)-100):])
}

const shownProblems = 100

func problemRows(p *i18n.Printer, list []areas.Problem) [][]ui.Cell {
	var rows [][]ui.Cell
	for _, b := range list[:min(len(list), shownProblems)] {
		row := ui.Cell{}
		if b.Row > 0 {
			row.Text = p.Number(b.Row)
		}
		rows = append(rows, []ui.Cell{{Text: b.Sheet}, row, {Text: b.Column, LTR: true}, {Text: b.Value}, {Text: say(p, b.Key, b.Args)}})
	}
	return rows
}

func say(p *i18n.Printer, key string, args map[string]any) string {
	var pairs []any
	for name, value := range args {
		if t, ok := value.(i18n.Text); ok {
			value = t.In(p)
		}
		pairs = append(pairs, name, value)
	}
	return p.T(key, pairs...)
}
