// Package letters shows people the letters that were written to them.
package letters

import (
	"daftar/db"
	"daftar/registry/letters"
	"daftar/web"
)

// Show is one's own letter. Opening it, signed in, proves that it arrived.
func Show(c *web.Ctx) error {
	l, err := open(c)
	if err != nil {
		return err
	}
	return c.Render(letterPage(l, c.Principal().Name))
}

// PDF is the letter as a file.
func PDF(c *web.Ctx) error {
	l, err := open(c)
	if err != nil {
		return err
	}
	return c.PDF("letter-"+l.Ref, letterPage(l, c.Principal().Name))
}

func open(c *web.Ctx) (letters.Letter, error) {
	var l letters.Letter
	err := c.WithTx(func(tx db.Tx) (err error) {
		l, err = letters.Open(tx, c.Principal().ID, c.Principal().Person, c.Param("ref"))
		return err
	})
	return l, err
}
