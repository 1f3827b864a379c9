package people

import (
	"github.com/a-h/templ"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/amend"
	"daftar/web"
	"daftar/web/ui"
)

// NewGroupForm asks what a group is, to propose it.
func NewGroupForm(c *web.Ctx) error {
	pv, err := newGroup(c)
	if err != nil {
		return err
	}
	pv.Form.Values["base"] = []string{"0"}
	return c.Render(partPage(pv))
}

func newGroup(c *web.Ctx) (partView, error) {
	v := proposal{Kind: registry.KindGroup, Title: c.Printer().T("part.new_group"), Form: &ui.Form{Values: map[string][]string{}}}
	return part{Key: "new_group", Reason: "registered", Inputs: aboutGroup, Apply: describe}.view(c, &v)
}

// NewGroup takes the proposal. The group lies where the officer may propose.
func NewGroup(c *web.Ctx) error {
	pv, err := newGroup(c)
	if err != nil {
		return err
	}
	return send(c, registry.KindGroup, pv.Form, pv.Part.names(), func() templ.Component { return partPage(pv) }, func(tx db.Tx, f *web.Form) (amend.Draft, error) {
		next := pv.proposal
		next.Group.Ref = registry.NewRef(registry.RefGroup, tx.Rand())
		e := &edit{c: c, tx: tx, p: c.Printer(), form: f, v: &next}
		d, err := pv.Part.read(e)
		if err != nil {
			return d, err
		}
		var within bool
		if err := tx.Get(&within, `
			select exists (select from area a where a.id = $1 and array[a.l0, a.l1, a.l2, a.l3, a.l4, a.l5] && $2::uuid[])`,
			next.Group.AreaID, registry.Texts(c.Areas())); err != nil {
			return d, err
		}
		if !within {
			e.check.Fail("area", "propose.error.area")
		}
		d.Item.BaseVersion, d.Item.Subject = 0, tx.NewID()
		return d, e.check.Err()
	})
}
