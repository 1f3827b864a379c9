package filters

import (
	"net/url"

	"daftar/auth"
	"daftar/db"
	"daftar/registry"
	"daftar/registry/filters"
	"daftar/web"
	"daftar/web/ui"

	"daftar/admin/purpose"
	"daftar/admin/search"
)

// groupList is the list of groups: a filter that is not kept.
type groupList struct {
	Form                 *ui.Form
	Types, Areas, States []ui.Choice
	Count                int
	Rows                 [][]ui.Cell
	First, Next          string
	MayPropose           bool
	MayFilter            bool
}

// GroupList lists the groups in the officer's areas, by type, place and status.
// By name they are found in the search: what was typed does not belong into an
// address.
func GroupList(c *web.Ctx) error {
	code, ok, err := purpose.Of(c)
	if err != nil || !ok {
		return err
	}
	p := c.Printer()
	v := groupList{Form: &ui.Form{Values: map[string][]string{}}, MayPropose: c.Principal().May(auth.ChangePropose), MayFilter: c.Principal().May(auth.FilterUse)}
	for _, t := range registry.GroupTypes() {
		v.Types = append(v.Types, ui.Choice{Value: t, Label: p.T("group.type." + t)})
	}
	for _, s := range []string{"active", "ended"} {
		v.States = append(v.States, ui.Choice{Value: s, Label: p.T("filter.home_status." + s)})
	}
	f, query := filters.Filter{Subject: filters.Groups}, url.Values{}
	among := func(name string, choices []ui.Choice) (chosen string) {
		for _, choice := range choices {
			if choice.Value == c.Query(name) {
				chosen = choice.Value
				v.Form.Values[name] = []string{chosen}
				query.Set(name, chosen)
			}
		}
		return chosen
	}
	var found []filters.Row
	after := c.Query("after")
	if err := c.WithTx(func(tx db.Tx) (err error) {
		if v.Areas, err = search.Areas(tx, p, c.Areas()); err != nil {
			return err
		}
		f.Area = among("area", v.Areas)
		states := []string{"active", "ended"}
		if s := among("status", v.States); s != "" {
			states = []string{s}
		}
		conds := []filters.Cond{{Field: "group.status", Op: filters.Is, Values: states}}
		if t := among("type", v.Types); t != "" {
			conds = append(conds, filters.Cond{Field: "group.type", Op: filters.Is, Values: []string{t}})
		}
		f.Expr = filters.Of("all", conds)
		cat := filters.NewCatalogue(filters.Groups, nil, nil, nil, c.Principal().Roles())
		if v.Count, err = filters.Count(tx, officer(c), cat, f); err != nil {
			return err
		}
		found, v.Next, err = filters.List(tx, officer(c), cat, f, code, after)
		return err
	}); err != nil {
		return err
	}
	v.Rows = rows(c, filters.Groups, found)
	if after != "" {
		v.First = "/groups?" + query.Encode()
	}
	if v.Next != "" {
		query.Set("after", v.Next)
		v.Next = "/groups?" + query.Encode()
	}
	return c.Render(groupsPage(v))
}
