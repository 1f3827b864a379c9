// Package fields is the editing of field definitions: drafts, what makes one
// sound, publication, retirement, and packs of definitions that belong together.
package fields

import (
	"database/sql"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"unicode/utf8"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/registry/credentials"
	"daftar/registry/formula"
	"daftar/registry/jobs"
	"daftar/registry/programmes"
)

// Definition is one version of a definition and where it stands.
type Definition struct {
	registry.Field
	PublishedAt sql.NullTime `db:"published_at"`
	RetiredAt   sql.NullTime `db:"retired_at"`
}

// State is "draft", "published" or "retired". Each has the message
// "field.state.<state>".
func (d Definition) State() string {
	switch {
	case d.RetiredAt.Valid:
		return "retired"
	case d.PublishedAt.Valid:
		return "published"
	}
	return "draft"
}

const columns = `id, subject, roster, code, version, type, label, question, help, unit, options, rules, sensitivity, asked,
	section, position, formula, result, visible_when, evidence, roles, form, claim, published_at, retired_at`

// List returns the newest version of every definition, a draft before what it
// will replace, in the order of the form.
func List(tx db.Tx) ([]Definition, error) {
	var list []Definition
	err := tx.Select(&list, `
		select `+columns+` from (
			select distinct on (subject, roster, code, published_at is null) `+columns+`
			from field_definition
			order by subject, roster, code, published_at is null, version desc) newest
		order by subject, position, roster, code, version desc`)
	return list, err
}

// WithNewRosters returns the published definitions and the rosters that are drafts
// only: a column can be drafted of one, and goes into use with it.
func WithNewRosters(tx db.Tx) (registry.Fields, error) {
	all, err := registry.LoadFields(tx)
	if err != nil {
		return nil, err
	}
	drafts, err := List(tx)
	for _, d := range drafts {
		if d.Type == registry.TypeRoster && d.State() == "draft" && d.Version == 1 {
			all = append(all, d.Field)
		}
	}
	return all, err
}

// ColumnsOf lists the columns of a roster, drafts in the place of what they follow.
func ColumnsOf(tx db.Tx, roster registry.Field) ([]Definition, error) {
	list, err := List(tx)
	var out []Definition
	for _, d := range list {
		if d.Subject != roster.Subject || d.Roster != roster.Code {
			continue
		}
		i := slices.IndexFunc(out, func(o Definition) bool { return o.Code == d.Code })
		switch {
		case i < 0:
			out = append(out, d)
		case d.Version > out[i].Version:
			out[i] = d
		}
	}
	return out, err
}

// draftColumns lists the drafts of a roster's columns.
func draftColumns(tx db.Tx, roster registry.Field) ([]Definition, error) {
	list, err := List(tx)
	return slices.DeleteFunc(list, func(d Definition) bool {
		return d.Subject != roster.Subject || d.Roster != roster.Code || d.State() != "draft"
	}), err
}

// Load returns one version; fault.NotFound when there is none.
func Load(tx db.Tx, id db.ID) (Definition, error) {
	var d Definition
	err := tx.Get(&d, `select `+columns+` from field_definition where id = $1`, id)
	return d, err
}

// History returns the versions of a definition, newest first.
func History(tx db.Tx, key registry.FieldKey) ([]Definition, error) {
	var list []Definition
	err := tx.Select(&list, `
		select `+columns+` from field_definition
		where subject = $1 and roster = $2 and code = $3 order by version desc`, key.Subject, key.Roster, key.Code)
	return list, err
}

