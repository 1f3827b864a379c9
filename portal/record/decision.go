package record

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/letters"
	"daftar/registry/programmes"
	"daftar/web"
	"daftar/web/show"
)

// decision is a decision about one's household with its clock and the letters
// about it that were written to the reader.
type decision struct {
	programmes.Decision
	Clock    programmes.Clock
	Criteria []show.Criterion
	Letters  []letters.Letter
	Appeal   string // where to appeal; "" while there is no such page
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
		fields, err := registry.LoadFields(tx)
		d.Criteria = show.CriteriaOf(c.Printer(), d.Decision, fields)
		return err
	})
	if err != nil {
		return err
	}
	if c.Serves("/decisions/:ref/appeal") {
		d.Appeal = "/decisions/" + d.Ref + "/appeal"
	}
	return c.Render(decisionPage(d))
}
