package cases

import (
	"slices"
	"time"

	"github.com/a-h/templ"
	"github.com/google/uuid"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

// The steps beside the decision: each a form of its own, one thing at a time.

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

var note = words(wording{"note.title", "note.lead", "note.label", "note.error.note"}, func(a actions) bool { return a.Note }, func(c *web.Ctx, tx db.Tx, text string) error {
	return cases.Note(tx, intake.Actor(c, true), c.Param("ref"), text, c.Printer().Tag)
})

var say = words(wording{"say.title", "say.lead", "say.label", "say.error.note"}, func(a actions) bool { return a.Say }, func(c *web.Ctx, tx db.Tx, text string) error {
	return cases.Say(tx, intake.Actor(c, true), c.Param("ref"), text, c.Printer().Tag, nil)
})

// NoteForm asks for words for the office alone.
func NoteForm(c *web.Ctx) error { return note.form(c) }

// Note adds them.
func Note(c *web.Ctx) error { return note.submit(c) }

// SayForm asks for a message to the applicant.
func SayForm(c *web.Ctx) error { return say.form(c) }

// Say sends it.
func Say(c *web.Ctx) error { return say.submit(c) }

var assign = step{
	inputs: []string{"to", "note"},
	can:    func(a actions) bool { return a.Assign },
	fill: func(c *web.Ctx, v view) map[string][]string {
		if v.Case.Assigned == nil {
			return map[string][]string{"to": {c.Principal().ID.String()}}
		}
		return map[string][]string{"to": {v.Case.Assigned.String()}}
	},
	view: func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return assignPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		text := f.Text(check, "note", maxNote)
		var to *db.ID
		if typed := f.Get("to"); typed != "nobody" {
			id, err := uuid.Parse(typed)
			if err != nil {
				check.Fail("to", "assign.error.to")
			}
			to = &id
		}
		if err := check.Err(); err != nil {
			return err
		}
		return cases.Assign(tx, intake.Actor(c, true), c.Param("ref"), to, text, c.Printer().Tag)
	},
}

// withColleagues adds those who may have the case.
func withColleagues(c *web.Ctx, s step) step {
	inner := s.view
	s.view = func(v view, f *ui.Form, p []intake.AskedPage) templ.Component {
		_ = c.View(func(tx db.Tx) (err error) { v.Colleagues, err = cases.Colleagues(tx, v.Case); return err })
		return inner(v, f, p)
	}
	return s
}

// AssignForm asks who shall have the case, with a word for them.
func AssignForm(c *web.Ctx) error { return withColleagues(c, assign).form(c) }

// Assign gives it to them.
func Assign(c *web.Ctx) error { return withColleagues(c, assign).submit(c) }

// Next takes the most urgent case that nobody has.
func Next(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	var ref string
	err := c.WithTx(func(tx db.Tx) (err error) {
		ref, err = cases.Take(tx, intake.Actor(c, true))
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return c.Redirect(c.URL("/cases?view=" + string(cases.Free)))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/cases/" + ref))
}

var link = step{
	inputs: []string{"other"},
	can:    func(a actions) bool { return a.Link },
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return linkPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		other := f.Required(check, "other", 30, "link.error.other")
		if err := check.Err(); err != nil {
			return err
		}
		return cases.Connect(tx, intake.Actor(c, true), c.Param("ref"), other)
	},
}

// LinkForm asks for another case that belongs to this one.
func LinkForm(c *web.Ctx) error { return link.form(c) }

// Link ties the two together.
func Link(c *web.Ctx) error { return link.submit(c) }

var visit = step{
	inputs: []string{"on", "visitor", "what"},
	can:    func(a actions) bool { return a.Visit },
	fill: func(c *web.Ctx, _ view) map[string][]string {
		return map[string][]string{"visitor": {c.Principal().ID.String()}}
	},
	view: func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return visitPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		on, err := time.Parse(time.DateOnly, f.Get("on"))
		if err != nil || on.Before(registry.Today(c.Now(), c.Printer().Zone)) {
			check.Fail("on", "visit.error.on")
		}
		visitor, err := uuid.Parse(f.Get("visitor"))
		if err != nil {
			check.Fail("visitor", "assign.error.to")
		}
		what := f.Text(check, "what", maxNote)
		if err := check.Err(); err != nil {
			return err
		}
		return cases.PlanVisit(tx, intake.Actor(c, true), c.Param("ref"), on, visitor, what, c.Printer().Tag)
	},
}

