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
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/areas"
	"daftar/registry/credentials"
	"daftar/registry/fields"
	"daftar/registry/jobs"
	"daftar/registry/letters"
	"daftar/registry/notices"
	"daftar/registry/programmes"
	"daftar/registry/quarantine"
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

// sendWorker carries notices out of the house.
type sendWorker struct {
	river.WorkerDefaults[jobs.SendNotice]
	db  *db.DB
	out notices.Out
}

// Work runs one job; what has to wait is run again when its time has come.
func (w *sendWorker) Work(ctx context.Context, job *river.Job[jobs.SendNotice]) error {
	wait, err := w.out.Send(ctx, w.db, job.Args.Notice)
	if err == nil && wait > 0 {
		return river.JobSnooze(wait)
	}
	return err
}

// composeWorker puts letters into words.
type composeWorker struct {
	river.WorkerDefaults[jobs.ComposeLetter]
	db       *db.DB
	messages *i18n.Bundle
}

// Work runs one job.
func (w *composeWorker) Work(ctx context.Context, job *river.Job[jobs.ComposeLetter]) error {
	return w.db.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		return letters.Compose(tx, w.messages, job.Args.Letter)
	})
}

// followWorker does what follows from what happened to a letter.
type followWorker struct {
	river.WorkerDefaults[jobs.FollowLetter]
	db *db.DB
}

// Work runs one job.
func (w *followWorker) Work(ctx context.Context, job *river.Job[jobs.FollowLetter]) error {
	return followLetter(ctx, w.db, job.Args.Letter)
}

func followLetter(ctx context.Context, d *db.DB, id db.ID) error {
	return d.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		l, err := letters.Settle(tx, id)
		if err != nil {
			return err
		}
		return programmes.Follow(tx, l)
	})
}

// scanWorker has files scanned.
type scanWorker struct {
	river.WorkerDefaults[jobs.ScanBlob]
	scanner quarantine.Scanner
}

// Work runs one job.
func (w *scanWorker) Work(ctx context.Context, job *river.Job[jobs.ScanBlob]) error {
	return w.scanner.Scan(ctx, job.Args.Blob)
}

// NextRetry asks again every minute or so while the scanner is down, and the
// sweep does when river has given up.
func (w *scanWorker) NextRetry(job *river.Job[jobs.ScanBlob]) time.Time {
	return time.Now().Add(time.Duration(min(job.Attempt, 10)) * time.Minute)
}

// measureWorker measures new versions of rules.
type measureWorker struct {
	river.WorkerDefaults[jobs.MeasureRule]
	db *db.DB
}

// Work runs one job.
func (w *measureWorker) Work(ctx context.Context, job *river.Job[jobs.MeasureRule]) error {
	return programmes.Measure(ctx, w.db, job.Args.Rule)
}

// Timeout leaves time for everybody who is enrolled.
func (w *measureWorker) Timeout(*river.Job[jobs.MeasureRule]) time.Duration { return time.Hour }

// How often what is over is deleted, and how often what is due is done.
const (
	forgetEvery = 10 * time.Minute
	dueEvery    = time.Minute
)

// workshop is what the worker works with.
type workshop struct {
	s        *store
	log      *slog.Logger
	messages *i18n.Bundle
	out      notices.Out
	scanner  quarantine.Scanner
}

func (w workshop) workers() *river.Workers {
	workers := river.NewWorkers()
	river.AddWorker(workers, &assessWorker{db: w.s.db})
	river.AddWorker(workers, &recomputeWorker{db: w.s.db})
	river.AddWorker(workers, &areasWorker{db: w.s.db})
	river.AddWorker(workers, &contestWorker{db: w.s.db})
	river.AddWorker(workers, &sendWorker{db: w.s.db, out: w.out})
	river.AddWorker(workers, &composeWorker{db: w.s.db, messages: w.messages})
	river.AddWorker(workers, &followWorker{db: w.s.db})
	river.AddWorker(workers, &scanWorker{scanner: w.scanner})
	river.AddWorker(workers, &measureWorker{db: w.s.db})
	return workers
}

