package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"daftar/db"
	"daftar/jose"
	"daftar/registry/retention"
	"daftar/seal"
)

// openKeys opens the key store alone: no database is needed to print a
// certificate.
func openKeys(c *Config) (*store, error) {
	dir := c.stateDir()
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, fmt.Errorf("cannot use the state directory %s (set DAFTAR_STATE_DIR): %w", dir, err)
	}
	keys, err := jose.OpenStore(filepath.Join(dir, "keys"))
	return &store{keys: keys}, err
}

func printAuthority(c *Config, name, commonName string) error {
	s, err := openKeys(c)
	if err != nil {
		return err
	}
	authority, err := s.keys.Authority(name, commonName, time.Now())
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(authority.PEM())
	return err
}

// commander is on whose behalf a command works.
var commander = db.Principal{Role: db.Jobs, Kind: "job"}

// openRing opens the class keys; where there are none, it makes them and says so.
// A class that came with this version gets its key.
func (s *store) openRing(path string, outside *seal.Outside) (fresh bool, err error) {
	s.ring, err = seal.OpenRing(path, outside)
	if err == nil {
		return false, s.ring.Complete()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := seal.MakeRing(path, outside); err != nil {
		return false, err
	}
	s.ring, err = seal.OpenRing(path, outside)
	return true, err
}

// checkRing refuses class keys that do not open what is sealed. New ones that do
// not are taken away again, so that nothing more is sealed under them.
func (s *store) checkRing(ctx context.Context, fresh bool) error {
	err := s.db.View(ctx, commander, func(tx db.Tx) error { return seal.Check(tx, s.ring) })
	if fresh && errors.Is(err, seal.ErrNoKey) {
		err = errors.Join(err, s.ring.Remove())
	}
	return err
}

type keysRotate struct {
	Drop bool `help:"Also forget class keys that nothing here is under any more. Backups of data keys that are older cannot be used then."`
}

// Run makes new class keys and wraps every data key again, while everything is
// served.
func (cmd keysRotate) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.ring.Add(); err != nil {
		return err
	}
	total := 0
	for n := 1; n > 0; total += n {
		if err := s.db.WithTx(ctx, commander, func(tx db.Tx) (err error) { n, err = seal.Rewrap(tx, s.ring); return err }); err != nil {
			return err
		}
	}
	fmt.Printf("made new class keys and wrapped %d data keys again\n", total)
	if !cmd.Drop {
		return nil
	}
	var used []seal.Use
	if err := s.db.View(ctx, commander, func(tx db.Tx) (err error) { used, err = seal.Used(tx); return err }); err != nil {
		return err
	}
	for _, class := range seal.Classes() {
		newest, err := s.ring.Newest(class)
		if err != nil {
			return err
		}
		for _, key := range s.ring.Keys(class) {
			if key == newest || slices.ContainsFunc(used, func(u seal.Use) bool { return u.Class == class && u.Key == int64(key) }) {
				continue
			}
			if err := s.ring.Drop(class, key); err != nil {
				return err
			}
			fmt.Printf("forgot class key %d of %s\n", key, class)
		}
	}
	return nil
}

type keysUsed struct{}

// Run says how many data keys are under which class key.
func (keysUsed) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	return s.db.View(ctx, commander, func(tx db.Tx) error {
		used, err := seal.Counted(tx)
		for _, u := range used {
			fmt.Printf("%s\t%d\t%d\n", u.Class, u.Key, u.N)
		}
		return err
	})
}

type keysDump struct{}

// Run writes the wrapped data keys, one a line.
func (keysDump) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	out := bufio.NewWriter(os.Stdout)
	if err := s.db.View(ctx, commander, func(tx db.Tx) error { return seal.Dump(tx, json.NewEncoder(out)) }); err != nil {
		return err
	}
	return out.Flush()
}

type keysRestore struct{}

// Run reads what dump wrote. What is there already stays; what was erased stays
// erased.
func (keysRestore) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	n := 0
	if err := s.db.WithTx(ctx, commander, func(tx db.Tx) (err error) {
		if n, err = seal.Restore(tx, json.NewDecoder(os.Stdin)); err != nil {
			return err
		}
		erased, err := retention.Orphans(tx)
		n -= int(erased)
		return err
	}); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the file ends in the middle: nothing was restored")
		}
		return err
	}
	fmt.Printf("restored %d data keys\n", n)
	return s.checkRing(ctx, false)
}
