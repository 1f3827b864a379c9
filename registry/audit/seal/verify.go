package seal

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"daftar/db"
	"daftar/registry/audit"
)

// Kind says what is wrong. Each has the message "audit.problem.<kind>".
type Kind string

// The kinds of problems.
const (
	Altered    Kind = "altered"    // an entry, or its leaf, is not what was sealed
	Deleted    Kind = "deleted"    // an entry is not there
	Unlisted   Kind = "unlisted"   // a leaf is not there
	Inserted   Kind = "inserted"   // an entry is there that was never sealed
	Rewritten  Kind = "rewritten"  // leaves do not lead to a signed head
	Lost       Kind = "lost"       // the log is shorter than a signed head
	Forged     Kind = "forged"     // a head that is not signed, or not the one that was given away
	Headless   Kind = "headless"   // a head that was given away is not in the database
	Uprooted   Kind = "uprooted"   // an inner node, which proofs are made of, is wrong
	Subjects   Kind = "subjects"   // somebody is said to be the subject of an entry that has none
	Misordered Kind = "misordered" // an entry is dated long before those that were sealed before it
)

// Problem is something wrong with the entries From to To-1; of an entry, its
// identity and time are said.
type Problem struct {
	Kind  Kind      `json:"kind"`
	From  int64     `json:"from"`
	To    int64     `json:"to"`
	Entry db.ID     `json:"entry,omitzero"`
	At    time.Time `json:"at,omitzero"`
}

// String is the problem as a line for an operator.
func (p Problem) String() string {
	one := fmt.Sprintf("entry %d", p.From)
	many := fmt.Sprintf("entries %d to %d", p.From, p.To-1)
	which := ""
	if p.Entry != (db.ID{}) {
		which = fmt.Sprintf(" (%s of %s)", p.Entry, p.At.UTC().Format(time.RFC3339Nano))
	}
	switch p.Kind {
	case Altered:
		return one + which + " was changed after it was sealed"
	case Deleted:
		return one + which + " was deleted"
	case Unlisted:
		return many + ": the leaves were deleted"
	case Inserted:
		return "an entry" + which + " was put in and never sealed"
	case Rewritten:
		return many + " are not those that were sealed: replaced, put in, taken out or in another order"
	case Lost:
		return many + " are lost, or others are in their place: the log ends before the last checkpoint"
	case Forged:
		return fmt.Sprintf("the checkpoint for %d entries is not signed, or another than was given away", p.To)
	case Headless:
		return fmt.Sprintf("the checkpoint for %d entries is not in the database", p.To)
	case Uprooted:
		return many + ": an inner node of the tree is wrong, so proofs fail"
	case Subjects:
		return "an entry" + which + " has subjects that were not sealed with it"
	case Misordered:
		return one + which + " is dated more than a day before entries that were sealed before it"
	}
	return string(p.Kind)
}

// Report is what Verify found.
type Report struct {
	Size     int64     `json:"size"`     // entries that are sealed
	Given    int       `json:"given"`    // checkpoints that somebody else keeps
	Unread   int       `json:"unread"`   // and that cannot be believed: not whole, or of another log
	Reach    int64     `json:"reach"`    // the last of them up to which everything is as it was
	Own      int       `json:"own"`      // checkpoints of the database itself
	Unsealed int       `json:"unsealed"` // entries that are too new to be sealed
	Problems []Problem `json:"problems"` // the first ones, in the order of the log
	More     int       `json:"more,omitempty"`
}

// maxProblems is how many problems are listed; maxStrays how many entries
// outside the tree are looked at.
const (
	maxProblems = 100
	maxStrays   = 10_000
)

// verifier is one verification under way.
type verifier struct {
	view   func(func(db.Tx) error) error
	trust  Trust
	report Report
	heads  []head // by size
	tree   edge
	inner  map[node]bool // stored nodes of level 2 and higher
	good   int64         // the last head that fits
	given  int64         // the last of those given that fits: the log's own may be of a later history
	wrong  bool          // an entry was found that is not as it was
	latest time.Time     // of the entries so far
}

