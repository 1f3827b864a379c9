// Package credentials is carrying proof in a wallet: one's credentials, and
// offers for new ones.
package credentials

import (
	"daftar/db"
	"daftar/fault"
	"daftar/registry/credentials"
	"daftar/web"
)

// Pages are the pages of this journey.
type Pages struct {
	Codes     credentials.Codes
	IssuerURL string
}

// available is a type that somebody can or cannot get now.
type available struct {
	Type     credentials.Type
	Entitled bool
}

// List shows what was issued, and what can be.
func (pg Pages) List(c *web.Ctx) error {
	person := c.Principal().Person
	if person == nil {
		return c.Render(listPage(nil, nil))
	}
	var issued []credentials.Credential
	var types []available
	err := c.View(func(tx db.Tx) (err error) {
		if issued, err = credentials.Of(tx, *person); err != nil {
			return err
		}
		for _, t := range credentials.Types() {
			_, err := credentials.Data(tx, t, *person, nil)
			if err != nil && !fault.Is(err, fault.Conflict) {
				return err
			}
			types = append(types, available{Type: t, Entitled: err == nil})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.Render(listPage(issued, types))
}
