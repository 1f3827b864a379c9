package events

import (
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/show"
	"daftar/web/ui"
)

// concern is a case of somebody else's that affects the reader.
type concern struct {
	Filing   cases.Filing
	Party    cases.Party
	Until    time.Time
	Changes  []show.Altered  // of the reader's own record, and where the children go
	Decision *cases.Decision // nil: none yet
	Appeal   *show.Appealing // of who objected in vain
}

func loadConcern(c *web.Ctx) (concern, error) {
	person := c.Principal().Person
	if person == nil {
		return concern{}, fault.Hidden()
	}
	canonical, ok := registry.ParseRef(registry.RefCase, c.Param("ref"))
	if !ok {
		return concern{}, fault.Hidden()
	}
	var k concern
	err := c.View(func(tx db.Tx) (err error) {
		if k.Filing, k.Party, err = cases.Concern(tx, *person, canonical); err != nil {
			return err
		}
		if err := k.changes(c, tx); err != nil {
			return err
		}
		return k.decided(c, tx)
	})
	k.Until = k.Filing.ObjectUntil.Time
	return k, err
}

// changes adds what the proposal does to the reader's own record, and to whom the
// children live with. Where somebody else goes is told as with whom, never as a
// place.
func (k *concern) changes(c *web.Ctx, tx db.Tx) error {
	list, mine, err := cases.Touching(tx, k.Filing, k.Party.Person)
	if err != nil {
		return err
	}
	p := c.Printer()
	for i, a := range list {
		if a.Kind == registry.KindHousehold && a.Old == nil {
			list[i].Name = p.T("concern.home_of", "Name", show.Name(p, k.Filing.Applicant))
		}
	}
	all, err := show.Proposal(tx, p, list, func(a cases.Alteration) (show.Reader, bool) {
		return show.Reader{Contacts: a.Subject == k.Party.Person}, true
	})
	for _, a := range all {
		if !mine(a.Alteration) {
			continue
		}
		a.Pairs = slices.DeleteFunc(a.Pairs, func(pair show.Pair) bool {
			return a.Subject != k.Party.Person && pair.Key != "memberships" && pair.Key != "relations"
		})
		if len(a.Pairs) > 0 {
			k.Changes = append(k.Changes, a)
		}
	}
	return err
}

// decided adds what was decided, and whether the reader can appeal it.
func (k *concern) decided(c *web.Ctx, tx db.Tx) error {
	d, err := cases.DecisionOf(tx, k.Filing.Case)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	k.Decision = &d
	if !k.Party.MayAppeal(d) {
		return nil
	}
	a := show.Appealing{Now: c.Now(), Own: true, Path: "/concerns/" + k.Filing.Ref + "/appeal"}
	k.Appeal = &a
	if a.Time, err = cases.ConcernTimeOf(tx, k.Filing.Case, k.Party.Person); err != nil {
		return err
	}
	a.Lodged, err = cases.AppealOf(tx, &k.Party.Person, &d.ID, nil)
	return err
}

// AppealConcern opens an appeal of what was decided against the reader's
// objection, with one button.
func AppealConcern(c *web.Ctx) error {
	k, err := loadConcern(c)
	if err != nil {
		return err
	}
	if _, err := c.Form(); err != nil {
		return err
	}
	var ref string
	err = c.WithTx(func(tx db.Tx) (err error) {
		ref, err = cases.AppealConcern(tx, intake.Actor(c, false), k.Filing.Ref, c.Printer().Tag)
		return err
	})
	if fault.Is(err, fault.Conflict) {
		return c.RenderStatus(fiber.StatusConflict, concernPage(k, &ui.Form{Err: err.(*fault.Error)}))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(filing.Base + "/" + ref))
}

// Concern tells somebody of a case that affects them: who asked for what, and that
// they may object (RULES R5); afterwards what was decided. What the other answered
// is not theirs to read.
func Concern(c *web.Ctx) error {
	k, err := loadConcern(c)
	if err != nil {
		return err
	}
	return c.Render(concernPage(k, &ui.Form{}))
}

// Respond takes what they say to it.
func Respond(c *web.Ctx) error {
	k, err := loadConcern(c)
	if err != nil {
		return err
	}
	form, err := c.Form("answer", "why")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(concernPage(k, state))
	}
	var check fault.Check
	answer := form.Choice(&check, "answer", []string{"agree", "object"}, "concern.error.answer")
	why := form.Text(&check, "why", 1000)
	if answer == "object" && why == "" && !check.Failed("why") {
		check.Fail("why", "concern.error.why")
	}
	if state.Err = check.Fault(); state.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), concernPage(k, state))
	}
	err = c.WithTx(func(tx db.Tx) error {
		return cases.Respond(tx, *c.Principal().Person, k.Filing.Ref, answer == "agree", why, c.Printer().Tag)
	})
	if fault.Is(err, fault.Conflict) {
		state.Err = fault.New(fault.Conflict, "concern.error.over")
		return c.RenderStatus(fiber.StatusConflict, concernPage(k, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/concerns/" + k.Filing.Ref))
}
