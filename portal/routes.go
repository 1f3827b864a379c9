// Package portal is the citizens' site. This list is all of it; each journey
// has a folder, each action a file.
package portal

import (
	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/blob"
	"daftar/notify"
	"daftar/portal/account"
	"daftar/portal/apply"
	"daftar/portal/audit"
	"daftar/portal/cases"
	"daftar/portal/consents"
	"daftar/portal/copies"
	"daftar/portal/credentials"
	"daftar/portal/delegates"
	"daftar/portal/events"
	"daftar/portal/figures"
	"daftar/portal/home"
	"daftar/portal/letters"
	"daftar/portal/notices"
	"daftar/portal/record"
	registrycases "daftar/registry/cases"
	ledger "daftar/registry/credentials"
	"daftar/web"
	"daftar/web/filing"
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
	PortalURL  string         // printed on receipts
	Gateway    *notify.Twilio // of text messages; nil: none reports
	Reports    string         // the address that it reports to
}

// Nav lists the main pages for somebody signed in.
func Nav(auth.Principal) []ui.NavItem {
	return []ui.NavItem{
		{Key: "nav.home", Path: "/home"},
		{Key: "nav.events", Path: "/events"},
		{Key: "nav.record", Path: "/record"},
		{Key: "nav.credentials", Path: "/credentials"},
		{Key: "nav.notices", Path: "/notices"},
	}
}

