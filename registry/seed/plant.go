package seed

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"daftar/registry"
)

// Errors that a second registration of somebody can have, as the truth names
// them.
const (
	ErrSpelling = "spelling" // another Latin spelling of a name
	ErrScript   = "script"   // another spelling in the name's own script
	ErrForeign  = "foreign"  // written in Latin letters only, though the name is not
	ErrNickname = "nickname" // what the person is called for short
	ErrMissing  = "missing"  // a part of the name is left out
	ErrOrder    = "order"    // the last name first
	ErrTypo     = "typo"     // a slip of the keyboard
	ErrSwapped  = "swapped"  // day and month of birth the wrong way round
	ErrBirth    = "birth"    // less of the birth date, a round one, or a year beside it
	ErrSex      = "sex"      // the wrong sex
	ErrMoved    = "moved"    // another area
	ErrPhone    = "phone"    // another phone, or none
)

// Kinds of pair. KindSame are two records of one person; the others are two
// people who are easily taken for one.
const (
	KindSame      = "same_person"
	KindTwins     = "twins"
	KindFatherSon = "father_and_son" // of one name
	KindCoWives   = "co_wives"
	KindJanuary   = "first_of_january" // one name, both born on some 1 January
	KindPhone     = "one_phone"        // that of a helper
)

// Pair is what is known of two records.
type Pair struct {
	A, B   string // references; A is the earlier record
	Same   bool   // whether they are one person
	Kind   string
	Errors []string // sorted; of the later record
	Script Script
	Sex    string // of the later record
}

func pairOf(a, b *Person, same bool, kind string, errors ...string) Pair {
	slices.Sort(errors)
	return Pair{A: a.Ref, B: b.Ref, Same: same, Kind: kind, Errors: slices.Compact(errors), Script: b.Script, Sex: b.Sex}
}

// Households are paired within blocks, each with exactly one other: the later
// one holds what is planted, so that nobody is there three times, and a block
// that is written as one has both sides of every pair.
const Block = 1024

// partner is the other household of the pair; the mask has its highest bit in
// every block, so that the two are far apart.
func (c *Country) partner(i int) int {
	half := c.block() / 2
	mask := int(mix(c.cfg.Seed^forMask<<56, uint64(i/c.block()))%uint64(half)) | half
	return i ^ mask
}

// block is Block, and less in a country that has fewer households.
func (c *Country) block() int {
	block := Block
	for block > 2 && block > c.cfg.Households {
		block /= 2
	}
	return block
}

// firstCopy is the number of the first person in a household who is a copy.
const firstCopy = 36

// meanSize is how many people a household has, about.
const meanSize = 4.4

// copies reports whether a household is a second registration of its partner as a
// whole.
func (c *Country) copies(r chance, i int) bool {
	return c.partner(i) < i && r.is(0.4*c.expected()/meanSize)
}

// expected is how many duplicates a household that may hold some has on average:
// half of the households hold them all. Two in five come with a household that
// was registered twice as a whole.
func (c *Country) expected() float64 {
	return 2 * c.cfg.Duplicates * meanSize / (1 - c.cfg.Duplicates)
}

// plant puts the duplicates of earlier people into a household, and people who
// only look like them.
func (c *Country) plant(i int, b *builder, h *Household) {
	r := c.chance(uint64(i), forPlant)
	j := c.partner(i)
	if c.copies(r, i) {
		c.copyHousehold(r, c.base(j), h)
		return
	}
	c.shareHelper(i, h)
	if j > i || c.cfg.Duplicates == 0 {
		return
	}
	from := j
	if r.is(0.08) { // entered twice in one household
		from = i
	}
	n := int(0.6*c.expected()/(1-0.4*c.expected()/meanSize) + r.Float64())
	if block := c.block(); block < Block && i == block/2 {
		n = max(n, 1) // however small the country, somebody is there twice
	}
	if n > 0 {
		c.copyPeople(r, c.base(from), h, n)
	}
	if r.is(0.02) {
		c.january(r, c.base(j), h)
	}
}

