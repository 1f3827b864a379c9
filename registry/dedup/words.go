package dedup

import (
	"math"
	"strings"
	"unicode/utf8"

	"daftar/registry/names"
)

// word is a word of names in the two forms in which it is compared.
type word struct {
	text string // folded
	key  string // how it sounds, in Latin letters
	id   uint32
	// How rare they are, in bits: 3 is one name in eight.
	rare, rareKey float64
}

// lexicon knows each word once: there are few of them, and each is compared
// with each other over and over. It is not for concurrent use.
type lexicon struct {
	words  map[string]*word
	like   map[uint64]likeness
	shares shares
}

func newLexicon() *lexicon {
	return &lexicon{words: map[string]*word{}, like: map[uint64]likeness{}, shares: shares{people: fewPeople, of: map[string]int{}}}
}

// shares is how many people have a word, a sound, a day of birth or an area, for
// those that many have.
type shares struct {
	people int
	of     map[string]int
}

// bits is how rare something is that n people have.
func (s shares) bits(term string) float64 {
	n := s.of[term]
	return min(rarest, math.Log2(float64(s.people+200)/float64(n+1)))
}

// Terms of the table of shares: a word is a term itself.
func soundTerm(key string) string { return "=" + key }

// word finds or learns a word.
func (l *lexicon) word(text string) *word {
	w, ok := l.words[text]
	if !ok {
		w = &word{text: strings.Clone(text), key: names.Key(text), id: uint32(len(l.words))}
		l.words[w.text] = w
	}
	return w
}

// weigh says how rare the words are, as soon as the shares of their terms are
// known.
func (l *lexicon) weigh(words []*word) {
	for _, w := range words {
		w.rare, w.rareKey = l.shares.bits(w.text), l.shares.bits(soundTerm(w.key))
	}
}

// name takes folded words apart that may be a name in its own script, and the
// same in Latin letters behind it.
func (l *lexicon) name(folded []string) (own, latin []*word) {
	for _, text := range folded {
		w := l.word(text)
		if len(own) > 0 && ascii(text) && !ascii(own[0].text) {
			latin = append(latin, w)
		} else {
			own = append(own, w)
		}
	}
	if n := len(own); latin == nil && n > 1 && n%2 == 0 && l.twice(own[:n/2], own[n/2:]) {
		own, latin = own[:n/2], own[n/2:]
	}
	return own[:min(len(own), maxWords)], latin[:min(len(latin), maxWords)]
}

// twice reports whether the second half of a name is its first half again.
func (l *lexicon) twice(a, b []*word) bool {
	alike := 0
	for i := range a {
		if l.compare(a[i], b[i]) >= slip {
			alike++
		}
	}
	return 2*alike > len(a)
}

// likeness says how far two words are the same.
type likeness int8

const (
	different likeness = iota
	short              // one is the other's beginning: what somebody is called
	slip               // a slip of the pen or the keyboard apart
	sounds             // another spelling, or another script
	equal
)

// compare compares two words, of one script or of two.
func (l *lexicon) compare(a, b *word) likeness {
	if a == b {
		return equal
	}
	pair := uint64(min(a.id, b.id))<<32 | uint64(max(a.id, b.id))
	found, ok := l.like[pair]
	if !ok {
		found = compareWords(a, b)
		l.like[pair] = found
	}
	return found
}

func compareWords(a, b *word) likeness {
	if ascii(a.text) != ascii(b.text) { // another script: only the sound can tell
		switch {
		case a.key == b.key:
			return sounds
		case len(a.key) > 2 && len(b.key) > 2 && within(a.key, b.key, 1):
			return slip
		case begins(a.key, b.key, 2):
			return short
		}
		return different
	}
	if a.key == b.key && (len(a.key) > 1 || within(a.text, b.text, 1)) {
		return sounds
	}
	switch n := max(utf8.RuneCountInString(a.text), utf8.RuneCountInString(b.text)); {
	case n > 2 && within(a.text, b.text, 1), n > 6 && within(a.text, b.text, 2):
		return slip
	case begins(a.text, b.text, 3), begins(a.key, b.key, 2):
		return short
	}
	return different
}

// begins reports whether one word, of at least so many bytes, begins the other.
func begins(a, b string, least int) bool {
	return len(a) >= least && len(b) >= least && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// ascii reports whether a word is in Latin letters: folded, those are ASCII.
func ascii(s string) bool { return s == "" || s[0] < utf8.RuneSelf }

// within reports whether two words are at most so many slips apart: a letter
// left out, put in, exchanged, or two swapped.
func within(a, b string, most int) bool {
	x, y := []rune(a), []rune(b)
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	return slips(x, y, most)
}

// slips tries each kind of slip at the first letter that differs.
func slips(x, y []rune, most int) bool {
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	if d := len(x) - len(y); d > most || -d > most {
		return false
	}
	if len(x) == 0 || len(y) == 0 {
		return true
	}
	if most == 0 {
		return false
	}
	return slips(x[1:], y[1:], most-1) || slips(x[1:], y, most-1) || slips(x, y[1:], most-1) ||
		len(x) > 1 && len(y) > 1 && x[0] == y[1] && x[1] == y[0] && slips(x[2:], y[2:], most-1)
}
