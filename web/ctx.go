package web

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/pdf"
	"daftar/registry"
	"daftar/registry/oversight"
	"daftar/registry/settings"
	"daftar/web/ui"
)

// Ctx is one request.
type Ctx struct {
	fiber     *fiber.Ctx
	server    *Server
	route     Route
	ctx       context.Context
	printer   *i18n.Printer
	principal auth.Principal
	body      []byte
	large     *fault.Error // what was sent is too large; see readBody
}

// handle wraps a route's handler in everything that must not be forgotten.
func (s *Server) handle(r Route) fiber.Handler {
	return func(f *fiber.Ctx) error {
		timeout := RequestTimeout
		if r.Stream {
			timeout = StreamTimeout
		}
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		c := &Ctx{fiber: f, server: s, route: r, ctx: ctx}
		if _, fit := fitText(f.Path()); !fit { // nothing has a name like that
			return fault.Hidden()
		}
		if err := c.speak(); err != nil {
			return err
		}
		if to := c.otherwise(); to != "" {
			return c.Redirect(to)
		}
		if f.Method() != fiber.MethodGet && f.Method() != fiber.MethodHead {
			if !r.Cross {
				if err := s.sameOrigin(f); err != nil {
					return fault.Wrap(err, fault.Forbidden, "error.other_site")
				}
			}
			if r.Stream {
				defer c.drop()
			} else if err := c.readBody(); err != nil {
				return err
			}
		}
		if s.cfg.Audience != "" && !r.Cross {
			if err := c.identify(); err != nil {
				return err
			}
		}
		c.dress()
		if !c.principal.May(r.Permission) {
			if !c.principal.SignedIn() {
				return c.askToSignIn()
			}
			return c.noted(fault.New(fault.Forbidden, "error.forbidden"))
		}
		if c.needsStepUp() {
			return c.askToStepUp()
		}
		return c.noted(r.Handler(c))
	}
}

// noted writes down that somebody who signed in was not given what they asked for.
// It goes by the answer alone, so it is the same work for what is not theirs and for
// what is not there.
func (c *Ctx) noted(err error) error {
	kind := ""
	switch {
	case !c.principal.SignedIn() || c.route.Permission == auth.Public:
	case fault.Is(err, fault.Forbidden):
		kind = oversight.RefusedForbidden
	case fault.CodeOf(err) == fault.NotFound && strings.Contains(c.route.Path, ":"):
		kind = oversight.RefusedHidden
	case err == nil && c.fiber.Response().StatusCode() == fiber.StatusPreconditionRequired:
		kind = oversight.RefusedPurpose
	}
	if kind == "" {
		return err
	}
	if wrong := c.WithTx(func(tx db.Tx) error { return oversight.NoteRefusal(tx, c.Method(), c.route.Path, kind) }); wrong != nil {
		c.server.cfg.Log.Warn("refusal", "error", db.Quiet(wrong)) // the answer stays what it was
	}
	return err
}

// speak chooses the language: the path's, else what the browser prefers.
func (c *Ctx) speak() error {
	messages := c.server.cfg.Messages
	if messages == nil {
		return nil
	}
	if c.route.Bare {
		c.printer = messages.Printer(messages.Preferred(c.fiber.Get(fiber.HeaderAcceptLanguage)).Tag)
	} else if c.printer = messages.Printer(c.fiber.Params("lang")); c.printer == nil {
		return fault.Hidden()
	}
	c.ctx = i18n.With(c.ctx, c.printer)
	return nil
}

// otherwise is this page in the default language, where its own is on offer no
// more. What was typed in it is still read.
func (c *Ctx) otherwise() string {
	messages := c.server.cfg.Messages
	if c.printer == nil || c.route.Bare || messages.Offers(c.printer.Tag) || c.fiber.Method() != fiber.MethodGet {
		return ""
	}
	return "/" + messages.Locales()[0].Tag + c.localPath()
}

// Speak changes the request's language, for a page whose address has none; an
// unknown one changes nothing.
func (c *Ctx) Speak(tag string) {
	if p := c.server.cfg.Messages.Printer(tag); p != nil {
		c.printer = p
		c.ctx = i18n.With(c.ctx, p)
		c.dress()
	}
}

// MayLeadTo lets this page's forms lead to another origin, one that was
// validated.
func (c *Ctx) MayLeadTo(address string) {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		c.fiber.Set("Content-Security-Policy", policy(append(c.server.cfg.FormTargets, u.Scheme+"://"+u.Host)))
	}
}

