package effect

import (
	"daftar/db"
	"daftar/registry"
)

// payee lets another adult receive what the household gets: one who lives there,
// or one from outside who is appointed, for a household of children say. It takes
// the agreement of who receives it now, or another official (RULES R15).
func payee(b *build) error {
	here, ok := b.Residence(b.Me)
	if !ok {
		return blocked("no_home")
	}
	b.since = b.Today
	who, err := b.receiver()
	if err != nil {
		return err
	}
	if lives, ok := b.Residence(who); ok && b.text("lives") != "outside" && lives.HouseholdID != here.HouseholdID {
		return invalid("who", "question.error.person")
	}
	now, there := b.payeeOf(here.HouseholdID, registry.RolePayee)
	if there && now == who {
		return invalid(b.asked(), "question.error.same")
	}
	if there {
		b.endRole(now, here.HouseholdID, registry.RolePayee, b.since)
		b.need(now)
	}
	b.endRole(who, here.HouseholdID, registry.RoleAlternatePayee, b.since)
	b.receives(who, here.HouseholdID)
	b.appoints = true
	b.tell(who)
	return nil
}

// asked is the question that says who shall be paid.
func (b *build) asked() string {
	if b.text("lives") == "outside" {
		return "who_ref"
	}
	return "who"
}

// receiver is who shall receive the payments: an adult, as far as is known. Who is
// not in the registry gets a record.
func (b *build) receiver() (db.ID, error) {
	if b.text("lives") == "outside" && b.text("known") != "registered" {
		made := b.Allot("payee", registry.RefPerson)
		p := b.person(made.ID)
		p.Ref, p.FullName, p.BirthFrom, p.BirthTo = made.Ref, b.text("name"), b.text("born"), b.text("born")
		if b.text("name") == "" {
			return made.ID, invalid("name", "question.error.needed")
		}
		if from, to, ok := days(p.BirthFrom, p.BirthTo); ok {
			if youngest, _ := (registry.BirthDate{From: from, To: to}).Age(b.today()); youngest < registry.Majority {
				return made.ID, invalid("born", "question.error.adult")
			}
		}
		return made.ID, nil
	}
	if b.text("lives") == "outside" {
		who, ok := b.find(b.text("who_ref"))
		if !ok {
			return who, blocked("no_record")
		}
		if !b.Adult(who) || b.People[who].Status != "" && b.People[who].Status != registry.Active {
			return who, invalid("who_ref", "question.error.adult")
		}
		return who, nil
	}
	who, err := b.chosen("who")
	if err == nil && !b.Adult(who) {
		err = invalid("who", "question.error.adult")
	}
	return who, err
}

// receives makes somebody the payee of a household: by the tie that they have with
// it, else by one of their own.
func (b *build) receives(who, home db.ID) {
	role := registry.RoleData{Role: registry.RolePayee, StartDate: b.since}
	p := b.person(who)
	for i := range p.Memberships {
		if m := &p.Memberships[i]; m.HouseholdID == home && m.EndDate == "" {
			role.StartDate = max(b.since, m.StartDate)
			m.Roles = append(m.Roles, role)
			return
		}
	}
	relationship := "non_relative"
	if b.text("role") == "relative" {
		relationship = "other_relative"
	}
	*p = p.Belong(registry.MembershipData{ID: b.Allot("membership:payee", 0).ID, HouseholdID: home, Tie: registry.TieOther,
		Relationship: relationship, StartDate: b.since, Roles: []registry.RoleData{role}})
}
