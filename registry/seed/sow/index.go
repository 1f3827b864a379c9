package sow

import (
	"context"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5"
)

// few is how many people a registry may hold that is filled without the indexes
// which cost most: who looks for somebody meanwhile reads all of them.
const few = 5000

// heavy are the tables with those indexes; find_index in 00013_dedup.sql makes them.
var heavy = []string{"person_search", "dedup_record"}

// unindex drops the indexes that cost most, where there are few people and nobody
// is in the way.
func unindex(ctx context.Context, owner string) (dropped bool, err error) {
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var people int
	if err := conn.QueryRow(ctx, `select count(*) from (select from person_search limit $1) p`, few+1).Scan(&people); err != nil || people > few {
		return false, err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, `set local lock_timeout = '3s'; drop index if exists person_search_terms, dedup_record_keys`); err != nil {
		return false, nil //nolint:nilerr // somebody reads: it is filled with the indexes, then
	}
	return true, tx.Commit(ctx)
}

// index makes the indexes that are missing, at once.
func index(ctx context.Context, owner string) error {
	errs := make([]error, len(heavy))
	var work sync.WaitGroup
	for i, table := range heavy {
		work.Go(func() {
			conn, err := pgx.Connect(ctx, owner)
			if err != nil {
				errs[i] = err
				return
			}
			defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
			if _, errs[i] = conn.Exec(ctx, `set maintenance_work_mem = '512MB'`); errs[i] == nil {
				_, errs[i] = conn.Exec(ctx, `select find_index($1)`, table)
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}
