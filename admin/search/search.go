// Package search finds people and groups by name or number. There is no list to leaf
// through: whoever looks for somebody knows something of them.
package search

import (
	"errors"
	"strconv"
	"strings"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/search"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

func officer(c *web.Ctx) search.Officer {
	return search.Officer{ID: c.Principal().ID, Areas: c.Areas()}
}

// page is the form and what the last search found.
type page struct {
	Form     *ui.Form
	Areas    []ui.Choice
	Purposes []ui.Choice
	Searched bool
	Query    search.Query
	Purpose  string
	Rows     [][]ui.Cell
	Groups   [][]ui.Cell
	More     bool
	Tier     search.Tier // of the first one found
}

// Form shows the form, with what was found last while the purpose holds.
func Form(c *web.Ctx) error {
	pg := page{Form: &ui.Form{Values: map[string][]string{}}}
	err := c.WithTx(func(tx db.Tx) error {
		if err := pg.load(c, tx); err != nil {
			return err
		}
		q, ok, err := search.Last(tx, c.Principal().Session)
		if err != nil || !ok || pg.Purpose == "" {
			return err
		}
		hits, more, err := search.Find(tx, officer(c), pg.Purpose, q)
		if err != nil {
			return err
		}
		found, moreGroups, err := search.FindGroups(tx, officer(c), pg.Purpose, q)
		if err != nil {
			return err
		}
		pg.Searched, pg.Query, pg.More, pg.Rows, pg.Groups = true, q, more || moreGroups, rows(c, hits), groups(c, found)
		if len(hits) > 0 {
			pg.Tier = hits[0].Tier
		}
		pg.Form.Values["text"], pg.Form.Values["area"] = []string{q.Text}, []string{q.Area}
		if q.Year > 0 {
			pg.Form.Values["year"] = []string{strconv.Itoa(q.Year)}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.Render(searchPage(pg))
}

// load fills what the form offers.
func (pg *page) load(c *web.Ctx, tx db.Tx) (err error) {
	p := c.Printer()
	if pg.Areas, err = Areas(tx, p, c.Areas()); err != nil {
		return err
	}
	for _, code := range auth.Purposes() {
		pg.Purposes = append(pg.Purposes, ui.Choice{Value: code, Label: p.T("purpose." + code)})
	}
	if pg.Purpose, err = auth.Purpose(tx, c.Principal().Session); err == nil && pg.Purpose != "" && pg.Form.Values["purpose"] == nil {
		pg.Form.Values["purpose"] = []string{pg.Purpose}
	}
	return err
}

// Find takes a search. Its answer is a page of its own, whose address says
// nothing.
func Find(c *web.Ctx) error {
	form, err := c.Form("text", "area", "year", "purpose", "similar")
	if err != nil {
		return err
	}
	pg := page{Form: &ui.Form{Values: form.Values()}}
	var check fault.Check
	q := search.Query{Text: form.Text(&check, "text", 200), Area: form.Get("area"), Similar: form.Get("similar") != ""}
	if year := strings.TrimSpace(form.Get("year")); year != "" {
		if q.Year, err = strconv.Atoi(i18n.LatinDigits(year)); err != nil || q.Year < 1850 || q.Year > c.Now().Year() {
			check.Fail("year", "search.error.year")
		}
	}
	if q.Text == "" && (q.Area == "" || q.Year == 0) && !check.Failed("text") && !check.Failed("year") {
		check.Fail("text", "search.error.what")
	}
	purpose := form.Choice(&check, "purpose", auth.Purposes(), "purpose.error")
	err = check.Err()
	if ref, ok := registry.ParseRef(registry.RefGroup, q.Text); ok && err == nil && !form.Switching() && c.Principal().May(auth.PersonRead) {
		if err := c.WithTx(func(tx db.Tx) error { return auth.SetPurpose(tx, c.Principal().Session, purpose) }); err != nil {
			return err
		}
		return c.Redirect(c.URL("/groups/" + ref)) // which is not a list of people
	}
	if err == nil && !form.Switching() {
		err = c.WithTx(func(tx db.Tx) error {
			if err := auth.SetPurpose(tx, c.Principal().Session, purpose); err != nil {
				return err
			}
			// What cannot be searched for is not kept: the page would be lost with it.
			if _, _, err := search.Find(tx, officer(c), purpose, q); err != nil {
				return err
			}
			return search.Remember(tx, c.Principal().Session, q)
		})
		if err == nil {
			return c.Redirect(c.URL("/search"))
		}
	}
	status := 200
	if f := (*fault.Error)(nil); !form.Switching() {
		if !errors.As(err, &f) || f.Code != fault.Invalid {
			return err
		}
		pg.Form.Err, status = f, web.Status(f.Code)
	}
	if err := c.View(func(tx db.Tx) error { return pg.load(c, tx) }); err != nil {
		return err
	}
	return c.RenderStatus(status, searchPage(pg))
}

// Areas offers the officer's areas and those inside, as far as a list can be
// chosen from.
func Areas(tx db.Tx, p *i18n.Printer, mine []db.ID) ([]ui.Choice, error) {
	var list []ui.Choice
	ids := make([]string, len(mine))
	for i, id := range mine {
		ids[i] = id.String()
	}
	var areas []registry.Area
	if err := tx.Select(&areas, `
		select a.id, a.code, a.level, a.kind, a.parent_id, a.name
		from area a where exists (
			select from area o where o.id = any($1) and a.level <= o.level + 2 and a.place >= o.place and a.place < left(o.place, -1) || '0')
		order by a.place limit 300`, ids); err != nil {
		return nil, err
	}
	for _, a := range areas {
		list = append(list, ui.Choice{Value: a.Code, Label: p.T("search.area", "Name", a.Name.In(p), "Code", a.Code)})
	}
	return list, nil
}

func rows(c *web.Ctx, hits []search.Hit) [][]ui.Cell {
	p := c.Printer()
	var out [][]ui.Cell
	for _, h := range hits {
		name := ui.Cell{Text: show.Ended(p, show.FullName(p, h.Name, h.Latin), h.Status)}
		area := h.AreaName.In(p)
		if h.Protected {
			area = p.T("search.protected")
		}
		out = append(out, []ui.Cell{name, {Text: h.Ref, Path: Record(c, h.Ref), LTR: true}, {Text: p.T("sex." + h.Sex)}, {Text: Years(p, h.Years)}, {Text: area},
			{Text: p.T("search.tier." + strconv.Itoa(int(h.Tier)))}})
	}
	return out
}

func groups(c *web.Ctx, hits []search.GroupHit) [][]ui.Cell {
	p := c.Printer()
	var out [][]ui.Cell
	for _, h := range hits {
		name := show.FullName(p, h.Name, h.Latin)
		if h.Status != registry.Active {
			name = p.List([]string{name, p.T("outcome.ended")})
		}
		out = append(out, []ui.Cell{{Text: name}, {Text: h.Ref, Path: Record(c, h.Ref), LTR: true}, {Text: p.T("group.type." + h.Type)}, {Text: h.AreaName.In(p)},
			{Text: p.T("search.tier." + strconv.Itoa(int(h.Tier)))}})
	}
	return out
}

// Record is where the record with a reference is; "" for somebody who may
// not open it.
func Record(c *web.Ctx, ref string) string {
	if !c.Serves("/people/:ref") || !c.Principal().May(auth.PersonRead) {
		return ""
	}
	switch {
	case strings.HasPrefix(ref, string(registry.RefHousehold)):
		return "/households/" + ref
	case strings.HasPrefix(ref, string(registry.RefGroup)):
		return "/groups/" + ref
	}
	return "/people/" + ref
}

// Years says the year of birth, which is enough to tell people apart.
func Years(p *i18n.Printer, years func() (from, to int)) string {
	switch from, to := years(); {
	case from == 0:
		return p.T("birth.unknown")
	case from == to:
		return strconv.Itoa(from)
	default:
		return p.T("search.years", "From", strconv.Itoa(from), "To", strconv.Itoa(to))
	}
}
