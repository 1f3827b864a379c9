package duplicates

import (
	"errors"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/dedup"
	"daftar/web"
)

const maxNote = 1000

// Say takes what an officer says about a pair. That two records are of one person
// leads to the merge, where it is said for good.
func Say(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("decision", "note")
	if err != nil {
		return err
	}
	v.Form.Values = form.Values()
	v.Form.Action = "/duplicates/pairs/" + v.Ref + "/say"
	if form.Switching() {
		return c.Render(pairPage(v))
	}
	var check fault.Check
	decision := dedup.Decision(form.Choice(&check, "decision", []string{string(dedup.SaidSame), string(dedup.SaidDifferent), string(dedup.SaidUnsure)}, "dedup.error.decision"))
	if decision == dedup.SaidSame && !check.Failed("decision") {
		return c.Redirect(c.URL("/duplicates/pairs/" + v.Ref + "/merge"))
	}
	note := form.Required(&check, "note", maxNote, "dedup.error.note")
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error { return dedup.Decide(tx, reader(c), v.Ref, decision, note, c.Printer().Tag) })
	}
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict) {
		v.Form.Err = f
		return c.RenderStatus(web.Status(f.Code), pairPage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/duplicates/pairs/" + v.Ref))
}
