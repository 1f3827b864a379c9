package history

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

// Groups lists the groups that a household, person or group was directly in on a
// day, as was known at a moment. Those that it is or was in as is known now are
// asked how they were.
func Groups(tx db.Tx, member db.ID, at At, day string) ([]registry.Group, error) {
	var ids []db.ID
	if err := tx.Select(&ids, `
		select g.id from group_record g
		where g.id in (select group_id from group_member where household_id = $1 or person_id = $1 or subgroup_id = $1)
		order by g.name, g.ref`, member); err != nil {
		return nil, err
	}
	var list []registry.Group
	for _, id := range ids {
		g, err := Group(tx, id, at)
		if fault.Is(err, fault.NotFound) { // not known yet
			continue
		}
		if err != nil {
			return nil, err
		}
		if g.Status != "" && g.Status != registry.Active && g.StatusDate <= day {
			continue
		}
		for _, m := range g.Members {
			if m.Member() == member && registry.During(m.StartDate, m.EndDate, day) {
				list = append(list, registry.Group{ID: id, Ref: g.Ref, Name: g.Name, NameLatin: g.NameLatin, Type: g.Type})
				break
			}
		}
	}
	return list, nil
}
