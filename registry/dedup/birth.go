package dedup

import (
	"time"

	"daftar/registry"
)

// How two birth dates fit. Each has the message "dedup.birth.<code>".
const (
	birthSameDay   = "same_day"
	birthJanuary   = "january"    // the same 1 January, which offices write for a year
	birthYearOnly  = "year_only"  // the same year, and nothing more known of either
	birthMonthOnly = "month_only" // the same month, and nothing more known of either
	birthSwapped   = "swapped"    // day and month the wrong way round
	birthOneYear   = "one_year"   // a year beside
	birthOneDay    = "one_day"    // another day of the month
	birthSameMonth = "same_month" // one says the day as well
	birthSameYear  = "same_year"  // one says more than the year
	birthNextYear  = "next_year"  // the years alone, one beside the other
	birthNear      = "near"
	birthFar       = "far"
	birthFarther   = "farther"
	birthUnknown   = "unknown"
)

// compareBirths says how two birth dates fit, and what it is worth; rare is how
// rare the first is.
func compareBirths(a, b registry.BirthDate, rare float64) (code string, points float64) {
	w := &weights
	if !a.Known() || !b.Known() {
		return birthUnknown, w.unknown
	}
	vagueA, vagueB := vague(a), vague(b)
	if a == b {
		code = birthSameDay
		switch {
		case a.Exact() && vagueA:
			code = birthJanuary
		case vagueA:
			code = birthYearOnly
		case !a.Exact():
			code = birthMonthOnly
		}
		points = w.birthSame + w.birthPerBit*min(rare, rarest)
		if vagueA {
			points += w.birthVague
		}
		return code, max(2, points)
	}
	x, y := a.From, b.From
	years := yearsApart(a, b)
	sure := !vagueA && !vagueB
	switch sameMonth := x.Month() == y.Month(); {
	case wide(a) || wide(b):
		if years == 0 {
			return birthUnknown, w.unknown
		}
		return birthFar, w.far
	case years > 3:
		return birthFarther, w.farther
	case years > 1:
		return birthFar, w.far
	case sure && a.Exact() && b.Exact() && years == 0 && x.Day() == int(y.Month()) && int(x.Month()) == y.Day():
		return birthSwapped, w.swapped
	case sure && a.Exact() && b.Exact() && years == 1 && sameMonth && x.Day() == y.Day():
		return birthOneYear, w.oneYear
	case sure && years == 0 && sameMonth && a.Exact() && b.Exact():
		return birthOneDay, w.oneDay
	case sure && years == 0 && sameMonth:
		return birthSameMonth, w.sameMonth
	case !sure && years == 0:
		return birthSameYear, w.sameYear
	case vagueA && vagueB && a.Exact() == b.Exact():
		return birthNextYear, w.nextYear
	}
	return birthNear, w.near
}

// yearsApart counts calendar years between the nearest days that two births can
// be; 0 where they can be one.
func yearsApart(a, b registry.BirthDate) int {
	if b.From.Before(a.From) {
		a, b = b, a
	}
	return max(0, b.From.Year()-a.To.Year())
}

// wide is a range of so many years that being in it says nothing.
func wide(b registry.BirthDate) bool { return b.To.Year()-b.From.Year() > 2 }

// vague reports whether nothing but the year can be relied on: it is all that is
// known, or its first day stands for it.
func vague(b registry.BirthDate) bool {
	if b.Exact() {
		return b.From.Month() == time.January && b.From.Day() == 1
	}
	return b.To.Sub(b.From) > 31*24*time.Hour
}

// birthTerm names a birth date in the table of shares; "" for an unknown one.
func birthTerm(b registry.BirthDate) string {
	if !b.Known() {
		return ""
	}
	term := "#" + b.From.Format(time.DateOnly)
	if !b.Exact() {
		term += "/" + b.To.Format(time.DateOnly)
	}
	return term
}
