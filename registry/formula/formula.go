// Package formula is CEL over the fields of one record: values that are
// calculated from others, and when a question is asked. An answer that is
// missing is unknown, and what rests on it is unknown too (RULES R9).
package formula

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"daftar/registry"
)

// Limits of an expression, so that none can stall the registry.
const (
	maxExpression = 2000  // characters
	maxCost       = 10000 // CEL cost units for one record
)

// What the macros complain of.
const (
	noColumn = "sum() needs a column, such as plots.sum(p.ha)"
	noRow    = "a name for the row is needed"
)

// Macros are what rosters add to CEL: plots.sum(p.ha), plots.count() and, with
// a condition, plots.count(p, p.irrigated == "yes").
func Macros() cel.EnvOption {
	return cel.Macros(
		cel.ReceiverMacro("sum", 1, sumOfPath),
		cel.ReceiverMacro("sum", 2, sum),
		cel.ReceiverMacro("count", 0, countAll),
		cel.ReceiverMacro("count", 2, count),
	)
}

// sumOfPath is rows.sum(p.column): the first name of the path is the row.
func sumOfPath(eh cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	root := args[0]
	for root.Kind() == ast.SelectKind {
		root = root.AsSelect().Operand()
	}
	if root.Kind() != ast.IdentKind || root == args[0] {
		return nil, eh.NewError(args[0].ID(), noColumn)
	}
	return fold(eh, target, root.AsIdent(), args[0]), nil
}

func sum(eh cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if args[0].Kind() != ast.IdentKind {
		return nil, eh.NewError(args[0].ID(), noRow)
	}
	return fold(eh, target, args[0].AsIdent(), args[1]), nil
}

func countAll(eh cel.MacroExprFactory, target ast.Expr, _ []ast.Expr) (ast.Expr, *cel.Error) {
	return fold(eh, target, "row", eh.NewLiteral(types.Double(1))), nil
}

func count(eh cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if args[0].Kind() != ast.IdentKind {
		return nil, eh.NewError(args[0].ID(), noRow)
	}
	one := eh.NewCall(operators.Conditional, args[1], eh.NewLiteral(types.Double(1)), eh.NewLiteral(types.Double(0)))
	return fold(eh, target, args[0].AsIdent(), one), nil
}

func fold(eh cel.MacroExprFactory, rows ast.Expr, row string, value ast.Expr) ast.Expr {
	accu := eh.AccuIdentName()
	step := eh.NewCall(operators.Add, eh.NewAccuIdent(), value)
	return eh.NewComprehension(rows, row, accu, eh.NewLiteral(types.Double(0)), eh.NewLiteral(types.True), step, eh.NewAccuIdent())
}

// Set holds the compiled expressions of a set of definitions. It is safe for
// concurrent use.
type Set struct {
	fields   registry.Fields
	order    registry.Fields // those with a formula, each after what it is made of
	formulas map[registry.FieldKey]cel.Program
	visible  map[registry.FieldKey]cel.Program
}

// New compiles every expression of the definitions.
func New(fields registry.Fields) (*Set, error) {
	s := &Set{fields: fields, formulas: map[registry.FieldKey]cel.Program{}, visible: map[registry.FieldKey]cel.Program{}}
	for _, f := range fields {
		for _, e := range []struct {
			text    string
			into    map[registry.FieldKey]cel.Program
			want    *cel.Type
			formula bool
		}{{f.Formula, s.formulas, resultType(f), true}, {f.VisibleWhen, s.visible, cel.BoolType, false}} {
			if e.text == "" {
				continue
			}
			program, err := compile(e.text, f, fields, e.want, e.formula)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.Code, err)
			}
			e.into[f.Key()] = program
		}
	}
	s.order = ordered(fields)
	return s, nil
}

