package importer

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/jobs"
)

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// errGone ends a job whose batch was withdrawn, or that another job has.
var errGone = errors.New("the batch is no longer waiting for this")

// maxProblems is how many problems of a batch are kept; all of them are counted.
const maxProblems = 100_000

// lease keeps a second job away from a batch, for as long as the transaction
// lasts: when a program is killed, its lease ends with it.
func lease(tx db.Tx, id db.ID, state string) error {
	var mine bool
	if err := tx.Get(&mine, `select pg_try_advisory_xact_lock(hashtext('import_batch'), hashtext($1::text))`, id); err != nil {
		return err
	}
	if !mine {
		return errGone
	}
	var is string
	if err := tx.Get(&is, `select state from import_batch where id = $1`, id); err != nil {
		return err
	}
	if is != state {
		return errGone
	}
	return nil
}

// Check reads the files of a batch and proposes what is in them: what is right,
// whatever else is wrong. It may run any number of times.
func Check(ctx context.Context, d *db.DB, blobs *blob.Dir, printers []*i18n.Printer, id db.ID) error {
	var job checkJob
	if err := d.View(ctx, worker, func(tx db.Tx) error { return job.load(tx, id) }); err != nil {
		return err
	}
	if job.State != Checking {
		return nil
	}
	who := worker
	who.Actor = job.CreatedBy
	w := &watcher{db: d, id: id, state: Checking}
	w.start(ctx)
	err := job.run(ctx, d, who, blobs, printers, w)
	err = errors.Join(err, w.end(ctx))
	return settle(ctx, d, id, err)
}

// settle notes why a batch came to nothing, where somebody can do something about
// it.
func settle(ctx context.Context, d *db.DB, id db.ID, err error) error {
	if err == nil || errors.Is(err, errGone) {
		return nil
	}
	said := Message{Key: ours}
	var f *fault.Error
	switch {
	case errors.As(err, &f) && (f.Code == fault.Invalid || f.Code == fault.Conflict):
		said, err = Message{Key: f.Key, Args: plainArgs(f.Args)}, nil
	case passing(ctx, err):
		return err
	}
	failure, broken := json.Marshal(said)
	if broken != nil {
		return broken
	}
	note := d.WithTx(ctx, worker, func(tx db.Tx) error {
		failed, err := tx.Count(`update import_batch set state = 'failed', failure = $2 where id = $1 and state = 'checking'`, id, string(failure))
		if err != nil || failed == 0 {
			return err
		}
		return write(tx, "import.failed", id, nil)
	})
	return errors.Join(err, note)
}

// ours says that it was our mistake: nobody is left waiting for a job that fails.
const ours = "import.error.ours"

// passing reports whether an error is of the kind that another try soon gets over.
func passing(ctx context.Context, err error) bool {
	return ctx.Err() != nil || fault.Is(err, fault.Unavailable)
}

func plainArgs(args map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range args {
		switch v.(type) {
		case string, int, int64, float64, i18n.Text:
			out[k] = v
		}
	}
	return out
}

type checkJob struct {
	Batch
	Scope jsonOf[[]db.ID]
	Roles jsonOf[[]string]
}

func (j *checkJob) load(tx db.Tx, id db.ID) error {
	if err := tx.Get(&j.Batch, `select `+batchColumns+` where b.id = $1`, id); err != nil {
		return err
	}
	var more struct {
		Scope jsonOf[[]db.ID]  `db:"scope"`
		Roles jsonOf[[]string] `db:"roles"`
	}
	err := tx.Get(&more, `select to_jsonb(scope) as scope, to_jsonb(roles) as roles from import_batch where id = $1`, id)
	j.Scope, j.Roles = more.Scope, more.Roles
	return err
}

func (j *checkJob) run(ctx context.Context, d *db.DB, who db.Principal, blobs *blob.Dir, printers []*i18n.Printer, w *watcher) error {
	if err := d.WithTx(ctx, worker, func(tx db.Tx) error { // what an earlier try found
		return tx.Exec(`delete from import_problem where batch_id = $1`, j.ID)
	}); err != nil {
		return err
	}
	o := Options{Printers: printers, Scope: j.Scope.V, Roles: j.Roles.V, SkipBad: true, Bad: w.bad, Progress: w.tell, Stop: w.stop}
	if o.Scope == nil {
		o.Scope = []db.ID{}
	}
	if j.Undoes != nil {
		return d.WithTx(ctx, who, func(tx db.Tx) error { return j.undo(tx, o, w) })
	}
	for _, u := range j.Files.V {
		f, err := blobs.Open(u.Key)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		o.Files = append(o.Files, File{Name: u.Name, Body: f, Size: info.Size(), Choices: u.Choices})
	}
	return d.WithTx(ctx, who, func(tx db.Tx) error { return j.stage(tx, o, w) })
}

