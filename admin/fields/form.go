package fields

import (
	"slices"
	"strconv"
	"strings"

	"daftar/auth"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/fields"
	"daftar/web"
)

// Longest texts of a definition, in characters.
const (
	maxLabel      = 200
	maxHelp       = 600
	maxExpression = 2000
	maxOptions    = 20000
)

// texts are a definition's texts: each has an input per language.
var texts = []string{"label", "question", "help", "unit"}

// inputs are the editor's inputs for a type.
func inputs(f registry.Field, languages []i18n.Locale) []string {
	names := []string{"sensitivity", "section", "position", "visible_when", "evidence"}
	for _, t := range texts {
		for _, l := range languages {
			names = append(names, t+"-"+l.Tag)
		}
	}
	for _, use := range registry.Uses() {
		names = append(names, "roles-"+use)
	}
	if f.Type != registry.TypeCalculated && f.Roster == "" {
		names = append(names, "asked")
	}
	if about(f) {
		names = append(names, "form")
	}
	if claims(f) {
		names = append(names, "credential", "claim_name", "claim_mandatory", "claim_always", "claim_sensitive")
	}
	switch f.Type {
	case registry.TypeChoice, registry.TypeChoices:
		names = append(names, "options")
	case registry.TypeNumber, registry.TypeMoney:
		names = append(names, "min", "max", "decimals")
	case registry.TypeText:
		names = append(names, "max_length", "pattern")
		for _, l := range languages {
			names = append(names, "pattern_error-"+l.Tag)
		}
	case registry.TypeCalculated:
		names = append(names, "formula", "result")
	}
	return names
}

// about reports whether a definition is about something asked for, not a record.
func about(f registry.Field) bool {
	return f.Subject == fields.SubjectApplication || f.Subject == fields.SubjectEvent
}

// claims reports whether a credential can say the values of a definition.
func claims(f registry.Field) bool {
	return !about(f) && f.Roster == "" && f.Type != registry.TypeFile && f.Type != registry.TypeRoster
}

// values is a definition as the editor's inputs show it.
func values(f registry.Field, languages []i18n.Locale) map[string][]string {
	v := map[string][]string{
		"sensitivity": {f.Sensitivity}, "section": {f.Section}, "position": {strconv.Itoa(f.Position)}, "visible_when": {f.VisibleWhen},
		"evidence": {f.Evidence}, "options": {optionLines(f.Options, languages)}, "formula": {f.Formula}, "result": {string(f.Result)},
		"min": {number(f.Rules.Min)}, "max": {number(f.Rules.Max)},
		"decimals": {strconv.Itoa(f.Rules.Decimals)}, "max_length": {strconv.Itoa(max(f.Rules.MaxLength, 0))},
	}
	v["form"], v["credential"], v["claim_name"] = []string{f.Form}, []string{f.Claim.Credential}, []string{f.Claim.Name}
	for name, yes := range map[string]bool{"asked": f.Asked, "claim_mandatory": f.Claim.Mandatory, "claim_always": f.Claim.Always, "claim_sensitive": f.Claim.Sensitive} {
		if yes {
			v[name] = []string{"yes"}
		}
	}
	v["pattern"] = []string{f.Rules.Pattern}
	for name, text := range map[string]i18n.Text{"label": f.Label, "question": f.Question, "help": f.Help, "unit": f.Unit, "pattern_error": f.Rules.PatternError} {
		for _, l := range languages {
			v[name+"-"+l.Tag] = []string{text[l.Tag]}
		}
	}
	for use, roles := range f.Roles {
		v["roles-"+use] = roles
	}
	return v
}

// rolesFor lists who may be named for a use: that people change a value themselves is
// said with the roles.
func rolesFor(use string) []string {
	list := slices.Sorted(slices.Values(auth.Roles()))
	if use == "edit" {
		return append([]string{registry.Citizen}, list...)
	}
	return list
}

