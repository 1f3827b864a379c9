package history

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

// Member is somebody who was tied to a household.
type Member struct {
	Person registry.PersonData
	Tie    registry.MembershipData
}

// Members lists who was tied to a household on a day, as it was known at a point
// in time: also those whose tie a later correction took out of their record.
func Members(tx db.Tx, household db.ID, at At, day string) ([]Member, error) {
	var people []db.ID
	if err := tx.Select(&people, `
		select p.id from person p
		where p.id in (select person_id from membership where household_id = $1 union select person_id from membership_lost where household_id = $1)
		order by p.birth_from nulls last, p.id`, household); err != nil {
		return nil, err
	}
	var list []Member
	for _, id := range people {
		then, err := Person(tx, id, at)
		if fault.Is(err, fault.NotFound) {
			continue // not known yet
		}
		if err != nil {
			return nil, err
		}
		for _, m := range then.Memberships {
			if m.HouseholdID == household && registry.During(m.StartDate, m.EndDate, day) {
				list = append(list, Member{Person: then, Tie: m})
			}
		}
	}
	return list, nil
}
