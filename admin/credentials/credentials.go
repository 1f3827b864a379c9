// Package credentials is the credential officer's work.
package credentials

import (
	"errors"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/credentials"
	"daftar/web"
	"daftar/web/ui"
)

func officer(c *web.Ctx) credentials.Officer {
	return credentials.Officer{ID: c.Principal().ID, Areas: c.Areas()}
}

// Find looks credentials up by reference: there is no list to browse.
func Find(c *web.Ctx) error {
	ref := c.Query("ref")
	if ref == "" {
		return c.Render(findPage("", nil))
	}
	var list []credentials.Credential
	err := c.WithTx(func(tx db.Tx) (err error) {
		list, err = credentials.Find(tx, officer(c), ref)
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(findPage(ref, list))
}

func one(c *web.Ctx) (credentials.Credential, error) {
	var list []credentials.Credential
	err := c.WithTx(func(tx db.Tx) (err error) {
		list, err = credentials.Find(tx, officer(c), c.Param("ref"))
		return err
	})
	if err == nil && (len(list) != 1 || list[0].Ref != c.Param("ref")) {
		err = fault.Hidden()
	}
	if err != nil {
		return credentials.Credential{}, err
	}
	return list[0], nil
}

// RevokeForm asks for the reason.
func RevokeForm(c *web.Ctx) error {
	k, err := one(c)
	if err != nil {
		return err
	}
	if k.State != "valid" { // nothing is left to do: its page says what was
		return c.Redirect(c.URL("/credentials") + "?ref=" + k.Ref)
	}
	return c.Render(revokePage(k, &ui.Form{}))
}

// Revoke ends a credential.
func Revoke(c *web.Ctx) error {
	k, err := one(c)
	if err != nil {
		return err
	}
	form, err := c.Form("reason", "note")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(revokePage(k, state))
	}
	var check fault.Check
	reason := form.Choice(&check, "reason", credentials.RevocationReasons(), "revoke.error.reason")
	note := form.Text(&check, "note", 1000)
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error { return credentials.Revoke(tx, officer(c), k.Ref, reason, note) })
	}
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict) {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), revokePage(k, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/credentials") + "?ref=" + k.Ref)
}
