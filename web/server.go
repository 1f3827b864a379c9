// Package web is the HTTP kit that every site stands on: routes with their
// permission, security headers, sessions, forms, limits and errors. A handler
// cannot forget any of it.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/compress"

	"daftar/auth"
	"daftar/db"
	"daftar/i18n"
	"daftar/pdf"
	"daftar/registry/settings"
	"daftar/static"
	"daftar/web/ui"
)

// Config is what a site needs.
type Config struct {
	Name     string        // "portal", "admin", "issuer", "mockid": in logs and cookie names
	Audience auth.Audience // "" for a site without sessions
	Origin   string        // public origin: "https://daftar.example"
	DB       *db.DB
	Messages *i18n.Bundle
	Assets   static.Assets
	Log      *slog.Logger
	Clock    func() time.Time
	Demo     bool
	Live     *settings.Live // nil: those of a country that has said nothing
	// Nav lists the site's main pages for somebody signed in.
	Nav func(auth.Principal) []ui.NavItem
	// Failed answers an error on a site whose clients are programs; nil
	// renders a page.
	Failed func(c *fiber.Ctx, err error) error
	// StepUp is how staff prove again, in a strong way, to be themselves before what
	// takes it.
	StepUp auth.StepUp
	// PDF prints pages; nil where there is no Chromium.
	PDF *pdf.Printer
	// FormTargets are other origins that this site's forms may lead to.
	FormTargets []string
	// Proxies are the addresses of trusted reverse proxies.
	Proxies []string
	// Observe is told of every answered request, for metrics.
	Observe func(site, route string, status int, took time.Duration)
}

// Server is one site.
type Server struct {
	cfg    Config
	app    *fiber.App
	routes []Route
	host   string // of the public origin
	secure bool
}

// Limits that hold for every request.
const (
	RequestTimeout = 10 * time.Second
	FormLimit      = 64 << 10          // bytes of an ordinary form
	UploadLimit    = 8<<20 + FormLimit // bytes of a form with a photo of 8 MB
	drainLimit     = 32 << 20          // bytes read and dropped so that the refusal can be seen
	StreamTimeout  = 30 * time.Minute  // of a request whose body is a large file
	streamPause    = 20 * time.Second  // that such a body may make
)

// New makes a site without routes.
func New(cfg Config) *Server {
	_, host, _ := strings.Cut(cfg.Origin, "://")
	s := &Server{cfg: cfg, host: host, secure: strings.HasPrefix(cfg.Origin, "https://")}
	s.app = fiber.New(fiber.Config{
		// Without it, strings kept after a request are overwritten by the next
		// one: one citizen's name in another's record.
		Immutable:             true,
		AppName:               cfg.Name,
		DisableStartupMessage: true,
		ErrorHandler:          s.unread,
		// readBody reads the body: it knows the route's limit, and no part of an
		// upload may land in a temporary file.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		BodyLimit:                    FormLimit,
		ReadTimeout:                  20 * time.Second,
		WriteTimeout:                 30 * time.Second,
		IdleTimeout:                  60 * time.Second,
		ReadBufferSize:               16 << 10,
		EnableTrustedProxyCheck:      true,
		TrustedProxies:               cfg.Proxies,
		ProxyHeader:                  fiber.HeaderXForwardedFor,
	})
	s.app.Use(s.logged, s.secured)
	s.app.Use(compress.New(compress.Config{Level: compress.LevelBestSpeed, Next: func(c *fiber.Ctx) bool {
		return strings.HasPrefix(c.Path(), static.Prefix)
	}}))
	if cfg.Assets != nil {
		s.app.Get(static.Prefix+"*", s.asset)
	}
	return s
}

// App is the site's fiber application, for tests and for listing routes.
func (s *Server) App() *fiber.App { return s.app }

// Origin is the site's public origin.
func (s *Server) Origin() string { return s.cfg.Origin }

// Serve answers requests on a listener until Shutdown.
func (s *Server) Serve(ln net.Listener, conf *tls.Config) error {
	ln = silent{ln}
	if conf != nil {
		ln = tls.NewListener(ln, conf)
	}
	return s.app.Listener(ln)
}

