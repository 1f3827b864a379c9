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
	v, receipts, err := s.received(c)
	if err != nil {
		return err
	}
	if v.c.State == cases.StateDraft {
		return c.Redirect(c.URL(v.at("")))
	}
	return c.Render(receiptPage(v, receipts))
}

func (s Site) received(c *web.Ctx) (v *visit, receipts []audit.Receipt, err error) {
	if v, err = s.open(c); err != nil || v.c.State == cases.StateDraft {
		return v, nil, err
	}
	err = c.View(func(tx db.Tx) (err error) {
		if receipts, err = audit.Receipts(tx, v.c.ID); err != nil {
			return err
		}
		v.office, _, err = registry.OfficeOfCase(tx, v.c.OpenedBy, v.c.Area)
		return err
	})
	return v, receipts, err
}

// receiptPDF is the receipt as a file.
func (s Site) receiptPDF(c *web.Ctx) error {
	v, receipts, err := s.received(c)
	if err != nil {
		return err
	}
	if v.c.State == cases.StateDraft {
		return c.Redirect(c.URL(v.at("")))
	}
	return c.PDF("receipt-"+v.c.Ref, receiptPage(v, receipts))
}
