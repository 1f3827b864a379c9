package registry

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
)

// Field is one published field definition: the same one draws the citizen's
// form and the clerk's, checks an import and names a value on the record.
type Field struct {
	ID          db.ID      `db:"id"`
	Subject     string     `db:"subject"` // "person", "household", "application" or "event"
	Roster      string     `db:"roster"`  // the roster whose rows it describes; "" for none
	Code        string     `db:"code"`
	Version     int        `db:"version"`
	Type        FieldType  `db:"type"`
	Label       i18n.Text  `db:"label"`
	Question    i18n.Text  `db:"question"`
	Help        i18n.Text  `db:"help"`
	Unit        i18n.Text  `db:"unit"`
	Options     Options    `db:"options"`
	Rules       FieldRules `db:"rules"`
	Sensitivity string     `db:"sensitivity"`
	Asked       bool       `db:"asked"`
	Section     string     `db:"section"`
	Position    int        `db:"position"`
	Formula     string     `db:"formula"`      // CEL; see package formula
	Result      FieldType  `db:"result"`       // what the formula gives
	VisibleWhen string     `db:"visible_when"` // CEL: asked only then
	Evidence    string     `db:"evidence"`     // "none" or "asked"; never a condition (RULES R1)
	Roles       FieldRoles `db:"roles"`
	Form        string     `db:"form"`  // of an application or event: which programme or kind of event asks it; "" every one
	Claim       FieldClaim `db:"claim"` // what a credential says of it
}

// FieldClaim makes a value a claim of a credential. The zero value makes it none.
type FieldClaim struct {
	Credential string `json:"credential,omitempty" yaml:"credential,omitempty"` // a credential type
	Name       string `json:"name,omitempty" yaml:"name,omitempty"`             // of the claim; the field's code when empty
	Mandatory  bool   `json:"mandatory,omitempty" yaml:"mandatory,omitempty"`   // always there, null where nothing is known
	Always     bool   `json:"always,omitempty" yaml:"always,omitempty"`         // shown with every presentation: not selectively disclosable
	Sensitive  bool   `json:"sensitive,omitempty" yaml:"sensitive,omitempty"`   // said though it is sensitive: an explicit choice
}

// Scan reads a jsonb column.
func (c *FieldClaim) Scan(src any) error { return scanJSON(src, c) }

// FieldKey names a definition whatever its version.
type FieldKey struct{ Subject, Roster, Code string }

// Key names the definition whatever its version.
func (f Field) Key() FieldKey { return FieldKey{f.Subject, f.Roster, f.Code} }

// Shape is the type of the values: a calculated field has that of its result.
func (f Field) Shape() FieldType {
	if f.Type == TypeCalculated {
		return f.Result
	}
	return f.Type
}

// FieldRoles says which roles may do what with a value: "see", "edit",
// "filter", "export". What is not named follows from the sensitivity.
type FieldRoles map[string][]string

// Scan reads a jsonb column.
func (r *FieldRoles) Scan(src any) error { return scanJSON(src, r) }

// Uses lists what a role may be allowed to do with a value.
func Uses() []string { return []string{"see", "edit", "filter", "export"} }

// careful are the roles that work with what is sensitive, where a definition
// does not name others.
var careful = []string{"intake", "verifier", "approver", "approver2", "protection", "dataquality"}

// May reports whether any of the roles may use the values in a way. Whose
// record it is sees all of it, whatever stands here (RULES R14).
func (f Field) May(use string, roles []string) bool {
	named, ok := f.Roles[use]
	if !ok {
		if f.Sensitivity != "sensitive" {
			return true
		}
		if use == "filter" || use == "export" {
			return false
		}
		named = careful
	}
	return slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(named, r) })
}

// With is the list with f in the place of the version before it.
func (fs Fields) With(f Field) Fields {
	return append(slices.DeleteFunc(slices.Clone(fs), func(o Field) bool { return o.Key() == f.Key() }), f)
}

// Citizen stands among the roles that edit a field where people change it themselves.
const Citizen = "citizen"

