package cases

import (
	"daftar/db"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
)

var undo = words(wording{"undo.title", "undo.lead", "undo.label", "undo.error.why"}, func(a actions) bool { return a.Undo }, func(c *web.Ctx, tx db.Tx, why string) error {
	_, err := cases.Undo(tx, intake.Actor(c, true), c.Param("ref"), why, c.Printer().Tag)
	return err
})

// UndoForm asks why a change is taken back.
func UndoForm(c *web.Ctx) error { return undo.form(c) }

// Undo opens the case that takes it back.
func Undo(c *web.Ctx) error { return undo.submit(c) }