// Store writes a draft: a new one when the definition has none, the draft there
// is otherwise. It returns the draft's id.
func Store(tx db.Tx, f registry.Field) (db.ID, error) {
	versions, err := History(tx, f.Key())
	if err != nil {
		return db.ID{}, err
	}
	f.Version = 1
	if len(versions) > 0 {
		f.Version = versions[0].Version + 1
	}
	if i := slices.IndexFunc(versions, func(d Definition) bool { return d.State() == "draft" }); i >= 0 {
		f.ID, f.Version = versions[i].ID, versions[i].Version
	} else {
		f.ID = tx.NewID()
	}
	if f.Evidence == "" {
		f.Evidence = "none"
	}
	if f.Roles == nil {
		f.Roles = registry.FieldRoles{}
	}
	if f.Options == nil {
		f.Options = registry.Options{}
	}
	if err := tx.Exec(`
		insert into field_definition (id, subject, roster, code, version, type, label, question, help, unit, options, rules,
			sensitivity, asked, section, position, formula, result, visible_when, evidence, roles, form, claim)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
		on conflict (id) do update set (type, label, question, help, unit, options, rules, sensitivity, asked, section, position,
			formula, result, visible_when, evidence, roles, form, claim, created_by)
			= (excluded.type, excluded.label, excluded.question, excluded.help, excluded.unit, excluded.options, excluded.rules,
			excluded.sensitivity, excluded.asked, excluded.section, excluded.position, excluded.formula, excluded.result,
			excluded.visible_when, excluded.evidence, excluded.roles, excluded.form, excluded.claim, excluded.created_by)`,
		f.ID, f.Subject, f.Roster, f.Code, f.Version, f.Type, text(f.Label), text(f.Question), text(f.Help), text(f.Unit),
		asJSON(f.Options), asJSON(f.Rules), f.Sensitivity, f.Asked, f.Section, f.Position, f.Formula, f.Result, f.VisibleWhen,
		f.Evidence, asJSON(f.Roles), f.Form, asJSON(f.Claim)); err != nil {
		return f.ID, err
	}
	return f.ID, log(tx, "field.drafted", f.ID, f)
}

func log(tx db.Tx, action string, id db.ID, f registry.Field) error {
	return audit.Write(tx, audit.Event{Action: action, SubjectKind: "field", Subject: id,
		Detail: map[string]any{"subject": f.Subject, "code": f.Code, "version": f.Version}})
}

// Discard deletes a draft, and with a roster that was never in use its columns.
// What was published stays (fault.Conflict).
func Discard(tx db.Tx, id db.ID) error {
	d, err := Load(tx, id)
	if err != nil {
		return err
	}
	if d.State() != "draft" {
		return fault.New(fault.Conflict, "field.error.published")
	}
	gone := []Definition{d}
	if d.Type == registry.TypeRoster && d.Version == 1 {
		columns, err := draftColumns(tx, d.Field)
		if err != nil {
			return err
		}
		gone = append(gone, columns...)
	}
	for _, d := range gone {
		if err := tx.Exec(`delete from field_definition where id = $1`, d.ID); err != nil {
			return err
		}
		if err := log(tx, "field.discarded", d.ID, d.Field); err != nil {
			return err
		}
	}
	return nil
}

// Publish puts a draft into use at once: forms, imports and records follow it
// from the next request on. Stored values are left as they are. A roster that has
// no column in use goes with the drafts of its columns.
func Publish(tx db.Tx, id db.ID, languages []string) (Definition, error) {
	return publish(tx, id, languages, nil)
}

// publish takes those that come in the same transaction for published already, and
// leaves follow to whoever brings them.
func publish(tx db.Tx, id db.ID, languages []string, with registry.Fields) (Definition, error) {
	d, err := Load(tx, id)
	if err != nil {
		return d, err
	}
	if d.State() != "draft" {
		return d, fault.New(fault.Conflict, "field.error.published")
	}
	all, err := registry.LoadFields(tx)
	if err != nil {
		return d, err
	}
	previous, known := find(all, d.Key())
	for _, f := range with {
		if f.Key() != d.Key() {
			all = append(slices.DeleteFunc(all, func(o registry.Field) bool { return o.Key() == f.Key() }), f)
		}
	}
	together := with != nil
	if _, ok := all.Of(d.Subject).Get(d.Roster); d.Roster != "" && !ok {
		return d, fault.New(fault.Conflict, "field.error.roster_draft")
	}
	if err := Check(d.Field, all, languages); err != nil {
		return d, err
	}
	var columns []Definition
	if d.Type == registry.TypeRoster && !together && len(all.Columns(d.Field)) == 0 {
		if columns, err = draftColumns(tx, d.Field); err != nil {
			return d, err
		}
		if len(columns) == 0 {
			return d, invalid("columns", "field.error.no_columns")
		}
	}
	if known {
		d.Options = keepRetired(previous.Options, d.Options)
	}
	if err := tx.Exec(`update field_definition set published_at = $2, options = $3 where id = $1`, id, tx.Now(), asJSON(d.Options)); err != nil {
		return d, err
	}
	d.PublishedAt = sql.NullTime{Time: tx.Now(), Valid: true}
	for _, column := range columns {
		if _, err := publish(tx, column.ID, languages, registry.Fields{d.Field}); err != nil {
			return d, about(column.Field, err)
		}
	}
	if !together {
		if err := follow(tx); err != nil {
			return d, err
		}
	}
	if d.Type == registry.TypeCalculated {
		if err := tx.Enqueue(jobs.KindRecomputeFields, d.ID, d.Version); err != nil {
			return d, err
		}
	}
	return d, log(tx, "field.published", id, d.Field)
}

