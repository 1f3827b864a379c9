package history

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

const days = 30

func dayName(n int) string { return fmt.Sprintf("2026-01-%02d", n+1) }

// The same algebra, said day by day: an event writes its value on every day
// from its own; a correction on every day that carries what was said last.
type ledger struct {
	value  [days]int
	saying [days]int // which statement the day's value is of; 0: none
	n      int
}

func (l *ledger) event(from, value int) {
	if from > 0 && l.saying[from-1] > 0 && l.value[from-1] == value {
		for d := from; d < days; d++ { // it goes on as before
			l.value[d], l.saying[d] = value, l.saying[from-1]
		}
		return
	}
	l.n++
	for d := from; d < days; d++ {
		l.value[d], l.saying[d] = value, l.n
	}
}

func (l *ledger) correction(value int) {
	last := l.saying[days-1]
	for d := range days {
		if l.saying[d] == last {
			l.event(d, value)
			return
		}
	}
}

func TestSpansAreTheLedgerOfEveryDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var l ledger
		var s Spans[int]
		for i := range rapid.IntRange(1, 12).Draw(t, "changes") {
			value := rapid.IntRange(1, 4).Draw(t, "value")
			if i > 0 && rapid.Bool().Draw(t, "correction") {
				l.correction(value)
				s = s.Corrected(value)
			} else {
				from := rapid.IntRange(0, days-1).Draw(t, "from")
				l.event(from, value)
				s = s.Then(dayName(from), value)
			}
			if got, ok := s.On("9999-12-31"); !ok || got != value {
				t.Fatalf("the last word is %d, not %d", got, value)
			}
			for d := range days {
				got, known := s.On(dayName(d))
				if known != (l.saying[d] > 0) || got != l.value[d] {
					t.Fatalf("on day %d: %d %t, the ledger has %d", d, got, known, l.value[d])
				}
			}
			for j := 1; j < len(s); j++ {
				if s[j-1].From >= s[j].From || s[j-1].Value == s[j].Value {
					t.Fatalf("not in order: %v", s)
				}
			}
		}
	})
}

// What was said is never rewritten: a longer history leaves the shorter alone.
func TestSpansDoNotChangeThePast(t *testing.T) {
	t.Parallel()
	s := Spans[int]{}.Then("2026-01-01", 1).Then("2026-01-10", 2)
	was := fmt.Sprint(s)
	_ = s.Then("2026-01-05", 3)
	_ = s.Corrected(4)
	_ = s.Then("2026-01-20", 5)
	if fmt.Sprint(s) != was {
		t.Error(s)
	}
}
