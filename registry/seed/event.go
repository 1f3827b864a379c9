package seed

import (
	"time"

	"daftar/registry"
)

// Kinds of event since the registration.
const (
	EventBorn  = "born"
	EventDied  = "died"
	EventMoved = "moved" // the whole household, to another area
	EventLeft  = "left"  // one member, to another household
)

// Event is something that happened after a household was registered.
type Event struct {
	Kind   string
	Day    time.Time
	Person *Person // the next state of a person, or a new one; nil when the household moved
	Area   string  // code of the new area, when it did
}

// happen draws what happened in the year before the day of registration's last
// update: births, deaths, moves. Copies of other households have no history.
func (c *Country) happen(i int, b *builder, h *Household) {
	if h.Copy {
		return
	}
	r := c.chance(uint64(i), forEvents)
	day := func() time.Time { return c.day.AddDate(0, 0, -1-r.IntN(300)) }
	if r.is(0.012) {
		if to := c.home(r); to.Code != h.Area {
			h.Events = append(h.Events, Event{Kind: EventMoved, Day: day(), Area: to.Code})
		}
	}
	members := len(b.people)
	for n, p := range b.people {
		switch {
		case r.is(mortality(p.age)):
			d, on := h.People[n], day()
			if d.Birth.Known() && d.Birth.To.After(on) {
				continue
			}
			d.Died = on
			first := d.Memberships[0]
			first.End, first.Why = on, "deceased"
			d.Memberships = []Membership{first}
			h.Events = append(h.Events, Event{Kind: EventDied, Day: on, Person: &d})
		case p.relation == "child" && p.age > 18 && r.is(0.03) && i^1 < c.cfg.Households:
			d, on := h.People[n], day()
			first := d.Memberships[0]
			first.End, first.Why = on, "moved"
			d.Memberships = []Membership{first, {ID: c.id(keySecondMembership, i, p.member),
				Household: c.id(keyHousehold, i^1, 0), Relationship: "non_relative", Start: on}}
			h.Events = append(h.Events, Event{Kind: EventLeft, Day: on, Person: &d})
		case p.Sex == female && p.married == "married" && p.age > 18 && p.age < 40 && r.is(0.02) && p.relation != "child_in_law":
			h.Events = append(h.Events, c.birth(r, b, p, members, day()))
			members++
		}
	}
}

// birth adds a child of a member, registered with a certificate.
func (c *Country) birth(r chance, b *builder, mother *Person, member int, on time.Time) Event {
	l := mother.line
	for _, p := range b.people {
		if p.Sex == male && p.relation == "head" {
			l = b.below(p)
		}
	}
	l.like = nil
	relation := "child"
	if mother.relation != "head" && mother.relation != "spouse" {
		relation = "grandchild"
	}
	b.r = r
	sex := b.sex()
	p := &Person{Sex: sex, relation: relation, line: l, member: member, Script: b.culture.script, born: on}
	p.Birth = registry.BirthDate{From: on, To: on}
	c.complete(b, p)
	p.Identifiers = []Identifier{{BirthCertificate, c.birthCertificate(on.Year(), b.i, member), true}}
	return Event{Kind: EventBorn, Day: on, Person: p}
}

func mortality(age float64) float64 {
	switch {
	case age < 5:
		return 0.006
	case age < 55:
		return 0.003
	}
	return 0.012 + 0.002*(age-55)
}
