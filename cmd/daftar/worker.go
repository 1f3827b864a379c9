package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/areas"
	"daftar/registry/cases"
	"daftar/registry/copies"
	"daftar/registry/credentials"
	"daftar/registry/dedup"
	"daftar/registry/fields"
	"daftar/registry/figures"
	"daftar/registry/importer"
	"daftar/registry/jobs"
	"daftar/registry/letters"
	"daftar/registry/notices"
	"daftar/registry/oversight"
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
		return oversight.Finish(tx, job.Args.Check, report, db.Quiet(err))
	})
}

// Timeout leaves time for a log of many years.
func (w *verifyWorker) Timeout(*river.Job[jobs.VerifyAudit]) time.Duration { return 2 * time.Hour }

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

// copyWorker puts together what is known about somebody.
type copyWorker struct {
	river.WorkerDefaults[jobs.CopyData]
	db *db.DB
}

// Work runs one job.
func (w *copyWorker) Work(ctx context.Context, job *river.Job[jobs.CopyData]) error {
	return copies.Make(ctx, w.db, job.Args.Copy)
}

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

// maxAlike is how many pairs are kept of a batch.
const maxAlike = 200

// compareImportWorker finds whom of a batch the registry may have already.
type compareImportWorker struct {
	river.WorkerDefaults[jobs.CompareImport]
	db *db.DB
}

// Work runs one job.
func (w *compareImportWorker) Work(ctx context.Context, job *river.Job[jobs.CompareImport]) error {
	return importer.Compare(ctx, w.db, job.Args.Batch, func(tx db.Tx, change db.ID) (any, int, error) {
		return dedup.OfChange(tx, change, maxAlike)
	})
}

// Timeout leaves time for a million people.
func (w *compareImportWorker) Timeout(*river.Job[jobs.CompareImport]) time.Duration {
	return 2 * time.Hour
}

// assessImportWorker decides the programmes of households that came with a batch.
type assessImportWorker struct {
	river.WorkerDefaults[jobs.AssessImport]
	db *db.DB
}

// Work runs one job.
func (w *assessImportWorker) Work(ctx context.Context, job *river.Job[jobs.AssessImport]) error {
	return importer.Assess(ctx, w.db, job.Args.Batch, programmes.AssessAll)
}

// Timeout leaves time for a whole country.
func (w *assessImportWorker) Timeout(*river.Job[jobs.AssessImport]) time.Duration {
	return 4 * time.Hour
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

// How often what is over is deleted, what is due is done, and batches are looked
// for whose program ended.
const (
	forgetEvery = 10 * time.Minute
	dueEvery    = time.Minute
	resumeEvery = 15 * time.Second
	retainEvery = time.Hour
)

// workshop is what the worker works with.
type workshop struct {
	s        *store
	log      *slog.Logger
	messages *i18n.Bundle
	out      notices.Out
	scanner  quarantine.Scanner
	// checkpoints is where a second party keeps what it has of the audit log.
	checkpoints string
}

func (w workshop) workers() *river.Workers {
	workers := river.NewWorkers()
	river.AddWorker(workers, &assessWorker{db: w.s.db})
	river.AddWorker(workers, &recomputeWorker{db: w.s.db})
	river.AddWorker(workers, &areasWorker{db: w.s.db})
	river.AddWorker(workers, &contestWorker{db: w.s.db})
	river.AddWorker(workers, &settleWorker{db: w.s.db})
	river.AddWorker(workers, &renewWorker{db: w.s.db})
	river.AddWorker(workers, &copyWorker{db: w.s.db})
	river.AddWorker(workers, &verifyWorker{s: w.s, dir: w.checkpoints, log: w.log})
	river.AddWorker(workers, &duplicatesWorker{db: w.s.db})
	river.AddWorker(workers, &checkImportWorker{db: w.s.db, blobs: w.s.blobs, printers: w.printers()})
	river.AddWorker(workers, &applyImportWorker{db: w.s.db})
	river.AddWorker(workers, &compareImportWorker{db: w.s.db})
	river.AddWorker(workers, &assessImportWorker{db: w.s.db})
	river.AddWorker(workers, &sendWorker{db: w.s.db, out: w.out})
	river.AddWorker(workers, &composeWorker{db: w.s.db, messages: w.messages})
	river.AddWorker(workers, &followWorker{db: w.s.db})
	river.AddWorker(workers, &scanWorker{scanner: w.scanner})
	river.AddWorker(workers, &measureWorker{db: w.s.db})
	return workers
}

func (w workshop) printers() []*i18n.Printer {
	var list []*i18n.Printer
	for _, l := range w.messages.Locales() {
		list = append(list, w.messages.Printer(l.Tag))
	}
	return list
}

// What goes through many records has queues of its own, so that a letter, or a
// colleague's small file, does not wait for it.
const (
	queueImports = "imports" // somebody watches their progress
	queueSweeps  = "sweeps"  // one at a time: each would slow down the others
)

func queueOf(kind string) string {
	switch kind {
	case jobs.KindCheckImport, jobs.KindApplyImport, jobs.KindApplyAreas:
		return queueImports
	case jobs.KindCompareImport, jobs.KindAssessImport, jobs.KindCheckDuplicates, jobs.KindRecomputeFields, jobs.KindMeasureRule:
		return queueSweeps
	}
	return river.QueueDefault
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
		Middleware:           []rivertype.Middleware{quietJobs},
		RescueStuckJobsAfter: 2 * time.Minute, // one whose program was killed; a decision cannot wait for an hour
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: 4},
			queueImports:       {MaxWorkers: 2},
			queueSweeps:        {MaxWorkers: 1},
		},
	})
	if err != nil {
		return err
	}
	// Not under ctx: when that ends, Stop lets jobs under way finish and gives up
	// what the client holds, while the database is still there.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	go w.every(ctx, forgetEvery, "forgetting", w.forget, w.partitions, w.followAreas, w.weigh, w.forgetImports, w.count, w.older)
	go w.every(ctx, dueEvery, "due", w.enforce, w.assessLosing, w.print, w.sweep, w.clocks)
	go w.every(ctx, retainEvery, "retention", w.s.keeper().Run)
	go w.every(ctx, oversight.WatchEvery, "watching reads", w.watch)
	go w.every(ctx, resumeEvery, "resuming imports", w.resume)
	db.DrainOutbox(ctx, pool, func(ctx context.Context, tx pgx.Tx, asked []db.Asked) error {
		params := make([]river.InsertManyParams, len(asked))
		for i, a := range asked {
			args, err := jobFor(a)
			if err != nil {
				return err
			}
			params[i].Args, params[i].InsertOpts = args, &river.InsertOpts{Queue: queueOf(args.Kind())}
		}
		_, err := client.InsertManyTx(ctx, tx, params)
		return err
	}, func(err error) { w.log.Warn("outbox", "error", db.Quiet(err)) })
	end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := client.Stop(end); err == nil {
		return nil
	}
	return client.StopAndCancel(context.WithoutCancel(ctx)) // a job that takes longer is taken up again at the next start
}

