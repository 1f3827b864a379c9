package consent_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/consent"
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
	return s
}

func (s *scene) do(who db.Principal, fn func(db.Tx) error) {
	s.t.Helper()
	if err := s.WithTx(s.t.Context(), who, fn); err != nil {
		s.t.Fatal(err)
	}
}

// account is somebody signed in to the portal.
func (s *scene) account(key string) (who db.Principal, person db.ID) {
	s.t.Helper()
	who = db.Principal{Role: db.Citizen, Kind: "citizen"}
	s.do(worker, func(tx db.Tx) (err error) {
		if person, err = demo.Person(tx, key); err != nil {
			return err
		}
		who.Actor = tx.NewID()
		return tx.Exec(`insert into account (id, provider, sub, person_id, created_at) values ($1, 'citizen', $2, $3, $4)`, who.Actor, key, person, tx.Now())
	})
	return who, person
}

func (s *scene) permits(person db.ID, purpose string) (yes bool) {
	s.t.Helper()
	s.do(worker, func(tx db.Tx) error {
		return tx.Get(&yes, `select `+consent.Permits("$1", "$2", "$3"), person, purpose, tx.Now())
	})
	return yes
}

func TestConsentIsGivenAndWithdrawn(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	who, amina := s.account("amina")
	give := func() (ref string) {
		s.do(who, func(tx db.Tx) (err error) { ref, err = consent.Give(tx, amina, "research", 1, "ar"); return err })
		return ref
	}
	if s.permits(amina, "research") {
		t.Error("nobody agreed")
	}
	if !s.permits(amina, "casework") || s.permits(amina, "advertising") {
		t.Error("what does not rest on consent asks for none, and what is no purpose is permitted to nobody")
	}
	ref := give()
	if !s.permits(amina, "research") || s.permits(amina, "employment") {
		t.Error("one purpose was agreed to")
	}
	s.do(who, func(tx db.Tx) error { return consent.Withdraw(tx, amina, ref) })
	if s.permits(amina, "research") {
		t.Error("what was withdrawn still holds")
	}
	s.do(who, func(tx db.Tx) error { return consent.Withdraw(tx, amina, ref) })
	give()
	again := give()
	if !s.permits(amina, "research") {
		t.Error("somebody can agree again")
	}
	var list []consent.Consent
	s.do(who, func(tx db.Tx) (err error) { list, err = consent.Mine(tx, amina); return err })
	if len(list) != 3 || list[0].Language != "ar" || list[0].Version != 1 || len(list[0].Hash) != 32 {
		t.Errorf("what was agreed to is %+v", list)
	}
	standing := 0
	for _, c := range list {
		if c.Stands(s.Clock.Now()) {
			standing++
			if c.Ref != again {
				t.Error("an older one stands")
			}
		}
	}
	if standing != 1 {
		t.Errorf("%d consents stand", standing)
	}
	s.Clock.Set(s.Clock.Now().AddDate(0, 24, 1))
	if s.permits(amina, "research") {
		t.Error("it holds longer than it said")
	}
}

