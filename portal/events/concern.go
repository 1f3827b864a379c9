package events

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/ui"
)

// concern is a case of somebody else's that affects the reader.
type concern struct {
	Filing cases.Filing
	Party  cases.Party
	Until  time.Time
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
		k.Filing, k.Party, err = cases.Concern(tx, *person, canonical)
		return err
	})
	k.Until = k.Filing.ObjectUntil.Time
	return k, err
}

// Concern tells somebody of a case that affects them: who asked for what, and that
// they may object (RULES R5). What the other answered is not theirs to read.
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
