// Package delegates is who may act for a person, and for whom one acts oneself.
package delegates

import (
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/ui"
)

// view is who acts for whom.
type view struct {
	Mine   []cases.Delegation // who acts for me
	Others []acting           // for whom I act
	Kinds  map[string]string  // what kinds are called
}

type acting struct {
	cases.Delegation
	Can []kinds.Kind
}

// Show lists both, with a way to end each.
func Show(c *web.Ctx) error {
	v := view{Kinds: map[string]string{}}
	err := c.View(func(tx db.Tx) error {
		all, err := kinds.List(tx, "citizen")
		if err != nil {
			return err
		}
		for _, k := range all {
			v.Kinds[k.Code] = k.Title.In(c.Printer())
		}
		if p := c.Principal().Person; p != nil {
			if v.Mine, err = cases.DelegatesOf(tx, *p); err != nil {
				return err
			}
		}
		list, err := cases.ActsFor(tx, c.Principal().ID)
		for _, d := range list {
			a := acting{Delegation: d}
			for _, k := range all {
				for _, code := range d.Kinds {
					if code == k.Code {
						a.Can = append(a.Can, k)
					}
				}
			}
			v.Others = append(v.Others, a)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(showPage(v))
}

// list says what a delegation is for, in words.
func (v view) list(d cases.Delegation) string {
	var names []string
	for _, code := range d.Kinds {
		if name := v.Kinds[code]; name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, " · ")
}

func grantable(c *web.Ctx) (list []kinds.Kind, err error) {
	err = c.View(func(tx db.Tx) error { list, err = kinds.List(tx, "citizen"); return err })
	return list, err
}

// GrantForm asks who shall act, for what, until when.
func GrantForm(c *web.Ctx) error {
	if c.Principal().Person == nil {
		return c.Redirect(c.URL("/delegates"))
	}
	list, err := grantable(c)
	if err != nil {
		return err
	}
	return c.Render(grantPage(list, &ui.Form{}))
}

// Grant lets somebody act. Whoever has no account cannot, and which of the two it
// is, is not said.
func Grant(c *web.Ctx) error {
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	list, err := grantable(c)
	if err != nil {
		return err
	}
	form, err := c.Form("helper", "role", "kinds", "months")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(grantPage(list, state))
	}
	var check fault.Check
	helper := form.Required(&check, "helper", 30, "delegate.error.helper")
	months := map[string]int{"1": 1, "6": 6, "12": 12}[form.Choice(&check, "months", []string{"1", "6", "12"}, "delegate.error.months")]
	today := registry.Today(c.Now(), c.Printer().Zone)
	err = c.WithTx(func(tx db.Tx) error {
		account, err := cases.AccountOf(tx, helper)
		if fault.Is(err, fault.NotFound) && !check.Failed("helper") {
			check.Fail("helper", "delegate.error.unknown")
		} else if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := check.Err(); err != nil {
			return err
		}
		_, err = cases.Delegate(tx, cases.Delegation{Person: *person, Account: account, Role: form.Get("role"), Kinds: form.All("kinds"),
			From: today, To: today.AddDate(0, months, 0).Add(-24 * time.Hour)})
		return err
	})
	if fault.Is(err, fault.Invalid) {
		state.Err = err.(*fault.Error)
		return c.RenderStatus(web.Status(fault.Invalid), grantPage(list, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/delegates"))
}

// Revoke ends one's own delegation at once.
func Revoke(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	if err := c.WithTx(func(tx db.Tx) error { return cases.Revoke(tx, *person, c.Param("ref")) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/delegates"))
}

// Start opens a case for somebody whom one acts for.
func Start(c *web.Ctx) error {
	form, err := c.Form("kind")
	if err != nil {
		return err
	}
	canonical, _ := registry.ParseRef(registry.RefDelegation, c.Param("ref"))
	var ref string
	err = c.WithTx(func(tx db.Tx) error {
		list, err := cases.ActsFor(tx, c.Principal().ID)
		if err != nil {
			return err
		}
		for _, d := range list {
			if d.Ref == canonical {
				ref, err = cases.BeginFor(tx, intake.Actor(c, false), d.Person, cases.Opening{Kind: form.Get("kind"), Language: c.Printer().Tag})
				return err
			}
		}
		return fault.Hidden()
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(filing.Base + "/" + ref))
}
