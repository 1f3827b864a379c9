package people

import (
	"daftar/db"
	"daftar/registry"
	"daftar/registry/history"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// Group is one group's record with what is in it, and how many that makes, each
// counted once.
func Group(c *web.Ctx) error {
	return open(c, registry.KindGroup, func(tx db.Tx, v *view, told show.Record, id db.ID) error {
		p := c.Printer()
		data, err := history.Group(tx, id, v.At.At)
		if err != nil {
			return err
		}
		v.Ref, v.Title = data.Ref, data.Name
		if data.Status != "" && data.Status != registry.Active {
			v.Status = p.T("outcome.ended")
		}
		where := ""
		if data.AreaID != nil {
			if where, err = place(tx, p, *data.AreaID); err != nil {
				return err
			}
		}
		v.Rows = told.Group(data, where)
		if err := v.numbers(tx, told, id, data.Identifiers); err != nil {
			return err
		}
		if !v.At.Past() {
			totals, err := registry.TotalsOf(tx, []db.ID{id}, registry.Today(tx.Now(), p.Zone))
			if err != nil {
				return err
			}
			v.Totals = &totals
		}
		members, err := registry.GroupMembers(tx, id)
		if err != nil {
			return err
		}
		refs := map[db.ID]registry.GroupMember{}
		for _, m := range members {
			refs[m.MemberID] = m
		}
		var rows [][]ui.Cell
		for _, m := range data.Members {
			member := refs[m.Member()]
			role := m.Role
			if role == "" {
				role = "member"
			}
			rows = append(rows, []ui.Cell{
				{Text: member.Ref, Path: map[string]string{"person": "/people/", "household": "/households/", "group": "/groups/"}[member.Kind] + member.Ref, LTR: true},
				{Text: member.Name}, {Text: p.T("group.role." + role)}, {Text: show.Span(p, m.StartDate, m.EndDate)},
			})
		}
		v.add(p, "group.members", []string{"group.member_reference", "group.name", "record.role", "record.when"}, rows)
		if err := v.groups(tx, p, id); err != nil {
			return err
		}
		return v.life(tx, told, id, show.Reader{Place: true})
	})
}
