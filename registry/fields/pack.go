package fields

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
)

// Entry is a definition as a file says it: a pack, or a country's settings.
type Entry struct {
	Subject     string              `yaml:"subject"`
	Roster      string              `yaml:"roster,omitempty"`
	Code        string              `yaml:"code"`
	Type        registry.FieldType  `yaml:"type"`
	Label       i18n.Text           `yaml:"label"`
	Question    i18n.Text           `yaml:"question,omitempty"`
	Help        i18n.Text           `yaml:"help,omitempty"`
	Unit        i18n.Text           `yaml:"unit,omitempty"`
	Options     []registry.Option   `yaml:"options,omitempty"`
	Rules       registry.FieldRules `yaml:"rules,omitempty"`
	Sensitivity string              `yaml:"sensitivity,omitempty"` // personal when empty
	Asked       bool                `yaml:"asked,omitempty"`
	Section     string              `yaml:"section,omitempty"` // other when empty
	Formula     string              `yaml:"formula,omitempty"`
	Result      registry.FieldType  `yaml:"result,omitempty"`
	VisibleWhen string              `yaml:"visible_when,omitempty"`
	Evidence    string              `yaml:"evidence,omitempty"`
	Roles       registry.FieldRoles `yaml:"roles,omitempty"`
	Form        string              `yaml:"form,omitempty"`
	Claim       registry.FieldClaim `yaml:"claim,omitempty"`
}

// Field is the entry as a definition at a position in the form.
func (e Entry) Field(position int) registry.Field {
	f := registry.Field{
		Subject: e.Subject, Roster: e.Roster, Code: e.Code, Type: e.Type, Label: e.Label, Question: e.Question, Help: e.Help,
		Unit: e.Unit, Options: e.Options, Rules: e.Rules, Sensitivity: e.Sensitivity, Asked: e.Asked, Section: e.Section,
		Position: position, Formula: e.Formula, Result: e.Result, VisibleWhen: e.VisibleWhen, Evidence: e.Evidence, Roles: e.Roles,
		Form: e.Form, Claim: e.Claim,
	}
	if f.Sensitivity == "" {
		f.Sensitivity = "personal"
	}
	if f.Section == "" {
		f.Section = "other"
	}
	return f
}

// EntryOf is a definition as a file says it.
func EntryOf(f registry.Field) Entry {
	return Entry{
		Subject: f.Subject, Roster: f.Roster, Code: f.Code, Type: f.Type, Label: f.Label, Question: f.Question, Help: f.Help,
		Unit: f.Unit, Options: f.Options, Rules: f.Rules, Sensitivity: f.Sensitivity, Asked: f.Asked, Section: f.Section,
		Formula: f.Formula, Result: f.Result, VisibleWhen: f.VisibleWhen, Evidence: f.Evidence, Roles: f.Roles,
		Form: f.Form, Claim: f.Claim,
	}.Normal()
}

// Normal leaves out what goes without saying, so that the same definition is
// the same entry.
func (e Entry) Normal() Entry {
	for _, t := range []*i18n.Text{&e.Label, &e.Question, &e.Help, &e.Unit, &e.Rules.PatternError} {
		if len(*t) == 0 {
			*t = nil
		}
	}
	if len(e.Options) == 0 {
		e.Options = nil
	}
	if len(e.Roles) == 0 {
		e.Roles = nil
	}
	for value, usual := range map[*string]string{&e.Sensitivity: "personal", &e.Section: "other", &e.Evidence: "none"} {
		if *value == usual {
			*value = ""
		}
	}
	return e
}

// Pack is a set of definitions that belong together.
type Pack struct {
	Code    string    `yaml:"code"`
	Name    i18n.Text `yaml:"name"`
	Summary i18n.Text `yaml:"summary"`
	Fields  []Entry   `yaml:"fields"`
}

//go:embed packs/*.yaml
var packFiles embed.FS

// Packs returns those that come with Daftar.
func Packs() ([]Pack, error) {
	names, err := fs.Glob(packFiles, "packs/*.yaml")
	if err != nil {
		return nil, err
	}
	var list []Pack
	for _, name := range names {
		raw, err := packFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var p Pack
		d := yaml.NewDecoder(bytes.NewReader(raw))
		d.KnownFields(true)
		if err := d.Decode(&p); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, p)
	}
	return list, nil
}

// InstalledPack says how much of a pack the registry has.
type InstalledPack struct {
	Pack
	Missing int
}

// Available lists the packs with what of them is not there yet.
func Available(tx db.Tx) ([]InstalledPack, error) {
	packs, err := Packs()
	if err != nil {
		return nil, err
	}
	there, err := List(tx)
	if err != nil {
		return nil, err
	}
	var list []InstalledPack
	for _, p := range packs {
		list = append(list, InstalledPack{Pack: p, Missing: len(missing(p.Fields, there))})
	}
	return list, nil
}

func missing(entries []Entry, there []Definition) []Entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool {
		return slices.ContainsFunc(there, func(d Definition) bool { return d.Key() == e.Field(0).Key() })
	})
}

// Install publishes those definitions of a pack that the registry does not have
// in any version. What is there is left alone.
func Install(tx db.Tx, code string, languages []string) error {
	packs, err := Packs()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(packs, func(p Pack) bool { return p.Code == code })
	if i < 0 {
		return fault.Hidden()
	}
	there, err := List(tx)
	if err != nil {
		return err
	}
	position := 0
	for _, d := range there {
		position = max(position, d.Position)
	}
	if err := PublishAll(tx, At(missing(packs[i].Fields, there), position+1), languages); err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "field.pack_installed", Detail: map[string]any{"pack": code}})
}

// At gives entries their places in the form, one after the other.
func At(entries []Entry, position int) registry.Fields {
	var list registry.Fields
	for i, e := range entries {
		list = append(list, e.Field(position+i))
	}
	return list
}

// PublishAll stores and publishes definitions that belong together, in whatever
// order they stand.
func PublishAll(tx db.Tx, list registry.Fields, languages []string) error {
	ids := make([]db.ID, len(list))
	for i, f := range list {
		var err error
		if ids[i], err = Store(tx, f); err != nil {
			return fmt.Errorf("%s: %w", strings.Trim(f.Roster+"."+f.Code, "."), err)
		}
	}
	for i, f := range list {
		if _, err := publish(tx, ids[i], languages, list); err != nil {
			return fmt.Errorf("%s: %w", strings.Trim(f.Roster+"."+f.Code, "."), err)
		}
	}
	return follow(tx)
}
