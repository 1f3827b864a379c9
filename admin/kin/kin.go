// Package kin is where staff say whose records they should not see: their own
// and those of the people they are close to.
package kin

import (
	"errors"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/web"
	"daftar/web/ui"
)

// Mine asks whom the officer is close to, and lists what they said.
func Mine(c *web.Ctx) error {
	list, err := declared(c)
	if err != nil {
		return err
	}
	return c.Render(minePage(&ui.Form{}, rows(c.Printer(), list)))
}

func declared(c *web.Ctx) (list []auth.Kin, err error) {
	err = c.View(func(tx db.Tx) (err error) {
		list, err = auth.DeclaredKin(tx)
		return err
	})
	return list, err
}

// Declare notes one. It can be taken back by somebody else alone.
func Declare(c *web.Ctx) error {
	form, err := c.Form("bond", "who")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	status := 200
	if !form.Switching() {
		var check fault.Check
		bond := form.Choice(&check, "bond", auth.Bonds(), "kin.error.bond")
		who := form.Required(&check, "who", 40, "kin.error.who")
		err := check.Err()
		if err == nil {
			err = c.WithTx(func(tx db.Tx) error { return auth.DeclareKin(tx, bond, who) })
		}
		if err == nil {
			return c.Redirect(c.URL("/relatives"))
		}
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.Invalid {
			return err
		}
		state.Err, status = f, web.Status(f.Code)
	}
	list, err := declared(c)
	if err != nil {
		return err
	}
	return c.RenderStatus(status, minePage(state, rows(c.Printer(), list)))
}

func rows(p *i18n.Printer, list []auth.Kin) [][]ui.Cell {
	var out [][]ui.Cell
	for _, k := range list {
		out = append(out, []ui.Cell{{Text: p.T("kin.bond." + k.Bond)}, what(p, k), {Text: p.Date(k.DeclaredAt)}})
	}
	return out
}

// what was declared: a reference, which says nothing, or the end of a number.
func what(p *i18n.Printer, k auth.Kin) ui.Cell {
	if k.Type == auth.ByReference {
		return ui.Cell{Text: k.Value, LTR: true}
	}
	return ui.Cell{Text: k.Masked(), LTR: true}
}

// Others lists what members of staff declared.
func Others(c *web.Ctx) error {
	var list []auth.Kin
	err := c.View(func(tx db.Tx) (err error) {
		list, err = auth.KinOfOthers(tx)
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(othersPage(list))
}

// End says that a declaration does not hold.
func End(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return auth.EndKin(tx, c.Param("ref")) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/declarations"))
}
