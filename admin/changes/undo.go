package changes

import (
	"errors"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/amend"
	"daftar/web"
)

// UndoForm asks why a merge should be taken back.
func UndoForm(c *web.Ctx) error {
	v, err := load(c)
	if err == nil && !v.MayUndo {
		err = fault.Hidden()
	}
	if err != nil {
		return err
	}
	return c.Render(undoPage(v))
}

// Undo proposes to take a merge back. Two others decide about it.
func Undo(c *web.Ctx) error {
	v, err := load(c)
	if err == nil && (v.Merge == nil || v.Merge.Undoes != nil || v.State != amend.Applied) {
		err = fault.Hidden()
	}
	if err != nil {
		return err
	}
	form, err := c.Form("note")
	if err != nil {
		return err
	}
	v.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(undoPage(v))
	}
	var check fault.Check
	note := form.Required(&check, "note", 1000, "dedup.error.note")
	err = check.Err()
	ref := ""
	if err == nil {
		err = c.WithTx(func(tx db.Tx) (err error) {
			ref, err = amend.ProposeUndo(tx, reader(c), v.Ref, note, c.Printer().Tag)
			return err
		})
	}
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict || f.Code == fault.Forbidden) {
		v.Form.Err = f
		return c.RenderStatus(web.Status(f.Code), undoPage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/changes/" + ref))
}