// Check compiles the expressions of one definition beside the others; the
// errors name the input "formula" or "visible_when".
func Check(f registry.Field, fields registry.Fields) (formula, visible error) {
	if f.Formula != "" {
		if _, formula = compile(f.Formula, f, fields, resultType(f), true); formula == nil {
			formula = answersExist(f.Formula, sources(f, fields))
		}
	}
	if f.VisibleWhen != "" {
		if _, visible = compile(f.VisibleWhen, f, fields, cel.BoolType, false); visible == nil {
			visible = answersExist(f.VisibleWhen, inputs(f, fields))
		}
	}
	return formula, visible
}

// Waits finds a definition that f is asked after, and that itself waits for f, also
// by way of others: neither of them would follow from what is known.
func Waits(f registry.Field, fields registry.Fields) *registry.Field {
	fields = fields.With(f)
	seen := map[string]bool{}
	var walk func(registry.Field) *registry.Field
	walk = func(of registry.Field) *registry.Field {
		for _, in := range inputs(of, fields) {
			switch {
			case !names(of.VisibleWhen, in.Code):
			case in.Code == f.Code:
				return &of
			case !seen[in.Code]:
				seen[in.Code] = true
				if found := walk(in); found != nil {
					return found
				}
			}
		}
		return nil
	}
	return walk(f)
}

// Unasked finds two questions of which one is f: asked is put to people when they
// apply, and not, which decides about it, is not.
func Unasked(f registry.Field, fields registry.Fields) (asked, not *registry.Field) {
	if f.Roster != "" {
		return nil, nil
	}
	for _, o := range inputs(f, fields) {
		switch {
		case f.Asked && !o.Asked && names(f.VisibleWhen, o.Code):
			return &f, &o
		case o.Asked && !f.Asked && names(o.VisibleWhen, f.Code):
			return &o, &f
		}
	}
	return nil, nil
}

// parse reads an expression as text alone: what its names stand for is not asked.
func parse(text string) (*cel.Ast, error) {
	env, err := cel.NewEnv(Macros())
	if err != nil {
		return nil, err
	}
	parsed, issues := env.Parse(text)
	return parsed, issues.Err()
}

// names reports whether an expression uses a variable.
func names(text, code string) bool {
	if text == "" {
		return false
	}
	parsed, err := parse(text)
	if err != nil {
		return false
	}
	found := false
	ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		found = found || e.Kind() == ast.IdentKind && e.AsIdent() == code
	}))
	return found
}

// From lists the definitions whose values the formula of f gives away: those that
// it names, the columns of its rosters and what it reads of members among them.
func From(f registry.Field, fields registry.Fields) registry.Fields {
	var out registry.Fields
	for _, in := range sources(f, fields) {
		if !names(f.Formula, in.Code) {
			continue
		}
		out = append(out, in)
		for _, column := range fields.Columns(in) {
			if reads(f.Formula, column.Code) {
				out = append(out, column)
			}
		}
	}
	if Counts(f) {
		for _, of := range ofMembers(fields) {
			if reads(f.Formula, of.Code) {
				out = append(out, of)
			}
		}
	}
	return out
}

// reads reports whether an expression selects a column.
func reads(text, code string) bool {
	parsed, err := parse(text)
	if err != nil {
		return false
	}
	found := false
	ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		found = found || e.Kind() == ast.SelectKind && e.AsSelect().FieldName() == code
	}))
	return found
}

func resultType(f registry.Field) *cel.Type {
	switch f.Result {
	case registry.TypeNumber, registry.TypeMoney:
		return cel.DoubleType
	case registry.TypeYesNo:
		return cel.BoolType
	}
	return cel.StringType
}

// inputs are the definitions that a condition of f may use: the stored values
// of the same subject, and for a column of a roster those of the same row.
func inputs(f registry.Field, fields registry.Fields) registry.Fields {
	var out registry.Fields
	for _, in := range fields {
		if in.Subject == f.Subject && in.Roster == f.Roster && in.Code != f.Code && in.Type != registry.TypeCalculated {
			out = append(out, in)
		}
	}
	return out
}

