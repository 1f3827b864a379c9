package ask_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/fields"
	"daftar/registry/formula"
	"daftar/web"
	"daftar/web/ask"
	"daftar/web/ui"
)

func text(en, ar string) i18n.Text { return i18n.Text{"en": en, "ar": ar} }

// questions is what a programme asks: one of each type, some of them of this
// programme only.
func questions() registry.Fields {
	list := registry.Fields{
		{Code: "note", Type: registry.TypeText, Label: text("Note", "ملاحظة")},
		{Code: "pupils", Type: registry.TypeNumber, Label: text("Pupils", "تلاميذ")},
		{Code: "rent", Type: registry.TypeMoney, Label: text("Rent", "إيجار")},
		{Code: "owns", Type: registry.TypeYesNo, Label: text("Owns land", "يملك أرضا")},
		{Code: "since", Type: registry.TypeDate, Label: text("Since", "منذ")},
		{Code: "level", Type: registry.TypeChoice, Label: text("Level", "المرحلة"), Options: registry.Options{{Code: "first", Label: text("First", "الأولى")}, {Code: "second", Label: text("Second", "الثانية")}}},
		{Code: "needs", Type: registry.TypeChoices, Label: text("Needs", "الحاجات"), Options: registry.Options{{Code: "books", Label: text("Books", "كتب")}, {Code: "meals", Label: text("Meals", "وجبات")}}},
		{Code: "school", Type: registry.TypeArea, Label: text("Where the school is", "مكان المدرسة")},
		{Code: "letter", Type: registry.TypeFile, Label: text("Letter", "رسالة")},
		{Code: "plots", Type: registry.TypeRoster, Label: text("Plots", "قطع الأرض"), VisibleWhen: `owns == "yes"`},
		{Roster: "plots", Code: "crop", Type: registry.TypeText, Label: text("Crop", "محصول")},
		{Roster: "plots", Code: "ha", Type: registry.TypeNumber, Label: text("Size", "مساحة"), Rules: registry.FieldRules{Decimals: 1}},
		{Code: "elsewhere", Type: registry.TypeText, Label: text("Elsewhere", "غير ذلك"), Form: "pension"},
	}
	for i := range list {
		list[i].Subject, list[i].Asked, list[i].Version = fields.SubjectApplication, true, 1
	}
	return list
}

func sheet(t *testing.T) ask.Sheet {
	t.Helper()
	all := questions()
	set, err := formula.New(all)
	if err != nil {
		t.Fatal(err)
	}
	s := ask.NewSheet(all, slices.DeleteFunc(all.Of(fields.SubjectApplication), func(f registry.Field) bool {
		return !f.Asked || f.Form != "" && f.Form != "child-grant"
	}))
	s.Formulas = set
	return s
}

// places are the areas of a small country.
func places(typed string) ([]registry.Area, error) {
	var found []registry.Area
	for _, a := range []registry.Area{{Code: "MJ01", Name: text("Harbour", "الميناء")}, {Code: "MJ02", Name: text("Harbour", "الميناء")}, {Code: "MJ03", Name: text("Hill", "التل")}} {
		if a.Code == typed || a.Name["en"] == typed {
			found = append(found, a)
		}
	}
	return found, nil
}

func picture(t *testing.T) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 4, 4))
	m.Set(1, 1, color.Black)
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read reads a form; it returns the values and the inputs that are wrong.
func read(t *testing.T, s ask.Sheet, form url.Values, files map[string]web.File, old registry.Values) (registry.Values, []string) {
	t.Helper()
	var check fault.Check
	photos, rows := 0, 0
	a := &ask.Answers{Form: web.NewForm(form, files), Check: &check, Places: places,
		Photo: func(cases.Photo) (string, error) { photos++; return fmt.Sprint("F-", photos), nil }}
	values := s.Read(a, old, func() string { rows++; return fmt.Sprint("row", rows) })
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	var wrong []string
	if f := check.Fault(); f != nil {
		for _, one := range f.Fields {
			wrong = append(wrong, one.Name)
		}
		if photos > 0 {
			t.Error("a photo of a form with mistakes was kept")
		}
	}
	slices.Sort(wrong)
	return values, wrong
}

