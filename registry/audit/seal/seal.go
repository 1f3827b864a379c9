package seal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
)

// ErrBroken says that the log is not as it was left: nothing more is sealed, so
// that no signature covers what somebody changed.
var ErrBroken = errors.New("the audit log was changed")

// Every is how often the log is sealed.
const Every = time.Second

// Limits of how long an entry may wait to be sealed: then somebody is told, and
// then nothing more is written (the rule that X-Road has for its message log).
const (
	AlarmAfter  = time.Minute
	RefuseAfter = 10 * time.Minute
)

// Config is what a sealer needs.
type Config struct {
	DB     *db.DB
	Origin string               // names the log, when it is new: a host and a path
	Keys   func() (Keys, error) // asked at each checkpoint, so that a new key needs no restart
	// Export gives a checkpoint of an instant to a second party; nil for nobody.
	Export func(note string, at time.Time) error
}

// Sealer seals the log. Any number of processes may have one: each pass is of
// one of them.
type Sealer struct {
	cfg Config

	mu       sync.Mutex
	known    *Checkpoint // the last one that was seen: later ones must continue it
	sealed   time.Time   // everything written before is sealed
	size     int64
	broken   error
	exports  error      // why the next checkpoint was not given away
	exported Checkpoint // the last one that was; Export's own
}

// New makes a sealer. known is a checkpoint that was given away, which the log
// must continue; nil when there is none. Until the first pass, everything counts
// as sealed.
func New(cfg Config, known *Checkpoint) *Sealer {
	s := &Sealer{cfg: cfg, known: known, sealed: cfg.DB.Now()}
	if known != nil {
		s.exported = *known
	}
	return s
}

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// lockKey is the advisory lock of whoever seals.
const lockKey = 4276215471

// chunk is how many entries are read at a time.
const chunk = 5000