// Shutdown waits for requests under way.
func (s *Server) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }

func (s *Server) asset(c *fiber.Ctx) error {
	asset, ok := s.cfg.Assets.Find(c.Path())
	if !ok {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderContentType, asset.Type)
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	c.Vary(fiber.HeaderAcceptEncoding)
	if strings.Contains(c.Get(fiber.HeaderAcceptEncoding), "gzip") {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(asset.Gzip)
	}
	return c.Send(asset.Plain)
}

// secured sets the headers that every answer carries, errors included.
func (s *Server) secured(c *fiber.Ctx) error {
	s.protect(c)
	return c.Next()
}

func (s *Server) protect(c *fiber.Ctx) {
	h := func(name, value string) { c.Set(name, value) }
	h("Content-Security-Policy", policy(s.cfg.FormTargets))
	h("X-Content-Type-Options", "nosniff")
	h("X-Frame-Options", "DENY")
	h("Referrer-Policy", "no-referrer")
	h("Cross-Origin-Opener-Policy", "same-origin")
	h("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	if s.secure {
		h("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}

// unread answers what never became a request for the middleware: headers that
// are too long, a method that nobody knows, bytes that are not HTTP.
//
// A connection on which nothing came is told so with the status that says it
// (RFC 9110, 15.5.9): browsers open some ahead, and send the request that they
// have by then once more. Any other status they show.
func (s *Server) unread(c *fiber.Ctx, err error) error {
	s.protect(c)
	var e *fiber.Error
	if errors.As(err, &e) && e.Code == fiber.StatusRequestTimeout {
		c.Context().SetConnectionClose()
		return c.SendStatus(fiber.StatusRequestTimeout)
	}
	return s.failed(c, err)
}

// policy is the content security policy: nothing inline, nothing from
// elsewhere; forms may lead to targets too.
func policy(targets []string) string {
	return "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action " + strings.Join(append([]string{"'self'"}, targets...), " ") + "; frame-ancestors 'none'; base-uri 'none'"
}

// fetchGuard refuses a state-changing request that another site's page made:
// Sec-Fetch-Site, then Origin.
var fetchGuard http.CrossOriginProtection

// sameOrigin compares with the public origin: a Host header is anybody's word.
func (s *Server) sameOrigin(c *fiber.Ctx) error {
	r := &http.Request{
		Method: c.Method(), Host: s.host, URL: &url.URL{Path: c.Path()},
		Header: http.Header{},
	}
	for _, name := range []string{"Sec-Fetch-Site", "Origin"} {
		if v := c.Get(name); v != "" {
			r.Header.Set(name, v)
		}
	}
	return fetchGuard.Check(r)
}

// logged writes one line per request: the route and never the path, because a
// path holds references. Who asked is not in it; the audit log knows.
func (s *Server) logged(c *fiber.Ctx) error {
	start := s.cfg.Clock()
	err := next(c)
	var cause error
	if err != nil {
		cause = err
		if err := s.failed(c, err); err != nil {
			return err
		}
	}
	took := s.cfg.Clock().Sub(start)
	status := c.Response().StatusCode()
	route := c.Route().Path
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("site", s.cfg.Name), slog.String("method", c.Method()), slog.String("route", route),
		slog.Int("status", status), slog.Int64("us", took.Microseconds()), slog.Int("bytes", len(c.Response().Body())),
	}
	if status >= 500 && cause != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", db.Quiet(cause)))
	}
	s.cfg.Log.LogAttrs(context.Background(), level, "request", attrs...)
	if s.cfg.Observe != nil {
		s.cfg.Observe(s.cfg.Name, route, status, took)
	}
	return nil
}

// next runs the rest of the chain. A panic becomes an error with its stack and
// without its value, which may be somebody's data.
func next(c *fiber.Ctx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic of type %T\n%s", v, debug.Stack())
		}
	}()
	return c.Next()
}
