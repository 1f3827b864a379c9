// Package fields is the editor of field definitions.
package fields

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/fields"
	"daftar/web"
	"daftar/web/ui"
)

// List shows every definition, and the packs.
func List(c *web.Ctx) error {
	var list []fields.Definition
	var packs []fields.InstalledPack
	err := c.View(func(tx db.Tx) (err error) {
		if list, err = fields.List(tx); err != nil {
			return err
		}
		packs, err = fields.Available(tx)
		return err
	})
	if err != nil {
		return err
	}
	return c.Render(listPage(list, packs))
}

// InstallPack publishes the definitions of a pack.
func InstallPack(c *web.Ctx) error {
	form, err := c.Form("pack")
	if err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return fields.Install(tx, form.Get("pack"), tags(languages(c))) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/fields"))
}

// NewForm asks what a new field is about.
func NewForm(c *web.Ctx) error {
	rosters, err := rostersOf(c)
	if err != nil {
		return err
	}
	start := map[string][]string{"subject": {registry.KindHousehold}}
	if roster := c.Query("roster"); roster != "" { // the page of a roster leads here
		subject, _, _ := strings.Cut(roster, ".")
		start["subject"], start["roster"] = []string{subject}, []string{roster}
	}
	return c.Render(newPage(&ui.Form{Values: start}, rosters))
}

// New starts a draft.
func New(c *web.Ctx) error {
	form, err := c.Form("subject", "roster", "type", "code")
	if err != nil {
		return err
	}
	rosters, err := rostersOf(c)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(newPage(state, rosters))
	}
	var check fault.Check
	f := registry.Field{
		Subject: form.Choice(&check, "subject", fields.Subjects(), "field.error.choice"),
		Code:    form.Required(&check, "code", 41, "field.error.code"),
		Type:    registry.FieldType(form.Choice(&check, "type", types(), "field.error.type")),
		Roster:  strings.TrimPrefix(form.Get("roster"), form.Get("subject")+"."), Sensitivity: "personal", Section: "other", Evidence: "none",
	}
	if f.Type == registry.TypeCalculated {
		f.Formula, f.Result = "0", registry.TypeNumber
	}
	if f.Type == registry.TypeMoney {
		f.Rules.Decimals = c.Printer().MoneyDecimals()
	}
	err = c.WithTx(func(tx db.Tx) error { return create(tx, &check, f) })
	if invalid(err, state) {
		return c.RenderStatus(web.Status(fault.Invalid), newPage(state, rosters))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(path(f) + "/edit"))
}

// create stores a draft under a code that no definition has.
func create(tx db.Tx, check *fault.Check, f registry.Field) error {
	beside, err := fields.WithNewRosters(tx)
	if err != nil {
		return err
	}
	for _, wrong := range problems(fields.Check(f, beside, nil)) {
		if slices.Contains([]string{"code", "subject", "type", "roster"}, wrong.Name) && !check.Failed(wrong.Name) {
			check.Add(wrong)
		}
	}
	versions, err := fields.History(tx, f.Key())
	if err != nil {
		return err
	}
	if len(versions) > 0 && !check.Failed("code") {
		check.Fail("code", "field.error.taken")
	}
	if err := check.Err(); err != nil {
		return err
	}
	list, err := fields.List(tx)
	if err != nil {
		return err
	}
	for _, d := range list {
		f.Position = max(f.Position, d.Position+1)
	}
	_, err = fields.Store(tx, f)
	return err
}

// problems are the wrong inputs that an error names.
func problems(err error) []fault.Field {
	var wrong *fault.Error
	if errors.As(err, &wrong) {
		return wrong.Fields
	}
	return nil
}

func invalid(err error, state *ui.Form) bool {
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict) {
		state.Err = f
		return true
	}
	return false
}

// languages are those that people read: all but the pseudo-language.
func languages(c *web.Ctx) []i18n.Locale {
	return slices.DeleteFunc(slices.Clone(c.Locales()), func(l i18n.Locale) bool { return l.Tag == i18n.Pseudo })
}

func tags(list []i18n.Locale) []string {
	var out []string
	for _, l := range list {
		out = append(out, l.Tag)
	}
	return out
}

func types() []string {
	var out []string
	for _, t := range registry.FieldTypes() {
		out = append(out, string(t))
	}
	return out
}

// rostersOf lists the rosters that a column can be of.
func rostersOf(c *web.Ctx) (registry.Fields, error) {
	var all registry.Fields
	err := c.View(func(tx db.Tx) (err error) { all, err = fields.WithNewRosters(tx); return err })
	return slices.DeleteFunc(all, func(f registry.Field) bool { return f.Type != registry.TypeRoster }), err
}

// path is a definition's address: /fields/household/plots.ha for a column.
func path(f registry.Field) string {
	return "/fields/" + f.Subject + "/" + strings.TrimPrefix(f.Roster+"."+f.Code, ".")
}

// key is the definition in the address.
func key(c *web.Ctx) registry.FieldKey {
	k := registry.FieldKey{Subject: c.Param("subject"), Code: c.Param("code")}
	if roster, code, ok := strings.Cut(k.Code, "."); ok {
		k.Roster, k.Code = roster, code
	}
	return k
}

// Schema sends the definitions of a subject in use as a JSON Schema.
func Schema(c *web.Ctx) error {
	subject := c.Param("subject")
	if !slices.Contains(fields.Subjects(), subject) {
		return fault.Hidden()
	}
	var all registry.Fields
	if err := c.View(func(tx db.Tx) (err error) { all, err = registry.LoadFields(tx); return err }); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(fields.Schema(subject, all), "", "  ")
	if err != nil {
		return err
	}
	c.Set("Content-Disposition", `attachment; filename="`+subject+`.schema.json"`)
	c.Set("Cache-Control", "no-store")
	return c.Send(200, "application/schema+json", append(raw, '\n'))
}
