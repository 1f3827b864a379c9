package effect

import (
	"slices"

	"daftar/db"
	"daftar/registry"
)

// move gives a household another place, or somebody another household. Nobody is
// moved out without being asked (RULES R5).
func move(b *build) error {
	b.since = b.day("since")
	here, ok := b.Residence(b.Me)
	if !ok {
		return blocked("no_home")
	}
	if b.text("whole") != "some" {
		area, ok := b.Areas[b.text("area")]
		if !ok {
			return invalid("area", "area.error.missing")
		}
		h := b.home(here.HouseholdID)
		h.AreaID, h.Directions = area, b.text("directions")
		b.tell(b.Members(here.HouseholdID)...)
		return nil
	}
	movers, err := b.chosenAll("who")
	if err != nil {
		return err
	}
	if len(movers) == 0 {
		return invalid("who", "question.error.needed")
	}
	to, err := b.destination(movers)
	if err != nil {
		return err
	}
	for _, id := range movers {
		if b.Adult(id) {
			b.need(id)
		}
	}
	b.tellHome(here.HouseholdID)
	b.tell(b.Members(to)...)
	return b.passOn(false, movers...)
}

// destination moves people to a household that is named, or to a new one of
// which the first adult is the head.
func (b *build) destination(movers []db.ID) (db.ID, error) {
	if b.text("to") == "known" {
		for id, h := range b.Homes {
			if h.Ref == b.text("to_ref") && h.Ref != "" {
				for _, m := range movers {
					b.moves(m, id, b.kin(m, b.headOf(id)), "moved")
				}
				return id, nil
			}
		}
		return db.ID{}, blocked("no_record")
	}
	head := movers[0]
	if slices.Contains(movers, b.Me) {
		head = b.Me
	} else if i := slices.IndexFunc(movers, b.Adult); i >= 0 {
		head = movers[i]
	}
	return b.newHome(head, movers, "moved")
}

// newHome makes a household of people, at the place that was said.
func (b *build) newHome(head db.ID, people []db.ID, reason string) (db.ID, error) {
	here, _ := b.Residence(head)
	area, ok := b.Areas[b.text("area")]
	if !ok {
		area = b.Homes[here.HouseholdID].AreaID // not told: the office stays the same
	}
	made := b.Allot("home", registry.RefHousehold)
	h := b.home(made.ID)
	h.Ref, h.AreaID, h.Directions = made.Ref, area, b.text("directions")
	for _, id := range people {
		relationship := registry.RelationshipHead
		if id != head {
			relationship = b.kin(id, head)
		}
		b.moves(id, made.ID, relationship, reason)
	}
	return made.ID, nil
}

// kin is what somebody is to a head, as far as their relations tell.
func (b *build) kin(id, head db.ID) string {
	known := map[string]string{"spouse": "spouse", "child": "child", "parent": "parent", "grandchild": "grandchild", "grandparent": "grandparent", "sibling": "sibling"}
	for _, r := range b.People[id].Relations {
		if r.PersonID == head && r.EndDate == "" && known[r.Type] != "" {
			return known[r.Type]
		}
	}
	inverse := registry.RelationTypes()
	for _, r := range b.People[head].Relations {
		if r.PersonID == id && r.EndDate == "" && known[inverse[r.Type]] != "" {
			return known[inverse[r.Type]]
		}
	}
	if m, ok := b.Residence(id); ok { // they lived together: what both were to the same head
		if n, ok := b.Residence(head); ok && m.HouseholdID == n.HouseholdID {
			switch {
			case m.Relationship == "child" && (n.Relationship == registry.RelationshipHead || n.Relationship == "spouse"):
				return "child"
			case m.Relationship == "child" && n.Relationship == "child":
				return "sibling"
			}
		}
	}
	return "other_relative"
}