func (s *Server) cookieName() string {
	if s.secure {
		return "__Host-daftar_" + s.cfg.Name
	}
	return "daftar_" + s.cfg.Name
}

// identify finds the session of the cookie.
func (c *Ctx) identify() error {
	secret := c.fiber.Cookies(c.server.cookieName())
	if secret == "" {
		return nil
	}
	var stale bool
	who := auth.Principal{}.DB(c.server.cfg.Audience)
	err := c.server.cfg.DB.View(c.ctx, who, func(tx db.Tx) (err error) {
		c.principal, stale, err = auth.Resolve(tx, c.server.cfg.Audience, secret)
		return err
	})
	if err == nil && c.principal.Urgent {
		err = c.View(func(tx db.Tx) (err error) { c.principal.Emergencies, err = auth.OpenEmergencies(tx); return err })
	}
	if err != nil || !stale {
		return err
	}
	err = c.WithTx(func(tx db.Tx) error { return auth.Touch(tx, c.principal.Session) })
	if fault.Is(err, fault.Unavailable) {
		return nil // nothing can be written now; what only reads goes on
	}
	return err
}

// dress gives templates the page around them.
func (c *Ctx) dress() {
	if c.printer == nil || c.server.cfg.Assets == nil {
		return
	}
	chrome := c.server.chrome(c.printer, !c.route.Bare)
	chrome.Path, chrome.SignedIn, chrome.Name = c.localPath(), c.principal.SignedIn(), c.principal.Name
	if c.principal.SignedIn() {
		chrome.Idle = int(c.server.cfg.Audience.Limits().Idle.Seconds())
	}
	for _, e := range c.principal.Emergencies {
		chrome.Emergencies = append(chrome.Emergencies, ui.Emergency{Ref: e.Ref, Record: e.Record, Until: c.printer.Time(e.Ends)})
	}
	if c.server.cfg.Nav != nil && c.principal.SignedIn() {
		chrome.Nav = c.server.cfg.Nav(c.principal)
	}
	c.ctx = ui.WithChrome(c.ctx, chrome)
}

// chrome is what surrounds every page of the site.
func (s *Server) chrome(p *i18n.Printer, languages bool) ui.Chrome {
	set := s.cfg.Live.Settings()
	chrome := ui.Chrome{
		Site: s.cfg.Name, Demo: s.cfg.Demo,
		Style: s.style("portal", p.Dir), Script: s.cfg.Assets.URL("app.js"), Passkeys: s.cfg.Assets.URL("passkey.js"), Icon: s.cfg.Assets.URL("icon.svg"),
		Colour: settings.ColourOf(set.Branding.Colour).Code,
	}
	if languages {
		chrome.Languages = s.cfg.Messages.Locales()
	}
	if s.cfg.Audience != "" {
		chrome.Contact = set.Contact
		if set.Logo.Hash != "" {
			chrome.Logo = ui.Logo{URL: logoPath + set.Logo.Hash, Width: set.Logo.Width, Height: set.Logo.Height}
		}
	}
	if s.cfg.Audience == auth.Admin {
		chrome.ExtraStyle = s.style("admin", p.Dir)
	}
	return chrome
}

func (s *Server) style(name, dir string) string {
	if dir == "rtl" {
		return s.cfg.Assets.URL(name + ".rtl.css")
	}
	return s.cfg.Assets.URL(name + ".css")
}

// localPath is the address after the language, with its query, for the
// language switch.
func (c *Ctx) localPath() string {
	if c.route.Bare {
		return ""
	}
	_, rest, _ := strings.Cut(strings.TrimPrefix(c.fiber.OriginalURL(), "/"), "/")
	if rest == "" {
		return ""
	}
	return "/" + rest
}

// Here is the address of this page after the language, to come back to.
func (c *Ctx) Here() string { return c.localPath() }

// Serves reports whether the site has a page at a path such as "/people/:ref".
func (c *Ctx) Serves(path string) bool { return c.server.mounted(fiber.MethodGet, path) }

// Context carries the request's deadline and language. It is what functions
// below the handler get; fiber's own context never leaves this package.
func (c *Ctx) Context() context.Context { return c.ctx }

// Printer is the request's language.
func (c *Ctx) Printer() *i18n.Printer { return c.printer }

