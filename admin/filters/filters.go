// Package filters builds filters page by page, without a script: one condition
// at a time, the people found below.
package filters

import (
	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/filters"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"

	"daftar/admin/purpose"
	"daftar/admin/search"
)

func officer(c *web.Ctx) filters.Officer {
	return filters.Officer{ID: c.Principal().ID, Areas: c.Areas(), Roles: c.Principal().Roles()}
}

// catalogue is the fields that this officer may filter on.
func catalogue(c *web.Ctx, tx db.Tx, subject filters.Subject) (filters.Catalogue, error) {
	return filters.LoadCatalogue(tx, subject, c.Principal().Roles())
}

// List lists the officer's filters and those shared with their roles.
func List(c *web.Ctx) error {
	var list []filters.Filter
	err := c.View(func(tx db.Tx) (err error) {
		list, err = filters.Mine(tx, officer(c))
		return err
	})
	if err != nil {
		return err
	}
	p := c.Printer()
	var rows [][]ui.Cell
	for _, f := range list {
		whose := p.T("filter.yours")
		if f.Owner != c.Principal().ID {
			whose = f.OwnerName
		}
		shared := ""
		if f.Shared != "" {
			shared = p.T("role." + f.Shared)
		}
		rows = append(rows, []ui.Cell{{Text: f.Name, Path: "/filters/" + f.Ref}, {Text: p.T("filter.subject." + string(f.Subject))}, {Text: whose}, {Text: shared}, {Text: p.Date(f.ChangedAt)}})
	}
	return c.Render(listPage(rows))
}

// NewForm asks for a name, whom to list and where.
func NewForm(c *web.Ctx) error {
	return start(c, 200, &ui.Form{Values: map[string][]string{"subject": {c.Query("subject")}}})
}

func start(c *web.Ctx, status int, form *ui.Form) error {
	var areas []ui.Choice
	err := c.View(func(tx db.Tx) (err error) {
		areas, err = search.Areas(tx, c.Printer(), c.Areas())
		return err
	})
	if err != nil {
		return err
	}
	return c.RenderStatus(status, newPage(form, areas))
}

// New starts a filter.
func New(c *web.Ctx) error {
	form, err := c.Form("name", "subject", "area")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return start(c, 200, state)
	}
	var check fault.Check
	name := form.Required(&check, "name", 80, "filter.error.name")
	subject := form.Choice(&check, "subject", []string{string(filters.People), string(filters.Households), string(filters.Groups)}, "filter.error.subject")
	if err := check.Err(); err != nil {
		state.Err = web.AsFault(err)
		return start(c, web.Status(fault.Invalid), state)
	}
	var f filters.Filter
	err = c.WithTx(func(tx db.Tx) (err error) {
		f, err = filters.Create(tx, officer(c), name, filters.Subject(subject), form.Get("area"))
		return err
	})
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/filters/" + f.Ref))
}

// view is a filter with what it finds.
type view struct {
	Filter      filters.Filter
	Conditions  []condition
	Match       string
	Mine        bool
	Area        string
	Count       int
	Rows        [][]ui.Cell
	First, Next string
	Share       *ui.Form
	Roles       []ui.Choice
	Export      bool
	names       map[string]string // of areas and groups in conditions
}

type condition struct{ Text string }