// separate gives somebody a household of their own, with the children who come
// along. Who is not safe takes the safe path (RULES R5): nobody else is told,
// their place and contacts are protected, and nothing is written into the other's
// record beyond the payments that must go on. Else the children who come along
// have one caregiver, unless it is said that both stay it (RULES R17).
func separate(b *build) error {
	b.since = b.day("since")
	b.unsafe = b.text("safe") == "no"
	here, ok := b.Residence(b.Me)
	if !ok {
		return blocked("no_home")
	}
	children, err := b.chosenAll("children")
	if err != nil {
		return err
	}
	for _, id := range children {
		if !b.Child(id) {
			return invalid("children", "question.error.child")
		}
	}
	others := slices.DeleteFunc(b.Members(here.HouseholdID), func(id db.ID) bool { return id == b.Me || slices.Contains(children, id) })
	b.tell(others...)
	gone := append([]db.ID{b.Me}, children...)
	b.routine = true // who receives what the new household gets follows from who left
	if err := b.passOn(false, gone...); err != nil {
		return err
	}
	home, err := b.newHome(b.Me, gone, "separated")
	if err != nil {
		return err
	}
	if b.unsafe {
		b.home(home).Protected = true
		me := b.person(b.Me)
		for i := range me.Contacts {
			me.Contacts[i].Protected = true
		}
	}
	b.giveRole(b.Me, home, registry.RolePayee, nil, b.since)
	for _, id := range children {
		b.giveRole(b.Me, home, registry.RoleCaregiver, &id, b.since)
		if b.text("custody") != "shared" && !b.unsafe {
			b.endCare(id, others)
		}
	}
	b.endUnion(others)
	me := b.person(b.Me)
	for _, s := range b.Sets {
		if s.Kind == registry.KindPerson && s.Subject == b.Me {
			b.setPerson(me, s)
		}
	}
	return nil
}

// endUnion ends the spouses' relation, wherever it is kept; on the safe path
// only in the leaver's own record.
func (b *build) endUnion(others []db.ID) {
	end := func(p *registry.PersonData, with func(db.ID) bool) {
		for i, r := range p.Relations {
			if r.Type == "spouse" && r.EndDate == "" && with(r.PersonID) {
				p.Relations[i].EndDate = max(b.since, r.StartDate)
			}
		}
	}
	end(b.person(b.Me), func(id db.ID) bool { return slices.Contains(others, id) })
	if b.unsafe {
		return
	}
	for _, id := range others {
		if slices.ContainsFunc(b.People[id].Relations, func(r registry.RelationData) bool { return r.Type == "spouse" && r.PersonID == b.Me && r.EndDate == "" }) {
			end(b.person(id), func(with db.ID) bool { return with == b.Me })
		}
	}
}

// leave ends the records of somebody who wants to, and of their children if they
// say so. Every other adult decides for themselves.
func leave(b *build) error {
	children, err := b.chosenAll("children")
	if err != nil {
		return err
	}
	here, there := b.Residence(b.Me)
	gone := append([]db.ID{b.Me}, slices.DeleteFunc(children, func(id db.ID) bool { return id == b.Me })...)
	for _, id := range gone {
		if id != b.Me && !b.Child(id) {
			return invalid("children", "question.error.child")
		}
		next, err := b.person(id).Conclude(registry.Left, "asked", b.Today, nil, b.today())
		if err != nil {
			return err
		}
		*b.person(id) = next
	}
	b.since = b.Today
	if there {
		b.tellHome(here.HouseholdID)
	}
	return b.passOn(true, gone...)
}

// hide keeps a person's phone, or where their household is, from everybody else.
func hide(b *build) error {
	b.silent = true // nobody is told that somebody hides
	for _, what := range b.list("hide") {
		switch what {
		case "contacts":
			me := b.person(b.Me)
			for i := range me.Contacts {
				me.Contacts[i].Protected = true
			}
		case "address":
			here, ok := b.Residence(b.Me)
			if !ok {
				return blocked("no_home")
			}
			b.home(here.HouseholdID).Protected = true
		}
	}
	b.since = b.Today
	return nil
}
