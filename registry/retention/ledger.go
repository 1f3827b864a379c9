package retention

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"daftar/db"
)

// Entry is one thing that is erased: references alone.
type Entry struct {
	Kind       string `db:"kind" json:"kind"`
	Subject    db.ID  `db:"subject" json:"subject"`
	Rule       string `db:"rule" json:"rule"`                         // a kind of registry.Retention
	ApprovedBy *db.ID `db:"approved_by" json:"approved_by,omitempty"` // of a person: who agreed
}

// Ledger is the file of what was erased, one entry a line. It is not in the
// database: a backup that is restored does not take it back.
type Ledger string

// Append writes entries before they are erased. When it returns, they are on disk.
func (l Ledger) Append(entries []Entry) (err error) {
	f, err := os.OpenFile(string(l), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var lines []byte
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
	}
	if _, err := f.Write(lines); err != nil {
		return err
	}
	return f.Sync()
}

// Each reads the ledger in pieces. Half a line at its end is what a program did
// not finish writing, and so did not erase.
func (l Ledger) Each(read func([]Entry) error) (err error) {
	f, err := os.Open(string(l))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines, some := bufio.NewReader(f), []Entry(nil)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("%s, line %d: not an entry of the erasure ledger", string(l), n)
		}
		if some = append(some, e); len(some) == batch {
			if err := read(some); err != nil {
				return err
			}
			some = nil
		}
	}
	return read(some)
}

// Replay erases what the ledger says and the database does not: after a backup
// was restored, before anybody is served. It says how much that was.
func (k Keeper) Replay(ctx context.Context) (total int, err error) {
	err = k.Ledger.Each(func(entries []Entry) error {
		var missing []Entry
		if err := k.DB.View(ctx, worker, func(tx db.Tx) (err error) { missing, err = lacking(tx, entries); return err }); err != nil || len(missing) == 0 {
			return err
		}
		n, err := k.erase(ctx, missing)
		total += n
		return err
	})
	return total, err
}

// lacking are the entries that the database does not know. What it does not hold
// itself has nothing to erase and is known from then on.
func lacking(tx db.Tx, entries []Entry) (missing []Entry, err error) {
	kinds, subjects := make([]string, len(entries)), make([]db.ID, len(entries))
	for i, e := range entries {
		kinds[i], subjects[i] = e.Kind, e.Subject
	}
	var known []struct {
		Kind    string `db:"kind"`
		Subject db.ID  `db:"subject_id"`
	}
	if err := tx.Select(&known, `
		select x.kind, x.subject_id from erasure x join unnest($1::text[], $2::uuid[]) e (kind, subject) on x.kind = e.kind and x.subject_id = e.subject`,
		kinds, subjects); err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, e := range known {
		has[e.Kind+e.Subject.String()] = true
	}
	for _, e := range entries {
		if key := e.Kind + e.Subject.String(); !has[key] {
			has[key], missing = true, append(missing, e)
		}
	}
	return missing, nil
}

// Orphans destroys the keys of files that no row names: what an old backup of the
// keys brought back. A file that is just being stored has its key first.
func Orphans(tx db.Tx) (int64, error) {
	return tx.Count(`
		delete from seal.data_key k where k.class = 'file' and k.made_at < $1::timestamptz - interval '1 day'
		  and not exists (select from evidence e where e.blob = k.owner::text) and not exists (select from file f where f.blob = k.owner::text)
		or k.class = 'case' and exists (select from erasure x where x.kind = 'case' and x.subject_id = k.owner)`, tx.Now())
}
