package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var someone = db.NewID(dbtest.Start, zeros{})

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestPrincipalIsSetForOneTransaction(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	read := func(who db.Principal) (actor *db.ID, kind, login string) {
		t.Helper()
		var row struct {
			Actor *db.ID `db:"actor"`
			Kind  string `db:"kind"`
			Login string `db:"login"`
		}
		err := d.View(t.Context(), who, func(tx db.Tx) error {
			return tx.Get(&row, `select actor() as actor, actor_kind() as kind, session_user as login`)
		})
		if err != nil {
			t.Fatal(err)
		}
		return row.Actor, row.Kind, row.Login
	}
	if actor, kind, login := read(db.Principal{Role: db.Staff, Kind: "staff", Actor: someone}); actor == nil || *actor != someone || kind != "staff" || login != "daftar_staff" {
		t.Fatalf("got %v %q %q", actor, kind, login)
	}
	// The same connection, the next request: nothing is left of the last one.
	if actor, kind, _ := read(db.Principal{Role: db.Staff}); actor != nil || kind != "anonymous" {
		t.Fatalf("left over: %v %q", actor, kind)
	}
}

func TestWithTxRollsBackOnErrorAndPanic(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	who := db.Principal{Role: db.Jobs, Kind: "job"}
	put := func(tx db.Tx) error {
		return tx.Exec(`insert into setting (key, value, updated_at) values ('x', '1', $1)`, tx.Now())
	}
	boom := errors.New("boom")
	if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { return errors.Join(put(tx), boom) }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = d.WithTx(t.Context(), who, func(tx db.Tx) error { _ = put(tx); panic("boom") })
	}()
	var n int
	if err := d.View(t.Context(), who, func(tx db.Tx) error { return tx.Get(&n, `select count(*) from setting`) }); err != nil || n != 0 {
		t.Fatalf("%d rows, %v", n, err)
	}
}

func TestViewCannotWrite(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	err := d.View(t.Context(), db.Principal{Role: db.Jobs}, func(tx db.Tx) error {
		return tx.Exec(`insert into setting (key, value, updated_at) values ('x', '1', $1)`, tx.Now())
	})
	if err == nil {
		t.Fatal("a View wrote")
	}
}

// Writing can be refused as a whole, while reading goes on.
func TestWritesAreRefused(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	refusing, err := db.Open(db.Config{URL: func(r db.Role) string { return d.URL(r.Login()) }, Clock: d.Clock.Now, Writable: func(who db.Principal) error {
		if who.Role == db.Jobs {
			return nil
		}
		return fault.New(fault.Unavailable, "error.unsealed")
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(refusing.Close)
	nothing := func(db.Tx) error { return nil }
	for _, role := range []db.Role{db.Citizen, db.Staff, db.Issuer, db.API} {
		if err := refusing.WithTx(t.Context(), db.Principal{Role: role}, nothing); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s may write: %v", role, err)
		}
		if err := refusing.View(t.Context(), db.Principal{Role: role}, nothing); err != nil {
			t.Errorf("%s may not read: %v", role, err)
		}
	}
	if err := refusing.WithTx(t.Context(), db.Principal{Role: db.Jobs}, nothing); err != nil {
		t.Error(err)
	}
}

func TestEnqueueIsWhitelistedPerRole(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	ask := func(role db.Role, kind string) error {
		return d.WithTx(t.Context(), db.Principal{Role: role}, func(tx db.Tx) error { return tx.Enqueue(kind, someone, 1) })
	}
	if err := ask(db.Staff, "assess_household"); err != nil {
		t.Fatal(err)
	}
	if ask(db.Citizen, "assess_household") == nil || ask(db.Staff, "anything_else") == nil {
		t.Fatal("a role enqueued what it may not")
	}
}

func TestWebRolesCannotReadTheAuditLogOrRiver(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, role := range []db.Role{db.Citizen, db.Staff, db.Issuer, db.API} {
		for _, statement := range []string{
			`select count(*) from audit_event`,
			`update audit_event set action = ''`,
			`delete from audit_event`,
			`insert into audit_event (id, at, action, actor) values (gen_random_uuid(), now(), 'x', gen_random_uuid())`,
			`select count(*) from river.river_job`,
			`select count(*) from outbox`,
			`create table mine (x int)`,
		} {
			err := d.WithTx(t.Context(), db.Principal{Role: role}, func(tx db.Tx) error { return tx.Exec(statement) })
			if err == nil {
				t.Errorf("%s may %s", role, statement)
			}
		}
	}
}

func TestCancelledRequestLeavesThePoolUsable(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	who := db.Principal{Role: db.Citizen}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := d.View(ctx, who, func(tx db.Tx) error { return tx.Exec(`select pg_sleep(5)`) })
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v", err)
	}
	if err := d.View(t.Context(), who, func(tx db.Tx) error { return tx.Exec(`select 1`) }); err != nil {
		t.Fatal(err)
	}
}

func TestNewIDIsOrderedAndVersion7(t *testing.T) {
	t.Parallel()
	a := db.NewID(dbtest.Start, zeros{})
	b := db.NewID(dbtest.Start.Add(time.Millisecond), zeros{})
	if a.Version() != 7 || a.String() >= b.String() {
		t.Fatal(a, b)
	}
}

func TestMigrateTwiceAndAtOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	errs := make(chan error, 3)
	for range 3 {
		go func() { _, err := db.Migrate(t.Context(), d.URL(db.Owner)); errs <- err }()
	}
	for range 3 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	who := db.Principal{Role: db.Jobs, Kind: "job"}
	if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { _, err := tx.Forget(); return err }); err != nil {
		t.Fatal(err)
	}
}
