package seal_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/registry/audit"
	"daftar/registry/audit/seal"
)

// tables are everything that the log consists of.
var tables = []string{"audit_event", "audit_subject", "audit_leaf", "audit_node", "audit_checkpoint", "audit_log"}

// intruder is somebody who may do anything to the database and has none of the
// log's keys. Each trick returns the entries that it touched: from, up to and
// without to.
type intruder struct {
	*log
	*rand.Rand
	db   *pgx.Conn
	size int64 // of the last checkpoint that the second party has
}

// tricks are security.md's T14: edit, delete, insert, reorder, truncate, an old
// backup; each as carelessly and as carefully as can be.
var tricks = map[string]func(i *intruder) (from, to int64){
	"edit":                     (*intruder).edit,
	"edit and seal again":      (*intruder).editAndSeal,
	"date":                     (*intruder).date,
	"delete":                   (*intruder).delete,
	"delete with its leaf":     (*intruder).deleteWithLeaf,
	"delete and close the gap": (*intruder).deleteAndClose,
	"insert":                   (*intruder).insert,
	"insert and seal":          (*intruder).insertAndSeal,
	"reorder":                  (*intruder).reorder,
	"swap contents":            (*intruder).swap,
	"truncate the entries":     (*intruder).truncate,
	"truncate everything":      (*intruder).truncateAll,
	"old backup":               (*intruder).restore,
	"old backup, written on":   (*intruder).restoreAndGoOn,
	"add a subject":            (*intruder).addSubject,
	"remove a subject":         (*intruder).removeSubject,
	"subject of another entry": (*intruder).wrongSubject,
	"inner node":               (*intruder).node,
	"checkpoint":               (*intruder).checkpoint,
	"own signature":            (*intruder).ownSignature,
	"never sealed":             (*intruder).neverSealed,
}

// TestTampering (T14, abuse case 24) changes the log behind the program's back
// in every way, again and again: each is found, and where it was, as far as the
// second party's checkpoints reach.
func TestTampering(t *testing.T) {
	t.Parallel()
	rounds := len(tricks)
	if os.Getenv("LONG") != "" {
		rounds = 1000
	}
	i := &intruder{log: newLog(t), Rand: rand.New(rand.NewPCG(14, 24))}
	for range 9 {
		i.write(1 + i.IntN(80))
		i.pass()
	}
	i.write(2) // too new to be sealed
	i.db = i.super()
	for _, table := range tables {
		must(t, i.db, `create table saved_`+table+` as table `+table)
	}
	given := i.out[:7] // the second party is behind
	last, err := i.trust().Open(given[6])
	if err != nil {
		t.Fatal(err)
	}
	i.size = last.Size
	untouched := func() {
		t.Helper()
		if r := i.verify(given...); len(r.Problems) != 0 || r.Reach != i.size || r.Unsealed != 2 {
			t.Fatalf("what nobody changed is found fault with: %+v", r)
		}
	}
	untouched()
	names := make([]string, 0, len(tricks))
	for name := range tricks {
		names = append(names, name)
	}
	slices.Sort(names)
	for n := range rounds {
		name := names[n%len(names)]
		from, to := tricks[name](i)
		r := i.verify(given...)
		if !located(r, from, to) {
			t.Errorf("%s of entries %d to %d: %+v", name, from, to-1, r.Problems)
		}
		if len(r.Problems) > 0 && r.Problems[0].String() == string(r.Problems[0].Kind) {
			t.Errorf("%s: no words for %s", name, r.Problems[0].Kind)
		}
		i.undo()
		if n%100 == 99 {
			untouched()
		}
	}
	untouched()
}

// located reports whether the first problems name what was touched: an entry by
// itself, or a range with all of it inside. from < 0 means that any problem will
// do that names an entry without a place.
func located(r seal.Report, from, to int64) bool {
	for _, p := range r.Problems {
		if from < 0 && p.Entry != (db.ID{}) || from >= 0 && p.From <= from && (p.To >= to || p.To > from && p.Kind != seal.Rewritten) {
			return true
		}
	}
	return false
}

func (i *intruder) undo() {
	i.t.Helper()
	for _, table := range tables {
		must(i.t, i.db, `truncate `+table)
		must(i.t, i.db, `insert into `+table+` select * from saved_`+table)
	}
}

// any is an entry that the second party's checkpoints reach.
func (i *intruder) any() int64 { return i.Int64N(i.size) }

const ofLeaf = ` from audit_leaf l where l.idx = $1 and e.id = l.event_id and e.at = l.at`

