// Package seal keeps what would harm people unreadable to whoever takes the disk
// or a backup. What is sealed has a data key of its owner, and data keys are
// wrapped under the key of their class: docs/decisions/0033-sealing.md.
package seal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"daftar/db"
)

// The classes of data, each under a key of its own.
const (
	File  = "file"  // a photo; its owner is the file
	Case  = "case"  // the words of a case; its owner is the case
	Index = "index" // what values are compared by; one key, of no owner
)

// Classes lists them.
func Classes() []string { return []string{File, Case, Index} }

// ErrNoKey is data that is wrapped under a class key that is not there.
var ErrNoKey = errors.New("sealed under a key that is not here")

// Ring holds the class keys of a file, and of each class those before it. It
// follows the file: another process may add a key.
type Ring struct {
	path    string   // none: the keys are in memory alone
	outside *Outside // nil: the file is in the clear

	mu     sync.Mutex
	read   time.Time // when the file that was read was written
	sets   map[string]*keyset.Handle
	opened map[string]tink.AEAD
	clear  bool // the file is in the clear
}

var _ db.Wrapper = (*Ring)(nil)

// NewRing makes class keys that are kept nowhere: for tests.
func NewRing() (*Ring, error) {
	r := &Ring{}
	sets := map[string]*keyset.Handle{}
	return r, errors.Join(complete(sets), r.use(sets))
}

// MakeRing makes the file of class keys, mode 0600, unless it is there.
func MakeRing(path string, outside *Outside) error {
	sets := map[string]*keyset.Handle{}
	if err := complete(sets); err != nil {
		return err
	}
	err := write(path, outside, sets, os.Link)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// OpenRing reads the file of class keys; fs.ErrNotExist when there is none.
func OpenRing(path string, outside *Outside) (*Ring, error) {
	r := &Ring{path: path, outside: outside}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r, r.load(true)
}

// complete makes a key for each class that has none.
func complete(sets map[string]*keyset.Handle) error {
	for _, class := range Classes() {
		if sets[class] != nil {
			continue
		}
		h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
		if err != nil {
			return err
		}
		sets[class] = h
	}
	return nil
}

// load reads the file, if it changed or somebody needs a key that it had not. Under
// mu.
func (r *Ring) load(needed bool) error {
	if r.path == "" {
		return nil
	}
	info, err := os.Stat(r.path)
	if err != nil {
		return err
	}
	if !needed && info.ModTime().Equal(r.read) {
		return nil
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s holds keys and others may read it: chmod 600", r.path)
	}
	sets, clear, err := readFile(r.path, r.outside)
	if err != nil {
		return err
	}
	r.read, r.clear = info.ModTime(), clear
	return r.use(sets)
}

// InClear reports whether the file is as it was before there was anybody outside to
// keep its key. Add seals it.
func (r *Ring) InClear() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outside != nil && r.clear
}

// ringFile is the file of class keys.
type ringFile struct {
	Key  []byte                     `json:"key,omitempty"` // that the sets are sealed under, wrapped outside; without: they are in the clear
	Sets map[string]json.RawMessage `json:"sets"`          // tink keysets, by class
}

func readFile(path string, outside *Outside) (sets map[string]*keyset.Handle, clear bool, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, false, err
	}
	var file ringFile
	err = json.Unmarshal(raw, &file)
	if err == nil && file.Sets == nil { // as it was before keys were kept outside
		err = json.Unmarshal(raw, &file.Sets)
	}
	if err != nil || len(file.Sets) == 0 {
		return nil, false, fmt.Errorf("%s: %w", path, errNoRing)
	}
	var lock tink.AEAD
	if file.Key != nil {
		if outside == nil {
			return nil, false, fmt.Errorf("%s is sealed under a key that is kept outside: set the commands that wrap and unwrap it", path)
		}
		if lock, err = outside.open(file.Key); err != nil {
			return nil, false, fmt.Errorf("%s: %w", path, err)
		}
	}
	sets = map[string]*keyset.Handle{}
	for class, set := range file.Sets {
		from := keyset.NewJSONReader(bytes.NewReader(set))
		if lock == nil {
			sets[class], err = insecurecleartextkeyset.Read(from)
		} else {
			sets[class], err = keyset.ReadWithAssociatedData(from, lock, []byte(class))
		}
		if err != nil {
			return nil, false, fmt.Errorf("%s: class %s: %w", path, class, errNoRing)
		}
	}
	return sets, lock == nil, nil
}

var errNoRing = errors.New("it does not hold class keys")

func (r *Ring) use(sets map[string]*keyset.Handle) error {
	opened := map[string]tink.AEAD{}
	for class, set := range sets {
		var err error
		if opened[class], err = aead.New(set); err != nil {
			return err
		}
	}
	r.sets, r.opened = sets, opened
	return nil
}

