package seed

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed names/*.txt
var nameFiles embed.FS

// Script is what a name is written in.
type Script string

// Scripts of the generated country.
const (
	Latin    Script = "latin"
	Arabic   Script = "arabic"
	Ethiopic Script = "ethiopic"
)

// Scripts lists them.
func Scripts() []Script { return []Script{Latin, Arabic, Ethiopic} }

// name is one name of a list.
type name struct {
	native string   // in its script
	latin  []string // spellings in Latin letters, the usual one first
	short  []short  // what people are called
}

type short struct{ native, latin string }

// list is the names of one kind, with how common they are.
type list struct {
	names []name
	ranks table
}

func (l list) draw(r chance) *name { return &l.names[l.ranks.at(r.Float64())] }

// culture is the names of one script and how they are put together.
type culture struct {
	script                  Script
	female, male, family    list
	familyShare, grandShare float64 // of households whose names end in one
}

func loadCulture(script Script) (*culture, error) {
	raw, err := nameFiles.ReadFile("names/" + string(script) + ".txt")
	if err != nil {
		return nil, err
	}
	c := &culture{script: script}
	for i, line := range strings.Split(string(raw), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		to, n, err := readName(c, line)
		if err != nil {
			return nil, fmt.Errorf("%s.txt line %d: %w", script, i+1, err)
		}
		to.names = append(to.names, n)
	}
	for _, l := range []*list{&c.female, &c.male, &c.family} {
		if len(l.names) > 0 {
			l.ranks = zipf(len(l.names))
		}
	}
	switch script {
	case Latin:
		c.familyShare = 1
	case Arabic:
		c.familyShare, c.grandShare = 0.55, 0.8
	case Ethiopic:
		c.grandShare = 0.45
	}
	return c, nil
}

func readName(c *culture, line string) (*list, name, error) {
	columns := strings.Split(line, ";")
	if len(columns) < 2 || len(columns) > 4 {
		return nil, name{}, fmt.Errorf("%d columns", len(columns))
	}
	to, ok := map[string]*list{"f": &c.female, "m": &c.male, "s": &c.family}[columns[0]]
	if !ok {
		return nil, name{}, fmt.Errorf("unknown kind %q", columns[0])
	}
	columns = columns[1:]
	n := name{native: columns[0]}
	if c.script == Latin { // the spelling is the name
		n.latin = strings.Split(columns[0], ",")
		n.native = n.latin[0]
	} else {
		if len(columns) < 2 {
			return nil, name{}, fmt.Errorf("%s has no Latin spelling", columns[0])
		}
		n.latin = strings.Split(columns[1], ",")
		columns = columns[1:]
	}
	if len(columns) > 1 {
		for _, s := range strings.Split(columns[1], ",") {
			native, latin, both := strings.Cut(s, "=")
			if !both {
				latin = native
			}
			n.short = append(n.short, short{native, latin})
		}
	}
	return to, n, nil
}

// spelling draws how somebody writes the name in Latin letters: mostly the usual
// way.
func (n *name) spelling(share float64) int {
	for i := range n.latin {
		if share < 0.6 || i == len(n.latin)-1 {
			return i
		}
		share = (share - 0.6) / 0.4
	}
	return 0
}

// Kinds of name part.
const (
	PartGiven       = "given"
	PartSecond      = "second" // a second given name
	PartFather      = "father"
	PartGrandfather = "grandfather"
	PartFamily      = "family"
)

// Part is one part of a name, in its script and in Latin letters.
type Part struct {
	Kind   string
	Native string
	Latin  string
	name   *name
}

// join puts the parts together, in the script and in Latin letters.
func join(parts []Part) (native, latin string) {
	for i, p := range parts {
		if i > 0 {
			native += " "
			latin += " "
		}
		native += p.Native
		latin += p.Latin
	}
	return native, latin
}

// respell is another way to write a word in its own script, as clerks and
// keyboards vary; the same word when there is none.
func respell(script Script, word string) string {
	switch script {
	case Arabic:
		return arabicHabits.Replace(word)
	case Ethiopic:
		return strings.Map(homophone, word)
	}
	return word
}

// Hamzas are left out, the tied t and the final long a are written as they sound.
var arabicHabits = strings.NewReplacer("أ", "ا", "إ", "ا", "آ", "ا", "ة", "ه", "ى", "ي", "عبد ال", "عبدال", "ؤ", "و", "ئ", "ي")

// homophone is the other letter for the same sound: the rows of h, s, ts and the
// vowel carrier.
func homophone(r rune) rune {
	for _, pair := range [][2]rune{{0x1200, 0x1210}, {0x1230, 0x1220}, {0x12a0, 0x12d0}, {0x1338, 0x1340}, {0x1280, 0x1200}, {0x1210, 0x1280}, {0x1220, 0x1230}, {0x12d0, 0x12a0}, {0x1340, 0x1338}} {
		if r >= pair[0] && r < pair[0]+7 {
			return pair[1] + r - pair[0]
		}
	}
	return r
}
