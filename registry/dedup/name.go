package dedup

import "daftar/registry/names"

// fit is how two names fit, word by word, each with its best partner.
type fit struct {
	rarity  float64        // points of the words that they share
	words   [equal + 1]int // shared words by likeness
	other   int            // words in place of others
	missing int            // words that only one of them has
	shifted bool           // what comes first in one is not first in the other
	first   likeness       // of the two first words
	partner [maxWords]int8 // of each word of the one: its place in the other, or -1
	latin   int            // words spelt alike in Latin letters, too, less the others
	points  float64
}

// fitNames compares two people's names: in the script that they share, else in
// whatever script of theirs fits best.
func (l *lexicon) fitNames(a, b *Record) fit {
	if len(a.own) == 0 || len(b.own) == 0 {
		return fit{}
	}
	if ascii(a.own[0].text) == ascii(b.own[0].text) {
		f := l.fit(a.own, b.own)
		if len(a.latin) == len(a.own) && len(b.latin) == len(b.own) {
			f.spelt(a.latin, b.latin)
		}
		return f
	}
	best := l.fit(a.own, b.own)
	for _, pair := range [3][2][]*word{{a.own, b.latin}, {a.latin, b.own}, {a.latin, b.latin}} {
		if len(pair[0]) > 0 && len(pair[1]) > 0 {
			if f := l.fit(pair[0], pair[1]); f.points > best.points {
				best = f
			}
		}
	}
	return best
}

// spelt compares how the words are spelt in Latin letters: a family spells as it
// does.
func (f *fit) spelt(a, b []*word) {
	for i, w := range a {
		switch j := f.partner[i]; {
		case j < 0:
		case w == b[j]:
			f.latin++
			f.points += weights.alsoInLatin
		default:
			f.points += weights.otherwiseLatin
		}
	}
}

// halves are the sounds of words that are half a name, with the word behind them:
// Gebre Egziabher, Haile Selassie, Abd al-Rahman. Two names that share both
// halves share one name.
var halves = soundsOf("gebre", "wolde", "haile", "tekle", "abd", "ገብረ", "ወልደ", "ኃይለ", "ተክለ", "عبد")

func soundsOf(words ...string) map[string]bool {
	sounds := map[string]bool{}
	for _, w := range words {
		sounds[names.Key(names.Fold(w))] = true
	}
	return sounds
}

// fit pairs the words of two names, the most alike first.
func (l *lexicon) fit(a, b []*word) fit {
	var f fit
	var like [maxWords][maxWords]likeness
	var taken [maxWords]bool
	for i := range a {
		f.partner[i] = -1
		for j := range b {
			like[i][j] = l.compare(a[i], b[j])
		}
	}
	f.first = like[0][0]
	shared := 0
	for level := equal; level > different; level-- {
		for i := range a {
			for j := range b {
				if f.partner[i] >= 0 || taken[j] || like[i][j] != level {
					continue
				}
				f.partner[i], taken[j] = int8(j), true
				f.words[level]++
				f.rarity += sharedWord(level, a[i], b[j])
				shared++
			}
		}
	}
	w := &weights
	f.other = min(len(a), len(b)) - shared
	f.missing = max(len(a), len(b)) - min(len(a), len(b))
	f.shifted = shared > 0 && f.partner[0] != 0
	f.rarity += w.further * float64(max(0, shared-1))
	for i := 1; i < len(a); i++ {
		if j := f.partner[i]; j > 0 && f.partner[i-1] == j-1 && halves[a[i-1].key] {
			half := min(sharedWord(like[i-1][j-1], a[i-1], b[j-1]), sharedWord(like[i][j], a[i], b[j]))
			f.rarity -= max(0, half+w.further)
		}
	}
	f.points = f.rarity + w.other*float64(f.other) + w.missing*float64(f.missing)
	if f.shifted {
		f.points += w.shifted
	}
	return f
}

// sharedWord is what a word that both names have is worth. A slip makes a rare
// word of a common one: the commoner counts.
func sharedWord(level likeness, a, b *word) float64 {
	w := &weights
	points := w.perBit * min(a.rareKey, b.rareKey)
	switch level {
	case equal:
		return w.perBit * a.rare
	case sounds:
		points += w.sounds
	case slip:
		points += w.slip
	case short:
		points += w.short
	}
	return max(0, points)
}