// about says of which column of a roster it is that something is wrong.
func about(column registry.Field, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Invalid {
		return err
	}
	return fault.New(fault.Conflict, "field.error.column", "Column", column.Code)
}

// Retire takes a definition out of the forms. Its values stay on the records.
// One that others rest on is a fault.Conflict.
func Retire(tx db.Tx, id db.ID) error {
	d, err := Load(tx, id)
	if err != nil {
		return err
	}
	if d.State() != "published" {
		return fault.New(fault.Conflict, "field.error.not_published")
	}
	all, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(f registry.Field) bool { return f.Key() == d.Key() })
	for _, f := range rest {
		switch wrongFormula, wrongVisible := formula.Check(f, rest); {
		case wrongFormula != nil:
			return fault.New(fault.Conflict, "field.error.needed_formula", "Field", f.Label)
		case wrongVisible != nil:
			return fault.New(fault.Conflict, "field.error.needed_visible", "Field", f.Label)
		}
	}
	programme, err := programmes.Holds(tx, rest)
	if err != nil {
		return err
	}
	if programme != nil {
		return fault.New(fault.Conflict, "field.error.needed_rule", "Programme", programme)
	}
	if err := tx.Exec(`update field_definition set retired_at = $2 where id = $1`, id, tx.Now()); err != nil {
		return err
	}
	if err := follow(tx); err != nil {
		return err
	}
	return log(tx, "field.retired", id, d.Field)
}

// follow has the credential types say what the definitions now make of them.
func follow(tx db.Tx) error {
	all, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	return credentials.Follow(tx, all)
}

// keepRetired keeps the answers that are offered no more: somebody gave them.
func keepRetired(before, now registry.Options) registry.Options {
	out := slices.Clone(now)
	for _, o := range before {
		if !slices.ContainsFunc(now, func(n registry.Option) bool { return n.Code == o.Code }) {
			o.Retired = true
			out = append(out, o)
		}
	}
	return out
}

func find(all registry.Fields, key registry.FieldKey) (registry.Field, bool) {
	i := slices.IndexFunc(all, func(f registry.Field) bool { return f.Key() == key })
	if i < 0 {
		return registry.Field{}, false
	}
	return all[i], true
}

// PersonSections lists the sections of a person's definitions.
func PersonSections() []string {
	return []string{"health", "education", "work", "family", "other"}
}

// Sections lists the sections for a subject. Each has the message
// "task.<section>" or "field.section.<section>".
func Sections(subject string) []string {
	switch subject {
	case registry.KindPerson:
		return PersonSections()
	case SubjectApplication, SubjectEvent:
		return []string{"other"}
	}
	var list []string
	for _, s := range cases.HouseholdSections() {
		list = append(list, string(s))
	}
	return list
}

// Subjects of definitions that are not about a record but about something asked
// for: an application to a programme, an event in somebody's life.
const (
	SubjectApplication = "application"
	SubjectEvent       = "event"
)

// Subjects lists what definitions can be about. Each has the message
// "field.subject.<subject>".
func Subjects() []string {
	return []string{registry.KindPerson, registry.KindHousehold, SubjectApplication, SubjectEvent}
}

// Events lists the kinds of event in a life that questions can belong to.
func Events() []string {
	var codes []string
	for _, k := range kinds.Events() {
		codes = append(codes, k.Code)
	}
	return codes
}