// sources are those that a formula of f may use: what other formulas give, too.
func sources(f registry.Field, fields registry.Fields) registry.Fields {
	out := inputs(f, fields)
	for _, in := range fields {
		if in.Subject == f.Subject && in.Code != f.Code && in.Type == registry.TypeCalculated {
			out = append(out, in)
		}
	}
	return out
}

func compile(text string, f registry.Field, fields registry.Fields, want *cel.Type, formula bool) (cel.Program, error) {
	if len(text) > maxExpression {
		return nil, wrong("formula.error.long")
	}
	options := []cel.EnvOption{Macros(), cel.CrossTypeNumericComparisons(true)}
	from := inputs(f, fields)
	if formula {
		from = sources(f, fields)
	}
	for _, in := range from {
		options = append(options, cel.Variable(in.Code, variableType(in)))
	}
	if !formula && ofSomebody(f) {
		options = append(options, cel.Variable("sex", cel.StringType), cel.Variable("age", cel.DoubleType))
	}
	people := formula && f.Subject == registry.KindHousehold
	if people {
		options = append(options, cel.Variable(members, cel.ListType(cel.MapType(cel.StringType, cel.DynType))))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, plain(issues, f, fields)
	}
	asDoubles(parsed)
	if people {
		asRanges(parsed)
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, plain(issues, f, fields)
	}
	if out := checked.OutputType(); !out.IsExactType(want) && !out.IsExactType(cel.DynType) {
		return nil, gives(want)
	}
	if err := columnsExist(checked, f, fields); err != nil {
		return nil, err
	}
	return env.Program(checked, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(maxCost))
}

func variableType(f registry.Field) *cel.Type {
	switch f.Shape() {
	case registry.TypeNumber, registry.TypeMoney:
		return cel.DoubleType
	case registry.TypeChoices:
		return cel.ListType(cel.StringType)
	case registry.TypeRoster:
		return cel.ListType(cel.MapType(cel.StringType, cel.DynType))
	}
	return cel.StringType
}

// asDoubles lets people write "rooms * 2": every number of a record is a double.
func asDoubles(parsed *cel.Ast) {
	factory := ast.NewExprFactory()
	ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.LiteralKind {
			if n, ok := e.AsLiteral().(types.Int); ok {
				e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(n)))
			}
		}
	}))
}

// columnsExist refuses a misspelt column of a roster, or value of a member.
func columnsExist(checked *cel.Ast, f registry.Field, fields registry.Fields) (err error) {
	of := rowsOf(checked)
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if err != nil || e.Kind() != ast.SelectKind {
			return
		}
		name, operand := e.AsSelect().FieldName(), e.AsSelect().Operand()
		if operand.Kind() == ast.IdentKind && of[operand.AsIdent()] == members {
			if !slices.Contains(ofMember, name) && !slices.ContainsFunc(ofMembers(fields), func(o registry.Field) bool { return o.Code == name }) {
				err = wrong("formula.error.member", "Name", name, "Others", strings.Join(ofMember[:3], ", "))
			}
			return
		}
		if !slices.ContainsFunc(fields, func(c registry.Field) bool { return c.Subject == f.Subject && c.Roster != "" && c.Code == name }) {
			err = wrong("formula.error.column", "Name", name)
		}
	}))
	return err
}

// ofSomebody reports whether a condition of f may look at how old somebody is, in
// completed years, and at their sex: values "age" and "sex", which no definition has.
func ofSomebody(f registry.Field) bool { return f.Subject == registry.KindPerson && f.Roster == "" }

