package cases

import (
	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
)

// Answers shows what a person sent, as they sent it.
func Answers(c *web.Ctx) error {
	var k cases.Case
	var sections []intake.Section
	if err := c.View(func(tx db.Tx) (err error) {
		if k, err = cases.Load(tx, intake.Actor(c, false), c.Param("ref")); err != nil {
			return err
		}
		sections, err = filing.Sections(c, tx, k, func(registry.Field) bool { return true }, true)
		return err
	}); err != nil {
		return err
	}
	if k.State == cases.StateDraft {
		return c.Redirect(c.URL(filing.FormAt(k, "")))
	}
	return c.Render(answersPage(k, sections))
}