// Looser reports whether a value is guarded less than another that it is made of: of
// a lower sensitivity, or to be seen, filtered or exported by a role that may not do
// so with the other.
func (f Field) Looser(of Field) bool {
	if slices.Index(sensitivities, f.Sensitivity) < slices.Index(sensitivities, of.Sensitivity) {
		return true
	}
	for _, use := range []string{"see", "filter", "export"} {
		roles := slices.Concat(careful, f.Roles[use], of.Roles[use], []string{""}) // "": any other
		for _, role := range roles {
			if f.May(use, []string{role}) && !of.May(use, []string{role}) {
				return true
			}
		}
	}
	return false
}

// sensitivities are the classes of values, the least first.
var sensitivities = []string{"ordinary", "personal", "sensitive"}

// FieldType is what kind of value a field holds.
type FieldType string

// The field types, with the JSON that stores a value.
const (
	TypeText    FieldType = "text"    // string
	TypeNumber  FieldType = "number"  // number
	TypeMoney   FieldType = "money"   // integer, in whole units of the country's currency
	TypeYesNo   FieldType = "yes_no"  // "yes", "no" or "unknown"
	TypeDate    FieldType = "date"    // "2026-03-02"
	TypeChoice  FieldType = "choice"  // an option's code
	TypeChoices FieldType = "choices" // codes
	TypeArea    FieldType = "area"    // a P-code
	TypeFile    FieldType = "file"    // a reference of table file: a photo
	TypeRoster  FieldType = "roster"  // rows: objects with "id" and the columns' values

	TypeCalculated FieldType = "calculated" // by its formula; never typed
)

// FieldTypes lists the types. Each has the message "field.type.<type>".
func FieldTypes() []FieldType {
	return []FieldType{TypeText, TypeNumber, TypeMoney, TypeYesNo, TypeDate, TypeChoice, TypeChoices, TypeArea, TypeFile, TypeRoster, TypeCalculated}
}

// MaxText is the longest text of a field that says nothing else, in characters.
const MaxText = 200

// Unknown is the value of a yes/no question that was asked and not answered.
// It is not "no".
const Unknown = "unknown"

// NoneOf is the input that answers a question with several choices with none of
// them. The value is an empty list, which is not "no answer".
const NoneOf = "-"

// Option is one answer of a choice.
type Option struct {
	Code    string    `json:"code" yaml:"code"`
	Label   i18n.Text `json:"label" yaml:"label"`
	Retired bool      `json:"retired,omitempty" yaml:"retired,omitempty"` // still shown where it was answered, no longer offered
}

// Options is a choice's answers, in order.
type Options []Option

// Scan reads a jsonb column.
func (o *Options) Scan(src any) error { return scanJSON(src, o) }

// Has reports whether code is one of the answers that are offered.
func (o Options) Has(code string) bool {
	return slices.ContainsFunc(o, func(opt Option) bool { return opt.Code == code && !opt.Retired })
}

// Keeping is the answers that are offered where a record holds some already: those
// that are offered no more among them.
func (o Options) Keeping(held []string) Options {
	out := slices.Clone(o)
	for i := range out {
		out[i].Retired = out[i].Retired && !slices.Contains(held, out[i].Code)
	}
	return out
}

// Had reports whether code is one of the answers, or was one.
func (o Options) Had(code string) bool {
	return slices.ContainsFunc(o, func(opt Option) bool { return opt.Code == code })
}

// Label returns the label of a code; the zero text when there is none.
func (o Options) Label(code string) i18n.Text {
	for _, opt := range o {
		if opt.Code == code {
			return opt.Label
		}
	}
	return nil
}

