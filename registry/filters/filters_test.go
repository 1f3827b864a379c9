package filters

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/i18n"
	"daftar/registry"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestInert(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "Amina": "Amina", "=1+1": "'=1+1", "+441234": "'+441234", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\r=x": "'\r=x",
		" =cmd|' /C calc'!A0": "' =cmd|' /C calc'!A0", "＝1": "'＝1", "\u200f=1": "'\u200f=1", "a=b": "a=b", "آمنة": "آمنة",
	} {
		if got := Inert(in); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
}

// defs are custom fields of every type, one with a hostile code as no check
// would let it through.
func defs() registry.Fields {
	var list registry.Fields
	for _, subject := range []string{"person", "household"} {
		for code, kind := range map[string]registry.FieldType{"n": registry.TypeNumber, "m": registry.TypeMoney, "y": registry.TypeYesNo,
			"d": registry.TypeDate, "c": registry.TypeChoice, "cs": registry.TypeChoices, "t": registry.TypeText, "pl": registry.TypeArea, "x') or true --": registry.TypeNumber} {
			list = append(list, registry.Field{Subject: subject, Code: code, Type: kind, Label: i18n.Text{"en": code},
				Options: registry.Options{{Code: "a", Label: i18n.Text{"en": "A"}}, {Code: "b'\"", Label: i18n.Text{"en": "B"}}}})
		}
	}
	for _, subject := range []string{"person", "household"} {
		for code, kind := range map[string]registry.FieldType{"ha": registry.TypeNumber, "crop": registry.TypeChoice, "wet": registry.TypeYesNo, "since": registry.TypeDate,
			"where": registry.TypeArea, "tools": registry.TypeChoices, "note": registry.TypeText, "x') or true --": registry.TypeText} {
			list = append(list, registry.Field{Subject: subject, Roster: "r", Code: code, Type: kind, Options: registry.Options{{Code: "a"}, {Code: "b'\""}}})
		}
		list = append(list,
			registry.Field{Subject: subject, Code: "r", Type: registry.TypeRoster}, registry.Field{Subject: subject, Code: "a", Type: registry.TypeArea},
			registry.Field{Subject: subject, Roster: "r", Code: "secret", Type: registry.TypeNumber, Sensitivity: "sensitive"},
			registry.Field{Subject: subject, Roster: "r", Code: "at", Type: registry.TypeArea},
			registry.Field{Subject: subject, Code: "f", Type: registry.TypeCalculated, Result: registry.TypeNumber},
			registry.Field{Subject: subject, Code: "s", Type: registry.TypeNumber, Sensitivity: "sensitive"})
	}
	return list
}

func numbers() []registry.IdentifierType {
	return []registry.IdentifierType{{Code: "n' --", Subject: "person"}, {Code: "card", Subject: "household"}, {Code: "reg", Subject: "group"}}
}

// Every field with every comparison is a statement that PostgreSQL runs.
func TestEveryConditionRuns(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	conn := connect(t, d)
	group := registry.NewRef(registry.RefGroup, d.Rand())
	for _, subject := range Subjects() {
		c := NewCatalogue(subject, defs(), numbers(), registry.Tags{{Code: "tag' --"}}, nil)
		for _, f := range c.Fields {
			for _, op := range f.Kind.Ops() {
				cond := Cond{Field: f.ID, Op: op}
				if op.NeedsValue() {
					cond.Values = []string{map[Kind]string{Number: "1.5", Age: "18", Day: "2026-03-02", Text: "%' or '1'='1", Group: group, Place: "MJ01"}[f.Kind]}
					if len(f.Options) > 0 {
						cond.Values = []string{f.Options[0].Code}
					}
				}
				for _, e := range []Expr{{Cond: &cond}, {Not: &Expr{Cond: &cond}}, {Any: []Expr{{Cond: &cond}, {All: []Expr{{Cond: &cond}}}}}} {
					run(t, conn, c, e)
				}
			}
		}
	}
}

