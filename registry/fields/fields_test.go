package fields_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/fields"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	languages = []string{"en", "ar"}
	editor    = db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1, 15: 1}}
)

func do(t *testing.T, d *dbtest.DB, fn func(db.Tx) error) error {
	t.Helper()
	return d.WithTx(t.Context(), editor, fn)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func goats() registry.Field {
	return registry.Field{Subject: "household", Code: "goats", Type: registry.TypeChoice, Sensitivity: "personal", Section: "other", Asked: true,
		Label: i18n.Text{"en": "Goats", "ar": "ماعز"}, Options: registry.Options{
			{Code: "none", Label: i18n.Text{"en": "None", "ar": "لا شيء"}},
			{Code: "some", Label: i18n.Text{"en": "Some", "ar": "بعض"}},
		}}
}

func published(t *testing.T, d *dbtest.DB, f registry.Field) fields.Definition {
	t.Helper()
	var out fields.Definition
	must(t, do(t, d, func(tx db.Tx) error {
		id, err := fields.Store(tx, f)
		if err != nil {
			return err
		}
		out, err = fields.Publish(tx, id, languages)
		return err
	}))
	return out
}

func loaded(t *testing.T, d *dbtest.DB) registry.Fields {
	t.Helper()
	var all registry.Fields
	must(t, do(t, d, func(tx db.Tx) (err error) { all, err = registry.LoadFields(tx); return err }))
	return all
}

// What a formula makes of a value is guarded at least as the value is, through
// columns of rosters too: else it would give it away.
func TestFormulaGuardsItsInputs(t *testing.T) {
	t.Parallel()
	secret := []string{"protection"}
	all := registry.Fields{
		{Subject: "household", Code: "income", Type: registry.TypeMoney, Sensitivity: "sensitive", Label: i18n.Text{"en": "Income"}},
		{Subject: "household", Code: "shelter", Type: registry.TypeNumber, Sensitivity: "personal", Roles: registry.FieldRoles{"see": secret}},
		{Subject: "household", Code: "people", Type: registry.TypeNumber, Sensitivity: "personal"},
		{Subject: "household", Code: "boats", Type: registry.TypeRoster, Sensitivity: "personal"},
		{Subject: "household", Roster: "boats", Code: "worth", Type: registry.TypeMoney, Sensitivity: "sensitive"},
		{Subject: "household", Roster: "boats", Code: "length", Type: registry.TypeNumber, Sensitivity: "personal"},
	}
	for _, c := range []struct {
		formula, sensitivity string
		roles                registry.FieldRoles
		wrong                bool
	}{
		{"income / people", "personal", nil, true},
		{"income / people", "sensitive", nil, false},
		{"income / people", "sensitive", registry.FieldRoles{"export": {"dataquality"}}, true},
		{"people * 2", "personal", nil, false},
		{"people * 2", "ordinary", nil, true},
		{"shelter * 2", "personal", nil, true},
		{"shelter * 2", "personal", registry.FieldRoles{"see": secret}, false},
		{"shelter * 2", "personal", registry.FieldRoles{"see": {"protection", "intake"}}, true},
		{"boats.sum(b.worth)", "personal", nil, true},
		{"boats.sum(b.length)", "personal", nil, false},
	} {
		f := registry.Field{Subject: "household", Code: "made", Type: registry.TypeCalculated, Result: registry.TypeNumber, Section: "other",
			Formula: c.formula, Sensitivity: c.sensitivity, Roles: c.roles}
		var wrong *fault.Error
		err := fields.Check(f, all, nil)
		refused := errors.As(err, &wrong) && len(wrong.Fields) == 1 && wrong.Fields[0].Key == "field.error.looser"
		if refused != c.wrong || err != nil && !refused {
			t.Errorf("%s as %s %v: %v", c.formula, c.sensitivity, c.roles, err)
		}
	}
}

// A new roster and its columns are drafted before any of it is in use, and go into
// use together; a column never goes alone.
func TestNewRoster(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	label := func(en string) i18n.Text { return i18n.Text{"en": en, "ar": en} }
	draft := func(f registry.Field) (id db.ID) {
		f.Subject, f.Sensitivity, f.Section = "household", "personal", "other"
		must(t, do(t, d, func(tx db.Tx) (err error) { id, err = fields.Store(tx, f); return err }))
		return id
	}
	publish := func(id db.ID) error {
		return do(t, d, func(tx db.Tx) error { _, err := fields.Publish(tx, id, languages); return err })
	}
	boats := draft(registry.Field{Code: "boats", Type: registry.TypeRoster, Label: label("Boats")})
	if err := publish(boats); !fault.Is(err, fault.Invalid) {
		t.Errorf("without a column: %v", err)
	}
	metres := draft(registry.Field{Roster: "boats", Code: "metres", Type: registry.TypeNumber, Label: label("Metres")})
	colour := registry.Field{Roster: "boats", Code: "colour", Type: registry.TypeText, Label: i18n.Text{"en": "Colour"}}
	draft(colour)
	if err := publish(metres); !fault.Is(err, fault.Conflict) {
		t.Errorf("a column before its roster: %v", err)
	}
	if err := publish(boats); !fault.Is(err, fault.Conflict) {
		t.Errorf("with a column that has no name in Arabic: %v", err)
	}
	colour.Label = label("Colour")
	draft(colour)
	if n := len(loaded(t, d).Columns(registry.Field{Subject: "household", Code: "boats"})); n != 0 {
		t.Errorf("half of a roster is in use: %d columns", n)
	}
	must(t, publish(boats))
	all := loaded(t, d)
	f, ok := all.Of("household").Get("boats")
	if !ok || len(all.Columns(f)) != 2 {
		t.Errorf("in use: %v, %d columns", ok, len(all.Columns(f)))
	}
	// a roster that is given up takes its columns along
	sheds := draft(registry.Field{Code: "sheds", Type: registry.TypeRoster, Label: label("Sheds")})
	shed := draft(registry.Field{Roster: "sheds", Code: "size", Type: registry.TypeNumber, Label: label("Size")})
	must(t, do(t, d, func(tx db.Tx) error { return fields.Discard(tx, sheds) }))
	if err := do(t, d, func(tx db.Tx) error { _, err := fields.Load(tx, shed); return err }); !fault.Is(err, fault.NotFound) {
		t.Errorf("its column: %v", err)
	}
}

// A new version replaces the old one, and an answer that is no longer offered
// stays readable.
func TestVersions(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	first := published(t, d, goats())
	second := goats()
	second.Options = append(second.Options[:1:1], registry.Option{Code: "many", Label: i18n.Text{"en": "Many", "ar": "كثير"}})
	published(t, d, second)
	f, _ := loaded(t, d).Of("household").Get("goats")
	if f.Version != first.Version+1 {
		t.Errorf("version %d is in use", f.Version)
	}
	if f.Options.Has("some") || f.Options.Label("some") == nil || !f.Options.Has("many") {
		t.Errorf("the answers are %v", f.Options)
	}
	if _, err := f.Parse([]string{"some"}); err == nil {
		t.Error("an answer that is not offered was taken")
	}
}

// A draft is nobody's business until it is published.
func TestDraft(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	must(t, do(t, d, func(tx db.Tx) error {
		one, err := fields.Store(tx, goats())
		if err != nil {
			return err
		}
		changed := goats()
		changed.Label["en"] = "Goats kept"
		again, err := fields.Store(tx, changed)
		if err == nil && again != one {
			t.Error("there are two drafts")
		}
		return err
	}))
	if _, ok := loaded(t, d).Get("goats"); ok {
		t.Error("a draft is in the form")
	}
	must(t, do(t, d, func(tx db.Tx) error {
		list, err := fields.List(tx)
		if err != nil || len(list) != 1 || list[0].Label["en"] != "Goats kept" {
			t.Errorf("the drafts are %v", list)
		}
		return fields.Discard(tx, list[0].ID)
	}))
}

// What was published stays as it is, whoever tries and however.
func TestPublishedStays(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	f := published(t, d, goats())
	for name, statement := range map[string]string{
		"change": `update field_definition set label = '{"en": "Sheep"}' where id = $1`,
		"delete": `delete from field_definition where id = $1`,
		"hide":   `update field_definition set published_at = null where id = $1`,
	} {
		err := do(t, d, func(tx db.Tx) error { return tx.Exec(statement, f.ID) })
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := do(t, d, func(tx db.Tx) error { return fields.Discard(tx, f.ID) }); !fault.Is(err, fault.Conflict) {
		t.Errorf("discard: %v", err)
	}
	other := goats()
	other.Type, other.Options = registry.TypeText, nil
	if err := do(t, d, func(tx db.Tx) error { _, err := fields.Store(tx, other); return err }); !fault.Is(err, fault.Conflict) {
		t.Errorf("another type: %v", err)
	}
}

func TestRetire(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	number := registry.Field{Subject: "household", Code: "goats", Type: registry.TypeNumber, Sensitivity: "personal", Section: "other",
		Label: i18n.Text{"en": "Goats", "ar": "ماعز"}}
	f := published(t, d, number)
	legs := number
	legs.Code, legs.Type, legs.Result, legs.Formula = "legs", registry.TypeCalculated, registry.TypeNumber, "goats * 4"
	g := published(t, d, legs)
	if err := do(t, d, func(tx db.Tx) error { return fields.Retire(tx, f.ID) }); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "needed_formula") {
		t.Errorf("a field that a formula needs was retired: %v", err)
	}
	asked := number
	asked.Code, asked.VisibleWhen = "kids", "goats > 0"
	k := published(t, d, asked)
	must(t, do(t, d, func(tx db.Tx) error { return fields.Retire(tx, g.ID) }))
	var e *fault.Error
	if err := do(t, d, func(tx db.Tx) error { return fields.Retire(tx, f.ID) }); !errors.As(err, &e) || e.Key != "field.error.needed_visible" || e.Args["Field"].(i18n.Text)["en"] != "Goats" {
		t.Errorf("which field waits for it is not said: %+v", e)
	}
	must(t, do(t, d, func(tx db.Tx) error { return fields.Retire(tx, k.ID) }))
	g = published(t, d, legs)
	must(t, do(t, d, func(tx db.Tx) error { return fields.Retire(tx, g.ID) }))
	must(t, do(t, d, func(tx db.Tx) error { return fields.Retire(tx, f.ID) }))
	if len(loaded(t, d)) != 0 {
		t.Error("a retired field is in the form")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	low, high := 3.0, 1.0
	for name, tt := range map[string]struct {
		change func(*registry.Field)
		input  string
	}{
		"code":           {func(f *registry.Field) { f.Code = "Goats!" }, "code"},
		"reserved":       {func(f *registry.Field) { f.Code = "size" }, "code"},
		"no label":       {func(f *registry.Field) { delete(f.Label, "ar") }, "label-ar"},
		"one option":     {func(f *registry.Field) { f.Options = f.Options[:1] }, "options"},
		"option twice":   {func(f *registry.Field) { f.Options[1].Code = "none" }, "options"},
		"option unnamed": {func(f *registry.Field) { delete(f.Options[1].Label, "ar") }, "options"},
		"range":          {func(f *registry.Field) { f.Rules.Min, f.Rules.Max = &low, &high }, "max"},
		"no roster":      {func(f *registry.Field) { f.Roster = "plots" }, "roster"},
		"no formula":     {func(f *registry.Field) { f.Type, f.Result = registry.TypeCalculated, registry.TypeNumber }, "formula"},
		"pattern": {func(f *registry.Field) {
			f.Type, f.Options, f.Rules.Pattern, f.Rules.PatternError = registry.TypeText, nil, "[A-", f.Label
		}, "pattern"},
		"pattern of none": {func(f *registry.Field) { f.Rules.Pattern, f.Rules.PatternError = "a", f.Label }, "pattern"},
		"pattern unsaid": {func(f *registry.Field) {
			f.Type, f.Options, f.Rules.Pattern, f.Rules.PatternError = registry.TypeText, nil, "a", i18n.Text{"en": "A"}
		}, "pattern_error-ar"},
		"condition": {func(f *registry.Field) { f.VisibleWhen = "sheep > 2" }, "visible_when"},
	} {
		f := goats()
		tt.change(&f)
		var wrong *fault.Error
		if err := fields.Check(f, nil, languages); !errors.As(err, &wrong) || wrong.Fields[0].Name != tt.input {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := fields.Check(goats(), nil, languages); err != nil {
		t.Error(err)
	}
}

// A question does not become more closed than what is made of it.
func TestCloserThanWhatIsMadeOfIt(t *testing.T) {
	t.Parallel()
	shoe := registry.Field{Subject: "person", Code: "shoe", Type: registry.TypeNumber, Sensitivity: "personal", Section: "people", Label: goats().Label}
	twice := registry.Field{Subject: "person", Code: "twice", Type: registry.TypeCalculated, Result: registry.TypeNumber, Formula: "shoe * 2", Sensitivity: "personal", Section: "people", Label: goats().Label}
	all := registry.Fields{shoe, twice}
	if err := fields.Check(shoe, all, languages); err != nil {
		t.Error(err)
	}
	closed := shoe
	closed.Sensitivity = "sensitive"
	if got := wrongInputs(fields.Check(closed, all, languages)); len(got) != 1 || got[0] != "sensitivity" {
		t.Error("sensitive: ", got)
	}
	closed = shoe
	closed.Roles = registry.FieldRoles{"see": {"protection"}}
	if got := wrongInputs(fields.Check(closed, all, languages)); len(got) != 1 || got[0] != "sensitivity" {
		t.Error("for one role: ", got)
	}
}

// What people are asked never waits for what they are not asked, from whichever side
// it is changed.
func TestAskedAfterWhatIsNotAsked(t *testing.T) {
	t.Parallel()
	first, then := goats(), goats()
	first.Code, first.Type, first.Options, first.Asked = "herds", registry.TypeYesNo, nil, false
	then.Asked, then.VisibleWhen = true, `herds == "yes"`
	if got := wrongInputs(fields.Check(then, registry.Fields{first}, languages)); len(got) != 1 || got[0] != "visible_when" {
		t.Error("the one that waits: ", got)
	}
	if got := wrongInputs(fields.Check(first, registry.Fields{then}, languages)); len(got) != 1 || got[0] != "asked" {
		t.Error("the one that decides: ", got)
	}
	first.Asked = true
	if err := fields.Check(then, registry.Fields{first}, languages); err != nil {
		t.Error(err)
	}
}

// The packs that come along install, once, in every language.
func TestPacks(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	packs, err := fields.Packs()
	must(t, err)
	want := 0
	for _, p := range packs {
		want += len(p.Fields)
		for range 2 {
			must(t, do(t, d, func(tx db.Tx) error { return fields.Install(tx, p.Code, languages) }))
		}
	}
	all := loaded(t, d)
	if len(all) != want {
		t.Errorf("%d definitions of %d", len(all), want)
	}
	plots, _ := all.Of("household").Get("plots")
	if n := len(all.Columns(plots)); n != 7 {
		t.Errorf("plots have %d columns", n)
	}
	if err := do(t, d, func(tx db.Tx) error { return fields.Install(tx, "mining", languages) }); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown pack: %v", err)
	}
}

// wrongInputs are the inputs that an error names, each once.
func wrongInputs(err error) []string {
	var list []string
	var f *fault.Error
	if errors.As(err, &f) {
		for _, one := range f.Fields {
			list = append(list, one.Name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
