package main

import (
	"context"
	"encoding/json"

	"daftar/db"
	"daftar/registry/audit"
)

// Commands that make addresses use those of the issuer that was served last:
// whether it was http or https, only "serve" knows.
const servedIssuer = "served_issuer" // of setting

func (s *store) noteIssuer(ctx context.Context, origin string) error {
	value, err := json.Marshal(origin)
	if err != nil {
		return err
	}
	return s.db.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		var same bool
		if err := tx.Get(&same, `select exists (select from setting where key = $1 and value = $2)`, servedIssuer, string(value)); err != nil || same {
			return err
		}
		if err := tx.Exec(`
			insert into setting (key, value, updated_at) values ($1, $2, $3)
			on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at`, servedIssuer, string(value), tx.Now()); err != nil {
			return err
		}
		return audit.Write(tx, audit.Event{Action: "issuer.set", Detail: map[string]any{"issuer": origin}})
	})
}

// issuerOrigin is the credential issuer identifier for a command.
func (s *store) issuerOrigin(ctx context.Context, c *Config) (string, error) {
	if err := c.checkOrigins(true); err != nil || c.IssuerURL != "" {
		return c.origin(c.IssuerURL, portIssuer, false), err
	}
	var served []string
	err := s.db.View(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		return tx.Select(&served, `select value #>> '{}' from setting where key = $1`, servedIssuer)
	})
	if len(served) == 1 {
		return served[0], err
	}
	return c.origin("", portIssuer, false), err
}
