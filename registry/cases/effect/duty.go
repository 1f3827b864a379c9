package effect

import (
	"slices"

	"daftar/db"
	"daftar/registry"
)

// duties are what somebody does in households that has not ended, whether they
// live there or not.
func duties(p *registry.PersonData) (list []*registry.RoleData, homes []db.ID) {
	for i := range p.Memberships {
		m := &p.Memberships[i]
		for j := range m.Roles {
			if r := &m.Roles[j]; m.EndDate == "" && r.EndDate == "" {
				list, homes = append(list, r), append(homes, m.HouseholdID)
			}
		}
	}
	return list, homes
}

// payeeOf is who has a role in a household today: one who lives there, or an
// adult from outside who was appointed (RULES R15).
func (s Scene) payeeOf(home db.ID, role string) (found db.ID, ok bool) {
	for id, p := range s.People {
		list, homes := duties(&p.PersonData)
		for i, r := range list {
			if homes[i] == home && r.Role == role && registry.During(r.StartDate, r.EndDate, s.Today) && (!ok || p.Ref < s.People[found].Ref) {
				found, ok = id, true
			}
		}
	}
	return found, ok
}

// caredFor reports whether somebody is a caregiver of a person.
func (s Scene) caredFor(by, of db.ID) bool {
	p := s.People[by].PersonData
	list, _ := duties(&p)
	return slices.ContainsFunc(list, func(r *registry.RoleData) bool { return r.Role == registry.RoleCaregiver && *r.Of == of })
}

// giveRole adds a role in the household where somebody lives, from a day on.
func (b *build) giveRole(id, home db.ID, role string, of *db.ID, day string) {
	if m := in(b.person(id), home); m != nil {
		m.Roles = append(m.Roles, registry.RoleData{Role: role, Of: of, StartDate: max(day, m.StartDate)})
	}
}

// endRole ends a role that is in force.
func (b *build) endRole(id, home db.ID, role, day string) {
	list, homes := duties(b.person(id))
	for i, r := range list {
		if homes[i] == home && r.Role == role {
			r.EndDate = max(day, r.StartDate)
		}
	}
}

// endCare ends what people are to a child whom they no longer care for.
func (b *build) endCare(child db.ID, people []db.ID) {
	for _, id := range people {
		if !b.caredFor(id, child) {
			continue
		}
		list, _ := duties(b.person(id))
		for _, r := range list {
			if r.Role == registry.RoleCaregiver && *r.Of == child {
				r.EndDate = max(b.since, r.StartDate)
			}
		}
		b.tell(id)
	}
}

