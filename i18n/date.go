package i18n

import (
	"context"
	"strconv"
	"time"
)

// Date shows the day of t where the people served live: "3 March 2026".
func (p *Printer) Date(t time.Time) string { return p.Day(t.In(p.Zone)) }

// Day shows the calendar day that t carries, without moving it to a zone: for
// birth dates and due dates, which are days and not instants.
func (p *Printer) Day(t time.Time) string {
	y, m, d := t.Date()
	return strconv.Itoa(d) + " " + p.Month(m) + " " + strconv.Itoa(y)
}

// Month names a month as it stands inside a date.
func (p *Printer) Month(m time.Month) string {
	names, ok := months[p.Tag]
	if !ok {
		names = months[Source]
	}
	return p.mark(names[m-1])
}

// Time shows day and minute: "3 March 2026, 14:05".
func (p *Printer) Time(t time.Time) string {
	t = t.In(p.Zone)
	return p.T("date.with_time", "Date", p.Day(t), "Time", t.Format("15:04"))
}

func (p *Printer) mark(s string) string {
	if p.Tag == Pseudo {
		return pseudo(s)
	}
	return s
}

// Date shows a day in the context's language.
func Date(ctx context.Context, t time.Time) string { return From(ctx).Date(t) }

// Day shows a calendar day in the context's language.
func Day(ctx context.Context, t time.Time) string { return From(ctx).Day(t) }

// Time shows day and minute in the context's language.
func Time(ctx context.Context, t time.Time) string { return From(ctx).Time(t) }
