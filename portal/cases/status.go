package cases

import (
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/ui"
)

// StatusForm asks for the reference and the code on a receipt: nobody needs an
// account to see where their case stands.
func StatusForm(c *web.Ctx) error { return c.Render(statusPage(&ui.Form{}, nil)) }

// Status shows a case's state to whoever has its receipt.
func Status(codes cases.Codes) web.Handler {
	return func(c *web.Ctx) error {
		form, err := c.Form("ref", "code")
		if err != nil {
			return err
		}
		state := &ui.Form{Values: form.Values()}
		if form.Switching() {
			return c.Render(statusPage(state, nil))
		}
		var check fault.Check
		ref := form.Required(&check, "ref", 30, "status.error.ref")
		code := form.Required(&check, "code", 30, "status.error.code")
		if state.Err = check.Fault(); state.Err == nil {
			s, err := cases.StatusByCode(c.Context(), c.DB(), c.Who(), codes, ref, code)
			switch fault.CodeOf(err) {
			case "":
				return c.Render(statusPage(state, &s))
			case fault.NotFound:
				check.Fail("ref", "status.error.unknown")
			case fault.TooMany:
				check.Fail("ref", "status.error.too_many")
			default:
				return err
			}
			state.Err = check.Fault()
		}
		return c.RenderStatus(web.Status(fault.Invalid), statusPage(state, nil))
	}
}
