package audit_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"daftar/db"
	"daftar/registry/audit"
)

func ptr[T any](v T) *T { return &v }

// The encoding is what docs/audit.md says, to the byte: it can never change
// without a new version, because what is sealed stays.
func TestLeaf(t *testing.T) {
	t.Parallel()
	id := func(n byte) *db.ID { return &db.ID{0: 1, 15: n} }
	full := audit.Entry{
		ID: *id(1), At: time.Date(2026, 3, 2, 9, 0, 0, 120, time.FixedZone("x", 3600)), ActorKind: "staff", Actor: id(2), ActingFor: id(3), Session: id(4),
		Client: ptr("phone"), Action: "person.read", SubjectKind: ptr("person"), Subject: id(5), Before: ptr(1), After: ptr(2), Case: id(6), Change: id(7),
		Purpose: ptr("case\twork \"é\" \\ \x01\n"), Basis: ptr("public_task"), Subjects: 2, Detail: `{"n": 1}`, About: []string{"person b", "person a"},
	}
	const want = `{"action":"person.read","actor":"01000000-0000-0000-0000-000000000002","actor_kind":"staff","after":2,"at":"2026-03-02T08:00:00.000000Z",` +
		`"basis":"public_task","before":1,"case":"01000000-0000-0000-0000-000000000006","change":"01000000-0000-0000-0000-000000000007","client":"phone",` +
		`"detail":"{\"n\": 1}","for":"01000000-0000-0000-0000-000000000003","id":"01000000-0000-0000-0000-000000000001","purpose":"case\twork \"é\" \\ \u0001\n",` +
		`"session":"01000000-0000-0000-0000-000000000004","subject":"01000000-0000-0000-0000-000000000005","subject_kind":"person",` +
		`"subjects":"2 bbc122c91f1c5f72bf33f458b8dbb861b18e7921b9994f8f3d5dd0a8289a43b0","v":"daftar-audit-1"}`
	if got := string(full.Leaf()); got != want {
		t.Errorf("%s\ninstead of\n%s", got, want)
	}
	empty := audit.Entry{Action: "x", ActorKind: "job", Detail: "{}", At: time.Unix(0, 0)}
	const least = `{"action":"x","actor":null,"actor_kind":"job","after":null,"at":"1970-01-01T00:00:00.000000Z","basis":null,"before":null,"case":null,"change":null,` +
		`"client":null,"detail":"{}","for":null,"id":"00000000-0000-0000-0000-000000000000","purpose":null,"session":null,"subject":null,"subject_kind":null,` +
		`"subjects":"0","v":"daftar-audit-1"}`
	if got := string(empty.Leaf()); got != least {
		t.Errorf("%s\ninstead of\n%s", got, least)
	}
	hash := empty.Hash()
	if got := hex.EncodeToString(hash[:]); got != "8b251f0b98801c5577afd814940f2af4cc98d410a12e69e12aaf718027286d3d" {
		t.Errorf("the leaf hash is %s", got)
	}
}

// A leaf is JSON in the form of RFC 8785, and says everything.
func TestLeafIsCanonicalJSON(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab\"\\\n\t\r\b\f\x00\x1f\x7f é漢\U0001F600<>&")), 0, 12, -1)
	maybe := rapid.Ptr(text, true)
	entry := rapid.Custom(func(t *rapid.T) audit.Entry {
		return audit.Entry{Action: text.Draw(t, "action"), ActorKind: text.Draw(t, "kind"), Purpose: maybe.Draw(t, "purpose"), Basis: maybe.Draw(t, "basis"),
			Client: maybe.Draw(t, "client"), SubjectKind: maybe.Draw(t, "subject_kind"), Detail: text.Draw(t, "detail"),
			Before: rapid.Ptr(rapid.IntRange(0, 20), true).Draw(t, "before"), Subjects: rapid.IntRange(0, 2).Draw(t, "subjects"),
			About: rapid.SliceOfN(rapid.SampledFrom([]string{"person a", "person b", "household a"}), 0, 2).Draw(t, "about")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a := entry.Draw(t, "a")
		var m map[string]any
		if err := json.Unmarshal(a.Leaf(), &m); err != nil {
			t.Fatal(err)
		}
		if m["action"] != a.Action || a.Purpose != nil && m["purpose"] != *a.Purpose || a.Purpose == nil && m["purpose"] != nil || m["detail"] != a.Detail {
			t.Fatalf("%s says something else than %+v", a.Leaf(), a)
		}
		var again bytes.Buffer
		e := json.NewEncoder(&again)
		e.SetEscapeHTML(false)
		if err := e.Encode(m); err != nil {
			t.Fatal(err)
		}
		if got := strings.NewReplacer(`\u007f`, "\x7f").Replace(strings.TrimSpace(again.String())); got != string(a.Leaf()) {
			t.Fatalf("%s is not canonical: %s", a.Leaf(), got)
		}
	})
}

