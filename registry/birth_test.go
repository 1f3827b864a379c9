package registry_test

import (
	"errors"
	"testing"
	"time"

	"daftar/fault"
	"daftar/registry"
)

var today = registry.Date(2026, time.March, 2)

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

// failed names the input and the message of the first wrong input.
func failed(err error) (name, key string) {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Invalid || len(f.Fields) == 0 {
		return "", ""
	}
	return f.Fields[0].Name, f.Fields[0].Key
}

func TestNewBirthDate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		year, month, day int
		from, to         string
	}{
		"exact":                      {1990, 5, 17, "1990-05-17", "1990-05-17"},
		"year and month":             {1990, 2, 0, "1990-02-01", "1990-02-28"},
		"month of a leap year":       {1992, 2, 0, "1992-02-01", "1992-02-29"},
		"year alone":                 {1990, 0, 0, "1990-01-01", "1990-12-31"},
		"29 February of a leap year": {2000, 2, 29, "2000-02-29", "2000-02-29"},
		"31 December":                {1999, 12, 31, "1999-12-31", "1999-12-31"},
		"today":                      {2026, 3, 2, "2026-03-02", "2026-03-02"},
		"this year ends today":       {2026, 0, 0, "2026-01-01", "2026-03-02"},
		"this month ends today":      {2026, 3, 0, "2026-03-01", "2026-03-02"},
		"the oldest year":            {1901, 0, 0, "1901-01-01", "1901-12-31"},
	} {
		b, err := registry.NewBirthDate(c.year, c.month, c.day, today)
		if err != nil || !b.From.Equal(day(c.from)) || !b.To.Equal(day(c.to)) {
			t.Errorf("%s: %v %v", name, b, err)
		}
		if !b.Known() || b.Exact() != (c.from == c.to) {
			t.Errorf("%s: known %t, exact %t", name, b.Known(), b.Exact())
		}
	}
}

func TestNewBirthDateOfNothingIsUnknown(t *testing.T) {
	t.Parallel()
	b, err := registry.NewBirthDate(0, 0, 0, today)
	youngest, oldest := b.Age(today)
	if err != nil || b.Known() || b.Exact() || youngest != -1 || oldest != -1 {
		t.Fatal(b, err, youngest, oldest)
	}
}

func TestNewBirthDateRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		year, month, day int
		input, key       string
	}{
		"day without month":           {1990, 0, 5, "month", "birth.error.month_missing"},
		"month without year":          {0, 5, 0, "year", "birth.error.year_missing"},
		"day without year":            {0, 0, 5, "year", "birth.error.year_missing"},
		"29 February of another year": {2023, 2, 29, "day", "birth.error.day"},
		"29 February of 1900":         {1900, 2, 29, "year", "birth.error.year_range"},
		"30 February":                 {2024, 2, 30, "day", "birth.error.day"},
		"31 April":                    {1990, 4, 31, "day", "birth.error.day"},
		"31 June":                     {1990, 6, 31, "day", "birth.error.day"},
		"31 September":                {1990, 9, 31, "day", "birth.error.day"},
		"31 November":                 {1990, 11, 31, "day", "birth.error.day"},
		"32 January":                  {1990, 1, 32, "day", "birth.error.day"},
		"month 13":                    {1990, 13, 1, "month", "birth.error.month"},
		"a negative month":            {1990, -1, 1, "month", "birth.error.month"},
		"a negative day":              {1990, 1, -1, "day", "birth.error.day"},
		"tomorrow":                    {2026, 3, 3, "year", "birth.error.future"},
		"next month":                  {2026, 4, 0, "year", "birth.error.future"},
		"next year":                   {2027, 0, 0, "year", "birth.error.future"},
		"too old":                     {1900, 1, 1, "year", "birth.error.year_range"},
		"two digits of the year":      {90, 5, 17, "year", "birth.error.year_range"},
		"a negative year":             {-1990, 5, 17, "year", "birth.error.year_range"},
		"five digits of the year":     {19900, 5, 17, "year", "birth.error.year_range"},
	} {
		b, err := registry.NewBirthDate(c.year, c.month, c.day, today)
		if input, key := failed(err); input != c.input || key != c.key || b.Known() {
			t.Errorf("%s: %s %s, %v", name, input, key, b)
		}
	}
}

