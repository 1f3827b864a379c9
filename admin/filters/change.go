package filters

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/filters"
	"daftar/web"
	"daftar/web/ui"
)

// own loads a filter that the officer may change, with the fields for it.
func own(c *web.Ctx) (f filters.Filter, cat filters.Catalogue, err error) {
	err = c.View(func(tx db.Tx) error {
		if f, err = filters.Own(tx, officer(c), c.Param("ref")); err != nil {
			return err
		}
		cat, err = catalogue(c, tx, f.Subject)
		return err
	})
	return f, cat, err
}

func save(c *web.Ctx, f filters.Filter) error {
	if err := c.WithTx(func(tx db.Tx) error { return filters.Save(tx, officer(c), f) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/filters/" + f.Ref))
}

// AddForm asks for the field first, and then for the comparison.
func AddForm(c *web.Ctx) error {
	f, cat, err := own(c)
	if err != nil {
		return err
	}
	key := c.Query("field")
	if key == "" {
		return c.Render(fieldPage(f, fieldChoices(c.Printer(), cat)))
	}
	field, ok := cat.Get(key)
	if !ok {
		return fault.Hidden()
	}
	return c.Render(comparePage(f, field, &ui.Form{Action: "/filters/" + f.Ref + "/add", Values: map[string][]string{"field": {key}, "op": {string(field.Kind.Ops()[0])}}}))
}

func fieldChoices(p *i18n.Printer, cat filters.Catalogue) []ui.Choice {
	var list []ui.Choice
	for _, f := range cat.Fields {
		list = append(list, ui.Choice{Value: f.ID, Label: p.T("filter.field_of", "Group", p.T("filter.group."+f.Group), "Field", f.Name(p))})
	}
	return list
}

// Add adds a condition.
func Add(c *web.Ctx) error {
	f, cat, err := own(c)
	if err != nil {
		return err
	}
	form, err := c.Form("field", "op", "value", "day", "month", "year")
	if err != nil {
		return err
	}
	field, ok := cat.Get(form.Get("field"))
	if !ok {
		return fault.Hidden()
	}
	state := &ui.Form{Action: "/filters/" + f.Ref + "/add", Values: form.Values()}
	if form.Switching() {
		return c.Render(comparePage(f, field, state))
	}
	cond := filters.Cond{Field: field.ID, Op: filters.Op(form.Get("op"))}
	if cond.Op.NeedsValue() {
		for _, v := range form.All("value") {
			if v = strings.TrimSpace(v); v != "" {
				if field.Kind != filters.Text && field.Kind != filters.Place {
					v = i18n.LatinDigits(v)
				}
				cond.Values = append(cond.Values, v)
			}
		}
	}
	if field.Kind == filters.Place && cond.Op.NeedsValue() && len(cond.Values) > 0 {
		if cond.Values, err = meant(c, cond.Values[0]); err != nil {
			state.Err = asFault(err)
			if state.Err == nil {
				return err
			}
			return c.RenderStatus(web.Status(state.Err.Code), comparePage(f, field, state))
		}
	}
	err = cat.CheckCond(cond)
	if len(cond.Values) == 1 && field.Kind == filters.Group {
		err = one(c, &cond)
	}
	conds, match, nested := f.Expr.Conds()
	if err == nil && !nested {
		f.Expr = filters.Of(match, append(conds, cond))
		err = cat.Check(f.Expr)
	}
	if e := (*fault.Error)(nil); errors.As(err, &e) && e.Code == fault.Invalid {
		state.Err = e
		return c.RenderStatus(web.Status(e.Code), comparePage(f, field, state))
	}
	if err != nil {
		return err
	}
	return save(c, f)
}

// one makes the reference of a group what it is in the database. One that is not
// the officer's business is not there.
func one(c *web.Ctx, cond *filters.Cond) error {
	ref, _ := registry.ParseRef(registry.RefGroup, cond.Values[0])
	err := c.View(func(tx db.Tx) error {
		_, err := registry.FindRecord(tx, registry.Reader{Areas: c.Areas()}, registry.KindGroup, ref)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		var check fault.Check
		check.Fail("value", "filter.error.value.group")
		return check.Err()
	}
	cond.Values[0] = ref
	return err
}

// meant is the P-code of the area that somebody means with a name or a code.
func meant(c *web.Ctx, typed string) ([]string, error) {
	var check fault.Check
	var codes []string
	err := c.View(func(tx db.Tx) error {
		list, err := registry.FindPlaces(tx, typed, 5)
		for _, a := range list {
			codes = append(codes, a.Code)
		}
		if len(list) > 1 {
			var names []string
			for _, a := range list {
				names = append(names, a.Name.In(c.Printer())+" "+a.Code)
			}
			check.Fail("value", "areas.error.which", "Areas", strings.Join(names, " · "))
		}
		return err
	})
	if err == nil && len(codes) == 0 {
		check.Fail("value", "areas.error.no_such")
	}
	if err != nil {
		return nil, err
	}
	return codes, check.Err()
}

// asFault is an error that the form shows; nil for any other.
func asFault(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Invalid {
		return f
	}
	return nil
}

// Change takes a condition away, or says whether all or any must be met.
func Change(c *web.Ctx) error {
	f, _, err := own(c)
	if err != nil {
		return err
	}
	form, err := c.Form("remove", "match")
	if err != nil {
		return err
	}
	conds, match, nested := f.Expr.Conds()
	if nested {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	if n, err := strconv.Atoi(form.Get("remove")); err == nil && n >= 0 && n < len(conds) {
		conds = slices.Delete(conds, n, n+1)
	}
	if m := form.Get("match"); m == "all" || m == "any" {
		match = m
	}
	f.Expr = filters.Of(match, conds)
	return save(c, f)
}

// Share lets a role use the filter, or takes that back.
func Share(c *web.Ctx) error {
	f, _, err := own(c)
	if err != nil {
		return err
	}
	form, err := c.Form("role")
	if err != nil {
		return err
	}
	role := form.Get("role")
	if role != "" && !slices.Contains(auth.RolesThat(auth.PersonSearch), role) {
		return fault.New(fault.Malformed, "error.malformed")
	}
	if err := c.WithTx(func(tx db.Tx) error { return filters.Share(tx, officer(c), f, role) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/filters/" + f.Ref))
}

// RemoveForm asks whether the filter may go.
func RemoveForm(c *web.Ctx) error {
	f, _, err := own(c)
	if err != nil {
		return err
	}
	return c.Render(removePage(f))
}

// Remove takes the filter away.
func Remove(c *web.Ctx) error {
	f, _, err := own(c)
	if err != nil {
		return err
	}
	if _, err := c.Form(); err != nil {
		return err
	}
	if err := c.WithTx(func(tx db.Tx) error { return filters.Remove(tx, officer(c), f) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/filters"))
}
