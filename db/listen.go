package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Listen calls wake at once and after every notification of a channel, until
// ctx ends. Every so often it wakes all the same, in case a notification was
// missed; while the database is away it tries again. wake's errors go to
// failed.
func (d *DB) Listen(ctx context.Context, role Role, channel string, every time.Duration, wake func(context.Context) error, failed func(error)) {
	for ctx.Err() == nil {
		if err := d.listen(ctx, role, channel, every, wake); err != nil && ctx.Err() == nil {
			failed(err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (d *DB) listen(ctx context.Context, role Role, channel string, every time.Duration, wake func(context.Context) error) error {
	conn, err := d.pools[role].Connx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(c any) error {
		raw := c.(*stdlib.Conn).Conn()
		defer func() { _ = raw.Close(context.Background()) }() // it listens: nobody else may get it
		if _, err := raw.Exec(ctx, "listen "+pgx.Identifier{channel}.Sanitize()); err != nil {
			return err
		}
		for {
			if err := wake(ctx); err != nil {
				return fmt.Errorf("after a notification of %s: %w", channel, err)
			}
			wait, cancel := context.WithTimeout(ctx, every)
			_, err := raw.WaitForNotification(wait)
			timeout := wait.Err() != nil && ctx.Err() == nil
			cancel()
			if err != nil && !timeout {
				return err
			}
		}
	})
}
