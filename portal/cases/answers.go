package cases

import (
	"daftar/db"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
)

// Answers shows what a person sent, as they sent it.
func Answers(c *web.Ctx) error {
	var k cases.Case
	var sections []intake.Section
	if err := c.View(func(tx db.Tx) (err error) {
		if k, err = cases.Load(tx, cases.Actor{ID: c.Principal().ID}, c.Param("ref")); err != nil {
			return err
		}
		form, err := intake.LoadForm(tx, false)
		if err != nil {
			return err
		}
		sections, err = intake.Answers(c, tx, k, form, nil)
		return err
	}); err != nil {
		return err
	}
	if k.State == cases.StateDraft {
		return c.Redirect(c.URL("/apply/" + k.Ref))
	}
	return c.Render(answersPage(k, sections))
}
