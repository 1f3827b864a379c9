package seed

import (
	"time"

	"daftar/db"
	"daftar/registry"
)

// Household is a household as it was registered, and what happened since.
type Household struct {
	ID     db.ID
	Ref    string
	Shape  string
	Area   string // code
	Urban  bool
	Fields []Field
	People []Person // the head first, where there is one
	Events []Event
	Pairs  []Pair // what is known of its people and those of earlier households
	Copy   bool   // the whole household is in the country already
}

// Field is the value of a custom field: a string, a float64 or a []string.
type Field struct {
	Code  string
	Value any
}

// Membership says where a person lives, or lived.
type Membership struct {
	ID           db.ID
	Household    db.ID
	Relationship string
	Start, End   time.Time // zero: not known, or not ended
	Why          string    // it ended: moved, married, deceased
}

// Identifier is a number that an issuer gave.
type Identifier struct {
	Type     string
	Value    string
	Verified bool
}

// Person is one person's record.
type Person struct {
	ID          db.ID
	Ref         string
	Script      Script
	Parts       []Part
	Name, Latin string // Latin is empty where it is not known, or the name is in Latin letters
	Sex         string
	Birth       registry.BirthDate
	Phone       string // "" when none is known
	PhoneOf     string // own, shared (another member's) or helper
	Identifiers []Identifier
	Memberships []Membership
	Fields      []Field
	Died        time.Time // zero while alive

	age      float64 // true age in years
	born     time.Time
	member   int
	relation string
	line     line
	literate bool
	ill      bool
	married  string
}

// Relationship to the head of the household where the person lives.
func (p Person) Relationship() string { return p.Memberships[len(p.Memberships)-1].Relationship }

// Shapes of households with their shares, by script where polygamy differs.
var shapes = []struct {
	name  string
	share float64
	make  func(*builder)
}{
	{"couple_with_children", 40, (*builder).family},
	{"three_generations", 13, (*builder).extended},
	{"woman_with_children", 15, (*builder).mother},
	{"man_with_children", 2, (*builder).father},
	{"polygamous", 2.5, (*builder).polygamous},
	{"skipped_generation", 4.5, (*builder).skipped},
	{"couple", 6, (*builder).couple},
	{"old_couple", 2.5, (*builder).oldCouple},
	{"old_alone", 3.5, (*builder).oldAlone},
	{"alone", 6, (*builder).alone},
	{"sharing", 4.4, (*builder).sharing},
	{"child_headed", 0.6, (*builder).childHeaded},
}

var shapeShares = func() []float64 {
	var list []float64
	for _, s := range shapes {
		list = append(list, s.share)
	}
	return list
}()

// Shapes lists the kinds of household.
func Shapes() []string {
	var list []string
	for _, s := range shapes {
		list = append(list, s.name)
	}
	return list
}

// Household makes one household of the country, with what was planted in it.
func (c *Country) Household(i int) Household {
	b := c.base(i)
	h := c.finish(b)
	c.plant(i, b, &h)
	c.happen(i, b, &h)
	return h
}

// builder is a household being made.
type builder struct {
	c       *Country
	i       int
	r       chance
	area    *Area
	culture *culture
	shape   string
	wealth  float64 // around 0; 1 is a deviation
	people  []*Person
	family0 bool // names end in a family's
	grand   bool // names have the grandfather's
	pairs   []kin
}

// kin are two members who are easily taken for one, and why.
type kin struct {
	a, b int
	why  string
}

// base makes a household without duplicates or events: what other households
// may copy from.
func (c *Country) base(i int) *builder {
	r := c.chance(uint64(i), forHome)
	area := c.home(r)
	b := &builder{c: c, i: i, r: r, area: area, culture: c.cultures[c.scriptIn(r, area)], wealth: r.normal(0, 1)}
	if area.Urban {
		b.wealth += 0.6
	}
	b.family0, b.grand = r.is(b.culture.familyShare), r.is(b.culture.grandShare)
	s := shapes[r.pick(shapeShares...)]
	b.shape = s.name
	s.make(b)
	for _, p := range b.people {
		c.complete(b, p)
	}
	b.phones()
	return b
}

