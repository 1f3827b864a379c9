package seed

import (
	"fmt"
	"math"
	"time"

	"daftar/registry"
)

// line is what somebody inherits of a name.
type line struct {
	father, grandfather, family *name
	like                        *Person // the whole name is this person's
}

func (b *builder) newLine() line {
	l := line{father: b.culture.male.draw(b.r), grandfather: b.culture.male.draw(b.r)}
	if b.culture.family.ranks != nil {
		l.family = b.culture.family.draw(b.r)
	}
	return l
}

// below is the line of a man's children. His own given name is drawn here, so
// that they can bear it.
func (b *builder) below(m *Person) line {
	b.name(m)
	return line{father: m.Parts[0].name, grandfather: m.line.father, family: m.line.family}
}

// lineAbove is the line of a man's father.
func (b *builder) lineAbove(m *Person) line {
	l := b.newLine()
	l.family = m.line.family
	return l
}

// name draws the given name and puts the name together.
func (b *builder) name(p *Person) {
	if p.Parts != nil {
		return
	}
	if p.line.like != nil {
		p.Parts = append([]Part(nil), p.line.like.Parts...)
		return
	}
	given := &b.culture.male
	if p.Sex == female {
		given = &b.culture.female
	}
	n := given.draw(b.r)
	for range 8 {
		if !b.taken(n, p) {
			break
		}
		n = given.draw(b.r)
	}
	p.Parts = append(make([]Part, 0, 4), b.part(PartGiven, n))
	switch b.culture.script {
	case Latin:
		if b.r.is(0.35) {
			p.Parts = append(p.Parts, b.part(PartSecond, given.draw(b.r)))
		}
	default:
		p.Parts = append(p.Parts, b.part(PartFather, p.line.father))
		if b.grand {
			p.Parts = append(p.Parts, b.part(PartGrandfather, p.line.grandfather))
		}
	}
	if b.family0 && p.line.family != nil {
		p.Parts = append(p.Parts, b.part(PartFamily, p.line.family))
	}
}

func (b *builder) taken(n *name, p *Person) bool {
	for _, other := range b.people {
		if other != p && other.Parts != nil && other.Parts[0].name == n {
			return true
		}
	}
	return n == p.line.father
}

// part spells a name as this family does; now and then somebody's papers differ.
func (b *builder) part(kind string, n *name) Part {
	share := float64(mix(uint64(b.i), uint64(len(n.native))<<8^uint64(n.native[len(n.native)-1]))>>11) / (1 << 53)
	if b.r.is(0.15) {
		share = b.r.Float64()
	}
	p := Part{Kind: kind, Native: n.native, Latin: n.latin[n.spelling(share)], name: n}
	if b.culture.script == Latin {
		p.Native = p.Latin
	}
	return p
}

// complete gives a member everything but the phone.
func (c *Country) complete(b *builder, p *Person) {
	r := b.r
	b.name(p)
	p.write(r.is(0.93))
	p.ID, p.Ref = c.id(keyPerson, b.i, p.member), c.ref(registry.RefPerson, b.i, p.member)
	if p.born.IsZero() {
		p.born = c.day.AddDate(0, 0, -int(p.age*365.2425))
	}
	if !p.Birth.Known() {
		p.Birth = c.remembered(r, p.born, p.age)
	}
	for _, k := range b.pairs {
		if k.why == KindTwins && k.b == p.member {
			p.born, p.Birth = b.people[k.a].born, b.people[k.a].Birth
		}
	}
	c.identify(b, p)
	p.Memberships = []Membership{{ID: c.id(keyMembership, b.i, p.member), Household: c.id(keyHousehold, b.i, 0),
		Relationship: p.relation, Start: since(p)}}
	p.Fields = b.answers(p)
}

// write sets the written names.
func (p *Person) write(latin bool) {
	p.Name, p.Latin = join(p.Parts)
	if p.Script == Latin || !latin {
		p.Latin = ""
	}
}

// since is the day when somebody began to live in the household: a child since
// birth, others since a day that the registry does not know.
func since(p *Person) time.Time {
	if p.relation == "child" && p.Birth.Exact() {
		return p.Birth.From
	}
	return time.Time{}
}

// remembered is what is known of a day of birth: the older, the less. Round
// ages and the first of January are commoner than they can be.
func (c *Country) remembered(r chance, born time.Time, age float64) registry.BirthDate {
	var known int
	switch {
	case age < 5:
		known = r.pick(88, 4, 5, 3, 0)
	case age < 18:
		known = r.pick(70, 15, 6, 8, 1)
	case age < 50:
		known = r.pick(50, 27, 4, 17, 2)
	default:
		known = r.pick(26, 38, 3, 27, 6)
	}
	year := born.Year()
	if age >= 20 && (known == 1 || known == 3) && r.is(0.55) { // a round age, counted back
		year = c.day.Year() - int(math.Round(age/5))*5
	}
	switch known {
	case 0:
		return registry.BirthDate{From: born, To: born}
	case 1:
		day := registry.Date(year, time.January, 1)
		return registry.BirthDate{From: day, To: day}
	case 2:
		return c.until(registry.Date(year, born.Month(), 1), registry.Date(year, born.Month()+1, 0))
	case 3:
		return c.until(registry.Date(year, time.January, 1), registry.Date(year, time.December, 31))
	}
	return registry.BirthDate{}
}

