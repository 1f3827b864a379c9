package oversight_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
	"daftar/demo"
	"daftar/fault"
	"daftar/registry/audit"
	"daftar/registry/oversight"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

type scene struct {
	*dbtest.DB
	t *testing.T
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{dbtest.New(t), t}
	if err := demo.Seed(t.Context(), s.DB.DB, map[string]string{"citizen": "http://c.example", "staff": "http://s.example"}); err != nil {
		t.Fatal(err)
	}
	s.Clock.Add(time.Hour)
	return s
}

func (s *scene) do(who db.Principal, fn func(db.Tx) error) {
	s.t.Helper()
	if err := s.WithTx(s.t.Context(), who, fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) staff(key string) db.Principal {
	s.t.Helper()
	who, err := demo.Staff(s.t.Context(), s.DB.DB, key)
	if err != nil {
		s.t.Fatal(err)
	}
	who.Role = db.Staff
	return who
}

func (s *scene) super(statement string, args ...any) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.URL(localpg.Superuser))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close(s.t.Context()) }()
	if _, err := conn.Exec(s.t.Context(), `set session_replication_role = replica`); err != nil {
		s.t.Fatal(err)
	}
	if _, err := conn.Exec(s.t.Context(), statement, args...); err != nil {
		s.t.Fatal(statement, ": ", err)
	}
}

func (s *scene) people() (ids []db.ID) {
	s.t.Helper()
	s.do(worker, func(tx db.Tx) error { return tx.Select(&ids, `select id from person order by ref`) })
	return ids
}

func (s *scene) write(who db.Principal, e audit.Event, about ...db.ID) {
	s.t.Helper()
	s.Clock.Add(time.Second)
	s.do(who, func(tx db.Tx) error { return audit.WriteAbout(tx, e, "person", about) })
}

func (s *scene) watch() (n int) {
	s.t.Helper()
	s.do(worker, func(tx db.Tx) (err error) { n, err = oversight.Watch(tx); return err })
	return n
}

func (s *scene) alerts() (list []oversight.Alert) {
	s.t.Helper()
	s.do(s.staff("dpo"), func(tx db.Tx) (err error) { list, err = oversight.Alerts(tx); return err })
	return list
}

// Abuse case 17: who reads many records outside cases stands out within a minute,
// once a day, and nobody closes the alert about themselves.
func TestBrowsingRaisesAnAlert(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	verifier, dpo := s.staff("verifier"), s.staff("dpo")
	read := func(who db.Principal, e audit.Event, n int) {
		t.Helper()
		for i := range n {
			e.Action, e.SubjectKind, e.Subject = "person.read", "person", db.ID{0: 9, 15: byte(i)}
			s.write(who, e)
		}
	}
	read(verifier, audit.Event{Purpose: "casework"}, oversight.DefaultRules.ManyPerHour)
	for range 5 { // the same one again, in a case, in a change, by a job
		s.write(verifier, audit.Event{Action: "person.read", SubjectKind: "person", Subject: db.ID{0: 9}, Purpose: "check"})
	}
	read(verifier, audit.Event{Case: db.ID{15: 1}}, 60)
	read(verifier, audit.Event{Change: db.ID{15: 1}}, 60)
	read(worker, audit.Event{}, 60)
	if n := s.watch(); n != 0 {
		t.Fatalf("%d alerts about work as usual: %+v", n, s.alerts())
	}
	s.write(verifier, audit.Event{Action: "person.read", SubjectKind: "person", Subject: db.ID{0: 8}, Purpose: "check"})
	if n := s.watch(); n != 1 {
		t.Fatalf("%d alerts", n)
	}
	s.write(verifier, audit.Event{Action: "person.read", SubjectKind: "person", Subject: db.ID{0: 7}, Purpose: "check"})
	if n := s.watch(); n != 0 {
		t.Errorf("%d alerts more about the same", n)
	}
	list := s.alerts()
	if len(list) != 1 || list[0].Kind != "many" || list[0].Reads != oversight.DefaultRules.ManyPerHour+2 || list[0].StaffID != verifier.Actor {
		t.Fatalf("%+v", list)
	}
	shut := func(who db.Principal) error {
		return s.WithTx(t.Context(), who, func(tx db.Tx) error { return oversight.Close(tx, list[0], "improper", "Talked", "en") })
	}
	if err := shut(verifier); !fault.Is(err, fault.Forbidden) {
		t.Errorf("closed their own: %v", err)
	}
	if err := s.WithTx(t.Context(), verifier, func(tx db.Tx) error {
		return tx.Exec(`update audit_alert set closed_at = $1, closed_by = $2, finding = 'proper'`, tx.Now(), verifier.Actor)
	}); err == nil {
		t.Error("closed their own, past the page")
	}
	if err := shut(dpo); err != nil {
		t.Fatal(err)
	}
	if err := shut(dpo); !fault.Is(err, fault.Conflict) {
		t.Errorf("closed twice: %v", err)
	}
	s.write(verifier, audit.Event{Action: "person.read", SubjectKind: "person", Subject: db.ID{0: 6}, Purpose: "check"})
	s.watch()
	if list := s.alerts(); len(list) != 1 || list[0].Reads != oversight.DefaultRules.ManyPerHour+2 {
		t.Errorf("a closed alert grew: %+v", list)
	}
	s.Clock.Add(24 * time.Hour)
	read(verifier, audit.Event{Purpose: "casework"}, oversight.DefaultRules.ManyPerHour+1)
	if n := s.watch(); n != 1 {
		t.Errorf("%d alerts the next day", n)
	}
}

