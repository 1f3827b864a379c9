package settings

import (
	"bytes"
	"errors"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry/settings"
	"daftar/web"
	"daftar/web/ui"
)

func changes(c *web.Ctx) error {
	var list []settings.Change
	if err := c.View(func(tx db.Tx) (err error) { list, err = settings.List(tx); return err }); err != nil {
		return err
	}
	return c.Render(changesPage(list))
}

// proposal is a change as its page shows it.
type proposal struct {
	settings.Change
	Send, Withdraw, Decide bool            // what is open to this reader
	Drafts                 map[string]bool // keys of the fields of which somebody has a draft
}

func loadProposal(c *web.Ctx) (proposal, error) {
	var p proposal
	err := c.View(func(tx db.Tx) (err error) {
		if p.Change, err = settings.Load(tx, c.Param("ref")); err == nil && (p.State == settings.Draft || p.State == settings.Proposed) {
			p.Drafts, err = settings.Drafts(tx, p.Items)
		}
		return err
	})
	mine, who := p.ProposedBy == c.Principal().ID, c.Principal()
	p.Send = mine && p.State == settings.Draft && who.May(auth.SettingEdit)
	p.Withdraw = mine && (p.State == settings.Draft || p.State == settings.Proposed) && who.May(auth.SettingEdit)
	p.Decide = !mine && p.State == settings.Proposed && who.May(auth.SettingApprove)
	return p, err
}

func change(c *web.Ctx) error {
	p, err := loadProposal(c)
	if err != nil {
		return err
	}
	return c.Render(changePage(p, &ui.Form{}))
}

// act does something to the change in the address.
func act(c *web.Ctx, do func(db.Tx, string) error) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	p, err := loadProposal(c)
	if err != nil {
		return err
	}
	return finish(c, p, &ui.Form{}, c.WithTx(func(tx db.Tx) error { return do(tx, p.Ref) }))
}

// finish shows what became of a step. A proposal that no longer fits is over.
func finish(c *web.Ctx, p proposal, state *ui.Form, err error) error {
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict || f.Code == fault.Forbidden) {
		if settings.IsStale(err) {
			if err := c.WithTx(func(tx db.Tx) error { return settings.MarkStale(tx, p.Ref) }); err != nil {
				return err
			}
			if p, err = loadProposal(c); err != nil {
				return err
			}
		}
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), changePage(p, state))
	}
	if err != nil {
		return err
	}
	if err := c.SettingsChanged(); err != nil {
		return err
	}
	return c.Redirect(c.URL("/settings/changes/" + p.Ref))
}

func send(c *web.Ctx) error {
	return act(c, func(tx db.Tx, ref string) error { _, err := settings.Send(tx, ref); return err })
}

func withdraw(c *web.Ctx) error { return act(c, settings.Withdraw) }

// decide is the second person's word.
func decide(c *web.Ctx) error {
	p, err := loadProposal(c)
	if err != nil {
		return err
	}
	form, err := c.Form("decision", "note")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values(), Action: "/settings/changes/" + p.Ref + "/decide"}
	if form.Switching() {
		return c.Render(changePage(p, state))
	}
	var check fault.Check
	decision := form.Choice(&check, "decision", []string{"approve", "refuse"}, "setting.error.decision")
	note := form.Text(&check, "note", maxReason)
	if decision == "refuse" && note == "" {
		check.Fail("note", "setting.error.note")
	}
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			if decision == "refuse" {
				return settings.Refuse(tx, p.Ref, note, c.Printer().Tag)
			}
			return settings.Approve(tx, p.Ref)
		})
	}
	return finish(c, p, state, err)
}

func fileForm(c *web.Ctx) error { return c.Render(filePage(&ui.Form{}, may(c))) }

// importFile keeps what a file would change as a draft: its diff is looked at
// before it is sent.
func importFile(c *web.Ctx) error {
	form, err := c.Form("file")
	state := &ui.Form{}
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.TooLarge {
		var check fault.Check
		check.Fail("file", "settings.file.too_large", "Max", settings.MaxFile>>20)
		state.Err = check.Fault()
		return c.RenderStatus(web.Status(fault.Invalid), filePage(state, true))
	}
	if err != nil {
		return err
	}
	if form.Switching() {
		return c.Render(filePage(state, true))
	}
	file, chosen := form.File("file")
	var ref string
	if !chosen {
		var check fault.Check
		check.Fail("file", "settings.file.missing")
		err = check.Err()
	} else {
		err = c.WithTx(func(tx db.Tx) error {
			p, err := settings.FromFile(tx, name(file.Name), file.Bytes)
			if err != nil {
				return err
			}
			p.Lang = c.Printer().Tag
			ref, err = settings.Store(tx, p)
			return err
		})
	}
	if errors.As(err, &f) && f.Code == fault.Invalid {
		state.Err = f
		return c.RenderStatus(web.Status(fault.Invalid), filePage(state, true))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/settings/changes/" + ref))
}

// name is what the browser called a file, or the beginning of it.
func name(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100])
	}
	return s
}

// export sends all settings as one file.
func export(c *web.Ctx) error {
	v, err := open(c)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if _, err := v.state.File().WriteTo(&out); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="country.yaml"`)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Send(fiber.StatusOK, "application/yaml; charset=utf-8", out.Bytes())
}
