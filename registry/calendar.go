package registry

import (
	"errors"
	"time"

	"daftar/db"
	"daftar/i18n"
)

// Calendar says which days an office works, and where midnight is.
type Calendar struct {
	Zone     *time.Location
	Weekend  map[time.Weekday]bool
	Holidays map[string]bool // "2026-12-25"
}

// Country is the deployment's own settings, kept in setting "country".
type Country struct {
	Name     i18n.Text `json:"name" yaml:"name"`
	Code     string    `json:"code" yaml:"code"`           // P-code of the country's area
	TimeZone string    `json:"time_zone" yaml:"time_zone"` // IANA name
	Weekend  []int     `json:"weekend" yaml:"weekend"`     // 0 is Sunday
	Holidays []string  `json:"holidays" yaml:"holidays"`
	Currency string    `json:"currency" yaml:"currency"`
	// AnswerDays is how many working days the office has for an application.
	AnswerDays int `json:"answer_days" yaml:"answer_days"`
}

// Scan reads a jsonb column.
func (c *Country) Scan(src any) error { return scanJSON(src, c) }

// LoadCountry reads the country's settings; a country without any has UTC,
// Saturday and Sunday off and 15 working days.
func LoadCountry(tx db.Tx) (Country, error) {
	c := Country{TimeZone: "UTC", Weekend: []int{0, 6}, AnswerDays: 15}
	var rows []Country
	if err := tx.Select(&rows, `select value from setting where key = 'country'`); err != nil {
		return c, err
	}
	if len(rows) == 1 {
		c = rows[0]
	}
	return c, nil
}

// DayOf is the day of an instant where the office is, as "2006-01-02".
func DayOf(tx db.Tx, at time.Time) (string, error) {
	country, err := LoadCountry(tx)
	if err != nil {
		return "", err
	}
	calendar, err := country.Calendar()
	if err != nil {
		return "", err
	}
	return calendar.Today(at).Format(time.DateOnly), nil
}

// Calendar is the country's calendar of working days.
func (c Country) Calendar() (Calendar, error) {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return Calendar{}, err
	}
	cal := Calendar{Zone: zone, Weekend: map[time.Weekday]bool{}, Holidays: map[string]bool{}}
	for _, d := range c.Weekend {
		cal.Weekend[time.Weekday(d)] = true
	}
	if len(cal.Weekend) > 6 {
		return Calendar{}, errors.New("the country's weekend leaves no day to work")
	}
	for _, h := range c.Holidays {
		cal.Holidays[h] = true
	}
	return cal, nil
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