// quietJobs keeps people's data out of what river logs, and keeps, of a job that
// failed.
var quietJobs = river.WorkerMiddlewareFunc(func(ctx context.Context, _ *rivertype.JobRow, work func(context.Context) error) error {
	err := work(ctx)
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return errors.New(db.Quiet(err))
	}
	return err
})

// every repeats tasks until ctx ends; one that fails is tried again the next
// time.
func (w workshop) every(ctx context.Context, period time.Duration, name string, tasks ...func(context.Context) error) {
	for {
		for _, task := range tasks {
			if err := task(ctx); err != nil && ctx.Err() == nil {
				w.log.Warn(name, "error", db.Quiet(err))
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

// partitions sees to it that the audit log has room for the days to come.
func (w workshop) partitions(ctx context.Context) error { return partitions(ctx, w.s.db) }

// count makes the public figures of the months that ended.
func (w workshop) count(ctx context.Context) error {
	for done := false; !done; {
		if err := w.tx(ctx, func(tx db.Tx) (err error) {
			done, err = figures.Count(tx)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// older has households calculated anew on the birthdays of their people.
func (w workshop) older(ctx context.Context) error { return w.tx(ctx, fields.Older) }

// weigh counts anew which names are common, once the registry has grown.
func (w workshop) weigh(ctx context.Context) error {
	return w.tx(ctx, func(tx db.Tx) error {
		stale, err := dedup.Stale(tx)
		if err != nil || !stale {
			return err
		}
		return dedup.Weigh(tx)
	})
}

// forgetImports deletes files of imports that are over, and what was left when a
// program ended while it stored one.
func (w workshop) forgetImports(ctx context.Context) error {
	return errors.Join(importer.Forget(ctx, w.s.db, w.s.blobs), w.s.blobs.Sweep(time.Now()))
}

// resume takes up batches whose program ended.
func (w workshop) resume(ctx context.Context) error {
	_, err := importer.Resume(ctx, w.s.db)
	return err
}

// watch looks through what was read, and has the audit log verified once a day.
func (w workshop) watch(ctx context.Context) error {
	return w.tx(ctx, func(tx db.Tx) error {
		if _, err := oversight.Watch(tx); err != nil {
			return err
		}
		return oversight.AskDaily(tx)
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

// clocks does what the clocks of cases do by themselves.
func (w workshop) clocks(ctx context.Context) error { return cases.Sweep(ctx, w.s.db) }

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
	case jobs.KindSettleCase:
		return jobs.SettleCase{Case: a.Ref}, nil
	case jobs.KindCopyData:
		return jobs.CopyData{Copy: a.Ref}, nil
	case jobs.KindRenewCase:
		return jobs.RenewCase{Case: a.Ref, Version: a.Version}, nil
	case jobs.KindContestedIdentifier:
		return jobs.ContestedIdentifier{Person: a.Ref, Version: a.Version}, nil
	case jobs.KindCheckImport:
		return jobs.CheckImport{Batch: a.Ref}, nil
	case jobs.KindApplyImport:
		return jobs.ApplyImport{Batch: a.Ref}, nil
	case jobs.KindCompareImport:
		return jobs.CompareImport{Batch: a.Ref}, nil
	case jobs.KindAssessImport:
		return jobs.AssessImport{Batch: a.Ref}, nil
	case jobs.KindVerifyAudit:
		return jobs.VerifyAudit{Check: a.Ref}, nil
	case jobs.KindCheckDuplicates:
		return jobs.CheckDuplicates{About: a.Ref}, nil
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
