package registry

import (
	"time"

	"daftar/fault"
)

// BirthDate is what is known about a day of birth: the earliest and the latest
// day it can be. Both are zero when nothing is known, equal when the day is.
type BirthDate struct{ From, To time.Time }

// Known reports whether anything is known.
func (b BirthDate) Known() bool { return !b.From.IsZero() }

// Exact reports whether the very day is known.
func (b BirthDate) Exact() bool { return b.Known() && b.From.Equal(b.To) }

// Age is the youngest and the oldest that somebody born then can be on day, in
// completed years. Both are -1 when the birth date is unknown.
func (b BirthDate) Age(day time.Time) (youngest, oldest int) {
	if !b.Known() {
		return -1, -1
	}
	return years(b.To, day), years(b.From, day)
}

// years counts birthdays from born to day. Somebody born on 29 February has
// the birthday on 1 March in other years.
func years(born, day time.Time) int {
	n := day.Year() - born.Year()
	if day.Month() < born.Month() || day.Month() == born.Month() && day.Day() < born.Day() {
		n--
	}
	return max(n, 0)
}

// Birthday is the first day after day on which somebody born then is a year older.
func Birthday(born, day time.Time) time.Time {
	year := max(day.Year(), born.Year()+1)
	if next := Date(year, born.Month(), born.Day()); next.After(day) {
		return next
	}
	return Date(year+1, born.Month(), born.Day())
}

// Date is a calendar day at midnight UTC.
func Date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Today is the calendar day of an instant in a place.
func Today(now time.Time, zone *time.Location) time.Time {
	y, m, d := now.In(zone).Date()
	return Date(y, m, d)
}

const oldestAge = 125

// NewBirthDate makes a birth date of what somebody knows: a year, perhaps with
// month and day; zero stands for "not known". A day without its month, a day
// that the month does not have, a future day and an age above 125 are refused.
func NewBirthDate(year, month, day int, today time.Time) (BirthDate, error) {
	wrong := func(input, key string) (BirthDate, error) {
		var c fault.Check
		c.Fail(input, key)
		return BirthDate{}, c.Err()
	}
	switch {
	case year == 0 && month == 0 && day == 0:
		return BirthDate{}, nil
	case year == 0:
		return wrong("year", "birth.error.year_missing")
	case year < today.Year()-oldestAge || year > 9999:
		return wrong("year", "birth.error.year_range")
	case month < 0 || month > 12:
		return wrong("month", "birth.error.month")
	case day != 0 && month == 0:
		return wrong("month", "birth.error.month_missing")
	case day < 0 || day > 31:
		return wrong("day", "birth.error.day")
	}
	b := BirthDate{From: Date(year, time.January, 1), To: Date(year, time.December, 31)}
	if month != 0 {
		b = BirthDate{From: Date(year, time.Month(month), 1), To: Date(year, time.Month(month)+1, 0)}
		if day > b.To.Day() {
			return wrong("day", "birth.error.day")
		}
	}
	if day != 0 {
		b.From = Date(year, time.Month(month), day)
		b.To = b.From
	}
	if b.From.After(today) {
		return wrong("year", "birth.error.future")
	}
	if b.To.After(today) {
		b.To = today
	}
	return b, nil
}

// BornAtAge makes a birth date of an age in completed years (and, for small
// children, completed months) on a day.
func BornAtAge(ageYears, ageMonths int, on time.Time) BirthDate {
	months := ageMonths
	step := 1
	if ageMonths < 0 {
		months, step = 12*ageYears, 12
	}
	return BirthDate{From: monthsBefore(on, months+step).AddDate(0, 0, 1), To: monthsBefore(on, months)}
}

// monthsBefore is the same day n months earlier, or that month's last day when
// it is shorter.
func monthsBefore(day time.Time, n int) time.Time {
	first := Date(day.Year(), day.Month()-time.Month(n), 1)
	last := first.AddDate(0, 1, -1)
	return Date(first.Year(), first.Month(), min(day.Day(), last.Day()))
}