var (
	codeForm   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)
	optionForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_]{0,40}$`)
	// reserved are names that a record has already, or that CEL keeps.
	reserved = []string{"id", "ref", "size", "sex", "relationship", "members", "household", "in", "as", "break", "const",
		"continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var",
		"void", "while", "true", "false", "null", "row", "provenance", "memberships", "identifiers"}
)

// Check says what is wrong with a definition beside the published others. The
// names are the editor's inputs.
func Check(f registry.Field, all registry.Fields, languages []string) error {
	var check fault.Check
	if !codeForm.MatchString(f.Code) || slices.Contains(reserved, f.Code) {
		check.Fail("code", "field.error.code")
	}
	if f.Subject == registry.KindPerson && f.Roster == "" && slices.Contains([]string{"age", "youngest", "oldest"}, f.Code) {
		check.Fail("code", "field.error.code") // a member has these in formulas
	}
	if !slices.Contains(Subjects(), f.Subject) {
		check.Fail("subject", "field.error.choice")
	}
	if !slices.Contains(registry.FieldTypes(), f.Type) {
		check.Fail("type", "field.error.choice")
	}
	if f.Roster != "" {
		if roster, ok := all.Of(f.Subject).Get(f.Roster); !ok && f.Roster != "" || ok && roster.Type != registry.TypeRoster {
			check.Fail("roster", "field.error.choice")
		}
		if f.Type == registry.TypeRoster || f.Type == registry.TypeCalculated || f.Type == registry.TypeFile {
			check.Fail("type", "field.error.column_type")
		}
	}
	about := f.Subject == SubjectApplication || f.Subject == SubjectEvent
	if f.Type == registry.TypeCalculated && about {
		check.Fail("type", "field.error.calculated_about") // nothing recomputes what somebody said once
	}
	if f.Form != "" && (!about || f.Subject == SubjectEvent && !slices.Contains(Events(), f.Form)) {
		check.Fail("form", "field.error.choice")
	}
	checkClaim(&check, f, all)
	if before, ok := find(all, f.Key()); ok && (before.Type != f.Type || before.Result != f.Result) {
		check.Fail("type", "field.error.other_type")
	}
	for _, tag := range languages {
		if f.Label[tag] == "" {
			check.Fail("label-"+tag, "field.error.label")
		}
	}
	checkOptions(&check, f, languages)
	checkRules(&check, f, languages)
	if f.Type == registry.TypeCalculated && f.Formula == "" {
		check.Fail("formula", "field.error.formula_missing")
	}
	wrongFormula, wrongVisible := formula.Check(f, all)
	if wrongFormula != nil {
		check.Fail("formula", "field.error.expression", "Why", why(wrongFormula))
	} else if way := formula.Circle(f, all); way != nil {
		check.Fail("formula", "field.error.circle", "Fields", labels(append(way, f)))
	} else if f.Type == registry.TypeCalculated {
		for _, in := range formula.From(f, all) {
			if f.Looser(in) { // what is made of it would give it away
				check.Fail("sensitivity", "field.error.looser", "Field", in.Label)
				break
			}
		}
	}
	if made := madeOf(f, all); made != nil && check.Err() == nil {
		check.Fail("sensitivity", "field.error.looser_made", "Field", made.Label)
	}
	if wrongVisible != nil {
		check.Fail("visible_when", "field.error.expression", "Why", why(wrongVisible))
	} else if other := formula.Waits(f, all); other != nil {
		check.Fail("visible_when", "field.error.waits", "Field", other.Label)
	}
	switch asked, not := formula.Unasked(f, all); {
	case asked == nil:
	case asked.Key() == f.Key():
		check.Fail("visible_when", "field.error.not_asked", "Field", not.Label)
	default:
		check.Fail("asked", "field.error.needed_asked", "Field", asked.Label)
	}
	return check.Err()
}

// madeOf is a calculated value that would give f away: it was as closed as what it is
// made of, until now.
func madeOf(f registry.Field, all registry.Fields) *registry.Field {
	beside := all.With(f)
	for _, made := range all {
		if made.Type != registry.TypeCalculated || made.Key() == f.Key() || !made.Looser(f) {
			continue
		}
		if slices.ContainsFunc(formula.From(made, beside), func(in registry.Field) bool { return in.Key() == f.Key() }) {
			return &made
		}
	}
	return nil
}

// why is what a person is told of an expression that cannot be used.
func why(err error) fault.Nested {
	var w *formula.Wrong
	if errors.As(err, &w) {
		return w.Nested
	}
	return fault.Nested{Key: "formula.error.other", Args: fault.Pairs("At", 1)}
}

func labels(list registry.Fields) []i18n.Text {
	var out []i18n.Text
	for _, f := range list {
		out = append(out, f.Label)
	}
	return out
}

// claimName is what a claim may be called: nothing that SD-JWT VC, JWT or the
// program's own claims use already.
var (
	claimName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)
	jwtNames  = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "vct", "vctm", "status", "typ", "alg"}
)

// checkClaim holds a claim to what a credential may say (RULES R5, R7): of what
// is sensitive only what somebody chose to, never a photo, and nothing under a
// name that means something else.
func checkClaim(check *fault.Check, f registry.Field, all registry.Fields) {
	if f.Claim == (registry.FieldClaim{}) {
		return
	}
	t, ok := credentials.Builtin(f.Claim.Credential)
	if !ok || t.Subject != f.Subject {
		check.Fail("credential", "field.error.credential")
		return
	}
	if f.Roster != "" || f.Type == registry.TypeFile || f.Type == registry.TypeRoster {
		check.Fail("credential", "field.error.claim_type")
	}
	if formula.OfPeople(f, all) { // its holder may not know it of the others (RULES R4, R7)
		check.Fail("credential", "field.error.claim_people")
	}
	name := credentials.ClaimName(f)
	taken := slices.ContainsFunc(t.Claims, func(c credentials.Claim) bool { return c.Path[0] == name }) ||
		slices.ContainsFunc(all, func(o registry.Field) bool {
			return o.Key() != f.Key() && o.Claim.Credential == f.Claim.Credential && credentials.ClaimName(o) == name
		})
	if !claimName.MatchString(name) || slices.Contains(jwtNames, name) || taken {
		check.Fail("claim_name", "field.error.claim_name")
	}
	if f.Sensitivity == "sensitive" && (!f.Claim.Sensitive || f.Claim.Always) {
		check.Fail("claim_sensitive", "field.error.claim_sensitive")
	}
}

func checkOptions(check *fault.Check, f registry.Field, languages []string) {
	if f.Type != registry.TypeChoice && f.Type != registry.TypeChoices {
		return
	}
	if len(f.Options) < 2 {
		check.Fail("options", "field.error.options")
		return
	}
	seen := map[string]bool{}
	for _, o := range f.Options {
		if !optionForm.MatchString(o.Code) || seen[o.Code] {
			check.Fail("options", "field.error.option_code", "Code", o.Code)
			return
		}
		seen[o.Code] = true
		for _, tag := range languages {
			if o.Label[tag] == "" {
				check.Fail("options", "field.error.option_label", "Code", o.Code)
				return
			}
		}
	}
}

func checkRules(check *fault.Check, f registry.Field, languages []string) {
	r := f.Rules
	if r.Min != nil && r.Max != nil && *r.Min > *r.Max {
		check.Fail("max", "field.error.range")
	}
	if r.Decimals < 0 || r.Decimals > 6 {
		check.Fail("decimals", "field.error.max", "Max", "6")
	}
	if r.MaxLength < 0 || r.MaxLength > 2000 {
		check.Fail("max_length", "field.error.max", "Max", "2000")
	}
	if r.Pattern == "" {
		return
	}
	if _, err := regexp.Compile(r.Whole()); err != nil || f.Type != registry.TypeText {
		check.Fail("pattern", "field.error.pattern_form")
	} else if utf8.RuneCountInString(r.Pattern) > registry.MaxPattern {
		check.Fail("pattern", "field.error.too_long", "Max", registry.MaxPattern)
	}
	for _, tag := range languages {
		if r.PatternError[tag] == "" {
			check.Fail("pattern_error-"+tag, "field.error.pattern_error")
		}
	}
}

func invalid(name, key string) error {
	var check fault.Check
	check.Fail(name, key)
	return check.Err()
}

func text(t i18n.Text) i18n.Text {
	if t == nil {
		return i18n.Text{}
	}
	return t
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null" // refused by the column
	}
	return string(b)
}
