// Package settings is where the office keeps what its country decided: a page
// for each group, what a change would do before it holds, and the whole as one
// file.
package settings

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/cases/kinds"
	"daftar/registry/programmes"
	"daftar/registry/settings"
	"daftar/web"
	"daftar/web/ui"
)

// visit is one request.
type visit struct {
	*web.Ctx
	state      *settings.State
	languages  []i18n.Locale // shipped: each has an input for every text
	kept       map[string][]string
	history    []kinds.Version       // of the kind of case
	role       settings.ComposedRole // that is being put together
	at         string                // the office at which it is tried
	programmes []programmes.Programme
}

func open(c *web.Ctx) (*visit, error) {
	v := &visit{Ctx: c, languages: i18n.Shipped(), kept: map[string][]string{}}
	err := c.View(func(tx db.Tx) (err error) { v.state, err = settings.Read(tx); return err })
	return v, err
}

// page is one form about a part of the settings. Inputs are named as the values
// are in the file.
type page struct {
	path    string // below /settings
	title   string // message key
	careful bool   // takes a second person
	upload  bool
	named   func(*visit) []string
	fill    func(*visit) map[string][]string
	read    func(*visit, *web.Form, *fault.Check) *settings.File
	view    func(*visit, *ui.Form) templ.Component        // the inputs
	preview func(*visit, *settings.State) templ.Component // nil for none
	input   func(name string) string                      // the input of a value that is no input of its own
	load    func(*visit) error                            // more to look up, nil for nothing
	extra   func(*visit) templ.Component                  // below the form, nil for nothing
}

// pages lists the forms of the groups, in the order of the file.
func pages() []page {
	return []page{country, languages, writing, currency, weekend, holidays, clocks, retention, branding, logo, contact, tags}
}

// Routes lists the pages.
func Routes(nav func(auth.Principal) []ui.NavItem) []web.Route {
	const get, post = fiber.MethodGet, fiber.MethodPost
	routes := []web.Route{
		{Method: get, Path: "/settings", Permission: auth.SettingRead, Handler: overview},
		{Method: get, Path: "/settings/changes", Permission: auth.SettingRead, Handler: changes},
		{Method: get, Path: "/settings/changes/:ref", Permission: auth.SettingRead, Handler: change},
		{Method: post, Path: "/settings/changes/:ref/send", Permission: auth.SettingEdit, Handler: send},
		{Method: post, Path: "/settings/changes/:ref/withdraw", Permission: auth.SettingEdit, Handler: withdraw},
		{Method: post, Path: "/settings/changes/:ref/decide", Permission: auth.SettingApprove, Handler: decide},
		{Method: get, Path: "/settings/file", Permission: auth.SettingRead, Handler: fileForm},
		{Method: post, Path: "/settings/file", Permission: auth.SettingEdit, Handler: importFile, Upload: true},
		{Method: get, Path: "/settings/file/export", Permission: auth.SettingRead, Handler: export},
		{Method: get, Path: "/settings/offices", Permission: auth.SettingRead, Handler: officeList},
		{Method: get, Path: "/settings/kinds", Permission: auth.SettingRead, Handler: kindList},
		{Method: get, Path: "/settings/numbers", Permission: auth.SettingRead, Handler: numberList},
		{Method: post, Path: "/settings/numbers/:code/try", Permission: auth.SettingRead, Handler: tryNumber},
		{Method: get, Path: "/settings/staff", Permission: auth.SettingRead, Handler: staffList},
		{Method: get, Path: "/settings/staff/new", Permission: auth.SettingEdit, Handler: officialForm},
		{Method: post, Path: "/settings/staff/new", Permission: auth.SettingEdit, Handler: addOfficial, Strong: true},
		{Method: get, Path: "/settings/staff/:ref", Permission: auth.SettingEdit, Handler: roleForm},
		{Method: post, Path: "/settings/staff/:ref", Permission: auth.SettingEdit, Handler: giveRole, Strong: true},
		{Method: post, Path: "/settings/staff/:ref/preview", Permission: auth.SettingEdit, Handler: previewRole(nav)},
		{Method: post, Path: "/settings/staff/:ref/end", Permission: auth.SettingEdit, Handler: endRole, Strong: true},
		{Method: post, Path: "/settings/staff/:ref/leave", Permission: auth.SettingEdit, Handler: leave(true), Strong: true},
		{Method: post, Path: "/settings/staff/:ref/back", Permission: auth.SettingEdit, Handler: leave(false), Strong: true},
		{Method: post, Path: "/settings/staff/:ref/passkey", Permission: auth.SettingEdit, Handler: removeKey, Strong: true},
	}
	composed := composedRole(nav)
	routes = append(routes,
		web.Route{Method: get, Path: "/settings/roles", Permission: auth.SettingRead, Handler: composedList},
		web.Route{Method: get, Path: "/settings/roles/:code", Permission: auth.SettingEdit, Handler: composed.show},
		web.Route{Method: post, Path: "/settings/roles/:code", Permission: auth.SettingEdit, Handler: composed.save, Strong: true},
		web.Route{Method: post, Path: "/settings/roles/:code/preview", Permission: auth.SettingEdit, Handler: composed.try},
		web.Route{Method: post, Path: "/settings/roles/:code/look", Permission: auth.SettingEdit, Handler: composed.look})
	for _, p := range append(pages(), office, number, caseKind) {
		routes = append(routes,
			web.Route{Method: get, Path: "/settings/" + p.path, Permission: auth.SettingEdit, Handler: p.show},
			web.Route{Method: post, Path: "/settings/" + p.path, Permission: auth.SettingEdit, Handler: p.save, Upload: p.upload})
		if p.preview != nil {
			routes = append(routes, web.Route{Method: post, Path: "/settings/" + p.path + "/preview", Permission: auth.SettingEdit, Handler: p.try})
		}
	}
	return routes
}

