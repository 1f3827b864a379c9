package registry_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
)

func num(f float64) *float64 { return &f }

func printer(t *testing.T, tag string) *i18n.Printer {
	t.Helper()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	b.Configure(i18n.Setup{Money: i18n.Money{Code: "MJD", Decimals: 2, Written: i18n.Text{"en": "{amount} MJD", "ar": "{amount} د.م."}}})
	return b.Printer(tag)
}

var (
	text    = registry.Field{Code: "note", Type: registry.TypeText}
	short   = registry.Field{Code: "note", Type: registry.TypeText, Rules: registry.FieldRules{MaxLength: 5}}
	rooms   = registry.Field{Code: "rooms", Type: registry.TypeNumber, Rules: registry.FieldRules{Min: num(0), Max: num(60)}}
	free    = registry.Field{Code: "free", Type: registry.TypeNumber, Rules: registry.FieldRules{Decimals: 4}}
	share   = registry.Field{Code: "share", Type: registry.TypeNumber, Rules: registry.FieldRules{Min: num(0), Max: num(1), Decimals: 3}}
	income  = registry.Field{Code: "income", Type: registry.TypeMoney, Unit: i18n.Text{"en": "MJD"}, Rules: registry.FieldRules{Min: num(0)}}
	electro = registry.Field{Code: "electricity", Type: registry.TypeYesNo}
	visited = registry.Field{Code: "visited", Type: registry.TypeDate}
	floor   = registry.Field{Code: "floor", Type: registry.TypeChoice, Options: registry.Options{
		{Code: "earth", Label: i18n.Text{"en": "Earth", "ar": "تراب"}}, {Code: "tile", Label: i18n.Text{"en": "Tiles"}}}}
	assets = registry.Field{Code: "assets", Type: registry.TypeChoices, Options: registry.Options{
		{Code: "radio", Label: i18n.Text{"en": "Radio"}}, {Code: "car", Label: i18n.Text{"en": "Car"}}, {Code: "tv", Label: i18n.Text{"en": "Television"}}}}
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field registry.Field
		in    string
		want  any
	}{
		{text, "  Behind the mosque ", "Behind the mosque"},
		{text, "خلف المسجد", "خلف المسجد"},
		{text, strings.Repeat("ش", 200), strings.Repeat("ش", 200)},
		{short, "تراب1", "تراب1"},
		{rooms, "3", 3.0},
		{rooms, " 3 ", 3.0},
		{rooms, "٣", 3.0},
		{rooms, "۳", 3.0},
		{rooms, "१२", 12.0},
		{rooms, "0", 0.0},
		{rooms, "60", 60.0},
		{rooms, "007", 7.0},
		{rooms, "3.", 3.0},
		{free, "-4.5", -4.5},
		{free, "2,5", 2.5},     // a decimal comma
		{free, "٢٫٥", 2.5},     // the Arabic one
		{free, "0,125", 0.125}, // no group begins with zero
		{free, "1,500", 1500.0},
		{free, "1,500.25", 1500.25},
		{free, "12 345 678", 12345678.0},
		{free, "12\u00a0345", 12345.0},
		{free, "12\u202f345", 12345.0},
		{free, "١٢٬٣٤٥٫٥", 12345.5},
		{free, "-1,234,567", -1234567.0},
		{free, "1000000000000", 1e12},
		{share, "0.377", 0.377},
		{share, "0", 0.0},
		{share, "1.000", 1.0},
		{income, "1,500", 1500.0},
		{income, "240", 240.0},
		{electro, "yes", "yes"},
		{electro, "no", "no"},
		{electro, "unknown", "unknown"},
		{visited, "2026-03-02", "2026-03-02"},
		{visited, "٢٠٢٦-٠٣-٠٢", "2026-03-02"},
		{visited, "2024-02-29", "2024-02-29"},
		{floor, "earth", "earth"},
		{assets, "radio", []string{"radio"}},
	} {
		got, err := c.field.Parse([]string{c.in})
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %q: %v %v", c.field.Type, c.in, got, err)
		}
	}
}

