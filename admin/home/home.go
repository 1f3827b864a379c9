// Package home is the staff's first page.
package home

import (
	"daftar/auth"
	"daftar/web"
)

// Root leads to the language that the browser prefers.
func Root(c *web.Ctx) error { return c.Redirect(c.URL("")) }

// Start leads to the work, or to the sign-in.
func Start(c *web.Ctx) error {
	p := c.Principal()
	switch {
	case p.May(auth.CaseRead):
		return c.Redirect(c.URL("/cases"))
	case p.May(auth.CredentialRead):
		return c.Redirect(c.URL("/credentials"))
	case p.May(auth.PersonSearch):
		return c.Redirect(c.URL("/search"))
	case p.May(auth.AuditRead):
		return c.Redirect(c.URL("/audit"))
	case p.May(auth.FieldEdit):
		return c.Redirect(c.URL("/fields"))
	}
	return c.Render(startPage(p.SignedIn()))
}