// PrinterOf speaks another language than the request's; nil for none.
func (c *Ctx) PrinterOf(tag string) *i18n.Printer { return c.server.cfg.Messages.Printer(tag) }

// Trial is what the languages would be like by another setup.
func (c *Ctx) Trial(s i18n.Setup) *i18n.Bundle { return c.server.cfg.Messages.With(s) }

// Messages are the messages in every language.
func (c *Ctx) Messages() *i18n.Bundle { return c.server.cfg.Messages }

// Locales lists the languages on offer.
func (c *Ctx) Locales() []i18n.Locale { return c.server.cfg.Messages.Locales() }

// Settings are the country's settings as this process knows them.
func (c *Ctx) Settings() *registry.Settings { return c.server.cfg.Live.Settings() }

// SettingsChanged has this process see at once what it changed itself.
func (c *Ctx) SettingsChanged() error { return c.server.cfg.Live.Refresh(c.ctx) }

// Now is the instant of the injected clock.
func (c *Ctx) Now() time.Time { return c.server.cfg.DB.Now() }

// Principal is who makes the request.
func (c *Ctx) Principal() auth.Principal { return c.principal }

// Permission is what the route takes.
func (c *Ctx) Permission() auth.Permission { return c.route.Permission }

// Areas lists where the principal has the route's permission.
func (c *Ctx) Areas() []db.ID { return c.principal.Areas(c.route.Permission) }

// Param is a named part of the path.
func (c *Ctx) Param(name string) string { return c.fiber.Params(name) }

// Query is a parameter of the query, at most 1,000 bytes of it, without what
// no text holds.
func (c *Ctx) Query(name string) string {
	s := c.fiber.Query(name)
	s, _ = fitText(s[:min(len(s), 1000)])
	return s
}

// RawQuery is the whole query as it was sent.
func (c *Ctx) RawQuery() string { return string(c.fiber.Request().URI().QueryString()) }

// Header is a request header.
func (c *Ctx) Header(name string) string { return c.fiber.Get(name) }

// Headers lists every field of a request header, where one too many matters.
func (c *Ctx) Headers(name string) []string {
	var all []string
	for _, v := range c.fiber.Request().Header.PeekAll(name) {
		all = append(all, string(v))
	}
	return all
}

// Method is the request's method.
func (c *Ctx) Method() string { return c.fiber.Method() }

// IP is the client's address, as far as trusted proxies tell.
func (c *Ctx) IP() string { return c.fiber.IP() }

// View runs fn in a read-only transaction of the principal.
func (c *Ctx) View(fn func(db.Tx) error) error {
	return c.server.cfg.DB.View(c.ctx, c.Who(), fn)
}

// WithTx runs fn in a transaction of the principal.
func (c *Ctx) WithTx(fn func(db.Tx) error) error {
	return c.server.cfg.DB.WithTx(c.ctx, c.Who(), fn)
}

// Who is the principal of the request's transactions.
func (c *Ctx) Who() db.Principal {
	who := c.principal.DB(c.server.cfg.Audience)
	who.Client = client(c.Header(fiber.HeaderUserAgent))
	return who
}

// client is the kind of thing that a browser says it runs on. No more of what it
// says is kept.
func client(agent string) string {
	switch {
	case strings.Contains(agent, "Mobi"):
		return db.ClientPhone
	case strings.HasPrefix(agent, "Mozilla/"):
		return db.ClientComputer
	case agent != "":
		return db.ClientProgram
	}
	return ""
}

// DB is the database, for use cases that begin their own transactions.
func (c *Ctx) DB() *db.DB { return c.server.cfg.DB }

// URL is a path of this site in the request's language.
func (c *Ctx) URL(path string) string { return "/" + c.printer.Tag + strings.TrimSuffix(path, "/") }

// Origin is this site's public origin.
func (c *Ctx) Origin() string { return c.server.cfg.Origin }

// Render answers with a page.
func (c *Ctx) Render(page templ.Component) error { return c.RenderStatus(fiber.StatusOK, page) }

// RenderStatus answers with a page and a status.
func (c *Ctx) RenderStatus(status int, page templ.Component) error {
	return render(c.ctx, c.fiber, status, page)
}