// FieldRules bound a value.
type FieldRules struct {
	Min       *float64 `json:"min,omitempty" yaml:"min,omitempty"`
	Max       *float64 `json:"max,omitempty" yaml:"max,omitempty"`
	MaxLength int      `json:"max_length,omitempty" yaml:"max_length,omitempty"` // characters; 200 when zero
	Decimals  int      `json:"decimals,omitempty" yaml:"decimals,omitempty"`
	// Pattern is what the whole of a text has to fit (RE2); PatternError says so in
	// every language.
	Pattern      string    `json:"pattern,omitempty" yaml:"pattern,omitempty"`
	PatternError i18n.Text `json:"pattern_error,omitempty" yaml:"pattern_error,omitempty"`
}

// MaxPattern is the longest pattern, in characters.
const MaxPattern = 200

// Whole is the pattern as an expression over the whole of a text.
func (r FieldRules) Whole() string { return "^(?:" + r.Pattern + ")$" }

// patterns are those in use, compiled once.
var patterns sync.Map

// Fits reports whether a text is as the pattern wants it. A pattern that cannot be
// read, which is never published, wants nothing.
func (r FieldRules) Fits(text string) bool {
	if r.Pattern == "" {
		return true
	}
	compiled, known := patterns.Load(r.Pattern)
	if !known {
		expression, err := regexp.Compile(r.Whole())
		if err != nil {
			return true
		}
		compiled, _ = patterns.LoadOrStore(r.Pattern, expression)
	}
	return compiled.(*regexp.Regexp).MatchString(text)
}

// Scan reads a jsonb column.
func (r *FieldRules) Scan(src any) error { return scanJSON(src, r) }

func scanJSON(src, dst any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case []byte:
		return json.Unmarshal(v, dst)
	case string:
		return json.Unmarshal([]byte(v), dst)
	}
	return fmt.Errorf("cannot read %T as JSON", src)
}

// Ask is the question as put to a person; the label in each language that has no
// question.
func (f Field) Ask() i18n.Text {
	ask := i18n.Text{}
	for _, text := range []i18n.Text{f.Label, f.Question} {
		for tag, s := range text {
			if s != "" {
				ask[tag] = s
			}
		}
	}
	return ask
}

// Parse checks what was typed or read and returns the value to store; nil for
// "no answer", which is always allowed (RULES R1). The error names the input
// by the field's code.
func (f Field) Parse(in []string) (any, error) {
	var given []string
	for _, s := range in {
		if s = strings.TrimSpace(s); s != "" {
			given = append(given, s)
		}
	}
	if len(given) == 0 {
		return nil, nil
	}
	value, key, args := f.parse(given)
	if key != "" {
		var c fault.Check
		c.Fail(f.Code, key, args...)
		return nil, c.Err()
	}
	return value, nil
}

// Holds reports whether what was typed or read is the value that a record holds
// already, though nobody could give it any more: an answer that is offered no
// longer, a value beyond a limit that came later, a place that ended.
func (f Field) Holds(stored any, given []string) bool {
	f.Rules = FieldRules{Decimals: maxDecimals, MaxLength: maxHeld}
	f.Options = f.Options.Keeping(f.Input(stored))
	value, err := f.Parse(given)
	return err == nil && value != nil && slices.Equal(f.Input(value), f.Input(stored))
}

// What a value that is held may be, whatever the limits.
const (
	maxDecimals = 6
	maxHeld     = 100_000
)

