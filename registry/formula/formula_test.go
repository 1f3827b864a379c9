package formula_test

import (
	"errors"
	"testing"

	"daftar/i18n"
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
	{Subject: "person", Code: "disability", Type: registry.TypeYesNo, Sensitivity: "sensitive", Label: i18n.Text{"en": "Disability"}},
	{Subject: "person", Code: "wage", Type: registry.TypeMoney},
	{Subject: "person", Code: "hours", Type: registry.TypeNumber},
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
		got, ok := set.Calculate("household", tt.values, nil)["out"]
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

// A condition may look at somebody's sex and age; what is not known hides nothing.
func TestAskedOfSomebody(t *testing.T) {
	t.Parallel()
	pregnant := registry.Field{Subject: "person", Code: "pregnant", Type: registry.TypeYesNo, VisibleWhen: `sex == "female" && age >= 12`}
	set, err := formula.New(registry.Fields{pregnant})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		values registry.Values
		want   bool
	}{
		{registry.Values{"sex": "female", "age": 30.0}, true},
		{registry.Values{"sex": "female", "age": 11.0}, false},
		{registry.Values{"sex": "male"}, false},
		{registry.Values{"sex": "female"}, true},
		{registry.Values{"sex": registry.Unknown, "age": 5.0}, false},
		{nil, true},
	} {
		if got := set.Asked(pregnant, c.values); got != c.want {
			t.Errorf("%v: %v", c.values, got)
		}
	}
	pregnant.Subject = "household"
	if _, wrong := formula.Check(pregnant, nil); wrong == nil {
		t.Error("a household has an age")
	}
}

