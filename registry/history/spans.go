package history

// Span is a value and the day since which it is so, until the next span's day.
// An empty day lies before all others.
type Span[T comparable] struct {
	From  string // "2006-01-02"
	Value T
}

// Spans is what was said about one value over time, earliest first. The last
// span is what the record says.
type Spans[T comparable] []Span[T]

// Then is what an event makes of it: the value is so from a day on. What was
// said about later days is overtaken.
func (s Spans[T]) Then(from string, value T) Spans[T] {
	n := len(s)
	for n > 0 && s[n-1].From >= from {
		n--
	}
	next := append(Spans[T]{}, s[:n]...)
	if n > 0 && next[n-1].Value == value {
		return next
	}
	return append(next, Span[T]{From: from, Value: value})
}

// Corrected is what a correction makes of it: the last value never was. The
// right one takes its place for as long as the wrong one stood.
func (s Spans[T]) Corrected(value T) Spans[T] {
	if len(s) == 0 {
		return s.Then("", value)
	}
	return s.Then(s[len(s)-1].From, value)
}

// On is the value on a day; false when nothing is known of that day.
func (s Spans[T]) On(day string) (value T, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i].From <= day {
			return s[i].Value, true
		}
	}
	return value, false
}
