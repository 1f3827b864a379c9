package formula

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"daftar/registry"
)

// members is what a household's formula calls the people who live in it.
const members = "members"

// Member is one of them as a formula sees them. Ages are in completed years, -1
// where nothing is known.
type Member struct {
	Relationship string
	Sex          string
	Youngest     int
	Oldest       int
	Fields       registry.Values
}

// ofMember are a member's values that are no definitions. The youngest and oldest
// that somebody can be are what comparisons with an age become; see asRanges.
var ofMember = []string{"relationship", "sex", "age", "youngest", "oldest"}

// ofMembers are the definitions whose values a formula can read of members.
func ofMembers(fields registry.Fields) registry.Fields {
	return slices.DeleteFunc(fields.Of(registry.KindPerson), func(f registry.Field) bool {
		return f.Type == registry.TypeRoster || f.Type == registry.TypeFile || slices.Contains(ofMember, f.Code)
	})
}

// Counts reports whether a formula looks at the people of a household.
func Counts(f registry.Field) bool {
	return f.Subject == registry.KindHousehold && f.Formula != "" && names(f.Formula, members)
}

// OfPeople reports whether a formula tells of a household's people, itself or by
// way of others: what one of them may not know of another (RULES R4).
func OfPeople(f registry.Field, fields registry.Fields) bool {
	if Counts(f) {
		return true
	}
	return slices.ContainsFunc(before(f, fields), func(in registry.Field) bool { return OfPeople(in, without(fields, f)) })
}

// CountsAny reports whether any formula does.
func (s *Set) CountsAny() bool { return slices.ContainsFunc(s.order, Counts) }

func (s *Set) members(people []Member) any {
	if people == nil {
		return unknown(members)
	}
	list := make([]any, len(people))
	for i, m := range people {
		made := s.Calculate(registry.KindPerson, m.Fields, nil)
		row := map[string]any{"relationship": m.Relationship, "sex": orUnknown(m.Sex, "sex")}
		for _, f := range ofMembers(s.fields) {
			value := m.Fields[f.Code]
			if f.Type == registry.TypeCalculated {
				value = made[f.Code]
			}
			row[f.Code] = Known(f, value, s.fields)
		}
		row["age"], row["youngest"], row["oldest"] = unknown("age"), unknown("age"), unknown("age")
		if m.Youngest >= 0 {
			row["youngest"], row["oldest"] = float64(m.Youngest), float64(m.Oldest)
		}
		if m.Youngest >= 0 && m.Youngest == m.Oldest {
			row["age"] = float64(m.Youngest)
		}
		list[i] = row
	}
	return list
}

func orUnknown(s, what string) any {
	if s == "" || s == registry.Unknown {
		return unknown(what)
	}
	return s
}

// rowsOf says of each name for a row which rows it is of: m is of "members" in
// members.count(m, m.age < 5), and in members.filter(m, …).sum(m, …).
func rowsOf(of *cel.Ast) map[string]string {
	var first func(ast.Expr) string
	first = func(e ast.Expr) string {
		switch e.Kind() {
		case ast.IdentKind:
			return e.AsIdent()
		case ast.ComprehensionKind:
			return first(e.AsComprehension().IterRange())
		}
		return ""
	}
	rows := map[string]string{}
	ast.PreOrderVisit(of.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			rows[e.AsComprehension().IterVar()] = first(e.AsComprehension().IterRange())
		}
	}))
	return rows
}

// turned are the comparisons with their sides changed.
var turned = map[string]string{operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals, operators.Greater: operators.Less,
	operators.GreaterEquals: operators.LessEquals, operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals}

// asRanges has comparisons with an age look at how young and how old somebody can
// be: who is 30 or 31 is not under 5, though the age is not known. m.age < 5
// becomes m.oldest < 5 || m.youngest < 5 && m.age < 5.
func asRanges(parsed *cel.Ast) {
	rows := rowsOf(parsed)
	isAge := func(e ast.Expr) bool {
		return e.Kind() == ast.SelectKind && e.AsSelect().FieldName() == "age" && e.AsSelect().Operand().Kind() == ast.IdentKind &&
			rows[e.AsSelect().Operand().AsIdent()] == members
	}
	factory, id := ast.NewExprFactory(), ast.MaxID(parsed.NativeRep())
	next := func() int64 { id++; return id }
	var found []ast.Expr
	ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && turned[e.AsCall().FunctionName()] != "" && slices.ContainsFunc(e.AsCall().Args(), isAge) {
			found = append(found, e)
		}
	}))
	for _, e := range found {
		op, age, with := e.AsCall().FunctionName(), e.AsCall().Args()[0], e.AsCall().Args()[1]
		if !isAge(age) {
			op, age, with = turned[op], with, age
		}
		compare := func(op, what string) ast.Expr {
			side := factory.NewSelect(next(), factory.CopyExpr(age.AsSelect().Operand()), what)
			return factory.NewCall(next(), op, side, factory.CopyExpr(with))
		}
		both := func(logic string, a, b ast.Expr) ast.Expr { return factory.NewCall(next(), logic, a, b) }
		either, and := operators.LogicalOr, operators.LogicalAnd
		var now ast.Expr
		switch op {
		case operators.Less, operators.LessEquals:
			now = both(either, compare(op, "oldest"), both(and, compare(op, "youngest"), compare(op, "age")))
		case operators.Greater, operators.GreaterEquals:
			now = both(either, compare(op, "youngest"), both(and, compare(op, "oldest"), compare(op, "age")))
		case operators.Equals:
			now = both(and, both(and, compare(operators.LessEquals, "youngest"), compare(operators.GreaterEquals, "oldest")), compare(op, "age"))
		default:
			now = both(either, both(either, compare(operators.Greater, "youngest"), compare(operators.Less, "oldest")), compare(op, "age"))
		}
		e.SetKindCase(now)
	}
}