// until is a range of days that ends no later than the day of registration.
func (c *Country) until(from, to time.Time) registry.BirthDate {
	if to.After(c.day) {
		to = c.day
	}
	return registry.BirthDate{From: from, To: to}
}

// identify gives the papers that people of an age and place have. A paper's
// number is the person's, whoever reads it twice.
func (c *Country) identify(b *builder, p *Person) {
	r := b.r
	share := 0.6 + 0.08*min(2, max(-2, b.wealth))
	if p.Sex == male {
		share += 0.08
	}
	if p.age >= 16 && r.is(share) {
		p.Identifiers = append(p.Identifiers, Identifier{registry.NationalID, c.nationalID(b.i, p.member), r.is(0.7)})
	}
	if p.age < 18 && r.is(share-0.1) {
		p.Identifiers = append(p.Identifiers, Identifier{BirthCertificate, c.birthCertificate(p.born.Year(), b.i, p.member), r.is(0.5)})
	}
	if r.is(0.22) {
		p.Identifiers = append(p.Identifiers, Identifier{HealthCard, c.healthCard(b.i, p.member), r.is(0.4)})
	}
}

// Who has a phone, as PhoneOf.
const (
	PhoneOwn    = "own"
	PhoneShared = "shared"
	PhoneHelper = "helper"
)

// phones gives the phones: one's own, one for the household, or that of a helper
// who is asked by everybody around.
func (b *builder) phones() {
	if n, yes := b.c.helped(b.i); yes {
		for _, p := range b.people {
			p.Phone, p.PhoneOf = phone(n), PhoneHelper
		}
		return
	}
	var shared *Person
	for _, p := range b.people {
		if p.age < 16 {
			continue
		}
		share := 0.5 + 0.13*b.wealth
		if p.Sex == female {
			share -= 0.13
		}
		if b.r.is(share) {
			p.Phone, p.PhoneOf = phone(mix(b.c.cfg.Seed, serial(b.i, p.member))), PhoneOwn
			if shared == nil {
				shared = p
			}
		}
	}
	for _, p := range b.people {
		if shared != nil && p.Phone == "" && b.r.is(0.45) {
			p.Phone, p.PhoneOf = shared.Phone, PhoneShared
		}
	}
}

// Of every helperSpan households in a row, helperRun have one helper's phone:
// some 200 people. They are neighbours in number only, and live anywhere.
const helperSpan, helperRun = 1600, 48

// helped says whether a household is reached through a helper, and whose phone
// it is.
func (c *Country) helped(i int) (uint64, bool) {
	span := i / helperSpan
	n := mix(c.cfg.Seed^forHelper<<56, uint64(span))
	start := int(n % (helperSpan - helperRun))
	at := i % helperSpan
	return n, at >= start && at < start+helperRun
}

// answers are the person's custom fields.
func (b *builder) answers(p *Person) []Field {
	r := b.r
	var f []Field
	add := func(code string, value any) { f = append(f, Field{code, value}) }
	p.ill = r.is(disabled(p.age))
	switch {
	case p.ill:
		add("disability", "yes")
		switch r.pick(18, 14, 9, 59) {
		case 0:
			add("blind", "yes")
		case 1:
			add("deaf", "yes")
		case 2:
			add("mental_disability", "yes")
		}
	case r.is(0.03):
		add("disability", registry.Unknown)
	default:
		add("disability", "no")
	}
	if p.age >= 12 {
		if p.married == "" {
			p.married = "single"
			if p.age > 30 && r.is(0.6) {
				p.married = "separated"
			}
		}
		add("marital_status", p.married)
	}
	if p.age >= 5 {
		b.schooling(p, add)
	}
	if p.age >= 15 {
		work := []string{"employed", "unemployed", "inactive"}
		switch {
		case p.age > 65:
			add("work", work[r.pick(25, 2, 73)])
		case p.Sex == female:
			add("work", work[r.pick(48, 9, 43)])
		default:
			add("work", work[r.pick(70, 12, 18)])
		}
	}
	return f
}

