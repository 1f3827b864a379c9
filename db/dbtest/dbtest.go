// Package dbtest gives every test its own migrated database: a clone of a
// template, dropped when the test ends. The server is the one that
// "daftar db run --temporary" started for the whole run, else one of the
// package's own.
package dbtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/localpg"
	"daftar/seal"
)

// Start is the instant at which a test's clock begins: a Monday, 09:00 UTC.
var Start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

var (
	server   string // socket directory
	serial   atomic.Int64
	template = sync.OnceValues(makeTemplate)
)

// Main runs a package's tests with a server. Every package that calls New
// hands it its TestMain.
func Main(m *testing.M) {
	if server = os.Getenv(localpg.TestSocket); server != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("/tmp", "dbtest")
	if err != nil {
		fail(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		fail(err)
	}
	pg, err := localpg.Start(context.Background(), localpg.Config{Dir: filepath.Join(dir, "pg"), Unsafe: true})
	if err != nil {
		_ = os.RemoveAll(dir)
		fail(err)
	}
	server = pg.Socket()
	code := m.Run()
	pg.Stop()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "dbtest:", err)
	os.Exit(1)
}

func address(role, database string) string { return localpg.SocketURL(server, role, database) }

// Clock is a test's clock. It stands still until moved.
type Clock struct{ now atomic.Pointer[time.Time] }

// Now is the clock's instant.
func (c *Clock) Now() time.Time { return *c.now.Load() }

// Set moves the clock to t.
func (c *Clock) Set(t time.Time) { c.now.Store(&t) }

// Add moves the clock on by d.
func (c *Clock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

// DB is a test's database with its clock.
type DB struct {
	*db.DB
	Clock *Clock
	// URL is the address of a role's login; Superuser may be asked for too.
	URL func(role string) string
}

// New clones the template for t.
func New(t testing.TB) *DB {
	t.Helper()
	if server == "" {
		t.Fatal("no server: the package needs func TestMain(m *testing.M) { dbtest.Main(m) }")
	}
	source, err := template()
	if err != nil {
		t.Fatal("template database: ", err)
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), serial.Add(1))
	admin(t, "create database "+name+" template "+source+" owner "+db.Owner)
	clock := &Clock{}
	clock.Set(Start)
	d, err := db.Open(db.Config{
		URL:     func(r db.Role) string { return address(r.Login(), name) },
		Clock:   clock.Now,
		Conns:   8,
		Wrapper: ring(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		admin(t, "drop database "+name+" with (force)")
	})
	return &DB{DB: d, Clock: clock, URL: func(role string) string { return address(role, name) }}
}

// ring holds the class keys of all tests of a program.
var ring = sync.OnceValue(func() *seal.Ring {
	r, err := seal.NewRing()
	if err != nil {
		fail(err)
	}
	return r
})

func admin(t testing.TB, statement string) {
	t.Helper()
	if err := execAs(context.Background(), address(localpg.Superuser, "postgres"), statement); err != nil {
		t.Fatal(statement, ": ", err)
	}
}

func execAs(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// makeTemplate migrates the template once per server, whichever package comes
// first.
func makeTemplate() (string, error) {
	ctx := context.Background()
	name := db.SchemaName()
	super := address(localpg.Superuser, "postgres")
	conn, err := pgx.Connect(ctx, super)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, `select pg_advisory_lock(7214)`); err != nil {
		return "", err
	}
	var there bool
	if err := conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&there); err != nil || there {
		return name, err
	}
	if err := db.EnsureRoles(ctx, super, db.Owner); err != nil {
		return "", err
	}
	making := name + "_making" // renamed when complete
	for _, statement := range []string{
		"drop database if exists " + making,
		"create database " + making + " template template0 owner " + db.Owner,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return "", err
		}
	}
	if err := db.Own(ctx, address(localpg.Superuser, making), making, db.Owner); err != nil {
		return "", err
	}
	if _, err := db.Migrate(ctx, address(db.Owner, making)); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "alter database "+making+" rename to "+name)
	return name, err
}
