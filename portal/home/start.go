// Package home is the portal's first pages, before and after signing in.
package home

import "daftar/web"

// Languages is the very first page: which language?
func Languages(c *web.Ctx) error { return c.Render(languagesPage(c.Locales())) }

// Start says what the portal is for.
func Start(c *web.Ctx) error {
	if c.Principal().SignedIn() {
		return c.Redirect(c.URL("/home"))
	}
	return c.Render(startPage())
}

// Help says how to get help.
func Help(c *web.Ctx) error { return c.Render(textPage("help", 4)) }

// Accessibility is the accessibility statement.
func Accessibility(c *web.Ctx) error { return c.Render(textPage("accessibility", 5)) }

// Privacy says what happens to what people tell, and for how long it is kept.
func Privacy(c *web.Ctx) error { return c.Render(privacyPage(5, c.Settings().Retention)) }