func (j *checkJob) stage(tx db.Tx, o Options, w *watcher) error {
	if err := lease(tx, j.ID, Checking); err != nil {
		return err
	}
	c, err := LoadCatalogue(tx, o.Roles)
	if err != nil {
		return err
	}
	if o.Mapping, err = j.Parsed(c); err != nil {
		return fault.Wrap(err, fault.Invalid, "import.error.mapping")
	}
	r, done, err := open(o)
	if err != nil {
		return err
	}
	defer done()
	if err := r.prepare(tx); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	change, err := r.propose()
	if err != nil {
		return err
	}
	// The row is ours now; whoever sees that the batch is checked sees all that is
	// wrong with it.
	if err := w.end(tx.Context()); err != nil {
		return err
	}
	return r.keep(j.ID, change)
}

// watcher tells the batch's row how far its job is, keeps the problems, and
// finds out whether the batch was withdrawn: in transactions of its own.
type watcher struct {
	db    *db.DB
	id    db.ID
	state string

	mu       sync.Mutex
	now      Progress
	problems []Problem
	kept     int
	gone     error
	quit     chan struct{}
	ended    chan struct{}
}

// beat is how often the row is written.
var beat = time.Second

func (w *watcher) start(ctx context.Context) {
	w.quit, w.ended = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(w.ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.quit:
				return
			case <-time.After(beat):
			}
			if err := w.write(ctx); err != nil {
				w.mu.Lock()
				w.gone = err
				w.mu.Unlock()
				return
			}
		}
	}()
}

func (w *watcher) tell(p Progress) {
	w.mu.Lock()
	w.now = p
	w.mu.Unlock()
}

func (w *watcher) stop() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gone
}

func (w *watcher) bad(p Problem) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kept+len(w.problems) < maxProblems {
		w.problems = append(w.problems, p)
	}
}

// write notes progress and the first of the problems that wait. A batch that is
// no longer in its state is errGone.
func (w *watcher) write(ctx context.Context) error {
	w.mu.Lock()
	raw, err := json.Marshal(w.now)
	w.mu.Unlock()
	if err != nil {
		return err
	}
	if err := w.db.WithTx(ctx, worker, func(tx db.Tx) error {
		n, err := tx.Count(`update import_batch set progress = $2, touched_at = $3 where id = $1 and state = $4`, w.id, string(raw), tx.Now(), w.state)
		if err == nil && n == 0 {
			err = errGone
		}
		return err
	}); err != nil {
		return err
	}
	return w.keep(ctx)
}

// slice is how many problems are kept at a time, so that a file of nothing but
// problems still tells how far it is.
const slice = 5000

// keep writes a slice of the problems that wait.
func (w *watcher) keep(ctx context.Context) error {
	w.mu.Lock()
	n := min(len(w.problems), slice)
	list, first := w.problems[:n], w.kept
	w.problems, w.kept = w.problems[n:], w.kept+n
	w.mu.Unlock()
	if n == 0 {
		return nil
	}
	return w.db.WithTx(ctx, worker, func(tx db.Tx) error { return keepProblems(tx, w.id, first, list) })
}

func keepProblems(tx db.Tx, id db.ID, first int, list []Problem) error {
	n := 0
	_, err := tx.CopyFrom("import_problem", []string{"batch_id", "seq", "file", "sheet", "line", "col", "value", "key", "args", "notice"},
		pgx.CopyFromFunc(func() ([]any, error) {
			if n == len(list) {
				return nil, nil
			}
			p := list[n]
			n++
			args, err := json.Marshal(plainArgs(p.Args))
			return []any{[16]byte(id), int32(first + n), p.File, p.Sheet, int32(p.Line), p.Column, strings.ReplaceAll(p.Value, "\x00", "\u2400"), p.Key, args, p.Notice}, err
		}))
	return err
}

// pause ends the writing, so that the job's own transaction may have the row.
func (w *watcher) pause() error {
	select {
	case <-w.quit:
	default:
		close(w.quit)
	}
	<-w.ended
	return w.stop()
}

// end keeps the problems that are left.
func (w *watcher) end(ctx context.Context) error {
	if err := w.pause(); err != nil {
		return err
	}
	for w.left() {
		if err := w.keep(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) left() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.problems) > 0
}

