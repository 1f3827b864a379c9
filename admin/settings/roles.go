package settings

import (
	"context"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/programmes"
	"daftar/registry/settings"
	"daftar/web"
	"daftar/web/ui"
)

func composedList(c *web.Ctx) error {
	v, err := open(c)
	if err != nil {
		return err
	}
	return c.Render(composedPage(v, may(c)))
}

// inRole is the path of the role in the file that the page makes.
const inRole = "roles.0."

// composedRole is a role that is put together of permissions: what somebody who has it
// may do, at which desks, with which kinds of cases. Where it holds is said when it is
// given.
func composedRole(nav func(auth.Principal) []ui.NavItem) page {
	return page{
		path: "roles/:code", title: "setting.composed", careful: true,
		load: func(v *visit) error {
			if v.Param("code") != newOne {
				r, there := v.state.Role(v.Param("code"))
				if !there {
					return fault.Hidden()
				}
				v.role = r
			}
			return v.View(func(tx db.Tx) (err error) { v.programmes, err = programmes.Active(tx); return err })
		},
		named: func(v *visit) []string {
			return append(v.texts(inRole+"name"), "code", inRole+"permissions", inRole+"desks", inRole+"kinds", inRole+"programmes", inRole+"retired", "office")
		},
		input: func(name string) string {
			if name == inRole+"code" {
				return "code"
			}
			return ""
		},
		fill: func(v *visit) map[string][]string {
			r := v.role
			values := map[string][]string{"code": {r.Code}, inRole + "permissions": r.Permissions, inRole + "desks": r.Desks, inRole + "kinds": r.CaseKinds,
				inRole + "programmes": r.Programmes}
			v.fillText(values, inRole+"name", r.Name)
			if r.Retired {
				values[inRole+"retired"] = []string{"yes"}
			}
			return values
		},
		read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
			r := v.role
			if r.Code == "" {
				r.Code = strings.ToLower(form.Text(check, "code", 31))
				if _, taken := v.state.Role(r.Code); taken || r.Code == newOne {
					check.Fail("code", "field.error.taken")
				}
			}
			r.Name = v.readText(form, check, inRole+"name")
			r.Permissions, r.Desks, r.CaseKinds = form.All(inRole+"permissions"), form.All(inRole+"desks"), form.All(inRole+"kinds")
			r.Programmes, r.Retired = form.All(inRole+"programmes"), form.Get(inRole+"retired") == "yes"
			v.role, v.at = r, form.Get("office")
			return part(func(f *settings.File) { f.Roles = []settings.ComposedRole{r} })
		},
		view: func(v *visit, f *ui.Form) templ.Component { return composedInputs(v, f) },
		preview: func(v *visit, _ *settings.State) templ.Component {
			rows, err := v.outlook(nav)
			if err != nil {
				return templ.NopComponent
			}
			return ui.SummaryList(rows)
		},
	}
}

// grant is what a role is, for the pages that say what it opens.
func (v *visit) grant(role string) auth.Grant {
	g := auth.Grant{Role: role}
	if r, composed := v.state.Role(role); composed {
		g.Composed = composedOf(r)
	}
	return g
}

func composedOf(r settings.ComposedRole) *auth.Composed {
	c := &auth.Composed{Desks: r.Desks, Programmes: r.Programmes}
	for _, p := range r.Permissions {
		if !r.Retired {
			c.Permissions = append(c.Permissions, auth.Permission(p))
		}
	}
	return c
}

// shows reports whether a role shows people's data.
func (v *visit) shows(role string) bool {
	if g := v.grant(role); g.Composed != nil {
		return auth.Shows(g.Composed.Permissions)
	}
	return auth.ShowsPeople(role)
}

