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
	File = "file" // a photo; its owner is the file
	Case = "case" // the words of a case; its owner is the case
)

// Classes lists them.
func Classes() []string { return []string{File, Case} }

// ErrNoKey is data that is wrapped under a class key that is not there.
var ErrNoKey = errors.New("sealed under a key that is not here")

// Ring holds the class keys of a file, and of each class those before it. It
// follows the file: another process may add a key.
type Ring struct {
	path string // none: the keys are in memory alone

	mu     sync.Mutex
	read   time.Time // when the file that was read was written
	sets   map[string]*keyset.Handle
	opened map[string]tink.AEAD
}

var _ db.Wrapper = (*Ring)(nil)

// NewRing makes class keys that are kept nowhere: for tests.
func NewRing() (*Ring, error) {
	r := &Ring{}
	sets := map[string]*keyset.Handle{}
	return r, errors.Join(complete(sets), r.use(sets))
}

// MakeRing makes the file of class keys, mode 0600, unless it is there.
func MakeRing(path string) error {
	sets := map[string]*keyset.Handle{}
	if err := complete(sets); err != nil {
		return err
	}
	err := write(path, sets, os.Link)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// OpenRing reads the file of class keys; fs.ErrNotExist when there is none.
func OpenRing(path string) (*Ring, error) {
	r := &Ring{path: path}
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
	sets, err := readFile(r.path)
	if err != nil {
		return err
	}
	r.read = info.ModTime()
	return r.use(sets)
}

func readFile(path string) (map[string]*keyset.Handle, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, errNoRing)
	}
	sets := map[string]*keyset.Handle{}
	for class, set := range file {
		if sets[class], err = insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(set))); err != nil {
			return nil, fmt.Errorf("%s: class %s: %w", path, class, errNoRing)
		}
	}
	return sets, nil
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
func write(path string, sets map[string]*keyset.Handle, put func(from, to string) error) error {
	file := map[string]json.RawMessage{}
	for class, set := range sets {
		var b bytes.Buffer
		if err := insecurecleartextkeyset.Write(set, keyset.NewJSONWriter(&b)); err != nil {
			return err
		}
		file[class] = b.Bytes()
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
		if sets, err = readFile(r.path); err != nil {
			return err
		}
	}
	if err := edit(sets); err != nil {
		return err
	}
	if r.path == "" {
		return r.use(sets)
	}
	if err := write(r.path, sets, os.Rename); err != nil {
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