func connect(t testing.TB, d *dbtest.DB) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func run(t testing.TB, conn *pgx.Conn, c Catalogue, e Expr) {
	t.Helper()
	b := &builder{today: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}
	statement, err := c.statement(b, Filter{Subject: c.Subject, Area: "MJ", Expr: e}, []string{"MJ/MJ01/", "MJ/MJ02/"}, &Row{Place: "MJ/"}, 10)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), statement, b.args...)
	if err == nil {
		rows.Close()
		err = rows.Err()
	}
	if err != nil {
		t.Fatalf("%v\n%s\n%v", err, statement, b.args)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	c := NewCatalogue(People, defs(), numbers(), registry.Tags{{Code: "tag' --"}}, nil)
	deep := Expr{Cond: &Cond{Field: "person.age", Op: Known}}
	for range 10 {
		deep = Expr{Not: &deep}
	}
	var many []Expr
	for range 50 {
		many = append(many, Expr{Cond: &Cond{Field: "person.age", Op: Known}})
	}
	one := &Cond{Field: "person.age", Op: Known}
	for name, e := range map[string]Expr{
		"a field that is not there":     {Cond: &Cond{Field: "p.full_name", Op: Known}},
		"a field of no permission":      {Cond: &Cond{Field: "person.field.s", Op: Known}},
		"a column of no permission":     {Cond: &Cond{Field: "person.field.r.entry.secret", Op: Known}},
		"an aggregate of no permission": {Cond: &Cond{Field: "members.sum.s", Op: Known}},
		"a comparison it does not have": {Cond: &Cond{Field: "person.age", Op: Holds, Values: []string{"1"}}},
		"an unknown comparison":         {Cond: &Cond{Field: "person.age", Op: "= 1 or true", Values: []string{"1"}}},
		"no value":                      {Cond: &Cond{Field: "person.age", Op: AtLeast}},
		"two values":                    {Cond: &Cond{Field: "person.age", Op: AtLeast, Values: []string{"1", "2"}}},
		"a value too many":              {Cond: &Cond{Field: "person.age", Op: Known, Values: []string{"1"}}},
		"an age of letters":             {Cond: &Cond{Field: "person.age", Op: AtLeast, Values: []string{"x"}}},
		"not a number":                  {Cond: &Cond{Field: "person.field.m", Op: AtLeast, Values: []string{"NaN"}}},
		"a choice it does not have":     {Cond: &Cond{Field: "person.sex", Op: Is, Values: []string{"unknown"}}},
		"too deep":                      deep,
		"too many":                      {All: many},
		"two things at once":            {All: []Expr{{Cond: one}}, Cond: one},
	} {
		if c.Check(e) == nil {
			t.Error(name, "was let through")
		}
		b := &builder{}
		if _, err := c.statement(b, Filter{Subject: People, Expr: e}, []string{"X/"}, nil, 1); err == nil {
			t.Error(name, "was compiled")
		}
	}
}

// FuzzExpr feeds whatever JSON to the check and the compiler: what passes has
// nothing of the input in its text, and PostgreSQL runs it.
func FuzzExpr(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"cond":{"field":"person.age","op":"at_least","values":["18"]}}`,
		`{"all":[{"cond":{"field":"person.sex","op":"is","values":["female","male"]}},{"not":{"cond":{"field":"members.children","op":"at_most","values":["2"]}}}]}`,
		`{"any":[{"cond":{"field":"person.field.t","op":"holds","values":["'; drop table person; --"]}},{"cond":{"field":"person.field.cs","op":"holds","values":["a","b'\""]}}]}`,
		`{"cond":{"field":"members.yes.y","op":"at_least","values":["١"]}}`,
		`{"all":[{"cond":{"field":"household.field.r.entry.crop","op":"is","values":["b'\""]}},{"cond":{"field":"household.field.r.entry.note","op":"holds","values":["') or true--"]}}]}`,
		`{"cond":{"field":"person.number.n' --","op":"holds","values":["expired"]}}`, `{"cond":{"field":"person.field.a","op":"is_not","values":["MJ"]}}`,
	} {
		f.Add(seed)
	}
	d := dbtest.New(f)
	conn := connect(f, d)
	c := NewCatalogue(People, defs(), numbers(), registry.Tags{{Code: "tag' --"}}, nil)
	f.Fuzz(func(t *testing.T, raw string) {
		var e Expr
		if json.Unmarshal([]byte(raw), &e) != nil || c.Check(e) != nil || strings.Contains(raw, `\u0000`) {
			return
		}
		run(t, conn, c, e)
		b := &builder{}
		text := c.condition(b, e)
		for _, v := range values(e) {
			if len(v) > 6 && strings.Contains(text, v) {
				t.Errorf("%q is in the statement: %s", v, text)
			}
		}
	})
}

func values(e Expr) []string {
	var list []string
	for _, part := range append(append([]Expr{}, e.All...), e.Any...) {
		list = append(list, values(part)...)
	}
	if e.Not != nil {
		list = append(list, values(*e.Not)...)
	}
	if e.Cond != nil {
		list = append(list, e.Cond.Values...)
	}
	return list
}
