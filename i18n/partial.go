package i18n

import (
	"strconv"
	"time"
)

// Year shows a year of which no more is known.
func (p *Printer) Year(year int) string { return strconv.Itoa(year) }

// MonthOf shows a month of which the day is not known: "March 2026".
func (p *Printer) MonthOf(year int, month time.Month) string {
	return p.T("date.month", "Month", p.Month(month), "Year", p.Year(year))
}
