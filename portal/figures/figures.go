// Package figures shows everybody how the registry does its work, and gives the
// numbers away as open data. It shows what was counted for the month, and counts
// nothing itself.
package figures

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/figures"
	"daftar/registry/filters"
	"daftar/registry/oversight"
	"daftar/web"
	"daftar/web/ui"
)

// courseOf is over how many months the page shows how a number went.
const courseOf = 12

// page is what is shown of one month and area.
type page struct {
	Months, Areas []ui.Choice
	Form          *ui.Form
	Month         string // in words; "" before the first one was counted
	Query         string // of the files
	Charts        []chart
	Share         *share
	Head          *oversight.Head
}

// chart is one measure: bars, and a table with the same numbers.
type chart struct {
	ID, Title, Desc, Of string
	Bars                []ui.Bar
	Total               ui.Bar
}

// share is how much was answered in time, month by month.
type share struct {
	Line  ui.Line
	Rows  []shareRow
	Title string
	Desc  string
}

type shareRow struct{ Month, OnTime, Late, Share string }

// Show is the page, of the latest month and the whole country if nothing else is
// asked for.
func Show(c *web.Ctx) error {
	v := page{Form: &ui.Form{Action: "/figures", Values: map[string][]string{}}}
	err := c.View(func(tx db.Tx) (err error) {
		if v.Head, err = oversight.Latest(tx); err != nil {
			return err
		}
		months, err := figures.Months(tx)
		if err != nil || len(months) == 0 {
			return err
		}
		names, err := figures.LoadNames(tx)
		if err != nil {
			return err
		}
		return v.fill(tx, c, months, names)
	})
	if err != nil {
		return err
	}
	return c.Render(figuresPage(v))
}

func (v *page) fill(tx db.Tx, c *web.Ctx, months []time.Time, names figures.Names) error {
	p, month, area := c.Printer(), months[0], c.Query("area")
	if s := c.Query("month"); s != "" {
		var err error
		if month, err = figures.Month(s); err != nil || !slices.ContainsFunc(months, month.Equal) {
			return fault.Hidden()
		}
	}
	if _, known := names.Areas[area]; !known && area != figures.Country && area != figures.Nowhere {
		return fault.Hidden()
	}
	v.Form.Values["month"], v.Form.Values["area"] = []string{month.Format("2006-01")}, []string{area}
	v.Month, v.Query = p.MonthOf(month.Year(), month.Month()), "?month="+month.Format("2006-01")
	for _, m := range months {
		v.Months = append(v.Months, ui.Choice{Value: m.Format("2006-01"), Label: p.MonthOf(m.Year(), m.Month())})
	}
	for code, name := range names.Areas {
		v.Areas = append(v.Areas, ui.Choice{Value: code, Label: name.In(p)})
	}
	slices.SortFunc(v.Areas, func(a, b ui.Choice) int { return strings.Compare(a.Label, b.Label) })
	list, err := figures.Of(tx, month, area)
	if err != nil {
		return err
	}
	v.Charts = charts(p, list, names, v.Month)
	course, err := figures.Course(tx, figures.Due, area, month, courseOf)
	v.Share = shares(p, course)
	return err
}

// shown is a number in words.
func shown(p *i18n.Printer, f figures.Figure) string {
	if !f.N.Valid {
		return p.T("figures.withheld")
	}
	return p.Number(int(f.N.Int64))
}

func charts(p *i18n.Printer, list []figures.Figure, names figures.Names, month string) []chart {
	var out []chart
	by := map[string]int{}
	for _, f := range list {
		if f.Measure == figures.Due {
			continue // a course of its own
		}
		i, there := by[f.Measure]
		if !there {
			i = len(out)
			by[f.Measure] = i
			title := measure(p, f.Measure, names)
			out = append(out, chart{ID: "chart-" + strconv.Itoa(i), Title: title, Desc: p.T("figures.desc", "Month", month), Of: f.Measure})
		}
		bar := ui.Bar{Label: label(p, f, names), Shown: shown(p, f), N: int(f.N.Int64), Known: f.N.Valid}
		if f.Code == "" {
			out[i].Total = bar
		} else if !f.N.Valid || f.N.Int64 > 0 {
			out[i].Bars = append(out[i].Bars, bar)
		}
	}
	order := func(c chart) int {
		if i := slices.Index(figures.Measures(), c.Of); i >= 0 {
			return i
		}
		return len(figures.Measures())
	}
	slices.SortStableFunc(out, func(a, b chart) int { return order(a) - order(b) })
	return out
}

