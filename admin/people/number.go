package people

import (
	"strconv"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// numbers are those of a person, of which one can be shown whole.
type numbers struct {
	Ref   string
	Form  *ui.Form
	Shown *registry.Identifier // as it is; nil while it is asked for

	list  []registry.Identifier
	types []registry.IdentifierType
}

// NumberForm asks which number has to be seen whole, and what for.
func NumberForm(c *web.Ctx) error {
	code, ok, err := why(c, registry.KindPerson)
	if err != nil || !ok {
		return err
	}
	v := numbers{Form: &ui.Form{Values: map[string][]string{"purpose": {code}}}}
	if err := c.WithTx(func(tx db.Tx) error { return v.read(tx, c, code) }); err != nil {
		return err
	}
	return c.Render(numberPage(v))
}

// ShowNumber shows it. It is in the log before it leaves, with what it was for, and
// the answer is the only page that has it: nothing of it is in an address.
func ShowNumber(c *web.Ctx) error {
	form, err := c.Form("number", "purpose")
	if err != nil {
		return err
	}
	v := numbers{Form: &ui.Form{Values: form.Values()}}
	err = c.WithTx(func(tx db.Tx) error {
		var check fault.Check
		code := form.Choice(&check, "purpose", auth.Purposes(), "purpose.error")
		id, err := registry.FindRecord(tx, reader(c), registry.KindPerson, c.Param("ref"))
		if err != nil {
			return err
		}
		if err := v.load(tx, c, id); err != nil {
			return err
		}
		picked := form.Choice(&check, "number", v.codes(), "number.error")
		if v.Form.Err = check.Fault(); v.Form.Err != nil || form.Switching() {
			return v.read(tx, c, "check") // the others are on the form, masked
		}
		for i, code := range v.codes() {
			if code == picked {
				v.Shown = &v.list[i]
			}
		}
		return audit.Write(tx, audit.Event{Action: "identifier.read", SubjectKind: registry.KindPerson, Subject: id, Purpose: code,
			Detail: map[string]any{"type": v.Shown.Type}})
	})
	if err != nil {
		return err
	}
	if v.Form.Err != nil && !form.Switching() {
		return c.RenderStatus(web.Status(fault.Invalid), numberPage(v))
	}
	return c.Render(numberPage(v))
}

// read is load, and logs the reading.
func (v *numbers) read(tx db.Tx, c *web.Ctx, purpose string) error {
	id, err := registry.ReadRecord(tx, reader(c), registry.KindPerson, c.Param("ref"), purpose)
	if err != nil {
		return err
	}
	return v.load(tx, c, id)
}

func (v *numbers) load(tx db.Tx, c *web.Ctx, id db.ID) (err error) {
	v.Ref, _ = registry.ParseRef(registry.RefPerson, c.Param("ref"))
	if v.types, err = registry.IdentifierTypes(tx); err != nil {
		return err
	}
	v.list, err = registry.Identifiers(tx, id)
	return err
}

// codes are the values of the choice: the kind and the place in the list, never the
// number.
func (v numbers) codes() (list []string) {
	for i, n := range v.list {
		list = append(list, n.Type+"."+strconv.Itoa(i))
	}
	return list
}

func (v numbers) choices(p *i18n.Printer) (list []ui.Choice) {
	for i, code := range v.codes() {
		n := v.list[i]
		list = append(list, ui.Choice{Value: code, Label: p.List([]string{show.IdentifierName(p, v.types, n.Type), show.Masked(n.Value)}), Hint: p.T("identifier.status." + n.Status)})
	}
	return list
}

func (v numbers) shown(p *i18n.Printer) []ui.Row {
	row := ui.Row{Key: show.IdentifierName(p, v.types, v.Shown.Type), Value: v.Shown.Value, LTR: true, Lines: []string{p.T("identifier.status." + v.Shown.Status)}}
	if v.Shown.Issuer != "" {
		row.Lines = append(row.Lines, v.Shown.Issuer)
	}
	return []ui.Row{row}
}
