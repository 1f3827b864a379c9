// Package deadline is the law's clock (RULES R12): since when somebody counts
// as told, until when they may appeal, when the office must have answered. All
// of it is computed from days on record, the same for the citizen's page, the
// office's and the jobs.
package deadline

import (
	"time"

	"daftar/registry"
)

// Days of law. Where they are counted in working days, that is said.
const (
	AppealDays = 30 // to appeal, and before anything is taken away, at least (RULES R10)
	PostDays   = 7  // after which a letter that was posted counts as received
	WaitDays   = 15 // working days that a case waits for the citizen
	Waits      = 2  // how often it does
)

// Clock is the calendar of the citizen's area with what is known of the times
// when the service was down.
type Clock struct {
	registry.Calendar
	Outages []Outage
}

// Outage is a time in which nobody could file. To is the present for one that
// goes on.
type Outage struct {
	From time.Time `db:"started_at"`
	To   time.Time `db:"ended_at"`
}

// Midnight is the end of a day where the citizen is: the first instant of the
// next one. Where clocks are put forward at midnight that is one o'clock; where
// they are put back at midnight, it is the later of the two.
func (c Clock) Midnight(day time.Time) time.Time {
	y, m, d := day.Date()
	noon := time.Date(y, m, d+1, 12, 0, 0, 0, c.Zone)
	begins, _ := noon.ZoneBounds() // of the offset that holds at noon
	at := func(offset int) time.Time {
		return time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC).Add(-time.Duration(offset) * time.Second)
	}
	_, offset := noon.Zone()
	midnight := at(offset)
	if !begins.IsZero() && midnight.Before(begins) { // clocks changed between midnight and noon
		_, before := begins.Add(-time.Second).Zone()
		if midnight = at(before); midnight.After(begins) {
			midnight = begins
		}
	}
	return midnight.In(c.Zone)
}

// LastDay moves the last day of a time to act to the first on which it can be
// acted: a working day on which the service was not down.
func (c Clock) LastDay(day time.Time) time.Time {
	for !c.Working(day) || c.down(day) {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

func (c Clock) down(day time.Time) bool {
	begins, ends := c.Midnight(day.AddDate(0, 0, -1)), c.Midnight(day)
	for _, o := range c.Outages {
		if o.From.Before(ends) && o.To.After(begins) {
			return true
		}
	}
	return false
}

// Appeal is the last day to appeal of somebody who was served on a day. The day
// of service does not count.
func (c Clock) Appeal(served time.Time, days int) time.Time {
	return c.LastDay(served.AddDate(0, 0, days))
}

// AppealUntil is the instant before which an appeal is in time. One that comes
// later is received too: a reviewer judges the cause.
func (c Clock) AppealUntil(served time.Time, days int) time.Time {
	return c.Midnight(c.Appeal(served, days))
}

// Due is the day by which the office must have answered what it received on a
// day: so many working days later, and as many more as it waited for the
// citizen.
func (c Clock) Due(received time.Time, days int, waits []Wait, today time.Time) time.Time {
	due := c.AddWorkingDays(received, days)
	for _, w := range waits[:min(len(waits), Waits)] {
		ended := w.Answered
		if ended.IsZero() {
			ended = today
		}
		due = c.AddWorkingDays(due, min(c.WorkingDays(w.Asked, ended), WaitDays))
	}
	return due
}

// Wait is a time in which the office waits for the citizen's answer; Answered
// is zero while it goes on.
type Wait struct{ Asked, Answered time.Time }

// WaitsUntil is the last day on which an answer is waited for; after it, the
// case is decided on what is known. earlier counts the times it waited before;
// false when it may not wait again.
func (c Clock) WaitsUntil(asked time.Time, earlier int) (time.Time, bool) {
	if earlier >= Waits {
		return asked, false
	}
	return c.AddWorkingDays(asked, WaitDays), true
}

// Silence is how far an office's lateness has come. Lateness never decides
// anything.
type Silence int

// The steps of lateness. From Late on, the person may appeal the silence.
const (
	InTime   Silence = iota
	Late             // those who decide in the office are told
	Regional         // RegionalDays working days later: the office above
	National         // NationalDays: the ministry
)

// After so many working days without an answer it is told further up.
const (
	RegionalDays = 5
	NationalDays = 15
)

// String is "office", "region" or "ministry", "" in time.
func (s Silence) String() string { return [...]string{"", "office", "region", "ministry"}[s] }

// MayAppeal reports whether the person may appeal the silence.
func (s Silence) MayAppeal() bool { return s >= Late }

// SilentSince says how late an answer is that was due on a day and is not there
// yet.
func (c Clock) SilentSince(due, now time.Time) Silence {
	return c.SilentAfter(due, now, RegionalDays, NationalDays)
}

// SilentAfter is SilentSince with other numbers of working days after which those
// above are told.
func (c Clock) SilentAfter(due, now time.Time, regional, national int) Silence {
	if now.Before(c.Midnight(due)) {
		return InTime
	}
	switch n := c.WorkingDays(due, c.Today(now)); {
	case n > national:
		return National
	case n > regional:
		return Regional
	}
	return Late
}
