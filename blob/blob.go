// Package blob keeps evidence files outside the database: a directory now, an
// object store where several machines share it.
package blob

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"daftar/fault"
)

// Dir keeps each blob as a file. Keys are made by the registry and never by
// whoever sent the file.
type Dir struct {
	root   string
	sealer Sealer
}

// Sealer makes what is stored unreadable without it.
type Sealer interface {
	Seal(key string, content []byte) ([]byte, error)
	Open(key string, sealed []byte) ([]byte, error)
	Forget(key string) error // what was sealed stays unreadable
}

// Sealed is the same directory, where Put seals and Get opens. What comes piece by
// piece (PutFrom, Open) stays as it is.
func (d *Dir) Sealed(s Sealer) *Dir { return &Dir{root: d.root, sealer: s} }

// OpenDir opens or makes the directory, mode 0700.
func OpenDir(root string) (*Dir, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	return &Dir{root: root}, nil
}

var validKey = regexp.MustCompile(`^[0-9a-f-]{36}$`)

func (d *Dir) path(key string) (string, error) {
	if !validKey.MatchString(key) {
		return "", fault.Hidden()
	}
	return filepath.Join(d.root, key[len(key)-2:], key), nil
}

// Put stores content under key. When it returns, the content is on disk.
func (d *Dir) Put(key string, content []byte) error {
	if d.sealer != nil {
		var err error
		if content, err = d.sealer.Seal(key, content); err != nil {
			return err
		}
	}
	_, err := d.PutFrom(key, bytes.NewReader(content), int64(len(content)))
	return err
}

// ErrTooLarge is content that is longer than it may be.
var ErrTooLarge = errors.New("the content is too large")

// PutFrom is Put for content that comes piece by piece, and may be as long as
// limit. It returns how long it was; of what is too long, nothing is kept.
func (d *Dir) PutFrom(key string, content io.Reader, limit int64) (int64, error) {
	path, err := d.path(key)
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".put*") // mode 0600
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	n, err := io.Copy(tmp, io.LimitReader(content, limit+1))
	if err == nil && n > limit {
		err = ErrTooLarge
	}
	if err != nil {
		return n, errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return n, err
	}
	return n, os.Rename(tmp.Name(), path)
}

// Open opens a blob to be read in any order; fault.NotFound when there is none.
func (d *Dir) Open(key string) (*os.File, error) {
	path, err := d.path(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Hidden()
	}
	return f, err
}

// Remove deletes a blob, and before it what it is read with. One that is not there
// is no error.
func (d *Dir) Remove(key string) error {
	path, err := d.path(key)
	if err != nil {
		return err
	}
	if d.sealer != nil {
		if err := d.sealer.Forget(key); err != nil {
			return err
		}
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Get reads a blob; fault.NotFound when there is none.
func (d *Dir) Get(key string) ([]byte, error) {
	path, err := d.path(key)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Hidden()
	}
	if err == nil && d.sealer != nil {
		return d.sealer.Open(key, b)
	}
	return b, err
}

// unfinished is how long a file may take to arrive.
const unfinished = 24 * time.Hour

// Sweep removes what is left of content that a program was storing when it
// ended.
func (d *Dir) Sweep(now time.Time) error {
	left, err := filepath.Glob(filepath.Join(d.root, "*", ".put*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		info, err := os.Stat(path)
		if err == nil && now.Sub(info.ModTime()) > unfinished {
			err = os.Remove(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
