// Package quarantine holds files back until they were scanned: the office opens
// nothing that may be harmful, and no file is lost because the scanner was
// down.
package quarantine

import (
	"context"
	"time"

	"daftar/blob"
	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
	"daftar/registry/jobs"
	"daftar/scan"
)

// State is what is known about a file. Each has the message
// "scan.state.<state>".
type State string

// The states of a file. One that is not scanned, because no scanner is set up,
// may be opened, and says so.
const (
	Pending    State = "pending"
	Clean      State = "clean"
	Infected   State = "infected"
	NotScanned State = "not_scanned"
)

// Open reports whether the office may open the file.
func (s State) Open() bool { return s == Clean || s == NotScanned }

// Hold keeps a stored file back and has it scanned, in this transaction.
// Whoever stores a file that others will open calls it.
func Hold(tx db.Tx, key string) error {
	id, err := parse(key)
	if err != nil {
		return err
	}
	if err := tx.Exec(`insert into blob_scan (blob, asked_at) values ($1, $2) on conflict do nothing`, key, tx.Now()); err != nil {
		return err
	}
	return tx.Enqueue(jobs.KindScanBlob, id, 1)
}

// StateOf is what is known about a file. One that nobody held is Pending for
// ever: it was not asked for.
func StateOf(tx db.Tx, key string) (State, error) {
	var s State
	err := tx.Get(&s, `select state from blob_scan where blob = $1`, key)
	if fault.Is(err, fault.NotFound) {
		return Pending, nil
	}
	return s, err
}

// States is StateOf for several.
func States(tx db.Tx, keys []string) (map[string]State, error) {
	var rows []struct {
		Blob  string `db:"blob"`
		State State  `db:"state"`
	}
	err := tx.Select(&rows, `select blob, state from blob_scan where blob = any($1)`, keys)
	states := map[string]State{}
	for _, k := range keys {
		states[k] = Pending
	}
	for _, r := range rows {
		states[r.Blob] = r.State
	}
	return states, err
}

// Check refuses a file that the office may not open, with the reason.
func Check(tx db.Tx, key string) error {
	s, err := StateOf(tx, key)
	if err != nil || s.Open() {
		return err
	}
	return fault.New(fault.Conflict, "scan.error."+string(s))
}

func parse(key string) (db.ID, error) {
	var id db.ID
	return id, id.UnmarshalText([]byte(key))
}

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// Scanner scans what is held. A nil Clamd means that none is set up.
type Scanner struct {
	DB    *db.DB
	Blobs *blob.Dir
	Clamd *scan.Clamd
	// Found is told of a file that is harmful, in the transaction that notes it.
	Found func(tx db.Tx, key string) error
}

// Scan gives the verdict on a file that is held. An error means that there is
// none yet and that it is to be asked again.
func (s Scanner) Scan(ctx context.Context, id db.ID) error {
	key := id.String()
	var before State
	if err := s.DB.View(ctx, worker, func(tx db.Tx) (err error) { before, err = StateOf(tx, key); return err }); err != nil {
		return err
	}
	if before != Pending && before != NotScanned || before == NotScanned && s.Clamd == nil {
		return nil
	}
	verdict, finding := NotScanned, ""
	if s.Clamd != nil {
		file, err := s.Blobs.Get(key)
		if fault.Is(err, fault.NotFound) {
			return nil // stored by a transaction that was given up, or not yet there: the sweep comes back
		}
		if err != nil {
			return err
		}
		if finding, err = s.Clamd.Scan(ctx, file); err != nil {
			return err
		}
		if verdict = Clean; finding != "" {
			verdict = Infected
		}
	}
	return s.DB.WithTx(ctx, worker, func(tx db.Tx) error {
		n, err := tx.Count(`update blob_scan set state = $2, finding = $3, scanned_at = $4 where blob = $1 and state in ('pending', 'not_scanned')`,
			key, string(verdict), finding, tx.Now())
		if err != nil || n == 0 || verdict != Infected {
			return err
		}
		if err := audit.Write(tx, audit.Event{Action: "file.infected", SubjectKind: "file", Subject: id}); err != nil {
			return err
		}
		if s.Found != nil {
			return s.Found(tx, key)
		}
		return nil
	})
}

// late is how long a file may wait before its job counts as lost.
const late = 10 * time.Minute

// Waiting lists files that wait for a verdict longer than they should: their
// job gave up while the scanner was down, or there was no scanner then and
// there is one now.
func (s Scanner) Waiting(tx db.Tx) ([]db.ID, error) {
	states := []string{string(Pending)}
	if s.Clamd != nil {
		states = append(states, string(NotScanned))
	}
	var keys []string
	if err := tx.Select(&keys, `select blob from blob_scan where state = any($1) and asked_at < $2 order by asked_at limit 500`,
		states, tx.Now().Add(-late)); err != nil {
		return nil, err
	}
	var ids []db.ID
	for _, k := range keys {
		if id, err := parse(k); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