func TestFamilyAndProminentPeopleRaiseAlerts(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	verifier := s.staff("verifier")
	var joseph, amina, home db.ID
	s.do(worker, func(tx db.Tx) (err error) {
		if joseph, err = demo.Person(tx, "joseph"); err != nil {
			return err
		}
		if amina, err = demo.Person(tx, "amina"); err != nil {
			return err
		}
		return tx.Get(&home, `select household_id from membership where person_id = $1 and tie = 'usual'`, joseph)
	})
	kinds := func() string {
		var names []string
		for _, a := range s.alerts() {
			names = append(names, a.Kind)
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	s.super(`update staff set name = 'Ruth  OKELLO' where id = $1`, verifier.Actor)
	s.write(verifier, audit.Event{Action: "person.read", SubjectKind: "person", Subject: amina, Purpose: "check"})
	s.watch()
	if got := kinds(); got != "" {
		t.Fatalf("alerts %s", got)
	}
	s.write(verifier, audit.Event{Action: "household.read", SubjectKind: "household", Subject: home, Purpose: "check"})
	s.watch()
	if got := kinds(); got != "surname" {
		t.Errorf("after reading namesakes: %q", got)
	}
	s.super(`update person set tags = '{prominent}' where id = $1`, amina)
	s.watch()
	if got := kinds(); got != "prominent surname" {
		t.Errorf("after reading somebody prominent: %q", got)
	}
	// a country may see it otherwise
	s.Clock.Add(25 * time.Hour)
	s.do(worker, func(tx db.Tx) error {
		return tx.Exec(`insert into setting (key, value, updated_at) values ('audit_alerts', '{"many_per_hour": 1, "surname": 0, "prominent": 0}', $1)`, tx.Now())
	})
	s.write(verifier, audit.Event{Action: "person.read", SubjectKind: "person", Subject: amina, Purpose: "check"})
	s.write(verifier, audit.Event{Action: "person.read", SubjectKind: "person", Subject: joseph, Purpose: "check"})
	s.watch()
	if got := kinds(); got != "many prominent surname" {
		t.Errorf("with other rules: %q", got)
	}
}

// The auditor finds entries by person, actor, case, time, purpose and action, a
// page at a time; of a sealed case only that it was sealed (RULES R8).
func TestLog(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	verifier, intake := s.staff("verifier"), s.staff("intake")
	people := s.people()
	var refs []string
	s.do(worker, func(tx db.Tx) error { return tx.Select(&refs, `select ref from person order by ref`) })
	s.super(`alter table case_file drop constraint case_file_kind_check`)
	kase, sealed := db.ID{15: 1}, db.ID{15: 2}
	for id, kind := range map[db.ID]string{kase: "registration", sealed: "safeguarding"} {
		s.super(`insert into case_file (id, ref, kind, channel, opened_by, language, created_at) values ($1, $2, $3, 'counter', $4, 'en', $5)`,
			id, map[db.ID]string{kase: "C-22222-2222A", sealed: "C-22222-22223"}[id], kind, intake.Actor, s.Clock.Now())
	}
	start := s.Clock.Now()
	s.write(verifier, audit.Event{Action: "person.read", SubjectKind: "person", Subject: people[0], Purpose: "check"})
	s.write(intake, audit.Event{Action: "person.searched", Purpose: "casework"}, people[0], people[1])
	s.write(intake, audit.Event{Action: "case.submitted", SubjectKind: "case", Subject: kase, Case: kase})
	s.write(intake, audit.Event{Action: "case.submitted", SubjectKind: "case", Subject: sealed, Case: sealed})
	s.write(intake, audit.Event{Action: "case.read", SubjectKind: "case", Subject: sealed, Case: sealed})
	s.write(intake, audit.Event{Action: "case.sealed", SubjectKind: "case", Subject: sealed, Case: sealed})
	list := func(f oversight.Filter) string {
		t.Helper()
		if f.From.IsZero() {
			f.From = start
		}
		var names []string
		err := s.View(t.Context(), db.Principal{Role: db.Auditor, Kind: "staff"}, func(tx db.Tx) error {
			rows, _, err := oversight.List(tx, f, 100)
			for _, r := range rows {
				names = append(names, r.Action)
			}
			return err
		})
		if fault.Is(err, fault.NotFound) {
			return "nothing"
		}
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(names, " ")
	}
	officer := func(who db.Principal) string { return oversight.Officer{ID: who.Actor}.Ref() }
	for _, c := range []struct {
		f    oversight.Filter
		want string
	}{
		{oversight.Filter{}, "case.sealed case.submitted person.searched person.read"},
		{oversight.Filter{Person: refs[0]}, "person.searched person.read"},
		{oversight.Filter{Person: refs[1]}, "person.searched"},
		{oversight.Filter{Person: refs[2]}, ""},
		{oversight.Filter{Person: "P-x"}, "nothing"},
		{oversight.Filter{Officer: officer(verifier)}, "person.read"},
		{oversight.Filter{Officer: "S-22222-22222"}, "nothing"},
		{oversight.Filter{Action: "person"}, "person.searched person.read"},
		{oversight.Filter{Action: "person.read"}, "person.read"},
		{oversight.Filter{Action: "pers"}, ""},
		{oversight.Filter{Action: "case", Officer: officer(intake)}, "case.sealed case.submitted"},
		{oversight.Filter{Purpose: "check"}, "person.read"},
		{oversight.Filter{To: start.Add(1500 * time.Millisecond)}, "person.read"},
		{oversight.Filter{From: start.Add(1500 * time.Millisecond), Action: "person"}, "person.searched"},
	} {
		if got := list(c.f); got != c.want {
			t.Errorf("%+v: %q instead of %q", c.f, got, c.want)
		}
	}
	pages(t, s)
}

// pages reads everything in pages: each entry once, those of one instant
// together.
func pages(t *testing.T, s *scene) {
	t.Helper()
	start := s.Clock.Now().Add(time.Hour)
	s.Clock.Set(start)
	who := s.staff("verifier")
	for i := range 10 {
		s.Clock.Add(time.Second)
		s.do(who, func(tx db.Tx) error {
			for n := range 1 + i%4 {
				if err := audit.Write(tx, audit.Event{Action: fmt.Sprintf("x.%d-%d", i, n)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	seen := map[string]bool{}
	f := oversight.Filter{From: start}
	for page := 0; ; page++ {
		var next time.Time
		if err := s.View(t.Context(), db.Principal{Role: db.Auditor}, func(tx db.Tx) error {
			rows, n, err := oversight.List(tx, f, 5)
			for _, r := range rows {
				if seen[r.Action] {
					t.Errorf("%s twice", r.Action)
				}
				seen[r.Action] = true
			}
			next = n
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if next.IsZero() {
			break
		}
		f.Before = next
		if page > 10 {
			t.Fatal("no end")
		}
	}
	if len(seen) != 23 {
		t.Errorf("%d of 23 entries", len(seen))
	}
}

// The log is verified once a day unasked.
func TestDailyCheck(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	count := func() (n int) {
		s.do(worker, func(tx db.Tx) error {
			if err := oversight.AskDaily(tx); err != nil {
				return err
			}
			return tx.Get(&n, `select count(*) from outbox where kind = 'verify_audit'`)
		})
		return n
	}
	for i, want := range []int{1, 1, 2} {
		if got := count(); got != want {
			t.Errorf("%d: %d checks asked for instead of %d", i, got, want)
		}
		s.Clock.Add(12*time.Hour + time.Minute)
	}
}
