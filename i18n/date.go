package i18n

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Gregorian is the calendar that days are stored, typed and counted in.
const Gregorian = "gregorian"

// Calendars lists the calendars that days can be shown in. Each has the message
// "calendar.<code>".
func Calendars() []string {
	return []string{Gregorian, "ethiopic", "persian", "islamic-umalqura"}
}

// table says how long the months of a calendar are: by month, the fewest days,
// and by year, which months have one more (bit 0 is the first month).
type table struct {
	year  int // the first one
	start int // its first day, in days since 1970
	short []int
	long  []uint16
}

// of is a day in the calendar; false for one outside the table.
func (t table) of(day time.Time) (year, month, d int, ok bool) {
	y, m, dd := day.Date()
	left := int(time.Date(y, m, dd, 0, 0, 0, 0, time.UTC).Unix()/86400) - t.start
	if left < 0 {
		return 0, 0, 0, false
	}
	for i, mask := range t.long {
		for month, days := range t.short {
			days += int(mask >> month & 1)
			if left < days {
				return t.year + i, month + 1, left + 1, true
			}
			left -= days
		}
	}
	return 0, 0, 0, false
}

// Moment is a value of a message that is shown with its time of day.
type Moment time.Time

// Date shows the day of t where the people served live: "3 March 2026".
func (p *Printer) Date(t time.Time) string { return p.Day(t.In(p.Zone)) }

// Day shows the calendar day that t carries, without moving it to a zone: for
// birth dates and due dates, which are days and not instants. A language may
// have a second calendar beside the first.
func (p *Printer) Day(t time.Time) string {
	shown := p.in(p.writing.Calendars[0], t)
	if len(p.writing.Calendars) > 1 {
		if other := p.in(p.writing.Calendars[1], t); other != shown {
			return p.T("date.with_other", "Date", shown, "Other", other)
		}
	}
	return shown
}

// in shows a day in a calendar; in the Gregorian one, where that does not know
// the day.
func (p *Printer) in(calendar string, t time.Time) string {
	year, month, day, ok := tables[calendar].of(t)
	if !ok {
		y, m, d := t.Date()
		calendar, year, month, day = Gregorian, y, int(m), d
	}
	return p.digits(strconv.Itoa(day)) + " " + p.month(calendar, month) + " " + p.digits(strconv.Itoa(year))
}

// Month names a month as it stands inside a date.
func (p *Printer) Month(m time.Month) string { return p.month(Gregorian, int(m)) }

func (p *Printer) month(calendar string, m int) string {
	names, ok := months[calendar][p.Tag]
	if !ok {
		names = months[calendar][Source]
	}
	return p.mark(names[m-1])
}

// Time shows day and minute: "3 March 2026, 14:05".
func (p *Printer) Time(t time.Time) string {
	t = t.In(p.Zone)
	return p.T("date.with_time", "Date", p.Day(t), "Time", p.digits(t.Format("15:04")))
}

// Hours shows a span of the day, such as "08:00-14:00".
func (p *Printer) Hours(span string) string {
	from, to, _ := strings.Cut(span, "-")
	return p.T("date.hours", "From", p.digits(from), "To", p.digits(to))
}

func (p *Printer) mark(s string) string {
	if p.Tag == Pseudo {
		return pseudo(s)
	}
	return s
}

func known(calendar string) bool { return slices.Contains(Calendars(), calendar) }

// Date shows a day in the context's language.
func Date(ctx context.Context, t time.Time) string { return From(ctx).Date(t) }

// Day shows a calendar day in the context's language.
func Day(ctx context.Context, t time.Time) string { return From(ctx).Day(t) }

// Time shows day and minute in the context's language.
func Time(ctx context.Context, t time.Time) string { return From(ctx).Time(t) }
