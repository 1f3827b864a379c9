package sow

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/names"
	"daftar/registry/seed"
)

// said is how a new person is found and compared: what find_new in
// db/migrations/00013_dedup.sql makes of the same record, at a tenth of the cost.
// A test compares the two.
type said struct {
	person, household db.ID
	area              area
	sex               string
	birth             registry.BirthDate
	terms, words      []string
	keys              []int32
}

// sayer makes them; it is for one batch. What a word is folded and sounds like it
// finds out once.
type sayer struct {
	homes map[db.ID]area
	folds map[string][]string
	keys  map[string]string
}

func newSayer() *sayer {
	return &sayer{homes: map[db.ID]area{}, folds: map[string][]string{}, keys: map[string]string{}}
}

// say is nothing for somebody whose home is not in the batch.
func (s *sayer) say(p *seed.Person) (said, bool) {
	home, ok := homeOf(p.Memberships)
	if !ok {
		return said{}, false
	}
	where, ok := s.homes[home]
	words := slices.Concat(s.fold(p.Name), s.fold(p.Latin))
	terms := slices.Concat(words, where.terms)
	if from, to := p.Birth.From.Year(), p.Birth.To.Year(); !p.Birth.Known() || to-from > 10 {
		terms = append(terms, "#?")
	} else {
		for y := from; y <= to; y++ {
			terms = append(terms, "#"+strconv.Itoa(y))
		}
	}
	return said{p.ID, home, where, p.Sex, p.Birth, terms, words, blocks(s.sounds(words), p.Birth)}, ok
}

// fold is the words of a name.
func (s *sayer) fold(name string) []string {
	words, known := s.folds[name]
	if !known {
		words = names.Words(name)
		s.folds[name] = words
	}
	return words
}

// sounds are the sounds of words, each once, in order.
func (s *sayer) sounds(words []string) []string {
	sounds := make([]string, len(words))
	for i, w := range words {
		key, known := s.keys[w]
		if !known {
			key = names.Key(w)
			s.keys[w] = key
		}
		sounds[i] = key
	}
	slices.Sort(sounds)
	return slices.Compact(sounds)
}

// homeOf is where somebody lives, or lived last.
func homeOf(list []seed.Membership) (db.ID, bool) {
	if len(list) == 0 {
		return db.ID{}, false
	}
	return slices.MinFunc(list, func(a, b seed.Membership) int {
		switch {
		case a.End.IsZero() && !b.End.IsZero():
			return -1
		case b.End.IsZero() && !a.End.IsZero():
			return 1
		}
		return b.End.Compare(a.End)
	}).Household, true
}

// blocks is dedup_keys of db/migrations/00013_dedup.sql, of a record.
func blocks(sounds []string, birth registry.BirthDate) []int32 {
	if len(sounds) == 0 {
		return []int32{}
	}
	sounds = sounds[:min(len(sounds), 5)]
	known := birth.Known()
	first, last := birth.From.Year(), birth.To.Year()
	same := known && birth.From.Equal(birth.To)
	exact := same && (birth.From.Month() > time.January || birth.From.Day() > 1)
	vague := known && !exact && last-first <= 2 && (same || birth.To.Sub(birth.From) > 31*24*time.Hour)
	day := ""
	if exact {
		m, d := int(birth.From.Month()), birth.From.Day()
		day = " " + strconv.Itoa(min(m, d)) + " " + strconv.Itoa(max(m, d))
	}
	keys := make([]int32, 0, 16)
	text := make([]byte, 0, 64)
	add := func(kind byte, year int, parts ...string) {
		text = append(text[:0], kind)
		for _, p := range parts {
			text = append(append(text, ' '), p...)
		}
		if year != 0 {
			text = strconv.AppendInt(append(text, ' '), int64(year), 10)
		}
		if kind == 'd' {
			text = append(text, day...)
		}
		keys = append(keys, hashText(text))
	}
	for i, s := range sounds {
		if exact {
			add('d', first, s)
		}
		for j, other := range sounds {
			if j > i {
				if known && last-first <= 2 {
					for y := first; y <= last; y++ {
						add('y', y, s, other)
					}
				} else {
					add('y', 0, s, other)
				}
			}
			if vague && j != i {
				for y := first; y <= last; y++ {
					add('v', y, s, ends(other))
				}
			}
		}
	}
	return keys
}

// ends are the first and the last letter of a sound.
func ends(s string) string {
	_, head := utf8.DecodeRuneInString(s)
	_, tail := utf8.DecodeLastRuneInString(s)
	return s[:head] + s[len(s)-tail:]
}

// hashText is PostgreSQL's hashtext(): Bob Jenkins' lookup3, as hash_bytes has it.
func hashText(k []byte) int32 {
	a := uint32(0x9e3779b9) + uint32(len(k)) + 3923095
	b, c := a, a
	rot := bits.RotateLeft32
	for ; len(k) >= 12; k = k[12:] {
		a += binary.LittleEndian.Uint32(k)
		b += binary.LittleEndian.Uint32(k[4:])
		c += binary.LittleEndian.Uint32(k[8:])
		a = (a - c) ^ rot(c, 4)
		c += b
		b = (b - a) ^ rot(a, 6)
		a += c
		c = (c - b) ^ rot(b, 8)
		b += a
		a = (a - c) ^ rot(c, 16)
		c += b
		b = (b - a) ^ rot(a, 19)
		a += c
		c = (c - b) ^ rot(b, 4)
		b += a
	}
	var rest [12]byte // the lowest byte of c is the length's
	copy(rest[:8], k)
	if len(k) > 8 {
		copy(rest[9:], k[8:])
	}
	a += binary.LittleEndian.Uint32(rest[:])
	b += binary.LittleEndian.Uint32(rest[4:])
	c += binary.LittleEndian.Uint32(rest[8:])
	c = (c ^ b) - rot(b, 14)
	a = (a ^ c) - rot(c, 11)
	b = (b ^ a) - rot(a, 25)
	c = (c ^ b) - rot(b, 16)
	a = (a ^ c) - rot(c, 4)
	b = (b ^ a) - rot(a, 14)
	c = (c ^ b) - rot(b, 24)
	return int32(c) //nolint:gosec // the same bits
}

// tell leaves what is said of people where find_said looks for it when the change
// is applied.
func tell(tx db.Tx, people []said) error {
	if err := tx.Exec(`create temporary table said_new (person_id uuid, household_id uuid, area_id uuid, place text, sex text,
		birth_from date, birth_to date, terms text[], words text[], keys integer[]) on commit drop`); err != nil {
		return err
	}
	if err := tx.Exec(`grant select on said_new to public`); err != nil {
		return err
	}
	n := 0
	_, err := tx.CopyFrom("said_new", []string{"person_id", "household_id", "area_id", "place", "sex", "birth_from", "birth_to", "terms", "words", "keys"},
		pgx.CopyFromFunc(func() ([]any, error) {
			if n == len(people) {
				return nil, nil
			}
			s := &people[n]
			n++
			var from, to any
			if s.birth.Known() {
				from, to = s.birth.From, s.birth.To
			}
			return []any{[16]byte(s.person), [16]byte(s.household), [16]byte(s.area.id), s.area.place, s.sex, from, to, s.terms, s.words, s.keys}, nil
		}))
	return err
}

// area is one as it is written and found.
type area struct {
	id    db.ID
	place string
	terms []string // "@MJ", "@MJ01", ...
}

func newArea(id db.ID, place string) area {
	a := area{id: id, place: place}
	for code := range strings.SplitSeq(strings.TrimRight(place, "/"), "/") {
		a.terms = append(a.terms, "@"+code)
	}
	return a
}