// What compares with an answer that is not offered is a mistake.
func TestAnswersExist(t *testing.T) {
	t.Parallel()
	all := registry.Fields{
		{Subject: "household", Code: "tenure", Type: registry.TypeChoice, Options: registry.Options{{Code: "rented"}, {Code: "owned", Retired: true}}},
		{Subject: "household", Code: "assets", Type: registry.TypeChoices, Options: registry.Options{{Code: "tv"}}},
		{Subject: "household", Code: "farms", Type: registry.TypeYesNo},
		{Subject: "household", Code: "note", Type: registry.TypeText},
	}
	for text, right := range map[string]bool{
		`tenure == "rented"`: true, `"owned" != tenure`: true, `tenure == "rentde"`: false, `tenure in ["rented", "hired"]`: false,
		`"tv" in assets`: true, `"radio" in assets`: false, `farms == "yes"`: true, `farms == "true"`: false, `note == "anything"`: true,
	} {
		_, wrong := formula.Check(registry.Field{Subject: "household", Code: "out", VisibleWhen: text}, all)
		if (wrong == nil) != right {
			t.Errorf("%s: %v", text, wrong)
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

// calculated is a definition with a formula; what it gives follows from its code.
func calculated(subject, code, text string, result registry.FieldType) registry.Field {
	return registry.Field{Subject: subject, Code: code, Type: registry.TypeCalculated, Formula: text, Result: result}
}

// A household's formula counts and adds up its people. What is not known of one of
// them is neither zero nor no, unless the answer is the same whatever it is.
func TestMembers(t *testing.T) {
	t.Parallel()
	child := formula.Member{Relationship: "child", Sex: "female", Youngest: 3, Oldest: 3, Fields: registry.Values{"disability": "no", "wage": 0.0}}
	adult := formula.Member{Relationship: "head", Sex: "male", Youngest: 30, Oldest: 31, Fields: registry.Values{"disability": "yes", "wage": 90.0, "hours": 10.0}}
	silent := formula.Member{Relationship: "spouse", Sex: "unknown", Youngest: 28, Oldest: 28}
	ageless := formula.Member{Relationship: "spouse", Sex: "female", Youngest: -1, Oldest: -1, Fields: registry.Values{"disability": "no", "wage": 5.0}}
	perhaps := formula.Member{Relationship: "child", Sex: "female", Youngest: 4, Oldest: 5, Fields: registry.Values{"disability": "no", "wage": 0.0}}
	list := func(m ...formula.Member) []formula.Member { return m }
	for _, tt := range []struct {
		formula string
		result  registry.FieldType
		members []formula.Member
		want    any
	}{
		{"members.count()", registry.TypeNumber, list(child, adult), 2.0},
		{"members.count()", registry.TypeNumber, []formula.Member{}, 0.0},
		{"members.count()", registry.TypeNumber, nil, nil}, // nobody knows who lives there
		{"members.count(m, m.age < 5)", registry.TypeNumber, list(child, adult), 1.0},
		{"members.count(m, 5 > m.age)", registry.TypeNumber, list(child, adult), 1.0},
		{"members.count(m, m.age < 5)", registry.TypeNumber, list(child, ageless), nil},
		{"members.count(m, m.age < 5)", registry.TypeNumber, list(child, perhaps), nil},
		{"members.count(m, m.age <= 5)", registry.TypeNumber, list(child, perhaps, adult), 2.0},
		{"members.count(m, m.age >= 4)", registry.TypeNumber, list(child, perhaps, adult), 2.0},
		{"members.count(m, m.age > 5)", registry.TypeNumber, list(child, perhaps, adult), 1.0},
		{"members.count(m, m.age > 4)", registry.TypeNumber, list(perhaps), nil},
		{"members.count(m, m.age == 3)", registry.TypeNumber, list(child, perhaps, adult), 1.0},
		{"members.count(m, m.age == 30)", registry.TypeNumber, list(adult), nil},
		{"members.count(m, m.age != 3)", registry.TypeNumber, list(child, perhaps, adult), 2.0},
		{`members.exists(m, m.age < 5 && m.sex == "female")`, registry.TypeYesNo, list(ageless, child), "yes"}, // whoever the other is
		{`members.exists(m, m.disability == "yes")`, registry.TypeYesNo, list(silent, adult), "yes"},
		{`members.exists(m, m.disability == "yes")`, registry.TypeYesNo, list(silent, child), nil},
		{`members.exists(m, m.disability == "yes")`, registry.TypeYesNo, list(child, ageless), "no"},
		{"members.sum(m, m.wage)", registry.TypeMoney, list(child, adult), 90.0},
		{"members.sum(m.wage)", registry.TypeMoney, list(child, adult), 90.0},
		{"members.sum(m, m.wage)", registry.TypeMoney, list(child, silent), nil},
		{"members.sum(m, m.age < 15 ? 0 : m.wage)", registry.TypeMoney, list(child, adult), 90.0},
		{"members.sum(m, m.pay)", registry.TypeMoney, list(adult), 9.0}, // what a formula gives of a person
		{"members.filter(m, m.age >= 18).sum(m, m.wage)", registry.TypeMoney, list(child, adult), 90.0},
		{"members.sum(m, m.wage) / rooms", registry.TypeMoney, list(adult), 45.0},
		{`members.count(m, m.relationship == "child")`, registry.TypeNumber, list(child, adult), 1.0},
	} {
		all := append(fields[:len(fields):len(fields)], calculated("household", "out", tt.formula, tt.result), calculated("person", "pay", "wage / hours", registry.TypeMoney))
		set, err := formula.New(all)
		if err != nil {
			t.Errorf("%s: %v", tt.formula, err)
			continue
		}
		got, ok := set.Calculate("household", registry.Values{"rooms": 2.0}, tt.members)["out"]
		if ok != (tt.want != nil) || ok && got != tt.want {
			t.Errorf("%s of %v gives %v, not %v", tt.formula, tt.members, got, tt.want)
		}
	}
}

// Formulas rest on each other, in whatever order they stand; never in a circle.
func TestFormulasOfFormulas(t *testing.T) {
	t.Parallel()
	a := calculated("household", "a", `b == "yes" ? c * 2 : 0`, registry.TypeNumber)
	b := calculated("household", "b", "c > 10", registry.TypeYesNo)
	c := calculated("household", "c", "rooms * 4", registry.TypeNumber)
	set, err := formula.New(append(fields[:len(fields):len(fields)], a, b, c))
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Calculate("household", registry.Values{"rooms": 3.0}, nil); got["a"] != 24.0 || got["b"] != "yes" || got["c"] != 12.0 {
		t.Errorf("%v", got)
	}
	if got := set.Calculate("household", nil, nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
	all := append(fields[:len(fields):len(fields)], a, b)
	var way string
	for _, f := range formula.Circle(calculated("household", "c", "a + 1", registry.TypeNumber), all) {
		way += f.Code
	}
	if way != "cab" {
		t.Errorf("the circle is %q", way)
	}
	if way := formula.Circle(c, all); way != nil {
		t.Errorf("there is no circle in %v", way)
	}
}

// A formula of members gives away what it reads of them.
func TestFromMembers(t *testing.T) {
	t.Parallel()
	f := calculated("household", "out", `members.exists(m, m.disability == "yes") && rooms > 1`, registry.TypeYesNo)
	var codes string
	for _, in := range formula.From(f, fields) {
		codes += in.Code + " "
	}
	if codes != "rooms disability " {
		t.Error(codes)
	}
	again := calculated("household", "again", `out == "yes"`, registry.TypeYesNo)
	all := append(fields[:len(fields):len(fields)], f, again)
	for code, want := range map[string]bool{"out": true, "again": true, "rooms": false} {
		of, _ := all.Of("household").Get(code)
		if formula.OfPeople(of, all) != want {
			t.Errorf("%s tells of people: %v", code, !want)
		}
	}
}

// What is wrong is said in a message, never in the words of CEL.
func TestWrong(t *testing.T) {
	t.Parallel()
	for text, key := range map[string]string{
		"rooms +":                       "formula.error.syntax",
		`rooms == "2`:                   "formula.error.syntax",
		"room * 2":                      "formula.error.name",
		"members.average(m, m.wage)":    "formula.error.name",
		`disability == "yes"`:           "formula.error.of_person",
		"tenure * 2":                    "formula.error.mixed",
		`rooms == 2`:                    "formula.error.gives.number",
		"plots.sum(3)":                  "formula.error.sum",
		"plots.sum(3, p.ha)":            "formula.error.row",
		"plots.sum(p.hectares)":         "formula.error.column",
		"members.sum(m, m.income)":      "formula.error.member",
		"members.count(m, m.plots > 1)": "formula.error.member",
		"rooms.ha":                      "formula.error.other",
	} {
		wrong, _ := formula.Check(calculated("household", "out", text, registry.TypeNumber), fields)
		var w *formula.Wrong
		if !errors.As(wrong, &w) || w.Key != key {
			t.Errorf("%s: %v instead of %s", text, wrong, key)
		}
	}
	for _, f := range []registry.Field{
		{Subject: "household", Code: "x", Type: registry.TypeText, VisibleWhen: "members.count() > 2"}, // asked before they are known
		calculated("person", "y", "members.count()", registry.TypeNumber),
	} {
		formulaWrong, visible := formula.Check(f, fields)
		var w *formula.Wrong
		if !errors.As(errors.Join(formulaWrong, visible), &w) || w.Key != "formula.error.members" {
			t.Errorf("%s: %v %v", f.Code, formulaWrong, visible)
		}
	}
}
