package cases

import (
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/filing"
	"daftar/web/ui"
)

// thread is what the holder of a receipt sees.
type thread struct {
	cases.Thread
	Story  filing.Story
	Now    time.Time
	Events []ui.Happening
	Ref    string // as typed, to be sent again with a message
	Code   string
	Form   *ui.Form
}

// StatusForm asks for the reference and the code on a receipt: nobody needs an
// account to see where their case stands, and to write to the office.
func StatusForm(c *web.Ctx) error { return c.Render(statusPage(&ui.Form{})) }

// Status shows a case to whoever has its receipt.
func (p Pages) Status(c *web.Ctx) error {
	form, err := c.Form("ref", "code")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	if form.Switching() {
		return c.Render(statusPage(state))
	}
	t, err := p.thread(c, form, state)
	if err != nil || state.Err != nil {
		return wrong(c, state, err)
	}
	return c.Render(threadPage(t))
}

// wrong shows the form again with what is wrong with it.
func wrong(c *web.Ctx, state *ui.Form, err error) error {
	if err != nil {
		return err
	}
	return c.RenderStatus(web.Status(fault.Invalid), statusPage(state))
}

// thread reads the case of a receipt; what is wrong with it stands in state.
func (p Pages) thread(c *web.Ctx, form *web.Form, state *ui.Form) (thread, error) {
	var check fault.Check
	t := thread{Form: &ui.Form{Action: "/status/message"}}
	t.Ref = form.Required(&check, "ref", 30, "status.error.ref")
	t.Code = form.Required(&check, "code", 30, "status.error.code")
	if state.Err = check.Fault(); state.Err != nil {
		return t, nil
	}
	found, err := cases.ThreadByCode(c.Context(), c.DB(), c.Principal().DB(auth.Portal), p.Codes, t.Ref, t.Code)
	switch fault.CodeOf(err) {
	case "":
	case fault.NotFound:
		check.Fail("ref", "status.error.unknown")
	case fault.TooMany:
		check.Fail("ref", "status.error.too_many")
	default:
		return t, err
	}
	if state.Err = check.Fault(); state.Err != nil {
		return t, nil
	}
	t.Thread = found
	t.Now = c.Now()
	if !t.Open {
		return t, nil
	}
	return t, c.View(func(tx db.Tx) (err error) {
		if t.Story, err = filing.StoryOf(c, tx, t.Case); err != nil {
			return err
		}
		for _, e := range found.Events {
			delete(e.Facts, "pages") // their names name people
			t.Events = append(t.Events, t.Story.Happening(c.Printer(), e, false))
		}
		return nil
	})
}

// SayByCode adds a message of whoever has the receipt. The code comes with it:
// nothing is kept in the browser.
func (p Pages) SayByCode(c *web.Ctx) error {
	form, err := c.Form("ref", "code", "message", "photo")
	if err != nil {
		return err
	}
	state := &ui.Form{Values: form.Values()}
	t, err := p.thread(c, form, state)
	if err != nil || state.Err != nil {
		return wrong(c, state, err)
	}
	t.Form.Values = form.Values()
	if form.Switching() {
		return c.Render(threadPage(t))
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
	if t.Form.Err = check.Fault(); t.Form.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), threadPage(t))
	}
	if err := cases.SayByCode(c.Context(), c.DB(), c.Principal().DB(auth.Portal), p.Codes, t.Ref, t.Code, message, c.Printer().Tag, photos); err != nil {
		return err
	}
	delete(t.Form.Values, "message")
	if t, err = p.thread(c, form, state); err != nil || state.Err != nil {
		return wrong(c, state, err)
	}
	return c.Render(threadPage(t))
}
