package effect

import (
	"slices"

	"daftar/db"
	"daftar/registry"
)

// birth adds the children who were born, each with a relation to those who are
// named as parents. Twins are two rows of one filing.
func birth(b *build) error {
	parent, err := b.chosen("parent")
	if err != nil {
		return err
	}
	parents := []db.ID{parent}
	if b.text("other_parent") != "" {
		other, err := b.chosen("other_parent")
		if err != nil {
			return err
		}
		if other != parent {
			parents = append(parents, other)
		}
	}
	lives, ok := b.Residence(parent)
	if !ok {
		return blocked("no_home")
	}
	babies := registry.Rows(b.Answers["babies"])
	if len(babies) == 0 {
		return invalid("babies", "question.error.needed_row")
	}
	b.since = b.day("born")
	for _, row := range babies {
		baby := b.Allot("baby:"+row.ID(), registry.RefPerson)
		name, _ := row["name"].(string)
		sex, _ := row["sex"].(string)
		p := b.person(baby.ID)
		p.Ref, p.FullName, p.Sex, p.BirthFrom, p.BirthTo = baby.Ref, name, sex, b.since, b.since
		p.Memberships = []registry.MembershipData{{
			ID: b.Allot("membership:"+row.ID(), 0).ID, HouseholdID: lives.HouseholdID, Relationship: b.bornTo(parents), StartDate: b.since,
		}}
		for i, of := range parents {
			key := "relation:" + row.ID() + ":" + string(rune('a'+i))
			p.Relations = append(p.Relations, registry.RelationData{ID: b.Allot(key, 0).ID, Type: "child", PersonID: of, StartDate: b.since})
		}
		id := baby.ID
		b.giveRole(parent, lives.HouseholdID, registry.RoleCaregiver, &id, b.since)
	}
	b.tell(parents...)
	return nil
}

// bornTo is what a child of the parents is to the head of their household.
func (b *build) bornTo(parents []db.ID) string {
	best := "other_relative"
	for _, id := range parents {
		m, _ := b.Residence(id)
		switch m.Relationship {
		case registry.RelationshipHead, "spouse":
			return "child"
		case "child", "child_in_law":
			best = "grandchild"
		case "non_relative":
			if best == "other_relative" && len(parents) == 1 {
				best = "non_relative"
			}
		}
	}
	return best
}

// death ends somebody's record. Enrolments go on: the headship may be vacant,
// and the alternative receives the payments (RULES R16).
func death(b *build) error {
	who, err := b.chosen("who")
	if err != nil {
		return err
	}
	b.since = b.day("day")
	if b.person(who).Unborn(b.since) {
		return invalid("day", "outcome.wrong.before_birth")
	}
	next, err := b.person(who).Conclude(registry.Deceased, b.howKnown(), b.since, nil, b.today())
	if err != nil {
		return err
	}
	*b.person(who) = next
	if lived, there := b.Residence(who); there {
		b.tellHome(lived.HouseholdID, who)
	}
	return b.passOn(true, who)
}

// howKnown is how a death is known: by the best of what was shown.
func (b *build) howKnown() string {
	switch {
	case slices.Contains(b.Proof, "death_certificate"):
		return "certificate"
	case slices.Contains(b.Proof, "burial_permit"):
		return "burial_permit"
	}
	return "witnesses"
}

// alive takes a death back that was none: on the same day, with everything that
// had ended with it. Who was paid in the meantime stays on record.
func alive(b *build) error {
	who, err := b.chosen("who")
	if err != nil {
		return err
	}
	before, ok := b.Before[who]
	if !ok {
		return blocked("not_ended")
	}
	died := b.People[who].StatusDate
	next, err := b.person(who).Restore(before)
	if err != nil {
		return blocked("not_ended")
	}
	*b.person(who) = next
	lives, ok := next.Residence(b.Today)
	if !ok {
		return nil
	}
	p := b.person(who)
	m := in(p, lives.HouseholdID)
	if head := b.headOf(lives.HouseholdID); head != (db.ID{}) && head != who && m.Relationship == registry.RelationshipHead {
		m.EndDate, m.EndReason, m.Roles = max(died, m.StartDate), "role", nil // somebody else became the head: that stays
		p.Memberships = append(p.Memberships, registry.MembershipData{
			ID: b.Allot("membership:back", 0).ID, HouseholdID: lives.HouseholdID, Relationship: "other_relative", StartDate: b.Today})
		m = in(p, lives.HouseholdID)
	}
	for i, r := range m.Roles {
		if r.Role != registry.RolePayee || r.EndDate != "" {
			continue
		}
		if now, ok := b.payeeOf(lives.HouseholdID, registry.RolePayee); ok && now != who {
			m.Roles[i].EndDate = max(died, r.StartDate)
			b.endRole(now, lives.HouseholdID, registry.RolePayee, b.Today)
			b.giveRole(now, lives.HouseholdID, registry.RoleAlternatePayee, nil, b.Today)
			b.giveRole(who, lives.HouseholdID, registry.RolePayee, nil, b.Today)
			b.tell(now)
		}
		break
	}
	b.routine = true
	return nil
}