// Show is a filter: its conditions, how many it finds, and a page of them.
func Show(c *web.Ctx) error {
	var v view
	var cat filters.Catalogue
	err := c.View(func(tx db.Tx) (err error) {
		if v.Filter, err = filters.Load(tx, officer(c), c.Param("ref")); err != nil {
			return err
		}
		if cat, err = catalogue(c, tx, v.Filter.Subject); err != nil {
			return err
		}
		if err := cat.Check(v.Filter.Expr); err != nil {
			return fault.New(fault.Forbidden, "filter.error.field")
		}
		if v.names, err = named(c, tx, cat, v.Filter.Expr); err != nil {
			return err
		}
		if v.Filter.Area != "" {
			a, err := registry.AreaByCode(tx, v.Filter.Area)
			v.Area = a.Name.In(c.Printer())
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	code, ok, err := purpose.Of(c)
	if err != nil || !ok {
		return err
	}
	var found []filters.Row
	after := c.Query("after")
	if err := c.WithTx(func(tx db.Tx) (err error) {
		conds, _, _ := v.Filter.Expr.Conds()
		if err = cat.Name(tx, conds); err != nil {
			return err
		}
		if v.Count, err = filters.Count(tx, officer(c), cat, v.Filter); err != nil {
			return err
		}
		found, v.Next, err = filters.List(tx, officer(c), cat, v.Filter, code, after)
		return err
	}); err != nil {
		return err
	}
	v.describe(c, cat)
	v.Rows = rows(c, v.Filter.Subject, found)
	base := "/filters/" + v.Filter.Ref
	if after != "" {
		v.First = base
	}
	if v.Next != "" {
		v.Next = base + "?after=" + v.Next
	}
	return c.Render(showPage(v))
}

func (v *view) describe(c *web.Ctx, cat filters.Catalogue) {
	p := c.Printer()
	conds, match, _ := v.Filter.Expr.Conds()
	v.Match = match
	for _, cond := range conds {
		v.Conditions = append(v.Conditions, condition{Text: say(p, cat, cond, v.names)})
	}
	v.Mine = v.Filter.Owner == c.Principal().ID
	v.Export = c.Principal().May(auth.PersonExport)
	if v.Mine && c.Principal().May(auth.FilterShare) {
		v.Share = &ui.Form{Action: "/filters/" + v.Filter.Ref + "/share", Values: map[string][]string{"role": {v.Filter.Shared}}}
		for _, role := range auth.RolesThat(auth.FilterUse) {
			v.Roles = append(v.Roles, ui.Choice{Value: role, Label: p.T("role." + role)})
		}
	}
}

// named are the names of the groups that conditions are about, as far as
// they are the officer's business.
func named(c *web.Ctx, tx db.Tx, cat filters.Catalogue, e filters.Expr) (map[string]string, error) {
	names := map[string]string{}
	conds, _, _ := e.Conds()
	for _, cond := range conds {
		f, _ := cat.Get(cond.Field)
		for _, v := range cond.Values {
			switch f.Kind {
			case filters.Group:
				id, err := registry.FindRecord(tx, registry.Reader{Areas: c.Areas()}, registry.KindGroup, v)
				if fault.Is(err, fault.NotFound) {
					continue
				}
				if err != nil {
					return nil, err
				}
				g, err := registry.LoadGroup(tx, id)
				if err != nil {
					return nil, err
				}
				names[v] = g.Name
			}
		}
	}
	return names, nil
}

// say is a condition in words.
func say(p *i18n.Printer, cat filters.Catalogue, cond filters.Cond, names map[string]string) string {
	f, _ := cat.Get(cond.Field)
	var values []string
	for _, v := range cond.Values {
		if name := names[v]; name != "" {
			v = p.List([]string{name, v})
		} else {
			v = value(p, f, v)
		}
		values = append(values, v)
	}
	op := p.T(f.Op(cond.Op))
	if !cond.Op.NeedsValue() {
		return p.T("filter.condition", "Field", f.Name(p), "Comparison", op)
	}
	return p.T("filter.condition_value", "Field", f.Name(p), "Comparison", op, "Value", p.List(values))
}

func value(p *i18n.Printer, f filters.Field, v string) string {
	for _, o := range f.Options {
		if o.Code == v {
			return o.Name(p)
		}
	}
	return v
}

func rows(c *web.Ctx, subject filters.Subject, found []filters.Row) [][]ui.Cell {
	p := c.Printer()
	var out [][]ui.Cell
	for _, r := range found {
		area := r.AreaName.In(p)
		if r.Protected {
			area = p.T("search.protected")
		}
		name := ui.Cell{Text: show.Name(p, r.Name)}
		if subject == filters.Groups {
			status := p.T("filter.home_status." + registry.Active)
			if r.Status != registry.Active {
				status = p.T("outcome.ended")
			}
			out = append(out, []ui.Cell{name, {Text: r.Ref, Path: search.Record(c, r.Ref), LTR: true}, {Text: p.T("group.type." + r.Type)}, {Text: area}, {Text: status},
				{Text: p.Number(r.Members)}, {Text: p.Number(r.People)}, {Text: p.Number(r.Totals.Households)}})
			continue
		}
		if subject == filters.Households {
			out = append(out, []ui.Cell{name, {Text: r.Ref, Path: search.Record(c, r.Ref), LTR: true}, {Text: p.Number(r.Members)}, {Text: area}})
			continue
		}
		years := func() (from, to int) {
			if !r.BirthFrom.Valid {
				return 0, 0
			}
			return r.BirthFrom.Time.Year(), r.BirthTo.Time.Year()
		}
		out = append(out, []ui.Cell{name, {Text: r.Ref, Path: search.Record(c, r.Ref), LTR: true}, {Text: p.T("sex." + r.Sex)}, {Text: search.Years(p, years)}, {Text: area}})
	}
	return out
}