// finish makes the record of what was built.
func (c *Country) finish(b *builder) Household {
	h := Household{ID: c.id(keyHousehold, b.i, 0), Ref: c.ref(registry.RefHousehold, b.i, 0), Shape: b.shape,
		Area: b.area.Code, Urban: b.area.Urban, Fields: b.dwelling()}
	for _, p := range b.people {
		h.People = append(h.People, *p)
	}
	for _, k := range b.pairs {
		p, q := h.People[k.a], h.People[k.b]
		h.Pairs = append(h.Pairs, pairOf(&q, &p, false, k.why))
	}
	return h
}

// add puts somebody into the household.
func (b *builder) add(sex, relation string, age float64, l line) *Person {
	p := &Person{Sex: sex, relation: relation, age: max(0, age), line: l, member: len(b.people), Script: b.culture.script}
	b.people = append(b.people, p)
	return p
}

const female, male = "female", "male"

func (b *builder) sex() string {
	if b.r.is(0.507) {
		return female
	}
	return male
}

// Ages of the head of a household, of young adults on.
func (b *builder) headAge(mean, from, to float64) float64 {
	return min(to, max(from, b.r.normal(mean, 11.5)))
}

func (b *builder) pair(age float64) (husband, wife *Person) {
	husband = b.add(male, "head", age, b.newLine())
	wife = b.wife(husband, max(17, age-b.r.between(0, 9)))
	return husband, wife
}

func (b *builder) wife(husband *Person, age float64) *Person {
	l := b.newLine()
	if b.culture.script == Latin && b.r.is(0.7) {
		l.family = husband.line.family
	}
	w := b.add(female, "spouse", age, l)
	husband.married, w.married = "married", "married"
	return w
}

func (b *builder) family() {
	m, w := b.pair(b.headAge(36, 20, 75))
	b.children(w.age, b.below(m), "child", true)
}

func (b *builder) couple() { b.pair(b.headAge(33, 20, 70)) }

func (b *builder) oldCouple() { b.pair(b.r.between(60, 86)) }

func (b *builder) oldAlone() {
	sex := female
	if b.r.is(0.35) {
		sex = male
	}
	b.add(sex, "head", b.r.between(61, 92), b.newLine()).married = "widowed"
}

func (b *builder) alone() {
	b.add(b.sexOr(0.35), "head", b.headAge(31, 18, 59), b.newLine()).married = "single"
}

func (b *builder) sexOr(femaleShare float64) string {
	if b.r.is(femaleShare) {
		return female
	}
	return male
}

func (b *builder) mother() {
	m := b.add(female, "head", b.headAge(36, 18, 70), b.newLine())
	m.married = []string{"widowed", "separated", "married", "single"}[b.r.pick(35, 30, 20, 15)]
	absent := b.newLine()
	if b.culture.script == Latin {
		absent.family = m.line.family
	}
	if b.children(m.age, absent, "child", true) == 0 {
		b.add(b.sex(), "child", max(0, min(16, m.age-19)), absent)
	}
	if b.r.is(0.15) {
		b.add(female, "parent", m.age+b.r.between(17, 30), b.newLine()).married = "widowed"
	}
}

func (b *builder) father() {
	m := b.add(male, "head", b.headAge(42, 24, 75), b.newLine())
	m.married = []string{"widowed", "separated"}[b.r.pick(60, 40)]
	if b.children(m.age-4, b.below(m), "child", true) == 0 {
		b.add(b.sex(), "child", max(0, min(16, m.age-24)), b.below(m))
	}
}

func (b *builder) polygamous() {
	m, first := b.pair(b.headAge(46, 27, 80))
	wives := []*Person{first}
	for range 1 + b.r.pick(80, 20) {
		age := wives[len(wives)-1].age - b.r.between(0, 11)
		wives = append(wives, b.wife(m, max(18, age)))
	}
	for i, w := range wives {
		for _, other := range wives[:i] {
			b.pairs = append(b.pairs, kin{other.member, w.member, KindCoWives})
		}
		b.children(w.age, b.below(m), "child", true)
	}
}

