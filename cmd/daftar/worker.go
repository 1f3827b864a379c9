package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/areas"
	"daftar/registry/cases"
	"daftar/registry/fields"
	"daftar/registry/jobs"
	"daftar/registry/programmes"
)

// assessWorker decides programmes for a household that changed.
type assessWorker struct {
	river.WorkerDefaults[jobs.AssessHousehold]
	db *db.DB
}

// Work runs one job.
func (w *assessWorker) Work(ctx context.Context, job *river.Job[jobs.AssessHousehold]) error {
	return w.db.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		return programmes.Assess(tx, job.Args.Household)
	})
}

// recomputeWorker brings calculated values up to date.
type recomputeWorker struct {
	river.WorkerDefaults[jobs.RecomputeFields]
	db *db.DB
}

// Work runs one job.
func (w *recomputeWorker) Work(ctx context.Context, _ *river.Job[jobs.RecomputeFields]) error {
	return fields.Recompute(ctx, w.db, db.Principal{Role: db.Jobs, Kind: "job"})
}

// Timeout leaves time for a whole registry; what is done stays done.
func (w *recomputeWorker) Timeout(*river.Job[jobs.RecomputeFields]) time.Duration { return time.Hour }

// areasWorker makes an approved change of areas true.
type areasWorker struct {
	river.WorkerDefaults[jobs.ApplyAreas]
	db *db.DB
}

// Work runs one job. A change that no longer fits is marked so and not tried
// again.
func (w *areasWorker) Work(ctx context.Context, job *river.Job[jobs.ApplyAreas]) error {
	err := areas.Apply(ctx, w.db, job.Args.Change)
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// contestWorker opens and closes the office's tasks about contested numbers.
type contestWorker struct {
	river.WorkerDefaults[jobs.ContestedIdentifier]
	db *db.DB
}

// Work runs one job.
func (w *contestWorker) Work(ctx context.Context, job *river.Job[jobs.ContestedIdentifier]) error {
	return w.db.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		return registry.SettleContests(tx, job.Args.Person)
	})
}

// settleWorker lets cases about one event go one way.
type settleWorker struct {
	river.WorkerDefaults[jobs.SettleCase]
	db *db.DB
}

// Work runs one job.
func (w *settleWorker) Work(ctx context.Context, job *river.Job[jobs.SettleCase]) error {
	return cases.Settle(ctx, w.db, job.Args.Case)
}

// renewWorker makes stale proposals anew.
type renewWorker struct {
	river.WorkerDefaults[jobs.RenewCase]
	db *db.DB
}

// Work runs one job.
func (w *renewWorker) Work(ctx context.Context, job *river.Job[jobs.RenewCase]) error {
	return cases.Renew(ctx, w.db, job.Args.Case)
}

// forgetEvery is how often what is over is deleted.
const forgetEvery = 10 * time.Minute

// work runs the worker until ctx ends: jobs, the outbox, and the cleaning.
func work(ctx context.Context, s *store, log *slog.Logger) error {
	pool, err := pgxpool.New(ctx, s.roleURL(db.Jobs))
	if err != nil {
		return err
	}
	defer pool.Close()
	workers := river.NewWorkers()
	river.AddWorker(workers, &assessWorker{db: s.db})
	river.AddWorker(workers, &recomputeWorker{db: s.db})
	river.AddWorker(workers, &areasWorker{db: s.db})
	river.AddWorker(workers, &contestWorker{db: s.db})
	river.AddWorker(workers, &settleWorker{db: s.db})
	river.AddWorker(workers, &renewWorker{db: s.db})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: db.RiverSchema, Workers: workers, Logger: log, JobTimeout: time.Minute,
		RescueStuckJobsAfter: 2 * time.Minute, // one whose program was killed; a decision cannot wait for an hour
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
	})
	if err != nil {
		return err
	}
	// Not under ctx: when that ends, Stop lets jobs under way finish and gives up
	// what the client holds, while the database is still there.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(forgetEvery):
			}
			if err := forget(ctx, s.db); err != nil {
				log.Warn("forgetting", "error", err.Error())
			}
			if err := followAreas(ctx, s.db); err != nil {
				log.Warn("following areas", "error", err.Error())
			}
			if err := cases.Sweep(ctx, s.db); err != nil {
				log.Warn("the clocks of cases", "error", err.Error())
			}
		}
	}()
	db.DrainOutbox(ctx, pool, func(ctx context.Context, tx pgx.Tx, asked []db.Asked) error {
		params := make([]river.InsertManyParams, len(asked))
		for i, a := range asked {
			args, err := jobFor(a)
			if err != nil {
				return err
			}
			params[i].Args = args
		}
		_, err := client.InsertManyTx(ctx, tx, params)
		return err
	}, func(err error) { log.Warn("outbox", "error", err.Error()) })
	end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := client.Stop(end); err == nil {
		return nil
	}
	return client.StopAndCancel(context.WithoutCancel(ctx)) // a job that takes longer is taken up again at the next start
}

func forget(ctx context.Context, d *db.DB) error {
	return d.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		_, err := tx.Forget()
		return err
	})
}

// followAreas moves records that came late into an area that had ended.
func followAreas(ctx context.Context, d *db.DB) error {
	return d.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		_, err := areas.Follow(tx)
		return err
	})
}

// jobFor makes the job of a kind. The database lets nobody ask for another.
func jobFor(a db.Asked) (river.JobArgs, error) {
	switch a.Kind {
	case jobs.KindAssessHousehold:
		return jobs.AssessHousehold{Household: a.Ref, Version: a.Version}, nil
	case jobs.KindRecomputeFields:
		return jobs.RecomputeFields{Reason: a.Ref}, nil
	case jobs.KindApplyAreas:
		return jobs.ApplyAreas{Change: a.Ref}, nil
	case jobs.KindSettleCase:
		return jobs.SettleCase{Case: a.Ref}, nil
	case jobs.KindRenewCase:
		return jobs.RenewCase{Case: a.Ref, Version: a.Version}, nil
	case jobs.KindContestedIdentifier:
		return jobs.ContestedIdentifier{Person: a.Ref, Version: a.Version}, nil
	}
	raw, _ := json.Marshal(a.Kind)
	return nil, fmt.Errorf("no worker for jobs of kind %s", raw)
}
