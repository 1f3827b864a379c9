package cases

import (
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

// StatusForm asks for the reference and the code on a receipt: nobody needs an
// account to see where their case stands.
func StatusForm(c *web.Ctx) error { return c.Render(statusPage(&ui.Form{})) }

// Status shows a case's state to whoever has its receipt.
func Status(codes cases.Codes) web.Handler {
	return func(c *web.Ctx) error {
		form, err := c.Form("ref", "code")
		if err != nil {
			return err
		}
		state := &ui.Form{Values: form.Values()}
		if form.Switching() {
			return c.Render(statusPage(state))
		}
		var check fault.Check
		ref := form.Required(&check, "ref", 30, "status.error.ref")
		code := form.Required(&check, "code", 30, "status.error.code")
		if state.Err = check.Fault(); state.Err == nil {
			s, err := cases.StatusByCode(c.Context(), c.DB(), c.Who(), codes, ref, code)
			switch fault.CodeOf(err) {
			case "":
				return c.Render(standingPage(s.Case, told(c.Printer(), s)))
			case fault.NotFound:
				check.Fail("ref", "status.error.unknown")
			case fault.TooMany:
				check.Fail("ref", "status.error.too_many")
			default:
				return err
			}
			state.Err = check.Fault()
		}
		return c.RenderStatus(web.Status(fault.Invalid), statusPage(state))
	}
}

// told is what happened in a case, for whoever holds its receipt: which answers
// were asked about stays out of it, because that names people.
func told(p *i18n.Printer, s cases.Status) []ui.Happening {
	var list []ui.Happening
	for _, e := range s.Events {
		delete(e.Facts, "pages")
		list = append(list, intake.Happening(p, s.Case, cases.Form{}, e, false))
	}
	return list
}
