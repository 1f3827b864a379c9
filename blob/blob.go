// Package blob keeps evidence files outside the database: a directory now, an
// object store where several machines share it.
package blob

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"daftar/fault"
)

// Dir keeps each blob as a file. Keys are made by the registry and never by
// whoever sent the file.
type Dir struct{ root string }

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
	path, err := d.path(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".put*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err := tmp.Write(content); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
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
	return b, err
}
