package oversight

import (
	"daftar/db"
	"daftar/i18n"
	"daftar/registry/oversight"
	"daftar/web"
	"daftar/web/ui"
)

// Refusals lists what people asked for and were not given.
func Refusals(c *web.Ctx) error {
	var list []oversight.Refusal
	if err := c.View(func(tx db.Tx) (err error) {
		list, err = oversight.Refusals(tx)
		return err
	}); err != nil {
		return err
	}
	return c.Render(refusalsPage(refusalRows(c.Printer(), list)))
}

func refusalRows(p *i18n.Printer, list []oversight.Refusal) [][]ui.Cell {
	var rows [][]ui.Cell
	for _, r := range list {
		who := whose(p, oversight.Alert{Staff: r.Staff, Person: r.Person})
		rows = append(rows, []ui.Cell{{Text: p.Time(r.Last)}, {Text: who}, {Text: p.T("refusal.kind." + r.Kind)}, {Text: r.Method + " " + r.Route, LTR: true}, {Text: p.Number(r.Tries)}})
	}
	return rows
}
