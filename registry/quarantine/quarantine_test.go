package quarantine_test

import (
	"testing"
	"time"

	"daftar/blob"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry/quarantine"
	"daftar/scan"
	"daftar/scan/clamdtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	worker  = db.Principal{Role: db.Jobs, Kind: "job"}
	citizen = db.Principal{Role: db.Citizen, Kind: "citizen", Actor: db.ID{1}}
	officer = db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{2}}
)

// ward holds files.
type ward struct {
	*dbtest.DB
	t     *testing.T
	s     quarantine.Scanner
	found []string
}

func newWard(t *testing.T, clamd string) *ward {
	t.Helper()
	w := &ward{DB: dbtest.New(t), t: t}
	blobs, err := blob.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.s = quarantine.Scanner{DB: w.DB.DB, Blobs: blobs, Found: func(_ db.Tx, key string) error { w.found = append(w.found, key); return nil }}
	if clamd != "" {
		w.scanner(clamd)
	}
	return w
}

func (w *ward) scanner(address string) {
	w.t.Helper()
	c, err := scan.New(address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.s.Clamd = c
}

func (w *ward) do(who db.Principal, fn func(db.Tx) error) {
	w.t.Helper()
	if err := w.WithTx(w.t.Context(), who, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *ward) hold(content string) (id db.ID) {
	w.t.Helper()
	id = db.NewID(w.Now(), w.Rand())
	if err := w.s.Blobs.Put(id.String(), []byte(content)); err != nil {
		w.t.Fatal(err)
	}
	w.do(citizen, func(tx db.Tx) error { return quarantine.Hold(tx, id.String()) })
	return id
}

// office is what a member of staff is told who wants to open the file.
func (w *ward) office(id db.ID) (key string) {
	w.t.Helper()
	err := w.WithTx(w.t.Context(), officer, func(tx db.Tx) error { return quarantine.Check(tx, id.String()) })
	if err == nil {
		return "opens"
	}
	if f, ok := err.(*fault.Error); ok && f.Code == fault.Conflict {
		return f.Key
	}
	w.t.Fatal(err)
	return ""
}

// With the real clamd of the system.
func TestFilesAreHeldBackUntilScanned(t *testing.T) {
	t.Parallel()
	d := clamdtest.Start(t, false)
	w := newWard(t, d.Address)
	good, bad := w.hold("a photo"), w.hold("a photo with "+clamdtest.EICAR())
	for _, id := range []db.ID{good, bad, {9}} {
		if got := w.office(id); got != "scan.error.pending" {
			t.Error("before the scan: ", got)
		}
	}
	for range 2 {
		for _, id := range []db.ID{good, bad} {
			if err := w.s.Scan(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	if w.office(good) != "opens" || w.office(bad) != "scan.error.infected" {
		t.Error(w.office(good), w.office(bad))
	}
	if len(w.found) != 1 || w.found[0] != bad.String() {
		t.Error("told of ", w.found)
	}
	// no web role lifts the quarantine
	for _, who := range []db.Principal{citizen, officer} {
		for _, statement := range []string{`update blob_scan set state = 'clean', finding = ''`, `delete from blob_scan`,
			`insert into blob_scan (blob, asked_at, state, scanned_at) values ('x', now(), 'clean', now())`} {
			if w.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(statement) }) == nil {
				t.Error(who.Kind, " may ", statement)
			}
		}
	}
}

// While the daemon is down, files wait and stay closed; when it is back, they
// are found again and scanned.
func TestNothingIsLostWhileTheScannerIsDown(t *testing.T) {
	t.Parallel()
	d := clamdtest.Start(t, true)
	w := newWard(t, d.Address)
	d.Stop()
	bad := w.hold(clamdtest.EICAR())
	if err := w.s.Scan(t.Context(), bad); err == nil {
		t.Fatal("a scanner that is down gave a verdict")
	}
	waiting := func() (ids []db.ID) {
		w.do(worker, func(tx db.Tx) (err error) { ids, err = w.s.Waiting(tx); return err })
		return ids
	}
	if w.office(bad) != "scan.error.pending" || len(waiting()) != 0 {
		t.Error(w.office(bad), waiting())
	}
	w.Clock.Add(24 * time.Hour)
	if ids := waiting(); len(ids) != 1 || ids[0] != bad {
		t.Fatal(ids)
	}
	w.scanner(clamdtest.Start(t, true).Address)
	if err := w.s.Scan(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	if w.office(bad) != "scan.error.infected" || len(waiting()) != 0 {
		t.Error(w.office(bad), waiting())
	}
}

// Without a scanner files are open, and say that they were not scanned; once
// there is one, they are scanned after all.
func TestWithoutAScanner(t *testing.T) {
	t.Parallel()
	w := newWard(t, "")
	bad := w.hold(clamdtest.EICAR())
	if err := w.s.Scan(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	var state quarantine.State
	w.do(officer, func(tx db.Tx) (err error) { state, err = quarantine.StateOf(tx, bad.String()); return err })
	if w.office(bad) != "opens" || state != quarantine.NotScanned {
		t.Error(w.office(bad), state)
	}
	w.Clock.Add(time.Hour)
	w.do(worker, func(tx db.Tx) error {
		ids, err := w.s.Waiting(tx)
		if len(ids) != 0 {
			t.Error("asked again without a scanner")
		}
		return err
	})
	w.scanner(clamdtest.Start(t, false).Address)
	w.do(worker, func(tx db.Tx) error {
		ids, err := w.s.Waiting(tx)
		if len(ids) != 1 {
			t.Error("not found again")
		}
		return err
	})
	if err := w.s.Scan(t.Context(), bad); err != nil || w.office(bad) != "scan.error.infected" {
		t.Error(err, w.office(bad))
	}
}

func TestOnlyKeysOfOursAreHeld(t *testing.T) {
	t.Parallel()
	w := newWard(t, "")
	for _, key := range []string{"", "x", "../../etc/passwd"} {
		if err := w.WithTx(t.Context(), citizen, func(tx db.Tx) error { return quarantine.Hold(tx, key) }); err == nil {
			t.Errorf("held %q", key)
		}
	}
}
