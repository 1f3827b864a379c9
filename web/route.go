package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
)

// Route is one address and what it takes to use it.
type Route struct {
	Method     string
	Path       string // "/cases/:ref"; the language comes before it unless Bare
	Permission auth.Permission
	Handler    Handler
	Strong     bool // takes a step-up whatever its permission says
	AddsKey    bool // a passkey: who has none yet proves by a sign-in
	Bare       bool // no language in the path: callbacks, wallet endpoints, metadata
	Upload     bool // takes a photo: the larger body limit
	Cross      bool // called by programs of other origins, without cookies
	// Stream leaves the body to the handler, who reads it with Ctx.Parts: files
	// that are too large for memory. Nobody without the permission gets that far.
	Stream bool
}

// Handler answers one request.
type Handler func(*Ctx) error

// FullPath is the path as the router knows it.
func (r Route) FullPath() string {
	if r.Bare {
		return r.Path
	}
	return strings.TrimSuffix("/:lang"+r.Path, "/")
}

// Mount adds routes. It is the only way to add one: a route without a
// permission does not start.
func (s *Server) Mount(routes ...Route) {
	routes = slices.Clone(routes)
	// "/signed-out" before "/:lang", which would take it for a language.
	slices.SortStableFunc(routes, func(a, b Route) int {
		switch {
		case a.Bare == b.Bare:
			return 0
		case a.Bare:
			return -1
		}
		return 1
	})
	for _, r := range routes {
		if r.Permission == "" || r.Handler == nil || r.Method == "" {
			panic(fmt.Sprintf("route %s %s has no method, permission or handler", r.Method, r.Path))
		}
		s.routes = append(s.routes, r)
		s.app.Add(r.Method, r.FullPath(), s.handle(r))
		if r.Method == fiber.MethodGet {
			s.app.Head(r.FullPath(), s.handle(r)) // RFC 9110, 9.3.2: the server drops the body
		}
	}
}

// Routes lists what was mounted.
func (s *Server) Routes() []Route { return slices.Clone(s.routes) }

func (s *Server) mounted(method, path string) bool {
	return slices.ContainsFunc(s.routes, func(r Route) bool { return r.Method == method && r.Path == path })
}

// Undeclared lists what the router serves and no mounted route names, beyond
// the assets.
func (s *Server) Undeclared() []string {
	declared := map[string]bool{}
	for _, r := range s.routes {
		declared[r.Method+" "+r.FullPath()] = true
		if r.Method == fiber.MethodGet {
			declared[fiber.MethodHead+" "+r.FullPath()] = true
		}
	}
	var extra []string
	for _, r := range s.app.GetRoutes(true) {
		name := r.Method + " " + r.Path
		if !declared[name] && !strings.HasPrefix(r.Path, "/assets/") {
			extra = append(extra, name)
		}
	}
	return extra
}
