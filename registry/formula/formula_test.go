package formula_test

import (
	"testing"

	"daftar/registry"
	"daftar/registry/formula"
)

var fields = registry.Fields{
	{Subject: "household", Code: "rooms", Type: registry.TypeNumber},
	{Subject: "household", Code: "income", Type: registry.TypeMoney},
	{Subject: "household", Code: "tenure", Type: registry.TypeChoice},
	{Subject: "household", Code: "farms", Type: registry.TypeYesNo},
	{Subject: "household", Code: "assets", Type: registry.TypeChoices},
	{Subject: "household", Code: "plots", Type: registry.TypeRoster},
	{Subject: "household", Roster: "plots", Code: "ha", Type: registry.TypeNumber},
	{Subject: "household", Roster: "plots", Code: "irrigated", Type: registry.TypeYesNo},
	{Subject: "person", Code: "disability", Type: registry.TypeYesNo},
}

func plots(rows ...map[string]any) []any {
	var out []any
	for _, r := range rows {
		out = append(out, r)
	}
	return out
}

func TestCalculate(t *testing.T) {
	two := plots(map[string]any{"id": "a", "ha": 1.5, "irrigated": "yes"}, map[string]any{"id": "b", "ha": 2.0, "irrigated": "no"})
	for _, tt := range []struct {
		formula string
		result  registry.FieldType
		values  registry.Values
		want    any
	}{
		{"rooms * 2", registry.TypeNumber, registry.Values{"rooms": 3.0}, 6.0},
		{"income / rooms", registry.TypeMoney, registry.Values{"rooms": 2.0, "income": 90.0}, 45.0},
		{"rooms * 2", registry.TypeNumber, nil, nil}, // not known
		{"plots.sum(p.ha)", registry.TypeNumber, registry.Values{"plots": two}, 3.5},
		{"plots.sum(plot, plot.ha * 10)", registry.TypeNumber, registry.Values{"plots": two}, 35.0},
		{"plots.count()", registry.TypeNumber, registry.Values{"plots": two}, 2.0},
		{`plots.count(p, p.irrigated == "yes")`, registry.TypeNumber, registry.Values{"plots": two}, 1.0},
		{"plots.sum(p.ha)", registry.TypeNumber, registry.Values{"plots": plots()}, 0.0},
		{"plots.sum(p.ha)", registry.TypeNumber, registry.Values{"plots": plots(map[string]any{"id": "a"})}, nil}, // a size is missing
		{"plots.sum(p.ha)", registry.TypeNumber, nil, nil},
		{`rooms < 2 && tenure == "rented"`, registry.TypeYesNo, registry.Values{"rooms": 1.0, "tenure": "rented"}, "yes"},
		{`rooms < 2 && tenure == "rented"`, registry.TypeYesNo, registry.Values{"rooms": 3.0}, "no"}, // whatever the tenure is
		{`rooms < 2 && tenure == "rented"`, registry.TypeYesNo, registry.Values{"rooms": 1.0}, nil},
		{`farms == "yes"`, registry.TypeYesNo, registry.Values{"farms": "unknown"}, nil},
		{`"tv" in assets`, registry.TypeYesNo, registry.Values{"assets": []any{"radio", "tv"}}, "yes"},
		{"income / 0", registry.TypeNumber, registry.Values{"income": 1.0}, nil}, // no number
	} {
		field := registry.Field{Subject: "household", Code: "out", Type: registry.TypeCalculated, Formula: tt.formula, Result: tt.result}
		set, err := formula.New(append(fields[:len(fields):len(fields)], field))
		if err != nil {
			t.Errorf("%s: %v", tt.formula, err)
			continue
		}
		got, ok := set.Calculate("household", tt.values)["out"]
		if ok != (tt.want != nil) || ok && got != tt.want {
			t.Errorf("%s of %v gives %v, not %v", tt.formula, tt.values, got, tt.want)
		}
	}
}

func TestAsked(t *testing.T) {
	plotsAsked := registry.Field{Subject: "household", Code: "plots", Type: registry.TypeRoster, VisibleWhen: `farms == "yes"`}
	set, err := formula.New(registry.Fields{fields[3], plotsAsked})
	if err != nil {
		t.Fatal(err)
	}
	for answer, want := range map[string]bool{"yes": true, "no": false, "unknown": true, "": true} {
		if got := set.Asked(plotsAsked, registry.Values{"farms": answer}); got != want {
			t.Errorf("asked when farms is %q: %v", answer, got)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, text := range []string{
		"", // no formula is fine
		"roms * 2",
		"rooms +",
		"rooms == 2", // true or false, and a number is wanted
		`tenure * 2`,
		"plots.sum(p.hectares)",
		"plots.sum(3)",
		"disability",                         // of another subject
		"out + 1",                            // of itself
		"[1,2,3].map(x, x)",                  // a list
		"rooms" + string(make([]byte, 2000)), // too long
	} {
		field := registry.Field{Subject: "household", Code: "out", Type: registry.TypeCalculated, Formula: text, Result: registry.TypeNumber}
		wrong, _ := formula.Check(field, fields)
		if (wrong == nil) != (text == "") {
			t.Errorf("%q: %v", text, wrong)
		}
	}
}

// Questions do not wait for each other, also by way of others.
func TestWaits(t *testing.T) {
	t.Parallel()
	q := func(code, when string) registry.Field {
		return registry.Field{Subject: "household", Code: code, Type: registry.TypeYesNo, VisibleWhen: when}
	}
	all := registry.Fields{q("a", ""), q("b", `a == "yes"`), q("c", `b == "yes" || d == "no"`), q("d", ""), q("e", `e2 == "yes"`), q("e2", `e == "yes"`)}
	for _, c := range []struct {
		f    registry.Field
		want string
	}{
		{q("a", ""), ""}, {q("a", `d == "yes"`), ""}, {q("a", `b == "yes"`), "b"}, {q("a", `c == "yes"`), "b"}, {q("d", `c == "no"`), "c"},
		{q("f", `c == "yes"`), ""}, {q("f", `e == "yes"`), ""}, // a circle of others is theirs
	} {
		got := ""
		if other := formula.Waits(c.f, all); other != nil {
			got = other.Code
		}
		if got != c.want {
			t.Errorf("%s when %s: %q", c.f.Code, c.f.VisibleWhen, got)
		}
	}
}
