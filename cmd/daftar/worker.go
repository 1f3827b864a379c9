package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/areas"
	"daftar/registry/dedup"
	"daftar/registry/fields"
	"daftar/registry/importer"
	"daftar/registry/jobs"
	"daftar/registry/oversight"
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
		if err := registry.SettleContests(tx, job.Args.Person); err != nil {
			return err
		}
		return dedup.CheckPeople(tx, []db.ID{job.Args.Person}) // who claims one number may be one person
	})
}

// verifyWorker verifies the audit log, against what a second party keeps where
// that is known.
type verifyWorker struct {
	river.WorkerDefaults[jobs.VerifyAudit]
	s   *store
	dir string
	log *slog.Logger
}

// Work runs one job.
func (w *verifyWorker) Work(ctx context.Context, job *river.Job[jobs.VerifyAudit]) error {
	report, err := w.s.verify(ctx, w.dir)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, p := range report.Problems {
		w.log.Error("the audit log was changed", "problem", p.String())
	}
	return w.s.db.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		return oversight.Finish(tx, job.Args.Check, report, text(err))
	})
}

// Timeout leaves time for a log of many years.
func (w *verifyWorker) Timeout(*river.Job[jobs.VerifyAudit]) time.Duration { return 2 * time.Hour }

// duplicatesWorker looks for duplicates of people who came in or changed.
type duplicatesWorker struct {
	river.WorkerDefaults[jobs.CheckDuplicates]
	db *db.DB
}

// Work runs one job.
func (w *duplicatesWorker) Work(ctx context.Context, job *river.Job[jobs.CheckDuplicates]) error {
	return dedup.CheckAbout(ctx, w.db, db.Principal{Role: db.Jobs, Kind: "job"}, job.Args.About)
}

// Timeout leaves time for an import; what is compared stays compared.
func (w *duplicatesWorker) Timeout(*river.Job[jobs.CheckDuplicates]) time.Duration { return time.Hour }

// checkImportWorker reads the files of a batch.
type checkImportWorker struct {
	river.WorkerDefaults[jobs.CheckImport]
	db       *db.DB
	blobs    *blob.Dir
	printers []*i18n.Printer
}

// Work runs one job. How far it is stands in the batch, and so does why it came
// to nothing.
func (w *checkImportWorker) Work(ctx context.Context, job *river.Job[jobs.CheckImport]) error {
	return importer.Check(ctx, w.db, w.blobs, w.printers, job.Args.Batch)
}

// Timeout leaves time for a million rows.
func (w *checkImportWorker) Timeout(*river.Job[jobs.CheckImport]) time.Duration { return 2 * time.Hour }

// applyImportWorker makes an approved batch true.
type applyImportWorker struct {
	river.WorkerDefaults[jobs.ApplyImport]
	db *db.DB
}

// Work runs one job.
func (w *applyImportWorker) Work(ctx context.Context, job *river.Job[jobs.ApplyImport]) error {
	return importer.ApplyBatch(ctx, w.db, job.Args.Batch)
}

// Timeout leaves time for a million records.
func (w *applyImportWorker) Timeout(*river.Job[jobs.ApplyImport]) time.Duration { return 2 * time.Hour }

// resumeEvery is how often batches are looked for whose program ended.
const resumeEvery = 15 * time.Second

// forgetEvery is how often what is over is deleted.
const forgetEvery = 10 * time.Minute

// work runs the worker until ctx ends: jobs, the outbox, and the cleaning.
func work(ctx context.Context, c *Config, s *store, printers []*i18n.Printer, log *slog.Logger) error {
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
	river.AddWorker(workers, &verifyWorker{s: s, dir: c.AuditCheckpointsDir, log: log})
	river.AddWorker(workers, &duplicatesWorker{db: s.db})
	river.AddWorker(workers, &checkImportWorker{db: s.db, blobs: s.blobs, printers: printers})
	river.AddWorker(workers, &applyImportWorker{db: s.db})
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
	go watch(ctx, s.db, log)
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
			if err := partitions(ctx, s.db); err != nil {
				log.Warn("partitions of the audit log", "error", err.Error())
			}
			if err := followAreas(ctx, s.db); err != nil {
				log.Warn("following areas", "error", err.Error())
			}
			if err := weigh(ctx, s.db); err != nil {
				log.Warn("weighing names", "error", err.Error())
			}
			if err := errors.Join(importer.Forget(ctx, s.db, s.blobs), s.blobs.Sweep(time.Now())); err != nil {
				log.Warn("forgetting imports", "error", err.Error())
			}
		}
	}()
	go func() {
		for {
			if _, err := importer.Resume(ctx, s.db); err != nil && ctx.Err() == nil {
				log.Warn("resuming imports", "error", err.Error())
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(resumeEvery):
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

// watch looks through what was read, and has the audit log verified once a day,
// until ctx ends.
func watch(ctx context.Context, d *db.DB, log *slog.Logger) {
	for {
		if err := d.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
			if _, err := oversight.Watch(tx); err != nil {
				return err
			}
			return oversight.AskDaily(tx)
		}); err != nil && ctx.Err() == nil {
			log.Warn("watching reads", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(oversight.WatchEvery):
		}
	}
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

// weigh counts anew which names are common, once the registry has grown.
func weigh(ctx context.Context, d *db.DB) error {
	return d.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		stale, err := dedup.Stale(tx)
		if err != nil || !stale {
			return err
		}
		return dedup.Weigh(tx)
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
	case jobs.KindCheckImport:
		return jobs.CheckImport{Batch: a.Ref}, nil
	case jobs.KindApplyImport:
		return jobs.ApplyImport{Batch: a.Ref}, nil
	case jobs.KindContestedIdentifier:
		return jobs.ContestedIdentifier{Person: a.Ref, Version: a.Version}, nil
	case jobs.KindVerifyAudit:
		return jobs.VerifyAudit{Check: a.Ref}, nil
	case jobs.KindCheckDuplicates:
		return jobs.CheckDuplicates{About: a.Ref}, nil
	}
	raw, _ := json.Marshal(a.Kind)
	return nil, fmt.Errorf("no worker for jobs of kind %s", raw)
}