// outlook is what somebody with the role that is being put together would see: which
// pages, which of the record's fields, and how much at an office. It reads no record.
func (v *visit) outlook(nav func(auth.Principal) []ui.NavItem) ([]ui.Row, error) {
	p := v.Printer()
	composed := composedOf(v.role)
	var pages, seen, without []string
	for _, item := range nav(auth.Principal{Audience: auth.Admin, ID: v.Principal().ID, Grants: []auth.Grant{{Role: v.role.Code, Composed: composed}}}) {
		pages = append(pages, p.T(item.Key))
	}
	rows := []ui.Row{{Key: p.T("setting.would_pages"), Lines: pages}}
	if !auth.Shows(composed.Permissions) {
		return append(rows, ui.Row{Key: p.T("setting.would_people"), Value: p.T("setting.would_nothing")}), nil
	}
	if slices.Contains(v.role.Permissions, string(auth.PersonRead)) {
		for i, e := range v.state.Fields {
			if f := e.Field(i); f.Roster == "" && (f.Subject == "person" || f.Subject == "household") {
				if f.May("see", []string{v.role.Code}) {
					seen = append(seen, f.Label.In(p))
				} else {
					without = append(without, f.Label.In(p))
				}
			}
		}
		rows = append(rows, ui.Row{Key: p.T("setting.would_fields"), Lines: seen}, ui.Row{Key: p.T("setting.would_not_fields"), Lines: without})
	}
	if v.at == "" {
		return rows, nil
	}
	var counts settings.Reach
	if err := v.View(func(tx db.Tx) (err error) { counts, err = settings.ReachOf(tx, v.at); return err }); err != nil {
		return nil, err
	}
	var areas []string
	for _, a := range counts.Areas {
		areas = append(areas, a.In(p))
	}
	return append(rows, ui.Row{Key: p.T("setting.would_areas"), Lines: areas}, ui.Row{Key: p.T("setting.would_people"), Value: p.Number(counts.People)},
		ui.Row{Key: p.T("setting.would_households"), Value: p.Number(counts.Households)}), nil
}

// look shows the whole page with what is typed, for browsers that draw no preview by
// themselves.
func (p page) look(c *web.Ctx) error {
	v, form, err := p.typed(c)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(formPage(p, v, state, v.state))
	}
	var check fault.Check
	f := p.read(v, form, &check)
	next := v.state.With(f)
	err = check.Err()
	if err == nil {
		err = c.View(func(tx db.Tx) error { return settings.Check(tx, f, v.state, next) })
	}
	if p.invalid(err, v, state) {
		return c.RenderStatus(web.Status(state.Err.Code), formPage(p, v, state, v.state))
	}
	if err != nil {
		return err
	}
	return c.Render(formPage(p, v, state, next))
}

// permissions are those that a role may be composed of.
func permissions(ctx context.Context) []ui.Choice {
	var list []ui.Choice
	for _, p := range auth.Composable() {
		list = append(list, ui.Choice{Value: string(p), Label: i18n.T(ctx, "permission."+string(p))})
	}
	return list
}

func (v *visit) kindChoices(ctx context.Context) []ui.Choice {
	var list []ui.Choice
	for _, k := range v.state.CaseKinds {
		list = append(list, ui.Choice{Value: k.Code, Label: k.Title.For(ctx)})
	}
	return list
}

func (v *visit) programmeChoices(ctx context.Context) []ui.Choice {
	var list []ui.Choice
	for _, p := range v.programmes {
		list = append(list, ui.Choice{Value: p.Code, Label: p.Name.For(ctx)})
	}
	return list
}

// inWords says in words what permissions let somebody do.
func inWords(p *i18n.Printer, permissions []string) []string {
	var words []string
	for _, one := range permissions {
		words = append(words, p.T("permission."+one))
	}
	return words
}

// shippedRows say what the roles may do that the program brings.
func shippedRows(p *i18n.Printer) []ui.Row {
	var rows []ui.Row
	for _, role := range slices.Sorted(slices.Values(auth.Roles())) {
		var list []string
		for _, one := range auth.Permissions(role) {
			list = append(list, p.T("permission."+string(one)))
		}
		rows = append(rows, ui.Row{Key: p.T("role." + role), Lines: list})
	}
	return rows
}
