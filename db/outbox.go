package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Asked is a job that a transaction asked for.
type Asked struct {
	Kind    string
	Ref     ID
	Version int
}

// DrainOutbox moves what transactions asked for into the job queue until ctx
// ends: insert puts a batch into river in the transaction that takes it out of
// the outbox, so that nothing is lost and nothing runs that was rolled back.
func DrainOutbox(ctx context.Context, pool *pgxpool.Pool, insert func(context.Context, pgx.Tx, []Asked) error, failed func(error)) {
	for ctx.Err() == nil {
		if err := drain(ctx, pool, insert); err != nil && ctx.Err() == nil {
			failed(err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second): // the database is away
			}
		}
	}
}

// drain empties the outbox and waits to be told of more, on one connection.
func drain(ctx context.Context, pool *pgxpool.Pool, insert func(context.Context, pgx.Tx, []Asked) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `listen daftar_outbox`); err != nil {
		return err
	}
	for {
		n, err := moveBatch(ctx, conn.Conn(), insert)
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		// Notifications wake at once; the timeout covers one that was missed.
		wait, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err = conn.Conn().WaitForNotification(wait)
		cancel()
		if err != nil && (ctx.Err() != nil || wait.Err() == nil) {
			return err
		}
	}
}

const outboxBatch = 200

func moveBatch(ctx context.Context, conn *pgx.Conn, insert func(context.Context, pgx.Tx, []Asked) error) (n int, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Beside db.WithTx, for river's own transaction: row security wants to be told.
		if _, err := tx.Exec(ctx, `select set_config('daftar.kind', 'job', true)`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			delete from outbox where id in (select id from outbox order by created_at limit $1 for update skip locked)
			returning kind, ref, version`, outboxBatch)
		if err != nil {
			return err
		}
		asked, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Asked])
		if err != nil || len(asked) == 0 {
			return err
		}
		n = len(asked)
		return insert(ctx, tx, asked)
	})
	return n, err
}
