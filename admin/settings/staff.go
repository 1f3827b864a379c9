package settings

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
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
	return showRoles(c, fiber.StatusOK, v, m, &ui.Form{}, nil)
}

// showRoles shows what somebody may do, and the passkeys that they have.
func showRoles(c *web.Ctx, status int, v *visit, m settings.Member, f *ui.Form, would *sight) error {
	var keys []settings.Key
	if err := c.View(func(tx db.Tx) (err error) { keys, err = settings.Keys(tx, m.ID); return err }); err != nil {
		return err
	}
	return c.RenderStatus(status, rolePage(v, m, keys, f, would))
}

// removeKey proposes to end a passkey of somebody else.
func removeKey(c *web.Ctx) error {
	v, m, err := member(c)
	if err != nil {
		return err
	}
	form, err := c.Form("key")
	if err != nil {
		return err
	}
	var ref string
	err = c.WithTx(func(tx db.Tx) error {
		keys, err := settings.Keys(tx, m.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(keys, func(k settings.Key) bool { return k.Ref == form.Get("key") })
		if i < 0 {
			return fault.Hidden()
		}
		ref, err = settings.ProposeKeyRemoval(tx, keys[i], settings.Proposal{Origin: settings.OriginPage, Lang: c.Printer().Tag})
		return err
	})
	return proposed(c, ref, err, func(f *fault.Error) error {
		return showRoles(c, web.Status(f.Code), v, m, &ui.Form{Err: f}, nil)
	})
}

// asked reads which role is to be given, at which office and until when.
func asked(c *web.Ctx, v *visit, m settings.Member) (role settings.Role, reason string, state *ui.Form, err error) {
	form, err := c.Form(roleInputs...)
	if err != nil {
		return role, "", nil, err
	}
	state = &ui.Form{Values: form.Values(), Action: "/settings/staff/" + m.Ref()}
	if form.Switching() {
		return role, "", state, nil
	}
	var check fault.Check
	if role, err = post(c, v, form, &check); err != nil {
		return role, "", nil, err
	}
	role.Staff = m.ID
	for _, has := range m.Roles {
		if why := auth.RoleConflict(has.Role.Role, role.Role); why != "" && !check.Failed("role") {
			check.Fail("role", "role.conflict."+why)
		}
	}
	return role, form.Text(&check, "reason", maxReason), state, check.Err()
}

// roleInputs are the inputs of a role: what, where, and from when to when.
var roleInputs = []string{"role", "office", "area", "from", "until", "reason"}

// post reads a role that is to be given: at an office, or directly in an area.
func post(c *web.Ctx, v *visit, form *web.Form, check *fault.Check) (role settings.Role, err error) {
	var offices []string
	for _, o := range v.state.Offices {
		if !o.Closed {
			offices = append(offices, o.Code)
		}
	}
	role.Role = form.Choice(check, "role", v.roles(), "setting.error.role")
	switch area := form.Text(check, "area", 200); {
	case check.Failed("area"):
	case area == "":
		role.Office = form.Choice(check, "office", offices, "setting.error.choose_office")
	case form.Get("office") != "":
		check.Fail("area", "setting.error.office_or_area")
	default:
		if role.Area, err = meant(c, check, area); err != nil {
			return role, err
		}
	}
	if s := strings.TrimSpace(i18n.LatinDigits(form.Get("from"))); s != "" {
		first, err := time.ParseInLocation(time.DateOnly, s, c.Printer().Zone)
		if err != nil || first.Before(c.Now().AddDate(0, 0, -1)) {
			check.Fail("from", "setting.error.until")
		}
		role.From = first.UTC().Format(time.RFC3339)
	}
	if s := strings.TrimSpace(i18n.LatinDigits(form.Get("until"))); s != "" {
		last, err := time.ParseInLocation(time.DateOnly, s, c.Printer().Zone)
		if err != nil || last.Before(c.Now().AddDate(0, 0, -1)) {
			check.Fail("until", "setting.error.until")
		} else if role.From != "" && last.UTC().Format(time.RFC3339) < role.From && !check.Failed("from") {
			check.Fail("until", "setting.error.ends_first")
		}
		role.Until = last.AddDate(0, 0, 1).UTC().Format(time.RFC3339) // to the end of that day
	}
	return role, nil
}

// meant is the P-code of the area that somebody means with a name or a code.
func meant(c *web.Ctx, check *fault.Check, typed string) (code string, err error) {
	var list []registry.Area
	if err := c.View(func(tx db.Tx) (err error) { list, err = registry.FindPlaces(tx, typed, 5); return err }); err != nil {
		return "", err
	}
	switch len(list) {
	case 0:
		check.Fail("area", "areas.error.no_such")
		return "", nil
	case 1:
		return list[0].Code, nil
	}
	var names []string
	for _, a := range list {
		names = append(names, a.Name.In(c.Printer())+" "+a.Code)
	}
	check.Fail("area", "areas.error.which", "Areas", strings.Join(names, " · "))
	return "", nil
}

// officialForm asks who begins to work here.
func officialForm(c *web.Ctx) error {
	v, err := open(c)
	if err != nil {
		return err
	}
	return c.Render(officialPage(v, &ui.Form{Action: "/settings/staff/new"}))
}

// addOfficial proposes that somebody begins to work here, with a first role.
func addOfficial(c *web.Ctx) error {
	v, err := open(c)
	if err != nil {
		return err
	}
	form, err := c.Form(append([]string{"account", "name"}, roleInputs...)...)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values(), Action: "/settings/staff/new"}
	if form.Switching() {
		return c.Render(officialPage(v, state))
	}
	var check fault.Check
	o := settings.Official{Account: strings.TrimSpace(form.Get("account")), Name: form.Text(&check, "name", 200)}
	role, err := post(c, v, form, &check)
	if err != nil {
		return err
	}
	reason := form.Text(&check, "reason", maxReason)
	var ref string
	err = c.WithTx(func(tx db.Tx) error {
		p, err := settings.ProposeOfficial(tx, o, role, settings.Proposal{Origin: settings.OriginPage, Reason: reason, Lang: c.Printer().Tag})
		if err := check.Merge(err); err != nil {
			return err
		}
		ref = p
		return check.Err() // and nothing is kept of a form with a mistake
	})
	return proposed(c, ref, err, func(f *fault.Error) error {
		state.Err = f
		return c.RenderStatus(web.Status(f.Code), officialPage(v, state))
	})
}

