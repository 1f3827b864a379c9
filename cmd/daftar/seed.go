package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/demo"
	"daftar/registry/seed"
	"daftar/registry/seed/sow"
)

type seedCmd struct {
	Households   int     `required:"" help:"How many households to make up; a household has some four people."`
	Rand         uint64  `default:"1" help:"Which country: the same number makes the same one."`
	Duplicates   float64 `default:"0" help:"Share of people who are registered twice, 0 to 0.3."`
	Truth        string  `type:"path" placeholder:"FILE" help:"Write which records are of one person, and which only look alike, as CSV."`
	IntoExisting bool    `help:"Add to a registry that holds other records and is no demo."`
}

// Run makes up a country in the registry. What an earlier, stopped run of the
// same command wrote stays, and the rest is added.
func (cmd seedCmd) Run(ctx context.Context, c *Config) error {
	country, err := seed.New(seed.Config{Seed: cmd.Rand, Households: cmd.Households, Duplicates: cmd.Duplicates})
	if err != nil {
		return usageError{err}
	}
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	proposer, approver, err := cmd.hands(ctx, s.db)
	if err != nil {
		return err
	}
	start := time.Now()
	n, err := sow.Country(ctx, s.db, sow.Options{
		Country: country, Proposer: proposer, Approver: approver, Progress: cmd.progress(start),
		Owner: s.migrator, Indexing: cmd.indexing,
	})
	clearProgress()
	if ctx.Err() != nil {
		return fmt.Errorf("stopped after %d households; the same command goes on from there", n.Households+n.Skipped)
	}
	if err != nil {
		return err
	}
	took := time.Since(start)
	if n.Skipped > 0 {
		fmt.Printf("%d households were there already\n", n.Skipped)
	}
	fmt.Printf("made up %d households with %d people, and %d events since, in %.1f s (%.0f people/s)\n",
		n.Households, n.People, n.Events, took.Seconds(), float64(n.People)/took.Seconds())
	if cmd.Duplicates > 0 && n.Households > 0 {
		fmt.Printf("%d people are registered twice\n", n.Twice)
	}
	if err := tidy(ctx, s.migrator); err != nil {
		return err
	}
	if cmd.Truth == "" {
		return nil
	}
	return cmd.truth(ctx, country)
}

// seeder proposes and seedApprover approves outside a demo.
var (
	seeder       = db.ID{0x64, 0x61, 0x66, 0x74, 0x61, 0x72, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 2}
	seedApprover = db.ID{0x64, 0x61, 0x66, 0x74, 0x61, 0x72, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 3}
)

// hands finds who proposes and approves, once the database may be written to.
func (cmd seedCmd) hands(ctx context.Context, d *db.DB) (proposer, approver db.ID, err error) {
	isDemo, err := demo.Is(ctx, d)
	if err != nil {
		return proposer, approver, err
	}
	err = d.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		return sow.Claim(tx, sow.Made{Seed: cmd.Rand, Households: cmd.Households, Duplicates: cmd.Duplicates}, isDemo || cmd.IntoExisting)
	})
	if errors.Is(err, sow.ErrNotEmpty) {
		return proposer, approver, errors.New("the registry holds records already and is no demo. To add made-up people to them nevertheless, use --into-existing")
	}
	if errors.Is(err, sow.ErrOther) {
		return proposer, approver, usageError{fmt.Errorf("a country was made with --rand %d, but other --households or --duplicates. Choose another --rand", cmd.Rand)}
	}
	if err != nil || !isDemo {
		return seeder, seedApprover, err
	}
	who, err := demo.Staff(ctx, d, "dataquality")
	if err != nil {
		return proposer, approver, err
	}
	by, err := demo.Staff(ctx, d, "approver")
	return who.Actor, by.Actor, err
}

// progress shows how far the work is, on a terminal only.
func (cmd seedCmd) progress(start time.Time) func(sow.Counts) {
	if !onTerminal() {
		return nil
	}
	return func(n sow.Counts) {
		fmt.Fprintf(os.Stderr, "\r%d of %d households, %.0f people/s ", n.Households+n.Skipped, cmd.Households,
			float64(n.People)/time.Since(start).Seconds())
	}
}

// indexing says what takes the rest of the time.
func (cmd seedCmd) indexing() {
	if onTerminal() {
		clearProgress()
		fmt.Fprint(os.Stderr, "making the indexes that people are found by ")
	}
}

// tidy brings the tables' statistics and indexes up to date, which would happen
// later by itself: the next search should not have to guess.
func tidy(ctx context.Context, migrator string) error {
	conn, err := pgx.Connect(ctx, migrator)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `vacuum (analyze) area, household, person, membership, identifier, contact, record_version, change_item,
		person_search, household_search, name_word`)
	return err
}

// truth writes the file as a whole, or not at all.
func (cmd seedCmd) truth(ctx context.Context, c *seed.Country) error {
	f, err := os.CreateTemp(filepath.Dir(cmd.Truth), ".truth-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	pairs, err := writeTruth(ctx, c, w)
	if err = errors.Join(err, w.Flush(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), cmd.Truth); err != nil {
		return err
	}
	fmt.Printf("%d pairs are in %s\n", pairs, cmd.Truth)
	return nil
}

func writeTruth(ctx context.Context, c *seed.Country, w *bufio.Writer) (pairs int, err error) {
	t, err := seed.NewTruth(w)
	if err != nil {
		return 0, err
	}
	for _, h := range c.All() {
		if err := errors.Join(ctx.Err(), t.Add(h.Pairs)); err != nil {
			return pairs, err
		}
		pairs += len(h.Pairs)
	}
	return pairs, t.Flush()
}
