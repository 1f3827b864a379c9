// Package processing is the record of processing activities, for the data
// protection officer: made from the purposes that the registry works by, so that
// it cannot say something else.
package processing

import (
	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/registry/consent"
	"daftar/registry/filters"
	"daftar/registry/looks"
	"daftar/web"
	"daftar/web/show"
)

// activity is a purpose in words.
type activity struct{ Code, Name, Basis, Data, Recipient, Term string }

func load(c *web.Ctx) ([]activity, error) {
	var list []activity
	err := c.View(func(tx db.Tx) error {
		purposes, err := consent.Purposes(tx)
		p := c.Printer()
		for _, x := range purposes {
			a := activity{Code: x.Code, Name: p.T("purpose." + x.Code), Basis: p.T("basis." + x.Basis), Recipient: x.Recipient.In(p)}
			a.Data = p.List(looks.KindNames(p, x.Data()))
			if x.Asks() {
				a.Term = p.T("processing.months", "Months", p.Number(int(x.Months.Int64)))
			}
			list = append(list, a)
		}
		return err
	})
	return list, err
}

// Show is the record as a page, with how long what is kept.
func Show(c *web.Ctx) error {
	list, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(processingPage(list, show.Retention(c.Printer(), c.Settings().Retention)))
}

// File is the record as a table.
func File(c *web.Ctx) error {
	list, err := load(c)
	if err != nil {
		return err
	}
	p := c.Printer()
	t := filters.Table{Header: []string{p.T("processing.code"), p.T("consent.purpose"), p.T("consent.basis"), p.T("consent.data"), p.T("consent.recipient"), p.T("processing.term")}}
	for _, a := range list {
		t.Rows = append(t.Rows, []filters.Cell{{Text: a.Code}, {Text: a.Name}, {Text: a.Basis}, {Text: a.Data}, {Text: a.Recipient}, {Text: a.Term}})
	}
	b, err := t.CSV()
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="processing.csv"`)
	return c.Send(fiber.StatusOK, "text/csv; charset=utf-8", b)
}