// previewed is the message above the preview.
func (p page) previewed() string {
	if p.title == "setting.composed" {
		return "setting.would_see"
	}
	return "field.preview"
}

func (p page) open(c *web.Ctx) (*visit, error) {
	v, err := open(c)
	if err == nil && p.load != nil {
		err = p.load(v)
	}
	return v, err
}

func (p page) show(c *web.Ctx) error {
	v, err := p.open(c)
	if err != nil {
		return err
	}
	return c.Render(formPage(p, v, &ui.Form{Values: p.fill(v)}, v.state))
}

// typed reads the form; nil for one that only changes the language.
func (p page) typed(c *web.Ctx) (*visit, *web.Form, error) {
	v, err := p.open(c)
	if err != nil {
		return nil, nil, err
	}
	form, err := c.Form(append(p.named(v), "reason")...)
	return v, form, err
}

func (p page) save(c *web.Ctx) error {
	v, form, err := p.typed(c)
	var large *fault.Error
	if errors.As(err, &large) && large.Code == fault.TooLarge && p.upload {
		if v, err = p.open(c); err != nil {
			return err
		}
		var check fault.Check
		check.Fail(p.named(v)[0], large.Key, pairs(large.Args)...)
		return c.RenderStatus(web.Status(fault.Invalid), formPage(p, v, &ui.Form{Err: check.Fault()}, v.state))
	}
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(formPage(p, v, state, v.state))
	}
	var check fault.Check
	f := p.read(v, form, &check)
	reason := form.Text(&check, "reason", maxReason)
	next := v.state.With(f)
	var ref string
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error {
			if err := settings.Check(tx, f, v.state, next); err != nil {
				return err
			}
			ref, _, err = settings.Propose(tx, settings.Proposal{Origin: settings.OriginPage, Reason: reason, Lang: c.Printer().Tag,
				Items: settings.Diff(v.state, next)})
			return err
		})
	}
	if p.invalid(err, v, state) {
		return c.RenderStatus(web.Status(state.Err.Code), formPage(p, v, state, v.state))
	}
	if err != nil {
		return err
	}
	if err := c.SettingsChanged(); err != nil {
		return err
	}
	return c.Redirect(c.URL("/settings/changes/" + ref))
}

const maxReason = 500

// invalid keeps the errors that the form can show, each at its input.
func (p page) invalid(err error, v *visit, state *ui.Form) bool {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Invalid && f.Code != fault.Conflict {
		return false
	}
	shown := *f
	shown.Fields = nil
	names := append(p.named(v), "reason")
	for _, one := range f.Fields {
		for name := one.Name; ; {
			if slices.Contains(names, name) {
				one.Name = name
				break
			}
			if p.input != nil && p.input(name) != "" {
				one.Name = p.input(name)
				break
			}
			i := strings.LastIndex(name, ".")
			if i < 0 {
				one.Name = names[0]
				break
			}
			name = name[:i]
		}
		shown.Fields = append(shown.Fields, one)
	}
	state.Err = &shown
	return true
}