// passOn passes what people who are no longer there did for others to whoever
// follows: to who was named, else to the alternative payee, and to a parent among
// those who stay. Where nobody is, nobody does: the office is warned. Those whose
// records end are no longer there for any household.
func (b *build) passOn(ended bool, gone ...db.ID) error {
	for _, id := range gone {
		p := b.People[id].PersonData
		list, homes := duties(&p)
		for i, r := range list {
			if here, ok := b.Residence(id); !ended && (!ok || here.HouseholdID != homes[i]) {
				continue // who moves out goes on being what they are to another household
			}
			var err error
			switch r.Role {
			case registry.RolePayee:
				err = b.passPayee(homes[i], gone)
			case registry.RoleCaregiver:
				err = b.passCare(homes[i], *r.Of, gone)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// named is the adult of a household whom an answer names as the one who follows.
func (b *build) named(question string, home db.ID, gone []db.ID) (db.ID, bool, error) {
	if b.text(question) == "" || b.unsafe {
		return db.ID{}, false, nil
	}
	id, err := b.chosen(question)
	if err == nil && (!b.Adult(id) || slices.Contains(gone, id)) {
		err = invalid(question, "question.error.adult")
	}
	lives, ok := b.Residence(id)
	return id, err == nil && ok && lives.HouseholdID == home, err
}

// passPayee lets another adult receive what a household gets, when who did is no
// longer there: whom the event names, which takes another official, else the
// alternative (RULES R15, R16). Those who stay are told.
func (b *build) passPayee(home db.ID, gone []db.ID) error {
	b.tellHome(home, gone...)
	next, ok, err := b.named("payee", home, gone)
	if err != nil {
		return err
	}
	if !ok {
		if next, ok = b.payeeOf(home, registry.RoleAlternatePayee); !ok || slices.Contains(gone, next) {
			return nil
		}
		b.routine = true
	} else {
		b.appoints = true
	}
	list, homes := duties(b.person(next))
	for i, r := range list {
		if homes[i] == home && r.Role == registry.RoleAlternatePayee {
			r.EndDate = max(b.since, r.StartDate)
		}
	}
	b.receives(next, home)
	b.tell(next)
	return nil
}

// passCare gives somebody who is left another caregiver, unless they have one.
func (b *build) passCare(home, of db.ID, gone []db.ID) error {
	lives, ok := b.Residence(of)
	if !ok || lives.HouseholdID != home || slices.Contains(gone, of) || b.unsafe || b.People[of].Version == 0 {
		return nil
	}
	next, ok, err := b.named("carer", home, gone)
	if err != nil {
		return err
	}
	for _, id := range b.Members(home) {
		if b.Adult(id) && !slices.Contains(gone, id) {
			if b.caredFor(id, of) {
				return nil
			}
			if !ok && b.parent(id, of) {
				next, ok = id, true
			}
		}
	}
	if ok && next != of {
		b.giveRole(next, home, registry.RoleCaregiver, &of, b.since)
		b.tell(next)
	}
	return nil
}

// parent reports whether somebody is known to be a child's mother or father.
func (s Scene) parent(id, child db.ID) bool {
	has := func(of db.ID, kind string, other db.ID) bool {
		return slices.ContainsFunc(s.People[of].Relations, func(r registry.RelationData) bool {
			return r.Type == kind && r.PersonID == other && r.EndDate == ""
		})
	}
	return has(child, "child", id) || has(id, "parent", child)
}

// tellHome tells the adults of a household, but for some; where there is none, its
// head, who may be sixteen (RULES R15).
func (b *build) tellHome(home db.ID, but ...db.ID) {
	var head db.ID
	adults := false
	for _, id := range b.Members(home) {
		if slices.Contains(but, id) {
			continue
		}
		if m, _ := b.Residence(id); m.Relationship == registry.RelationshipHead {
			head = id
		}
		adults = adults || !b.Child(id)
		b.tell(id)
	}
	if !adults && head != (db.ID{}) && head != b.Me && !slices.Contains(b.affected, head) {
		b.affected = append(b.affected, head)
	}
}

// Vacant says what nobody does in a household when some are gone, unless somebody
// is named: whether they received its payments, and for whom they cared.
func (s Scene) Vacant(home db.ID, gone []db.ID) (payee bool, cared []db.ID) {
	alternate, has := s.payeeOf(home, registry.RoleAlternatePayee)
	for _, id := range gone {
		p := s.People[id].PersonData
		list, homes := duties(&p)
		for i, r := range list {
			switch {
			case r.Role == registry.RolePayee && homes[i] == home:
				payee = payee || !has || slices.Contains(gone, alternate)
			case r.Role == registry.RoleCaregiver && !slices.Contains(gone, *r.Of) && !s.cared(home, *r.Of, gone):
				if lives, ok := s.Residence(*r.Of); ok && lives.HouseholdID == home && !slices.Contains(cared, *r.Of) {
					cared = append(cared, *r.Of)
				}
			}
		}
	}
	return payee, cared
}

// cared reports whether an adult of a household cares for somebody, or would by
// themselves, when some are gone.
func (s Scene) cared(home, of db.ID, gone []db.ID) bool {
	return slices.ContainsFunc(s.Members(home), func(id db.ID) bool {
		return s.Adult(id) && !slices.Contains(gone, id) && (s.caredFor(id, of) || s.parent(id, of))
	})
}