func TestParseRefusesAndNamesTheField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field registry.Field
		in    []string
		key   string
	}{
		{text, []string{strings.Repeat("ش", 201)}, "field.error.too_long"},
		{short, []string{"تراب12"}, "field.error.too_long"},
		{text, []string{"one", "two"}, "field.error.one"},
		{rooms, []string{"three"}, "field.error.number"},
		{rooms, []string{"1e1"}, "field.error.number"},
		{rooms, []string{"1E1"}, "field.error.number"},
		{rooms, []string{"0x1p4"}, "field.error.number"},
		{rooms, []string{"NaN"}, "field.error.number"},
		{rooms, []string{"Inf"}, "field.error.number"},
		{rooms, []string{"-Infinity"}, "field.error.number"},
		{rooms, []string{"1_000"}, "field.error.number"},
		{rooms, []string{"+3"}, "field.error.number"},
		{rooms, []string{"-"}, "field.error.number"},
		{rooms, []string{"."}, "field.error.number"},
		{rooms, []string{".5"}, "field.error.number"},
		{rooms, []string{"3 4"}, "field.error.number"},   // not 34
		{rooms, []string{"1,2,3"}, "field.error.number"}, // not 123
		{rooms, []string{"1,50,000"}, "field.error.number"},
		{rooms, []string{"1.2.3"}, "field.error.number"},
		{rooms, []string{"2,5"}, "field.error.whole"}, // not 25
		{rooms, []string{"2.5"}, "field.error.whole"},
		{rooms, []string{"٢٫٥"}, "field.error.whole"},
		{rooms, []string{"-1"}, "field.error.min"},
		{rooms, []string{"61"}, "field.error.max"},
		{rooms, []string{"2", "3"}, "field.error.one"},
		{share, []string{"0.3775"}, "field.error.decimals"},
		{share, []string{"1.001"}, "field.error.max"},
		{free, []string{"1000000000001"}, "field.error.number"},
		{free, []string{"-1000000000001"}, "field.error.number"},
		{free, []string{strings.Repeat("9", 400)}, "field.error.number"},
		{income, []string{"1500.50"}, "field.error.whole"},
		{electro, []string{"Yes"}, "field.error.choice"},
		{electro, []string{"maybe"}, "field.error.choice"},
		{visited, []string{"02/03/2026"}, "field.error.date"},
		{visited, []string{"2026-02-29"}, "field.error.date"},
		{visited, []string{"1849-12-31"}, "field.error.date"},
		{visited, []string{"2201-01-01"}, "field.error.date"},
		{floor, []string{"gold"}, "field.error.choice"},
		{floor, []string{"earth", "tile"}, "field.error.one"},
		{assets, []string{"radio", "yacht"}, "field.error.choice"},
		{registry.Field{Code: "x", Type: "colour"}, []string{"red"}, "field.error.choice"},
	} {
		got, err := c.field.Parse(c.in)
		if name, key := failed(err); got != nil || name != c.field.Code || key != c.key {
			t.Errorf("%s %q: %v, %s %s", c.field.Type, c.in, got, name, key)
		}
	}
}

// RULES R1: no answer is allowed everywhere.
func TestParseTakesNoAnswer(t *testing.T) {
	t.Parallel()
	for _, f := range []registry.Field{text, rooms, income, electro, visited, floor, assets} {
		for _, in := range [][]string{nil, {""}, {"  "}, {"", "\t"}} {
			if got, err := f.Parse(in); got != nil || err != nil {
				t.Errorf("%s %q: %v %v", f.Type, in, got, err)
			}
		}
	}
}

func TestChoicesAreSortedAndOnce(t *testing.T) {
	t.Parallel()
	got, err := assets.Parse([]string{"tv", "car", "", "tv"})
	if err != nil || !slices.Equal(got.([]string), []string{"car", "tv"}) {
		t.Fatal(got, err)
	}
}

