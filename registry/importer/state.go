package importer

import (
	"hash/maphash"

	"daftar/db"
)

// What has to be known of all rows at once is kept in a few bytes for each: a
// list of a million people takes some 80 MB.

// home is a household that a file lists, or that people in it name.
type home struct {
	id     db.ID
	key    string
	line   int32
	size   int32 // -1: not said
	people int32 // who live there by the files
	head   int32 // ordinal of the member who is the head; -1 for none
	payee  int32 // and of the one who receives what it gets
	src    uint8
	state  uint8
}

// member is a row of people.
type member struct {
	id    db.ID
	home  int32 // ordinal; -1 for none
	line  int32
	src   uint8
	state uint8
}

// What a row has come to.
const (
	isBad     = 1 << iota // left out
	isKnown               // the registry has the record
	isOutside             // a household that no file lists
	isHead                // of the household
	lives                 // counts among the people of the household
	hasRows               // of a roster
	lacks                 // somebody in the household was left out
)

// keys finds ordinals by text, without keeping the text.
type keys struct {
	one, two maphash.Seed
	at       map[[2]uint64]int32
}

func newKeys() keys {
	return keys{maphash.MakeSeed(), maphash.MakeSeed(), map[[2]uint64]int32{}}
}

func (k keys) hash(parts ...string) [2]uint64 {
	var a, b maphash.Hash
	a.SetSeed(k.one)
	b.SetSeed(k.two)
	for _, p := range parts {
		_, _ = a.WriteString(p)
		_, _ = b.WriteString(p)
		_ = a.WriteByte(0)
		_ = b.WriteByte(0)
	}
	return [2]uint64{a.Sum64(), b.Sum64()}
}

// put notes a key; the ordinal that had it before, if any did.
func (k keys) put(ordinal int, parts ...string) (int, bool) {
	h := k.hash(parts...)
	if first, twice := k.at[h]; twice {
		return int(first), true
	}
	k.at[h] = int32(ordinal)
	return ordinal, false
}

func (k keys) get(parts ...string) (int, bool) {
	n, ok := k.at[k.hash(parts...)]
	return int(n), ok
}

// alike finds rows that say the same, where a rare mistake does no harm: in half of
// what keys take.
type alike struct {
	seed maphash.Seed
	at   map[uint64]int32
}

func newAlike() alike { return alike{maphash.MakeSeed(), map[uint64]int32{}} }

// put notes what a row says; the ordinal of the row that said it before, if any did.
func (a alike) put(ordinal int, parts ...string) (int, bool) {
	var h maphash.Hash
	h.SetSeed(a.seed)
	for _, p := range parts {
		_, _ = h.WriteString(p)
		_ = h.WriteByte(0)
	}
	sum := h.Sum64()
	if first, twice := a.at[sum]; twice {
		return int(first), true
	}
	a.at[sum] = int32(ordinal)
	return ordinal, false
}

// care is a carer whose person is found when all people are known.
type care struct {
	member int32
	value  string
	home   string
}
