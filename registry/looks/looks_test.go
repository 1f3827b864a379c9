package looks_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
	"daftar/demo"
	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/looks"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// scene is the demo with some of its people signed in.
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

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

func (s *scene) do(who db.Principal, fn func(db.Tx) error) {
	s.t.Helper()
	if err := s.WithTx(s.t.Context(), who, fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) person(key string) (id db.ID) {
	s.t.Helper()
	s.do(worker, func(tx db.Tx) (err error) { id, err = demo.Person(tx, key); return err })
	return id
}

// account is somebody signed in to the portal whose record is known.
func (s *scene) account(key string) db.Principal {
	s.t.Helper()
	person := s.person(key)
	who := db.Principal{Role: db.Citizen, Kind: "citizen"}
	s.do(worker, func(tx db.Tx) error {
		who.Actor = tx.NewID()
		return tx.Exec(`insert into account (id, provider, sub, person_id, created_at) values ($1, 'citizen', $2, $3, $4)`, who.Actor, key, person, tx.Now())
	})
	return who
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

// read has somebody look at a person.
func (s *scene) read(who db.Principal, person db.ID) {
	s.t.Helper()
	s.Clock.Add(time.Minute)
	s.do(who, func(tx db.Tx) error {
		return audit.Write(tx, audit.Event{Action: "person.read", SubjectKind: "person", Subject: person, Purpose: "programme"})
	})
}

func (s *scene) of(who db.Principal, person db.ID) (list []looks.Look) {
	s.t.Helper()
	if err := s.View(s.t.Context(), who, func(tx db.Tx) (err error) {
		list, err = looks.Of(tx, person)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return list
}

func actions(list []looks.Look) string {
	var names []string
	for _, l := range list {
		names = append(names, l.Action)
	}
	return strings.Join(names, " ")
}

// A person sees every way in which staff saw them, and nobody else sees that.
func TestEveryLookIsShown(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	amina, joseph := s.person("amina"), s.person("joseph")
	her, him := s.account("amina"), s.account("joseph")
	verifier := s.staff("verifier")
	var home, other, kase db.ID
	s.do(worker, func(tx db.Tx) error {
		if err := tx.Get(&home, `select household_id from membership where person_id = $1 and tie = 'usual'`, amina); err != nil {
			return err
		}
		return tx.Get(&other, `select household_id from membership where person_id = $1 and tie = 'usual'`, joseph)
	})
	s.do(her, func(tx db.Tx) error {
		kase = tx.NewID()
		return tx.Exec(`insert into case_file (id, ref, kind, channel, account_id, language, draft, created_at) values ($1, 'C-x', 'registration', 'portal', $2, 'en', '{}', $3)`,
			kase, her.Actor, tx.Now())
	})
	s.read(verifier, amina)
	s.read(verifier, joseph)
	for _, e := range []struct {
		audit.Event
		about []db.ID
		kind  string
	}{
		{audit.Event{Action: "person.searched", Purpose: "casework"}, []db.ID{joseph, amina}, "person"},
		{audit.Event{Action: "person.exported", Purpose: "programme", Detail: map[string]any{"columns": []string{"household.field.monthly_income"}}}, []db.ID{amina}, "person"},
		{audit.Event{Action: "household.read", SubjectKind: "household", Subject: home, Purpose: "check"}, nil, ""},
		{audit.Event{Action: "household.read", SubjectKind: "household", Subject: other, Purpose: "check"}, nil, ""},
		{audit.Event{Action: "case.read", SubjectKind: "case", Subject: kase, Case: kase}, nil, ""},
		{audit.Event{Action: "case.listed", Purpose: "queue"}, []db.ID{kase}, "case"},
		{audit.Event{Action: "credential.read", SubjectKind: "person", Subject: amina}, nil, ""},
		{audit.Event{Action: "letter.read", SubjectKind: "person", Subject: amina, Purpose: "print"}, nil, ""},
		{audit.Event{Action: "decision.read", SubjectKind: "household", Subject: home, Purpose: "programme"}, nil, ""},
		{audit.Event{Action: "decision.listed", Purpose: "programme"}, []db.ID{home}, "household"},
		{audit.Event{Action: "letter.posted", SubjectKind: "person", Subject: amina}, nil, ""},
		{audit.Event{Action: "credential.revoked", SubjectKind: "person", Subject: amina}, nil, ""}, // a deed, not a look
	} {
		s.Clock.Add(time.Minute)
		s.do(verifier, func(tx db.Tx) error { return audit.WriteAbout(tx, e.Event, e.kind, e.about) })
	}
	s.do(worker, func(tx db.Tx) error { // a job is nobody who looks
		return audit.Write(tx, audit.Event{Action: "person.read", SubjectKind: "person", Subject: amina})
	})
	list := s.of(her, amina)
	if got := actions(list); got != "decision.listed decision.read letter.read credential.read case.listed case.read household.read person.exported person.searched person.read" {
		t.Errorf("she sees %s", got)
	}
	for _, l := range list {
		if l.Role != "verifier" || l.Office != "MJ01" || l.Basis == "" || l.Delayed {
			t.Errorf("%+v", l)
		}
	}
	if got := actions(s.of(him, joseph)); got != "household.read person.searched person.read" {
		t.Errorf("he sees %s", got)
	}
	if got := s.of(him, amina); len(got) != 0 {
		t.Errorf("he sees hers: %s", actions(got))
	}
	if got := s.of(db.Principal{Role: db.Citizen}, amina); len(got) != 0 {
		t.Errorf("somebody not signed in sees hers: %s", actions(got))
	}
	// an entry is found by its own reference, and only by its person
	for _, l := range list {
		if err := s.View(t.Context(), her, func(tx db.Tx) error {
			found, err := looks.Find(tx, amina, l.Ref(amina))
			if found.Event != l.Event {
				t.Error("another one is found")
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		if err := s.View(t.Context(), him, func(tx db.Tx) error { _, err := looks.Find(tx, joseph, l.Ref(amina)); return err }); !fault.Is(err, fault.NotFound) {
			t.Error("somebody else's entry is found: ", err)
		}
	}
	document(t, s, list, amina)

	// who has left sees no more of the household (RULES R7)
	day := s.Clock.Now().Format(time.DateOnly)
	s.super(`update membership set end_date = $1::date where person_id = $2`, day, amina)
	s.Clock.Add(48 * time.Hour)
	s.do(verifier, func(tx db.Tx) error {
		return audit.Write(tx, audit.Event{Action: "household.read", SubjectKind: "household", Subject: home, Purpose: "check"})
	})
	if got := actions(s.of(her, amina)); strings.Count(got, "household.read") != 1 {
		t.Errorf("after she left she sees %s", got)
	}
}

// document is what a program gets: the data tracker's names, and of people only
// roles.
func document(t *testing.T, s *scene, list []looks.Look, person db.ID) {
	t.Helper()
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	country := registry.Country{Name: i18n.Text{"en": "Marjan", "ar": "مرجان"}, Code: "MJ"}
	for lang, purpose := range map[string]string{"en": "Work on a case", "ar": "العمل على ملف"} {
		raw, err := json.Marshal(looks.Track(list, person, s.Clock.Now(), messages.Printer(lang), country))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"logtime":"2026-03-02T10:`, `"receiverCode":"MJ01"`, `"receiverSystem":"daftar-admin"`, `"purposeCode":"casework"`, purpose,
			`"fields":["household.field.monthly_income"]`, `"usagePeriod":{"from":"2023-`, `"heartbeat":"2026-03-02T`, `"legalBasisCode":"public_task"`} {
			if !strings.Contains(string(raw), want) {
				t.Errorf("%s: no %s in %s", lang, want, raw)
			}
		}
		for _, l := range list {
			if strings.Contains(string(raw), l.Event.String()) {
				t.Error("an identity of the database is in it")
			}
		}
	}
}

// Two people decide that a look for an investigation is shown later; then it is,
// by itself.
func TestInvestigations(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	tomas, his := s.person("tomas"), s.account("tomas")
	officer, dpo, verifier := s.staff("approver2"), s.staff("dpo"), s.staff("verifier")
	var personRef string
	var area db.ID
	s.do(worker, func(tx db.Tx) error {
		if err := tx.Get(&personRef, `select ref from person where id = $1`, tomas); err != nil {
			return err
		}
		return tx.Get(&area, `select id from area where code = 'MJ01'`)
	})
	r := registry.Reader{Areas: []db.ID{area}}
	ask := func(who db.Principal, ref string, until time.Duration) (out string, err error) {
		err = s.WithTx(t.Context(), who, func(tx db.Tx) error {
			out, err = looks.RequestDelay(tx, r, ref, s.Clock.Now().Add(until), "Two addresses", "en")
			return err
		})
		return out, err
	}
	for _, wrong := range []struct {
		ref   string
		until time.Duration
	}{{"P-22222-22222", time.Hour}, {personRef, -time.Hour}, {personRef, looks.MaxDelay + time.Hour}} {
		if _, err := ask(officer, wrong.ref, wrong.until); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	ref, err := ask(officer, personRef, 30*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	decide := func(who db.Principal, approve bool) error {
		return s.WithTx(t.Context(), who, func(tx db.Tx) error {
			d, err := looks.FindDelay(tx, ref)
			if err != nil {
				return err
			}
			return looks.DecideDelay(tx, d, approve)
		})
	}
	s.read(officer, tomas)
	if got := len(s.of(his, tomas)); got != 1 {
		t.Errorf("before anybody agreed, he sees %d looks", got)
	}
	if err := decide(officer, true); !fault.Is(err, fault.Forbidden) {
		t.Errorf("who asks decides: %v", err)
	}
	if err := decide(dpo, true); err != nil {
		t.Fatal(err)
	}
	if err := decide(dpo, false); !fault.Is(err, fault.Conflict) {
		t.Errorf("decided twice: %v", err)
	}
	s.read(officer, tomas)
	s.read(verifier, tomas)
	if got := s.of(his, tomas); len(got) != 1 || got[0].Role != "verifier" {
		t.Errorf("he sees %+v", got)
	}
	s.Clock.Add(31 * 24 * time.Hour)
	if got := s.of(his, tomas); len(got) != 3 || !got[1].Delayed || got[0].Delayed {
		t.Errorf("afterwards he sees %+v", got)
	}
	s.read(officer, tomas) // a later look is an ordinary one
	if got := s.of(his, tomas); len(got) != 4 || got[0].Delayed {
		t.Errorf("a new look is %+v", got[0])
	}
	// neither a citizen nor a page can decide around the two
	if err := s.WithTx(t.Context(), dpo, func(tx db.Tx) error {
		return tx.Exec(`update look_delay set until = until + interval '100 days'`)
	}); err == nil {
		t.Error("a page prolongs a delay")
	}
	if err := s.WithTx(t.Context(), his, func(tx db.Tx) error { return tx.Exec(`select count(*) from look_delay`) }); err == nil {
		t.Error("a citizen reads what is held back")
	}
}

// RULES R8: what is read for protection is shown to nobody before a review by
// somebody else than the reader.
func TestProtection(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	leila, her := s.person("leila"), s.account("leila")
	protection, dpo := s.staff("protection"), s.staff("dpo")
	var ref string
	var area db.ID
	s.do(worker, func(tx db.Tx) error {
		if err := tx.Get(&ref, `select ref from person where id = $1`, leila); err != nil {
			return err
		}
		return tx.Get(&area, `select id from area where code = 'MJ01'`)
	})
	release := func(who db.Principal, ref string) error {
		return s.WithTx(t.Context(), who, func(tx db.Tx) error {
			return looks.Release(tx, registry.Reader{Areas: []db.ID{area}}, ref, "She has a phone of her own", "en")
		})
	}
	s.read(protection, leila)
	s.read(s.staff("verifier"), leila)
	hidden := func(when string) {
		t.Helper()
		if got := s.of(her, leila); len(got) != 1 || got[0].Role != "verifier" {
			t.Errorf("%s she sees %s", when, actions(got))
		}
	}
	hidden("at first")
	if err := release(protection, ref); err != nil {
		t.Fatal(err)
	}
	hidden("after the reader's own review")
	if err := release(dpo, "P-22222-22222"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a record that is not there: %v", err)
	}
	if err := release(dpo, ref); err != nil {
		t.Fatal(err)
	}
	if got := s.of(her, leila); len(got) != 2 {
		t.Errorf("after a review she sees %s", actions(got))
	}
	s.read(protection, leila)
	if got := s.of(her, leila); len(got) != 2 {
		t.Error("a later look is shown without a review")
	}
}

// A question is the person's own, is asked once, and is not answered by whose
// look it was.
func TestQuestions(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	amina, her, him := s.person("amina"), s.account("amina"), s.account("joseph")
	dpo, verifier := s.staff("dpo"), s.staff("verifier")
	s.read(dpo, amina)
	look := s.of(her, amina)[0]
	var ref string
	for range 2 {
		s.do(her, func(tx db.Tx) error {
			r, err := looks.Ask(tx, amina, look, "Why?", "en")
			if ref != "" && r != ref {
				t.Error("asked twice")
			}
			ref = r
			return err
		})
	}
	if err := s.View(t.Context(), him, func(tx db.Tx) error {
		list, err := looks.Mine(tx, amina)
		if len(list) != 0 {
			t.Error("he reads her question")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	answer := func(who db.Principal) error {
		return s.WithTx(t.Context(), who, func(tx db.Tx) error {
			q, err := looks.FindQuestion(tx, ref)
			if err != nil {
				return err
			}
			return looks.Answer(tx, q, "proper", "It was part of a visit.", "en")
		})
	}
	if err := answer(dpo); !fault.Is(err, fault.Forbidden) {
		t.Errorf("whose look it was answers: %v", err)
	}
	if err := answer(verifier); err != nil { // the page's permission keeps others out
		t.Fatal(err)
	}
	if err := answer(verifier); !fault.Is(err, fault.Conflict) {
		t.Errorf("answered twice: %v", err)
	}
	if err := s.View(t.Context(), her, func(tx db.Tx) error {
		list, err := looks.Mine(tx, amina)
		if len(list) != 1 || list[0].Answer != "It was part of a visit." || list[0].Finding.String != "proper" ||
			list[0].DueOn.Format(time.DateOnly) != s.Clock.Now().AddDate(0, 0, looks.AnswerDays).Format(time.DateOnly) {
			t.Errorf("%+v", list)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
