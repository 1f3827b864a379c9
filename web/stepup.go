package web

import (
	"maps"
	"net/url"
	"slices"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
)

// StepUpPath is the page that asks staff to prove again to be themselves.
const StepUpPath = "/step-up"

// needsStepUp reports whether the request does something that takes a strong
// sign-in of the last minutes. Looking at things does not.
func (c *Ctx) needsStepUp() bool {
	return c.route.TakesStepUp() && !c.server.cfg.StepUp.Met(c.principal, c.Now(), c.route.AddsKey)
}

// StepUp is what the site asks for before what is strong.
func (c *Ctx) StepUp() auth.StepUp { return c.server.cfg.StepUp }

// TakesStepUp reports whether a route does something that takes a strong sign-in
// of the last minutes.
func (r Route) TakesStepUp() bool {
	return r.Method != fiber.MethodGet && (r.Strong || r.Permission.Strong())
}

// askToStepUp leads to the step-up. What was typed is kept for the one who
// typed it; files and what is larger than a form are not.
func (c *Ctx) askToStepUp() error {
	to := url.Values{"form": {"none"}}
	if names := c.typed(); names != nil {
		if err := c.WithTx(func(tx db.Tx) error {
			id, err := auth.Hold(tx, auth.HeldForm{Path: c.localPath(), Fields: names})
			to.Set("form", id.String())
			return err
		}); err != nil {
			return err
		}
	}
	return c.Redirect(c.URL(StepUpPath) + "?" + to.Encode())
}

// typed is what was typed into the form that was sent; nil when it cannot be kept.
func (c *Ctx) typed() map[string][]string {
	if c.large != nil || len(c.body) > FormLimit || c.route.Stream {
		return nil
	}
	if len(c.body) == 0 {
		return map[string][]string{}
	}
	f, err := c.Form(c.names()...)
	if err != nil || len(f.files) > 0 || len(f.unfit) > 0 {
		return nil
	}
	fields := maps.Clone(f.Values())
	return fields
}

// names lists the inputs of the form that was sent, whatever they are: whether
// they belong to it is for the page to say.
func (c *Ctx) names() []string {
	values, err := url.ParseQuery(string(c.body))
	if err != nil {
		return nil
	}
	return slices.Collect(maps.Keys(values))
}
