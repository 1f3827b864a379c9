// Package events is where people begin: what happened, in their own words, and
// what will be needed. The pages of a case are in web/filing.
package events

import (
	"slices"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
)

// Pages are those that need more than the request.
type Pages struct {
	Blobs *blob.Dir
	Codes cases.Codes
	URL   string // of the portal
}

// group is a part of the list.
type group struct {
	Code  string
	Kinds []kinds.Kind
}

// who is how the kinds call whoever looks at the page.
func who(c *web.Ctx) string {
	p := c.Principal()
	switch {
	case !p.SignedIn():
		return "citizen" // anybody may see what there is
	case p.Person == nil:
		return "visitor"
	}
	return "citizen"
}

// List is what can have happened, in people's own words.
func List(c *web.Ctx) error {
	var list []kinds.Kind
	if err := c.View(func(tx db.Tx) (err error) { list, err = kinds.List(tx, who(c)); return err }); err != nil {
		return err
	}
	var groups []group
	for _, code := range kinds.Groups() {
		g := group{Code: code, Kinds: slices.DeleteFunc(slices.Clone(list), func(k kinds.Kind) bool { return k.Group != code })}
		if len(g.Kinds) > 0 {
			groups = append(groups, g)
		}
	}
	return c.Render(listPage(groups, c.Principal().SignedIn() && c.Principal().Person == nil))
}

// Before says what happens and what to have at hand.
func Before(c *web.Ctx) error {
	var kind kinds.Kind
	var begun string
	first := false
	if err := c.View(func(tx db.Tx) (err error) {
		if kind, first, err = startable(c, tx); err != nil || first || !c.Principal().SignedIn() {
			return err
		}
		begun, err = cases.Begun(tx, intake.Actor(c, false), kind.Code)
		return err
	}); err != nil {
		return err
	}
	if first {
		return c.Render(registerPage(kind))
	}
	return c.Render(beforePage(kind, c.Principal().SignedIn(), begun))
}

// startable is the kind of the path, for whoever looks at the page; first, where
// they have to be in the registry before.
func startable(c *web.Ctx, tx db.Tx) (kind kinds.Kind, first bool, err error) {
	kind, err = kinds.Startable(tx, c.Param("kind"), who(c))
	if fault.Is(err, fault.NotFound) && who(c) == "visitor" {
		kind, err = kinds.Startable(tx, c.Param("kind"), "citizen")
		return kind, true, err
	}
	return kind, false, err
}

// Start opens a case and leads to its first page.
func Start(c *web.Ctx) error {
	form, err := c.Form("another")
	if err != nil {
		return err
	}
	var ref string
	var kind kinds.Kind
	first := false
	err = c.WithTx(func(tx db.Tx) (err error) {
		if kind, first, err = startable(c, tx); err != nil || first {
			return err
		}
		ref, err = cases.Begin(tx, intake.Actor(c, false), cases.Opening{Kind: c.Param("kind"), Person: c.Principal().Person, Language: c.Printer().Tag,
			Another: form.Get("another") == "yes"})
		return err
	})
	if err != nil {
		return err
	}
	if first {
		return c.RenderStatus(web.Status(fault.Conflict), registerPage(kind))
	}
	return c.Redirect(c.URL(filing.Base + "/" + ref))
}
