package people

import (
	"daftar/db"
	"daftar/registry"
	"daftar/registry/history"
	"daftar/registry/quarantine"
	"daftar/web"
)

// PersonPhoto is a photo that a person's record holds, or held.
func (p Proposals) PersonPhoto(c *web.Ctx) error { return p.photo(c, registry.KindPerson) }

// HouseholdPhoto is a photo that a household's record holds, or held.
func (p Proposals) HouseholdPhoto(c *web.Ctx) error { return p.photo(c, registry.KindHousehold) }

func (p Proposals) photo(c *web.Ctx, kind string) error {
	var file registry.File
	err := c.WithTx(func(tx db.Tx) error {
		r := reader(c)
		id, err := registry.ReadRecord(tx, r, kind, c.Param("ref"), "record")
		if err != nil {
			return err
		}
		all, err := registry.LoadFields(tx)
		if err != nil {
			return err
		}
		var seen registry.Fields
		for _, f := range all.Of(kind) {
			if f.May("see", r.Roles) {
				seen = append(seen, f)
			}
		}
		versions, err := history.Versions(tx, id, tx.Now())
		if err != nil {
			return err
		}
		var held []registry.Values
		for _, v := range versions {
			var of struct {
				Fields registry.Values `json:"fields"`
			}
			if err := v.Data.Into(&of); err != nil {
				return err
			}
			held = append(held, of.Fields)
		}
		if file, _, err = registry.FileIn(tx, seen, c.Param("photo"), held...); err != nil {
			return err
		}
		return quarantine.Check(tx, file.Blob)
	})
	if err != nil {
		return err
	}
	return c.SendPhoto(p.Blobs.Get, file.Blob, file.MediaType)
}
