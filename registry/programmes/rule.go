// Package programmes decides who is eligible for what: versioned rules, three
// possible outcomes per criterion, and decisions that can be replayed.
package programmes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/formula"
)

// Rule is one version of a programme's conditions, as stored. All criteria
// must be met.
type Rule struct {
	Criteria []Criterion `json:"criteria" yaml:"criteria"`
	Score    []ScoreItem `json:"score,omitempty" yaml:"score"`
}

// Criterion is one condition: a CEL expression that is true or false, or a
// highest score.
type Criterion struct {
	Code string `json:"code" yaml:"code"`
	// Label says the condition in words: "A child under six lives with you."
	Label i18n.Text `json:"label" yaml:"label"`
	// When is CEL over household (fields, size) and members (relationship,
	// sex, fields; functions under(years), at_least(years)).
	When     string   `json:"when,omitempty" yaml:"when"`
	MaxScore *float64 `json:"max_score,omitempty" yaml:"max_score"`
	// Facts are the household fields shown as what the outcome rests on;
	// "members" stands for the children's ages, "size" for how many people
	// live in the household.
	Facts []string `json:"facts,omitempty" yaml:"facts"`
}

// ScoreItem gives points for the answer to a household field. A number takes
// the points of the first band it does not exceed.
type ScoreItem struct {
	Field  string             `json:"field" yaml:"field"`
	Points map[string]float64 `json:"points,omitempty" yaml:"points"` // by option code
	Bands  []Band             `json:"bands,omitempty" yaml:"bands"`
}

// Band is a range of numbers up to and including Max; the last one has none.
type Band struct {
	Max    *float64 `json:"max,omitempty" yaml:"max"`
	Points float64  `json:"points" yaml:"points"`
}

// Outcome of a criterion or of a whole rule. Unknown is not "no".
type Outcome string

// The outcomes of a criterion.
const (
	Met     Outcome = "met"
	NotMet  Outcome = "not_met"
	Unknown Outcome = "unknown"
)

// Inputs is everything that a rule saw, kept with the decision so that it can
// be replayed. Ages are ranges: -1 for not known.
type Inputs struct {
	On        string          `json:"on"` // the day, 2006-01-02
	Household registry.Values `json:"household"`
	Size      int             `json:"size"`
	Members   []MemberInput   `json:"members"`
}

// MemberInput is one member as a rule sees them.
type MemberInput struct {
	Relationship string          `json:"relationship"`
	Sex          string          `json:"sex"`
	Youngest     int             `json:"youngest"`
	Oldest       int             `json:"oldest"`
	Fields       registry.Values `json:"fields,omitempty"`
}

// Result is the outcome of a rule with that of each criterion.
type Result struct {
	Outcome  Outcome           `json:"outcome"`
	Criteria []CriterionResult `json:"criteria"`
}

// CriterionResult is one criterion's outcome.
type CriterionResult struct {
	Code    string  `json:"code"`
	Outcome Outcome `json:"outcome"`
}

// Compiled is a rule ready to run. It is safe for concurrent use.
type Compiled struct {
	rule     Rule
	fields   registry.Fields
	formulas *formula.Set
	programs []cel.Program // nil for a score criterion
}

// Limits of an expression, so that a rule cannot stall the registry.
const (
	maxExpression = 2000   // characters
	maxCost       = 100000 // CEL cost units for one household
)

