package record

import (
	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/quarantine"
	"daftar/web"
)

// Photos shows photos that are answers of one's own record.
type Photos struct{ Blobs *blob.Dir }

// Photo is one of them: one's own, or the dwelling's (RULES R4).
func (p Photos) Photo(c *web.Ctx) error {
	person := c.Principal().Person
	if person == nil {
		return fault.Hidden()
	}
	var file registry.File
	err := c.View(func(tx db.Tx) error {
		all, err := registry.LoadFields(tx)
		if err != nil {
			return err
		}
		me, _, err := registry.CurrentPerson(tx, *person)
		if err != nil {
			return err
		}
		file, _, err = registry.FileIn(tx, all.Of(registry.KindPerson), c.Param("photo"), me.Fields)
		if err == nil {
			return harmless(tx, file)
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		id, err := registry.HouseholdOf(tx, *person)
		if err != nil {
			return err
		}
		home, _, err := registry.CurrentHousehold(tx, id)
		if err != nil {
			return err
		}
		if file, _, err = registry.FileIn(tx, all.Of(registry.KindHousehold), c.Param("photo"), home.Fields); err != nil {
			return err
		}
		return harmless(tx, file)
	})
	if err != nil {
		return err
	}
	return c.SendPhoto(p.Blobs.Get, file.Blob, file.MediaType)
}

// harmless hides a file that was found to be harmful.
func harmless(tx db.Tx, file registry.File) error {
	state, err := quarantine.StateOf(tx, file.Blob)
	if err == nil && state == quarantine.Infected {
		return fault.Hidden()
	}
	return err
}
