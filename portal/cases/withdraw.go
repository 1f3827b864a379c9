package cases

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

// AskWithdraw asks before a case is withdrawn.
func AskWithdraw(c *web.Ctx) error {
	k, err := own(c)
	if err != nil {
		return err
	}
	if k.State.Closed() {
		return c.Redirect(c.URL("/cases/" + k.Ref))
	}
	return c.Render(withdrawPage(k, &ui.Form{}))
}

func own(c *web.Ctx) (k cases.Case, err error) {
	err = c.View(func(tx db.Tx) error {
		k, err = cases.Load(tx, intake.Actor(c, false), c.Param("ref"))
		return err
	})
	return k, err
}

// Withdraw ends a case at the applicant's wish.
func Withdraw(c *web.Ctx) error {
	k, err := own(c)
	if err != nil {
		return err
	}
	form, err := c.Form("withdraw")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(withdrawPage(k, state))
	}
	var check fault.Check
	answer := form.Choice(&check, "withdraw", []string{"yes", "no"}, "withdraw.error.missing")
	if state.Err = check.Fault(); state.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), withdrawPage(k, state))
	}
	if answer == "yes" {
		if err := c.WithTx(func(tx db.Tx) error {
			_, err := cases.Withdraw(tx, intake.Actor(c, false), k.Ref)
			return err
		}); err != nil {
			return err
		}
	}
	return c.Redirect(c.URL("/cases/" + k.Ref))
}