// shareHelper notes that the heads of two households are reached through one
// helper's phone.
func (c *Country) shareHelper(i int, h *Household) {
	if n, yes := c.helped(i); !yes || i%2 == 0 || c.copies(c.chance(uint64(i-1), forPlant), i-1) {
		return
	} else if before, also := c.helped(i - 1); !also || before != n {
		return
	}
	h.Pairs = append(h.Pairs, pairOf(c.base(i - 1).people[0], &h.People[0], false, KindPhone))
}

// copyHousehold makes the household a second registration of another: the same
// people, some left out.
func (c *Country) copyHousehold(r chance, b *builder, h *Household) {
	h.Copy, h.Shape, h.Fields = true, b.shape, b.dwelling()
	h.People, h.Pairs = nil, nil
	moved := r.is(0.3)
	if !moved {
		h.Area, h.Urban = b.area.Code, b.area.Urban
	}
	newPhone := r.is(0.4)
	for n, p := range b.people {
		if n > 0 && r.is(0.08) {
			continue
		}
		var errors []string
		if moved {
			errors = append(errors, ErrMoved)
		}
		h.People = append(h.People, c.again(r, b, p, n, h, p.relation, newPhone, &errors))
		h.Pairs = append(h.Pairs, pairOf(p, &h.People[len(h.People)-1], true, KindSame, errors...))
	}
}

// serialOf is the household's number, which its key carries.
func serialOf(h *Household) uint64 {
	var at uint64
	for _, x := range h.ID[:6] {
		at = at<<8 | uint64(x)
	}
	return at - epoch
}

// copyPeople registers members of another household here as well: a daughter who
// married, a son who works in town, a child who lives with an aunt.
func (c *Country) copyPeople(r chance, b *builder, h *Household, n int) {
	had := len(h.People)
	for _, at := range r.Perm(len(b.people))[:min(n, len(b.people))] {
		p := b.people[at]
		errors := []string{}
		if b.area.Code != h.Area {
			errors = append(errors, ErrMoved)
		}
		relation := "other_relative"
		if p.Sex == female && p.age > 17 && r.is(0.4) {
			relation = "child_in_law"
		}
		dup := c.again(r, b, p, firstCopy+len(h.People)-had, h, relation, r.is(0.6), &errors)
		h.People = append(h.People, dup)
		h.Pairs = append(h.Pairs, pairOf(p, &h.People[len(h.People)-1], true, KindSame, errors...))
	}
}

// again is a second record of a person, with the errors that such records have.
func (c *Country) again(r chance, b *builder, p *Person, member int, h *Household, relation string, newPhone bool, errors *[]string) Person {
	i := int(serialOf(h))
	d := *p
	d.Fields = c.askedAgain(b, p, serial(i, member))
	d.member, d.relation = member, relation
	d.ID, d.Ref = c.id(keyPerson, i, member), c.ref(registry.RefPerson, i, member)
	d.Parts = slices.Clone(p.Parts)
	d.Memberships = []Membership{{ID: c.id(keyMembership, i, member), Household: h.ID, Relationship: relation}}
	d.Identifiers = nil
	for _, id := range p.Identifiers {
		if r.is(0.25) { // who shows the same paper twice is found at once
			id.Verified = false
			d.Identifiers = append(d.Identifiers, id)
		}
	}
	latin := p.Latin != "" || p.Script == Latin || r.is(0.8)
	d.write(latin)
	if newPhone {
		d.Phone, d.PhoneOf = "", ""
		if r.is(0.6) {
			d.Phone, d.PhoneOf = phone(mix(c.cfg.Seed, serial(i, member))), PhoneOwn
		}
	}
	if d.Phone != p.Phone {
		*errors = append(*errors, ErrPhone)
	}
	before := len(*errors)
	for range 1 + r.pick(55, 33, 12) {
		if e := c.spoil(r, &d, latin, *errors); e != "" {
			*errors = append(*errors, e)
		}
	}
	if len(*errors) == before && r.is(0.7) { // some are entered twice exactly alike
		if e := c.spoil(r, &d, latin, *errors); e != "" {
			*errors = append(*errors, e)
		}
	}
	return d
}

// again are the answers that people give another time: some are not asked, and
// of what is asked somebody else's word differs.
var again = []string{"marital_status", "school", "school_years", "literate", "education", "work"}