// Compile checks a rule against the field definitions. A misspelt field or a
// condition that is not true or false fails here and not at a family's door.
func Compile(rule Rule, fields registry.Fields) (*Compiled, error) {
	if len(rule.Criteria) == 0 {
		return nil, errors.New("a rule needs at least one criterion")
	}
	env, err := environment()
	if err != nil {
		return nil, err
	}
	formulas, err := formula.New(fields)
	if err != nil {
		return nil, err
	}
	c := &Compiled{rule: rule, fields: fields, formulas: formulas}
	for _, crit := range rule.Criteria {
		if (crit.When == "") == (crit.MaxScore == nil) {
			return nil, fmt.Errorf("criterion %s needs either an expression or a highest score", crit.Code)
		}
		if crit.MaxScore != nil {
			c.programs = append(c.programs, nil)
			continue
		}
		program, err := compile(env, crit.When, fields)
		if err != nil {
			return nil, fmt.Errorf("criterion %s: %w", crit.Code, err)
		}
		c.programs = append(c.programs, program)
	}
	for _, item := range rule.Score {
		if err := item.check(fields); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// environment is version 1 of what an expression may use.
func environment() (*cel.Env, error) {
	age := func(name string, decide func(m MemberAges, years int64) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload("member_"+name, []*cel.Type{cel.DynType, cel.IntType}, cel.BoolType,
			cel.BinaryBinding(func(m, years ref.Val) ref.Val {
				ages, ok := agesOf(m)
				n, isInt := years.(types.Int)
				if !ok || !isInt {
					return types.NewErr("%s() is for a member and a number of years", name)
				}
				return decide(ages, int64(n))
			})))
	}
	return cel.NewEnv(
		formula.Macros(),
		cel.Variable("household", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("members", cel.ListType(cel.MapType(cel.StringType, cel.DynType))),
		age("under", func(m MemberAges, years int64) ref.Val {
			switch {
			case m.Youngest < 0:
				return unknown("age")
			case m.Oldest < years:
				return types.True
			case m.Youngest >= years:
				return types.False
			}
			return unknown("age")
		}),
		age("at_least", func(m MemberAges, years int64) ref.Val {
			switch {
			case m.Youngest < 0:
				return unknown("age")
			case m.Youngest >= years:
				return types.True
			case m.Oldest < years:
				return types.False
			}
			return unknown("age")
		}),
	)
}

// MemberAges is the range of ages a member can have, in completed years.
type MemberAges struct{ Youngest, Oldest int64 }

func agesOf(m ref.Val) (MemberAges, bool) {
	values, ok := m.Value().(map[string]any)
	if !ok {
		return MemberAges{}, false
	}
	ages, ok := values["ages"].(MemberAges)
	return ages, ok
}

func unknown(what string) *types.Unknown { return types.NewUnknown(1, types.NewAttributeTrail(what)) }

func compile(env *cel.Env, expression string, fields registry.Fields) (cel.Program, error) {
	if len(expression) > maxExpression {
		return nil, errors.New("the expression is too long")
	}
	checked, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	if checked.OutputType() != cel.BoolType && checked.OutputType() != cel.DynType {
		return nil, errors.New("the expression is not true or false")
	}
	var unknownNames []string
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.SelectKind {
			return
		}
		name := e.AsSelect().FieldName()
		known := slices.ContainsFunc(fields, func(f registry.Field) bool { return f.Code == name })
		if !known && !slices.Contains([]string{"size", "relationship", "sex"}, name) {
			unknownNames = append(unknownNames, name)
		}
	}))
	if len(unknownNames) > 0 {
		return nil, fmt.Errorf("no such field: %s", strings.Join(unknownNames, ", "))
	}
	return env.Program(checked, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(maxCost))
}

// Decide runs the rule. The outcome is Met when every criterion is, NotMet
// when one surely is not, and Unknown otherwise: what is not known decides
// nothing (RULES R9).
func (c *Compiled) Decide(in Inputs) (Result, error) {
	vars := c.variables(in)
	low, high := c.score(in)
	r := Result{Outcome: Met}
	for i, crit := range c.rule.Criteria {
		outcome, err := c.criterion(i, vars, low, high)
		if err != nil {
			return Result{}, fmt.Errorf("criterion %s: %w", crit.Code, err)
		}
		r.Criteria = append(r.Criteria, CriterionResult{Code: crit.Code, Outcome: outcome})
		switch {
		case outcome == NotMet:
			r.Outcome = NotMet
		case outcome == Unknown && r.Outcome == Met:
			r.Outcome = Unknown
		}
	}
	return r, nil
}

