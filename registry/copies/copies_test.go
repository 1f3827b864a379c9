package copies_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/fault"
	"daftar/registry/copies"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// scene is the demo, with one of its people signed in.
type scene struct {
	*dbtest.DB
	t      *testing.T
	person db.ID
	who    db.Principal
}

func signedIn(t *testing.T, key string) *scene {
	t.Helper()
	s := &scene{DB: dbtest.New(t), t: t, who: db.Principal{Role: db.Citizen, Kind: "citizen"}}
	if err := demo.Seed(t.Context(), s.DB.DB, map[string]string{"citizen": "http://c.example", "staff": "http://s.example"}); err != nil {
		t.Fatal(err)
	}
	s.do(worker, func(tx db.Tx) (err error) {
		if s.person, err = demo.Person(tx, key); err != nil {
			return err
		}
		s.who.Actor = tx.NewID()
		return tx.Exec(`insert into account (id, provider, sub, person_id, created_at) values ($1, 'citizen', $2, $3, $4)`, s.who.Actor, key, s.person, tx.Now())
	})
	return s
}

func (s *scene) do(who db.Principal, fn func(db.Tx) error) {
	s.t.Helper()
	if err := s.WithTx(s.t.Context(), who, fn); err != nil {
		s.t.Fatal(err)
	}
}

// made asks for a copy and has it made.
func (s *scene) made() copies.Request {
	s.t.Helper()
	s.do(s.who, func(tx db.Tx) error { return copies.Ask(tx, s.person) })
	var id db.ID
	s.do(worker, func(tx db.Tx) error {
		return tx.Get(&id, `select id from data_copy where account_id = $1 and ready_at is null`, s.who.Actor)
	})
	if err := copies.Make(s.t.Context(), s.DB.DB, id); err != nil {
		s.t.Fatal(err)
	}
	var list []copies.Request
	s.do(s.who, func(tx db.Tx) (err error) { list, err = copies.Mine(tx); return err })
	return list[0]
}

func (s *scene) take(ref string, form copies.Form) (c copies.Copy, err error) {
	err = s.WithTx(s.t.Context(), s.who, func(tx db.Tx) (err error) { c, err = copies.Take(tx, ref, form); return err })
	return c, err
}

// Every table is in a copy, or left out for a reason that is written down.
func TestEveryTableIsInACopyOrLeftOutForAReason(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var names []string
	if err := d.View(t.Context(), worker, func(tx db.Tx) error {
		return tx.Select(&names, `select relname from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace`)
	}); err != nil {
		t.Fatal(err)
	}
	answered, left := copies.Answered(), copies.Left()
	for _, name := range names {
		switch in := slices.Contains(answered, name); {
		case !in && left[name] == "":
			t.Errorf("the table %s is in no copy, and nothing says why", name)
		case in && left[name] != "":
			t.Errorf("the table %s is in copies and left out", name)
		}
	}
	for name := range left {
		answered = append(answered, name)
	}
	for _, name := range answered {
		if !slices.Contains(names, name) {
			t.Errorf("there is no table %s", name)
		}
	}
}

// What is in the database about somebody is in the copy, row for row.
func TestCopyIsWhatTheDatabaseHas(t *testing.T) {
	t.Parallel()
	s := signedIn(t, "amina")
	c, err := s.take(s.made().Ref, copies.File)
	if err != nil {
		t.Fatal(err)
	}
	for section, query := range map[string]string{
		"person":      `select count(*) from person where id = $1`,
		"numbers":     `select count(*) from identifier where subject_id = $1`,
		"contacts":    `select count(*) from contact where person_id = $1 and not protected`,
		"ties":        `select count(*) from membership where person_id = $1`,
		"history":     `select count(*) from record_version where subject_id = $1`,
		"relations":   `select count(*) from relation where $1 in (person_id, other_id)`,
		"credentials": `select count(*) from credential where person_id = $1`,
		"notices":     `select count(*) from notice where person_id = $1`,
		"letters":     `select count(*) from letter where person_id = $1`,
		"account":     `select count(*) from account where person_id = $1`,
		"decisions":   `select count(*) from decision where kind = 'programme' and household_id in (select household_id from membership where person_id = $1 and tie = 'usual')`,
		"people":      `select count(*) from membership where end_date is null and tie = 'usual' and person_id <> $1 and household_id in (select household_id from membership where person_id = $1 and tie = 'usual')`,
	} {
		var n int
		s.do(worker, func(tx db.Tx) error { return tx.Get(&n, query, s.person) })
		if got := len(c.Sections[section]); got != n {
			t.Errorf("%s has %d entries, the database %d", section, got, n)
		}
	}
	for _, section := range []string{"person", "numbers", "ties", "people", "history", "decisions"} {
		if len(c.Sections[section]) == 0 {
			t.Errorf("nothing in %s: this test says little", section)
		}
	}
	// The names of values are those of the schema.
	for _, part := range copies.Sections() {
		for _, entry := range c.Sections[part.Code] {
			if len(entry) != len(part.Fields) {
				t.Errorf("%s: %v is not what the schema says", part.Code, entry)
			}
		}
	}
}