func (i *intruder) edit() (int64, int64) {
	idx := i.any()
	change := []string{
		`action = action || 'x'`, `actor = gen_random_uuid()`, `actor = null`, `actor_kind = 'job'`, `subject = gen_random_uuid()`, `subject_kind = null`,
		`purpose = null`, `purpose = 'check'`, `basis = 'consent'`, `case_id = gen_random_uuid()`, `change_id = gen_random_uuid()`, `before_version = 1`, `after_version = 2`,
		`session = null`, `client = 'phone'`, `acting_for = gen_random_uuid()`, `subjects = subjects + 1`, `detail = detail || '{"n": -1}'`, `detail = '{}'`,
	}
	must(i.t, i.db, `update audit_event e set `+change[i.IntN(len(change))]+ofLeaf, idx)
	return idx, idx + 1
}

// reseal gives an entry the leaf that it should have as it is now.
func (i *intruder) reseal(idx int64) {
	i.t.Helper()
	if err := i.View(i.t.Context(), db.Principal{Role: db.Auditor}, func(tx db.Tx) error {
		list, err := audit.Range(tx, idx, idx+1)
		if err != nil || len(list) != 1 {
			return fmt.Errorf("%d entries, %w", len(list), err)
		}
		hash := list[0].Hash()
		must(i.t, i.db, `update audit_leaf set hash = $2 where idx = $1`, idx, hash[:])
		return nil
	}); err != nil {
		i.t.Fatal(err)
	}
}

func (i *intruder) editAndSeal() (int64, int64) {
	idx, to := i.edit()
	i.reseal(idx)
	return idx, to
}

func (i *intruder) date() (int64, int64) {
	idx := i.any()
	must(i.t, i.db, `update audit_event e set at = e.at - interval '1 hour'`+ofLeaf, idx)
	return idx, idx + 1
}

func (i *intruder) delete() (int64, int64) {
	idx := i.any()
	must(i.t, i.db, `delete from audit_event e using audit_leaf l where l.idx = $1 and e.id = l.event_id and e.at = l.at`, idx)
	return idx, idx + 1
}

func (i *intruder) deleteWithLeaf() (int64, int64) {
	idx, to := i.delete()
	must(i.t, i.db, `delete from audit_leaf where idx = $1`, idx)
	return idx, to
}

// shift moves the leaves from one on by n.
func (i *intruder) shift(from, n int64) {
	i.t.Helper()
	must(i.t, i.db, `update audit_leaf set idx = idx + 1000000 where idx >= $1`, from)
	must(i.t, i.db, `update audit_leaf set idx = idx - 1000000 + $1 where idx >= 1000000`, n)
	must(i.t, i.db, `update audit_log set size = size + $1`, n)
}

func (i *intruder) deleteAndClose() (int64, int64) {
	idx, to := i.deleteWithLeaf()
	i.shift(to, -1)
	return idx, to
}

// forge makes a row like that of an entry, with another identity.
func (i *intruder) forge(idx int64) db.ID {
	id := db.ID{0: 1, 1: byte(i.IntN(256)), 2: byte(i.IntN(256)), 15: 99}
	must(i.t, i.db, `insert into audit_event (id, at, tx, actor_kind, actor, action, subject_kind, subject, purpose)
		select $2, e.at, e.tx, 'staff', gen_random_uuid(), e.action, e.subject_kind, e.subject, e.purpose from audit_event e, audit_leaf l
		where l.idx = $1 and e.id = l.event_id and e.at = l.at`, idx, id)
	return id
}

func (i *intruder) insert() (int64, int64) {
	i.forge(i.any())
	return -1, -1
}

func (i *intruder) insertAndSeal() (int64, int64) {
	idx := i.any()
	id := i.forge(idx)
	i.shift(idx, 1)
	must(i.t, i.db, `insert into audit_leaf (idx, at, event_id, hash) select $1, at, id, sha256('') from audit_event where id = $2`, idx, id)
	i.reseal(idx)
	return idx, idx + 1
}

func (i *intruder) two() (a, b int64) {
	for a == b {
		a, b = i.any(), i.any()
	}
	return min(a, b), max(a, b)
}

// reorder exchanges two leaves, each still that of its entry.
func (i *intruder) reorder() (int64, int64) {
	a, b := i.two()
	must(i.t, i.db, `update audit_leaf set idx = idx + 1000000 where idx in ($1, $2)`, a, b)
	must(i.t, i.db, `update audit_leaf set idx = case when idx = $1::bigint + 1000000 then $2::bigint else $1::bigint end where idx >= 1000000`, a, b)
	return a, a + 1
}

// swap exchanges what two entries say.
func (i *intruder) swap() (int64, int64) {
	a, b := i.two()
	must(i.t, i.db, `
		update audit_event e set action = o.action || '.', subject = o.subject, detail = o.detail
		from audit_leaf l, audit_event o, audit_leaf m
		where l.idx in ($1, $2) and m.idx = $1::bigint + $2::bigint - l.idx and e.id = l.event_id and e.at = l.at and o.id = m.event_id and o.at = m.at`, a, b)
	return a, a + 1
}

func (i *intruder) truncate() (int64, int64) {
	table := []string{"audit_event", "audit_leaf"}[i.IntN(2)]
	must(i.t, i.db, `truncate `+table)
	return 0, 1
}