// Pass seals everything that is committed now and not sealed yet, unless another
// process is at it. It takes no lock that a writer could meet.
func (s *Sealer) Pass(ctx context.Context) error {
	started := s.cfg.DB.Now()
	var made *Checkpoint
	var waiting *time.Time
	err := s.cfg.DB.WithTx(ctx, worker, func(tx db.Tx) error {
		var mine bool
		if err := tx.Get(&mine, `select pg_try_advisory_xact_lock($1)`, lockKey); err != nil {
			return err
		}
		log, there, err := loadLog(tx)
		if err != nil {
			return err
		}
		if mine && !there {
			log.Origin = s.cfg.Origin
			if err := tx.Exec(`insert into audit_log (origin, seen, size) values ($1, '3:3:', 0)`, log.Origin); err != nil {
				return err
			}
		}
		if !mine {
			waiting, err = log.oldest(tx)
			return err
		}
		made, err = s.seal(tx, log)
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken = nil; errors.Is(err, ErrBroken) {
		s.broken = err
	}
	if err != nil {
		return err
	}
	switch {
	case waiting == nil:
		s.sealed = started
	case waiting.After(s.sealed):
		s.sealed = *waiting
	}
	if made != nil {
		s.known, s.size = made, made.Size
	}
	return nil
}

// Export gives away the checkpoints that were not yet, whoever made them. It may
// take as long as the second party's directory does: nothing waits for it.
func (s *Sealer) Export(ctx context.Context) error {
	err := s.export(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exports = err
	return err
}

func (s *Sealer) export(ctx context.Context) error {
	for s.cfg.Export != nil {
		var rows []struct {
			Size int64     `db:"size"`
			At   time.Time `db:"at"`
			Note string    `db:"note"`
		}
		if err := s.cfg.DB.View(ctx, worker, func(tx db.Tx) error {
			return tx.Select(&rows, `select c.size, c.at, c.note from audit_checkpoint c join audit_log l on l.origin = split_part(c.note, chr(10), 1)
				where c.size > $1 or l.origin <> $2 order by c.size limit $3`, s.exported.Size, s.exported.Origin, chunk)
		}); err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			if err := s.cfg.Export(r.Note, r.At); err != nil {
				return err
			}
			s.exported = Checkpoint{Origin: originOf(r.Note), Size: r.Size}
		}
	}
	return nil
}

// logState is the row of audit_log.
type logState struct {
	Origin string `db:"origin"`
	Size   int64  `db:"size"`
	Xmax   string `db:"xmax"` // of the snapshot up to which everything is sealed
	Xip    string `db:"xip"`  // the transactions that were under way then, as an array
}

// loadLog reads it; a log of which nothing was ever sealed has none.
func loadLog(tx db.Tx) (log logState, there bool, err error) {
	err = tx.Get(&log, `
		select origin, size, pg_snapshot_xmax(seen)::text as xmax, array(select pg_snapshot_xip(seen))::text as xip from audit_log`)
	if fault.Is(err, fault.NotFound) {
		return logState{Xmax: "3", Xip: "{}"}, false, nil // 3 is PostgreSQL's first transaction
	}
	return log, true, err
}

// unsealed are the entries committed by the snapshot $3 that no pass has seen: of
// transactions that began after the last one ($1), or were under way then ($2). A
// higher number than the snapshot's is of a server that the database came from.
// What is a leaf already is left out, so that a pass may be repeated.
const unsealed = `
	from (select e.* from audit_event e where e.tx >= $1::xid8 and e.tx < pg_snapshot_xmax($3::pg_snapshot)
	      union all
	      select e.* from audit_event e where e.tx = any($2::xid8[])) e
	where pg_visible_in_snapshot(e.tx, $3::pg_snapshot)
	  and not exists (select from audit_leaf l where l.event_id = e.id and l.at = e.at)`

// everything is the same, once, for a database that came from another server,
// whose transactions had other numbers.
const everything = `
	from audit_event e
	where ($1::text, $2::text, $3::text) is not null and not exists (select from audit_leaf l where l.event_id = e.id and l.at = e.at)`

// oldest is when the oldest entry that is not sealed was written; nil when all
// are.
func (log logState) oldest(tx db.Tx) (at *time.Time, err error) {
	now, err := log.now(tx)
	if err == nil {
		err = tx.Get(&at, `select min(e.at)`+unsealed, log.Xmax, log.Xip, now.Seen)
	}
	return at, err
}

// snapshot is what is committed.
type snapshot struct {
	Seen  string `db:"seen"`
	Moved bool   `db:"moved"` // its numbers are another server's than those of the log
}

func (log logState) now(tx db.Tx) (snapshot, error) {
	var now snapshot
	err := tx.Get(&now, `
		select pg_current_snapshot()::text as seen, pg_snapshot_xmax(pg_current_snapshot()) < $1::xid8 as moved`, log.Xmax)
	return now, err
}

// seal makes leaves of what is unsealed, and signs the tree's new head; nil when
// there was nothing.
func (s *Sealer) seal(tx db.Tx, log logState) (*Checkpoint, error) {
	keys, err := s.cfg.Keys()
	if err != nil {
		return nil, err
	}
	tree, err := s.check(tx, log, keys)
	if err != nil {
		return nil, err
	}
	now, err := log.now(tx)
	if err != nil {
		return nil, err
	}
	from := unsealed
	if now.Moved {
		from = everything
	}
	if err := tx.Exec(`declare unsealed no scroll cursor for select `+audit.Columns+from+` order by e.tx, e.id`, log.Xmax, log.Xip, now.Seen); err != nil {
		return nil, err
	}
	for {
		var entries []audit.Entry
		if err := tx.Select(&entries, `fetch `+strconv.Itoa(chunk)+` from unsealed`); err != nil {
			return nil, err
		}
		if err := audit.LoadAbout(tx, entries); err != nil {
			return nil, err
		}
		if err := tree.append(tx, entries); err != nil {
			return nil, err
		}
		if len(entries) < chunk {
			break
		}
	}
	if err := tx.Exec(`close unsealed`); err != nil {
		return nil, err
	}
	if tree.size == log.Size && !now.Moved {
		return nil, nil
	}
	if err := tx.Exec(`update audit_log set seen = $1::pg_snapshot, size = $2`, now.Seen, tree.size); err != nil || tree.size == log.Size {
		return nil, err
	}
	head, err := keys.sign(log.Origin, tree.size, tree.root())
	if err != nil {
		return nil, err
	}
	return &head, tx.Exec(`insert into audit_checkpoint (size, at, root, note) values ($1, $2, $3, $4)`, head.Size, tx.Now(), head.Root[:], head.Note)
}

// append makes entries leaves.
func (e *edge) append(tx db.Tx, entries []audit.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	var idx, nodeIdx []int64
	var at []time.Time
	var ids []string
	var levels []int
	var leaves, nodes [][]byte
	for _, entry := range entries {
		hash := Hash(entry.Hash())
		idx, at, ids, leaves = append(idx, e.size), append(at, entry.At), append(ids, entry.ID.String()), append(leaves, hash[:])
		for _, n := range e.add(hash) {
			levels, nodeIdx, nodes = append(levels, n.level), append(nodeIdx, n.idx), append(nodes, n.hash[:])
		}
	}
	if err := tx.Exec(`
		insert into audit_leaf (idx, at, event_id, hash)
		select * from unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::bytea[])`, idx, at, ids, leaves); err != nil {
		return err
	}
	if len(nodes) == 0 {
		return nil
	}
	return tx.Exec(`insert into audit_node (level, idx, hash) select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])`, levels, nodeIdx, nodes)
}

// check compares the stored tree with its last checkpoint, and that with the
// last one that this process has seen: a log signs nothing that does not
// continue what it signed before (C2SP tlog-checkpoint).
func (s *Sealer) check(tx db.Tx, log logState, keys Keys) (edge, error) {
	tree, err := loadEdge(tx, log.Size)
	if err != nil {
		return tree, err
	}
	last := Checkpoint{Origin: log.Origin, Root: tree.root()}
	if log.Size > 0 {
		var signed string
		err := tx.Get(&signed, `select note from audit_checkpoint order by size desc limit 1`)
		if fault.Is(err, fault.NotFound) {
			return tree, fmt.Errorf("%w: its last checkpoint is not there", ErrBroken)
		}
		if err != nil {
			return tree, err
		}
		trust, err := keys.Trust(signed)
		if err != nil {
			return tree, err
		}
		if last, err = trust.Open(signed); err != nil {
			return tree, fmt.Errorf("%w: its last %w", ErrBroken, err)
		}
		if last.Size != log.Size || last.Root != tree.root() {
			return tree, fmt.Errorf("%w: its end is not that of its last checkpoint, for %d entries", ErrBroken, last.Size)
		}
	}
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	if known == nil || known.Origin != log.Origin {
		return tree, nil
	}
	return tree, continues(tx, *known, last)
}

// continues reports, by its error, a checkpoint that a later one does not
// continue.
func continues(tx db.Tx, old, last Checkpoint) error {
	switch {
	case old.Size > last.Size:
		return fmt.Errorf("%w: it has %d entries, and had %d", ErrBroken, last.Size, old.Size)
	case old.Size == last.Size && old.Root == last.Root || old.Size == 0:
		return nil
	case old.Size == last.Size:
		return fmt.Errorf("%w: its %d entries are not those of a checkpoint that was given away", ErrBroken, old.Size)
	}
	proof, err := tlog.ProveTree(last.Size, old.Size, hashes(tx, last.Size, last.Root))
	if err == nil {
		err = tlog.CheckTree(proof, last.Size, last.Root, old.Size, old.Root)
	}
	if err != nil {
		return fmt.Errorf("%w: it does not continue the checkpoint for %d entries", ErrBroken, old.Size)
	}
	return nil
}

// State is how far the sealing is.
type State struct {
	Lag    time.Duration // of the oldest entry that may not be sealed
	Size   int64         // of the last checkpoint that this process made
	Broken error         // see ErrBroken
	Export error         // of the last checkpoint that was to be given away
}

// State tells how far the sealing is.
func (s *Sealer) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{Lag: max(0, s.cfg.DB.Now().Sub(s.sealed)), Size: s.size, Broken: s.broken, Export: s.exports}
}

// Writable refuses a transaction while the log has not been sealed for too long.
// Work in the background is what would mend it, and goes on.
func (s *Sealer) Writable(who db.Principal) error {
	if who.Role == db.Jobs || s.State().Lag < RefuseAfter {
		return nil
	}
	return fault.New(fault.Unavailable, "error.unsealed")
}
