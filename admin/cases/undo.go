package cases

import (
	"cmp"

	"github.com/a-h/templ"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/show"
	"daftar/web/ui"
)

// stuck is a record of which a change cannot be taken back whole.
type stuck struct{ Path, Name, Values string }

// undoing is the step that takes a case's change back; next is the case that it
// opens.
func undoing(c *web.Ctx, next *string) step {
	s := words(wording{"undo.title", "undo.lead", "undo.label", "undo.error.why"}, func(a actions) bool { return a.Undo }, func(c *web.Ctx, tx db.Tx, why string) (err error) {
		*next, err = cases.Undo(tx, intake.Actor(c, true), c.Param("ref"), why, c.Printer().Tag)
		return err
	})
	s.next = next
	inner := s.view
	s.view = func(v view, f *ui.Form, p []intake.AskedPage) templ.Component {
		if len(v.Stuck) > 0 {
			return stuckPage(v)
		}
		return inner(v, f, p)
	}
	return s.reading(func(tx db.Tx, v *view) error { return v.stuck(c, tx) })
}

// stuck adds what has changed again since the case's change.
func (v *view) stuck(c *web.Ctx, tx db.Tx) error {
	if v.Case.Change == nil {
		return nil
	}
	moved, err := cases.MovedOn(tx, v.Case)
	if err != nil {
		return err
	}
	p := c.Printer()
	for _, m := range moved {
		names, err := show.ValueNames(tx, p, m.Values)
		if err != nil {
			return err
		}
		x := stuck{Name: cmp.Or(m.Name, m.Ref), Values: p.List(names), Path: "/people/" + m.Ref}
		if m.Kind == registry.KindHousehold {
			x.Path = "/households/" + m.Ref
		}
		v.Stuck = append(v.Stuck, x)
	}
	return nil
}

// UndoForm asks why a change is taken back, or says why it cannot be.
func UndoForm(c *web.Ctx) error { return undoing(c, new(string)).form(c) }

// Undo opens the case that takes it back, and leads there.
func Undo(c *web.Ctx) error { return undoing(c, new(string)).submit(c) }
