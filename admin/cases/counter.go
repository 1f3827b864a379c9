package cases

import (
	"slices"
	"strings"

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

// counter is what an officer can take for somebody who is present (RULES R2):
// everything that the portal takes.
type counter struct {
	Complaints []kinds.Kind // of somebody who need not be in the registry
	Drafts     []cases.Case
	Form       *ui.Form
}

func loadCounter(c *web.Ctx) (k counter, err error) {
	k.Form = &ui.Form{Action: "/counter/find"}
	err = c.View(func(tx db.Tx) error {
		list, err := kinds.List(tx, "counter")
		if err != nil {
			return err
		}
		k.Complaints = slices.DeleteFunc(list, func(k kinds.Kind) bool { return !k.Starts.By("anonymous") })
		k.Drafts, err = cases.Drafts(tx, intake.Actor(c, true))
		return err
	})
	return k, err
}

// Counter is where an officer starts to type for somebody without a phone, an
// identity card or an account (RULES R2).
func Counter(c *web.Ctx) error {
	k, err := loadCounter(c)
	if err != nil {
		return err
	}
	return c.Render(counterPage(k))
}

// StartAtCounter opens an empty application.
func StartAtCounter(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	var ref string
	err := c.WithTx(func(tx db.Tx) (err error) {
		ref, err = cases.Start(tx, intake.Actor(c, true), cases.Applicant{}, c.Printer().Tag)
		return err
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/counter/" + ref))
}

// FindAtCounter looks for the record of somebody by its reference.
func FindAtCounter(c *web.Ctx) error {
	k, err := loadCounter(c)
	if err != nil {
		return err
	}
	form, err := c.Form("ref")
	if err != nil {
		return err
	}
	k.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(counterPage(k))
	}
	var check fault.Check
	typed := form.Required(&check, "ref", 30, "counter.error.ref")
	if !check.Failed("ref") {
		ref, ok := registry.ParseRef(registry.RefPerson, typed)
		err := c.View(func(tx db.Tx) error {
			_, err := registry.FindRecord(tx, registry.Reader{Areas: c.Areas()}, registry.KindPerson, ref)
			return err
		})
		switch {
		case err == nil && ok:
			return c.Redirect(c.URL("/counter/for/" + ref))
		case err != nil && !fault.Is(err, fault.NotFound):
			return err
		}
		check.Fail("ref", "counter.error.unknown")
	}
	k.Form.Err = check.Fault()
	return c.RenderStatus(web.Status(fault.Invalid), counterPage(k))
}

// visitor is somebody who stands at the counter.
type visitor struct {
	Ref, Name string
	ID        db.ID
	Kinds     []kinds.Kind
	Acting    []cases.Delegation
	Form      *ui.Form
}

// atCounter finds somebody for the officer; the reading is logged.
func atCounter(c *web.Ctx) (v visitor, err error) {
	v.Form = &ui.Form{}
	err = c.WithTx(func(tx db.Tx) error {
		id, err := registry.ReadRecord(tx, registry.Reader{Areas: c.Areas()}, registry.KindPerson, c.Param("ref"), "request") // who is present asked for it
		if err != nil {
			return err
		}
		p, err := registry.LoadPerson(tx, id)
		if err != nil {
			return err
		}
		v.Ref, v.Name, v.ID = p.Ref, p.FullName, id
		if v.Kinds, err = kinds.List(tx, "counter"); err != nil {
			return err
		}
		v.Acting, err = cases.DelegatesOf(tx, id)
		return err
	})
	return v, err
}

// ForSomebody lists what can be taken for a person who is present.
func ForSomebody(c *web.Ctx) error {
	v, err := atCounter(c)
	if err != nil {
		return err
	}
	return c.Render(forPage(v))
}

// StartFor opens a case for a person who is present.
func StartFor(c *web.Ctx) error {
	v, err := atCounter(c)
	if err != nil {
		return err
	}
	form, err := c.Form("kind")
	if err != nil {
		return err
	}
	var ref string
	err = c.WithTx(func(tx db.Tx) (err error) {
		ref, err = cases.Begin(tx, intake.Actor(c, true), cases.Opening{Kind: form.Get("kind"), Person: &v.ID, Language: c.Printer().Tag})
		return err
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(filing.Base + "/" + ref))
}

// ComplainAtCounter opens a complaint of somebody who need not be in the
// registry.
func ComplainAtCounter(c *web.Ctx) error {
	form, err := c.Form("kind")
	if err != nil {
		return err
	}
	var ref string
	err = c.WithTx(func(tx db.Tx) error {
		if _, err := kinds.Startable(tx, form.Get("kind"), "anonymous"); err != nil {
			return err
		}
		ref, err = cases.Begin(tx, intake.Actor(c, true), cases.Opening{Kind: form.Get("kind"), Language: c.Printer().Tag})
		return err
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(filing.Base + "/" + ref))
}

// DelegateForm asks who shall act for the person, and which proof was seen.
func DelegateForm(c *web.Ctx) error {
	v, err := atCounter(c)
	if err != nil {
		return err
	}
	return c.Render(delegatePage(v))
}

// Delegate lets somebody act for the person.
func Delegate(c *web.Ctx) error {
	v, err := atCounter(c)
	if err != nil {
		return err
	}
	form, err := c.Form("helper", "role", "kinds", "months", "proof")
	if err != nil {
		return err
	}
	v.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(delegatePage(v))
	}
	var check fault.Check
	helper := form.Required(&check, "helper", 30, "delegate.error.helper")
	proof := form.Required(&check, "proof", 500, "delegate.error.proof")
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
		_, err = cases.Delegate(tx, cases.Delegation{Person: v.ID, Account: account, Role: form.Get("role"), Kinds: form.All("kinds"),
			From: today, To: today.AddDate(0, months, -1), Proof: strings.TrimSpace(proof)})
		return err
	})
	if fault.Is(err, fault.Invalid) {
		v.Form.Err = err.(*fault.Error)
		return c.RenderStatus(web.Status(fault.Invalid), delegatePage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/counter/for/" + v.Ref))
}

// RevokeDelegate ends one at once, at the person's wish.
func RevokeDelegate(c *web.Ctx) error {
	v, err := atCounter(c)
	if err != nil {
		return err
	}
	if _, err := c.Form(); err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return cases.Revoke(tx, v.ID, c.Param("delegation")) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/counter/for/" + v.Ref))
}
