package cases

import (
	"errors"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/web"
)

// AccountForm asks for the code of an account and the proof that was seen, to tie
// it to the person who is present.
func AccountForm(c *web.Ctx) error {
	v, err := atCounter(c)
	if err != nil {
		return err
	}
	return c.Render(accountPage(v))
}

// Account proposes it to another official.
func Account(c *web.Ctx) error {
	v, err := atCounter(c)
	if err != nil {
		return err
	}
	form, err := c.Form("code", "proof")
	if err != nil {
		return err
	}
	if v.Form.Values = form.Values(); form.Switching() {
		return c.Render(accountPage(v))
	}
	var check fault.Check
	code, proof := form.Text(&check, "code", 30), form.Text(&check, "proof", 500)
	if err = check.Err(); err == nil {
		err = c.WithTx(func(tx db.Tx) error { return auth.ProposeLink(tx, v.ID, code, proof) })
	}
	if errors.As(err, &v.Form.Err) && v.Form.Err.Code == fault.Invalid {
		return c.RenderStatus(web.Status(fault.Invalid), accountPage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/counter/for/" + v.Ref))
}
