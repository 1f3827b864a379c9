package filters

import "daftar/registry"

// groups says who is in groups on the day: directly, in a household, in a group
// inside. The members of all groups that are meant are gathered once, and not for
// each record.
type groups struct {
	key    string                       // whose id is looked for among the members
	of     func(ids, day string) string // the members of groups
	direct string                       // that row m of group_member is theirs
}

func people(ids, day string) string {
	return "select person_id from group_people(" + ids + ", " + day + ")"
}

func households(ids, day string) string {
	return "select household_id from group_households(" + ids + ", " + day + ")"
}

func inner(ids, day string) string {
	return "select m.subgroup_id from groups_inside(" + ids + ", " + day + ") i join group_member m on m.group_id = i.group_id" +
		" where m.subgroup_id is not null and daterange(m.start_date, m.end_date) @> " + day
}

// compare is the SQL of a condition on a membership.
func (g groups) compare(b *builder, kind Kind, c Cond) string {
	which := func(values []string) string {
		where := ""
		switch {
		case values == nil:
		case kind == Group:
			where = " where r.ref = any(" + b.arg(values) + ")"
		default:
			where = " where r.type = any(" + b.arg(values) + ")"
		}
		return g.key + " in (" + g.of("array(select r.id from group_record r"+where+")", b.day()) + ")"
	}
	switch c.Op {
	case Known:
		return which(nil)
	case Unknown:
		return "(" + which(nil) + ") is not true"
	case IsNot:
		return "(" + which(nil) + " and not " + which(c.Values) + ")"
	}
	return which(c.Values)
}

// list is what the groups come to that somebody is directly in.
func (g groups) list(what string) func(*builder) string {
	return func(b *builder) string {
		return "(select " + what + " from group_member m join group_record r on r.id = m.group_id where " + g.direct +
			" and daterange(m.start_date, m.end_date) @> " + b.day() + " and (r.status_date is null or r.status_date > " + b.day() + "))"
	}
}

func memberships(of string, g groups) []Field {
	return []Field{
		{ID: of + ".group", Group: of, Message: "filter.field.group", Kind: Group, Export: true, in: &g, sql: g.list("string_agg(r.ref || ' ' || r.name, '; ' order by r.ref)")},
		{ID: of + ".group_type", Group: of, Message: "filter.field.group_type", Kind: GroupType, Export: true, in: &g, sql: g.list("jsonb_agg(distinct r.type)"),
			Options: messages("group.type.", registry.GroupTypes())},
	}
}

// groupRecord is what groups themselves are found by.
func groupRecord() []Field {
	total := func(of string) func(*builder) string {
		return func(b *builder) string { return "(select count(*) from " + of + "(array[g.id], " + b.day() + "))" }
	}
	return append([]Field{
		registered("group", "g"),
		{ID: "group.type", Group: "group", Message: "group.type", Kind: Choice, Options: messages("group.type.", registry.GroupTypes()), sql: plain("g.type"), Export: true},
		{ID: "group.status", Group: "group", Message: "filter.field.status", Kind: Choice, Options: messages("filter.home_status.", []string{"active", "ended"}), sql: plain("g.status"), Export: true},
		{ID: "group.served", Group: "group", Message: "group.served", Kind: Choice, Options: messages("answer.", []string{"yes", "no"}), sql: plain("case when g.beneficiary then 'yes' else 'no' end"), Export: true},
		{ID: "group.members", Group: "group", Message: "group.list.members", Kind: Number, Export: true, sql: func(b *builder) string {
			return "(select count(*) from group_member m where m.group_id = g.id and daterange(m.start_date, m.end_date) @> " + b.day() + ")"
		}},
		{ID: "group.people", Group: "group", Message: "group.list.people", Kind: Number, Export: true, sql: total("group_people")},
		{ID: "group.households", Group: "group", Message: "group.list.households", Kind: Number, Export: true, sql: total("group_households")},
	}, memberships("group", groups{key: "g.id", of: inner, direct: "m.subgroup_id = g.id"})...)
}
