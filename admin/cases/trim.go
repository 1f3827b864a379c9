package cases

import (
	"strconv"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

var trim = step{
	inputs: []string{"drop", "note"},
	can:    func(a actions) bool { return a.Trim },
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return trimPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		var pieces []cases.Piece
		k, err := cases.Load(tx, intake.Actor(c, true), c.Param("ref"))
		if err != nil {
			return err
		}
		list, err := cases.Proposed(tx, k)
		if err != nil {
			return err
		}
		for _, d := range f.All("drop") {
			piece, ok := pieceOf(list, d)
			if !ok {
				check.Fail("drop", "field.error.choice")
				break
			}
			pieces = append(pieces, piece)
		}
		if len(pieces) == 0 && !check.Failed("drop") {
			check.Fail("drop", "trim.error.drop")
		}
		text := f.Required(check, "note", maxNote, "trim.error.note")
		if err := check.Err(); err != nil {
			return err
		}
		return cases.Trim(tx, intake.Actor(c, true), c.Param("ref"), pieces, text, c.Printer().Tag)
	},
}

// TrimForm asks which values shall stay as they are.
func TrimForm(c *web.Ctx) error { return trim.form(c) }

// Trim takes them out of the proposal.
func Trim(c *web.Ctx) error { return trim.submit(c) }

// pieceOf reads one of them back.
func pieceOf(list []cases.Alteration, value string) (cases.Piece, bool) {
	for _, a := range list {
		prefix := strconv.Itoa(a.Seq) + ":"
		if a.Old != nil && len(value) > len(prefix) && value[:len(prefix)] == prefix {
			return cases.Piece{Seq: a.Seq, What: value[len(prefix):]}, a.Kind == registry.KindPerson || a.Kind == registry.KindHousehold
		}
	}
	return cases.Piece{}, false
}