func (i *intruder) truncateAll() (int64, int64) {
	must(i.t, i.db, `truncate `+strings.Join(tables, ", "))
	return 0, i.size
}

// restore brings the database to an earlier state, as a whole.
func (i *intruder) restore() (int64, int64) {
	size := get[int64](i.t, i.db, `select size from audit_checkpoint where size < $1 order by random() limit 1`, i.size)
	must(i.t, i.db, `delete from audit_event e where not exists (select from audit_leaf l where l.event_id = e.id and l.at = e.at and l.idx < $1)`, size)
	must(i.t, i.db, `delete from audit_subject e where not exists (select from audit_leaf l where l.event_id = e.event_id and l.at = e.at and l.idx < $1)`, size)
	must(i.t, i.db, `delete from audit_leaf where idx >= $1`, size)
	must(i.t, i.db, `delete from audit_node where (idx + 1) * 256 > $1`, size)
	must(i.t, i.db, `delete from audit_checkpoint where size > $1`, size)
	must(i.t, i.db, `update audit_log set size = $1, seen = (select (x || ':' || x || ':')::pg_snapshot from (select max(tx::text::bigint) + 1 as x from audit_event) m)`, size)
	return size, size + 1
}

// restoreAndGoOn lets a sealer that knows nothing of the past go on from there,
// with the log's own key.
func (i *intruder) restoreAndGoOn() (int64, int64) {
	from, _ := i.restore()
	i.write(1 + i.IntN(200))
	given := i.out
	i.out = nil
	if err := i.another().Pass(i.t.Context()); err != nil {
		i.t.Fatal(err)
	}
	i.out = given
	return from, from + 1
}

func (i *intruder) addSubject() (int64, int64) {
	idx := i.any()
	lists := get[int](i.t, i.db, `select e.subjects from audit_event e, audit_leaf l where l.idx = $1 and e.id = l.event_id and e.at = l.at`, idx) > 0
	must(i.t, i.db, `insert into audit_subject (at, event_id, subject_kind, subject) select at, event_id, 'person', gen_random_uuid() from audit_leaf where idx = $1`, idx)
	if !lists {
		return -1, -1
	}
	return idx, idx + 1
}

// aList is an entry about several.
func (i *intruder) aList() int64 {
	return get[int64](i.t, i.db, `select l.idx from audit_leaf l join audit_event e on e.id = l.event_id and e.at = l.at
		where l.idx < $1 and e.subjects > 0 order by md5(l.idx || $2) limit 1`, i.size, fmt.Sprint(i.Int64()))
}

func (i *intruder) removeSubject() (int64, int64) {
	idx := i.aList()
	must(i.t, i.db, `delete from audit_subject s where (s.at, s.event_id, s.subject) in (
		select x.at, x.event_id, x.subject from audit_subject x join audit_leaf l using (event_id) where l.idx = $1 limit 1)`, idx)
	return idx, idx + 1
}

func (i *intruder) wrongSubject() (int64, int64) {
	idx := i.aList()
	must(i.t, i.db, `update audit_subject s set subject_kind = 'household' from audit_leaf l where l.idx = $1 and l.event_id = s.event_id`, idx)
	return idx, idx + 1
}

func (i *intruder) node() (int64, int64) {
	idx := get[int64](i.t, i.db, `update audit_node set hash = sha256(hash) where (level, idx) in (select level, idx from audit_node order by random() limit 1) returning idx`)
	return idx * 256, (idx + 1) * 256
}

func (i *intruder) checkpoint() (int64, int64) {
	size := get[int64](i.t, i.db, `select size from audit_checkpoint where size <= $1 order by random() limit 1`, i.size)
	if i.IntN(2) == 0 {
		must(i.t, i.db, `delete from audit_checkpoint where size = $1`, size)
		return size, size
	}
	must(i.t, i.db, `update audit_checkpoint set note = replace(note, E'\n' || size || E'\n', E'\n' || size - 1 || E'\n') where size = $1`, size)
	return size, size
}

// ownSignature is a history of the intruder's own, consistent in itself and
// signed, with a key that is not the log's.
func (i *intruder) ownSignature() (int64, int64) {
	from, _ := i.editAndSeal()
	keys, given := i.keys, i.out
	must(i.t, i.db, `truncate audit_leaf, audit_node, audit_checkpoint, audit_log`)
	i.keys = seal.Keys{Signing: keys.Signing[:0:0]}
	i.keys.Signing = append(i.keys.Signing, newKey(i.t))
	i.out = nil
	if err := i.another().Pass(i.t.Context()); err != nil {
		i.t.Fatal(err)
	}
	i.keys, i.out = keys, given
	return from, from + 1
}

// neverSealed keeps an entry from ever being sealed.
func (i *intruder) neverSealed() (int64, int64) {
	i.write(1)
	must(i.t, i.db, `update audit_log set seen = pg_current_snapshot()`)
	return -1, -1
}