func (s Scene) headOf(home db.ID) db.ID {
	for _, id := range s.Members(home) {
		if m, _ := s.Residence(id); m.Relationship == registry.RelationshipHead {
			return id
		}
	}
	return db.ID{}
}

// marry relates two people as spouses. The partner lives here already, is
// registered elsewhere, or is new to the registry.
func marry(b *build) error {
	b.since = b.day("day")
	here, ok := b.Residence(b.Me)
	if !ok {
		return blocked("no_home")
	}
	var partner db.ID
	switch b.text("partner") {
	case "lives_here":
		id, err := b.chosen("partner_here")
		if err != nil {
			return err
		}
		if id == b.Me {
			return invalid("partner_here", "question.error.self")
		}
		partner = id
		b.weds(id, here.HouseholdID)
		b.need(id)
	case "registered":
		id, ok := b.find(b.text("partner_ref"))
		if !ok {
			return blocked("no_record")
		}
		if id == b.Me {
			return invalid("partner_ref", "question.error.self")
		}
		partner = id
		there, hasHome := b.Residence(id)
		switch live := b.text("live"); {
		case hasHome && there.HouseholdID == here.HouseholdID: // they live together already
			b.weds(id, here.HouseholdID)
		case live == "here":
			b.moves(id, here.HouseholdID, b.spouseTo(here.Relationship), "married")
		case live == "there":
			if !hasHome {
				return blocked("no_home")
			}
			b.moves(b.Me, there.HouseholdID, b.spouseTo(there.Relationship), "married")
			b.tell(b.Members(there.HouseholdID)...)
		}
		b.need(id)
	default:
		identity := b.Allot("partner", registry.RefPerson)
		partner = identity.ID
		p := b.person(partner)
		p.Ref, p.FullName, p.Sex, p.BirthFrom, p.BirthTo = identity.Ref, b.text("partner_name"), b.text("partner_sex"), b.text("partner_born"), b.text("partner_born")
		if b.text("live") != "apart" {
			p.Memberships = []registry.MembershipData{{ID: b.Allot("membership:partner", 0).ID, HouseholdID: here.HouseholdID,
				Relationship: b.spouseTo(here.Relationship), StartDate: b.since}}
		}
	}
	me := b.person(b.Me)
	me.Relations = append(me.Relations, registry.RelationData{ID: b.Allot("relation:spouse", 0).ID, Type: "spouse", PersonID: partner, StartDate: b.since})
	b.tell(b.Members(here.HouseholdID)...)
	for _, s := range b.Sets {
		if s.Kind == registry.KindPerson && s.Subject == b.Me {
			b.setPerson(me, s)
		}
	}
	return nil
}

// weds says of two who live together and marry what they are to the head, where
// one of them is: the head stays it.
func (b *build) weds(id, home db.ID) {
	mine, theirs := in(b.person(b.Me), home), in(b.person(id), home)
	switch {
	case mine == nil || theirs == nil:
	case mine.Relationship == registry.RelationshipHead:
		theirs.Relationship = "spouse"
	case theirs.Relationship == registry.RelationshipHead:
		mine.Relationship = "spouse"
	}
}

// spouseTo is what the spouse of somebody is to the head.
func (b *build) spouseTo(relationship string) string {
	switch relationship {
	case registry.RelationshipHead:
		return "spouse"
	case "child":
		return "child_in_law"
	case "non_relative":
		return "non_relative"
	}
	return "other_relative"
}

// moves makes a household somebody's usual residence since the day of the case.
// Whoever lived in a household of which nothing is told brings that along: nobody
// becomes known by moving in with others (RULES R5).
func (b *build) moves(id, home db.ID, relationship, reason string) {
	if was, ok := b.Residence(id); ok && b.Homes[was.HouseholdID].Protected {
		b.home(home).Protected = true
	}
	p := b.person(id)
	*p = p.Move(registry.MembershipData{ID: b.Allot("membership:"+b.ref(id), 0).ID, HouseholdID: home, Relationship: relationship, StartDate: b.since}, reason)
}

func (b *build) ref(id db.ID) string { return b.person(id).Ref }