// VisitForm asks when somebody goes there, and what to look at.
func VisitForm(c *web.Ctx) error { return withColleagues(c, visit).form(c) }

// Visit plans it.
func Visit(c *web.Ctx) error { return withColleagues(c, visit).submit(c) }

var report = step{
	inputs: []string{"found", "findings"},
	can:    func(a actions) bool { return a.Visit },
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return reportPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		found := f.Choice(check, "found", cases.Findings(), "visit.error.found")
		findings := f.Required(check, "findings", 2000, "visit.error.findings")
		id, err := uuid.Parse(c.Param("visit"))
		if err != nil {
			return fault.Hidden()
		}
		if err := check.Err(); err != nil {
			return err
		}
		return cases.ReportVisit(tx, intake.Actor(c, true), c.Param("ref"), id, found, findings, c.Printer().Tag)
	},
}

// ReportForm asks what a visit found.
func ReportForm(c *web.Ctx) error {
	v, err := load(c, false)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(v.Visits, func(x cases.HomeVisit) bool { return x.ID.String() == c.Param("visit") }) {
		return fault.Hidden()
	}
	return report.form(c)
}

// Report notes it.
func Report(c *web.Ctx) error { return report.submit(c) }

// Rounds is the list of visits that the officer has to make, to print and take
// along.
func Rounds(c *web.Ctx) error {
	var list []cases.HomeVisit
	err := c.WithTx(func(tx db.Tx) (err error) { list, err = cases.Rounds(tx, c.Principal().ID); return err })
	if err != nil {
		return err
	}
	return c.Render(roundsPage(list))
}

var undo = words(wording{"undo.title", "undo.lead", "undo.label", "undo.error.why"}, func(a actions) bool { return a.Undo }, func(c *web.Ctx, tx db.Tx, why string) error {
	_, err := cases.Undo(tx, intake.Actor(c, true), c.Param("ref"), why, c.Printer().Tag)
	return err
})

// UndoForm asks why a change is taken back.
func UndoForm(c *web.Ctx) error { return undo.form(c) }

// Undo opens the case that takes it back.
func Undo(c *web.Ctx) error { return undo.submit(c) }

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

var official = step{
	inputs: []string{"who"},
	can:    func(a actions) bool { return a.Official },
	view:   func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return officialPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		id, err := uuid.Parse(f.Get("who"))
		if err != nil {
			check.Fail("who", "official.error.who")
		}
		if err := check.Err(); err != nil {
			return err
		}
		return cases.NameOfficial(tx, intake.Actor(c, true), c.Param("ref"), id)
	},
}

func withOfficials(c *web.Ctx, s step) step {
	inner := s.view
	s.view = func(v view, f *ui.Form, p []intake.AskedPage) templ.Component {
		_ = c.View(func(tx db.Tx) (err error) { v.Officials, err = cases.Officials(tx, v.Case); return err })
		return inner(v, f, p)
	}
	return s
}

// OfficialForm asks whom a complaint is about.
func OfficialForm(c *web.Ctx) error { return withOfficials(c, official).form(c) }

// Official keeps the complaint from them and their office.
func Official(c *web.Ctx) error { return withOfficials(c, official).submit(c) }

var seal = step{
	inputs: []string{"sure"}, unsure: true,
	can:  func(a actions) bool { return a.Seal },
	view: func(v view, f *ui.Form, _ []intake.AskedPage) templ.Component { return sealPage(v, f) },
	take: func(c *web.Ctx, tx db.Tx, f *web.Form, check *fault.Check, _ []intake.AskedPage) error {
		if slices.Contains(f.All("sure"), "yes") {
			return cases.Seal(tx, intake.Actor(c, true), c.Param("ref"))
		}
		check.Fail("sure", "seal.error.sure")
		return check.Err()
	},
}

// SealForm asks before a case is given to those who protect.
func SealForm(c *web.Ctx) error { return seal.form(c) }

// Seal gives it to them.
func Seal(c *web.Ctx) error { return seal.submit(c) }

// Keys turns single letters as commands on or off.
func Keys(c *web.Ctx) error {
	form, err := c.Form("letters")
	if err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return cases.SetLetters(tx, c.Principal().ID, form.Get("letters") == "on") }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/cases"))
}