// stored is a value as it comes back from the database.
func stored(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var back any
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestShowAndInputRoundTrip(t *testing.T) {
	t.Parallel()
	en, ar := printer(t, "en"), printer(t, "ar")
	for _, c := range []struct {
		field  registry.Field
		in     []string
		en, ar string
	}{
		{text, []string{"Blue door"}, "Blue door", "Blue door"},
		{rooms, []string{"3"}, "3", "3"},
		{free, []string{"1234567.5"}, "1,234,567.5", "1,234,567.5"},
		{income, []string{"1,500"}, "1,500 MJD", "1,500 د.م."},
		{electro, []string{"unknown"}, en.T("answer.unknown"), ar.T("answer.unknown")},
		{visited, []string{"2026-03-02"}, "2 March 2026", ar.Day(day("2026-03-02"))},
		{floor, []string{"earth"}, "Earth", "تراب"},
		{floor, []string{"tile"}, "Tiles", "Tiles"},
		{assets, []string{"tv", "radio"}, en.List([]string{"Radio", "Television"}), ar.List([]string{"Radio", "Television"})},
	} {
		value, err := c.field.Parse(c.in)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []any{value, stored(t, value)} {
			if got := c.field.Show(en, v); got != c.en {
				t.Errorf("%s: %q in English", c.field.Type, got)
			}
			if got := c.field.Show(ar, v); got != c.ar {
				t.Errorf("%s: %q in Arabic", c.field.Type, got)
			}
			again, err := c.field.Parse(c.field.Input(v))
			if err != nil || !reflect.DeepEqual(again, value) {
				t.Errorf("%s: %v came back as %v, %v", c.field.Type, value, again, err)
			}
		}
	}
}

func TestShowOfNothingAndOfARetiredCode(t *testing.T) {
	t.Parallel()
	en := printer(t, "en")
	for _, f := range []registry.Field{text, rooms, electro, visited, floor, assets} {
		if s := f.Show(en, nil); s != "" || f.Input(nil) != nil {
			t.Errorf("%s: %q", f.Type, s)
		}
	}
	if s := floor.Show(en, "mud"); s != "mud" {
		t.Error(s)
	}
	if s := assets.Show(en, []any{"mule", "radio"}); s != en.List([]string{"mule", "Radio"}) {
		t.Error(s)
	}
}

func TestAskIsTheQuestionOrTheLabel(t *testing.T) {
	t.Parallel()
	f := registry.Field{Label: i18n.Text{"en": "Rooms", "ar": "الغرف"}}
	if f.Ask()["en"] != "Rooms" {
		t.Error(f.Ask())
	}
	f.Question = i18n.Text{"en": "How many rooms?"}
	if f.Ask()["ar"] != f.Label["ar"] || f.Label["ar"] == "" {
		t.Errorf("a question in one language is put to others: %v", f.Ask())
	}
	if f.Ask()["en"] != "How many rooms?" {
		t.Error(f.Ask())
	}
}

// A text fits its pattern as a whole, or is refused in the field's own words; what a
// record holds already stays.
func TestPattern(t *testing.T) {
	f := registry.Field{Code: "plate", Type: registry.TypeText, Rules: registry.FieldRules{Pattern: "[A-Z]{2}|[0-9]+", PatternError: i18n.Text{"en": "Two letters, or digits", "ar": "حرفان أو أرقام"}}}
	for text, fits := range map[string]bool{"AB": true, " 12 ": true, "ABC": false, "A": false, "AB12": false, "١٢": false, "": true} {
		_, err := f.Parse([]string{text})
		var wrong *fault.Error
		if (err == nil) != fits || err != nil && (!errors.As(err, &wrong) || wrong.Fields[0].Args["Why"].(i18n.Text)["ar"] != "حرفان أو أرقام") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if !f.Holds("old 1", []string{"old 1"}) || f.Holds("old 1", []string{"old 2"}) || f.Holds(nil, []string{"old"}) {
		t.Error("what is held")
	}
}