func (f Field) parse(given []string) (value any, key string, args []any) {
	if f.Type != TypeChoices && len(given) > 1 {
		return nil, "field.error.one", nil
	}
	s := given[0]
	switch f.Type {
	case TypeText:
		limit := f.Rules.MaxLength
		if limit == 0 {
			limit = MaxText
		}
		if utf8.RuneCountInString(s) > limit {
			return nil, "field.error.too_long", []any{"Max", limit}
		}
		if !f.Rules.Fits(s) {
			return nil, "field.error.pattern", []any{"Why", f.Rules.PatternError}
		}
		return s, "", nil
	case TypeNumber, TypeMoney:
		return f.parseNumber(s)
	case TypeYesNo:
		if s != "yes" && s != "no" && s != Unknown {
			return nil, "field.error.choice", nil
		}
		return s, "", nil
	case TypeDate:
		t, err := time.Parse(time.DateOnly, i18n.LatinDigits(s))
		if err != nil || t.Year() < 1850 || t.Year() > 2200 {
			return nil, "field.error.date", nil
		}
		return t.Format(time.DateOnly), "", nil
	case TypeChoice:
		if !f.Options.Has(s) {
			return nil, "field.error.choice", nil
		}
		return s, "", nil
	case TypeChoices:
		if slices.Contains(given, NoneOf) {
			if len(slices.Compact(slices.Sorted(slices.Values(given)))) > 1 {
				return nil, "field.error.none_and_some", nil
			}
			return []string{}, "", nil
		}
		for _, code := range given {
			if !f.Options.Has(code) {
				return nil, "field.error.choice", nil
			}
		}
		slices.Sort(given)
		return slices.Compact(given), "", nil
	case TypeArea: // that there is such an area is for Places to say
		code := strings.ToUpper(i18n.LatinDigits(s))
		if !areaCode.MatchString(code) {
			return nil, "field.error.place", nil
		}
		return code, "", nil
	}
	return nil, "field.error.choice", nil
}

var areaCode = regexp.MustCompile(`^[A-Z0-9]{2,20}$`)

// A separator between groups of three digits is one of thousands; a comma
// elsewhere is a decimal comma. Anything else, such as "1 2" or "1e3", could be
// read in two ways and is refused.
var (
	grouped    = regexp.MustCompile(`^-?[1-9]\d{0,2}([,٬ \x{a0}\x{202f}]\d{3})+([.٫]\d*)?$`)
	ungrouped  = regexp.MustCompile(`^-?\d+([.,٫]\d*)?$`)
	separators = strings.NewReplacer(",", "", "٬", "", " ", "", "\u00a0", "", "\u202f", "")
)

func (f Field) parseNumber(s string) (any, string, []any) {
	switch s = i18n.LatinDigits(s); {
	case grouped.MatchString(s):
		s = separators.Replace(s)
	case ungrouped.MatchString(s):
		s = strings.Replace(s, ",", ".", 1)
	default:
		return nil, "field.error.number", nil
	}
	s = strings.Replace(s, "٫", ".", 1)
	_, decimals, _ := strings.Cut(s, ".")
	n, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil:
		return nil, "field.error.number", nil
	case len(decimals) > f.Rules.Decimals:
		if f.Rules.Decimals == 0 {
			return nil, "field.error.whole", nil
		}
		return nil, "field.error.decimals", []any{"Max", f.Rules.Decimals}
	case f.Rules.Min != nil && n < *f.Rules.Min:
		return nil, "field.error.min", []any{"Min", trimNumber(*f.Rules.Min)}
	case f.Rules.Max != nil && n > *f.Rules.Max:
		return nil, "field.error.max", []any{"Max", trimNumber(*f.Rules.Max)}
	case n > 1e12 || n < -1e12:
		return nil, "field.error.number", nil
	}
	return n, "", nil
}

func trimNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// Show renders a stored value in the printer's language; "" for no value.
func (f Field) Show(p *i18n.Printer, value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		switch f.Shape() {
		case TypeYesNo:
			return p.T("answer." + v)
		case TypeChoice:
			return f.option(p, v)
		case TypeArea: // see WithPlaces
			if name := f.option(p, v); f.Options.Had(v) && !f.Options.Has(v) {
				return p.T("field.place_ended", "Place", name)
			}
			return f.option(p, v)
		case TypeFile:
			return p.T("field.photo")
		case TypeDate:
			if t, err := time.Parse(time.DateOnly, v); err == nil {
				return p.Day(t)
			}
		}
		return v
	case float64:
		if f.Shape() == TypeMoney {
			return p.Money(v)
		}
		text := p.Decimal(v)
		if unit := f.Unit.In(p); unit != "" {
			text = p.T("field.with_unit", "Value", text, "Unit", unit)
		}
		return text
	case []any, []string:
		if f.Type == TypeRoster {
			return p.Number(len(Rows(value)))
		}
		labels := f.Input(v)
		if slices.Equal(labels, []string{NoneOf}) {
			return p.T("answer.none")
		}
		for i, code := range labels {
			labels[i] = f.option(p, code)
		}
		return p.List(labels)
	}
	return fmt.Sprint(value)
}

