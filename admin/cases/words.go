package cases

import (
	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

// wording is what a step that takes a text says, by message keys.
type wording struct{ title, lead, label, missing string }

// words is a step that takes a text and nothing else.
func words(say wording, can func(actions) bool, take func(*web.Ctx, db.Tx, string) error) step {
	return step{
		inputs: []string{"note"}, can: can,
		view: func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return wordsPage(v, f, say) },
		take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
			note := f.Required(check, "note", maxNote, say.missing)
			if err := check.Err(); err != nil {
				return err
			}
			return take(c, tx, note)
		},
	}
}