// work runs the worker until ctx ends: jobs, the outbox, what is due, and the
// cleaning.
func (w workshop) work(ctx context.Context) error {
	pool, err := pgxpool.New(ctx, w.s.roleURL(db.Jobs))
	if err != nil {
		return err
	}
	defer pool.Close()
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: db.RiverSchema, Workers: w.workers(), Logger: w.log, JobTimeout: time.Minute,
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
	go w.every(ctx, forgetEvery, "forgetting", w.forget, w.followAreas)
	go w.every(ctx, dueEvery, "due", w.enforce, w.assessLosing, w.print, w.sweep)
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
	}, func(err error) { w.log.Warn("outbox", "error", err.Error()) })
	end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := client.Stop(end); err == nil {
		return nil
	}
	return client.StopAndCancel(context.WithoutCancel(ctx)) // a job that takes longer is taken up again at the next start
}

// every repeats tasks until ctx ends; one that fails is tried again the next
// time.
func (w workshop) every(ctx context.Context, period time.Duration, name string, tasks ...func(context.Context) error) {
	for {
		for _, task := range tasks {
			if err := task(ctx); err != nil && ctx.Err() == nil {
				w.log.Warn(name, "error", err.Error())
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(period):
		}
	}
}

func (w workshop) tx(ctx context.Context, fn func(db.Tx) error) error {
	return w.s.db.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, fn)
}

func (w workshop) forget(ctx context.Context) error {
	return w.tx(ctx, func(tx db.Tx) error {
		_, err := tx.Forget()
		return err
	})
}

// followAreas moves records that came late into an area that had ended.
func (w workshop) followAreas(ctx context.Context) error {
	return w.tx(ctx, func(tx db.Tx) error {
		_, err := areas.Follow(tx)
		return err
	})
}

// enforce brings decisions into force whose day has come, one in a transaction,
// and ends the credentials about what they ended.
func (w workshop) enforce(ctx context.Context) error {
	var posted []db.ID
	if err := w.tx(ctx, func(tx db.Tx) (err error) {
		posted, err = programmes.PostedLetters(tx)
		return err
	}); err != nil {
		return err
	}
	for _, id := range posted {
		if err := followLetter(ctx, w.s.db, id); err != nil {
			return err
		}
	}
	for more := true; more; {
		if err := w.tx(ctx, func(tx db.Tx) error {
			ended, again, err := programmes.BringIntoForce(tx)
			if more = again; err != nil || ended == (db.ID{}) {
				return err
			}
			return credentials.EndDecision(tx, ended)
		}); err != nil {
			return err
		}
	}
	return nil
}

// assessLosing decides anew those that a new rule takes something from.
func (w workshop) assessLosing(ctx context.Context) error {
	for more := true; more; {
		if err := w.tx(ctx, func(tx db.Tx) (err error) {
			more, err = programmes.AssessLosing(tx)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// print puts letters that nobody opened into the print queue.
func (w workshop) print(ctx context.Context) error { return w.tx(ctx, letters.Print) }

// sweep asks again for what was lost: notices and files whose job gave up.
func (w workshop) sweep(ctx context.Context) error {
	return w.tx(ctx, func(tx db.Tx) error {
		forgotten, err := notices.Forgotten(tx)
		if err != nil {
			return err
		}
		waiting, err := w.scanner.Waiting(tx)
		if err != nil {
			return err
		}
		for kind, ids := range map[string][]db.ID{jobs.KindSendNotice: forgotten, jobs.KindScanBlob: waiting} {
			for _, id := range ids {
				if err := tx.Enqueue(kind, id, 1); err != nil {
					return err
				}
			}
		}
		return nil
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
	case jobs.KindContestedIdentifier:
		return jobs.ContestedIdentifier{Person: a.Ref, Version: a.Version}, nil
	case jobs.KindSendNotice:
		return jobs.SendNotice{Notice: a.Ref}, nil
	case jobs.KindComposeLetter:
		return jobs.ComposeLetter{Letter: a.Ref}, nil
	case jobs.KindFollowLetter:
		return jobs.FollowLetter{Letter: a.Ref}, nil
	case jobs.KindScanBlob:
		return jobs.ScanBlob{Blob: a.Ref}, nil
	case jobs.KindMeasureRule:
		return jobs.MeasureRule{Rule: a.Ref}, nil
	}
	raw, _ := json.Marshal(a.Kind)
	return nil, fmt.Errorf("no worker for jobs of kind %s", raw)
}