// option is the label of a code; the code itself when it has none any more.
func (f Field) option(p *i18n.Printer, code string) string {
	if label := f.Options.Label(code); label != nil {
		return label.In(p)
	}
	return code
}

// Input is a stored value as the form input takes it back.
func (f Field) Input(value any) []string {
	switch v := value.(type) {
	case nil:
		return nil
	case float64:
		return []string{trimNumber(v)}
	case []string: // as Parse made it
		if len(v) == 0 {
			return []string{NoneOf}
		}
		return slices.Clone(v)
	case []any: // as the database gave it back
		var codes []string
		for _, code := range v {
			codes = append(codes, fmt.Sprint(code))
		}
		if len(codes) == 0 {
			return []string{NoneOf}
		}
		return codes
	}
	return []string{fmt.Sprint(value)}
}

// Fields is a set of definitions, in the order of the form.
type Fields []Field

// Of returns the definitions for one kind of subject, columns of rosters apart.
func (fs Fields) Of(subject string) Fields {
	var out Fields
	for i := range fs {
		if f := &fs[i]; f.Subject == subject && f.Roster == "" {
			out = append(out, *f)
		}
	}
	return out
}

// Asked returns the definitions that the registration form asks, with the
// columns of the rosters among them.
func (fs Fields) Asked() Fields {
	rosters := map[FieldKey]bool{} // those that are asked
	for i := range fs {
		if f := &fs[i]; f.Roster == "" && f.Asked {
			rosters[f.Key()] = true
		}
	}
	var out Fields
	for i := range fs {
		f := &fs[i]
		if f.Asked && f.Type != TypeCalculated || f.Roster != "" && rosters[FieldKey{Subject: f.Subject, Code: f.Roster}] {
			out = append(out, *f)
		}
	}
	return out
}

// Columns returns the definitions of a roster's rows.
func (fs Fields) Columns(roster Field) Fields {
	var out Fields
	for _, f := range fs {
		if f.Subject == roster.Subject && f.Roster == roster.Code && f.Roster != "" {
			out = append(out, f)
		}
	}
	return out
}

// Get returns the definition with a code, columns of rosters apart.
func (fs Fields) Get(code string) (Field, bool) {
	for _, f := range fs {
		if f.Code == code && f.Roster == "" {
			return f, true
		}
	}
	return Field{}, false
}

const fieldColumns = `id, subject, roster, code, version, type, label, question, help, unit, options, rules,
	sensitivity, asked, section, position, formula, result, visible_when, evidence, roles, form, claim`

// LoadFields are the newest published versions of every definition that is not
// retired.
func LoadFields(tx db.Tx) (Fields, error) {
	all, err := OfFields(tx, "fields", func(all Fields) (any, error) { return all, nil })
	if err != nil {
		return nil, err
	}
	return slices.Clone(all.(Fields)), nil
}

// OfFields is what make makes of all definitions, kept by the process for as long
// as none of them changes. It is shared: nobody writes to it.
func OfFields(tx db.Tx, name string, make func(Fields) (any, error)) (any, error) {
	var version int64
	if err := tx.Get(&version, `select fields from setting_state`); err != nil {
		return nil, err
	}
	return tx.Memo(name, version, func() (any, error) {
		fs, err := readFields(tx)
		if err != nil {
			return nil, err
		}
		return make(fs)
	})
}

func readFields(tx db.Tx) (Fields, error) {
	var fs Fields
	err := tx.Select(&fs, `
		select `+fieldColumns+` from (
			select distinct on (subject, roster, code) `+fieldColumns+`, retired_at
			from field_definition
			where published_at is not null
			order by subject, roster, code, version desc) newest
		where retired_at is null
		order by position, subject, roster, code`)
	return fs, err
}
