package filters

import (
	"errors"
	"slices"

	"github.com/gofiber/fiber/v2"

	"daftar/admin/purpose"
	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/consent"
	"daftar/registry/filters"
	"daftar/web"
	"daftar/web/ui"
)

// ExportForm asks for the columns, the format and what the file is for.
func ExportForm(c *web.Ctx) error {
	f, cat, err := loaded(c)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: map[string][]string{"format": {"csv"}}}
	return c.Render(exportPage(f, cat, columnChoices(c, cat), state))
}

func loaded(c *web.Ctx) (f filters.Filter, cat filters.Catalogue, err error) {
	err = c.View(func(tx db.Tx) error {
		if f, err = filters.Load(tx, officer(c), c.Param("ref")); err != nil {
			return err
		}
		cat, err = catalogue(c, tx, f.Subject)
		return err
	})
	return f, cat, err
}

func columnChoices(c *web.Ctx, cat filters.Catalogue) []ui.Choice {
	var list []ui.Choice
	for _, f := range cat.Columns() {
		list = append(list, ui.Choice{Value: f.ID, Label: f.Name(c.Printer())})
	}
	return list
}

// exportPurposes are what a file can be for: the office's own work, and what the
// people in it agreed to.
func exportPurposes(p *i18n.Printer) []ui.Choice {
	list := purpose.Choices(p)
	for _, code := range consent.Asked() {
		list = append(list, ui.Choice{Value: code, Label: p.T("purpose." + code), Hint: p.T("filter.export_consent")})
	}
	return list
}

// Export answers with the file. It is logged for everybody in it before it
// leaves.
func Export(c *web.Ctx) error {
	f, cat, err := loaded(c)
	if err != nil {
		return err
	}
	form, err := c.Form("columns", "format", "purpose")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(exportPage(f, cat, columnChoices(c, cat), state))
	}
	var check fault.Check
	format := form.Choice(&check, "format", []string{"csv", "xlsx"}, "filter.error.format")
	why := form.Choice(&check, "purpose", slices.Concat(auth.Purposes(), consent.Asked()), "purpose.error")
	err = check.Err()
	var table filters.Table
	if err == nil {
		err = c.WithTx(func(tx db.Tx) (err error) {
			table, err = filters.Export(tx, officer(c), cat, f, form.All("columns"), why, c.Printer())
			return err
		})
	}
	if e := (*fault.Error)(nil); errors.As(err, &e) && e.Code == fault.Invalid {
		state.Err = e
		return c.RenderStatus(web.Status(e.Code), exportPage(f, cat, columnChoices(c, cat), state))
	}
	if err != nil {
		return err
	}
	media, body := "text/csv; charset=utf-8", []byte(nil)
	if format == "csv" {
		body, err = table.CSV()
	} else {
		media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
		body, err = table.XLSX(f.Ref, c.Printer().Dir == "rtl")
	}
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+f.Ref+`.`+format+`"`)
	return c.Send(fiber.StatusOK, media, body)
}
