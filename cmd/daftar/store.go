package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"daftar/blob"
	"daftar/db"
	"daftar/db/localpg"
	"daftar/jose"
	auditseal "daftar/registry/audit/seal"
	"daftar/registry/retention"
	"daftar/seal"
)

// database names the database of the private server.
const database = "daftar"

// store is the database and the files of a running command.
type store struct {
	db       *db.DB
	keys     *jose.Store
	ring     *seal.Ring // the keys of what is sealed
	blobs    *blob.Dir
	pg       *localpg.Server   // nil when somebody else runs the server
	sealer   *auditseal.Sealer // of a running server; nil for other commands
	erasures retention.Ledger  // what was erased
	migrator string
	roleURL  func(db.Role) string
}

// open opens state directory and database, starting the private server when no
// other is configured. The schema is brought up to date.
func (c *Config) open(ctx context.Context, say func(string, ...any)) (*store, error) {
	s, err := openKeys(c)
	if err != nil {
		return nil, err
	}
	dir := c.stateDir()
	s.erasures = retention.Ledger(filepath.Join(dir, "erasures.jsonl"))
	if s.blobs, err = blob.OpenDir(filepath.Join(dir, "evidence")); err != nil {
		return nil, err
	}
	if err := s.connect(ctx, c, say); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *store) connect(ctx context.Context, c *Config, say func(string, ...any)) error {
	bootstrap := c.DatabaseURL
	if c.DatabaseURL == "" {
		pg, err := localpg.Start(ctx, localpg.Config{Dir: filepath.Join(c.stateDir(), "pg"), Database: database, Say: say})
		if err != nil {
			return err
		}
		s.pg = pg
		bootstrap = pg.URL(localpg.Superuser, database)
		s.migrator = pg.URL(db.Owner, database)
		s.roleURL = func(r db.Role) string { return pg.URL(r.Login(), database) }
		if err := db.EnsureRoles(ctx, bootstrap, db.Owner); err != nil {
			return err
		}
		if err := db.Own(ctx, bootstrap, database, db.Owner); err != nil {
			return err
		}
	} else {
		s.migrator, s.roleURL = c.DatabaseURL, c.roleURL
		for _, r := range db.Roles() {
			if c.roleURL(r) == "" {
				return usageError{fmt.Errorf("DAFTAR_DATABASE_URL is set, so every role needs its own address too: DAFTAR_DATABASE_URL_%s is missing", upper(string(r)))}
			}
		}
		if err := db.EnsureRoles(ctx, bootstrap); err != nil {
			return err
		}
	}
	ran, err := db.Migrate(ctx, s.migrator)
	if err != nil {
		return fmt.Errorf("the schema could not be brought up to date: %w", err)
	}
	if ran > 0 {
		say("brought the schema up to date (%d steps)", ran)
	}
	outside, err := seal.NewOutside(c.KeysWrap, c.KeysUnwrap)
	if err != nil {
		return usageError{err}
	}
	fresh, err := s.openRing(filepath.Join(c.stateDir(), "keys", "seal.json"), outside)
	if err != nil {
		return err
	}
	if s.db, err = db.Open(db.Config{URL: s.roleURL, Clock: time.Now, Writable: s.writable, Wrapper: s.ring}); err != nil {
		return err
	}
	s.blobs = s.blobs.Sealed(seal.Files{DB: s.db})
	if err := s.checkRing(ctx, fresh); err != nil {
		return err
	}
	return partitions(ctx, s.db)
}

// keeper erases what is due.
func (s *store) keeper() retention.Keeper {
	return retention.Keeper{DB: s.db, Blobs: s.blobs, Ledger: s.erasures}
}

// writable refuses to write what would not be sealed.
func (s *store) writable(who db.Principal) error {
	if s.sealer == nil {
		return nil
	}
	return s.sealer.Writable(who)
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 32
		}
	}
	return string(b)
}

func (s *store) close() {
	if s.db != nil {
		s.db.Close()
	}
	if s.pg != nil {
		s.pg.Stop()
	}
}

// say tells the operator on stderr, so that a command's result stays alone on
// stdout.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

type migrateCmd struct{}

// Run brings the schema up to date and says so.
func (migrateCmd) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	have, want, err := db.SchemaVersion(ctx, s.migrator)
	if err == nil && have != want {
		err = errors.New("the schema is not at the expected version")
	}
	if err == nil {
		fmt.Printf("the schema is at version %d\n", have)
	}
	return err
}
