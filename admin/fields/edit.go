package fields

import (
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/fields"
	"daftar/registry/programmes"
	"daftar/web"
	"daftar/web/ui"
)

// view is one definition with its versions, newest first.
type view struct {
	Versions  []fields.Definition
	All       registry.Fields // published, and new rosters
	Languages []i18n.Locale
	Printers  map[string]*i18n.Printer
	Forms     []programmes.Programme // that can ask questions of their own
	Columns   []fields.Definition    // of a roster, the newest version of each
}

func (v view) newest() fields.Definition { return v.Versions[0] }

// current is the version in use; false when there is none.
func (v view) current() (fields.Definition, bool) {
	i := slices.IndexFunc(v.Versions, func(d fields.Definition) bool { return d.PublishedAt.Valid })
	if i < 0 || v.Versions[i].RetiredAt.Valid {
		return fields.Definition{}, false
	}
	return v.Versions[i], true
}

func load(c *web.Ctx) (view, error) {
	v := view{Languages: languages(c), Printers: map[string]*i18n.Printer{}}
	for _, l := range v.Languages {
		v.Printers[l.Tag] = c.PrinterOf(l.Tag)
	}
	err := c.View(func(tx db.Tx) (err error) {
		if v.Versions, err = fields.History(tx, key(c)); err != nil {
			return err
		}
		if len(v.Versions) == 0 {
			return fault.Hidden()
		}
		if v.All, err = fields.WithNewRosters(tx); err != nil {
			return err
		}
		if v.newest().Type == registry.TypeRoster {
			if v.Columns, err = fields.ColumnsOf(tx, v.newest().Field); err != nil {
				return err
			}
		}
		v.Forms, err = programmes.Active(tx)
		return err
	})
	return v, err
}

// Show is one definition: as it is in use, its draft, its versions.
func Show(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(showPage(v, &ui.Form{}))
}

// EditForm shows the draft, or the version in use as the start of one.
func EditForm(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	return c.Render(editPage(v, v.newest().Field, &ui.Form{Values: values(v.newest().Field, v.Languages)}))
}

// Edit stores the draft.
func Edit(c *web.Ctx) error {
	v, f, form, err := typed(c)
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	var check fault.Check
	f = read(f, form, v.Languages, &check)
	if form.Switching() {
		return c.Render(editPage(v, f, state))
	}
	if f.Subject == fields.SubjectApplication && f.Form != "" && !slices.ContainsFunc(v.Forms, func(p programmes.Programme) bool { return p.Code == f.Form }) {
		check.Fail("form", "field.error.choice")
	}
	for _, wrong := range problems(fields.Check(f, v.All, tags(v.Languages))) {
		if !check.Failed(wrong.Name) {
			check.Add(wrong)
		}
	}
	err = check.Err()
	if err == nil {
		err = c.WithTx(func(tx db.Tx) error { _, err := fields.Store(tx, f); return err })
	}
	if invalid(err, state) {
		return c.RenderStatus(web.Status(fault.Invalid), editPage(v, f, state))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL(path(f)))
}

// Preview draws what is typed, in each language, without storing it.
func Preview(c *web.Ctx) error {
	v, f, form, err := typed(c)
	if err != nil {
		return err
	}
	return c.Render(previews(v, read(f, form, v.Languages, &fault.Check{})))
}

func typed(c *web.Ctx) (view, registry.Field, *web.Form, error) {
	v, err := load(c)
	if err != nil {
		return v, registry.Field{}, nil, err
	}
	f := v.newest().Field
	form, err := c.Form(inputs(f, v.Languages)...)
	return v, f, form, err
}

// Publish puts the draft into use.
func Publish(c *web.Ctx) error {
	return act(c, "draft", func(tx db.Tx, id db.ID) error {
		_, err := fields.Publish(tx, id, tags(languages(c)))
		return err
	})
}

// Discard deletes the draft.
func Discard(c *web.Ctx) error { return act(c, "draft", fields.Discard) }

// Retire takes the version in use out of the forms.
func Retire(c *web.Ctx) error { return act(c, "published", fields.Retire) }

// act does something to the newest version that is in a state.
func act(c *web.Ctx, state string, do func(db.Tx, db.ID) error) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	v, err := load(c)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(v.Versions, func(d fields.Definition) bool { return d.State() == state })
	if i < 0 {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	shown := &ui.Form{}
	err = c.WithTx(func(tx db.Tx) error { return do(tx, v.Versions[i].ID) })
	if invalid(err, shown) {
		return c.RenderStatus(web.Status(shown.Err.Code), showPage(v, shown))
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/fields"))
}
