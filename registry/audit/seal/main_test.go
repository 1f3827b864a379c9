package seal_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
	"daftar/registry/audit"
	"daftar/registry/audit/seal"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const origin = "registry.example/audit"

// log is a database with its sealer.
type log struct {
	*dbtest.DB
	t      testing.TB
	keys   seal.Keys
	sealer *seal.Sealer
	out    []string // checkpoints that were given away
}

func newLog(t testing.TB) *log {
	t.Helper()
	l := &log{DB: dbtest.New(t), t: t, keys: seal.Keys{Signing: []crypto.Signer{newKey(t)}}}
	l.sealer = l.another()
	return l
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

// another is the sealer of another process, which has seen what was given away.
func (l *log) another() *seal.Sealer {
	l.t.Helper()
	var known *seal.Checkpoint
	if len(l.out) > 0 {
		c, err := l.trust().Open(l.out[len(l.out)-1])
		if err != nil {
			l.t.Fatal(err)
		}
		known = &c
	}
	return seal.New(seal.Config{DB: l.DB.DB, Origin: origin, Keys: func() (seal.Keys, error) { return l.keys, nil },
		Export: func(note string, _ time.Time) error { l.out = append(l.out, note); return nil }}, known)
}

func (l *log) trust() seal.Trust {
	l.t.Helper()
	lines, err := l.keys.Lines(origin)
	if err != nil {
		l.t.Fatal(err)
	}
	trust, err := seal.NewTrust(lines)
	if err != nil {
		l.t.Fatal(err)
	}
	return trust
}

// write writes n entries, each in a transaction of its own.
func (l *log) write(n int) {
	l.t.Helper()
	who := db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{15: 1}, Session: db.ID{15: 2}, Client: db.ClientComputer}
	for i := range n {
		l.Clock.Add(time.Second)
		if err := l.WithTx(l.t.Context(), who, func(tx db.Tx) error {
			e := audit.Event{Action: "person.read", SubjectKind: "person", Subject: db.ID{14: byte(i), 15: 3}, Purpose: "casework", Detail: map[string]any{"n": i}}
			if i%5 == 0 {
				e.Action = "person.listed"
				return audit.WriteAbout(tx, e, "person", []db.ID{{15: 8}, {14: byte(i), 15: 7}, {15: 8}})
			}
			return audit.Write(tx, e)
		}); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *log) pass() {
	l.t.Helper()
	if err := l.sealer.Pass(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	if err := l.sealer.Export(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) verify(given ...string) seal.Report {
	l.t.Helper()
	r, err := seal.Verify(func(fn func(db.Tx) error) error {
		return l.View(context.Background(), db.Principal{Role: db.Jobs}, fn)
	}, l.trust(), given, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// super is a connection of somebody who may do anything to the database, and
// whom no trigger stops.
func (l *log) super() *pgx.Conn {
	l.t.Helper()
	conn, err := pgx.Connect(l.t.Context(), l.URL(localpg.Superuser))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	must(l.t, conn, `set session_replication_role = replica`)
	return conn
}

func must(t testing.TB, conn *pgx.Conn, statement string, args ...any) int64 {
	t.Helper()
	tag, err := conn.Exec(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(statement, ": ", err)
	}
	return tag.RowsAffected()
}

func get[T any](t testing.TB, conn *pgx.Conn, query string, args ...any) (v T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatal(query, ": ", err)
	}
	return v
}

func clean(t testing.TB, r seal.Report, size int64) {
	t.Helper()
	if r.Size != size || len(r.Problems) != 0 || r.Unsealed != 0 {
		t.Fatalf("%+v", r)
	}
}
