package retention_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/blob"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
	"daftar/demo"
	"daftar/fault"
	auditseal "daftar/registry/audit/seal"
	"daftar/registry/retention"
	"daftar/seal"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// archive is a database with a keeper, its files and its ledger.
type archive struct {
	*dbtest.DB
	t      *testing.T
	blobs  *blob.Dir
	keeper retention.Keeper
	super  *pgx.Conn // whom no rule stops
}

func newArchive(t *testing.T) *archive {
	t.Helper()
	a := &archive{DB: dbtest.New(t), t: t}
	plain, err := blob.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a.blobs = plain.Sealed(seal.Files{DB: a.DB.DB})
	a.keeper = retention.Keeper{DB: a.DB.DB, Blobs: a.blobs, Ledger: retention.Ledger(filepath.Join(t.TempDir(), "erasures.jsonl"))}
	a.super = connect(t, a.URL(localpg.Superuser))
	return a
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (a *archive) sql(statement string, args ...any) {
	a.t.Helper()
	if _, err := a.super.Exec(a.t.Context(), statement, args...); err != nil {
		a.t.Fatal(err)
	}
}

func (a *archive) one(query string, args ...any) (s string) {
	a.t.Helper()
	if err := a.super.QueryRow(a.t.Context(), query, args...).Scan(&s); err != nil {
		a.t.Fatal(query, err)
	}
	return s
}

func (a *archive) run() {
	a.t.Helper()
	if err := a.keeper.Run(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
}

func (a *archive) do(who db.Principal, fn func(db.Tx) error) {
	a.t.Helper()
	if err := a.WithTx(a.t.Context(), who, fn); err != nil {
		a.t.Fatal(err)
	}
}

// country is a registry with rules and nothing else.
func country(t *testing.T) *archive {
	t.Helper()
	a := newArchive(t)
	a.sql(`set session_replication_role = replica`) // settings change by a proposal
	a.sql(`insert into setting (key, value, updated_at) values ('retention', '{"drafts": 3, "refused_cases": 24, "decided_cases": 120, "evidence": 60, "sign_ins": 12, "ended_records": 0}', now())`)
	a.sql(`set session_replication_role = default`)
	a.sql(`insert into case_kind (id, code, version, definition, published_at) values ('00000000-0000-0000-0000-000000000001', 'service', 1, '{}', now())`)
	a.sql(`insert into area (id, code, level, kind, name, l0) values ('00000000-0000-0000-0000-000000000002', 'MJ', 0, 'country', '{}', '00000000-0000-0000-0000-000000000002')`)
	a.sql(`insert into identity_provider (id, issuer) values ('s', 'http://s.example')`)
	for i, name := range []string{"one", "two"} {
		a.sql(`insert into staff (id, provider, sub, name) values ($1, 's', $2, $2)`, db.ID{15: byte(i + 10)}, name)
	}
	return a
}

func officer(n byte) db.Principal {
	return db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{15: n + 9}}
}

// a case in a state, begun now, with a photo; it was over at this moment unless it
// is open.
func (a *archive) file(state string) (id db.ID, photo string) {
	a.t.Helper()
	id, photo = db.NewID(a.Now(), rand.Reader), db.NewID(a.Now(), rand.Reader).String()
	var submitted, decided *time.Time
	now := a.Now()
	if state != "draft" {
		submitted = &now
	}
	if state == "approved" || state == "refused" {
		decided = &now
	}
	a.sql(`insert into case_file (id, ref, kind, kind_id, state, desk, channel, language, applicant, draft, created_at, submitted_at, due_on, area_id, decided_at)
		values ($1, $2, 'service', '00000000-0000-0000-0000-000000000001', $3, 'grievance', 'event', 'en', 'Somebody', '{"answers": {"what": "words"}}', $4::timestamptz, $5::timestamptz, $5::timestamptz::date,
		'00000000-0000-0000-0000-000000000002', $6)`, id, "C-"+id.String(), state, now, submitted, decided)
	if err := a.blobs.Put(photo, []byte("a photo")); err != nil {
		a.t.Fatal(err)
	}
	a.sql(`insert into evidence (id, case_id, kind, media_type, size, width, height, sha256, blob, uploaded_at) values ($1, $2, 'paper', 'image/jpeg', 1, 1, 1, 'x', $3, $4)`,
		db.NewID(now, rand.Reader), id, photo, now)
	return id, photo
}

// With a clock that goes on: what is due is erased on its day, and nothing else
// is, nor a second before.
func TestVirtualClockPurgesExactlyTheDueSet(t *testing.T) {
	t.Parallel()
	a := country(t)
	start := a.Now()
	names, photos := map[string]db.ID{}, map[string]string{}
	for _, s := range []string{"draft", "submitted", "refused", "approved"} {
		names[s], photos[s] = a.file(s)
	}
	names["held"], photos["held"] = a.file("approved")
	names["appealed"], photos["appealed"] = a.file("approved")
	decision := db.NewID(a.Now(), rand.Reader)
	a.sql(`set session_replication_role = replica`)
	a.sql(`insert into decision (id, ref, kind, case_id, outcome, decided_at) values ($1, 'D-1', 'case', $2, 'approved', $3)`, decision, names["appealed"], start)
	a.sql(`set session_replication_role = default`)
	appeal, _ := a.file("submitted")
	a.sql(`update case_file set appeals_id = $1 where id = $2`, decision, appeal)
	a.do(officer(1), func(tx db.Tx) error { return retention.Hold(tx, retention.Case, names["held"], "a court asks", "en") })

	erased := func() (list []string) {
		for name, id := range names {
			switch words := a.one(`select draft::text || applicant from case_file where id = $1`, id); {
			case words == "{}":
				list = append(list, name)
			case !strings.Contains(words, "words"):
				t.Error(name, words)
			}
			if _, err := a.blobs.Get(photos[name]); fault.Is(err, fault.NotFound) {
				list = append(list, name+" photo")
			} else if err != nil {
				t.Error(err)
			}
		}
		slices.Sort(list)
		return list
	}
	var want []string
	for _, step := range []struct {
		months int
		gone   []string
	}{
		{3, []string{"draft", "draft photo"}},
		{24, []string{"refused", "refused photo"}},
		{60, []string{"approved photo"}},
		{120, []string{"approved"}},
		{600, nil},
	} {
		day := start.AddDate(0, step.months, 0)
		a.Clock.Set(day.Add(-time.Second))
		a.run()
		if got := erased(); !slices.Equal(got, want) {
			t.Errorf("a second before %d months: %v, not %v", step.months, got, want)
		}
		a.Clock.Set(day)
		a.run()
		want = append(want, step.gone...)
		slices.Sort(want)
		if got := erased(); !slices.Equal(got, want) {
			t.Errorf("after %d months: %v, not %v", step.months, got, want)
		}
	}
	if n := a.one(`select count(*)::text from erasure`); n != "6" { // three cases, and the photos of each
		t.Error(n, " lines in the ledger: ", a.one(`select string_agg(kind || ' ' || rule, ', ' order by at, kind) from erasure`))
	}
	// the appeal is over, and the hold was ended by two people
	a.sql(`update case_file set state = 'refused', decided_at = submitted_at where id = $1`, appeal)
	var hold retention.Held
	a.do(officer(1), func(tx db.Tx) error {
		list, err := retention.Holds(tx)
		hold = list[0]
		return err
	})
	for _, s := range []struct {
		who  db.Principal
		do   func(db.Tx) error
		code fault.Code
	}{
		{officer(1), func(tx db.Tx) error { return retention.Decide(tx, hold.Ref, true) }, fault.Forbidden}, // who asked
		{officer(1), func(tx db.Tx) error { return retention.Lift(tx, hold.Ref) }, fault.Conflict},          // not agreed on yet
		{officer(2), func(tx db.Tx) error { return retention.Decide(tx, hold.Ref, true) }, ""},
		{officer(1), func(tx db.Tx) error { return retention.Lift(tx, hold.Ref) }, ""},
		{officer(1), func(tx db.Tx) error { return retention.Decide(tx, hold.Ref, true) }, fault.Forbidden},
	} {
		err := a.WithTx(t.Context(), s.who, s.do)
		if s.code == "" && err != nil || s.code != "" && !fault.Is(err, s.code) {
			t.Error(s.code, err)
		}
		a.run()
		if slices.Contains(erased(), "held") {
			t.Fatal("erased under a hold")
		}
	}
	a.do(officer(2), func(tx db.Tx) error { return retention.Decide(tx, hold.Ref, true) })
	a.run()
	if got := erased(); !slices.Contains(got, "held") || !slices.Contains(got, "appealed") || slices.Contains(got, "submitted") {
		t.Error("in the end: ", got)
	}
}

// what the whole database says, and in which tables.
func (a *archive) says(conn *pgx.Conn, words ...string) (found []string) {
	a.t.Helper()
	rows, err := conn.Query(a.t.Context(), `select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
		and table_name <> 'name_word' -- words of names, which others have too: nothing says whose they are
		order by 1`)
	if err != nil {
		a.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		a.t.Fatal(err)
	}
	for _, table := range tables {
		for _, w := range words {
			var n int
			if err := conn.QueryRow(a.t.Context(), `select count(*) from `+table+` x where position(lower($1) in lower(to_jsonb(x)::text)) > 0`, w).Scan(&n); err != nil {
				a.t.Fatal(err)
			}
			if n > 0 {
				found = append(found, table+" "+w)
			}
		}
	}
	return found
}

// dead makes Tomás of the demo somebody who died years ago, with a case of his own.
func (a *archive) dead() (person, own db.ID, photo string) {
	a.t.Helper()
	if err := demo.Seed(a.t.Context(), a.DB.DB, map[string]string{"citizen": "http://c.example", "staff": "http://s.example"}); err != nil {
		a.t.Fatal(err)
	}
	a.do(worker, func(tx db.Tx) (err error) { person, err = demo.Person(tx, "tomas"); return err })
	a.sql(`update person set status = 'deceased', status_reason = 'died', status_date = $2 where id = $1`, person, a.Now())
	a.sql(`insert into contact (person_id, kind, value, owner) values ($1, 'phone', '+254700999111', 'own')`, person)
	own, photo = db.NewID(a.Now(), rand.Reader), db.NewID(a.Now(), rand.Reader).String()
	now := a.Now()
	a.sql(`insert into case_file (id, ref, kind, kind_id, state, desk, channel, access, access_wanted, language, person_id, draft, created_at, submitted_at, due_on, area_id, decided_at)
		select $1, 'C-x', 'safeguarding', k.id, 'approved', 'protection', 'event', 'sealed', 'sealed', 'en', $2, '{}', $3::timestamptz, $3, $3::timestamptz::date, a.id, $3
		from case_kind k, area a where k.code = 'safeguarding' and a.code = 'MJ'`, own, person, now)
	a.do(worker, func(tx db.Tx) error {
		k, err := seal.For(tx, seal.Case, own)
		if err != nil {
			return err
		}
		sealed, err := k.Seal("case_file.draft", own, []byte(`{"answers": {"what": "They beat him"}}`))
		if err != nil {
			return err
		}
		return tx.Exec(`update case_file set draft = jsonb_build_object('sealed', encode($2, 'base64')) where id = $1`, own, sealed)
	})
	if err := a.blobs.Put(photo, []byte("a photo")); err != nil {
		a.t.Fatal(err)
	}
	a.sql(`insert into evidence (id, case_id, kind, media_type, size, width, height, sha256, blob, uploaded_at) values ($1, $2, 'paper', 'image/jpeg', 1, 1, 1, 'x', $3, $4)`,
		db.NewID(now, rand.Reader), own, photo, now)
	return person, own, photo
}

var tomas = []string{"Tomás", "Rivera", "MJ-1004-7710", "MJ10047710", "254700999111"}

func (a *archive) staff(key string) db.Principal {
	a.t.Helper()
	p, err := demo.Staff(a.t.Context(), a.DB.DB, key)
	if err != nil {
		a.t.Fatal(err)
	}
	p.Role = db.Staff
	return p
}

// A record goes only when somebody agreed, and then nothing of the person is left
// anywhere; the audit log verifies, from before to after.
func TestErasedPersonIsGoneAndTheAuditLogVerifies(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	person, own, photo := a.dead()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := auditseal.Keys{Signing: []crypto.Signer{key}}
	var given []string
	sealer := auditseal.New(auditseal.Config{DB: a.DB.DB, Origin: "registry.example/audit", Keys: func() (auditseal.Keys, error) { return keys, nil },
		Export: func(note string, _ time.Time) error { given = append(given, note); return nil }}, nil)
	pass := func() {
		t.Helper()
		if err := sealer.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := sealer.Export(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	pass()
	if found := a.says(a.super, tomas...); len(found) < 5 {
		t.Fatal("the words that are looked for are not there: ", found)
	}
	a.Clock.Set(a.Now().AddDate(0, 120, -1))
	a.run()
	if n := a.one(`select count(*)::text from erasure_due`); n != "0" {
		t.Error(n, " people are listed too early")
	}
	a.Clock.Set(a.Now().AddDate(0, 0, 1))
	a.run()
	a.run()
	if a.one(`select full_name from person where id = $1`, person) == "" || a.one(`select string_agg(person_id::text, ' ') from erasure_due`) != person.String() {
		t.Error("listed are ", a.one(`select count(*)::text from erasure_due`), ", and nobody agreed")
	}
	dpo := a.staff("dpo")
	var due []retention.Due
	a.do(dpo, func(tx db.Tx) (err error) { due, err = retention.Waiting(tx); return err })
	if len(due) != 1 {
		t.Fatal(due)
	}
	// a hold comes first
	a.do(dpo, func(tx db.Tx) error { return retention.Hold(tx, retention.Person, person, "an inheritance", "en") })
	if err := a.WithTx(t.Context(), dpo, func(tx db.Tx) error { return retention.Approve(tx, due[0].Ref) }); !fault.Is(err, fault.Conflict) {
		t.Error("under a hold: ", err)
	}
	var holds []retention.Held
	a.do(dpo, func(tx db.Tx) (err error) { holds, err = retention.Holds(tx); return err })
	a.do(a.staff("approver2"), func(tx db.Tx) error { return retention.Decide(tx, holds[0].Ref, false) })
	a.run()
	a.do(dpo, func(tx db.Tx) (err error) { due, err = retention.Waiting(tx); return err })
	if len(due) != 1 {
		t.Fatal("not listed again: ", due)
	}
	a.do(dpo, func(tx db.Tx) error { return retention.Approve(tx, due[0].Ref) })
	a.run()

	if found := a.says(a.super, tomas...); len(found) != 0 && !slices.Equal(found, []string{}) {
		t.Error("left: ", found)
	}
	if _, err := a.blobs.Get(photo); !fault.Is(err, fault.NotFound) {
		t.Error("his photo: ", err)
	}
	a.do(worker, func(tx db.Tx) error {
		keys, err := seal.Of(tx, seal.Case, own)
		if len(keys) != 0 {
			t.Error("the key of his case is there")
		}
		return err
	})
	if a.one(`select count(*)::text from audit_event where action in ('person.erased', 'case.erased') and subject in ($1, $2)`, person, own) != "2" {
		t.Error("the audit log does not say it")
	}
	pass()
	lines, err := keys.Lines("registry.example/audit")
	if err != nil {
		t.Fatal(err)
	}
	trust, err := auditseal.NewTrust(lines)
	if err != nil {
		t.Fatal(err)
	}
	report, err := auditseal.Verify(func(fn func(db.Tx) error) error { return a.View(t.Context(), worker, fn) }, trust, given, nil)
	if err != nil || len(report.Problems) != 0 || report.Reach != report.Size {
		t.Error("the audit log: ", report, err)
	}
}

// A backup from before does not bring anybody back: the ledger is outside of it.
func TestRestoredBackupCannotReadTheErased(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	person, own, photo := a.dead()
	var wrapper db.Wrapper
	a.do(worker, func(tx db.Tx) error { wrapper = tx.Wrapper(); return nil })
	open := func(name string) *db.DB {
		d, err := db.Open(db.Config{URL: func(r db.Role) string {
			return strings.Replace(a.URL(r.Login()), a.one(`select current_database()`), name, 1)
		},
			Clock: a.Clock.Now, Wrapper: wrapper, Conns: 4})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.Close)
		return d
	}
	// the worst backup: a copy of the whole server, keys included, and of the files
	name := a.one(`select current_database()`)
	backup := name + "_backup"
	file := a.copyOf(photo)
	a.DB.Close()
	admin := connect(t, strings.Replace(a.URL(localpg.Superuser), name, "postgres", 1))
	if err := a.super.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec(t.Context(), "create database "+backup+" template "+name+" owner "+db.Owner); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = admin.Exec(context.Background(), "drop database "+backup+" with (force)") })
	a.super = connect(t, a.URL(localpg.Superuser))

	live := open(name)
	plain, err := blob.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a.keeper.DB, a.keeper.Blobs = live, plain.Sealed(seal.Files{DB: live})
	a.Clock.Set(a.Now().AddDate(11, 0, 0))
	a.run()
	a.sql(`update erasure_due set approved_at = now(), approved_by = (select id from staff limit 1)`)
	a.run()
	if found := a.says(a.super, tomas...); len(found) != 0 {
		t.Fatal("it was not erased: ", found)
	}

	restored := open(backup)
	super := connect(t, strings.Replace(a.URL(localpg.Superuser), name, backup, 1))
	if found := a.says(super, tomas...); len(found) == 0 {
		t.Fatal("the backup holds nothing")
	}
	old := retention.Keeper{DB: restored, Blobs: plain.Sealed(seal.Files{DB: restored}), Ledger: a.keeper.Ledger}
	for i, want := range []bool{true, false} { // once, and not again
		n, err := old.Replay(t.Context())
		if err != nil || (n > 0) != want {
			t.Error(i, n, err)
		}
	}
	if found := a.says(super, tomas...); len(found) != 0 {
		t.Error("the restored backup says ", found)
	}
	if err := plain.Put(photo, file); err != nil { // the disk was restored, too
		t.Fatal(err)
	}
	if _, err := old.Blobs.Get(photo); !fault.Is(err, fault.NotFound) {
		t.Error("his photo opens: ", err)
	}
	if err := restored.View(t.Context(), worker, func(tx db.Tx) error {
		keys, err := seal.Of(tx, seal.Case, own)
		if len(keys) != 0 {
			t.Error("the words of his case open")
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	// and an old backup of the keys does not help
	if err := restored.WithTx(t.Context(), worker, func(tx db.Tx) error {
		if _, err := seal.For(tx, seal.Case, own); err != nil {
			return err
		}
		if n, err := retention.Orphans(tx); err != nil || n < 1 {
			t.Error(n, err)
		}
		keys, err := seal.Of(tx, seal.Case, own)
		if len(keys) != 0 {
			t.Error("a key from an old backup stays")
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	_ = person
}

// copyOf is a file as it is on the disk.
func (a *archive) copyOf(photo string) []byte {
	a.t.Helper()
	plain := a.blobs.Sealed(nil)
	b, err := plain.Get(photo)
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// Half a line is what a program did not finish; anything else that is no entry is
// a damaged ledger, and is not passed over.
func TestLedger(t *testing.T) {
	t.Parallel()
	l := retention.Ledger(filepath.Join(t.TempDir(), "erasures.jsonl"))
	read := func() (n int, err error) {
		return n, l.Each(func(e []retention.Entry) error { n += len(e); return nil })
	}
	if n, err := read(); n != 0 || err != nil {
		t.Error("none: ", n, err)
	}
	for range 3 {
		if err := l.Append([]retention.Entry{{Kind: retention.Case, Subject: db.ID{1}, Rule: "drafts"}}); err != nil {
			t.Fatal(err)
		}
	}
	add := func(text string) {
		f, err := os.OpenFile(string(l), os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	add(`{"kind": "ca`)
	var n int
	err := l.Each(func(e []retention.Entry) error { n += len(e); return nil })
	if n != 3 || err != nil {
		t.Error("half a line: ", n, err)
	}
	add("\n")
	if err := l.Each(func([]retention.Entry) error { return nil }); err == nil || !strings.Contains(err.Error(), "line 4") {
		t.Error("a damaged line: ", err)
	}
}
