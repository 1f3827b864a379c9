package filters

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
)

// builder collects the parameters of a statement. Its text holds nothing that
// anybody typed.
type builder struct {
	args  []any
	today time.Time
}

func newBuilder(tx db.Tx) (*builder, error) {
	today, err := registry.TodayOf(tx, tx.Now())
	return &builder{today: today}, err
}

func (b *builder) arg(v any) string {
	b.args = append(b.args, v)
	return "$" + strconv.Itoa(len(b.args))
}

// day is the day that it is in the country.
func (b *builder) day() string { return b.arg(b.today) + "::date" }

// yearsAgo is the day on which somebody was born who has that many birthdays
// today.
func (b *builder) yearsAgo(years int) string { return b.arg(b.today.AddDate(-years, 0, 0)) + "::date" }

// condition is an expression that was checked, over the tables p (a person), h
// (the household; perhaps none) or g (a group), and s (where they are).
func (c Catalogue) condition(b *builder, e Expr) string {
	switch {
	case len(e.All) > 0:
		return c.join(b, e.All, " and ")
	case len(e.Any) > 0:
		return c.join(b, e.Any, " or ")
	case e.Not != nil:
		return "not coalesce(" + c.condition(b, *e.Not) + ", false)"
	case e.Cond != nil:
		f, _ := c.Get(e.Cond.Field)
		if f.roster != "" {
			return c.entry(b, []Expr{e})
		}
		if f.in != nil { // as it stands, it can be a join
			return f.compare(b, *e.Cond)
		}
		return "coalesce(" + f.compare(b, *e.Cond) + ", false)"
	}
	return "true"
}

func (c Catalogue) join(b *builder, list []Expr, with string) string {
	var parts []string
	together := map[string][]Expr{} // what must hold for one entry of a list
	for _, e := range list {
		if list := c.listOf(e); list != "" && with == " and " {
			together[list] = append(together[list], e)
			continue
		}
		parts = append(parts, c.condition(b, e))
	}
	for _, list := range slices.Sorted(maps.Keys(together)) {
		parts = append(parts, c.entry(b, together[list]))
	}
	return "(" + strings.Join(parts, with) + ")"
}

// listOf is the list that a condition on one of its entries is about.
func (c Catalogue) listOf(e Expr) string {
	if e.Cond == nil {
		return ""
	}
	f, _ := c.Get(e.Cond.Field)
	return f.roster
}

// entry is true where conditions on entries of one list hold for the same one: a
// plot of maize that is watered.
func (c Catalogue) entry(b *builder, list []Expr) string {
	var entries string
	var parts []string
	for _, e := range list {
		f, _ := c.Get(e.Cond.Field)
		if entries == "" {
			entries = f.entries(b)
		}
		parts = append(parts, "coalesce("+f.compare(b, *e.Cond)+", false)")
	}
	return "exists (select from jsonb_array_elements(" + entries + ") e where " + strings.Join(parts, " and ") + ")"
}

// compare is the SQL of one condition; null where the value is not known.
func (f Field) compare(b *builder, c Cond) string {
	switch {
	case f.Kind == Age:
		return compareAge(b, c)
	case f.in != nil:
		return f.in.compare(b, f.Kind, c)
	}
	value := "(" + f.sql(b) + ")"
	if f.Kind == Place {
		return comparePlace(b, value, c)
	}
	switch c.Op {
	case Known:
		if f.Kind == Choices {
			return "jsonb_array_length(case jsonb_typeof(" + value + ") when 'array' then " + value + " end) > 0"
		}
		return value + " is not null"
	case Unknown:
		if f.Kind == Choices {
			return "coalesce(jsonb_array_length(case jsonb_typeof(" + value + ") when 'array' then " + value + " end), 0) = 0"
		}
		return value + " is null"
	case Is:
		return value + " = any(" + b.arg(c.Values) + ")"
	case IsNot:
		return value + " <> all(" + b.arg(c.Values) + ")"
	case Holds:
		if f.Kind == Choices {
			return value + " ?| " + b.arg(c.Values) + "::text[]"
		}
		return "strpos(lower(" + value + "), lower(" + b.arg(c.Values[0]) + ")) > 0"
	}
	sign := " >= "
	if c.Op == AtMost {
		sign = " <= "
	}
	if f.Kind == Day {
		return value + " collate \"C\"" + sign + b.arg(c.Values[0])
	}
	n, _ := number(c.Values[0])
	return value + sign + b.arg(n) + "::numeric"
}

// comparePlace asks where the places of an answer lie, whether they go on or have
// ended. A roster is inside an area when any of its rows is.
func comparePlace(b *builder, places string, c Cond) string {
	switch c.Op {
	case Known:
		return "cardinality(" + places + ") > 0"
	case Unknown:
		return "coalesce(cardinality(" + places + "), 0) = 0"
	}
	inside := "exists (select from area x join area o on o.id in (x.l0, x.l1, x.l2, x.l3, x.l4, x.l5) where x.code = any(" + places + ") and o.code = any(" +
		b.arg(c.Values) + "))"
	if c.Op == Outside {
		return "cardinality(" + places + ") > 0 and not " + inside
	}
	return inside
}

// compareAge is sure or silent: a birth date that may be on either side meets
// neither.
func compareAge(b *builder, c Cond) string {
	switch c.Op {
	case Known:
		return "p.birth_from is not null"
	case Unknown:
		return "p.birth_from is null"
	}
	n, _ := strconv.Atoi(i18n.LatinDigits(c.Values[0]))
	if c.Op == AtLeast {
		return "p.birth_to <= " + b.yearsAgo(n)
	}
	return "p.birth_from > " + b.yearsAgo(n+1)
}