func (c *Compiled) criterion(i int, vars map[string]any, low, high float64) (Outcome, error) {
	if limit := c.rule.Criteria[i].MaxScore; limit != nil {
		switch {
		case high <= *limit:
			return Met, nil
		case low > *limit:
			return NotMet, nil
		}
		return Unknown, nil
	}
	value, _, err := c.programs[i].Eval(vars)
	if err != nil {
		return "", err
	}
	switch {
	case types.IsUnknown(value):
		return Unknown, nil
	case value == types.True:
		return Met, nil
	case value == types.False:
		return NotMet, nil
	}
	return "", fmt.Errorf("the expression gave %v", value.Type())
}

// variables fills every defined field, those without an answer as unknown.
func (c *Compiled) variables(in Inputs) map[string]any {
	people := make([]formula.Member, len(in.Members))
	for i, m := range in.Members {
		people[i] = formula.Member(m)
	}
	household := c.fill("household", in.Household, people)
	household["size"] = in.Size
	members := make([]any, len(in.Members))
	for i, m := range in.Members {
		values := c.fill("person", m.Fields, nil)
		values["relationship"] = m.Relationship
		values["sex"] = orUnknown(m.Sex, "sex")
		values["ages"] = MemberAges{int64(m.Youngest), int64(m.Oldest)}
		members[i] = values
	}
	return map[string]any{"household": household, "members": members}
}

func (c *Compiled) fill(subject string, given registry.Values, people []formula.Member) map[string]any {
	values := map[string]any{}
	calculated := c.formulas.Calculate(subject, given, people)
	for _, f := range c.fields.Of(subject) {
		value := given[f.Code]
		if f.Type == registry.TypeCalculated {
			value = calculated[f.Code]
		}
		values[f.Code] = formula.Known(f, value, c.fields)
	}
	return values
}

func orUnknown(s, what string) any {
	if s == "" || s == registry.Unknown {
		return unknown(what)
	}
	return s
}

// score adds up the lowest and the highest points that the answers allow: an
// answer that is missing may be any.
func (c *Compiled) score(in Inputs) (low, high float64) {
	for _, item := range c.rule.Score {
		value := in.Household[item.Field]
		if item.Field == "size" {
			value = float64(in.Size)
		}
		l, h := item.points(value)
		low, high = low+l, high+h
	}
	return low, high
}

func (s ScoreItem) points(value any) (low, high float64) {
	switch v := value.(type) {
	case string:
		if p, ok := s.Points[v]; ok {
			return p, p
		}
	case float64:
		for _, b := range s.Bands {
			if b.Max == nil || v <= *b.Max {
				return b.Points, b.Points
			}
		}
	}
	var all []float64
	for _, p := range s.Points {
		all = append(all, p)
	}
	for _, b := range s.Bands {
		all = append(all, b.Points)
	}
	return slices.Min(all), slices.Max(all)
}

func (s ScoreItem) check(fields registry.Fields) error {
	if (len(s.Points) == 0) == (len(s.Bands) == 0) {
		return fmt.Errorf("score of %s needs either points or bands", s.Field)
	}
	if s.Field == "size" {
		return nil
	}
	f, ok := fields.Of("household").Get(s.Field)
	if !ok {
		return fmt.Errorf("score: no such field: %s", s.Field)
	}
	for code := range s.Points {
		if f.Type == registry.TypeChoice && !f.Options.Had(code) {
			return fmt.Errorf("score of %s: no such option: %s", s.Field, code)
		}
	}
	if len(s.Bands) > 0 && s.Bands[len(s.Bands)-1].Max != nil {
		return fmt.Errorf("score of %s: the last band must be open", s.Field)
	}
	return nil
}
