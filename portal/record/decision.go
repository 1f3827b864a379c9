package record

import (
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/letters"
	"daftar/registry/programmes"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/show"
)

// decision is a decision about one's household with its clock and the letters
// about it that were written to the reader.
type decision struct {
	programmes.Decision
	Clock    programmes.Clock
	Criteria []show.Criterion
	Letters  []letters.Letter
	Appeal   show.Appealing
}

// MayAppeal reports whether there is something to appeal and nobody does yet.
func (d decision) MayAppeal() bool {
	return d.Outcome != programmes.Eligible && !d.SupersededAt.Valid &&
		!slices.Contains([]programmes.State{programmes.Suspended, programmes.Overturned, programmes.Withdrawn}, d.State)
}

// Decision tells what was decided about one's household, and why, condition by
// condition; of one that would take something away also until when it can be
// appealed and from when it would hold.
func Decision(c *web.Ctx) error {
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	var d decision
	err := c.View(func(tx db.Tx) error {
		household, err := registry.HouseholdOf(tx, *person)
		if err != nil {
			return err
		}
		if d.Decision, err = programmes.DecisionByRef(tx, household, c.Param("ref")); err != nil {
			return err
		}
		if d.Clock, err = programmes.ClockOf(tx, d.Decision); err != nil {
			return err
		}
		if d.Letters, err = letters.About(tx, d.ID); err != nil { // the database gives each their own
			return err
		}
		d.Appeal = show.Appealing{Time: cases.AppealTime{Served: d.Clock.Served, LastDay: d.Clock.LastDay, Until: d.Clock.Until}, Now: c.Now(),
			Path: "/decisions/" + d.Ref + "/appeal"}
		if d.Appeal.Lodged, err = cases.AppealOf(tx, person, &d.ID, nil); err != nil {
			return err
		}
		d.Appeal.Own = d.Appeal.Lodged != nil && d.Appeal.Lodged.Person != nil && *d.Appeal.Lodged.Person == *person
		fields, err := registry.LoadFields(tx)
		d.Criteria = show.CriteriaOf(c.Printer(), d.Decision, fields)
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(decisionPage(d))
}

// Appeal opens an appeal of the decision, with one button.
func Appeal(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	var ref string
	err := c.WithTx(func(tx db.Tx) error {
		household, err := registry.HouseholdOf(tx, *person)
		if err != nil {
			return err
		}
		d, err := programmes.DecisionByRef(tx, household, c.Param("ref"))
		if err != nil {
			return err
		}
		ref, err = cases.AppealProgramme(tx, intake.Actor(c, false), household, d.ID, c.Printer().Tag)
		return err
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(filing.Base + "/" + ref))
}
