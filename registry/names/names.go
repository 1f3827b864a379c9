// Package names brings names to the forms in which they are compared: folded
// (one spelling of each letter, whatever the keyboard) and sounded (the same
// for every spelling and script). Search and duplicates share it; a stored
// name is never replaced by either form.
//
// PostgreSQL has the same two functions, name_fold and name_key, written by
// SQL from the same tables: what the one stores, the other finds.
package names

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Fold writes a name in small letters without accents, points or vowel signs,
// with one form of each Arabic letter, as words with one space between them.
// Compound first names ("Abdul Rahman", "Abdirahman") come out as one pair of
// words, and an article joins its word ("al-Hassan": "alhassan").
func Fold(name string) string {
	if !ascii(name) {
		name = norm.NFKD.String(name)
	}
	var b strings.Builder
	b.Grow(len(name))
	for _, r := range name {
		if to, ok := foldRune[r]; ok {
			b.WriteString(to)
		} else {
			b.WriteRune(r)
		}
	}
	s := strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' }), " ")
	for _, c := range compounds {
		if strings.Contains(s, c.has) {
			s = c.re.ReplaceAllString(s, c.to)
		}
	}
	return s
}

// Words are the words of a folded name.
func Words(name string) []string { return strings.Fields(Fold(name)) }

// Key is how a folded word sounds: its consonants in Latin letters, those that
// spellings mix up made one. "Mohammed", "Muhamad" and "محمد" are all "mhmd".
// A word without consonants is "a".
func Key(word string) string {
	s := squeeze(word)
	for _, d := range digraphs {
		s = strings.ReplaceAll(s, d[0], d[1])
	}
	s = strings.Map(func(r rune) rune {
		if to, ok := soundRune[r]; ok {
			return to
		}
		return r
	}, s)
	first := s[:min(1, len(s))]
	if first != "w" && first != "y" {
		first = ""
	}
	s = first + strings.Map(func(r rune) rune {
		if strings.ContainsRune(weak, r) {
			return -1
		}
		return r
	}, s)
	if len(s) > 1 {
		s = strings.TrimSuffix(s, "h")
	}
	if s == "" {
		return "a"
	}
	return s
}

// Keys are the keys of a name's words.
func Keys(name string) []string {
	words := Words(name)
	for i, w := range words {
		words[i] = Key(w)
	}
	return words
}

// squeeze makes one of Latin letters that stand twice. In Arabic a double
// consonant is one letter already, and two letters are two sounds.
func squeeze(s string) string {
	var b strings.Builder
	var last rune
	for _, r := range s {
		if r != last || r < 'a' || r > 'z' {
			b.WriteRune(r)
		}
		last = r
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