// askedAgain is what a person answers at a second registration.
func (c *Country) askedAgain(b *builder, p *Person, n uint64) []Field {
	other, who := *b, *p
	other.r = c.chance(n, forAnswers)
	said := map[string]any{}
	for _, f := range other.answers(&who) {
		said[f.Code] = f.Value
	}
	var list []Field
	for _, f := range p.Fields {
		if slices.Contains(again, f.Code) {
			if other.r.is(0.08) {
				continue
			}
			if v, ok := said[f.Code]; ok && other.r.is(0.2) {
				f.Value = v
			}
		}
		list = append(list, f)
	}
	return list
}

// spoil makes one error and names it; "" when that error could not be made here, or
// would undo one that was.
func (c *Country) spoil(r chance, d *Person, latin bool, made []string) string {
	name := func(done bool, e string) string {
		if done {
			d.write(latin)
			return e
		}
		return ""
	}
	switch r.pick(30, 10, 6, 8, 12, 4, 14, 8, 12, 1) {
	case 0:
		return name(spelling(r, d, latin), ErrSpelling)
	case 1:
		p := &d.Parts[r.IntN(len(d.Parts))]
		other := respell(d.Script, p.Native)
		done := other != p.Native
		p.Native = other
		return name(done, ErrScript)
	case 2:
		if d.Script == Latin || len(d.Parts) == 0 || d.Parts[0].Native == d.Parts[0].Latin {
			return ""
		}
		for i := range d.Parts {
			d.Parts[i].Native = d.Parts[i].Latin
		}
		return name(true, ErrForeign)
	case 3:
		p := &d.Parts[0]
		if p.name == nil || len(p.name.short) == 0 {
			return ""
		}
		s := p.name.short[r.IntN(len(p.name.short))]
		foreign := p.Native == p.Latin && d.Script != Latin
		p.Native, p.Latin = s.native, s.latin
		if foreign {
			p.Native = s.latin
		}
		p.name = nil
		return name(true, ErrNickname)
	case 4:
		if len(d.Parts) < 3 {
			return ""
		}
		at := 1 + r.IntN(len(d.Parts)-1)
		d.Parts = slices.Delete(d.Parts, at, at+1)
		return name(true, ErrMissing)
	case 5:
		if len(d.Parts) < 2 {
			return ""
		}
		last := d.Parts[len(d.Parts)-1]
		d.Parts = append([]Part{last}, d.Parts[:len(d.Parts)-1]...)
		return name(true, ErrOrder)
	case 6:
		p := &d.Parts[r.IntN(len(d.Parts))]
		slipped := r.slip(p.Native)
		done := slipped != p.Native
		if p.Native == p.Latin {
			p.Latin = slipped
		} else if r.is(0.5) {
			p.Latin = r.slip(p.Latin)
		}
		p.Native, p.name = slipped, nil
		return name(done, ErrTypo)
	case 7:
		if slices.Contains(made, ErrSwapped) || slices.Contains(made, ErrBirth) {
			return ""
		}
		return swapped(&d.Birth)
	case 8:
		return c.misremembered(r, d)
	default:
		if slices.Contains(made, ErrSex) {
			return ""
		}
		d.Sex = map[string]string{female: male, male: female}[d.Sex]
		return ErrSex
	}
}

// spelling writes some parts of the name as others spell them.
func spelling(r chance, d *Person, latin bool) bool {
	if !latin && d.Script != Latin {
		return false
	}
	done := false
	for i := range d.Parts {
		p := &d.Parts[i]
		if p.name == nil || len(p.name.latin) < 2 || !r.is(0.6) {
			continue
		}
		other := p.name.latin[r.IntN(len(p.name.latin))]
		if other == p.Latin {
			continue
		}
		if p.Native == p.Latin {
			p.Native = other
		}
		p.Latin, done = other, true
	}
	return done
}

// swapped takes the day for the month.
func swapped(b *registry.BirthDate) string {
	d := b.From
	if !b.Exact() || d.Day() > 12 || d.Day() == int(d.Month()) {
		return ""
	}
	b.From = registry.Date(d.Year(), time.Month(d.Day()), int(d.Month()))
	b.To = b.From
	return ErrSwapped
}