// head is a checkpoint to compare with.
type head struct {
	Checkpoint
	given bool
}

// Verify reads the whole log and compares it with its own checkpoints and with
// those that somebody else keeps, as signed notes. What it says reaches to the
// last of the latter. view runs a function in a read-only transaction of a role
// that sees every entry; progress, which may be nil, is told how many entries are done.
func Verify(view func(func(db.Tx) error) error, trust Trust, given []string, progress func(done, all int64)) (Report, error) {
	v := &verifier{view: view, trust: trust}
	end, err := v.begin(given)
	if err != nil {
		return v.report, err
	}
	if err := v.leaves(end, progress); err != nil {
		return v.report, err
	}
	if err := v.strays(); err != nil {
		return v.report, err
	}
	return v.finish(), nil
}

func (v *verifier) found(p Problem) {
	if len(v.report.Problems) >= maxProblems {
		v.report.More++
		return
	}
	v.report.Problems = append(v.report.Problems, p)
}

// begin collects the heads and returns where the log ends.
func (v *verifier) begin(given []string) (end int64, err error) {
	var log logState
	var last *int64
	var own []string
	if err := v.view(func(tx db.Tx) error {
		if log, _, err = loadLog(tx); err != nil {
			return err
		}
		return errors.Join(
			tx.Get(&last, `select max(idx) + 1 from audit_leaf`),
			tx.Select(&own, `select note from audit_checkpoint order by size`),
			v.readInner(tx))
	}); err != nil {
		return 0, err
	}
	v.report.Size = log.Size
	end = log.Size
	if last != nil {
		end = max(end, *last)
	}
	bySize := map[int64]head{}
	for _, signed := range given {
		c, err := v.trust.Open(signed)
		if err != nil {
			v.report.Unread++
			continue
		}
		if was, ok := bySize[c.Size]; ok && was.Root != c.Root {
			v.found(Problem{Kind: Forged, To: c.Size})
		}
		bySize[c.Size] = head{c, true}
	}
	if v.report.Given = len(bySize); len(given) > 0 && v.report.Given == 0 {
		return end, fmt.Errorf("%w: none of those given is signed by a trusted key", ErrCheckpoint)
	}
	inside := map[int64]bool{}
	for _, signed := range own {
		c, err := v.trust.Open(signed)
		if err != nil {
			v.found(Problem{Kind: Forged, To: c.Size})
			continue
		}
		v.report.Own++
		inside[c.Size] = true
		if was, ok := bySize[c.Size]; !ok {
			bySize[c.Size] = head{c, false}
		} else if was.Root != c.Root {
			v.found(Problem{Kind: Forged, To: c.Size})
		}
	}
	for size, h := range bySize {
		if h.given && !inside[size] && size > 0 {
			v.found(Problem{Kind: Headless, From: size, To: size})
		}
		v.heads = append(v.heads, h)
	}
	slices.SortFunc(v.heads, func(a, b head) int { return cmp.Compare(a.Size, b.Size) })
	return end, nil
}

// part is a stretch of leaves, compared with their entries.
type part struct {
	leaves   []leaf
	problems []Problem
	nodes    []Hash // stored nodes of level 1 in this stretch; Hash{} for one that is missing
	err      error
}

type leaf struct {
	Idx   int64
	At    time.Time
	Entry db.ID
	Bytes []byte
	hash  Hash
}

// stretch is how many leaves are read at a time: whole tiles.
const stretch = 32 * width

