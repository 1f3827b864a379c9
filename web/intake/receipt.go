package intake

import (
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
	return c.Render(receiptPage(v))
}

// receiptPDF is the receipt as a file.
func (s Site) receiptPDF(c *web.Ctx) error {
	v, err := s.open(c)
	if err != nil {
		return err
	}
	if v.c.State == cases.StateDraft {
		return c.Redirect(c.URL(v.at("")))
	}
	return c.PDF("receipt-"+v.c.Ref, receiptPage(v))
}
