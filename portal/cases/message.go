package cases

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/intake"
)

// Say adds a message to the office.
func (p Pages) Say(c *web.Ctx) error {
	v, err := load(c)
	if err != nil {
		return err
	}
	form, err := c.Form("message", "photo")
	if fault.Is(err, fault.TooLarge) {
		var check fault.Check
		check.Fail("photo", "document.error.too_large", "Max", web.UploadLimit>>20)
		v.Form.Err = check.Fault()
		return c.RenderStatus(web.Status(fault.Invalid), casePage(v))
	}
	if err != nil {
		return err
	}
	v.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(casePage(v))
	}
	var check fault.Check
	message := form.Required(&check, "message", 2000, "message.error.missing")
	var photos []cases.Evidence
	if _, sent := form.File("photo"); sent {
		photo, err := filing.Photo(c, p.Blobs, form, "photo", cases.EvidenceMessage)
		if err := check.Merge(err); err != nil {
			return err
		}
		if photo != nil {
			photos = append(photos, *photo)
		}
	}
	if v.Form.Err = check.Fault(); v.Form.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), casePage(v))
	}
	if err := c.WithTx(func(tx db.Tx) error {
		return cases.Say(tx, intake.Actor(c, false), v.Case.Ref, message, c.Printer().Tag, photos)
	}); err != nil {
		return err
	}
	return c.Redirect(c.URL("/cases/" + v.Case.Ref))
}