func TestSheetReadsEveryType(t *testing.T) {
	t.Parallel()
	s := sheet(t)
	form := url.Values{
		"f.note": {" hello "}, "f.pupils": {"٣"}, "f.rent": {"1,200"}, "f.owns": {"yes"}, "f.since-day": {"2"}, "f.since-month": {"3"}, "f.since-year": {"2020"},
		"f.level": {"second"}, "f.needs": {"meals", "books"}, "f.school": {"Hill"}, "f.plots.0.crop": {"maize"}, "f.plots.0.ha": {"1.5"}, "f.plots.2.crop": {"rice"},
	}
	for name := range form {
		if !slices.Contains(s.Inputs(), name) {
			t.Errorf("%s is no input of the sheet", name)
		}
	}
	values, wrong := read(t, s, form, map[string]web.File{"f.letter": {Name: "a.png", Bytes: picture(t)}}, nil)
	want := registry.Values{"note": "hello", "pupils": 3.0, "rent": 1200.0, "owns": "yes", "since": "2020-03-02", "level": "second", "needs": []string{"books", "meals"},
		"school": "MJ03", "letter": "F-1", "plots": []any{map[string]any{"id": "row1", "crop": "maize", "ha": 1.5}, map[string]any{"id": "row2", "crop": "rice"}}}
	if len(wrong) > 0 || !reflect.DeepEqual(values, want) {
		t.Errorf("%v, %v", values, wrong)
	}
}

func TestSheetNamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, wrong := read(t, sheet(t), url.Values{
		"f.pupils": {"three"}, "f.rent": {"-"}, "f.owns": {"maybe"}, "f.since-day": {"31"}, "f.since-month": {"2"}, "f.since-year": {"2020"},
		"f.level": {"third"}, "f.needs": {"books", "gold"}, "f.school": {"Harbour"}, "f.plots.1.ha": {"big"},
	}, map[string]web.File{"f.letter": {Bytes: picture(t)}}, nil)
	if want := []string{"f.level", "f.needs", "f.owns", "f.plots.1.ha", "f.pupils", "f.rent", "f.school", "f.since-day"}; !slices.Equal(wrong, want) {
		t.Errorf("%v", wrong)
	}
	if _, wrong := read(t, sheet(t), url.Values{"f.school": {"Nowhere"}}, map[string]web.File{"f.letter": {Bytes: []byte("no photo")}}, nil); !slices.Equal(wrong, []string{"f.letter", "f.school"}) {
		t.Errorf("%v", wrong)
	}
}

// What a record holds stays as it is, whatever has changed since: an answer that
// is offered no more, a limit that is tighter, an area that ended. It is offered
// where it was given, and nobody else may give it.
func TestSheetKeepsWhatIsStored(t *testing.T) {
	t.Parallel()
	s := sheet(t)
	retire := func(fs registry.Fields) {
		low := 2.0
		for i := range fs {
			switch fs[i].Code {
			case "level", "needs":
				fs[i].Options = slices.Clone(fs[i].Options)
				fs[i].Options[0].Retired = true
			case "pupils", "ha":
				fs[i].Rules.Max = &low
			}
		}
	}
	retire(s.All)
	retire(s.Questions)
	old := registry.Values{"note": "a", "owns": "yes", "pupils": 6.0, "level": "first", "needs": []any{"books", "meals"}, "school": "MJ99",
		"plots": []any{map[string]any{"id": "a", "ha": 7.0}}}
	filled := map[string][]string{}
	s.Fill(filled, old)
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for _, office := range []bool{false, true} {
		s.Office = office
		var out strings.Builder
		if err := ask.Questions(s, &ui.Form{Values: filled}).Render(i18n.With(context.Background(), b.Printer("en")), &out); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`value="first"`, "First (no longer offered)", `value="books"`, "Books (no longer offered)"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %s", want)
			}
		}
	}
	form := url.Values(filled)
	form.Set("f.note", "b")
	values, wrong := read(t, s, form, nil, old)
	want := maps.Clone(old)
	want["note"] = "b"
	if len(wrong) > 0 || !reflect.DeepEqual(values, want) {
		t.Errorf("%v %v", values, wrong)
	}
	form["f.needs"] = []string{"books"}
	if values, wrong := read(t, s, form, nil, old); len(wrong) > 0 || !reflect.DeepEqual(values["needs"], []string{"books"}) {
		t.Errorf("%v %v", values["needs"], wrong)
	}
	form.Set("f.pupils", "5")
	if _, wrong := read(t, s, form, nil, old); !slices.Equal(wrong, []string{"f.pupils"}) {
		t.Errorf("another value above the limit: %v", wrong)
	}
	if _, wrong := read(t, s, form, nil, nil); !slices.Equal(wrong, []string{"f.level", "f.needs", "f.plots.0.ha", "f.pupils", "f.school"}) {
		t.Errorf("of nobody's record: %v", wrong)
	}
}

