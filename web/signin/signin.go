// Package signin is signing in and out, for the portal and the admin area.
package signin

import (
	"net/url"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
	"daftar/web"
)

// Routes signs people in through provider. The provider's origin must be among
// the site's FormTargets: signing out leads there.
func Routes(a auth.Audience, provider *auth.Provider) []web.Route {
	s := site{audience: a, provider: provider}
	routes := []web.Route{
		{Method: fiber.MethodGet, Path: "/sign-in", Permission: auth.Public, Handler: s.begin},
		{Method: fiber.MethodGet, Path: "/auth/callback", Permission: auth.Public, Handler: s.callback, Bare: true},
		{Method: fiber.MethodPost, Path: "/sign-out", Permission: auth.Public, Handler: s.signOut},
		{Method: fiber.MethodGet, Path: "/signed-out", Permission: auth.Public, Handler: s.signedOut, Bare: true},
		{Method: fiber.MethodPost, Path: "/stay", Permission: s.signedIn(), Handler: stay},
		{Method: fiber.MethodGet, Path: "/sign-ins", Permission: s.signedIn(), Handler: list},
		{Method: fiber.MethodPost, Path: "/sign-ins/end", Permission: s.signedIn(), Handler: end},
		{Method: fiber.MethodPost, Path: "/sign-ins/end-others", Permission: s.signedIn(), Handler: endOthers},
		{Method: fiber.MethodPost, Path: "/sign-ins/not-me", Permission: s.signedIn(), Handler: notMe},
	}
	return routes
}

// signedIn is the permission of whoever is signed in to the site.
func (s site) signedIn() auth.Permission {
	if s.audience == auth.Admin {
		return auth.Staff
	}
	return auth.Citizen
}

type site struct {
	audience auth.Audience
	provider *auth.Provider
}

func (s site) begin(c *web.Ctx) error {
	to := c.Query("to")
	if to == "" {
		to = "/"
	}
	address, browser, err := s.provider.Begin(c.Context(), c.DB(), c.URL(auth.LocalPath(to)), c.Printer().Tag, c.Query("strong") == "1")
	if err != nil {
		return err
	}
	c.SetSignIn(browser)
	return c.Redirect(address)
}

func (s site) callback(c *web.Ctx) error {
	back := auth.Callback{State: c.Query("state"), Code: c.Query("code"), Issuer: c.Query("iss"), Error: c.Query("error")}
	c.Speak(back.Locale())
	id, returnTo, err := s.provider.Complete(c.Context(), c.DB(), c.SignIn(), back)
	if fault.Is(err, fault.Forbidden) {
		return c.RenderStatus(web.Status(fault.Forbidden), failedPage(web.AsFault(err)))
	}
	if err != nil {
		return err
	}
	c.ClearSignIn()
	var secret string
	err = c.WithTx(func(tx db.Tx) error {
		var subject db.ID
		kind := "account"
		if s.audience == auth.Admin {
			kind = "staff"
			subject, err = auth.StaffMember(tx, id)
		} else {
			subject, err = auth.Account(tx, id)
		}
		if err != nil {
			return err
		}
		if secret, err = auth.StartSession(tx, s.audience, subject, id, c.Principal().Session); err != nil {
			return err
		}
		return audit.Write(tx, audit.Event{Action: "session.started", SubjectKind: kind, Subject: subject})
	})
	if fault.Is(err, fault.Forbidden) {
		return c.RenderStatus(web.Status(fault.Forbidden), failedPage(web.AsFault(err)))
	}
	if err != nil {
		return err
	}
	c.SetSession(secret)
	return c.Redirect(returnTo)
}

func (s site) signOut(c *web.Ctx) error {
	p := c.Principal()
	c.ClearSession()
	if !p.SignedIn() {
		return c.Redirect(c.URL(""))
	}
	if err := c.WithTx(func(tx db.Tx) error { return auth.EndSession(tx, p.Session) }); err != nil {
		return err
	}
	to := s.provider.LogoutURL(c.Context(), p.IDToken, c.Origin()+"/signed-out", c.Printer().Tag)
	if to == "" {
		to = "/signed-out?" + url.Values{"state": {c.Printer().Tag}}.Encode()
	}
	return c.Redirect(to)
}

// signedOut is where the provider sends the browser back to; state carries the
// language.
func (s site) signedOut(c *web.Ctx) error {
	c.Speak(c.Query("state"))
	return c.Render(signedOutPage(c.Query("idle") != ""))
}
