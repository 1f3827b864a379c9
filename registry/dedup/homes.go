package dedup

import (
	"cmp"
	"slices"

	"daftar/db"
)

// home is people who live together, or somebody who lives alone or nowhere.
type home struct {
	household db.ID
	people    []*Record
}

// id is the key of the home.
func (h *home) id() db.ID { return h.people[0].homeID() }

// match is two records with what they are worth.
type match struct {
	a, b  *Record
	score Score
}

// within compares the people of one home with each other.
func (l *lexicon) within(h *home) []match {
	var list []match
	for i, a := range h.people {
		for _, b := range h.people[:i] {
			list = append(list, match{a, b, l.score(a, b)})
		}
	}
	return list
}

// between compares everybody of one home with everybody of another. Each of
// them is at most one of the others: pairs are made from the best down. Those who
// fit make it likelier that the rest of the household is there twice as well;
// who fits less than somebody else of the household does is probably a brother.
func (l *lexicon) between(x, y *home, needed float64) []match {
	var list []match
	for _, a := range x.people {
		for _, b := range y.people {
			list = append(list, match{a, b, l.score(a, b)})
		}
	}
	slices.SortStableFunc(list, func(p, q match) int { return cmp.Compare(q.score.Points, p.score.Points) })
	partner := map[*Record]*Record{}
	mates, all := 0, 0.0
	for _, m := range list {
		if m.score.Points < needed-worthASecond {
			break
		}
		if partner[m.a] == nil && partner[m.b] == nil {
			partner[m.a], partner[m.b] = m.b, m.a
			mates, all = mates+1, all+m.score.Points
		}
	}
	w := &weights
	for i := range list {
		m := &list[i]
		alone := m.score.Points
		switch {
		case m.score.apart:
		case partner[m.a] == m.b && mates > 1:
			m.score.add("household.mates", min(w.matesAtMost, w.mate*(all-alone)), mates-1)
		case partner[m.a] == m.b:
		case partner[m.a] != nil || partner[m.b] != nil:
			m.score.add("household.taken", w.takenByMate, 0)
		case mates > 0:
			m.score.add("household.mates", min(w.matesAtMost, w.mate*all), mates)
		}
	}
	return list
}