func (b *builder) extended() {
	m, w := b.pair(b.headAge(37, 22, 58))
	b.children(w.age, b.below(m), "child", true)
	if b.r.is(0.75) {
		p := b.add(female, "parent", m.age+b.r.between(17, 32), b.newLine())
		p.married = "widowed"
		if b.r.is(0.35) {
			f := b.add(male, "parent", p.age+b.r.between(0, 9), b.lineAbove(m))
			f.married, p.married = "married", "married"
		}
	}
	for range b.r.pick(45, 35, 20) {
		b.add(b.sex(), "sibling", max(8, m.age-b.r.between(2, 16)), m.line)
	}
	if m.age > 48 && b.r.is(0.4) {
		son := b.add(male, "child", m.age-b.r.between(21, 26), b.below(m))
		daughter := b.add(female, "child_in_law", max(17, son.age-b.r.between(0, 6)), b.newLine())
		son.married, daughter.married = "married", "married"
		b.children(daughter.age, b.below(son), "grandchild", false)
	}
	if b.r.is(0.2) {
		b.add(b.sex(), "other_relative", b.r.between(3, 25), b.newLine())
	}
}

func (b *builder) skipped() {
	g := b.add(female, "head", b.headAge(62, 44, 88), b.newLine())
	g.married = "widowed"
	if b.r.is(0.35) {
		g.relation = "spouse"
		m := b.add(male, "head", g.age+b.r.between(0, 9), b.newLine())
		m.married, g.married = "married", "married"
		b.people[0], b.people[1] = m, g
		m.member, g.member = 0, 1
	}
	parent := b.newLine()
	for range 1 + b.r.pick(30, 35, 25, 10) {
		b.add(b.sex(), "grandchild", b.r.between(1, min(18, g.age-36)), parent)
	}
}

func (b *builder) sharing() {
	head := b.add(b.sexOr(0.4), "head", b.headAge(27, 18, 50), b.newLine())
	head.married = "single"
	for range 1 + b.r.pick(45, 35, 20) {
		if b.r.is(0.5) {
			b.add(b.sex(), "sibling", max(12, head.age+b.r.between(-9, 9)), head.line).married = "single"
		} else {
			b.add(head.Sex, "non_relative", b.r.between(18, 40), b.newLine()).married = "single"
		}
	}
}

func (b *builder) childHeaded() {
	l := b.newLine()
	age := b.r.between(13, 18)
	b.add(b.sex(), "head", age, l)
	for range 1 + b.r.pick(35, 40, 25) {
		age -= b.r.between(1.2, 3.5)
		b.add(b.sex(), "sibling", max(1, age), l)
	}
}

// children adds those of a mother who live at home, and returns how many.
func (b *builder) children(mother float64, l line, relation string, named bool) int {
	wanted := int(max(0, b.r.normal(6.2, 2)))
	if b.area.Urban {
		wanted = int(max(0, b.r.normal(4.3, 1.7)))
	}
	added := 0
	birth := min(34, max(15.5, b.r.normal(20, 2.8)))
	for range wanted {
		if birth > min(mother, 46) {
			break
		}
		age := mother - birth
		birth += max(1.15, b.r.normal(2.7, 1))
		if b.r.is(0.05) { // did not live
			continue
		}
		sex := b.sex()
		if !b.r.is(atHome(age, sex)) {
			continue
		}
		p := b.add(sex, relation, age, l)
		added++
		if b.r.is(0.016) {
			b.twin(p, relation, l)
			added++
		}
	}
	if named {
		b.namesake()
	}
	return added
}

func (b *builder) twin(p *Person, relation string, l line) {
	sex := p.Sex
	if b.r.is(0.35) {
		sex = b.sex()
	}
	t := b.add(sex, relation, p.age, l)
	b.pairs = append(b.pairs, kin{p.member, t.member, KindTwins})
}

// namesake gives a son his father's whole name, as happens.
func (b *builder) namesake() {
	if !b.r.is(0.03) {
		return
	}
	var father *Person
	for _, p := range b.people {
		switch {
		case p.relation == "head" && p.Sex == male:
			father = p
		case p.relation == "child" && p.Sex == male && father != nil && p.line.like == nil:
			p.line.like = father
			b.pairs = append(b.pairs, kin{father.member, p.member, KindFatherSon})
			return
		}
	}
}

// atHome is how likely somebody of an age still lives with the parents.
func atHome(age float64, sex string) float64 {
	switch {
	case age < 14:
		return 0.97
	case age < 18:
		if sex == female {
			return 0.82
		}
		return 0.9
	case age < 23:
		if sex == female {
			return 0.4
		}
		return 0.62
	case age < 29:
		return 0.22
	}
	return 0.05
}
