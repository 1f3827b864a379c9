package record

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/web"
	"daftar/web/show"
	"daftar/web/ui"
)

// Child is the record of a child, for a guardian, until the child is of age
// (RULES R4). Where the child lives or lived is not on it: that may be the other
// parent's home.
func Child(c *web.Ctx) error {
	person := c.Principal().Person
	ref, ok := registry.ParseRef(registry.RefPerson, c.Param("ref"))
	if person == nil || !ok {
		return fault.Hidden()
	}
	p := c.Printer()
	var rows []ui.Row
	var name string
	err := c.View(func(tx db.Tx) error {
		wards, err := registry.Wards(tx, *person, registry.Today(tx.Now(), p.Zone))
		if err != nil {
			return err
		}
		for _, w := range wards {
			if w.Ref != ref {
				continue
			}
			told, err := show.LoadRecord(tx, p, w.ID, tx.Now())
			if err != nil {
				return err
			}
			data, _, err := registry.CurrentPerson(tx, w.ID)
			if err != nil {
				return err
			}
			name = show.Name(p, data.FullName)
			if rows, err = values(tx, told.For(c.Principal().ID), w.ID, data); err == nil {
				rows[0].Key = p.T("record.person_reference")
			}
			return err
		}
		return fault.Hidden()
	})
	if err != nil {
		return err
	}
	return c.Render(childPage(name, rows))
}
