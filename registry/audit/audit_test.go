package audit_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/registry/audit"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func newDB(t *testing.T) *dbtest.DB {
	t.Helper()
	return dbtest.New(t)
}

// exec runs a statement as whoever logs in as role.
func exec(t *testing.T, d *dbtest.DB, role, statement string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL(role))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.Exec(t.Context(), statement)
	return err
}

var auditor = db.Principal{Role: db.Auditor}

func logged(t *testing.T, d *dbtest.DB) (rows []string) {
	t.Helper()
	if err := d.View(t.Context(), auditor, func(tx db.Tx) error {
		return tx.Select(&rows, `
			select concat_ws(' ', role_or, action, subject_kind, subject, case_id, change_id, purpose, detail)
			from (select coalesce(actor_kind || ':' || right(actor::text, 1), actor_kind) as role_or, e.* from audit_event e) x order by id`)
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

// Who acted comes from the transaction, and the entry stands or falls with the
// deed.
func TestWrite(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	subject := db.ID{15: 9}
	for _, who := range []db.Principal{
		{Role: db.Staff, Kind: "staff", Actor: db.ID{15: 1}}, {Role: db.Citizen, Kind: "citizen", Actor: db.ID{15: 2}},
		{Role: db.Issuer, Kind: "wallet"}, {Role: db.API}, {Role: db.Jobs, Kind: "job"},
	} {
		d.Clock.Add(1e9)
		if err := d.WithTx(t.Context(), who, func(tx db.Tx) error {
			return audit.Write(tx, audit.Event{Action: "person.read", SubjectKind: "person", Subject: subject, Purpose: "case", Detail: map[string]any{"n": 1}})
		}); err != nil {
			t.Fatal(who.Role, err)
		}
		boom := errors.New("boom")
		if err := d.WithTx(t.Context(), who, func(tx db.Tx) error {
			return errors.Join(audit.Write(tx, audit.Event{Action: "undone"}), boom)
		}); !errors.Is(err, boom) {
			t.Fatal(err)
		}
	}
	const rest = ` person.read person 00000000-0000-0000-0000-000000000009 case {"n": 1}`
	got := logged(t, d)
	for i, who := range []string{"staff:1", "citizen:2", "wallet", "anonymous", "job"} {
		if len(got) != 5 || got[i] != who+rest {
			t.Fatalf("%q", got)
		}
	}
}

func TestWriteWithoutASubject(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := d.WithTx(t.Context(), db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		return audit.Write(tx, audit.Event{Action: "started"})
	}); err != nil {
		t.Fatal(err)
	}
	if got := logged(t, d); len(got) != 1 || got[0] != "job started {}" {
		t.Errorf("%q", got)
	}
	if err := d.WithTx(t.Context(), auditor, func(tx db.Tx) error { return audit.Write(tx, audit.Event{Action: "x"}) }); err == nil {
		t.Error("the auditor wrote into the log")
	}
}
