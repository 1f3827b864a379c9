package registry_test

import (
	"testing"
	"time"

	"daftar/registry"
)

func calendar(t *testing.T, weekend []string, holidays ...string) registry.Calendar {
	t.Helper()
	s := registry.Settings{Country: registry.Country{TimeZone: "Africa/Nairobi"}, WorkingDays: registry.WorkingDays{Weekend: weekend}}
	for _, day := range holidays {
		s.WorkingDays.Holidays = append(s.WorkingDays.Holidays, registry.Holiday{Day: day})
	}
	c, err := s.Calendar()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var weekends = map[string][]string{
	"Fri+Sat": {"friday", "saturday"}, "Sat+Sun": {"saturday", "sunday"}, "Fri": {"friday"}, "Sun": {"sunday"}, "none": {},
}

// workedOut holds dates that were worked out on paper calendars (RULES R12).
// 2 March 2026 is a Monday; 22 December 2026 is a Tuesday, 25 December a Friday,
// 1 January 2027 a Friday; 1 May 2027 is a Saturday.
var workedOut = []struct {
	weekend, from string
	days          int
	to            string
}{
	// The day itself does not count.
	{"Sat+Sun", "2026-03-02", 0, "2026-03-02"}, // Monday
	{"Sat+Sun", "2026-03-02", 1, "2026-03-03"}, // Tuesday
	{"Sat+Sun", "2026-03-05", 1, "2026-03-06"}, // Thursday to Friday
	{"Sat+Sun", "2026-03-06", 1, "2026-03-09"}, // Friday to Monday
	{"Sat+Sun", "2026-03-07", 1, "2026-03-09"}, // from a Saturday
	{"Sat+Sun", "2026-03-08", 1, "2026-03-09"}, // from a Sunday
	{"Sat+Sun", "2026-03-02", 5, "2026-03-09"}, // one week
	{"Sat+Sun", "2026-03-02", 15, "2026-03-23"},
	{"Sat+Sun", "2026-03-06", 15, "2026-03-27"},
	{"Sat+Sun", "2026-03-02", 30, "2026-04-13"},
	{"Fri+Sat", "2026-03-05", 1, "2026-03-08"}, // Thursday to Sunday
	{"Fri+Sat", "2026-03-05", 2, "2026-03-09"},
	{"Fri+Sat", "2026-03-06", 1, "2026-03-08"}, // from a Friday
	{"Fri+Sat", "2026-03-07", 1, "2026-03-08"}, // from a Saturday
	{"Fri+Sat", "2026-03-02", 3, "2026-03-05"},
	{"Fri+Sat", "2026-03-02", 4, "2026-03-08"},
	{"Fri+Sat", "2026-03-02", 15, "2026-03-23"},
	{"Fri+Sat", "2026-03-05", 15, "2026-03-26"},
	{"Fri", "2026-03-05", 1, "2026-03-07"}, // Thursday to Saturday
	{"Fri", "2026-03-02", 5, "2026-03-08"},
	{"Fri", "2026-03-02", 15, "2026-03-19"},
	{"Sun", "2026-03-07", 1, "2026-03-09"}, // Saturday to Monday
	{"Sun", "2026-03-02", 15, "2026-03-19"},
	{"none", "2026-03-02", 15, "2026-03-17"},
	// The end of February, with and without a 29th.
	{"Sat+Sun", "2027-02-26", 1, "2027-03-01"}, // Friday to Monday
	{"Sat+Sun", "2028-02-25", 2, "2028-02-29"}, // Friday to Tuesday
	{"Sat+Sun", "2028-02-28", 2, "2028-03-01"}, // Monday to Wednesday
	// A holiday on a working day: Friday, 25 December.
	{"Sat+Sun", "2026-12-24", 1, "2026-12-28"}, // Thursday to Monday
	{"Sat+Sun", "2026-12-22", 3, "2026-12-28"},
	{"Sat+Sun", "2026-12-22", 5, "2026-12-30"},
	{"Sat+Sun", "2026-12-25", 1, "2026-12-28"}, // from a holiday
	{"Sat+Sun", "2026-12-22", 10, "2027-01-07"},
	{"Sat+Sun", "2026-12-22", 15, "2027-01-14"},
	// The same holidays inside the weekend change nothing.
	{"Fri+Sat", "2026-12-22", 5, "2026-12-29"},
	{"Fri+Sat", "2026-12-22", 15, "2027-01-12"},
	{"Fri+Sat", "2027-04-29", 1, "2027-05-02"}, // Thursday to Sunday; 1 May is a Saturday
	{"Fri", "2026-12-22", 5, "2026-12-28"},
	{"Fri", "2027-04-29", 1, "2027-05-02"}, // 1 May is a Saturday, and off
	{"Sun", "2026-12-22", 15, "2027-01-11"},
	{"none", "2026-12-24", 1, "2026-12-26"},
}

func TestWorkingDaysWorkedOutByHand(t *testing.T) {
	t.Parallel()
	if len(workedOut) < 30 {
		t.Fatal("at least 30 dates")
	}
	for _, c := range workedOut {
		cal := calendar(t, weekends[c.weekend], "2026-12-25", "2027-01-01", "2027-05-01")
		got := cal.AddWorkingDays(day(c.from), c.days)
		if !got.Equal(day(c.to)) {
			t.Errorf("%s, weekend %s: %d days give %s, not %s", c.from, c.weekend, c.days, got.Format(time.DateOnly), c.to)
		}
		if n := cal.WorkingDays(day(c.from), day(c.to)); n != c.days {
			t.Errorf("%s to %s, weekend %s: %d days, not %d", c.from, c.to, c.weekend, n, c.days)
		}
	}
}

func TestWorkingDaysBackwardsAreNone(t *testing.T) {
	t.Parallel()
	if n := calendar(t, weekends["Sat+Sun"]).WorkingDays(day("2026-03-09"), day("2026-03-02")); n != 0 {
		t.Fatal(n)
	}
}

// 21:00 UTC is midnight in Nairobi.
func TestDueDateCountsFromTheDayWhereTheOfficeIs(t *testing.T) {
	t.Parallel()
	cal := calendar(t, weekends["Fri+Sat"])
	before := cal.Today(time.Date(2026, 3, 2, 20, 59, 59, 0, time.UTC))
	after := cal.Today(time.Date(2026, 3, 2, 21, 0, 0, 0, time.UTC))
	if !before.Equal(day("2026-03-02")) || !after.Equal(day("2026-03-03")) {
		t.Fatal(before, after)
	}
}

func TestCalendarRefuses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]registry.Settings{
		"a time zone that does not exist": {Country: registry.Country{TimeZone: "Mars/Olympus"}},
		"a week without a working day": {Country: registry.Country{TimeZone: "UTC"},
			WorkingDays: registry.WorkingDays{Weekend: registry.Weekdays()}},
	} {
		if _, err := s.Calendar(); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// A holiday of one region is none elsewhere.
func TestRegionalHolidays(t *testing.T) {
	t.Parallel()
	s := registry.Settings{Country: registry.Country{TimeZone: "UTC"}, WorkingDays: registry.WorkingDays{
		Weekend:  weekends["Sat+Sun"],
		Holidays: []registry.Holiday{{Day: "2026-12-25"}, {Day: "2026-03-04", Areas: []string{"MJ02", "MJ0301"}}},
	}}
	for want, path := range map[string][]registry.Area{
		"2026-03-04": {{Code: "MJ"}, {Code: "MJ01"}, {Code: "MJ0101"}},
		"2026-03-05": {{Code: "MJ"}, {Code: "MJ02"}, {Code: "MJ0201"}, {Code: "MJ020101"}},
	} {
		c, err := s.Calendar(path...)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.AddWorkingDays(day("2026-03-02"), 2).Format(time.DateOnly); got != want {
			t.Errorf("in %s: %s, not %s", path[len(path)-1].Code, got, want)
		}
		if c.Working(day("2026-12-25")) {
			t.Error("a holiday of the country is none in", path[len(path)-1].Code)
		}
	}
	if c, err := s.Calendar(); err != nil || !c.Working(day("2026-03-04")) {
		t.Error("a region's holiday is the whole country's", err)
	}
}
