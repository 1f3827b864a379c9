package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"daftar/db"
	"daftar/db/localpg"
	"daftar/registry/audit"
	"daftar/registry/audit/seal"
)

// audits measures what the audit log costs: durable inserts and updates with an
// entry in the same transaction, while the sealer runs, beside the same without
// an entry; and how fast the whole log is verified.
func (b *bench) audits() error {
	s := b.system
	if err := s.makeTemplate(); err != nil {
		return err
	}
	const workers = 8
	const bare = "the same transactions without an entry"
	inserts := b.metric("audited inserts, sealing included", "/s", bare)
	updates := b.metric("audited updates, sealing included", "/s", bare)
	sealing := b.metric("  sealing", "entries/s", "")
	verifying := b.metric("  verifying the log", "entries/s", "")
	size := b.metric("  log written per entry", "bytes", "")
	for range b.plan.pairs {
		_, err := b.fresh(func(d *db.DB) error {
			if err := s.admin(freshDatabase, `create table bench_row (id uuid primary key, n integer not null, note text not null)`,
				`grant select, insert, update on bench_row to `+db.Staff.Login()); err != nil {
				return err
			}
			_, key, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				return err
			}
			keys := seal.Keys{Signing: []crypto.Signer{key}}
			sealer := seal.New(seal.Config{DB: d, Origin: "bench/audit", Keys: func() (seal.Keys, error) { return keys, nil }}, nil)
			if err := errors.Join(b.fill(d), sealer.Pass(b.ctx)); err != nil { // of the demo's own entries
				return err
			}
			for _, kind := range []struct {
				m  *metric
				do func(db.Tx, int) (db.ID, error)
			}{{inserts, insertRow}, {updates, updateRow}} {
				plain, err := b.writes(d, workers, kind.do, nil)
				if err != nil {
					return err
				}
				audited, err := b.writes(d, workers, kind.do, sealer)
				if err != nil {
					return err
				}
				kind.m.add(audited, plain)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return b.bulk(sealing, verifying, size)
}

// rows are what the updates change.
const rows = 5000

func rowID(i int) (id db.ID) { return db.ID{1, 14: byte(i >> 8), 15: byte(i)} }

func insertRow(tx db.Tx, i int) (db.ID, error) {
	id := tx.NewID()
	return id, tx.Exec(`insert into bench_row (id, n, note) values ($1, $2, 'What somebody wrote down about it')`, id, i)
}

func updateRow(tx db.Tx, i int) (db.ID, error) {
	id := rowID(i % rows)
	return id, tx.Exec(`update bench_row set n = $2 where id = $1`, id, i)
}

// fill makes the rows for the updates.
func (b *bench) fill(d *db.DB) error {
	return d.WithTx(b.ctx, db.Principal{Role: db.Staff}, func(tx db.Tx) error {
		for i := range rows {
			if err := tx.Exec(`insert into bench_row (id, n, note) values ($1, 0, 'What somebody wrote down about it')`, rowID(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// writes runs transactions for a while and returns how many there were in a
// second. With a sealer each has its entry, and the time until all of them are
// sealed counts.
func (b *bench) writes(d *db.DB, workers int, do func(db.Tx, int) (db.ID, error), sealer *seal.Sealer) (float64, error) {
	who := db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1}, Session: db.ID{2}, Client: db.ClientComputer}
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	var sealing sync.WaitGroup
	var failed error
	if sealer != nil {
		sealing.Go(func() {
			for ctx.Err() == nil {
				if err := sealer.Pass(ctx); err != nil && ctx.Err() == nil {
					failed = err
				}
				select {
				case <-ctx.Done():
				case <-time.After(seal.Every):
				}
			}
		})
	}
	start := time.Now()
	done, err := load(b.ctx, workers, 0, 2*b.plan.pageTime, func(_, i int) error {
		return d.WithTx(b.ctx, who, func(tx db.Tx) error {
			id, err := do(tx, i)
			if err != nil || sealer == nil {
				return err
			}
			return audit.Write(tx, audit.Event{Action: "case.edited", SubjectKind: "case", Subject: id, Case: id, Detail: map[string]any{"page": "q/rooms"}})
		})
	})
	stop()
	sealing.Wait()
	if err == nil && sealer != nil {
		err = sealer.Pass(b.ctx)
	}
	if err == nil {
		err = failed
	}
	return float64(len(done.times)) / time.Since(start).Seconds(), err
}

// bulk seals and verifies a log of many entries, written at once.
func (b *bench) bulk(sealing, verifying, size *metric) error {
	n := b.plan.people * 5
	_, err := b.fresh(func(d *db.DB) error {
		if err := b.system.admin(freshDatabase, fmt.Sprintf(`
			insert into audit_event (id, at, actor_kind, actor, session, client, action, subject_kind, subject, purpose, basis, detail)
			select gen_random_uuid(), now() + i * interval '1 ms', 'staff', gen_random_uuid(), gen_random_uuid(), 'computer', 'person.read', 'person', gen_random_uuid(),
			       'casework', 'public_task', '{"n": 1}' from generate_series(1, %d) i`, n), `analyze audit_event`); err != nil {
			return err
		}
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		keys := seal.Keys{Signing: []crypto.Signer{key}}
		sealer := seal.New(seal.Config{DB: d, Origin: "bench/audit", Keys: func() (seal.Keys, error) { return keys, nil }}, nil)
		start := time.Now()
		if err := sealer.Pass(b.ctx); err != nil {
			return err
		}
		sealing.values = append(sealing.values, float64(n)/time.Since(start).Seconds())
		if err := b.system.admin(freshDatabase, `vacuum analyze audit_event`, `vacuum analyze audit_leaf`); err != nil {
			return err
		}
		trust, err := keys.Trust("bench/audit\n")
		if err != nil {
			return err
		}
		start = time.Now()
		report, err := seal.Verify(func(fn func(db.Tx) error) error {
			return d.View(b.ctx, db.Principal{Role: db.Jobs, Kind: "job"}, fn)
		}, trust, nil, nil)
		if err != nil {
			return err
		}
		if len(report.Problems) > 0 || report.Size < int64(n) {
			return fmt.Errorf("the log does not verify: %+v", report)
		}
		verifying.values = append(verifying.values, float64(n)/time.Since(start).Seconds())
		conn, err := b.system.as(localpg.Superuser, freshDatabase)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.Background()) }()
		var bytes float64
		if err := conn.QueryRow(b.ctx, `
			select sum(pg_total_relation_size(c.oid))::float8 from pg_class c
			where c.relname like 'audit\_event%' and c.relkind = 'r' or c.relname in ('audit_leaf', 'audit_node')`).Scan(&bytes); err != nil {
			return err
		}
		size.values = append(size.values, bytes/float64(n))
		return nil
	})
	return err
}