// write writes the file whole: put is os.Link, which overwrites nothing, or
// os.Rename.
func write(path string, outside *Outside, sets map[string]*keyset.Handle, put func(from, to string) error) error {
	file := ringFile{Sets: map[string]json.RawMessage{}}
	var lock tink.AEAD
	if outside != nil {
		var err error
		if file.Key, lock, err = outside.seal(); err != nil {
			return err
		}
	}
	for class, set := range sets {
		var b bytes.Buffer
		var err error
		if lock == nil {
			err = insecurecleartextkeyset.Write(set, keyset.NewJSONWriter(&b))
		} else {
			err = set.WriteWithAssociatedData(keyset.NewJSONWriter(&b), lock, []byte(class))
		}
		if err != nil {
			return err
		}
		file.Sets[class] = b.Bytes()
	}
	raw, err := json.Marshal(file)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".seal*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err := tmp.Write(raw); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return put(tmp.Name(), path)
}

// Wrap wraps a data key under the newest key of its class.
func (r *Ring) Wrap(class string, key, about []byte) ([]byte, uint32, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(false); err != nil {
		return nil, 0, err
	}
	a := r.opened[class]
	if a == nil {
		return nil, 0, fmt.Errorf("class %s: %w", class, ErrNoKey)
	}
	wrapped, err := a.Encrypt(key, about)
	if err != nil {
		return nil, 0, err
	}
	return wrapped, keyID(wrapped), nil
}

// Unwrap opens what Wrap made; ErrNoKey when the key is not there.
func (r *Ring) Unwrap(class string, wrapped, about []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(ids(r.sets[class]), keyID(wrapped)) {
		if err := r.load(true); err != nil {
			return nil, err
		}
		if !slices.Contains(ids(r.sets[class]), keyID(wrapped)) {
			return nil, fmt.Errorf("class %s, key %d: %w", class, keyID(wrapped), ErrNoKey)
		}
	}
	return r.opened[class].Decrypt(wrapped, about)
}

// Newest is the key that a class wraps with.
func (r *Ring) Newest(class string) (uint32, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(false); err != nil {
		return 0, err
	}
	if r.sets[class] == nil {
		return 0, fmt.Errorf("class %s: %w", class, ErrNoKey)
	}
	newest, err := r.sets[class].Primary()
	if err != nil {
		return 0, err
	}
	return newest.KeyID(), nil
}

// Keys lists the keys of a class.
func (r *Ring) Keys(class string) []uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ids(r.sets[class])
}

// Add makes each class a new key, which it wraps with from now on. The keys
// before it still open.
func (r *Ring) Add() error {
	return r.change(func(sets map[string]*keyset.Handle) error {
		for class, set := range sets {
			m := keyset.NewManagerFromHandle(set)
			id, err := m.Add(aead.AES256GCMKeyTemplate())
			if err == nil {
				err = m.SetPrimary(id)
			}
			if err != nil {
				return err
			}
			if sets[class], err = m.Handle(); err != nil {
				return err
			}
		}
		return complete(sets)
	})
}

// Complete makes a key for each class that has none: a class that came with a newer
// program. One whose keys were lost is found by Check.
func (r *Ring) Complete() error {
	for _, class := range Classes() {
		if len(r.Keys(class)) == 0 {
			return r.change(complete)
		}
	}
	return nil
}

// Drop takes a key out of a class: what is still wrapped under it, here or in a
// backup, is lost.
func (r *Ring) Drop(class string, key uint32) error {
	return r.change(func(sets map[string]*keyset.Handle) error {
		if sets[class] == nil {
			return fmt.Errorf("class %s: %w", class, ErrNoKey)
		}
		m := keyset.NewManagerFromHandle(sets[class])
		err := m.Delete(key)
		if err == nil {
			sets[class], err = m.Handle()
		}
		return err
	})
}

func (r *Ring) change(edit func(map[string]*keyset.Handle) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	sets := maps.Clone(r.sets)
	if r.path != "" {
		var err error
		if sets, _, err = readFile(r.path, r.outside); err != nil {
			return err
		}
	}
	if err := edit(sets); err != nil {
		return err
	}
	if r.path == "" {
		return r.use(sets)
	}
	if err := write(r.path, r.outside, sets, os.Rename); err != nil {
		return err
	}
	return r.load(true)
}

// keyID is which key wrapped something: tink puts it in front, after a 1.
func keyID(wrapped []byte) uint32 {
	if len(wrapped) < 5 || wrapped[0] != 1 {
		return 0
	}
	return binary.BigEndian.Uint32(wrapped[1:])
}

func ids(set *keyset.Handle) (list []uint32) {
	for i := 0; set != nil && i < set.Len(); i++ {
		if e, err := set.Entry(i); err == nil {
			list = append(list, e.KeyID())
		}
	}
	return list
}

// Remove removes the file: of a ring that turns out to be for another database.
func (r *Ring) Remove() error { return os.Remove(r.path) }
