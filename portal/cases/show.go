// Package cases shows people their own cases: what happened, what comes next,
// and until when.
package cases

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/registry/letters"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/show"
	"daftar/web/ui"
)

// view is a case as its owner sees it.
type view struct {
	Case      cases.Case
	Story     filing.Story
	Events    []ui.Happening
	Asked     []intake.AskedPage
	Question  ui.Words  // of the office
	Waits     time.Time // until when an answer is waited for
	Parties   []cases.Party
	Decision  *cases.Decision
	Letters   []letters.Letter
	Appeal    *show.Appealing   // nil where there is nothing to appeal
	Silence   *cases.Lodged     // the appeal of there being no answer
	Back      *cases.TakingBack // of what a granted appeal was against
	Documents []document
	Form      *ui.Form // of a message
}

// document is one photo of the case.
type document struct{ ID, Name string }

// Show is one case: its timeline, the due date, the office's questions, the
// decision.
func Show(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	if v.Case.State == cases.StateDraft {
		return c.Redirect(c.URL(filing.FormAt(v.Case, "")))
	}
	return c.Render(casePage(v))
}

func load(c *web.Ctx) (view, error) {
	v := view{Form: &ui.Form{}}
	err := c.View(func(tx db.Tx) (err error) {
		if v.Case, err = cases.Load(tx, intake.Actor(c, false), c.Param("ref")); err != nil {
			return err
		}
		if v.Story, err = filing.StoryOf(c, tx, v.Case); err != nil {
			return err
		}
		events, err := cases.Events(tx, v.Case, false)
		if err != nil {
			return err
		}
		for _, e := range events {
			v.Events = append(v.Events, v.Story.Happening(c.Printer(), e, false))
			if e.Action == cases.Asked && v.Case.State == cases.StateWaiting && v.Question.Text == "" {
				v.Asked, v.Question = v.Story.Asked(e), v.Events[len(v.Events)-1].Words
			}
		}
		if v.Case.State == cases.StateWaiting {
			if v.Waits, err = cases.WaitsUntil(tx, v.Case); err != nil {
				return err
			}
		}
		if v.Parties, err = cases.Parties(tx, v.Case); err != nil {
			return err
		}
		if err := v.documents(c, tx); err != nil {
			return err
		}
		return v.decided(c, tx)
	})
	return v, err
}

func (v *view) documents(c *web.Ctx, tx db.Tx) error {
	if v.Case.Kind == "registration" {
		return nil // beside its members
	}
	photos, err := cases.EvidenceOf(tx, v.Case)
	for _, e := range photos {
		v.Documents = append(v.Documents, document{e.ID.String(), filing.ProofName(c, v.Story.Kind, e.Kind)})
	}
	return err
}

// decided adds the decision and until when it can be appealed.
func (v *view) decided(c *web.Ctx, tx db.Tx) error {
	d, err := cases.DecisionOf(tx, v.Case)
	if fault.Is(err, fault.NotFound) {
		v.Silence, err = cases.AppealOf(tx, v.Case.Person, nil, &v.Case.ID)
		return err
	}
	if err != nil {
		return err
	}
	v.Decision = &d
	if v.Case.Appeals != nil && d.Outcome != "refused" {
		if v.Back, err = cases.TakingBackOf(tx, v.Case.ID); err != nil {
			return err
		}
	}
	if v.Letters, err = letters.About(tx, v.Case.ID); err != nil { // the database gives each their own
		return err
	}
	if d.Outcome == "approved" {
		return nil
	}
	a := show.Appealing{Now: c.Now(), Path: "/cases/" + v.Case.Ref + "/appeal"}
	v.Appeal = &a
	if a.Time, err = cases.AppealTimeOf(tx, v.Case); err != nil {
		return err
	}
	if a.Lodged, err = cases.AppealOf(tx, v.Case.Person, &d.ID, nil); err != nil {
		return err
	}
	a.Own = a.Lodged != nil
	a.Last, err = cases.LastLevel(tx, v.Case)
	return err
}

// Photo shows one of the documents of a case of one's own.
func (p Pages) Photo(c *web.Ctx) error {
	return filing.SendPhoto(c, p.Blobs, func(tx db.Tx) (cases.Case, error) {
		return cases.Load(tx, intake.Actor(c, false), c.Param("ref"))
	}, filing.Harmless)
}

// Appeal opens an appeal of the decision, with one button.
func Appeal(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	var ref string
	err := c.WithTx(func(tx db.Tx) (err error) {
		ref, err = cases.Appeal(tx, intake.Actor(c, false), c.Param("ref"), c.Printer().Tag)
		return err
	})
	if fault.Is(err, fault.Conflict) {
		v, loadErr := load(c)
		if loadErr != nil {
			return loadErr
		}
		v.Form.Err = err.(*fault.Error)
		return c.RenderStatus(fiber.StatusConflict, casePage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(filing.Base + "/" + ref))
}