// Whom an entry is about is said with it, once, and by nobody else later.
func TestSubjectsBelongToTheirEntry(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	staff := db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{15: 1}}
	var id db.ID
	if err := d.WithTx(t.Context(), staff, func(tx db.Tx) error {
		if err := audit.WriteAbout(tx, audit.Event{Action: "person.listed"}, "person", []db.ID{{15: 2}, {15: 3}, {15: 2}}); err != nil {
			return err
		}
		return audit.WriteAbout(tx, audit.Event{Action: "person.listed"}, "person", nil)
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.View(t.Context(), auditor, func(tx db.Tx) error {
		var n int
		if err := tx.Get(&n, `select count(*) from audit_subject`); err != nil || n != 2 {
			t.Errorf("%d subjects, %v", n, err)
		}
		return tx.Get(&id, `select id from audit_event where subjects = 2`)
	}); err != nil {
		t.Fatal(err)
	}
	for what, statement := range map[string]string{
		"a subject more":                   `select audit_about($1, $2, 'person', '{00000000-0000-0000-0000-000000000009,00000000-0000-0000-0000-000000000008}')`,
		"a subject of no entry":            `select audit_about(gen_random_uuid(), $2, 'person', '{}') where $1::uuid is not null`,
		"a row of the table":               `insert into audit_subject (event_id, at, subject_kind, subject) values ($1, $2, 'person', $1)`,
		"another's name":                   `insert into audit_event (id, at, action, actor) values (gen_random_uuid(), $2, 'x', $1)`,
		"another session":                  `insert into audit_event (id, at, action, session) values (gen_random_uuid(), $2, 'x', $1)`,
		"another time for the sealing":     `insert into audit_event (id, at, action, tx) values ($1, $2, 'x', '3')`,
		"an entry taken back":              `delete from audit_event where id = $1 and at = $2`,
		"an entry that says another thing": `update audit_event set action = 'y' where id = $1 and at = $2`,
	} {
		if err := d.WithTx(t.Context(), staff, func(tx db.Tx) error { return tx.Exec(statement, id, tx.Now()) }); err == nil {
			t.Errorf("a web role wrote %s", what)
		}
	}
	for _, table := range []string{"audit_event", "audit_subject", "audit_leaf", "audit_node", "audit_checkpoint", "audit_receipt"} {
		for _, statement := range []string{"truncate " + table, "delete from " + table, "update " + table + " set at = at"} {
			if statement == "update audit_node set at = at" || table != "audit_event" && table != "audit_subject" && !strings.HasPrefix(statement, "truncate") {
				continue // has no rows here
			}
			if err := exec(t, d, db.Owner, statement); err == nil || !strings.Contains(err.Error(), "only ever added to") {
				t.Errorf("the owner's %s: %v", statement, err)
			}
		}
	}
}

// Months get a place of their own before they begin; one that has begun in the
// default keeps it.
func TestPartitions(t *testing.T) {
	t.Parallel()
	d := newDB(t)
	write := func() {
		t.Helper()
		if err := d.WithTx(t.Context(), db.Principal{Role: db.Citizen, Kind: "citizen"}, func(tx db.Tx) error {
			return audit.WriteAbout(tx, audit.Event{Action: "x"}, "person", []db.ID{{15: 1}})
		}); err != nil {
			t.Fatal(err)
		}
	}
	months := func() (n int) {
		t.Helper()
		if err := d.WithTx(t.Context(), db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) (err error) {
			n, err = audit.Partition(tx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	write() // in March, with no place of its own
	if n := months(); n != 4 {
		t.Errorf("%d partitions were made, not those of April and May", n)
	}
	if n := months(); n != 0 {
		t.Errorf("%d partitions were made again", n)
	}
	d.Clock.Add(31 * 24 * time.Hour)
	write()
	if n := months(); n != 2 {
		t.Errorf("%d partitions were made for June", n)
	}
	for table, want := range map[string]string{"audit_event": "audit_event_2026_04,audit_event_default", "audit_subject": "audit_subject_2026_04,audit_subject_default"} {
		var got string
		if err := d.View(t.Context(), auditor, func(tx db.Tx) error {
			return tx.Get(&got, `select string_agg(distinct tableoid::regclass::text, ',' order by tableoid::regclass::text) from `+table)
		}); err != nil || got != want {
			t.Errorf("%s (%v)", got, err)
		}
		if err := exec(t, d, db.Owner, "truncate "+table+"_2026_04"); err == nil {
			t.Error("a month can be emptied")
		}
		if err := exec(t, d, db.Owner, "delete from "+table+"_2026_04"); err == nil {
			t.Error("a month's rows can be deleted")
		}
	}
}
