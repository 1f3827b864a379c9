// Package portal is the citizens' site. This list is all of it; each journey
// has a folder, each action a file.
package portal

import (
	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/blob"
	"daftar/portal/apply"
	"daftar/portal/cases"
	"daftar/portal/credentials"
	"daftar/portal/home"
	"daftar/portal/record"
	registrycases "daftar/registry/cases"
	ledger "daftar/registry/credentials"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/signin"
	"daftar/web/ui"
)

// Config is what the portal's pages need.
type Config struct {
	Provider   *auth.Provider
	Blobs      *blob.Dir
	Codes      registrycases.Codes
	OfferCodes ledger.Codes
	IssuerURL  string
	PortalURL  string // printed on receipts
}

// Nav lists the main pages for somebody signed in.
func Nav(auth.Principal) []ui.NavItem {
	return []ui.NavItem{
		{Key: "nav.home", Path: "/home"},
		{Key: "nav.record", Path: "/record"},
		{Key: "nav.credentials", Path: "/credentials"},
	}
}

// Routes lists every page of the portal.
func Routes(cfg Config) []web.Route {
	const get, post = fiber.MethodGet, fiber.MethodPost
	offers := credentials.Pages{Codes: cfg.OfferCodes, IssuerURL: cfg.IssuerURL}
	routes := []web.Route{
		// before signing in
		{Method: get, Path: "/", Permission: auth.Public, Handler: home.Languages, Bare: true},
		{Method: get, Path: "", Permission: auth.Public, Handler: home.Start},
		{Method: get, Path: "/help", Permission: auth.Public, Handler: home.Help},
		{Method: get, Path: "/accessibility", Permission: auth.Public, Handler: home.Accessibility},
		{Method: get, Path: "/privacy", Permission: auth.Public, Handler: home.Privacy},
		{Method: get, Path: "/status", Permission: auth.Public, Handler: cases.StatusForm},
		{Method: post, Path: "/status", Permission: auth.Public, Handler: cases.Status(cfg.Codes)},

		// one's own
		{Method: get, Path: "/home", Permission: auth.Citizen, Handler: home.Home},
		{Method: get, Path: "/record", Permission: auth.Citizen, Handler: record.Show},
		{Method: get, Path: "/record/looks", Permission: auth.Citizen, Handler: record.Looks},
		{Method: get, Path: "/decisions/:ref", Permission: auth.Citizen, Handler: record.Decision},

		// applying
		{Method: get, Path: "/apply", Permission: auth.Citizen, Handler: apply.Before},
		{Method: post, Path: "/apply", Permission: auth.Citizen, Handler: apply.Start},

		// cases
		{Method: get, Path: "/cases/:ref", Permission: auth.Citizen, Handler: cases.Show},
		{Method: get, Path: "/cases/:ref/answers", Permission: auth.Citizen, Handler: cases.Answers},
		{Method: get, Path: "/cases/:ref/withdraw", Permission: auth.Citizen, Handler: cases.AskWithdraw},
		{Method: post, Path: "/cases/:ref/withdraw", Permission: auth.Citizen, Handler: cases.Withdraw},

		// credentials
		{Method: get, Path: "/credentials", Permission: auth.Citizen, Handler: offers.List},
		{Method: post, Path: "/credentials/offer", Permission: auth.Citizen, Handler: offers.Make},
		{Method: get, Path: "/credentials/offers/:ref", Permission: auth.Citizen, Handler: offers.Show},
		{Method: get, Path: "/credentials/offers/:ref/code", Permission: auth.Citizen, Handler: offers.Code},
		{Method: get, Path: "/credentials/offers/:ref/state", Permission: auth.Citizen, Handler: offers.State},
		{Method: post, Path: "/credentials/offers/:ref/cancel", Permission: auth.Citizen, Handler: offers.Cancel},
	}
	routes = append(routes, signin.Routes(auth.Portal, cfg.Provider)...)
	return append(routes, intake.Site{
		Base: "/apply", Permission: auth.Citizen, Blobs: cfg.Blobs, Codes: cfg.Codes, PortalURL: cfg.PortalURL,
	}.Routes()...)
}
