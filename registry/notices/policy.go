package notices

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"daftar/db"
)

// Policy says when messages may go out and how many. It is kept in setting
// "notices".
type Policy struct {
	QuietFrom string `json:"quiet_from"` // "21:00", where the citizens are
	QuietTo   string `json:"quiet_to"`
	// Minutes between two messages to one address: to a person's own, and to
	// one that others use too. All news of the time between goes with the next.
	Gap       int `json:"gap"`
	GapShared int `json:"gap_shared"`
	PerDay    int `json:"per_day"` // messages to one address in 24 hours
	// Prefix is put before numbers that name no country: "+254".
	Prefix string `json:"prefix"`
}

// LoadPolicy reads it; a country that says nothing has nights from nine to
// seven, a quarter of an hour, six hours, and four messages a day.
func LoadPolicy(tx db.Tx) (Policy, error) {
	p := Policy{QuietFrom: "21:00", QuietTo: "07:00", Gap: 15, GapShared: 360, PerDay: 4}
	var rows [][]byte
	if err := tx.Select(&rows, `select value from setting where key = 'notices'`); err != nil {
		return p, err
	}
	if len(rows) == 1 {
		if err := json.Unmarshal(rows[0], &p); err != nil {
			return p, fmt.Errorf("setting notices: %w", err)
		}
	}
	return p, nil
}

// Quiet is when the quiet hours end that an instant lies in; the instant itself
// when it lies in none.
func (p Policy) Quiet(now time.Time, zone *time.Location) time.Time {
	from, ok1 := minutes(p.QuietFrom)
	to, ok2 := minutes(p.QuietTo)
	if !ok1 || !ok2 || from == to {
		return now
	}
	local := now.In(zone)
	at := local.Hour()*60 + local.Minute()
	y, m, d := local.Date()
	switch {
	case from < to && at >= from && at < to, from > to && at < to:
	case from > to && at >= from:
		d++
	default:
		return now
	}
	end := time.Date(y, m, d, to/60, to%60, 0, 0, zone)
	if !end.After(now) { // in an hour that the clocks skip
		end = now.Add(time.Hour)
	}
	return end
}

func minutes(s string) (int, bool) {
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil
}

// next is when the next message to an address may go out, after those of the
// last 24 hours, the latest first.
func (p Policy) next(now time.Time, sent []time.Time, shared bool) time.Time {
	gap := p.Gap
	if shared {
		gap = p.GapShared
	}
	next := now
	if len(sent) > 0 {
		next = later(next, sent[0].Add(time.Duration(gap)*time.Minute))
	}
	if p.PerDay > 0 && len(sent) >= p.PerDay {
		next = later(next, sent[p.PerDay-1].Add(24*time.Hour))
	}
	return next
}

// international is a number as gateways take it.
func (p Policy) international(number string) string {
	if strings.HasPrefix(number, "+") || p.Prefix == "" {
		return number
	}
	return p.Prefix + strings.TrimPrefix(number, "0")
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// backoff is how long to wait before the next try, after so many; false when
// there have been enough.
func backoff(tries int) (time.Duration, bool) {
	waits := []time.Duration{time.Minute, 5 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour}
	if tries > len(waits) {
		return 0, false
	}
	return waits[tries-1], true
}
