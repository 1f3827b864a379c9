package intake

import (
	"daftar/db"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/cases"
	"daftar/web"
)

// receipt is what somebody takes home: the reference, the status code, the day
// of the answer. It can be printed again.
func (s Site) receipt(c *web.Ctx) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	if v.c.State == cases.StateDraft {
		return c.Redirect(c.URL(v.at("")))
	}
	var receipts []audit.Receipt
	if err := c.View(func(tx db.Tx) (err error) {
		if receipts, err = audit.Receipts(tx, v.c.ID); err != nil {
			return err
		}
		v.office, _, err = registry.OfficeOfCase(tx, v.c.OpenedBy, v.c.Area)
		return err
	}); err != nil {
		return err
	}
	return c.Render(receiptPage(v, receipts))
}
