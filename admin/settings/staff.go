package settings

import (
	"errors"
	"slices"
	"strings"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/settings"
	"daftar/web"
	"daftar/web/ui"
)

func staffList(c *web.Ctx) error {
	var list []settings.Member
	if err := c.View(func(tx db.Tx) (err error) { list, err = settings.Staff(tx); return err }); err != nil {
		return err
	}
	return c.Render(staffPage(list, may(c)))
}

// member finds the member of staff in the address.
func member(c *web.Ctx) (*visit, settings.Member, error) {
	v, err := open(c)
	if err != nil {
		return nil, settings.Member{}, err
	}
	var list []settings.Member
	if err := c.View(func(tx db.Tx) (err error) { list, err = settings.Staff(tx); return err }); err != nil {
		return nil, settings.Member{}, err
	}
	for _, m := range list {
		if m.Ref() == c.Param("ref") {
			return v, m, nil
		}
	}
	return nil, settings.Member{}, fault.Hidden()
}

func roleForm(c *web.Ctx) error {
	v, m, err := member(c)
	if err != nil {
		return err
	}
	return c.Render(rolePage(v, m, &ui.Form{}))
}

// giveRole proposes a role at an office.
func giveRole(c *web.Ctx) error {
	v, m, err := member(c)
	if err != nil {
		return err
	}
	form, err := c.Form("role", "office", "until", "reason")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(rolePage(v, m, state))
	}
	var check fault.Check
	var offices []string
	for _, o := range v.state.Offices {
		if !o.Closed {
			offices = append(offices, o.Code)
		}
	}
	role := settings.Role{Staff: m.ID, Role: form.Choice(&check, "role", roles(), "setting.error.role"),
		Office: form.Choice(&check, "office", offices, "setting.error.choose_office")}
	if s := strings.TrimSpace(i18n.LatinDigits(form.Get("until"))); s != "" {
		last, err := time.ParseInLocation(time.DateOnly, s, c.Printer().Zone)
		if err != nil || last.Before(c.Now().AddDate(0, 0, -1)) {
			check.Fail("until", "setting.error.until")
		}
		role.Until = last.AddDate(0, 0, 1).UTC().Format(time.RFC3339) // to the end of that day
	}
	reason := form.Text(&check, "reason", maxReason)
	return proposeRole(c, role, reason, check.Err(), func(f *fault.Error) error {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), rolePage(v, m, state))
	})
}

// endRole proposes to end a role at an office.
func endRole(c *web.Ctx) error {
	v, m, err := member(c)
	if err != nil {
		return err
	}
	form, err := c.Form("role", "office")
	if err != nil {
		return err
	}
	role := settings.Role{Staff: m.ID, Role: form.Get("role"), Office: form.Get("office"), Ended: true}
	return proposeRole(c, role, "", nil, func(f *fault.Error) error {
		return c.RenderStatus(web.Status(f.Code), rolePage(v, m, &ui.Form{Err: f}))
	})
}

func proposeRole(c *web.Ctx, role settings.Role, reason string, wrong error, again func(*fault.Error) error) error {
	var ref string
	err := wrong
	if err == nil {
		err = c.WithTx(func(tx db.Tx) (err error) {
			ref, err = settings.ProposeRole(tx, role, settings.Proposal{Origin: settings.OriginPage, Reason: reason, Lang: c.Printer().Tag})
			return err
		})
	}
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict) {
		return again(f)
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/settings/changes/" + ref))
}

func roles() []string { return slices.Sorted(slices.Values(auth.Roles())) }
