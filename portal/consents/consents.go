// Package consents shows people what their data is used for and on which legal
// basis, and lets them agree, or not any more, where it is theirs to say.
package consents

import (
	"strconv"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/consent"
	"daftar/registry/looks"
	"daftar/web"
	"daftar/web/ui"
)

// use is a purpose in words.
type use struct {
	consent.Purpose
	Rows     []ui.Row
	Standing *consent.Consent // what one agreed to; nil for nothing
}

// Show lists all purposes: first what one can decide.
func Show(c *web.Ctx) error {
	person := c.Principal().Person
	var list []use
	var past []consent.Consent
	if err := c.View(func(tx db.Tx) error {
		purposes, err := consent.Purposes(tx)
		if err != nil {
			return err
		}
		if person != nil {
			if past, err = consent.Mine(tx, *person); err != nil {
				return err
			}
		}
		for _, p := range purposes {
			u := use{Purpose: p, Rows: rows(c, p)}
			for i := range past {
				if past[i].Purpose == p.Code && past[i].Stands(c.Now()) {
					u.Standing = &past[i]
				}
			}
			list = append(list, u)
		}
		return nil
	}); err != nil {
		return err
	}
	return c.Render(consentsPage(list, past, person != nil))
}

func rows(c *web.Ctx, p consent.Purpose) []ui.Row {
	t := c.Printer()
	return []ui.Row{
		{Key: t.T("consent.basis"), Value: t.T("basis." + p.Basis)}, {Key: t.T("consent.recipient"), Value: p.Recipient.In(t)},
		{Key: t.T("consent.data"), Value: t.List(looks.KindNames(t, p.Data()))},
	}
}

// Give agrees, and shows the receipt.
func Give(c *web.Ctx) error {
	form, err := c.Form("version")
	if err != nil {
		return err
	}
	person := c.Principal().Person
	version, err := strconv.Atoi(form.Get("version"))
	if person == nil || err != nil {
		return fault.Hidden()
	}
	var ref string
	if err := c.WithTx(func(tx db.Tx) (err error) {
		ref, err = consent.Give(tx, *person, c.Param("code"), version, c.Printer().Tag)
		return err
	}); err != nil {
		return err
	}
	return c.Redirect(c.URL("/consents/" + ref))
}

// Withdraw takes a consent back, and shows the receipt.
func Withdraw(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	if err := c.WithTx(func(tx db.Tx) error { return consent.Withdraw(tx, *person, c.Param("ref")) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/consents/" + c.Param("ref")))
}

// Receipt says what one agreed to, to print.
func Receipt(c *web.Ctx) error {
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	var given consent.Consent
	var of consent.Purpose
	if err := c.View(func(tx db.Tx) error {
		var err error
		if given, err = consent.Find(tx, *person, c.Param("ref")); err != nil {
			return err
		}
		list, err := consent.Purposes(tx)
		for _, p := range list {
			if p.Code == given.Purpose {
				of = p
			}
		}
		return err
	}); err != nil {
		return err
	}
	t := c.Printer()
	list := append([]ui.Row{
		{Key: t.T("receipt.reference"), Value: given.Ref, LTR: true}, {Key: t.T("consent.purpose"), Value: t.T("purpose." + of.Code)},
		{Key: t.T("consent.given"), Value: t.Time(given.Given)}, {Key: t.T("consent.until"), Value: t.Time(given.Expires)},
	}, rows(c, of)...)
	list = append(list, ui.Row{Key: t.T("consent.version"), Value: t.Number(given.Version)})
	if given.Withdrawn.Valid {
		list = append(list, ui.Row{Key: t.T("consent.withdrawn"), Value: t.Time(given.Withdrawn.Time)})
	}
	return c.Render(receiptPage(given, list, text(of, given), c.Now()))
}

// text is what was agreed to, in the language in which it was read; "" when the
// text is another one by now.
func text(p consent.Purpose, given consent.Consent) string {
	if p.Version != given.Version {
		return ""
	}
	return p.Text[given.Language]
}