// RULES R4 and R5: of others the name and relationship; nothing protected; no
// database identifier of anything.
func TestCopyTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	s := signedIn(t, "amina")
	c, err := s.take(s.made().Ref, copies.File)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	file := string(raw)
	var others, mine []string
	s.do(worker, func(tx db.Tx) error {
		if err := tx.Select(&others, `
			select value from identifier where subject_kind = 'person' and subject_id <> $1
			union select value from contact where person_id <> $1 union select value from contact where protected
			union select ref from person where id <> $1 union select birth_from::text from person where id <> $1 and birth_from = birth_to`, s.person); err != nil {
			return err
		}
		return tx.Select(&mine, `select value from identifier where subject_id = $1 union select value from contact where person_id = $1 and not protected
			union select birth_from::text from person where id = $1`, s.person)
	})
	if len(others) < 5 {
		t.Fatal("there are no others")
	}
	for _, value := range others {
		if !slices.Contains(mine, value) && strings.Contains(file, value) {
			t.Errorf("the copy has %s, which is somebody else's", value)
		}
	}
	var ids []string
	s.do(worker, func(tx db.Tx) error {
		return tx.Select(&ids, `select id::text from person union select id::text from household union select id::text from account`)
	})
	for _, id := range ids {
		if strings.Contains(file, id) {
			t.Errorf("the copy has the identifier %s", id)
		}
	}
}

// The link works once, for whoever asked, until its time is over; then nothing is
// left.
func TestCopyIsTakenOnce(t *testing.T) {
	t.Parallel()
	s := signedIn(t, "amina")
	r := s.made()
	stranger := db.Principal{Role: db.Citizen, Kind: "citizen", Actor: db.ID{9}}
	if err := s.WithTx(t.Context(), stranger, func(tx db.Tx) error { _, err := copies.Take(tx, r.Ref, copies.File); return err }); !fault.Is(err, fault.NotFound) {
		t.Fatalf("a stranger is told %v", err)
	}
	var taken atomic.Int64
	var wait sync.WaitGroup
	for range 30 {
		wait.Go(func() {
			if _, err := s.take(r.Ref, copies.File); err == nil {
				taken.Add(1)
			} else if !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if taken.Load() != 1 {
		t.Fatalf("it was taken %d times", taken.Load())
	}
	if _, err := s.take(r.Ref, copies.Paper); err != nil {
		t.Fatalf("the document is a link of its own: %v", err)
	}
	kept := func() (n int) {
		s.do(worker, func(tx db.Tx) error { return tx.Get(&n, `select count(*) from data_copy where content is not null`) })
		return n
	}
	if kept() != 0 {
		t.Error("what was taken is still there")
	}
	r = s.made()
	s.Clock.Add(copies.TTL + time.Second)
	if _, err := s.take(r.Ref, copies.File); !fault.Is(err, fault.NotFound) {
		t.Errorf("after its time: %v", err)
	}
	s.do(worker, func(tx db.Tx) error { _, err := tx.Forget(); return err })
	if kept() != 0 {
		t.Error("what nobody took is still there")
	}
}

// An account that is somebody's no longer gets nothing of theirs.
func TestCopyIsForOnesOwnRecord(t *testing.T) {
	t.Parallel()
	s := signedIn(t, "amina")
	var other db.ID
	s.do(worker, func(tx db.Tx) (err error) { other, err = demo.Person(tx, "joseph"); return err })
	if err := s.WithTx(t.Context(), s.who, func(tx db.Tx) error { return copies.Ask(tx, other) }); err == nil {
		t.Error("a copy of somebody else's record can be asked for")
	}
	var c copies.Copy
	s.do(worker, func(tx db.Tx) (err error) { c, err = copies.Collect(tx, other, s.who.Actor); return err })
	for section, entries := range c.Sections {
		if len(entries) > 0 {
			t.Errorf("%s has something of somebody else", section)
		}
	}
}
