package record

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
	"daftar/web"
	"daftar/web/ui"
)

// Looks tells who of the staff looked at one's record, found it in a search or
// took it along in a file: their role, when, and what for.
func Looks(c *web.Ctx) error {
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	var looks []audit.Look
	err := c.View(func(tx db.Tx) (err error) {
		looks, err = audit.Looks(tx, *person, 200)
		return err
	})
	if err != nil {
		return err
	}
	p := c.Printer()
	known := func(prefix, code, otherwise string) string {
		if code != "" && p.Has(prefix+code) {
			return p.T(prefix + code)
		}
		return p.T(otherwise)
	}
	var rows [][]ui.Cell
	for _, l := range looks {
		rows = append(rows, []ui.Cell{{Text: p.Time(l.At)}, {Text: known("looks.", l.Action, "looks.person.read")},
			{Text: known("purpose.", l.Purpose, "looks.no_purpose")}, {Text: known("role.", l.Role, "looks.office")}})
	}
	return c.Render(looksPage(rows))
}
