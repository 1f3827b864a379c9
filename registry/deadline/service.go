package deadline

import "time"

// Proof says what proves that a letter reached somebody, or that it did not.
type Proof string

// The proofs.
const (
	Opened    Proof = "opened"     // in the portal, signed in
	SignedFor Proof = "signed_for" // on paper
	Posted    Proof = "posted"     // counts as received after PostDays
	Returned  Proof = "returned"   // came back: what was posted did not arrive
)

// Event is a proof and its day.
type Event struct {
	Proof Proof
	Day   time.Time
}

// Served is the day on which somebody counts as told, from what was noted, in
// that order; false when nothing proves it. A day that follows from what was
// noted first is not made earlier by what was noted later: somebody may have
// counted on it.
func Served(events []Event) (time.Time, bool) {
	var told, posted, proven time.Time
	for _, e := range events {
		switch e.Proof {
		case Posted:
			posted = e.Day.AddDate(0, 0, PostDays)
		case Returned:
			posted = time.Time{}
		case Opened, SignedFor:
			if proven.IsZero() || e.Day.Before(proven) {
				proven = e.Day
			}
		default:
			continue
		}
		if day := first(posted, proven); !day.IsZero() && (told.IsZero() || day.After(told)) {
			told = day
		}
	}
	if posted.IsZero() && proven.IsZero() {
		return time.Time{}, false
	}
	return told, true
}

func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
