package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"daftar/db"
	"daftar/registry/dedup"
)

type duplicatesCmd struct {
	Check duplicatesCheck `cmd:"" help:"Compare everybody who was not compared yet with everybody."`
}

type duplicatesCheck struct {
	All bool `help:"Compare everybody again."`
}

// Run counts which names are common and compares people until nobody is left.
// What an earlier, stopped run compared is not compared again.
func (cmd duplicatesCheck) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	who := db.Principal{Role: db.Jobs, Kind: "job"}
	var waiting int
	if err := s.db.WithTx(ctx, who, func(tx db.Tx) error {
		if err := dedup.Weigh(tx); err != nil {
			return err
		}
		if cmd.All {
			if err := dedup.Again(tx); err != nil {
				return err
			}
		}
		return tx.Get(&waiting, `select count(*) from dedup_todo`)
	}); err != nil {
		return err
	}
	start := time.Now()
	var checked atomic.Int64
	err = dedup.CheckRest(ctx, s.db, who, 2, func(n int) {
		done := checked.Add(int64(n))
		if onTerminal() {
			fmt.Fprintf(os.Stderr, "\r%d of %d people, %.0f people/s ", done, waiting, float64(done)/time.Since(start).Seconds())
		}
	})
	clearProgress()
	if ctx.Err() != nil {
		return fmt.Errorf("stopped after %d people; the same command goes on from there", checked.Load())
	}
	if err != nil {
		return err
	}
	var open int
	err = s.db.View(ctx, who, func(tx db.Tx) error { return tx.Get(&open, `select count(*) from duplicate_pair where state = 'open'`) })
	fmt.Printf("compared %d people in %.1f s; %d pairs wait for a decision\n", checked.Load(), time.Since(start).Seconds(), open)
	return err
}
