package imports

import (
	"encoding/json"

	"daftar/auth"
	"daftar/db"
	"daftar/registry"
	"daftar/registry/dedup"
	"daftar/registry/importer"
	"daftar/web"
)

// alike is who of a batch may be in the registry already, as far as it is this
// officer's business.
type alike struct {
	known     bool // whether it was found out yet
	total     int
	pairs     []dedup.Pair
	elsewhere int
}

// loadAlike reads it and logs whom it shows.
func loadAlike(c *web.Ctx, tx db.Tx, b importer.Batch) (alike, error) {
	found, known, err := importer.AlikeOf(tx, b)
	a := alike{known: known, total: found.Total}
	if err != nil || found.Total == 0 {
		return a, err
	}
	var pairs []dedup.Pair
	if err := json.Unmarshal(found.Pairs, &pairs); err != nil {
		return a, err
	}
	r := registry.Reader{Areas: c.Areas(), Protected: c.Principal().Areas(auth.PersonProtected)}
	if a.pairs, a.elsewhere, err = dedup.Visible(tx, r, pairs); err != nil {
		return a, err
	}
	return a, dedup.Shown(tx, a.pairs, db.ID{})
}

// Alike lists them.
func (Pages) Alike(c *web.Ctx) error {
	b, err := load(c)
	if err != nil {
		return err
	}
	var a alike
	if err := c.WithTx(func(tx db.Tx) (err error) { a, err = loadAlike(c, tx, b); return err }); err != nil {
		return err
	}
	link := func(ref string) string {
		if !c.Principal().May(auth.PersonRead) {
			return ""
		}
		return "/people/" + ref
	}
	return c.Render(alikePage(b, a, link))
}