// leaves reads leaves and entries, several stretches at once, and grows the tree
// in order.
func (v *verifier) leaves(end int64, progress func(done, all int64)) error {
	queue := make(chan chan part, max(1, runtime.NumCPU()-1))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(queue)
		for from := int64(0); from < end; from += stretch {
			c := make(chan part, 1)
			select {
			case queue <- c:
			case <-stop:
				return
			}
			go func() { c <- v.read(from, min(from+stretch, end)) }()
		}
	}()
	next := 0 // of the heads
	for next < len(v.heads) && v.heads[next].Size == 0 {
		next++
	}
	for c := range queue {
		p := <-c
		if p.err != nil {
			return p.err
		}
		for _, problem := range p.problems {
			v.wrong = true
			v.found(problem)
		}
		for _, l := range p.leaves {
			v.late(l)
			for _, n := range v.tree.add(l.hash) {
				span := int64(1) << (tileHeight * n.level)
				if n.level == 1 && p.nodes[n.idx%(stretch/width)] != n.hash || n.level > 1 && !v.inner[n] {
					v.found(Problem{Kind: Uprooted, From: n.idx * span, To: (n.idx + 1) * span})
				}
			}
			for next < len(v.heads) && v.heads[next].Size == v.tree.size {
				v.compare(v.heads[next])
				next++
			}
		}
		if progress != nil {
			progress(v.tree.size, end)
		}
	}
	if next < len(v.heads) {
		lost := Problem{Kind: Lost, From: end, To: v.heads[len(v.heads)-1].Size}
		if v.heads[next].given {
			lost.From = v.given
		}
		v.found(lost)
	}
	return nil
}

// compare compares the tree with a head of its size.
func (v *verifier) compare(h head) {
	if v.tree.root() == h.Root {
		v.good = h.Size
		if h.given {
			v.given = h.Size
		}
		if h.given && !v.wrong {
			v.report.Reach = h.Size
		}
		return
	}
	from := v.good
	if h.given {
		from = v.given
	}
	// Once it does not fit, no later head does: one problem, where it began. A
	// leaf that is wrong or missing explains it.
	for _, p := range v.report.Problems {
		if p.Kind == Rewritten || (p.Kind == Altered || p.Kind == Unlisted) && p.From >= from && p.From < h.Size {
			return
		}
	}
	v.wrong = true
	v.found(Problem{Kind: Rewritten, From: from, To: h.Size})
}

// late finds entries that say they are much older than their neighbours.
func (v *verifier) late(l leaf) {
	if l.At.After(v.latest) {
		v.latest = l.At
	} else if l.At.Before(v.latest.Add(-24 * time.Hour)) {
		v.found(Problem{Kind: Misordered, From: l.Idx, To: l.Idx + 1, Entry: l.Entry, At: l.At})
	}
}

// read reads a stretch of leaves and compares each with its entry.
func (v *verifier) read(from, to int64) (p part) {
	p.err = v.view(func(tx db.Tx) error {
		there := make([]leaf, 0, to-from)
		if err := tx.Each(func(row db.Row) error {
			var l leaf
			err := row.Scan(&l.Idx, &l.At, &l.Entry, &l.Bytes)
			there = append(there, l)
			return err
		}, `select idx, at, event_id, hash from audit_leaf where idx >= $1 and idx < $2 order by idx`, from, to); err != nil {
			return err
		}
		entries, err := audit.Range(tx, from, to)
		if err != nil {
			return err
		}
		p.fill(from, to, there)
		for _, l := range there { // both are in order
			about := Problem{From: l.Idx, To: l.Idx + 1, Entry: l.Entry, At: l.At}
			if len(entries) == 0 || entries[0].Idx != l.Idx {
				about.Kind = Deleted
				p.problems = append(p.problems, about)
				continue
			}
			if hash := entries[0].Hash(); !bytes.Equal(hash[:], l.Bytes) {
				about.Kind = Altered
				p.problems = append(p.problems, about)
			}
			entries = entries[1:]
		}
		return p.readNodes(tx, from/width, (to-1)/width+1)
	})
	return p
}

