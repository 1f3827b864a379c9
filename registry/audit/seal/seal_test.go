package seal_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
	"daftar/registry/audit/seal"
)

func TestSealAndVerify(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.pass() // nothing yet
	clean(t, l.verify(), 0)
	l.write(7)
	if r := l.verify(); r.Unsealed != 7 || len(r.Problems) != 0 {
		t.Errorf("before the first pass: %+v", r)
	}
	l.pass()
	clean(t, l.verify(l.out...), 7)
	for range 5 {
		l.write(131)
		l.pass()
		l.pass() // nothing new: no checkpoint
	}
	r := l.verify(l.out...)
	clean(t, r, 662)
	if r.Reach != 662 || r.Given != 6 || r.Own != 6 {
		t.Errorf("%+v", r)
	}
	// what the second party has is a note that others read
	lines, err := l.keys.Lines(origin)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(lines[0])
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(l.out[5]), note.VerifierList(v))
	if err != nil || !strings.HasPrefix(n.Text, origin+"\n662\n") || strings.Count(n.Text, "\n") != 3 {
		t.Errorf("%q %v", n.Text, err)
	}
}

// A transaction that began before a pass and commits after it is sealed by the
// next, and holds nobody up meanwhile.
func TestLateCommitsAreNeverSkipped(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.write(3)
	commit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.WithTx(t.Context(), db.Principal{Role: db.Citizen, Kind: "citizen"}, func(tx db.Tx) error {
			if err := audit.Write(tx, audit.Event{Action: "late"}); err != nil {
				return err
			}
			commit <- struct{}{}
			<-commit
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-commit
	l.pass()
	clean(t, l.verify(l.out...), 3)
	l.write(2)
	l.pass() // goes on, although the other has not ended
	clean(t, l.verify(l.out...), 5)
	commit <- struct{}{}
	wg.Wait()
	if r := l.verify(l.out...); r.Unsealed != 1 || len(r.Problems) != 0 {
		t.Errorf("%+v", r)
	}
	l.pass()
	clean(t, l.verify(l.out...), 6)
}

// Writers of many transactions, some rolled back, and several sealers at once:
// every entry is a leaf once.
func TestManySealersAndWriters(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	var wg sync.WaitGroup
	boom := errors.New("boom")
	done := make(chan struct{})
	for w := range 4 {
		wg.Go(func() {
			for i := range 60 {
				err := l.WithTx(t.Context(), db.Principal{Role: db.API, Kind: "job"}, func(tx db.Tx) error {
					for range 1 + i%3 {
						if err := audit.Write(tx, audit.Event{Action: "x"}); err != nil {
							return err
						}
					}
					if i%7 == w {
						return boom
					}
					return nil
				})
				if err != nil && !errors.Is(err, boom) {
					t.Error(err)
				}
			}
		})
	}
	var sealers sync.WaitGroup
	for range 3 {
		s := seal.New(seal.Config{DB: l.DB.DB, Origin: origin, Keys: func() (seal.Keys, error) { return l.keys, nil }}, nil)
		sealers.Go(func() {
			for {
				if err := s.Pass(t.Context()); err != nil {
					t.Error(err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	wg.Wait()
	close(done)
	sealers.Wait()
	l.pass()
	conn := l.super()
	clean(t, l.verify(l.out...), get[int64](t, conn, `select count(*) from audit_event`))
	if len(l.out) < 2 {
		t.Errorf("only %d passes sealed something", len(l.out))
	}
}

func TestLag(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	who := db.Principal{Role: db.Citizen}
	l.pass()
	l.Clock.Add(seal.RefuseAfter - time.Microsecond)
	if err := l.sealer.Writable(who); err != nil || l.sealer.State().Lag != seal.RefuseAfter-time.Microsecond {
		t.Error(err, l.sealer.State())
	}
	l.Clock.Add(time.Microsecond)
	err := l.sealer.Writable(who)
	if !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if err := l.sealer.Writable(db.Principal{Role: db.Jobs}); err != nil {
		t.Error("the worker is kept from mending it")
	}
	l.pass()
	if err := l.sealer.Writable(who); err != nil || l.sealer.State().Lag != 0 {
		t.Error(err, l.sealer.State())
	}
	// somebody else is at it and does not get on: the lag is that of the oldest entry
	conn := l.super()
	must(t, conn, `select pg_advisory_lock(4276215471)`)
	l.Clock.Add(30 * time.Second)
	l.pass()
	if lag := l.sealer.State().Lag; lag != 0 {
		t.Errorf("nothing waits, and the lag is %v", lag)
	}
	l.write(1)
	l.Clock.Add(2 * time.Minute)
	l.pass()
	if lag := l.sealer.State().Lag; lag != 2*time.Minute {
		t.Errorf("the lag is %v", lag)
	}
}

// A database that was dumped and restored on another server counts its
// transactions anew.
func TestTransactionsOfAnotherServer(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.write(5)
	l.pass()
	l.write(4)
	conn := l.super()
	far := int64(1) << 40
	must(t, conn, `update audit_event set tx = (tx::text::bigint + $1)::text::xid8`, far)
	must(t, conn, `update audit_log set seen = (select (x || ':' || x || ':')::pg_snapshot from (select max(tx::text::bigint) + 1 as x from audit_event e
		join audit_leaf l on l.event_id = e.id) m)`)
	l.pass()
	clean(t, l.verify(l.out...), 9)
	l.write(3)
	l.pass()
	l.write(3)
	l.pass()
	clean(t, l.verify(l.out...), 15)
}

// While there are two keys, both sign; what an old one signed is believed after
// it is gone.
func TestKeysChange(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.write(2)
	l.pass()
	old := l.keys
	oldTrust := l.trust()
	next := newKey(t)
	l.keys.Signing = append(l.keys.Signing, next)
	l.write(2)
	l.pass()
	if _, err := oldTrust.Open(l.out[1]); err != nil {
		t.Error("who trusts the old key cannot go on: ", err)
	}
	l.keys.Signing = l.keys.Signing[1:]
	l.keys.Retired = append(l.keys.Retired, old.Signing[0].Public().(ed25519.PublicKey))
	l.write(2)
	l.pass()
	clean(t, l.verify(l.out...), 6)
	if _, err := oldTrust.Open(l.out[2]); err == nil {
		t.Error("the old key still signs")
	}
}

func TestNothingIsSealedOnTopOfATampering(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]string{
		"a leaf at the edge":  `update audit_leaf set hash = sha256(hash) where idx = 299`,
		"an inner node":       `update audit_node set hash = sha256(hash)`,
		"a shorter log":       `with x as (delete from audit_leaf where idx > 100), y as (delete from audit_checkpoint where size > 100) update audit_log set size = 100`,
		"no checkpoint":       `delete from audit_checkpoint`,
		"a forged checkpoint": `update audit_checkpoint set note = replace(note, '300', '301')`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t)
			l.write(100)
			l.pass()
			l.write(200)
			l.pass()
			conn := l.super()
			if must(t, conn, tamper) == 0 {
				t.Fatal("nothing was changed")
			}
			l.write(1)
			if err := l.sealer.Pass(t.Context()); !errors.Is(err, seal.ErrBroken) || l.sealer.State().Broken == nil {
				t.Errorf("sealed on: %v", err)
			}
			if err := l.another().Pass(t.Context()); !errors.Is(err, seal.ErrBroken) {
				t.Errorf("another process seals on: %v", err)
			}
			if len(l.out) != 2 {
				t.Errorf("%d checkpoints were signed", len(l.out))
			}
		})
	}
}

func TestSplitNotes(t *testing.T) {
	t.Parallel()
	const a, b = "o\n1\nr\n\n— o x\n", "o\n2\nr\n\n— o x\n— o y\n"
	for _, file := range []string{a + "cut\n\n" + b, "o\n1\n\n" + a + b, a + b, a + "\n" + b, "\n" + a + "\n\n\n" + b + "\n", strings.TrimSuffix(a+b, "\n")} {
		if got, err := seal.SplitNotes(strings.NewReader(file)); err != nil || len(got) != 2 || got[0] != a || got[1] != b {
			t.Errorf("%q: %q %v", file, got, err)
		}
	}
}

// What is on a receipt is the hash that is sealed, and can be proven under any
// later checkpoint, without the database.
func TestReceiptsAreProven(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	about := db.ID{15: 9}
	receipts := func(role db.Role) []audit.Receipt {
		t.Helper()
		var list []audit.Receipt
		if err := l.View(t.Context(), db.Principal{Role: role}, func(tx db.Tx) (err error) {
			list, err = audit.Receipts(tx, about)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return list
	}
	l.write(300)
	for _, who := range []db.Principal{
		{Role: db.Citizen, Kind: "citizen", Actor: db.ID{15: 1}, Session: db.ID{15: 2}, Client: db.ClientPhone, ActingFor: db.ID{15: 3}},
		{Role: db.Staff, Kind: "staff", Actor: db.ID{15: 4}}, {Role: db.Citizen},
	} {
		l.Clock.Add(time.Second)
		if err := l.WithTx(t.Context(), who, func(tx db.Tx) error {
			return errors.Join(
				audit.WriteReceipt(tx, audit.Event{Action: "case.submitted", SubjectKind: "case", Subject: about, Case: about, Change: db.ID{15: 5}, Before: 1, After: 2,
					Detail: map[string]any{"b": "<é>", "a": []int{1, 2}, "long": 12345678901234567}}),
				audit.WriteReceipt(tx, audit.Event{Action: "case.withdrawn", Subject: about}))
		}); err != nil {
			t.Fatal(err)
		}
	}
	prove := func(leaf []byte, size int64) (p seal.Proof, err error) {
		err = l.View(t.Context(), db.Principal{Role: db.Citizen}, func(tx db.Tx) error {
			p, err = seal.Prove(tx, leaf, size)
			return err
		})
		return p, err
	}
	list := receipts(db.Citizen)
	if len(list) != 6 || len(receipts(db.Staff)) != 6 {
		t.Fatalf("%d receipts", len(list))
	}
	if _, err := prove(list[0].Hash, 0); !errors.Is(err, seal.ErrPending) {
		t.Errorf("before it is sealed: %v", err)
	}
	l.pass()
	l.write(400)
	l.pass()
	for _, r := range list {
		for _, size := range []int64{0, 306, 706} {
			p, err := prove(r.Hash, size)
			if err != nil {
				t.Fatal(r.Action, size, err)
			}
			c, err := p.Check(l.trust())
			if err != nil || c.Size != max(size, 306) && size != 0 || p.Log != origin || p.Leaf != r.Leaf() {
				t.Errorf("%+v %v", p, err)
			}
			for _, wrong := range []func(*seal.Proof){
				func(p *seal.Proof) { p.Index++ }, func(p *seal.Proof) { p.Leaf = list[5].Leaf()[:62] + "00" }, func(p *seal.Proof) { p.Path = p.Path[1:] },
				func(p *seal.Proof) { p.Size++ }, func(p *seal.Proof) { p.Checkpoint = strings.Replace(p.Checkpoint, "06", "07", 1) }, func(p *seal.Proof) { p.Leaf = "x" },
				func(p *seal.Proof) { p.Path = append([]string{"zz"}, p.Path...) },
			} {
				bad := p
				wrong(&bad)
				if _, err := bad.Check(l.trust()); err == nil {
					t.Errorf("a wrong proof is believed: %+v", bad)
				}
			}
		}
	}
	if _, err := prove(list[0].Hash, 307); !fault.Is(err, fault.NotFound) {
		t.Errorf("a head that was never signed: %v", err)
	}
	if _, err := prove(make([]byte, 32), 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("a receipt that nobody has: %v", err)
	}
	clean(t, l.verify(l.out...), 706)
}

func TestDir(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	dir := seal.Dir(t.TempDir())
	if last, err := dir.Last(l.keys); last != nil || err != nil {
		t.Error(last, err)
	}
	for day := range 3 {
		l.write(2)
		l.pass()
		if err := dir.Append(l.out[day], l.Clock.Now().AddDate(0, 0, day)); err != nil {
			t.Fatal(err)
		}
	}
	last, err := dir.Last(l.keys)
	if err != nil || last.Size != 6 {
		t.Errorf("%+v %v", last, err)
	}
	// the disk was full in the middle of the next one
	if err := dir.Append(l.out[2][:60], l.Clock.Now().AddDate(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	if last, err := dir.Last(l.keys); err != nil || last.Size != 6 {
		t.Errorf("%+v %v", last, err)
	}
	l.write(2)
	l.pass()
	if err := dir.Append(l.out[3], l.Clock.Now().AddDate(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	notes, err := seal.ReadNotes(string(dir))
	if err != nil {
		t.Fatal(err)
	}
	if r := l.verify(notes...); r.Given != 4 || r.Reach != 8 || len(r.Problems) != 0 {
		t.Errorf("%+v", r)
	}
	other := newLog(t)
	other.write(1)
	other.pass()
	if _, err := dir.Last(other.keys); err == nil {
		t.Error("another log's checkpoints are believed")
	}
}

// Files of checkpoints and proofs come from elsewhere: whatever is in them, they
// are read or refused.
func FuzzNotes(f *testing.F) {
	f.Add("o\n1\nr\n\n— o x\n", `{"leaf": "00", "path": ["00"], "checkpoint": "x"}`)
	f.Add("\n\n— \n\n—", `{"index": -1, "size": 9223372036854775807}`)
	trust, err := seal.NewTrust([]string{"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file, proof string) {
		notes, err := seal.SplitNotes(strings.NewReader(file))
		if err != nil {
			return
		}
		for _, n := range notes {
			if c, err := trust.Open(n); err == nil {
				t.Errorf("believed: %+v", c)
			}
		}
		var p seal.Proof
		if json.Unmarshal([]byte(proof), &p) == nil {
			if _, err := p.Check(trust); err == nil {
				t.Error("a proof without a signature is believed")
			}
		}
	})
}