func TestAgeIsARange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, to, on     string
		youngest, oldest int
	}{
		"the day before the birthday":     {"2008-03-03", "2008-03-03", "2026-03-02", 17, 17},
		"the birthday":                    {"2008-03-02", "2008-03-02", "2026-03-02", 18, 18},
		"year alone":                      {"2008-01-01", "2008-12-31", "2026-03-02", 17, 18},
		"year alone, at its end":          {"2008-01-01", "2008-12-31", "2026-12-31", 18, 18},
		"29 February, in a common year":   {"2008-02-29", "2008-02-29", "2026-02-28", 17, 17},
		"29 February, on 1 March":         {"2008-02-29", "2008-02-29", "2026-03-01", 18, 18},
		"29 February, on 28 of leap year": {"2008-02-29", "2008-02-29", "2024-02-28", 15, 15},
		"29 February, in a leap year":     {"2008-02-29", "2008-02-29", "2024-02-29", 16, 16},
		"born today":                      {"2026-03-02", "2026-03-02", "2026-03-02", 0, 0},
		"not yet born on that day":        {"2026-03-02", "2026-03-02", "2020-01-01", 0, 0},
		"a wide range":                    {"1960-01-01", "1990-01-01", "2026-03-02", 36, 66},
	} {
		b := registry.BirthDate{From: day(c.from), To: day(c.to)}
		if youngest, oldest := b.Age(day(c.on)); youngest != c.youngest || oldest != c.oldest {
			t.Errorf("%s: %d to %d", name, youngest, oldest)
		}
	}
}

// months counts like a person: a month is complete on the same day of the month,
// or on the first of the next where there is no such day.
func months(born, on time.Time) int {
	n := 12*(on.Year()-born.Year()) + int(on.Month()-born.Month())
	if on.Day() < born.Day() {
		n--
	}
	return n
}

// Whoever was born inside the range has that age on that day, and nobody else.
func TestBornAtAgeIsExactlyThoseOfThatAge(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"2023-06-30", "2024-02-29", "2023-02-28", "2024-03-31", "2023-03-01", "2025-01-01", "2025-12-31", "2024-05-31"} {
		on := day(on)
		for age := range 9 {
			b := registry.BornAtAge(age, -1, on)
			for born := b.From.AddDate(0, 0, -40); born.Before(b.To.AddDate(0, 0, 40)); born = born.AddDate(0, 0, 1) {
				youngest, _ := registry.BirthDate{From: born, To: born}.Age(on)
				inside := !born.Before(b.From) && !born.After(b.To)
				if inside != (youngest == age && !born.After(on)) {
					t.Fatalf("born %s, on %s: age %d, in the range of %d: %t", born.Format(time.DateOnly), on.Format(time.DateOnly), youngest, age, inside)
				}
			}
		}
		for age := range 30 {
			b := registry.BornAtAge(age/12, age, on)
			for born := b.From.AddDate(0, 0, -40); born.Before(b.To.AddDate(0, 0, 40)); born = born.AddDate(0, 0, 1) {
				inside := !born.Before(b.From) && !born.After(b.To)
				if inside != (months(born, on) == age && !born.After(on)) {
					t.Fatalf("born %s, on %s: in the range of %d months: %t", born.Format(time.DateOnly), on.Format(time.DateOnly), age, inside)
				}
			}
		}
	}
}

func TestTodayIsWhereTheOfficeIs(t *testing.T) {
	t.Parallel()
	instant := time.Date(2026, 3, 2, 22, 30, 0, 0, time.UTC)
	for zone, want := range map[string]string{"UTC": "2026-03-02", "Africa/Nairobi": "2026-03-03", "America/Lima": "2026-03-02", "Pacific/Apia": "2026-03-03"} {
		z, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := registry.Today(instant, z); !got.Equal(day(want)) || got.Location() != time.UTC {
			t.Errorf("%s: %s", zone, got)
		}
	}
}
