// Package areas is the pages of the tree of areas: looking, searching,
// proposing changes and approving them.
package areas

import (
	"net/url"
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry/areas"
	"daftar/web"
	"daftar/web/ui"
)

func actor(c *web.Ctx) areas.Actor { return areas.Actor{ID: c.Principal().ID, Areas: c.Areas()} }

// Browse lists the countries, or what a search finds.
func Browse(c *web.Ctx) error {
	text := c.Query("q")
	var list []areas.Line
	err := c.View(func(tx db.Tx) (err error) {
		if text != "" {
			list, err = areas.Search(tx, text)
		} else {
			list, err = areas.Within(tx, actor(c), nil)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(browsePage(text, may(c), list))
}

// area is everything that one area's page shows.
type area struct {
	Area     areas.Area
	Around   []areas.Area // the country first
	Inside   []areas.Line
	History  []areas.Past
	From, To []areas.Link
	Map      areas.Map
	Mine     bool
	// Kinds are what it may be, and what an area inside it may be.
	Kinds, KindsInside []areas.Kind
	Locales            []i18n.Locale
}

func load(c *web.Ctx, full bool) (area, error) {
	var v area
	v.Locales = spoken(c)
	err := c.View(func(tx db.Tx) (err error) {
		if v.Area, err = areas.Load(tx, c.Param("code")); err != nil {
			return err
		}
		for p := v.Area.ParentCode; p != "" && full; {
			outer, err := areas.Load(tx, p)
			if err != nil {
				return err
			}
			v.Around = append([]areas.Area{outer}, v.Around...)
			p = outer.ParentCode
		}
		if v.Kinds, err = areas.Kinds(tx, v.Area.Level); err != nil {
			return err
		}
		if v.KindsInside, err = areas.Kinds(tx, v.Area.Level+1); err != nil {
			return err
		}
		if v.Mine, err = areas.Mine(tx, actor(c), v.Area.ID); err != nil || !full {
			return err
		}
		if v.Inside, err = areas.Within(tx, actor(c), &v.Area.ID); err != nil {
			return err
		}
		if v.History, err = areas.History(tx, v.Area.ID); err != nil {
			return err
		}
		if v.From, v.To, err = areas.Links(tx, v.Area.ID); err != nil {
			return err
		}
		v.Map, err = areas.LoadMap(tx, v.Area)
		return err
	})
	return v, err
}

// spoken lists the languages that names are kept in.
func spoken(c *web.Ctx) []i18n.Locale {
	var list []i18n.Locale
	for _, l := range c.Locales() {
		if l.Tag != i18n.Pseudo {
			list = append(list, l)
		}
	}
	return list
}

// Show is one area.
func Show(c *web.Ctx) error {
	v, err := load(c, true)
	if err != nil {
		return err
	}
	return c.Render(showPage(v, may(c)))
}

func lines(p *i18n.Printer, list []areas.Line, path bool) [][]ui.Cell {
	var rows [][]ui.Cell
	for _, a := range list {
		name := ui.Cell{Text: a.Name.In(p), Path: "/areas/at/" + url.PathEscape(a.Code)}
		row := []ui.Cell{name, {Text: a.Code, LTR: true}, {Text: a.KindName.In(p)}}
		if path {
			var names []string
			for _, n := range a.Path {
				names = append(names, n.In(p))
			}
			row = append(row, ui.Cell{Text: p.List(names)})
		} else {
			homes := ui.Cell{Text: p.T("areas.not_yours")}
			if a.Households != nil {
				homes.Text = p.Number(*a.Households)
			}
			row = append(row, ui.Cell{Text: p.Number(a.Inside)}, homes)
		}
		state := ui.Cell{Text: p.T("areas.state.current"), Colour: "green"}
		if a.Ended() {
			state = ui.Cell{Text: p.T("areas.state.ended"), Colour: "grey"}
		}
		rows = append(rows, append(row, state))
	}
	return rows
}

// shownDay is a calendar day of the registry in the reader's language.
func shownDay(p *i18n.Printer, s string) string {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return ""
	}
	return p.Day(t)
}
