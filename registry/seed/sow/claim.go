package sow

import (
	"encoding/json"
	"errors"
	"fmt"

	"daftar/db"
	"daftar/fault"
)

// Made is what a country in the database was made of.
type Made struct {
	Seed       uint64  `json:"seed"`
	Households int     `json:"households"`
	Duplicates float64 `json:"duplicates"`
}

// Why a country is not written.
var (
	ErrNotEmpty = errors.New("the registry holds other records")
	ErrOther    = errors.New("another country of the same seed is there")
)

// Claim notes that a country is about to be written. A registry that holds
// records which no seed made is left alone, unless mixed says that they may
// stand together; and one seed makes one country in a database.
func Claim(tx db.Tx, m Made, mixed bool) error {
	key := fmt.Sprintf("seed.%d", m.Seed)
	var raw []byte
	switch err := tx.Get(&raw, `select value from setting where key = $1`, key); {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return err
	default:
		var there Made
		if err := json.Unmarshal(raw, &there); err != nil {
			return err
		}
		if there != m {
			return ErrOther
		}
		return nil
	}
	if !mixed {
		var records bool
		if err := tx.Get(&records, `
			select exists (select from household) and not exists (select from setting where key like 'seed.%')`); err != nil {
			return err
		}
		if records {
			return ErrNotEmpty
		}
	}
	value, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return tx.Exec(`insert into setting (key, value, updated_at) values ($1, $2, $3)`, key, string(value), tx.Now())
}
