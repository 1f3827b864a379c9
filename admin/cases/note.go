package cases

import (
	"daftar/db"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
)

var note = words(wording{"note.title", "note.lead", "note.label", "note.error.note"}, func(a actions) bool { return a.Note }, func(c *web.Ctx, tx db.Tx, text string) error {
	return cases.Note(tx, intake.Actor(c, true), c.Param("ref"), text, c.Printer().Tag)
})

// NoteForm asks for words for the office alone.
func NoteForm(c *web.Ctx) error { return note.form(c) }

// Note adds them.
func Note(c *web.Ctx) error { return note.submit(c) }
