// Package links is where a second official ties an account to a person, or does
// not. The first one is at the counter.
package links

import (
	"errors"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/web"
	"daftar/web/ui"
)

func reader(c *web.Ctx) registry.Reader {
	return registry.Reader{Areas: c.Areas(), Protected: c.Principal().Areas(auth.PersonProtected)}
}

// List shows what waits.
func List(c *web.Ctx) error {
	var list []auth.Link
	if err := c.View(func(tx db.Tx) (err error) { list, err = auth.Links(tx, reader(c)); return err }); err != nil {
		return err
	}
	return c.Render(listPage(list))
}

// view is one of them and whom it is about.
type view struct {
	auth.Link
	Name string
	Form *ui.Form
}

func load(c *web.Ctx) (v view, err error) {
	v.Form = &ui.Form{}
	err = c.WithTx(func(tx db.Tx) error {
		l, person, err := auth.ReadLink(tx, reader(c), c.Param("ref"))
		if err != nil {
			return err
		}
		p, err := registry.LoadPerson(tx, person)
		v.Link, v.Name = l, p.FullName
		return err
	})
	return v, err
}

// Show asks whether an account is a person's.
func Show(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(linkPage(v))
}

// Decide ties it to the record, or not.
func Decide(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("decision")
	if err != nil {
		return err
	}
	if v.Form.Values = form.Values(); form.Switching() {
		return c.Render(linkPage(v))
	}
	var check fault.Check
	yes := form.Choice(&check, "decision", []string{"yes", "no"}, "link.error.decision") == "yes"
	if err = check.Err(); err == nil {
		err = c.WithTx(func(tx db.Tx) error { return auth.DecideLink(tx, reader(c), v.Ref, yes) })
	}
	if errors.As(err, &v.Form.Err) && v.Form.Err.Code == fault.Invalid {
		return c.RenderStatus(web.Status(fault.Invalid), linkPage(v))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/links"))
}