// read is the definition as typed. What cannot be read at all is noted; the
// rest is for fields.Check.
func read(f registry.Field, form *web.Form, languages []i18n.Locale, check *fault.Check) registry.Field {
	for name, into := range map[string]*i18n.Text{"label": &f.Label, "question": &f.Question, "help": &f.Help, "unit": &f.Unit} {
		*into = i18n.Text{}
		limit := maxLabel
		if name == "help" {
			limit = maxHelp
		}
		for _, l := range languages {
			if text := form.Text(check, name+"-"+l.Tag, limit); text != "" {
				(*into)[l.Tag] = text
			}
		}
	}
	f.Sensitivity = form.Choice(check, "sensitivity", sensitivities, "field.error.choice")
	f.Section = form.Choice(check, "section", fields.Sections(f.Subject), "field.error.choice")
	f.Evidence = form.Choice(check, "evidence", []string{"none", "asked"}, "field.error.choice")
	f.Asked = form.Get("asked") == "yes"
	f.VisibleWhen = form.Text(check, "visible_when", maxExpression)
	f.Position = whole(form, check, "position")
	if about(f) {
		f.Form = form.Get("form")
	}
	if claims(f) {
		f.Claim = registry.FieldClaim{}
		if credential := form.Get("credential"); credential != "" {
			f.Claim = registry.FieldClaim{Credential: credential, Name: form.Text(check, "claim_name", maxLabel),
				Mandatory: form.Get("claim_mandatory") == "yes", Always: form.Get("claim_always") == "yes", Sensitive: form.Get("claim_sensitive") == "yes"}
		}
	}
	f.Roles = registry.FieldRoles{}
	for _, use := range registry.Uses() {
		if chosen := form.All("roles-" + use); len(chosen) > 0 {
			if slices.ContainsFunc(chosen, func(r string) bool { return !slices.Contains(rolesFor(use), r) }) {
				check.Fail("roles-"+use, "field.error.choice")
			}
			f.Roles[use] = chosen
		}
	}
	switch f.Type {
	case registry.TypeChoice, registry.TypeChoices:
		f.Options = readOptions(form.Text(check, "options", maxOptions), languages, check)
	case registry.TypeNumber, registry.TypeMoney:
		f.Rules = registry.FieldRules{Min: bound(form, check, "min"), Max: bound(form, check, "max"), Decimals: whole(form, check, "decimals")}
	case registry.TypeText:
		f.Rules = registry.FieldRules{MaxLength: whole(form, check, "max_length"), Pattern: form.Text(check, "pattern", registry.MaxPattern), PatternError: i18n.Text{}}
		for _, l := range languages {
			if text := form.Text(check, "pattern_error-"+l.Tag, maxLabel); text != "" {
				f.Rules.PatternError[l.Tag] = text
			}
		}
	case registry.TypeCalculated:
		f.Formula = form.Text(check, "formula", maxExpression)
		f.Result = registry.FieldType(form.Choice(check, "result", results, "field.error.choice"))
	}
	return f
}

var (
	sensitivities = []string{"ordinary", "personal", "sensitive"}
	results       = []string{"number", "money", "yes_no", "text"}
)

func whole(form *web.Form, check *fault.Check, name string) int {
	text := i18n.LatinDigits(form.Text(check, name, 10))
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		check.Fail(name, "field.error.whole")
	}
	return n
}

func bound(form *web.Form, check *fault.Check, name string) *float64 {
	text := i18n.LatinDigits(form.Text(check, name, 20))
	if text == "" {
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		check.Fail(name, "field.error.number")
		return nil
	}
	return &n
}

func number(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

// optionLines writes one answer per line: code | label in each language.
func optionLines(options registry.Options, languages []i18n.Locale) string {
	var lines []string
	for _, o := range options {
		if o.Retired {
			continue
		}
		parts := []string{o.Code}
		for _, l := range languages {
			parts = append(parts, o.Label[l.Tag])
		}
		lines = append(lines, strings.Join(parts, " | "))
	}
	return strings.Join(lines, "\n")
}

func readOptions(text string, languages []i18n.Locale, check *fault.Check) registry.Options {
	options := registry.Options{}
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		parts := strings.Split(line, "|")
		if len(parts) != 1+len(languages) {
			check.Fail("options", "field.error.option_line", "Line", i+1)
			return options
		}
		o := registry.Option{Code: strings.TrimSpace(parts[0]), Label: i18n.Text{}}
		for j, l := range languages {
			if label := strings.TrimSpace(parts[j+1]); label != "" {
				o.Label[l.Tag] = label
			}
		}
		options = append(options, o)
	}
	return options
}