// Routes lists every page of the portal.
func Routes(cfg Config) []web.Route {
	const get, post = fiber.MethodGet, fiber.MethodPost
	own := cases.Pages{Blobs: cfg.Blobs, Codes: cfg.Codes}
	start := events.Pages{Blobs: cfg.Blobs, Codes: cfg.Codes, URL: cfg.PortalURL}
	offers := credentials.Pages{Codes: cfg.OfferCodes, IssuerURL: cfg.IssuerURL}
	routes := []web.Route{
		// before signing in
		web.Logo(),
		{Method: get, Path: "/", Permission: auth.Public, Handler: home.Languages, Bare: true},
		{Method: get, Path: "", Permission: auth.Public, Handler: home.Start},
		{Method: get, Path: "/help", Permission: auth.Public, Handler: home.Help},
		{Method: get, Path: "/accessibility", Permission: auth.Public, Handler: home.Accessibility},
		{Method: get, Path: "/privacy", Permission: auth.Public, Handler: home.Privacy},
		{Method: get, Path: "/status", Permission: auth.Public, Handler: cases.StatusForm},
		{Method: post, Path: "/status", Permission: auth.Public, Handler: own.Status},
		{Method: post, Path: "/status/message", Permission: auth.Public, Handler: own.SayByCode, Upload: true},
		{Method: get, Path: "/events", Permission: auth.Public, Handler: events.List},
		{Method: get, Path: "/events/:kind", Permission: auth.Public, Handler: events.Before},
		{Method: post, Path: "/events/:kind", Permission: auth.Citizen, Handler: events.Start},
		{Method: get, Path: "/complain/:kind", Permission: auth.Public, Handler: start.ComplainForm},
		{Method: post, Path: "/complain/:kind", Permission: auth.Public, Handler: start.Complain, Upload: true},

		// the audit log, for everybody to keep an eye on
		{Method: get, Path: "/audit", Permission: auth.Public, Handler: audit.Show},
		{Method: get, Path: "/audit/proof/:leaf", Permission: auth.Public, Handler: audit.Proof},
		{Method: get, Path: "/audit/proof/:leaf", Permission: auth.Public, Handler: audit.ProofFile, Bare: true},
		{Method: get, Path: "/audit/checkpoint", Permission: auth.Public, Handler: audit.Checkpoint, Bare: true},
		{Method: get, Path: "/audit/checkpoints", Permission: auth.Public, Handler: audit.Checkpoints, Bare: true},
		{Method: get, Path: "/audit/tile/:level/*", Permission: auth.Public, Handler: audit.Tile, Bare: true},

		// how the registry does its work
		{Method: get, Path: "/figures", Permission: auth.Public, Handler: figures.Show},
		{Method: get, Path: "/figures.json", Permission: auth.Public, Handler: figures.JSON, Bare: true},
		{Method: get, Path: "/figures.csv", Permission: auth.Public, Handler: figures.CSV, Bare: true},

		// one's own
		{Method: get, Path: "/home", Permission: auth.Citizen, Handler: home.Home},
		{Method: get, Path: "/account/link", Permission: auth.Citizen, Handler: account.LinkForm},
		{Method: post, Path: "/account/link", Permission: auth.Citizen, Handler: account.Link},
		{Method: get, Path: "/record", Permission: auth.Citizen, Handler: record.Show},
		{Method: get, Path: "/record/people/:ref", Permission: auth.Citizen, Handler: record.Child},
		{Method: get, Path: "/record/photos/:photo", Permission: auth.Citizen, Handler: record.Photos{Blobs: cfg.Blobs}.Photo},
		{Method: get, Path: "/record/looks", Permission: auth.Citizen, Handler: record.Looks},
		{Method: get, Path: "/record/looks.json", Permission: auth.Citizen, Handler: record.LooksFile},
		{Method: get, Path: "/record/looks/:ref", Permission: auth.Citizen, Handler: record.AskForm},
		{Method: post, Path: "/record/looks/:ref", Permission: auth.Citizen, Handler: record.Ask},
		{Method: get, Path: "/record/copy", Permission: auth.Citizen, Handler: copies.Show},
		{Method: post, Path: "/record/copy", Permission: auth.Citizen, Handler: copies.Ask},
		{Method: post, Path: "/record/copy/:ref/file", Permission: auth.Citizen, Handler: copies.File},
		{Method: post, Path: "/record/copy/:ref/document", Permission: auth.Citizen, Handler: copies.Paper},
		{Method: get, Path: "/schemas/copy-1.json", Permission: auth.Public, Handler: copies.Schema, Bare: true},
		{Method: get, Path: "/consents", Permission: auth.Citizen, Handler: consents.Show},
		{Method: post, Path: "/consents/give/:code", Permission: auth.Citizen, Handler: consents.Give},
		{Method: get, Path: "/consents/:ref", Permission: auth.Citizen, Handler: consents.Receipt},
		{Method: post, Path: "/consents/:ref/withdraw", Permission: auth.Citizen, Handler: consents.Withdraw},
		{Method: get, Path: "/decisions/:ref", Permission: auth.Citizen, Handler: record.Decision},
		{Method: post, Path: "/decisions/:ref/appeal", Permission: auth.Citizen, Handler: record.Appeal},

		// what one was told
		{Method: get, Path: "/notices", Permission: auth.Citizen, Handler: notices.Inbox},
		{Method: get, Path: "/notices/reach", Permission: auth.Citizen, Handler: notices.ReachForm},
		{Method: post, Path: "/notices/reach", Permission: auth.Citizen, Handler: notices.Reach},
		{Method: get, Path: "/notices/:ref", Permission: auth.Citizen, Handler: notices.Show},
		{Method: get, Path: "/letters/:ref", Permission: auth.Citizen, Handler: letters.Show},
		{Method: get, Path: "/letters/:ref/pdf", Permission: auth.Citizen, Handler: letters.PDF},
		{Method: post, Path: "/hooks/sms", Permission: auth.Public, Handler: notices.Report(cfg.Gateway, cfg.Reports), Bare: true, Cross: true},

		// applying
		{Method: get, Path: "/apply", Permission: auth.Citizen, Handler: apply.Before},
		{Method: post, Path: "/apply", Permission: auth.Citizen, Handler: apply.Start},

		// cases
		{Method: get, Path: "/cases/:ref", Permission: auth.Citizen, Handler: cases.Show},
		{Method: get, Path: "/cases/:ref/answers", Permission: auth.Citizen, Handler: cases.Answers},
		{Method: post, Path: "/cases/:ref/messages", Permission: auth.Citizen, Handler: own.Say, Upload: true},
		{Method: get, Path: "/cases/:ref/documents", Permission: auth.Citizen, Handler: own.DocumentForm},
		{Method: post, Path: "/cases/:ref/documents", Permission: auth.Citizen, Handler: own.Document, Upload: true},
		{Method: get, Path: "/cases/:ref/documents/:id", Permission: auth.Citizen, Handler: own.Photo},
		{Method: post, Path: "/cases/:ref/appeal", Permission: auth.Citizen, Handler: cases.Appeal},
		{Method: get, Path: "/concerns/:ref", Permission: auth.Citizen, Handler: events.Concern},
		{Method: post, Path: "/concerns/:ref", Permission: auth.Citizen, Handler: events.Respond},
		{Method: post, Path: "/concerns/:ref/appeal", Permission: auth.Citizen, Handler: events.AppealConcern},
		{Method: get, Path: "/delegates", Permission: auth.Citizen, Handler: delegates.Show},
		{Method: get, Path: "/delegates/new", Permission: auth.Citizen, Handler: delegates.GrantForm},
		{Method: post, Path: "/delegates/new", Permission: auth.Citizen, Handler: delegates.Grant},
		{Method: post, Path: "/delegates/:ref/revoke", Permission: auth.Citizen, Handler: delegates.Revoke},
		{Method: post, Path: "/delegates/:ref/start", Permission: auth.Citizen, Handler: delegates.Start},
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
	routes = append(routes, filing.Site{Permission: auth.Citizen, Blobs: cfg.Blobs, Codes: cfg.Codes, PortalURL: cfg.PortalURL}.Routes()...)
	return append(routes, intake.Site{
		Base: "/apply", Permission: auth.Citizen, Blobs: cfg.Blobs, Codes: cfg.Codes, PortalURL: cfg.PortalURL,
	}.Routes()...)
}
