package main

import (
	"context"
	"errors"

	"daftar/auth"
	"daftar/db"
	"daftar/demo"
	"daftar/mockid"
)

// settled makes sure that there is a country to bring records into. A private
// server is there for the demo alone: one that holds nothing yet is filled with
// it. Elsewhere the country's settings come first.
func (s *store) settled(ctx context.Context, c *Config, say func(string, ...any)) error {
	var empty bool
	if err := s.db.View(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		return tx.Get(&empty, `select not exists (select from field_definition) and not exists (select from household)`)
	}); err != nil || !empty {
		return err
	}
	if c.DatabaseURL != "" {
		return errors.New("the registry has no fields yet: bring in the country's settings first (daftar settings import FILE)")
	}
	say("the registry was empty: setting up the demo")
	idp := c.origin("", portMockID, false)
	return demo.Seed(ctx, s.db, map[string]string{
		auth.CitizenProvider: mockid.Issuer(idp, demo.CitizenRealm), auth.StaffProvider: mockid.Issuer(idp, demo.StaffRealm),
	})
}