// leave proposes that somebody no longer works here, or does again.
func leave(leaves bool) web.Handler {
	return func(c *web.Ctx) error {
		v, m, err := member(c)
		if err != nil {
			return err
		}
		if _, err := c.Form(); err != nil {
			return err
		}
		var ref string
		err = c.WithTx(func(tx db.Tx) (err error) {
			ref, err = settings.ProposeLeaving(tx, m.ID, leaves, settings.Proposal{Origin: settings.OriginPage, Lang: c.Printer().Tag})
			return err
		})
		return proposed(c, ref, err, func(f *fault.Error) error {
			return showRoles(c, web.Status(f.Code), v, m, &ui.Form{Err: f}, nil)
		})
	}
}

// giveRole proposes a role at an office.
func giveRole(c *web.Ctx) error {
	v, m, err := member(c)
	if err != nil {
		return err
	}
	role, reason, state, err := asked(c, v, m)
	if state == nil {
		return err
	}
	if role.Staff == (db.ID{}) { // another language
		return showRoles(c, fiber.StatusOK, v, m, state, nil)
	}
	return proposeRole(c, role, reason, err, func(f *fault.Error) error {
		state.Err = f
		return showRoles(c, web.Status(f.Code), v, m, state, nil)
	})
}

// sight is what somebody would see by a role: where, on which pages, of how many.
type sight struct {
	areas  []string
	pages  []string // keys
	people bool     // the role shows people's data
	counts settings.Reach
}

// previewRole shows what a role would let somebody see, before it is proposed.
func previewRole(nav func(auth.Principal) []ui.NavItem) web.Handler {
	return func(c *web.Ctx) error {
		v, m, err := member(c)
		if err != nil {
			return err
		}
		role, _, state, err := asked(c, v, m)
		if state == nil {
			return err
		}
		var f *fault.Error
		if errors.As(err, &f) && f.Code == fault.Invalid {
			state.Err = f
			return showRoles(c, web.Status(f.Code), v, m, state, nil)
		}
		if err != nil {
			return err
		}
		if role.Staff == (db.ID{}) {
			return showRoles(c, fiber.StatusOK, v, m, state, nil)
		}
		var would sight
		if err := c.View(func(tx db.Tx) (err error) {
			if role.Area != "" {
				would.counts, err = settings.ReachIn(tx, []string{role.Area})
				return err
			}
			would.counts, err = settings.ReachOf(tx, role.Office)
			return err
		}); err != nil {
			return err
		}
		// The areas do not matter for which pages there are.
		p := auth.Principal{Audience: auth.Admin, ID: m.ID, Grants: []auth.Grant{v.grant(role.Role)}}
		for _, item := range nav(p) {
			would.pages = append(would.pages, item.Key)
		}
		for _, a := range would.counts.Areas {
			would.areas = append(would.areas, a.In(c.Printer()))
		}
		would.people = v.shows(role.Role)
		return showRoles(c, fiber.StatusOK, v, m, state, &would)
	}
}

// endRole proposes to end a role at an office.
func endRole(c *web.Ctx) error {
	v, m, err := member(c)
	if err != nil {
		return err
	}
	form, err := c.Form("role", "office", "area")
	if err != nil {
		return err
	}
	role := settings.Role{Staff: m.ID, Role: form.Get("role"), Office: form.Get("office"), Area: form.Get("area"), Ended: true}
	return proposeRole(c, role, "", nil, func(f *fault.Error) error {
		return showRoles(c, web.Status(f.Code), v, m, &ui.Form{Err: f}, nil)
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
	return proposed(c, ref, err, again)
}

// proposed leads to a proposal, or shows again what was wrong with it.
func proposed(c *web.Ctx, ref string, err error, again func(*fault.Error) error) error {
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict) {
		return again(f)
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/settings/changes/" + ref))
}

// roles are those that may be given: the shipped ones, and what the country composed.
func (v *visit) roles() []string {
	list := slices.Sorted(slices.Values(auth.Roles()))
	for _, r := range v.state.Roles {
		if !r.Retired {
			list = append(list, r.Code)
		}
	}
	return list
}

// lines say what somebody would see.
func (s *sight) lines(p *i18n.Printer) []ui.Row {
	var pages []string
	for _, key := range s.pages {
		pages = append(pages, p.T(key))
	}
	rows := []ui.Row{
		{Key: p.T("setting.would_areas"), Lines: s.areas},
		{Key: p.T("setting.would_pages"), Lines: pages},
	}
	if !s.people {
		return append(rows, ui.Row{Key: p.T("setting.would_people"), Value: p.T("setting.would_nothing")})
	}
	return append(rows,
		ui.Row{Key: p.T("setting.would_people"), Value: p.Number(s.counts.People)},
		ui.Row{Key: p.T("setting.would_households"), Value: p.Number(s.counts.Households)})
}
