// Package apply starts an application for registration; the pages themselves
// are in web/intake.
package apply

import (
	"errors"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/web"
	"daftar/web/intake"
)

// Before says what will be asked and what to have at hand. Whoever has an
// application under way is led to it.
func Before(c *web.Ctx) error {
	if c.Principal().Person != nil {
		return c.Render(registeredPage())
	}
	var mine []cases.Case
	if err := c.View(func(tx db.Tx) (err error) {
		mine, err = cases.Mine(tx, intake.Actor(c, false))
		return err
	}); err != nil {
		return err
	}
	for _, k := range mine {
		switch {
		case k.Kind != "registration":
		case k.State == cases.StateDraft:
			return c.Redirect(c.URL("/apply/" + k.Ref))
		case k.State.Open():
			return c.Redirect(c.URL("/cases/" + k.Ref))
		}
	}
	return c.Render(beforePage())
}

// Start opens an application, or goes back to the one that is open.
func Start(c *web.Ctx) error {
	if _, err := c.Form(); err != nil {
		return err
	}
	var ref string
	err := c.WithTx(func(tx db.Tx) error {
		claims, err := auth.ClaimsOf(tx, c.Principal().ID)
		if err != nil {
			return err
		}
		ref, err = cases.Start(tx, cases.Actor{ID: c.Principal().ID}, cases.Applicant{
			FullName: claims.Name, FullNameLatin: claims.NameLatin, BirthDate: claims.BirthDate,
			Sex: claims.Sex, NationalID: claims.NationalID,
		}, c.Printer().Tag)
		return err
	})
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Conflict {
		return c.Redirect(c.URL("/record")) // in the registry already
	}
	if err != nil {
		return err
	}
	return c.Redirect(c.URL("/apply/" + ref))
}