// try draws the preview of what is typed. What cannot be is drawn as it is now.
func (p page) try(c *web.Ctx) error {
	v, form, err := p.typed(c)
	if err != nil {
		return err
	}
	var check fault.Check
	f := p.read(v, form, &check)
	next := v.state.With(f)
	if check.Err() == nil {
		err = c.View(func(tx db.Tx) error { return settings.Check(tx, f, v.state, next) })
	}
	if check.Err() != nil || err != nil {
		next = v.state
	}
	return c.Render(p.preview(v, next))
}

func pairs(args map[string]any) []any {
	var list []any
	for name, value := range args {
		list = append(list, name, value)
	}
	return list
}

// trial are the languages as a state would have them speak.
func (v *visit) trial(s *settings.State) *i18n.Bundle {
	setup, err := s.Settings.Setup()
	if err != nil {
		return v.Trial(i18n.Setup{})
	}
	return v.Trial(setup)
}

// texts are the names of the inputs of a text: "currency.name.en".
func (v *visit) texts(name string) []string {
	var names []string
	for _, l := range v.languages {
		names = append(names, name+"."+l.Tag)
	}
	return names
}

// fillText puts a text into its inputs.
func (v *visit) fillText(into map[string][]string, name string, t i18n.Text) {
	for _, l := range v.languages {
		into[name+"."+l.Tag] = []string{t[l.Tag]}
	}
}

// longest is how much of an input is read at all; what is too long for its place
// is for settings.Check to say.
const longest = 20000

// readText reads a text from its inputs.
func (v *visit) readText(form *web.Form, check *fault.Check, name string) i18n.Text {
	t := i18n.Text{}
	for _, l := range v.languages {
		if s := form.Text(check, name+"."+l.Tag, longest); s != "" {
			t[l.Tag] = s
		}
	}
	return t
}

func codes(ctx context.Context, prefix string, list []string) []ui.Choice {
	var out []ui.Choice
	for _, code := range list {
		out = append(out, ui.Choice{Value: code, Label: i18n.T(ctx, prefix+code)})
	}
	return out
}

// group is one line of the overview.
type group struct{ Title, Path, Value string }

func overview(c *web.Ctx) error {
	v, err := open(c)
	if err != nil {
		return err
	}
	var waiting []settings.Change
	if err := c.View(func(tx db.Tx) error {
		list, err := settings.List(tx)
		for _, change := range list {
			if change.State == settings.Proposed {
				waiting = append(waiting, change)
			}
		}
		return err
	}); err != nil {
		return err
	}
	return c.Render(overviewPage(v, groups(v), waiting, c.Principal().May(auth.SettingEdit)))
}

// groups says of each group in a few words how it is.
func groups(v *visit) []group {
	p, s := v.Printer(), &v.state.Settings
	var offered []string
	for _, l := range v.languages {
		if slices.Contains(settings.Offered(s), l.Tag) {
			offered = append(offered, l.Name)
		}
	}
	var off []string
	for _, day := range s.WorkingDays.Weekend {
		off = append(off, p.T("weekday."+day))
	}
	return []group{
		{"setting.country", "country", p.List([]string{s.Country.Name.In(p), s.Country.TimeZone})},
		{"setting.languages", "languages", p.List(offered)},
		{"setting.writing", "writing", p.Day(v.Now())},
		{"setting.currency", "currency", p.Money(1234.5)},
		{"setting.weekend", "working-days", p.List(off)},
		{"setting.holidays", "holidays", p.N("setting.days_off", len(s.WorkingDays.Holidays))},
		{"setting.clocks", "clocks", p.N("setting.working_days_count", s.Clocks.AnswerDays)},
		{"setting.retention", "retention", p.N("setting.kinds_of_data", len(s.Retention))},
		{"setting.branding", "branding", s.Branding.Service.In(p)},
		{"setting.logo", "logo", map[bool]string{true: p.T("answer.yes"), false: p.T("answer.no")}[s.Logo.Hash != ""]},
		{"setting.contact", "contact", p.N("setting.lines_and_links", len(s.Contact.Lines)+len(s.Contact.Links))},
		{"setting.tags", "tags", p.Number(len(s.Tags))},
		{"setting.kinds", "kinds", p.Number(len(v.state.CaseKinds))},
		{"setting.numbers", "numbers", p.Number(len(v.state.Identifiers))},
		{"setting.offices", "offices", p.Number(len(v.state.Offices))},
		{"setting.staff", "staff", ""},
		{"setting.roles", "roles", p.Number(len(v.state.Roles))},
	}
}
