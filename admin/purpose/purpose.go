// Package purpose asks staff what they need people's data for, where no case
// says it, and remembers the answer for a quarter of an hour.
package purpose

import (
	"strings"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/web"
	"daftar/web/ui"
)

// Of is the purpose in force. ok is false when there is none: the page has then
// been answered with the question, which leads back to it. Ask only after
// looking whether the record is the officer's business at all: what is not is
// simply not there.
func Of(c *web.Ctx) (code string, ok bool, err error) {
	err = c.View(func(tx db.Tx) error {
		code, err = auth.Purpose(tx, c.Principal().Session)
		return err
	})
	if err != nil || code != "" {
		return code, code != "", err
	}
	const preconditionRequired = 428 // RFC 6585 section 3
	return "", false, c.RenderStatus(preconditionRequired, askPage(&ui.Form{Action: "/purpose", Values: map[string][]string{"to": {c.Here()}}}))
}

// Set takes the answer and leads back.
func Set(c *web.Ctx) error {
	form, err := c.Form("purpose", "to")
	if err != nil {
		return err
	}
	state := &ui.Form{Action: "/purpose", Values: form.Values()}
	if form.Switching() {
		return c.Render(askPage(state))
	}
	var check fault.Check
	code := form.Choice(&check, "purpose", auth.Purposes(), "purpose.error")
	if err := check.Err(); err != nil {
		state.Err = web.AsFault(err)
		return c.RenderStatus(web.Status(fault.Invalid), askPage(state))
	}
	if err := c.WithTx(func(tx db.Tx) error { return auth.SetPurpose(tx, c.Principal().Session, code) }); err != nil {
		return err
	}
	to := form.Get("to")
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		to = ""
	}
	return c.Redirect(c.URL(to))
}

// Choices are the purposes as an input offers them.
func Choices(p *i18n.Printer) []ui.Choice {
	var list []ui.Choice
	for _, code := range auth.Purposes() {
		list = append(list, ui.Choice{Value: code, Label: p.T("purpose." + code)})
	}
	return list
}