// fill takes the leaves that are there, and an empty hash for each that is not.
func (p *part) fill(from, to int64, there []leaf) {
	at := from
	gap := func(upTo int64) {
		if at < upTo {
			p.problems = append(p.problems, Problem{Kind: Unlisted, From: at, To: upTo})
		}
		for ; at < upTo; at++ {
			p.leaves = append(p.leaves, leaf{Idx: at})
		}
	}
	for _, l := range there {
		gap(l.Idx)
		l.hash = toHash(l.Bytes)
		p.leaves = append(p.leaves, l)
		at++
	}
	gap(to)
}

// readInner reads the nodes of level 2 and higher, which are few.
func (v *verifier) readInner(tx db.Tx) error {
	var rows []struct {
		Level int    `db:"level"`
		Idx   int64  `db:"idx"`
		Hash  []byte `db:"hash"`
	}
	err := tx.Select(&rows, `select level, idx, hash from audit_node where level > 1`)
	v.inner = map[node]bool{}
	for _, r := range rows {
		v.inner[node{r.Level, r.Idx, toHash(r.Hash)}] = true
	}
	return err
}

func (p *part) readNodes(tx db.Tx, from, to int64) error {
	var rows []struct {
		Idx  int64  `db:"idx"`
		Hash []byte `db:"hash"`
	}
	p.nodes = make([]Hash, stretch/width)
	err := tx.Select(&rows, `select idx, hash from audit_node where level = 1 and idx >= $1 and idx < $2`, from, to)
	for _, r := range rows {
		p.nodes[r.Idx-from] = toHash(r.Hash)
	}
	return err
}

// strays finds entries and subjects that are no part of the tree.
func (v *verifier) strays() error {
	return v.view(func(tx db.Tx) error {
		if err := tx.Exec(`set local statement_timeout = '30min'`); err != nil { // they are looked for in the whole table
			return err
		}
		var rows []struct {
			ID       db.ID     `db:"id"`
			At       time.Time `db:"at"`
			Unsealed bool      `db:"unsealed"`
		}
		if err := tx.Select(&rows, `
			select e.id, e.at, coalesce(l.one is null or e.tx < pg_snapshot_xmax(pg_current_snapshot())
			         and not pg_visible_in_snapshot(e.tx, l.seen), true) as unsealed
			from audit_event e left join audit_log l on true
			where not exists (select from audit_leaf f where f.event_id = e.id and f.at = e.at)
			order by e.at, e.id limit $1`, maxStrays); err != nil {
			return err
		}
		for _, r := range rows {
			if r.Unsealed {
				v.report.Unsealed++
			} else {
				v.found(Problem{Kind: Inserted, Entry: r.ID, At: r.At})
			}
		}
		rows = nil
		if err := tx.Select(&rows, `
			select distinct s.event_id as id, s.at, false as unsealed
			from audit_subject s left join audit_event e on e.at = s.at and e.id = s.event_id
			where coalesce(e.subjects, 0) = 0 order by s.at, s.event_id limit $1`, maxStrays); err != nil {
			return err
		}
		for _, r := range rows {
			v.found(Problem{Kind: Subjects, Entry: r.ID, At: r.At})
		}
		return nil
	})
}

// finish puts the problems in the order of the log.
func (v *verifier) finish() Report {
	place := func(p Problem) int64 {
		if p.Kind == Inserted || p.Kind == Subjects { // which have none
			return math.MaxInt64
		}
		return p.From
	}
	slices.SortStableFunc(v.report.Problems, func(a, b Problem) int { return cmp.Compare(place(a), place(b)) })
	return v.report
}

// Origin is the log's name, and all that it ever had; "" before anything was
// sealed.
func Origin(tx db.Tx) (now string, all []string, err error) {
	log, _, err := loadLog(tx)
	if err == nil {
		err = tx.Select(&all, `select distinct split_part(note, chr(10), 1) from audit_checkpoint`)
	}
	return log.Origin, append(all, log.Origin), err
}
