// Package seed makes up a country: areas, households, people and what happened
// to them, the same for the same seed. It needs no database; the package sow
// below it writes what it makes into one.
//
// Everything is a function of the seed and a household's number, so that a part
// of a country can be made without the rest.
package seed

import (
	"errors"
	"iter"
	"time"

	"daftar/registry"
)

// Config says which country to make.
type Config struct {
	Seed       uint64
	Households int
	Duplicates float64   // share of people who are in the country twice, 0 to 0.3
	Country    string    // code of the country and beginning of its areas' codes; "MJ" when empty
	Day        time.Time // the day of registration; the first day of 2026 when zero
}

// Country is a country that can be looked into.
type Country struct {
	cfg      Config
	day      time.Time
	areas    []Area
	leaves   []int // of areas
	settled  table // over leaves
	cultures map[Script]*culture
}

// New prepares a country. No person is made yet.
func New(cfg Config) (*Country, error) {
	if cfg.Country == "" {
		cfg.Country = "MJ"
	}
	if cfg.Day.IsZero() {
		cfg.Day = registry.Date(2026, time.January, 1)
	}
	switch {
	case cfg.Households < 1 || cfg.Households > maxHouseholds:
		return nil, errors.New("a country has 1 to 15,000,000 households")
	case cfg.Duplicates < 0 || cfg.Duplicates > 0.3:
		return nil, errors.New("the share of duplicates is 0 to 0.3")
	}
	c := &Country{cfg: cfg, day: cfg.Day, cultures: map[Script]*culture{}}
	for _, s := range Scripts() {
		var err error
		if c.cultures[s], err = loadCulture(s); err != nil {
			return nil, err
		}
	}
	c.settle()
	return c, nil
}

const maxHouseholds = 15_000_000 // numbers of identifiers do not meet up to here

// Config is what the country was made of.
func (c *Country) Config() Config { return c.cfg }

// Areas lists the areas, each after the one it lies in.
func (c *Country) Areas() []Area { return c.areas }

// All makes every household in order, with its number.
func (c *Country) All() iter.Seq2[int, Household] {
	return func(yield func(int, Household) bool) {
		for i := range c.cfg.Households {
			if !yield(i, c.Household(i)) {
				return
			}
		}
	}
}
