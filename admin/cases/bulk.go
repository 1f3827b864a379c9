package cases

import (
	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
	"daftar/web/ui"
)

// bulk is a list of cases to be approved together, looked at before.
type bulk struct {
	Ready []cases.Case
	Unfit []cases.Unfit
}

// BulkForm shows what would be approved, and how many; with one that the officer
// may not decide, nothing would.
func BulkForm(c *web.Ctx) error {
	form, err := c.Form("ref")
	if err != nil {
		return err
	}
	refs := form.All("ref")
	if len(refs) == 0 {
		return c.Redirect(c.URL("/cases?view=" + string(cases.Checked)))
	}
	b, err := look(c, refs)
	if err != nil {
		return err
	}
	return c.Render(bulkPage(b, &ui.Form{Action: "/cases/bulk/approve"}))
}

func look(c *web.Ctx, refs []string) (b bulk, err error) {
	err = c.WithTx(func(tx db.Tx) (err error) {
		b.Ready, b.Unfit, err = cases.Approvable(tx, intake.Actor(c, true), refs)
		return err
	})
	return b, err
}

// Bulk approves them, with one reason for all.
func Bulk(c *web.Ctx) error {
	form, err := c.Form("ref", "reason")
	if err != nil {
		return err
	}
	refs := form.All("ref")
	state := &ui.Form{Action: "/cases/bulk/approve", Values: form.Values()}
	b, err := look(c, refs)
	if err != nil {
		return err
	}
	if form.Switching() {
		return c.Render(bulkPage(b, state))
	}
	var check fault.Check
	reason := form.Required(&check, "reason", maxNote, "bulk.error.reason")
	if state.Err = check.Fault(); state.Err != nil {
		return c.RenderStatus(web.Status(fault.Invalid), bulkPage(b, state))
	}
	if len(b.Unfit) > 0 {
		return c.RenderStatus(web.Status(fault.Forbidden), bulkPage(b, state))
	}
	results, err := cases.ApproveAll(c.Context(), c.DB(), c.Principal().DB(auth.Admin), intake.Actor(c, true), refs, reason, c.Printer().Tag)
	if err != nil {
		return err
	}
	return c.Render(bulkDonePage(results))
}
