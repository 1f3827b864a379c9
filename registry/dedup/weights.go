package dedup

import "math"

// weights says in points what each thing that two records have in common, or
// not, is worth. A point doubles the odds that they are of one person, or
// halves them (Fellegi and Sunter, A Theory for Record Linkage, 1969): it is
// the logarithm of how often it is so for two records of one person against two
// of different people. They were measured on registry/seed and rounded; where
// the generator is kinder than life, life was followed. docs/duplicates.md
// says how.
var weights = struct {
	// Names. A word that both names have counts by its rarity: half as common is
	// a bit rarer. Names of one person come from one place, so each further word
	// tells a little less.
	perBit, further             float64
	sounds, slip, short         float64 // less than the same word
	other, missing, shifted     float64 // a word in place of another; a word less; in another order
	alsoInLatin, otherwiseLatin float64 // spelt alike, or not, in Latin letters as well

	// Births. The same date counts by its rarity: many are born on 1 January 1990
	// and on no day known better.
	birthPerBit, birthSame, birthVague              float64 // vague: of many who were born in a year, one says no more
	swapped, oneYear, sameMonth, oneDay, sameYear   float64
	nextYear, near, far, farther, unknown, otherSex float64

	// Numbers of identity, phones, answers.
	sameNumber, otherNumber                float64
	phone, sharedPhone, otherPhone         float64
	sameAnswer, otherAnswer, answersAtMost float64

	// Home.
	areaPerBit, sameArea             float64
	mate, matesAtMost                float64 // others of the two households that fit each other
	takenByMate                      float64 // somebody else of that household fits better
	twin, alikeTwin, otherNameAtHome float64 // live together, and are born on one day or are called differently
	better                           float64 // for each point by which another record fits better

	// What a pair must reach in a registry of 100,000 people, and how much more in
	// one of twice the size: the more people, the more strangers alike.
	needed, perDoubling float64
}{
	perBit: 0.6, further: -1.6,
	sounds: -0.2, slip: -1, short: -2.5,
	other: -6, missing: -3.7, shifted: -1.7,
	alsoInLatin: 0.9, otherwiseLatin: -0.4,

	birthPerBit: 0.84, birthSame: -1, birthVague: -1,
	swapped: 5, oneYear: 5, sameMonth: 3, oneDay: 2, sameYear: 1,
	nextYear: 0.5, near: -3.5, far: -6, farther: -8, unknown: -1.7, otherSex: -2.5,

	sameNumber: 12, otherNumber: -8,
	phone: -2, sharedPhone: 0.3, otherPhone: -0.5,
	sameAnswer: 0.85, otherAnswer: -1, answersAtMost: 5,

	areaPerBit: 0.2, sameArea: 0.3,
	mate: 0.5, matesAtMost: 8,
	takenByMate: -3,
	twin:        -14, alikeTwin: -9, otherNameAtHome: -6,
	better: -0.9,

	needed: 9.5, perDoubling: 0.9,
}

// Limits of what is looked at.
const (
	maxWords      = 6      // of a name: more say no more
	rarest        = 13     // bits: no word is rarer than this
	fewPeople     = 1000   // a registry smaller than this says little about what is rare
	smallRegistry = 10_000 // one that is smaller is held to what this one needs
	worthASecond  = 6      // points below the needed with which a pair is looked at closely
	betterAtMost  = 8      // points by which another record can fit better
	KeptPerPerson = 5      // pairs that one person is in at most

	StrongPoints = 18 // hardly anybody else
	GoodPoints   = 13
)

// needed is what a pair must reach among so many people.
func needed(people int) float64 {
	return weights.needed + weights.perDoubling*math.Log2(float64(max(people, smallRegistry))/100_000)
}