// Each adult for herself: not the head for others, not a child, not staff, and not
// for what needs no consent or in a text that is no more.
func TestWhoAndWhatCanBeAgreedTo(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	who, amina := s.account("amina")
	var others []db.ID
	s.do(worker, func(tx db.Tx) error {
		return tx.Select(&others, `select m.person_id from membership m where m.person_id <> $1 and m.end_date is null and m.household_id in
			(select household_id from membership where person_id = $1 and end_date is null)`, amina)
	})
	if len(others) == 0 {
		t.Fatal("nobody lives with her")
	}
	for _, other := range others {
		if err := s.WithTx(t.Context(), who, func(tx db.Tx) error { _, err := consent.Give(tx, other, "research", 1, "en"); return err }); err == nil {
			t.Error("she agrees for somebody else")
		}
	}
	for code, want := range map[string]fault.Code{"casework": fault.NotFound, "nothing": fault.NotFound} {
		if err := s.WithTx(t.Context(), who, func(tx db.Tx) error { _, err := consent.Give(tx, amina, code, 1, "en"); return err }); !fault.Is(err, want) {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := s.WithTx(t.Context(), who, func(tx db.Tx) error { _, err := consent.Give(tx, amina, "research", 2, "en"); return err }); !fault.Is(err, fault.Conflict) {
		t.Errorf("another version of the text: %v", err)
	}
	young, ibrahim := s.account("ibrahim")
	if err := s.WithTx(t.Context(), young, func(tx db.Tx) error { _, err := consent.Give(tx, ibrahim, "research", 1, "en"); return err }); !fault.Is(err, fault.Conflict) {
		t.Errorf("somebody of sixteen: %v", err)
	}
	var ref string
	s.do(who, func(tx db.Tx) (err error) { ref, err = consent.Give(tx, amina, "research", 1, "en"); return err })
	if err := s.WithTx(t.Context(), young, func(tx db.Tx) error { return consent.Withdraw(tx, ibrahim, ref) }); !fault.Is(err, fault.NotFound) {
		t.Errorf("somebody else withdraws hers: %v", err)
	}
	if err := s.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(`update consent set withdrawn_at = null`) }); err == nil {
		t.Error("a withdrawal is taken back without a trace")
	}
	if err := s.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(`update consent set expires_at = 'infinity'`) }); err == nil {
		t.Error("a consent is made longer")
	}
}

// The table of purposes and the code say the same bases, and all that consent is
// asked for says so in every language.
func TestPurposesAgreeWithTheirBases(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var list []consent.Purpose
	s.do(worker, func(tx db.Tx) (err error) { list, err = consent.Purposes(tx); return err })
	var asked []string
	for _, p := range list {
		want := audit.Bases[p.Code]
		if want == "" {
			want = audit.PublicTask
		}
		if p.Basis != want {
			t.Errorf("%s rests on %s in the table and on %s in the log", p.Code, p.Basis, want)
		}
		if p.Asks() {
			asked = append(asked, p.Code)
		}
		for _, lang := range []string{"en", "ar"} {
			if p.Recipient[lang] == "" || p.Asks() && p.Text[lang] == "" {
				t.Errorf("%s says nothing in %s", p.Code, lang)
			}
		}
	}
	if slices.Sort(asked); !slices.Equal(asked, slices.Sorted(slices.Values(consent.Asked()))) {
		t.Errorf("consent is asked for %v, the code says %v", asked, consent.Asked())
	}
	for code := range audit.Bases {
		if !slices.ContainsFunc(list, func(p consent.Purpose) bool { return p.Code == code }) {
			t.Errorf("the purpose %s is in no table", code)
		}
	}
}

// RULES R18: no rule, no case and no credential can see a consent.
func TestNothingDependsOnConsent(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"registry/programmes", "registry/formula", "registry/cases", "registry/cases/effect", "registry/cases/kinds", "registry/credentials", "registry/letters"} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "daftar/"+pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(out), "daftar/registry/consent") {
			t.Errorf("%s can see consents", pkg)
		}
		if found, _ := exec.CommandContext(t.Context(), "grep", "-rlwE", "--include=*.go", "--exclude=*_test.go", "(from|join) consent|permits", "../../"+pkg).Output(); len(found) > 0 {
			t.Errorf("%s reads consents: %s", pkg, found)
		}
	}
}

// Who is of age is decided by the day in the country, not by UTC's.
func TestOfAgeByTheCountrysDay(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	who, ibrahim := s.account("ibrahim")
	var born time.Time
	s.do(worker, func(tx db.Tx) error { return tx.Get(&born, `select birth_to from person where id = $1`, ibrahim) })
	midnight := born.AddDate(registry.Majority, 0, 0).Add(-3 * time.Hour) // in the country, in UTC
	for _, c := range []struct {
		before time.Duration
		may    bool
	}{{time.Minute, false}, {-time.Minute, true}} {
		s.Clock.Set(midnight.Add(-c.before))
		err := s.WithTx(t.Context(), who, func(tx db.Tx) error { _, err := consent.Give(tx, ibrahim, "research", 1, "en"); return err })
		if (err == nil) != c.may {
			t.Errorf("%s before midnight of the birthday: %v", c.before, err)
		}
	}
}
