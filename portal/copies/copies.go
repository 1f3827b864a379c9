// Package copies hands people everything that the registry knows about them.
package copies

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/copies"
	"daftar/web"
	"daftar/web/ui"
)

// Show is what one asked for, and where to ask.
func Show(c *web.Ctx) error {
	if c.Principal().Person == nil {
		return fault.Hidden()
	}
	var list []copies.Request
	if err := c.View(func(tx db.Tx) (err error) {
		list, err = copies.Mine(tx)
		return err
	}); err != nil {
		return err
	}
	waiting := slices.ContainsFunc(list, func(r copies.Request) bool { return !r.Ready.Valid })
	list = slices.DeleteFunc(list, func(r copies.Request) bool { return r.Ready.Valid && !r.Open(c.Now()) })
	return c.Render(copiesPage(list, waiting))
}

// Ask asks for a copy.
func Ask(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	if err := c.WithTx(func(tx db.Tx) error { return copies.Ask(tx, *person) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/record/copy"))
}

func take(c *web.Ctx, form copies.Form) (copies.Copy, error) {
	var taken copies.Copy
	if _, err := c.Form(); err != nil {
		return taken, err
	}
	err := c.WithTx(func(tx db.Tx) (err error) {
		taken, err = copies.Take(tx, c.Param("ref"), form)
		return err
	})
	return taken, err
}

// File is the copy for programs.
func File(c *web.Ctx) error {
	taken, err := take(c, copies.File)
	if err != nil {
		return err
	}
	taken.Schema = c.Origin() + copies.SchemaPath
	raw, err := json.MarshalIndent(taken, "", "  ")
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="my-data.json"`)
	return c.Send(fiber.StatusOK, fiber.MIMEApplicationJSONCharsetUTF8, raw)
}

// Paper is the copy to read and to print.
func Paper(c *web.Ctx) error {
	taken, err := take(c, copies.Paper)
	if err != nil {
		return err
	}
	var labels map[string]i18n.Text
	if err := c.View(func(tx db.Tx) (err error) {
		labels, err = copies.Labels(tx)
		return err
	}); err != nil {
		return err
	}
	return c.PDF("my-data", paperPage(parts(c.Printer(), taken, labels), c.Printer().Time(taken.Made), c.Principal().Name))
}

// Schema is the schema of the file.
func Schema(c *web.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "public, max-age=3600")
	return c.JSON(fiber.StatusOK, copies.Schema())
}

// part is a section in words.
type part struct {
	Title   string
	Entries [][]ui.Row
}

func parts(p *i18n.Printer, c copies.Copy, labels map[string]i18n.Text) []part {
	var list []part
	for _, s := range copies.Sections() {
		one := part{Title: p.T("copy." + s.Code)}
		for _, entry := range c.Sections[s.Code] {
			var rows []ui.Row
			for _, f := range s.Fields {
				lines := words(p, f.Type, entry[f.Name], labels)
				if len(lines) > 0 {
					rows = append(rows, ui.Row{Key: p.T("copy.field." + f.Name), Value: lines[0], Lines: lines[1:]})
				}
			}
			one.Entries = append(one.Entries, rows)
		}
		list = append(list, one)
	}
	return list
}

// words is a value in lines; none for what is not known.
func words(p *i18n.Printer, kind string, v any, labels map[string]i18n.Text) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		if v == "" {
			return nil
		}
		if at, err := time.Parse(time.RFC3339, v); err == nil && kind == "time" {
			return []string{p.Time(at)}
		}
		if day, err := time.Parse(time.DateOnly, v); err == nil {
			return []string{p.Day(day)}
		}
		return []string{v}
	case bool:
		if v {
			return []string{p.T("answer.yes")}
		}
		return []string{p.T("answer.no")}
	case float64:
		return []string{p.Decimal(v)}
	case []any:
		var lines []string
		for _, x := range v {
			lines = append(lines, strings.Join(words(p, "", x, labels), p.T("list.separator")))
		}
		return lines
	case map[string]any:
		var lines []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			said := words(p, "time", v[key], labels)
			if len(said) == 0 {
				continue
			}
			name := key
			if label, there := labels[key]; there {
				name = label.In(p)
			}
			lines = append(lines, p.T("copy.value", "Name", name, "Value", strings.Join(said, p.T("list.separator"))))
		}
		return lines
	}
	return nil
}