// misremembered tells the birth date with less or with a slip: the year alone, the
// first of January of the year, a year beside it, a digit of the day.
func (c *Country) misremembered(r chance, d *Person) string {
	was := d.Birth
	if !was.Known() {
		return ""
	}
	from := was.From
	switch r.pick(25, 30, 25, 20) {
	case 0:
		d.Birth = c.until(registry.Date(from.Year(), time.January, 1), registry.Date(from.Year(), time.December, 31))
	case 1:
		d.Birth.From = registry.Date(from.Year(), time.January, 1)
		d.Birth.To = d.Birth.From
	case 2:
		by := 1 - 2*r.IntN(2)
		d.Birth = registry.BirthDate{From: from.AddDate(by, 0, 0), To: was.To.AddDate(by, 0, 0)}
	case 3:
		if !was.Exact() {
			return ""
		}
		d.Birth.From = registry.Date(from.Year(), from.Month(), 1+(from.Day()+[]int{9, 0, 2}[r.IntN(3)])%28)
		d.Birth.To = d.Birth.From
	}
	if d.Birth.To.After(c.day) || d.Birth == was {
		d.Birth = was
		return ""
	}
	return ErrBirth
}

// slip is one slip of the keyboard: two letters swapped, one left out, doubled,
// or another one hit.
func (r chance) slip(s string) string {
	letters := []rune(s)
	if len(letters) < 3 {
		return s
	}
	at := 1 + r.IntN(len(letters)-2)
	if letters[at] == ' ' || letters[at+1] == ' ' {
		return s
	}
	switch r.IntN(4) {
	case 0:
		letters[at], letters[at+1] = letters[at+1], letters[at]
	case 1:
		letters = slices.Delete(letters, at, at+1)
	case 2:
		letters = slices.Insert(letters, at, letters[at])
	case 3:
		letters[at] = beside(letters[at], r)
	}
	return string(letters)
}

// beside is a key near that of a letter: on a Latin keyboard its neighbour, in
// other scripts a letter of the alphabet near it.
func beside(letter rune, r chance) rune {
	const keys = "qwertyuiopasdfghjklzxcvbnm"
	if at := strings.IndexRune(keys, letter); at >= 0 {
		return rune(keys[(at+1)%len(keys)])
	}
	if utf8.RuneLen(letter) < 2 {
		return letter
	}
	switch {
	case letter >= 0x628 && letter <= 0x648:
		return 0x628 + (letter-0x628+1+rune(r.IntN(2)))%0x12
	case letter >= 0x1200 && letter < 0x1350: // another vowel of the same letter
		return letter&^7 | rune(r.IntN(7))
	}
	return letter
}

// january adds somebody of another person's name, born on a first of January as
// well, two or three years apart, with papers of their own.
func (c *Country) january(r chance, b *builder, h *Household) {
	i := int(serialOf(h))
	var like *Person
	for _, p := range b.people {
		if p.Birth.Exact() && p.Birth.From.YearDay() == 1 && p.age > 16 {
			like = p
			break
		}
	}
	if like == nil {
		return
	}
	const member = roomy - 1
	d := *like
	year := like.Birth.From.Year() + []int{-3, -2, 2, 3}[r.IntN(4)]
	d.member, d.relation = member, "other_relative"
	d.ID, d.Ref = c.id(keyPerson, i, member), c.ref(registry.RefPerson, i, member)
	d.Birth = registry.BirthDate{From: registry.Date(year, time.January, 1), To: registry.Date(year, time.January, 1)}
	d.Parts = slices.Clone(like.Parts)
	d.Memberships = []Membership{{ID: c.id(keyMembership, i, member), Household: h.ID, Relationship: d.relation}}
	d.Identifiers = []Identifier{{registry.NationalID, c.nationalID(i, member), true}}
	d.Phone, d.PhoneOf = "", ""
	h.People = append(h.People, d)
	h.Pairs = append(h.Pairs, pairOf(like, &h.People[len(h.People)-1], false, KindJanuary))
}
