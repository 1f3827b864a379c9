package settings

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"daftar/auth"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/settings"
	"daftar/web"
	"daftar/web/ui"
)

func may(c *web.Ctx) bool { return c.Principal().May(auth.SettingEdit) }

func officeList(c *web.Ctx) error {
	v, err := open(c)
	if err != nil {
		return err
	}
	return c.Render(officesPage(v, may(c)))
}

func (v *visit) office() (settings.Office, bool) {
	i := slices.IndexFunc(v.state.Offices, func(o settings.Office) bool { return o.Code == v.Param("code") })
	if i < 0 {
		return settings.Office{}, v.Param("code") == newOne
	}
	return v.state.Offices[i], true
}

// office is one unit: where it stands, what it answers for, when it is open.
var office = page{
	path: "offices/:code", title: "setting.office", careful: true,
	load: func(v *visit) error {
		if _, there := v.office(); !there {
			return fault.Hidden()
		}
		return nil
	},
	named: func(v *visit) []string {
		names := slices.Concat([]string{"code"}, v.texts("offices.0.name"), v.texts("offices.0.address"),
			[]string{"offices.0.kind", "offices.0.parent", "offices.0.seat", "offices.0.areas", "offices.0.phone", "offices.0.closed"})
		for _, day := range registry.Weekdays() {
			names = append(names, "offices.0.opening."+day)
		}
		return names
	},
	fill: func(v *visit) map[string][]string {
		o, _ := v.office()
		values := map[string][]string{"code": {o.Code}, "offices.0.kind": {o.Kind}, "offices.0.parent": {o.Parent}, "offices.0.seat": {o.Seat},
			"offices.0.areas": {strings.Join(o.Areas, " ")}, "offices.0.phone": {o.Phone}}
		v.fillText(values, "offices.0.name", o.Name)
		v.fillText(values, "offices.0.address", o.Address)
		for day, hours := range o.Opening {
			values["offices.0.opening."+day] = []string{hours}
		}
		if o.Closed {
			values["offices.0.closed"] = []string{"yes"}
		}
		return values
	},
	read: func(v *visit, form *web.Form, check *fault.Check) *settings.File {
		o, _ := v.office()
		if o.Code == "" {
			o.Code = form.Text(check, "code", longest)
			taken := slices.ContainsFunc(v.state.Offices, func(x settings.Office) bool { return x.Code == o.Code })
			if !officeCode.MatchString(o.Code) || o.Code == newOne {
				check.Fail("code", "settings.error.office_code", "Example", "old-town")
			} else if taken {
				check.Fail("code", "field.error.taken")
			}
		}
		code := func(name string) string { return strings.ToUpper(i18n.LatinDigits(form.Text(check, name, longest))) }
		o.Name = v.readText(form, check, "offices.0.name")
		o.Address = v.readText(form, check, "offices.0.address")
		o.Kind = form.Choice(check, "offices.0.kind", registry.OfficeKinds(), "setting.error.office_kind")
		o.Parent = form.Text(check, "offices.0.parent", longest)
		o.Seat, o.Areas = code("offices.0.seat"), strings.Fields(code("offices.0.areas"))
		o.Phone = i18n.LatinDigits(form.Text(check, "offices.0.phone", longest))
		o.Closed = form.Get("offices.0.closed") == "yes"
		o.Opening = map[string]string{}
		for _, day := range registry.Weekdays() {
			if hours := i18n.LatinDigits(form.Text(check, "offices.0.opening."+day, longest)); hours != "" {
				o.Opening[day] = hours
			}
		}
		return part(func(f *settings.File) { f.Offices = []settings.Office{o} })
	},
	view: func(v *visit, f *ui.Form) templ.Component { return officeInputs(v, f) },
}

var officeCode = regexp.MustCompile(`^[a-z][a-z0-9-]{0,40}$`)

// above are the offices that one can belong to.
func (v *visit) above(ctx context.Context) []ui.Choice {
	var list []ui.Choice
	for _, o := range v.state.Offices {
		if o.Code != v.Param("code") && !o.Closed {
			list = append(list, ui.Choice{Value: o.Code, Label: o.Name.For(ctx)})
		}
	}
	return list
}

// depth is how far below the top an office is.
func (v *visit) depth(o settings.Office) int {
	n := 0
	for above := o.Parent; above != "" && n < len(v.state.Offices); n++ {
		i := slices.IndexFunc(v.state.Offices, func(x settings.Office) bool { return x.Code == above })
		if i < 0 {
			break
		}
		above = v.state.Offices[i].Parent
	}
	return n
}
