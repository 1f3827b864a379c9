package seal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"daftar/blob"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/seal"
)

var (
	jobs    = db.Principal{Role: db.Jobs, Kind: "job"}
	citizen = db.Principal{Role: db.Citizen, Kind: "citizen", Actor: db.ID{1}}
	auditor = db.Principal{Role: db.Auditor, Kind: "staff", Actor: db.ID{2}}
)

func do(t *testing.T, d *db.DB, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := d.WithTx(t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

// ringed is the test's database with a ring of its own, from a file.
func ringed(t *testing.T, d *dbtest.DB, path string) (*db.DB, *seal.Ring) {
	t.Helper()
	if err := seal.MakeRing(path, nil); err != nil {
		t.Fatal(err)
	}
	r, err := seal.OpenRing(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := db.Open(db.Config{URL: func(r db.Role) string { return d.URL(r.Login()) }, Clock: d.Clock.Now, Wrapper: r, Conns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	return own, r
}

// What is moved to another row, column or owner does not open.
func TestRowSwappingIsDetected(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	mine, theirs, row := db.ID{1}, db.ID{2}, db.ID{3}
	do(t, d.DB, citizen, func(tx db.Tx) error {
		k, err := seal.For(tx, seal.Case, mine)
		if err != nil {
			return err
		}
		other, err := seal.For(tx, seal.Case, theirs)
		if err != nil {
			return err
		}
		again, err := seal.For(tx, seal.Case, mine)
		if err != nil {
			return err
		}
		sealed, err := k.Seal("case_event.note", row, []byte("he has a gun"))
		if err != nil {
			return err
		}
		if bytes.Contains(sealed, []byte("gun")) {
			t.Error("it can be read")
		}
		if plain, err := again.Open("case_event.note", row, sealed); err != nil || string(plain) != "he has a gun" {
			t.Error("its own key: ", string(plain), err)
		}
		for name, open := range map[string]func() ([]byte, error){
			"another row":    func() ([]byte, error) { return k.Open("case_event.note", db.ID{4}, sealed) },
			"another column": func() ([]byte, error) { return k.Open("case_visit.what", row, sealed) },
			"another owner":  func() ([]byte, error) { return other.Open("case_event.note", row, sealed) },
			"a changed byte": func() ([]byte, error) {
				return k.Open("case_event.note", row, append(bytes.Clone(sealed[:len(sealed)-1]), ^sealed[len(sealed)-1]))
			},
		} {
			if _, err := open(); err == nil {
				t.Error("it opens in ", name)
			}
		}
		return nil
	})
	// and so with the keys themselves
	do(t, d.DB, jobs, func(tx db.Tx) error {
		return tx.Exec(`update seal.data_key set wrapped = (select wrapped from seal.data_key where owner = $2) where owner = $1`, mine, theirs)
	})
	if err := d.View(t.Context(), jobs, func(tx db.Tx) error { _, err := seal.Of(tx, seal.Case, mine); return err }); err == nil {
		t.Error("the wrapped key of another owner opens")
	}
}

// A database and the class keys of another do not go together.
func TestWrongClassKey(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	path := filepath.Join(t.TempDir(), "seal.json")
	own, ring := ringed(t, d, path)
	do(t, own, citizen, func(tx db.Tx) error { _, err := seal.For(tx, seal.Case, db.ID{1}); return err })
	if err := own.View(t.Context(), jobs, func(tx db.Tx) error { return seal.Check(tx, ring) }); err != nil {
		t.Error("its own ring: ", err)
	}
	other, wrong := ringed(t, d, filepath.Join(t.TempDir(), "seal.json"))
	if err := other.View(t.Context(), jobs, func(tx db.Tx) error { return seal.Check(tx, wrong) }); !errors.Is(err, seal.ErrNoKey) {
		t.Error("another ring: ", err)
	}
	if err := other.View(t.Context(), citizen, func(tx db.Tx) error { _, err := seal.Of(tx, seal.Case, db.ID{1}); return err }); !errors.Is(err, seal.ErrNoKey) {
		t.Error("another ring opens: ", err)
	}
	// a lost file is not made anew in silence, and one that others may read is not used
	if _, err := seal.OpenRing(filepath.Join(t.TempDir(), "seal.json"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error("no file: ", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.OpenRing(path, nil); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error("a file that others may read: ", err)
	}
}

// While class keys change and data keys are wrapped again, another process, which
// knows the old file, reads and writes all the time.
func TestRotationWhileReading(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	path := filepath.Join(t.TempDir(), "seal.json")
	serving, there := ringed(t, d, path)
	rotating, ring := ringed(t, d, path)
	row := db.ID{9}
	owners, sealed := make([]db.ID, 40), make([][]byte, 40)
	do(t, serving, citizen, func(tx db.Tx) error {
		for i := range owners {
			owners[i] = tx.NewID()
			k, err := seal.For(tx, seal.Case, owners[i])
			if err != nil {
				return err
			}
			if sealed[i], err = k.Seal("x.y", row, []byte{byte(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	first, err := ring.Newest(seal.Case)
	if err != nil {
		t.Fatal(err)
	}
	stop, reads := make(chan struct{}), 0
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			if err := serving.WithTx(t.Context(), citizen, func(tx db.Tx) error {
				if _, err := seal.For(tx, seal.Case, tx.NewID()); err != nil {
					return err
				}
				keys, err := seal.Of(tx, seal.Case, owners...)
				if err != nil {
					return err
				}
				for i, o := range owners {
					if plain, err := keys[o].Open("x.y", row, sealed[i]); err != nil || plain[0] != byte(i) {
						return errors.Join(errors.New("not what was sealed"), err)
					}
				}
				return nil
			}); err != nil {
				t.Error(err)
				return
			}
			reads++
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for range 3 {
		if err := ring.Add(); err != nil {
			t.Fatal(err)
		}
		for n := 1; n > 0; {
			do(t, rotating, jobs, func(tx db.Tx) (err error) { n, err = seal.Rewrap(tx, ring); return err })
		}
	}
	close(stop)
	reading.Wait()
	for n := 1; n > 0; {
		do(t, rotating, jobs, func(tx db.Tx) (err error) { n, err = seal.Rewrap(tx, ring); return err })
	}
	newest, err := there.Newest(seal.Case)
	if err != nil {
		t.Fatal(err)
	}
	do(t, rotating, jobs, func(tx db.Tx) error {
		used, err := seal.Counted(tx)
		if len(used) != 1 || used[0].Key != int64(newest) || newest == first || used[0].N < len(owners)+reads {
			t.Errorf("after %d reads: %+v, newest %d, first %d", reads, used, newest, first)
		}
		return err
	})
	// the first key can go: nothing needs it
	if err := ring.Drop(seal.Case, first); err != nil {
		t.Fatal(err)
	}
	do(t, serving, citizen, func(tx db.Tx) error { _, err := seal.Of(tx, seal.Case, owners...); return err })
}

// The blob store seals: what is on the disk tells nothing, and without its key a
// file is not there.
func TestFilesAreSealed(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	dir := t.TempDir()
	plain, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	blobs := plain.Sealed(seal.Files{DB: d.DB})
	a, b := db.NewID(d.Now(), d.Rand()).String(), db.NewID(d.Now(), d.Rand()).String()
	content := []byte("a birth certificate")
	for _, key := range []string{a, b} {
		if err := blobs.Put(key, content); err != nil {
			t.Fatal(err)
		}
		if raw, err := plain.Get(key); err != nil || bytes.Contains(raw, []byte("birth")) {
			t.Error("on the disk: ", string(raw), err)
		}
		if got, err := blobs.Get(key); err != nil || !bytes.Equal(got, content) {
			t.Error(string(got), err)
		}
	}
	// one file in the place of another, or one that was never sealed
	raw, err := plain.Get(a)
	if err != nil {
		t.Fatal(err)
	}
	for what, instead := range map[string][]byte{"another's": raw, "a plain one": content} {
		if err := plain.Put(b, instead); err != nil {
			t.Fatal(err)
		}
		if _, err := blobs.Get(b); err == nil {
			t.Error("opens: ", what)
		}
	}
	// the disk is restored after the file was removed: it is not there all the same
	if err := blobs.Remove(a); err != nil {
		t.Fatal(err)
	}
	if err := plain.Put(a, raw); err != nil {
		t.Fatal(err)
	}
	if _, err := blobs.Get(a); !fault.Is(err, fault.NotFound) {
		t.Error("after it was removed: ", err)
	}
}

// Data keys are backed up apart, and come back without those that were destroyed
// in between being told from those that were lost.
func TestDataKeysAreBackedUpApart(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	do(t, d.DB, citizen, func(tx db.Tx) error {
		for i := range 3 {
			if _, err := seal.For(tx, seal.Case, db.ID{byte(i + 1)}); err != nil {
				return err
			}
		}
		return nil
	})
	var backup bytes.Buffer
	do(t, d.DB, jobs, func(tx db.Tx) error {
		if err := seal.Dump(tx, json.NewEncoder(&backup)); err != nil {
			return err
		}
		_, err := seal.Destroy(tx, seal.Case, db.ID{1}, db.ID{2})
		return err
	})
	half := backup.Bytes()[:backup.Len()-20]
	if err := d.WithTx(t.Context(), jobs, func(tx db.Tx) error {
		_, err := seal.Restore(tx, json.NewDecoder(bytes.NewReader(half)))
		return err
	}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("half a file: ", err)
	}
	do(t, d.DB, jobs, func(tx db.Tx) error {
		if keys, err := seal.Of(tx, seal.Case, db.ID{1}, db.ID{2}, db.ID{3}); err != nil || len(keys) != 1 {
			t.Error("before: ", len(keys), err)
		}
		if n, err := seal.Restore(tx, json.NewDecoder(&backup)); err != nil || n != 2 {
			t.Error("restored ", n, err)
		}
		keys, err := seal.Of(tx, seal.Case, db.ID{1}, db.ID{2}, db.ID{3})
		if len(keys) != 3 {
			t.Error("after: ", len(keys))
		}
		return err
	})
}

// Roles that have nothing to do with what is sealed see no key, and no web role
// destroys or changes one.
func TestWhoTouchesKeys(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	do(t, d.DB, citizen, func(tx db.Tx) error { _, err := seal.For(tx, seal.Case, db.ID{1}); return err })
	for statement, who := range map[string]db.Principal{
		`select wrapped from seal.data_key`:             auditor,
		`delete from seal.data_key`:                     citizen,
		`update seal.data_key set kek = 1`:              citizen,
		`delete from seal.data_key where owner is null`: {Role: db.Staff, Kind: "staff", Actor: db.ID{3}},
	} {
		if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %s: %v", who.Role, statement, err)
		}
	}
}

// Values are compared by a mark that nobody makes without the key: the same in a
// database, another in the next one, and for another kind.
func TestMarkTakesTheKey(t *testing.T) {
	t.Parallel()
	d, other := dbtest.New(t), dbtest.New(t)
	mark := func(d *dbtest.DB, who db.Principal, kind, value string) (m []byte) {
		t.Helper()
		do(t, d.DB, who, func(tx db.Tx) (err error) { m, err = seal.Mark(tx, kind, value); return err })
		return m
	}
	const kind, number = "contact.phone", "+254700100471"
	first := mark(d, jobs, kind, number)
	if again := mark(d, citizen, kind, number); !bytes.Equal(first, again) {
		t.Error("one number has two marks")
	}
	plain := sha256.Sum256([]byte(kind + "|" + number))
	for name, m := range map[string][]byte{
		"another number":   mark(d, jobs, kind, "+254700100472"),
		"another kind":     mark(d, jobs, "contact.email", number),
		"another database": mark(other, jobs, kind, number),
		"a hash":           plain[:],
	} {
		if bytes.Equal(first, m) {
			t.Error(name, " has the same mark")
		}
	}
}

// A file of class keys from before a class gets the one it lacks and keeps the
// others.
func TestRingIsCompleted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seal.json")
	r := openRing(t, path)
	file, err := r.Newest(seal.File)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept map[string]map[string]json.RawMessage
	if err := json.Unmarshal(raw, &kept); err != nil {
		t.Fatal(err)
	}
	delete(kept["sets"], seal.Index)
	if raw, err = json.Marshal(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	old := openRing(t, path)
	if _, err := old.Newest(seal.Index); !errors.Is(err, seal.ErrNoKey) {
		t.Fatal("it lacks nothing: ", err)
	}
	if err := old.Complete(); err != nil {
		t.Fatal(err)
	}
	made, err := old.Newest(seal.Index)
	if err != nil || old.Complete() != nil {
		t.Fatal(err)
	}
	again := openRing(t, path)
	if now, err := again.Newest(seal.Index); err != nil || now != made {
		t.Error("it is made anew each time: ", err)
	}
	if now, err := again.Newest(seal.File); err != nil || now != file {
		t.Error("another class lost its key: ", err)
	}
}

func openRing(t *testing.T, path string) *seal.Ring {
	t.Helper()
	if err := seal.MakeRing(path, nil); err != nil {
		t.Fatal(err)
	}
	r, err := seal.OpenRing(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