// ApplyBatch makes an approved batch true: all of it, or nothing. It may run any
// number of times.
func ApplyBatch(ctx context.Context, d *db.DB, id db.ID) error {
	var batch applied
	if err := d.View(ctx, worker, func(tx db.Tx) error { return batch.load(tx, id) }); err != nil {
		return err
	}
	if batch.State != Approved {
		return nil
	}
	who := worker
	who.Actor = *batch.DecidedBy
	w := &watcher{db: d, id: id, state: Approved}
	w.start(ctx)
	err := d.WithTx(ctx, who, func(tx db.Tx) error {
		if err := lease(tx, id, Approved); err != nil {
			return err
		}
		tx.OnNotice(func(message string) { w.tell(applying(message)) })
		return batch.apply(tx, w.pause)
	})
	_ = w.pause()
	if errors.Is(err, errGone) {
		return nil
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Conflict {
		if err == nil || passing(ctx, err) {
			return err
		}
		// It is tried again by itself; until then the page says that it failed.
		return errors.Join(err, d.WithTx(ctx, worker, func(tx db.Tx) error {
			return tx.Exec(`update import_batch set failure = jsonb_build_object('key', $2::text) where id = $1 and state = 'approved'`, id, ours)
		}))
	}
	// Something changed since it was checked: whoever made it looks again.
	failure, err := json.Marshal(Message{Key: f.Key})
	if err != nil {
		return err
	}
	return d.WithTx(ctx, worker, func(tx db.Tx) error {
		if err := write(tx, "import.stale", id, nil); err != nil {
			return err
		}
		return tx.Exec(`update import_batch set state = 'stale', failure = $2 where id = $1 and state = 'approved'`, id, string(failure))
	})
}

// restAfter is how long a running batch may be silent before another job is
// asked for.
const restAfter = 30 * time.Second

// Resume asks again for the jobs of batches that nobody is at: the program that
// was at them ended. How many there were is the answer.
func Resume(ctx context.Context, d *db.DB) (int, error) {
	n := 0
	err := d.WithTx(ctx, worker, func(tx db.Tx) error {
		var list []struct {
			ID    db.ID  `db:"id"`
			State string `db:"state"`
		}
		if err := tx.Select(&list, `
			update import_batch set touched_at = $1 where state in ('checking', 'approved') and touched_at < $2 returning id, state`,
			tx.Now(), tx.Now().Add(-restAfter)); err != nil {
			return err
		}
		n = len(list)
		for _, b := range list {
			kind := jobs.KindCheckImport
			if b.State == Approved {
				kind = jobs.KindApplyImport
			}
			if err := tx.Enqueue(kind, b.ID, 1); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// kept is how long the rows of batches that came to nothing, and the problems of
// all, are kept.
const kept = 30 * 24 * time.Hour

// Forget deletes what is no longer needed of batches that ended: their files at
// once, what was wrong with them after a month, and proposals that came to
// nothing. It may be called at any time.
func Forget(ctx context.Context, d *db.DB, blobs *blob.Dir) error {
	var ended []struct {
		ID    db.ID            `db:"id"`
		Files jsonOf[[]Upload] `db:"files"`
	}
	if err := d.View(ctx, worker, func(tx db.Tx) error {
		return tx.Select(&ended, `
			select id, files from import_batch
			where state in ('applied', 'undone', 'refused', 'withdrawn') and files @? '$[*] ? (@.key != "")' limit 100`)
	}); err != nil {
		return err
	}
	for _, b := range ended {
		for i, f := range b.Files.V {
			if err := blobs.Remove(f.Key); err != nil && !errors.Is(err, os.ErrNotExist) && !fault.Is(err, fault.NotFound) {
				return err
			}
			b.Files.V[i].Key = ""
		}
		raw, err := json.Marshal(b.Files.V)
		if err != nil {
			return err
		}
		if err := d.WithTx(ctx, worker, func(tx db.Tx) error {
			if err := tx.Exec(`update import_batch set files = $2 where id = $1`, b.ID, string(raw)); err != nil {
				return err
			}
			return write(tx, "import.files_removed", b.ID, nil)
		}); err != nil {
			return err
		}
	}
	for more := true; more; {
		if err := d.WithTx(ctx, worker, func(tx db.Tx) error {
			if err := tx.Exec(`
				delete from import_problem p using import_batch b
				where b.id = p.batch_id and b.state in ('applied', 'undone', 'refused', 'withdrawn') and b.created_at < $1`, tx.Now().Add(-kept)); err != nil {
				return err
			}
			return tx.Get(&more, `select forget_import_items(20000)`)
		}); err != nil {
			return err
		}
	}
	return nil
}
