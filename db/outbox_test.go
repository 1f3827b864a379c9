package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"daftar/db"
	"daftar/db/dbtest"
)

// What a transaction asked for reaches the queue.
func TestDrainOutbox(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := d.WithTx(t.Context(), db.Principal{Role: db.Staff, Kind: "staff"}, func(tx db.Tx) error { return tx.Enqueue("assess_household", someone, 3) }); err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), d.URL(db.Jobs.Login()))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var got []db.Asked
	db.DrainOutbox(ctx, pool, func(_ context.Context, _ pgx.Tx, asked []db.Asked) error {
		got = asked
		cancel()
		return nil
	}, func(err error) { t.Error(err) })
	if len(got) != 1 || got[0] != (db.Asked{Kind: "assess_household", Ref: someone, Version: 3}) {
		t.Error(got)
	}
}
