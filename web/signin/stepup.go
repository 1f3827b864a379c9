package signin

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/web"
	"daftar/web/ui"
)

// step is what somebody is asked for before what they wanted to send goes on.
type step struct {
	id      string // of what waits; "" for what was too long to be kept
	minutes int
	options string // of a passkey; "" for none
	again   string // a fresh sign-in; "" where the deployment takes none
	form    *ui.Form
}

// stepUp asks somebody to prove again to be themselves. What they wanted to send
// waits on this page.
func (s passkeys) stepUp(c *web.Ctx) error {
	return s.ask(c, c.Query("form"), fiber.StatusOK, &ui.Form{})
}

func (s passkeys) ask(c *web.Ctx, waiting string, status int, state *ui.Form) error {
	var id db.ID
	lost := id.UnmarshalText([]byte(waiting)) != nil
	var held auth.HeldForm
	if !lost {
		err := c.View(func(tx db.Tx) (err error) { held, err = auth.Held(tx, id); return err })
		if fault.Is(err, fault.NotFound) {
			return c.Render(nothingHeldPage())
		}
		if err != nil {
			return err
		}
	}
	who, need, adds := c.Principal(), c.StepUp(), strings.HasPrefix(held.Path, keysPath)
	if need.Met(who, c.Now(), adds) && who.SteppedUp(c.Now()) {
		if lost {
			return c.Redirect(c.URL(""))
		}
		return c.Render(readyPage(held))
	}
	next := step{id: waiting, minutes: int(auth.StepUpTTL.Minutes()), form: state}
	if lost {
		next.id = ""
	}
	if need != auth.StepUpPasskey || adds && !who.Keys {
		next.again = "/sign-in?" + url.Values{"strong": {"1"}, "to": {web.StepUpPath + "?" + url.Values{"form": {waiting}}.Encode()}}.Encode()
	}
	if s.keys != nil && need != auth.StepUpSignIn {
		if err := c.WithTx(func(tx db.Tx) (err error) { next.options, err = s.keys.Ask(tx, who); return err }); err != nil {
			return err
		}
	}
	return c.RenderStatus(status, stepUpPage(next))
}

// prove takes what a passkey signed, and leads back to what waits.
func (s passkeys) prove(c *web.Ctx) error {
	form, err := c.Form("form", "credential")
	if err != nil {
		return err
	}
	if s.keys == nil || c.StepUp() == auth.StepUpSignIn {
		return fault.Hidden()
	}
	var secret, refused string
	if err := c.WithTx(func(tx db.Tx) (err error) {
		secret, refused, err = s.keys.Prove(tx, c.Principal(), form.Get("credential"))
		return err
	}); err != nil {
		return err
	}
	if refused != "" {
		return s.ask(c, form.Get("form"), web.Status(fault.Invalid), &ui.Form{Err: fault.New(fault.Invalid, "passkey.refused."+refused)})
	}
	c.SetSession(secret)
	return c.Redirect(c.URL(web.StepUpPath) + "?" + url.Values{"form": {form.Get("form")}}.Encode())
}

// names lists what was typed, in a fixed order.
func names(f auth.HeldForm) []string { return slices.Sorted(maps.Keys(f.Fields)) }