func measure(p *i18n.Printer, code string, names figures.Names) string {
	if programme, is := strings.CutPrefix(code, figures.Programme); is {
		return p.T("figures.programme", "Programme", names.Programmes[programme].In(p))
	}
	return p.T("figures." + code)
}

// label names what a figure counts.
func label(p *i18n.Printer, f figures.Figure, names figures.Names) string {
	switch {
	case f.Code == "":
		return p.T("figures.all")
	case f.Measure == figures.Received:
		return names.Kinds[f.Code].In(p)
	case f.Measure == figures.Credentials:
		return p.T("credential." + f.Code + ".name")
	case strings.HasPrefix(f.Code, figures.Refused):
		return p.T("figures.refused", "Reason", names.Reasons[strings.TrimPrefix(f.Code, figures.Refused)].In(p))
	}
	return p.T("figures.code." + f.Code)
}

// shares is how much was answered in time; nil before anything was due.
func shares(p *i18n.Printer, list []figures.Figure) *share {
	s := &share{Line: ui.Line{Most: 100, Scale: func(n int) string { return p.T("figures.percent", "Number", p.Number(n)) }}}
	var months []time.Time
	by := map[time.Time]map[string]figures.Figure{}
	for _, f := range list {
		if by[f.Month] == nil {
			by[f.Month] = map[string]figures.Figure{}
			months = append(months, f.Month)
		}
		by[f.Month][f.Code] = f
	}
	zero := figures.Figure{}
	zero.N.Valid = true
	for _, m := range months {
		of := func(code string) figures.Figure {
			if f, there := by[m][code]; there {
				return f
			}
			return zero // nothing of it happened anywhere
		}
		onTime, all := of(figures.OnTime), of("")
		point := ui.Point{Label: p.MonthOf(m.Year(), m.Month()), Known: onTime.N.Valid && all.N.Valid && all.N.Int64 > 0}
		row := shareRow{Month: point.Label, OnTime: shown(p, onTime), Late: shown(p, of(figures.Late)), Share: p.T("figures.withheld")}
		switch {
		case point.Known:
			point.N = int(onTime.N.Int64 * 100 / all.N.Int64)
			row.Share = s.Line.Scale(point.N)
		case all.N.Valid && all.N.Int64 == 0:
			row.Share = p.T("figures.nothing_due")
		}
		s.Line.Points, s.Rows = append(s.Line.Points, point), append(s.Rows, row)
	}
	if len(s.Rows) == 0 {
		return nil
	}
	return s
}

// row is a figure as open data.
type row struct {
	Month    string `json:"month"`
	Area     string `json:"area"` // P-code; "" for the country, "-" for no area of the first level
	Measure  string `json:"measure"`
	Code     string `json:"code"`  // "" for all of the measure
	Count    *int64 `json:"count"` // null where it is withheld
	Withheld bool   `json:"withheld"`
}

func rows(c *web.Ctx) (list []row, err error) {
	var month time.Time
	if s := c.Query("month"); s != "" {
		if month, err = figures.Month(s); err != nil {
			return nil, err
		}
	}
	err = c.View(func(tx db.Tx) error {
		all, err := figures.All(tx, month)
		list = make([]row, len(all))
		for i, f := range all {
			list[i] = row{Month: f.Month.Format("2006-01"), Area: f.Area, Measure: f.Measure, Code: f.Code, Withheld: !f.N.Valid}
			if f.N.Valid {
				list[i].Count = &f.N.Int64
			}
		}
		return err
	})
	return list, err
}

// JSON is every figure, or those of a month.
func JSON(c *web.Ctx) error {
	list, err := rows(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=3600")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="figures.json"`)
	return c.JSON(fiber.StatusOK, map[string]any{"version": 1, "smallest": figures.Least, "figures": list})
}

// CSV is the same as a table.
func CSV(c *web.Ctx) error {
	list, err := rows(c)
	if err != nil {
		return err
	}
	t := filters.Table{Header: []string{"month", "area", "measure", "code", "count", "withheld"}}
	for _, r := range list {
		count := ""
		if r.Count != nil {
			count = strconv.FormatInt(*r.Count, 10)
		}
		area := r.Area
		if area == figures.Nowhere {
			area = "none"
		}
		t.Rows = append(t.Rows, []filters.Cell{{Text: r.Month}, {Text: area}, {Text: r.Measure}, {Text: r.Code}, {Text: count}, {Text: strconv.FormatBool(r.Withheld)}})
	}
	b, err := t.CSV()
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=3600")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="figures.csv"`)
	return c.Send(fiber.StatusOK, "text/csv; charset=utf-8", b)
}