// PDF answers with a page as a PDF called name. Where none can be made, it
// answers with the page, which says so and can be printed.
func (c *Ctx) PDF(name string, page templ.Component) error {
	printer := c.server.cfg.PDF
	if printer != nil {
		// The request's own time is for the database; a browser takes longer to start.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), pdf.Timeout)
		defer cancel()
		style := c.server.cfg.Assets["portal.css"]
		if c.printer.Dir == "rtl" {
			style = c.server.cfg.Assets["portal.rtl.css"]
		}
		var html bytes.Buffer
		alone := ui.WithChrome(c.ctx, ui.Chrome{Site: c.server.cfg.Name, Demo: c.server.cfg.Demo, Inline: string(style.Plain)})
		if err := page.Render(alone, &html); err != nil {
			return err
		}
		made, err := printer.Print(ctx, html.Bytes())
		if err == nil {
			c.fiber.Set(fiber.HeaderCacheControl, "no-store")
			c.fiber.Set(fiber.HeaderContentDisposition, `inline; filename="`+name+`.pdf"`)
			return c.Send(fiber.StatusOK, "application/pdf", made)
		}
		c.server.cfg.Log.Warn("pdf", "error", err.Error())
	}
	c.ctx = ui.WithChrome(c.ctx, ui.WithoutPDF(c.ctx))
	return c.Render(page)
}

func render(ctx context.Context, f *fiber.Ctx, status int, page templ.Component) error {
	f.Status(status)
	f.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	f.Set(fiber.HeaderCacheControl, "no-store")
	return page.Render(ctx, f.Response().BodyWriter())
}

// Redirect sends the browser on with 303, so that reloading does not repeat a
// POST.
func (c *Ctx) Redirect(address string) error {
	c.fiber.Set(fiber.HeaderCacheControl, "no-store")
	return c.fiber.Redirect(address, fiber.StatusSeeOther)
}

// JSON answers with a document.
func (c *Ctx) JSON(status int, v any) error {
	if len(c.fiber.Response().Header.Peek(fiber.HeaderCacheControl)) == 0 {
		c.fiber.Set(fiber.HeaderCacheControl, "no-store")
	}
	return c.fiber.Status(status).JSON(v)
}

// Send answers with bytes of a type.
func (c *Ctx) Send(status int, contentType string, body []byte) error {
	c.fiber.Set(fiber.HeaderContentType, contentType)
	return c.fiber.Status(status).Send(body)
}

// SendPhoto answers with a photo of the blob store, which is kept nowhere.
func (c *Ctx) SendPhoto(get func(string) ([]byte, error), blob, mediaType string) error {
	b, err := get(blob)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(fiber.StatusOK, mediaType, b)
}

// Set sets a response header.
func (c *Ctx) Set(name, value string) { c.fiber.Set(name, value) }

// Body is the request's body, within the route's limit.
func (c *Ctx) Body() []byte { return c.body }

// SetSession gives the browser the secret of a new session.
func (c *Ctx) SetSession(secret string) {
	c.cookie(c.server.cookieName(), secret, time.Time{})
}

// ClearSession takes the session's cookie away.
func (c *Ctx) ClearSession() { c.cookie(c.server.cookieName(), "", time.Unix(1, 0)) }

// SetSignIn ties a started sign-in to this browser.
func (c *Ctx) SetSignIn(secret string) {
	c.cookie(c.server.cookieName()+"_signin", secret, c.Now().Add(auth.SignInTTL))
}

// SignIn is the secret that SetSignIn left.
func (c *Ctx) SignIn() string { return c.fiber.Cookies(c.server.cookieName() + "_signin") }

// ClearSignIn takes it away.
func (c *Ctx) ClearSignIn() { c.cookie(c.server.cookieName()+"_signin", "", time.Unix(1, 0)) }

func (c *Ctx) cookie(name, value string, expires time.Time) {
	c.fiber.Cookie(&fiber.Cookie{
		Name: name, Value: value, Path: "/", HTTPOnly: true, Secure: c.server.secure,
		SameSite: fiber.CookieSameSiteLaxMode, Expires: expires, SessionOnly: expires.IsZero(),
	})
}

// askToSignIn leads somebody who is not signed in to the sign-in and back to
// the page they were on.
func (c *Ctx) askToSignIn() error {
	if c.route.Bare || c.printer == nil {
		return fault.New(fault.Unauthenticated, "error.sign_in")
	}
	to := c.localPath()
	if c.Method() != fiber.MethodGet && !c.server.mounted(fiber.MethodGet, c.route.Path) {
		to = ""
	}
	return c.Redirect(c.URL("/sign-in") + "?to=" + url.QueryEscape(to))
}