// Rows keep their identity; those that were marked or emptied go, and nobody
// gives a row an identity that the record has not given.
func TestSheetRows(t *testing.T) {
	t.Parallel()
	s := sheet(t)
	old := registry.Values{"owns": "yes", "plots": []any{
		map[string]any{"id": "a", "crop": "maize", "soil": "clay"}, map[string]any{"id": "b", "crop": "rice"}, map[string]any{"id": "c", "crop": "wheat"}}}
	filled := map[string][]string{}
	s.Fill(filled, old)
	form := url.Values(filled)
	form.Set("f.plots.0.ha", "2")
	form.Set("f.plots.1.drop", "yes")
	form.Set("f.plots.2.crop", "")
	form.Set("f.plots.3.id", "b")
	form.Set("f.plots.3.crop", "beans")
	form.Set("f.plots.4.id", "forged")
	form.Set("f.plots.4.crop", "dates")
	values, wrong := read(t, s, form, nil, old)
	want := []any{map[string]any{"id": "a", "crop": "maize", "soil": "clay", "ha": 2.0}, map[string]any{"id": "b", "crop": "beans"}, map[string]any{"id": "row1", "crop": "dates"}}
	if len(wrong) > 0 || !reflect.DeepEqual(values["plots"], want) {
		t.Errorf("%v %v", values["plots"], wrong)
	}
}

// What another answer takes out of place is not kept; an answer that is left
// empty is none, and what the sheet does not ask stays.
func TestSheetAsksWhatIsAsked(t *testing.T) {
	t.Parallel()
	old := registry.Values{"other": "kept", "letter": "F-9", "note": "old"}
	values, _ := read(t, sheet(t), url.Values{"f.owns": {"no"}, "f.plots.0.crop": {"maize"}, "f.elsewhere": {"x"}}, nil, old)
	if want := (registry.Values{"other": "kept", "letter": "F-9", "owns": "no"}); !reflect.DeepEqual(values, want) {
		t.Errorf("%v", values)
	}
	values, _ = read(t, sheet(t), url.Values{"f.letter-remove": {"yes"}}, nil, old)
	if values["letter"] != nil {
		t.Error("the photo is still there")
	}
	if slices.Contains(sheet(t).Inputs(), "f.elsewhere") {
		t.Error("another programme's question is asked")
	}
}

// The sheet is drawn in each language, filled, with a row to spare.
func TestSheetIsDrawn(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	s := sheet(t)
	state := &ui.Form{Values: map[string][]string{}}
	s.Fill(state.Values, registry.Values{"note": "hello", "school": "MJ03", "letter": "F-9", "plots": []any{map[string]any{"id": "a", "crop": "maize"}}})
	for lang, label := range map[string]string{"en": "Where the school is", "ar": "مكان المدرسة"} {
		var out strings.Builder
		if err := ask.Questions(s, state).Render(i18n.With(context.Background(), b.Printer(lang)), &out); err != nil {
			t.Fatal(err)
		}
		page := out.String()
		for _, want := range []string{label, `name="f.note"`, `value="hello"`, `name="f.rent"`, `name="f.since-year"`, `name="f.level"`, `name="f.school"`, `value="MJ03"`,
			`type="file"`, `name="f.letter-remove"`, `name="f.plots.0.crop"`, `value="maize"`, `name="f.plots.1.crop"`, `name="f.plots.0.drop"`, `name="more"`} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: no %s", lang, want)
			}
		}
		for _, none := range []string{`f.plots.2.`, `f.elsewhere`, `f.plots.1.drop`} {
			if strings.Contains(page, none) {
				t.Errorf("%s: %s", lang, none)
			}
		}
	}
	if !s.Uploads() || !ask.Growing(web.NewForm(url.Values{"more": {"plots"}}, nil)) {
		t.Error("a sheet with a photo, and its button")
	}
}

// A row keeps an answer that is offered no more when another column of it changes.
func TestRowsKeepWhatIsStored(t *testing.T) {
	t.Parallel()
	s := ask.Sheet{All: registry.Fields{
		{Code: "plots", Type: registry.TypeRoster},
		{Roster: "plots", Code: "crop", Type: registry.TypeChoice, Options: registry.Options{{Code: "maize"}, {Code: "rye", Retired: true}}},
		{Roster: "plots", Code: "ha", Type: registry.TypeNumber, Rules: registry.FieldRules{Decimals: 1}},
	}}
	s.Questions = s.All[:1]
	old := registry.Values{"plots": []any{map[string]any{"id": "a", "crop": "rye", "ha": 1.0, "deed": "77"}, map[string]any{"id": "b", "crop": "maize"}}}
	filled := map[string][]string{}
	s.Fill(filled, old)
	form := url.Values(filled)
	form.Set("f.plots.0.ha", "2.5")
	form.Set("f.plots.1.crop", "rye") // nobody may give it anew
	values, wrong := read(t, s, form, nil, old)
	if got := registry.Rows(values["plots"])[0]; got["crop"] != "rye" || got["ha"] != 2.5 || got["deed"] != "77" || !slices.Equal(wrong, []string{"f.plots.1.crop"}) {
		t.Errorf("%v %v", got, wrong)
	}
}
