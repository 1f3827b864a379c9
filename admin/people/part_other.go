package people

import (
	"slices"
	"strings"
	"time"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/web/show"
	"daftar/web/ui"
)

func isDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

var endInput = input{Name: "end", Style: "select", Choices: chosen("outcome.household.", registry.HouseholdOutcomes()...)}

var householdParts = []part{
	{Key: "protect", Reason: "other", Inputs: []input{{Name: "secret", Style: "radios", Choices: chosen("answer.", "yes", "no"), Hint: true}}, Apply: protect},
	{Key: "end", Reason: "outcome", Dated: true, Inputs: []input{endInput}, Apply: endHousehold},
	{Key: "restore", Reason: "restored", Apply: func(e *edit) error {
		if e.v.Household.StatusReason == registry.HouseholdEmpty {
			return fault.Hidden() // it goes on when somebody comes back
		}
		e.v.Household.Status, e.v.Household.StatusReason, e.v.Household.StatusDate = "", "", ""
		return nil
	}},
	{Key: "tags", Reason: "other", Inputs: []input{tagsInput}, Apply: tag},
}

var groupParts = []part{
	{Key: "about", Reason: "other", Inputs: aboutGroup, Apply: describe},
	{Key: "member", Reason: "other", Dated: true, Inputs: []input{{Name: "member", Style: "text", Hint: true},
		{Name: "place", Style: "select", Choices: chosen("group.role.", registry.GroupRoles()...)}}, Apply: addMember},
	{Key: "unmember", Reason: "other", Dated: true, Inputs: []input{{Name: "who", Style: "select", Choices: openMembers}}, Apply: endMember},
	{Key: "end", Reason: "outcome", Dated: true, Inputs: []input{endInput}, Apply: func(e *edit) error {
		e.v.Group.Status, e.v.Group.StatusReason, e.v.Group.StatusDate = "ended", e.form.Get("end"), e.day
		return nil
	}},
	{Key: "restore", Reason: "restored", Apply: func(e *edit) error {
		e.v.Group.Status, e.v.Group.StatusReason, e.v.Group.StatusDate = "", "", ""
		return nil
	}},
	{Key: "tags", Reason: "other", Inputs: []input{tagsInput}, Apply: tag},
}

// aboutGroup asks for a group's own values.
var aboutGroup = []input{
	{Name: "name", Style: "text", Start: func(v *proposal) []string { return []string{v.Group.Name} }},
	{Name: "name_latin", Style: "text", Optional: true, Start: func(v *proposal) []string { return []string{v.Group.NameLatin} }},
	{Name: "group_type", Style: "radios", Choices: chosen("group.type.", registry.GroupTypes()...), Start: func(v *proposal) []string { return []string{v.Group.Type} }},
	{Name: "area", Style: "text", Start: func(v *proposal) []string { return []string{v.AreaCode} }},
	{Name: "formed", Style: "day", Optional: true, Hint: true, Start: func(v *proposal) []string { return []string{v.Group.FormedOn} }},
	{Name: "served", Style: "radios", Choices: chosen("answer.", "yes", "no"), Start: func(v *proposal) []string { return []string{yesNo(v.Group.Beneficiary)} }},
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// protect says that nobody is told where the household lives, or that it is no
// secret any more (RULES R5).
func protect(e *edit) error {
	e.v.Household.Protected = e.form.Get("secret") == "yes"
	return nil
}

// endHousehold ends a household in which nobody lives any more.
func endHousehold(e *edit) error {
	var lived bool
	if err := e.tx.Get(&lived, `select exists (select from residence r join household h on h.id = r.household_id where h.ref = $1)`, e.v.Ref); err != nil {
		return err
	}
	if lived {
		e.check.Fail("end", "part.error.lived_in")
	}
	e.v.Household.Status, e.v.Household.StatusReason, e.v.Household.StatusDate = "ended", e.form.Get("end"), e.day
	return nil
}

func describe(e *edit) error {
	g := &e.v.Group
	g.Name, g.NameLatin, g.Type = e.get("name"), e.get("name_latin"), e.form.Get("group_type")
	g.FormedOn = day(e.form, &e.check, "formed", registry.Today(e.c.Now(), e.p.Zone))
	g.Beneficiary = e.form.Get("served") == "yes"
	area, err := registry.AreaByCode(e.tx, strings.ToUpper(i18n.LatinDigits(strings.TrimSpace(e.form.Get("area")))))
	if fault.Is(err, fault.NotFound) {
		e.check.Fail("area", "propose.error.area")
		return nil
	}
	g.AreaID = &area.ID
	return err
}

// addMember takes a household, a person or another group into the group.
func addMember(e *edit) error {
	m := registry.GroupMemberData{ID: e.tx.NewID(), Role: e.form.Get("place"), StartDate: e.day}
	switch ref := registry.Typed(e.form.Get("member")); {
	case strings.HasPrefix(ref, string(registry.RefHousehold)):
		id := e.find("member", registry.KindHousehold, registry.RefHousehold)
		m.HouseholdID = &id
	case strings.HasPrefix(ref, string(registry.RefGroup)):
		id := e.find("member", registry.KindGroup, registry.RefGroup)
		m.GroupID = &id
	default:
		id := e.find("member", registry.KindPerson, registry.RefPerson)
		m.PersonID = &id
	}
	e.v.Group.Members = append(slices.Clone(e.v.Group.Members), m)
	return nil
}

func openMembers(e *edit) []ui.Choice {
	members, _ := registry.GroupMembers(e.tx, e.v.ID) // without them there is nothing to choose
	var list []ui.Choice
	for _, m := range e.v.Group.Members {
		for _, known := range members {
			if known.MemberID == m.Member() && m.EndDate == "" && !known.EndDate.Valid {
				list = append(list, ui.Choice{Value: m.ID.String(), Label: e.p.List(slices.DeleteFunc([]string{known.Ref, known.Name}, func(s string) bool { return s == "" }))})
			}
		}
	}
	return list
}

func endMember(e *edit) error {
	e.v.Group.Members = slices.Clone(e.v.Group.Members)
	for i, m := range e.v.Group.Members {
		if m.ID.String() == e.form.Get("who") {
			if e.day < m.StartDate {
				e.check.Fail("effective", "part.error.left_early", "Date", show.Day(e.p, m.StartDate))
			}
			e.v.Group.Members[i].EndDate = e.day
		}
	}
	return nil
}
