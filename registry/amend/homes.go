package amend

import (
	"slices"

	"daftar/db"
	"daftar/registry"
)

// homes are the households that follow a person whose record changes: one in which
// nobody is left ends on the day on which the last one left, and one that had ended
// for that goes on when they come back. They are part of the same proposal.
func homes(tx db.Tx, it registry.Item) ([]registry.Item, error) {
	after, ok := it.Data.(registry.PersonData)
	if !ok || it.BaseVersion == 0 {
		return nil, nil
	}
	before, version, err := registry.CurrentPerson(tx, it.Subject)
	if err != nil || version != it.BaseVersion {
		return nil, err // out of date, which is said elsewhere
	}
	left, back := ties(before, after), ties(after, before)
	var items []registry.Item
	for _, m := range append(left, back...) {
		leaves := slices.ContainsFunc(left, func(l registry.MembershipData) bool { return l.HouseholdID == m.HouseholdID })
		h, version, err := registry.CurrentHousehold(tx, m.HouseholdID)
		if err != nil {
			return nil, err
		}
		ended := h.Status != "" && h.Status != registry.Active
		switch {
		case leaves && !ended:
			var others bool
			if err := tx.Get(&others, `select exists (select from membership where household_id = $1 and end_date is null and person_id <> $2)`,
				m.HouseholdID, it.Subject); err != nil {
				return nil, err
			}
			if others {
				continue
			}
			h.Status, h.StatusReason, h.StatusDate = "ended", nobodyLeft, endOf(after, m)
		case !leaves && ended && h.StatusReason == nobodyLeft:
			h.Status, h.StatusReason, h.StatusDate = "", "", ""
		default:
			continue
		}
		items = append(items, registry.Item{Kind: registry.KindHousehold, Subject: m.HouseholdID, BaseVersion: version,
			Nature: it.Nature, Reason: it.Reason, EffectiveOn: it.EffectiveOn, Data: h})
	}
	return items, nil
}

// nobodyLeft is the outcome of a household that nobody is in any more.
const nobodyLeft = "empty"

// ties are those that go on in one state, to households to which none goes on in
// the other: one for each household.
func ties(in, not registry.PersonData) (list []registry.MembershipData) {
	open := func(p registry.PersonData, home db.ID) bool {
		return slices.ContainsFunc(p.Memberships, func(m registry.MembershipData) bool { return m.HouseholdID == home && m.EndDate == "" })
	}
	for _, m := range in.Memberships {
		if m.EndDate == "" && !open(not, m.HouseholdID) && !slices.ContainsFunc(list, func(l registry.MembershipData) bool { return l.HouseholdID == m.HouseholdID }) {
			list = append(list, m)
		}
	}
	return list
}

// endOf is the day on which a tie ended.
func endOf(p registry.PersonData, tie registry.MembershipData) string {
	for _, m := range p.Memberships {
		if m.ID == tie.ID {
			return m.EndDate
		}
	}
	return tie.StartDate
}
