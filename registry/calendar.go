package registry

import (
	"time"

	"daftar/db"
)

// Calendar says which days an office works, and where midnight is.
type Calendar struct {
	Zone     *time.Location
	Weekend  map[time.Weekday]bool
	Holidays map[string]bool // "2026-12-25"
}

// DayOf is the day of an instant where the office is, as "2006-01-02".
func DayOf(tx db.Tx, at time.Time) (string, error) {
	today, err := TodayOf(tx, at)
	return today.Format(time.DateOnly), err
}

// TodayOf is the calendar day of an instant where the office is.
func TodayOf(tx db.Tx, at time.Time) (time.Time, error) {
	s, err := LoadSettings(tx)
	if err != nil {
		return time.Time{}, err
	}
	calendar, err := s.Calendar()
	return calendar.Today(at), err
}

// works reports whether there is a day to work in a week.
func (c Calendar) works() bool {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if !c.Weekend[day] {
			return true
		}
	}
	return false
}

// Working reports whether the office works on a day.
func (c Calendar) Working(day time.Time) bool {
	return !c.Weekend[day.Weekday()] && !c.Holidays[day.Format(time.DateOnly)]
}

// Today is the calendar day of an instant where the office is.
func (c Calendar) Today(now time.Time) time.Time { return Today(now, c.Zone) }

// AddWorkingDays returns the n-th working day after day. The day itself does
// not count.
func (c Calendar) AddWorkingDays(day time.Time, n int) time.Time {
	for n > 0 {
		day = day.AddDate(0, 0, 1)
		if c.Working(day) {
			n--
		}
	}
	return day
}

// WorkingDays counts the working days after from, up to and including to.
func (c Calendar) WorkingDays(from, to time.Time) int {
	n := 0
	for day := from.AddDate(0, 0, 1); !day.After(to); day = day.AddDate(0, 0, 1) {
		if c.Working(day) {
			n++
		}
	}
	return n
}
