package dedup

import (
	"math"
	"slices"

	"daftar/db"
	"daftar/registry"
)

// Record is what is compared of a person.
type Record struct {
	Person    db.ID
	Household db.ID // where they usually live; zero for nowhere
	Area      db.ID
	Sex       string
	Birth     registry.BirthDate
	Phones    []Phone
	Numbers   []Number
	Answers   registry.Values // to what is asked of people and is not sensitive

	own, latin []*word
	staged     bool // proposed, and not in the registry
	said       registry.Values
	birthRare  float64
	areaRare   float64
}

// Phone is a telephone number and how many people are reached through it.
type Phone struct {
	Value   string
	Holders int
}

// Number is a number that an issuer gave.
type Number struct{ Type, Issuer, Value string }

// Score is how strongly two records seem to be of one person, and why.
type Score struct {
	Points float64
	Parts  []Part
	// Forced: they claim one number, which somebody has to look at in any case
	// (RULES R14).
	Forced bool
	apart  bool // born years apart: that others fit says nothing of these two
}

// Part is one reason: a code with the message "dedup.<code>", what it is worth,
// and a count where it has one.
type Part struct {
	Code   string  `json:"code"`
	Points float64 `json:"points"`
	N      int     `json:"n,omitempty"`
}

func (s *Score) add(code string, points float64, n int) {
	if points != 0 {
		s.Parts = append(s.Parts, Part{Code: code, Points: math.Round(10*points) / 10, N: n})
		s.Points += points
	}
}

// glance is what two records are worth by name, birth and place alone: enough to
// tell most strangers apart.
func (l *lexicon) glance(a, b *Record) float64 {
	_, points := compareBirths(a.Birth, b.Birth, a.birthRare)
	if a.Sex != b.Sex && sexKnown(a, b) {
		points += weights.otherSex
	}
	if points += l.fitNames(a, b).points; a.Area == b.Area && a.Household != b.Household {
		points += area(a)
	}
	return points
}

// area is what it is worth that two people live in one area.
func area(a *Record) float64 {
	if a.Area == (db.ID{}) {
		return 0
	}
	return weights.sameArea + weights.areaPerBit*a.areaRare
}

func sexKnown(a, b *Record) bool { return a.Sex != registry.Unknown && b.Sex != registry.Unknown }

// compare scores two people by themselves, whoever they live with.
func (l *lexicon) score(a, b *Record) Score {
	var s Score
	f := l.fitNames(a, b)
	s.name(f)
	code, points := compareBirths(a.Birth, b.Birth, a.birthRare)
	s.add("birth."+code, points, 0)
	s.apart = code == birthFar || code == birthFarther
	if a.Sex != b.Sex && sexKnown(a, b) {
		s.add("sex.other", weights.otherSex, 0)
	}
	s.numbers(a, b)
	s.answers(a, b)
	if a.Household == b.Household && a.Household != (db.ID{}) {
		s.together(a, b, f)
		return s
	}
	s.phones(a, b, l.shares.people)
	if a.Area == b.Area {
		s.add("area.same", area(a), 0)
	}
	return s
}

// name tells what makes up the points of the names.
func (s *Score) name(f fit) {
	w := &weights
	shared := f.words[equal] + f.words[sounds] + f.words[slip] + f.words[short]
	code := "name.same"
	switch {
	case shared == 0:
	case f.words[short] > 0:
		code = "name.short"
	case f.words[slip] > 0:
		code = "name.slip"
	case f.words[sounds] > 0:
		code = "name.sounds"
	}
	s.add(code, f.points-w.other*float64(f.other)-w.missing*float64(f.missing)-shift(f), shared)
	s.add("name.other", w.other*float64(f.other), f.other)
	s.add("name.missing", w.missing*float64(f.missing), f.missing)
	s.add("name.shifted", shift(f), 0)
}

func shift(f fit) float64 {
	if f.shifted {
		return weights.shifted
	}
	return 0
}

// numbers compares numbers of one kind and issuer: one that both claim, or two
// different ones.
func (s *Score) numbers(a, b *Record) {
	same, other := 0, 0
	for _, x := range a.Numbers {
		for _, y := range b.Numbers {
			switch {
			case x == y:
				same++
			case x.Type == y.Type && x.Issuer == y.Issuer:
				other++
			}
		}
	}
	if same > 0 {
		s.Forced = true
		s.add("number.same", weights.sameNumber, same)
	} else if other > 0 {
		s.add("number.other", weights.otherNumber, other)
	}
}

// phones: one that two people share says much, one that serves a village little.
func (s *Score) phones(a, b *Record, people int) {
	best, holders := 0.0, 0
	for _, x := range a.Phones {
		for _, y := range b.Phones {
			if x.Value == y.Value {
				holders = max(x.Holders, y.Holders, 2)
				best = max(best, weights.sharedPhone, math.Log2(float64(people))-math.Log2(float64(holders))*2+weights.phone)
			}
		}
	}
	switch {
	case holders > 0:
		s.add("phone.same", min(best, rarest), holders)
	case len(a.Phones) > 0 && len(b.Phones) > 0:
		s.add("phone.other", weights.otherPhone, 0)
	}
}

// answers compares what both were asked.
func (s *Score) answers(a, b *Record) {
	w := &weights
	same, other := 0, 0
	for code, x := range a.Answers {
		if y, ok := b.Answers[code]; !ok {
			continue
		} else if equalAnswers(x, y) {
			same++
		} else {
			other++
		}
	}
	points := w.sameAnswer*float64(same) + w.otherAnswer*float64(other)
	points = max(-w.answersAtMost, min(w.answersAtMost, points))
	if points > 0 {
		s.add("answers.same", points, same)
	} else {
		s.add("answers.other", points, other)
	}
}

func equalAnswers(x, y any) bool {
	if a, ok := x.([]any); ok {
		b, ok := y.([]any)
		return ok && slices.EqualFunc(a, b, func(x, y any) bool { return x == y })
	}
	if _, ok := y.([]any); ok {
		return false
	}
	return x == y
}

// together is about two people of one household: everybody in it shares names,
// phones and the place, and twins are no duplicates (RULES R17). What remains is
// somebody who was entered twice.
func (s *Score) together(a, b *Record, f fit) {
	w := &weights
	switch born := a.Birth.Known() && a.Birth == b.Birth; {
	case born && f.first == different:
		s.add("household.twins", w.twin, 0)
	case born && !calledAlike(a, b, f):
		s.add("household.twins", w.alikeTwin, 0)
	case f.other > 0:
		s.add("household.other_name", w.otherNameAtHome, 0)
	}
}

// calledAlike reports whether two first names are one name as two clerks write
// it. Hasan and Husain sound the same and are twins.
func calledAlike(a, b *Record, f fit) bool {
	x, y := a.own[0].text, b.own[0].text
	return f.first == equal || f.first == sounds && ascii(x) && ascii(y) && within(x, y, 1)
}
