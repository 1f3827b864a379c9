// Package filters finds records by their values: a filter is a typed
// expression over the fields that an officer may filter on, compiled to SQL in
// which every value, and every code of a custom field, is a parameter.
package filters

import (
	"encoding/json"
	"regexp"
	"strconv"
	"time"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
)

// Expr is one of: all of, any of, not, a condition. The zero Expr is true for
// every record.
type Expr struct {
	All  []Expr `json:"all,omitempty"`
	Any  []Expr `json:"any,omitempty"`
	Not  *Expr  `json:"not,omitempty"`
	Cond *Cond  `json:"cond,omitempty"`
}

// Cond compares a field with values. A record without a value meets only
// "unknown": no answer is never a no, and never a small number.
type Cond struct {
	Field  string   `json:"field"` // key of the catalogue
	Op     Op       `json:"op"`
	Values []string `json:"values,omitempty"`
}

// Op is a comparison. Each has the message "filter.op.<code>".
type Op string

// The comparisons.
const (
	Is      Op = "is"       // any of the values
	IsNot   Op = "is_not"   // known, and none of the values
	AtLeast Op = "at_least" // numbers, ages, days
	AtMost  Op = "at_most"
	Holds   Op = "holds" // text: contains; choices: has any of the values
	Known   Op = "known"
	Unknown Op = "unknown"
	Inside  Op = "inside"  // places: in one of the areas, or in an area in it
	Outside Op = "outside" // known, and inside none of them
)

// Kind says how a field is compared.
type Kind string

// The kinds.
const (
	Number  Kind = "number"
	Age     Kind = "age"
	Day     Kind = "day"
	Text    Kind = "text"
	Choice  Kind = "choice"
	Choices Kind = "choices"
	Place   Kind = "place" // the P-codes of areas: of one answer, or of a roster's rows

	Group     Kind = "group"      // membership of one group, by its reference
	GroupType Kind = "group_type" // of any group of a type
)

// Ops lists the comparisons of a kind.
func (k Kind) Ops() []Op {
	switch k {
	case Number, Age, Day:
		return []Op{AtLeast, AtMost, Known, Unknown}
	case Text:
		return []Op{Holds, Known, Unknown}
	case Choice, Group, GroupType:
		return []Op{Is, IsNot, Known, Unknown}
	case Choices:
		return []Op{Holds, Known, Unknown}
	case Place:
		return []Op{Inside, Outside, Known, Unknown}
	}
	return nil
}

// Op is the message of a comparison: with groups it has other words.
func (f Field) Op(op Op) string {
	switch {
	case f.in != nil:
		return "filter.group_op." + string(op)
	case f.words == "number":
		return "filter.number_op." + string(op)
	}
	return "filter.op." + string(op)
}

// NeedsValue reports whether the comparison is with something.
func (o Op) NeedsValue() bool { return o != Known && o != Unknown }

// Limits of an expression: what a person can build page by page is far below.
const (
	maxDepth  = 6
	maxConds  = 40
	maxValues = 100
)

// Check reports what is wrong with an expression: a field that is not in the
// catalogue (or that the officer may not filter on), a comparison or a value
// that it does not have.
func (c Catalogue) Check(e Expr) error {
	conds := 0
	return c.check(e, 0, &conds)
}

func (c Catalogue) check(e Expr, depth int, conds *int) error {
	if depth > maxDepth {
		return fault.New(fault.Invalid, "filter.error.deep")
	}
	parts := 0
	for _, list := range [][]Expr{e.All, e.Any} {
		if len(list) > 0 {
			parts++
		}
		for _, part := range list {
			if err := c.check(part, depth+1, conds); err != nil {
				return err
			}
		}
	}
	if e.Not != nil {
		parts++
		if err := c.check(*e.Not, depth+1, conds); err != nil {
			return err
		}
	}
	if e.Cond != nil {
		parts++
		if *conds++; *conds > maxConds {
			return fault.New(fault.Invalid, "filter.error.deep")
		}
		if err := c.CheckCond(*e.Cond); err != nil {
			return err
		}
	}
	if parts > 1 {
		return fault.New(fault.Invalid, "filter.error.deep")
	}
	return nil
}

// CheckCond reports what is wrong with one condition, at the input "value" or
// "op".
func (c Catalogue) CheckCond(cond Cond) error {
	f, ok := c.Get(cond.Field)
	if !ok {
		return fault.New(fault.Invalid, "filter.error.field")
	}
	var check fault.Check
	valid := false
	for _, op := range f.Kind.Ops() {
		valid = valid || op == cond.Op
	}
	switch {
	case !valid:
		check.Fail("op", "filter.error.op")
	case !cond.Op.NeedsValue():
		if len(cond.Values) > 0 {
			check.Fail("value", "filter.error.value")
		}
	case len(cond.Values) == 0 || len(cond.Values) > maxValues || len(cond.Values) > 1 && f.Kind != Place && (len(f.Options) == 0 || f.Kind == Group):
		check.Fail("value", "filter.error.value")
	default:
		for _, v := range cond.Values {
			if !f.holds(v) {
				check.Fail("value", "filter.error.value."+string(f.Kind))
				break
			}
		}
	}
	return check.Err()
}

// holds reports whether a field can have a value.
func (f Field) holds(v string) bool {
	switch f.Kind {
	case Number:
		_, ok := number(v)
		return ok
	case Age:
		n, err := strconv.Atoi(i18n.LatinDigits(v))
		return err == nil && n >= 0 && n <= 150
	case Day:
		_, err := time.Parse(time.DateOnly, v)
		return err == nil
	case Text:
		return v != "" && len(v) <= 200
	case Group:
		ref, ok := registry.ParseRef(registry.RefGroup, v)
		return ok && ref == v
	case Place:
		return placeCode.MatchString(v)
	}
	for _, o := range f.Options {
		if o.Code == v {
			return true
		}
	}
	return false
}

// placeCode is what the P-code of an area looks like.
var placeCode = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,29}$`)

func number(v string) (float64, bool) {
	n, err := strconv.ParseFloat(i18n.LatinDigits(v), 64)
	return n, err == nil && n >= -1e15 && n <= 1e15
}

// Scan reads a jsonb column.
func (e *Expr) Scan(src any) error {
	switch v := src.(type) {
	case []byte:
		return json.Unmarshal(v, e)
	case string:
		return json.Unmarshal([]byte(v), e)
	}
	return nil
}

// Conds lists the conditions of an expression as the pages build it: all or any
// of them. nested is set when it is anything else.
func (e Expr) Conds() (conds []Cond, match string, nested bool) {
	list, match := e.All, "all"
	if len(e.Any) > 0 {
		list, match = e.Any, "any"
	}
	for _, part := range list {
		if part.Cond == nil {
			return nil, match, true
		}
		conds = append(conds, *part.Cond)
	}
	return conds, match, e.Not != nil || e.Cond != nil
}

// Of makes an expression of conditions.
func Of(match string, conds []Cond) Expr {
	var list []Expr
	for _, c := range conds {
		list = append(list, Expr{Cond: &c})
	}
	if match == "any" {
		return Expr{Any: list}
	}
	return Expr{All: list}
}