// disabled is the share of people of an age who live with a disability: near 15
// in 100 of all.
func disabled(age float64) float64 {
	switch {
	case age < 5:
		return 0.04
	case age < 18:
		return 0.095
	case age < 40:
		return 0.13
	case age < 60:
		return 0.24
	case age < 75:
		return 0.4
	}
	return 0.58
}

func (b *builder) schooling(p *Person, add func(string, any)) {
	r := b.r
	ability := b.wealth - p.age/45 + r.normal(0.6, 0.9)
	if p.Sex == female && p.age > 25 {
		ability -= 0.5
	}
	years := int(min(18, max(0, 6+3.2*ability)))
	attends := p.age < 18 && years > 0 && r.is(0.95-max(0, p.age-11)*0.07)
	if p.age < 26 {
		years = min(years, max(0, int(p.age)-6))
	}
	switch {
	case attends:
		add("school", "attends")
	case years == 0 && p.age >= 8:
		add("school", "never")
	case p.age < 18:
		add("school", "not_now")
	default:
		add("school", "past")
	}
	if p.age >= 8 {
		add("school_years", float64(years))
		if p.literate = years >= 4 || years > 1 && r.is(0.4); p.literate {
			add("literate", "yes")
		} else {
			add("literate", "no")
		}
	}
	if p.age >= 15 {
		switch {
		case years == 0:
			add("education", "none")
		case years < 6:
			add("education", "some_primary")
		case years < 12:
			add("education", "primary")
		case years < 16:
			add("education", "secondary")
		default:
			add("education", "university")
		}
	}
}

// scale draws one of the codes, which are listed from poor to rich, by wealth.
func (b *builder) scale(codes ...string) string {
	at := (b.wealth+2.4)/5*float64(len(codes)) + b.r.normal(0, 0.6)
	return codes[min(len(codes)-1, max(0, int(at)))]
}

// dwelling is the household's custom fields.
func (b *builder) dwelling() []Field {
	r := b.r
	residence := "rural"
	if b.area.Urban {
		residence = "urban"
	}
	livelihood := []string{"farming", "fishing", "day_labour", "wages", "trade", "remittance", "none", "other"}
	kind := livelihood[r.pick(48, 5, 18, 8, 9, 6, 3, 3)]
	if b.area.Urban {
		kind = livelihood[r.pick(6, 4, 28, 28, 22, 6, 3, 3)]
	}
	electricity := "no"
	if r.is(0.3 + 0.25*b.wealth) {
		electricity = "yes"
	}
	assets := []string{}
	for _, a := range []struct {
		code string
		at   float64
	}{{"bank_account", 1}, {"bicycle", 0.5}, {"car", 2}, {"cellphone", -0.8}, {"motorcycle", 1.4}, {"radio", -0.3}, {"refrigerator", 1.3}, {"tv", 0.8}} {
		if b.wealth+r.normal(0, 0.8) > a.at {
			assets = append(assets, a.code)
		}
	}
	f := []Field{
		{"residence", residence}, {"livelihood", kind}, {"electricity", electricity}, {"assets", assets},
		{"tenure", []string{"owned", "rented", "free"}[r.pick(70-20*max(0, b.wealth), 20+20*max(0, b.wealth), 10)]},
		{"rooms", float64(max(1, int(r.normal(2.4+0.7*b.wealth, 1))))},
		{"floor", b.scale("earth", "earth", "wood", "cement", "cement", "tile")},
		{"walls", b.scale("scrap", "wood", "adobe", "metal", "brick", "concrete")},
		{"roof", b.scale("scrap", "thatch", "thatch", "metal", "metal", "tile", "concrete")},
		{"water", b.scale("surface", "open_spring", "open_well", "borehole", "public_tap", "piped_neighbour", "piped_yard", "piped_home")},
		{"toilet", b.scale("none", "pit_open", "pit_open", "pit_slab", "vip", "flush_pit", "flush_septic", "flush_sewer")},
		{"cook_fuel", b.scale("wood", "wood", "wood", "coal", "petroleum", "gas", "electricity")},
	}
	if !r.is(0.12) { // not everybody says
		f = append(f, Field{"monthly_income", b.income()})
	}
	return f
}

// income is lognormal around what the home and the hands let expect, and told in
// round figures.
func (b *builder) income() float64 {
	adults := 0.0
	for _, p := range b.people {
		if p.age >= 16 && p.age < 66 {
			adults++
		}
	}
	amount := 95 * math.Exp(0.62*b.wealth+b.r.normal(0, 0.5)) * math.Sqrt(adults+0.5)
	step := []float64{1, 10, 50}[b.r.pick(15, 55, 30)]
	return math.Round(amount/step) * step
}

// String is for people who look at a country on a terminal.
func (p Person) String() string {
	return fmt.Sprintf("%s %s (%s) %s %s", p.Ref, p.Name, p.Latin, p.Sex, p.Birth.From.Format(time.DateOnly))
}
