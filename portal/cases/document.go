package cases

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
	"daftar/web/ui"
)

// DocumentForm asks for a document that was not at hand before.
func (p Pages) DocumentForm(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	if !v.Case.State.Open() || len(v.Story.Kind.Proof) == 0 {
		return c.Redirect(c.URL("/cases/" + v.Case.Ref))
	}
	return c.Render(documentPage(v, &ui.Form{Values: map[string][]string{"kind": {v.Story.Kind.Proof[0].Code}}}))
}

// Document adds it.
func (p Pages) Document(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("photo", "kind")
	if fault.Is(err, fault.TooLarge) {
		var check fault.Check
		check.Fail("photo", "document.error.too_large", "Max", web.UploadLimit>>20)
		return c.RenderStatus(web.Status(fault.Invalid), documentPage(v, &ui.Form{Err: check.Fault()}))
	}
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(documentPage(v, state))
	}
	var check fault.Check
	var codes []string
	for _, p := range v.Story.Kind.Proof {
		codes = append(codes, p.Code)
	}
	kind := form.Choice(&check, "kind", codes, "field.error.choice")
	photo, err := filing.Photo(c, p.Blobs, form, "photo", kind)
	if err := check.Merge(err); err != nil {
		return err
	}
	if state.Err = check.Fault(); state.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), documentPage(v, state))
	}
	if err := c.WithTx(func(tx db.Tx) error { return cases.AddDocument(tx, intake.Actor(c, false), v.Case.Ref, *photo) }); err != nil {
		return err
	}
	return c.Redirect(c.URL("/cases/" + v.Case.Ref))
}
