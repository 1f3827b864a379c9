package signin

import (
	"maps"
	"net/url"
	"slices"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/web"
)

// stepUp leads somebody through a strong sign-in and back to what they wanted to
// send, which waits on this page.
func stepUp(c *web.Ctx) error {
	var id db.ID
	lost := id.UnmarshalText([]byte(c.Query("form"))) != nil
	var form auth.HeldForm
	if !lost {
		err := c.View(func(tx db.Tx) (err error) { form, err = auth.Held(tx, id); return err })
		if fault.Is(err, fault.NotFound) {
			return c.Render(nothingHeldPage())
		}
		if err != nil {
			return err
		}
	}
	again := "/sign-in?" + url.Values{"strong": {"1"}, "to": {web.StepUpPath + "?" + url.Values{"form": {c.Query("form")}}.Encode()}}.Encode()
	switch {
	case c.Principal().SteppedUp(c.Now()) && lost:
		return c.Redirect(c.URL(""))
	case c.Principal().SteppedUp(c.Now()):
		return c.Render(readyPage(form))
	}
	return c.Render(stepUpPage(int(auth.StepUpTTL.Minutes()), lost, again))
}

// names lists what was typed, in a fixed order.
func names(f auth.HeldForm) []string { return slices.Sorted(maps.Keys(f.Fields)) }
