package signin

import (
	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/web"
	"daftar/web/ui"
)

// PasskeyRoutes are the step-up of staff, and their passkeys.
func PasskeyRoutes(keys *auth.Passkeys) []web.Route {
	const get, post = fiber.MethodGet, fiber.MethodPost
	s := passkeys{keys}
	return []web.Route{
		{Method: get, Path: web.StepUpPath, Permission: auth.Staff, Handler: s.stepUp},
		{Method: post, Path: web.StepUpPath, Permission: auth.Staff, Handler: s.prove},
		{Method: get, Path: keysPath, Permission: auth.Staff, Handler: s.list},
		{Method: post, Path: keysPath, Permission: auth.Staff, Handler: s.offer, Strong: true, AddsKey: true},
		{Method: post, Path: keysPath + "/add", Permission: auth.Staff, Handler: s.add, Strong: true, AddsKey: true},
		{Method: post, Path: keysPath + "/:ref/remove", Permission: auth.Staff, Handler: s.remove, Strong: true},
	}
}

const keysPath = "/passkeys"

type passkeys struct{ keys *auth.Passkeys }

// list shows one's own passkeys.
func (s passkeys) list(c *web.Ctx) error {
	done := c.Query("done")
	if done != "added" && done != "removed" {
		done = ""
	}
	return s.show(c, fiber.StatusOK, &ui.Form{Action: keysPath}, done)
}

func (s passkeys) show(c *web.Ctx, status int, form *ui.Form, done string) error {
	var list []auth.Passkey
	if err := c.View(func(tx db.Tx) (err error) { list, err = auth.PasskeysOf(tx, c.Principal().ID); return err }); err != nil {
		return err
	}
	return c.RenderStatus(status, passkeysPage(list, s.keys != nil, form, done))
}

// offer asks the browser for a new passkey of the name that was typed.
func (s passkeys) offer(c *web.Ctx) error {
	form, err := c.Form("name")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values(), Action: keysPath}
	if form.Switching() || s.keys == nil {
		return s.show(c, fiber.StatusOK, state, "")
	}
	var check fault.Check
	name := form.Required(&check, "name", auth.PasskeyName, "passkey.error.name")
	if err := check.Err(); err != nil {
		state.Err = web.AsFault(err)
		return s.show(c, web.Status(fault.Invalid), state, "")
	}
	var options string
	if err := c.WithTx(func(tx db.Tx) (err error) { options, err = s.keys.Offer(tx, c.Principal(), name); return err }); err != nil {
		return err
	}
	return c.Render(offerPage(name, options))
}

// add keeps the passkey that the browser made.
func (s passkeys) add(c *web.Ctx) error {
	form, err := c.Form("credential")
	if err != nil {
		return err
	}
	if s.keys == nil {
		return fault.Hidden()
	}
	var refused string
	if err := c.WithTx(func(tx db.Tx) (err error) {
		refused, err = s.keys.Add(tx, c.Principal(), form.Get("credential"))
		return err
	}); err != nil {
		return err
	}
	if refused != "" {
		return s.show(c, web.Status(fault.Invalid), &ui.Form{Action: keysPath, Err: fault.New(fault.Invalid, "passkey.refused."+refused)}, "")
	}
	return c.Redirect(c.URL(keysPath + "?done=added"))
}

// remove ends one of one's own.
func (s passkeys) remove(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return auth.RemovePasskey(tx, c.Param("ref")) }); err != nil {
		return err
	}
	return c.Redirect(c.URL(keysPath + "?done=removed"))
}

func aboutKey(p *i18n.Printer, k auth.Passkey) []ui.Row {
	rows := []ui.Row{{Key: p.T("passkey.name"), Value: k.Name}, {Key: p.T("passkey.added"), Value: p.Time(k.Added)}}
	switch {
	case k.Removed:
		return append(rows, ui.Row{Key: p.T("passkey.used"), Value: p.T("passkey.copied")})
	case k.Used.Valid:
		return append(rows, ui.Row{Key: p.T("passkey.used"), Value: p.Time(k.Used.Time)})
	}
	return append(rows, ui.Row{Key: p.T("passkey.used"), Value: p.T("passkey.never")})
}