// answersExist refuses a comparison with an answer that a question does not have:
// nobody would notice that it is never so.
func answersExist(text string, from registry.Fields) (err error) {
	parsed, err := parse(text)
	if err != nil {
		return err
	}
	compare := func(name, literal ast.Expr) {
		text, ok := literal.AsLiteral().(types.String)
		if err != nil || name.Kind() != ast.IdentKind || literal.Kind() != ast.LiteralKind || !ok {
			return
		}
		f, known := from.Get(name.AsIdent())
		if !known {
			return
		}
		var codes []string
		switch f.Shape() {
		case registry.TypeYesNo:
			codes = []string{"yes", "no", registry.Unknown}
		case registry.TypeChoice, registry.TypeChoices:
			for _, o := range f.Options {
				codes = append(codes, o.Code)
			}
		}
		if codes != nil && !slices.Contains(codes, string(text)) {
			err = wrong("formula.error.answer", "Name", string(text), "Others", strings.Join(codes, ", "))
		}
	}
	ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		a, b := e.AsCall().Args()[0], e.AsCall().Args()[1]
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			compare(a, b)
			compare(b, a)
		case operators.In: // "tv" in assets, tenure in ["rented", "owned"]
			compare(b, a)
			if b.Kind() == ast.ListKind {
				for _, each := range b.AsList().Elements() {
					compare(a, each)
				}
			}
		}
	}))
	return err
}

// Asked reports whether a question is asked of a record with these values, and of
// a person's "sex" and "age". What is not known yet hides nothing, nor does no set
// at all.
func (s *Set) Asked(f registry.Field, values registry.Values) bool {
	if s == nil {
		return true
	}
	program, ok := s.visible[f.Key()]
	if !ok {
		return true
	}
	vars := map[string]any{}
	for _, in := range inputs(f, s.fields) {
		vars[in.Code] = Known(in, values[in.Code], s.fields)
	}
	if ofSomebody(f) {
		for _, name := range []string{"sex", "age"} {
			if vars[name] = values[name]; vars[name] == nil || vars[name] == "" || vars[name] == registry.Unknown {
				vars[name] = unknown(name)
			}
		}
	}
	out, _, err := program.Eval(vars)
	return err != nil || types.IsUnknown(out) || out == types.True
}

// Calculate gives the calculated values of a record; one that rests on an
// unknown is missing. Of a household, people are those who live in it; where they
// are not known (nil), neither is what counts them.
func (s *Set) Calculate(subject string, values registry.Values, people []Member) registry.Values {
	out := registry.Values{}
	var known any
	for _, f := range s.order {
		if f.Subject != subject {
			continue
		}
		vars := map[string]any{}
		for _, in := range sources(f, s.fields) {
			value := values[in.Code]
			if in.Type == registry.TypeCalculated {
				value = out[in.Code]
			}
			vars[in.Code] = Known(in, value, s.fields)
		}
		if Counts(f) {
			if known == nil {
				known = s.members(people)
			}
			vars[members] = known
		}
		value, _, err := s.formulas[f.Key()].Eval(vars)
		if err != nil || types.IsUnknownOrError(value) {
			continue
		}
		switch v := value.(type) {
		case types.Double:
			if !math.IsInf(float64(v), 0) && !math.IsNaN(float64(v)) {
				out[f.Code] = float64(v)
			}
		case types.Int:
			out[f.Code] = float64(v)
		case types.String:
			out[f.Code] = string(v)
		case types.Bool:
			out[f.Code] = map[types.Bool]string{true: "yes", false: "no"}[v]
		}
	}
	return out
}

// Calculates reports whether any field of the subject has a formula.
func (s *Set) Calculates(subject string) bool {
	return slices.ContainsFunc(s.order, func(f registry.Field) bool { return f.Subject == subject })
}

// Known is a stored value as an expression sees it: unknown when there is no
// answer, also within the rows of a roster.
func Known(f registry.Field, value any, fields registry.Fields) any {
	switch v := value.(type) {
	case nil:
	case string:
		if v != "" && v != registry.Unknown {
			return v
		}
	case []any:
		if f.Type != registry.TypeRoster {
			return v
		}
		rows := make([]any, len(v))
		for i, row := range v {
			given, _ := row.(map[string]any)
			known := map[string]any{}
			for _, column := range fields.Columns(f) {
				known[column.Code] = Known(column, given[column.Code], fields)
			}
			rows[i] = known
		}
		return rows
	default:
		return v
	}
	return unknown(f.Code)
}

func unknown(what string) ref.Val { return types.NewUnknown(1, types.NewAttributeTrail(what)) }
