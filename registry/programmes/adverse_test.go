package programmes_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/localpg"
	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/registry/credentials"
	"daftar/registry/deadline"
	"daftar/registry/letters"
	"daftar/registry/programmes"
)

var (
	officer  = db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{11}}
	reviewer = db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{12}}
	ministry = db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{13}}
)

// Every pair of states: the code and the database agree on what can follow.
func TestTheLifeOfADecision(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	steps := []programmes.Step{programmes.Serve, programmes.Unserve, programmes.Withdraw, programmes.Suspend, programmes.Uphold, programmes.Overturn, programmes.Resume, programmes.Enforce}
	want := map[string]string{ // written out once more
		"proposed": "served withdrawn suspended", "served": "proposed withdrawn suspended in_force", "suspended": "upheld overturned proposed",
		"upheld": "suspended in_force", "in_force": "suspended", "overturned": "", "withdrawn": "",
	}
	for _, from := range programmes.States() {
		reached := map[programmes.State]bool{}
		for _, step := range steps {
			if next, err := programmes.Next(from, step); err == nil {
				reached[next] = true
			} else if !fault.Is(err, fault.Conflict) || next != from {
				t.Errorf("%s, %s: %s, %v", from, step, next, err)
			}
		}
		for _, to := range programmes.States() {
			var database bool
			c.do(t, worker, func(tx db.Tx) error {
				return tx.Get(&database, `select decision_step($1, $2)`, string(from), string(to))
			})
			expected := strings.Contains(" "+want[string(from)]+" ", " "+string(to)+" ")
			if reached[to] != expected || database != expected {
				t.Errorf("from %s to %s: %v in the code, %v in the database, should be %v", from, to, reached[to], database, expected)
			}
		}
	}
}

// family is a household that receives the child grant and has grown rich, with
// an account of its mother, and reviewed texts of letters.
type family struct {
	*country
	t        *testing.T
	home     home
	granted  programmes.Decision
	mother   db.Principal
	messages *i18n.Bundle
}

func newFamily(t *testing.T) *family {
	t.Helper()
	f := &family{country: newCountry(t), t: t}
	f.Clock.Set(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	var err error
	if f.messages, err = i18n.Load(locales.FS, time.UTC); err != nil {
		t.Fatal(err)
	}
	f.tell(t, &f.home, "2024", poor)
	f.super(`insert into case_kind (id, code, version, definition, published_at) values (gen_random_uuid(), 'appeal', 1, '{}', now())`)
	f.do(t, worker, func(tx db.Tx) error {
		f.mother = db.Principal{Role: db.Citizen, Kind: "citizen", Actor: tx.NewID()}
		if err := tx.Exec(`insert into identity_provider (id, issuer) values ('citizen', 'http://c.example')`); err != nil {
			return err
		}
		if err := tx.Exec(`insert into account (id, provider, sub, person_id, created_at) values ($1, 'citizen', 'm', $2, $3)`, f.mother.Actor, f.home.mother, tx.Now()); err != nil {
			return err
		}
		return letters.Install(tx, f.messages)
	})
	f.do(t, reviewer, func(tx db.Tx) error {
		for _, kind := range letters.Kinds() {
			if err := letters.Review(tx, kind, "en", 1); err != nil {
				return err
			}
		}
		return nil
	})
	f.granted = f.assess(t, &f.home)
	f.tell(t, &f.home, "2024", rich)
	return f
}

func (f *family) reader() registry.Reader { return registry.Reader{Areas: []db.ID{f.area}} }

// proposed has the rule propose, and returns what the office sees.
func (f *family) proposed() programmes.Proposal {
	f.t.Helper()
	if d := f.assess(f.t, &f.home); d.ID != f.granted.ID {
		f.t.Fatal("a proposal changed something")
	}
	var list []programmes.Proposal
	f.do(f.t, officer, func(tx db.Tx) (err error) { list, err = programmes.Proposals(tx, f.reader()); return err })
	if len(list) != 1 || list[0].State != programmes.Proposed {
		f.t.Fatalf("%d proposals", len(list))
	}
	return list[0]
}

// sent has an officer send the proposal and the letter be written.
func (f *family) sent() (programmes.Proposal, letters.Letter) {
	f.t.Helper()
	p := f.proposed()
	f.do(f.t, officer, func(tx db.Tx) error { return programmes.SendOut(tx, f.reader(), p.Ref) })
	return p, f.written(p.ID)
}

// written composes the latest letter about a decision.
func (f *family) written(decision db.ID) (l letters.Letter) {
	f.t.Helper()
	f.do(f.t, worker, func(tx db.Tx) error {
		list, err := letters.About(tx, decision)
		if err != nil || len(list) == 0 {
			return fmt.Errorf("%d letters, %v", len(list), err)
		}
		if err := letters.Compose(tx, f.messages, list[0].ID); err != nil {
			return err
		}
		l, err = letters.Load(tx, list[0].ID)
		return err
	})
	return l
}

func (f *family) opens(l letters.Letter) {
	f.t.Helper()
	f.do(f.t, f.mother, func(tx db.Tx) error { _, err := letters.Open(tx, f.mother.Actor, &f.home.mother, l.Ref); return err })
	f.follow(l)
}

func (f *family) follow(l letters.Letter) {
	f.t.Helper()
	f.do(f.t, worker, func(tx db.Tx) error {
		l, err := letters.Settle(tx, l.ID)
		if err != nil {
			return err
		}
		return programmes.Follow(tx, l)
	})
}

// force runs the job that brings decisions into force until it has nothing to
// do, and returns what ended.
func (f *family) force() (ended []db.ID) {
	f.t.Helper()
	for more := true; more; {
		f.do(f.t, worker, func(tx db.Tx) error {
			id, again, err := programmes.BringIntoForce(tx)
			if more = again; err == nil && id != (db.ID{}) {
				ended = append(ended, id)
				err = credentials.EndDecision(tx, id)
			}
			return err
		})
	}
	return ended
}

func (f *family) state(d db.ID) (s programmes.State) {
	f.t.Helper()
	f.do(f.t, worker, func(tx db.Tx) error { return tx.Get(&s, `select state from decision where id = $1`, d) })
	return s
}

func (f *family) clock(d db.ID) (c programmes.Clock) {
	f.t.Helper()
	f.do(f.t, f.mother, func(tx db.Tx) error {
		list, err := programmes.Planned(tx, f.home.id)
		for _, planned := range list {
			if planned.ID == d && err == nil {
				c, err = programmes.ClockOf(tx, planned)
			}
		}
		return err
	})
	return c
}

// inForce is the decision that holds for the family.
func (f *family) inForce() programmes.Decision {
	f.t.Helper()
	var list []programmes.Decision
	f.do(f.t, f.mother, func(tx db.Tx) (err error) { list, err = programmes.Decisions(tx, f.home.id); return err })
	if len(list) != 1 {
		f.t.Fatalf("%d decisions in force", len(list))
	}
	return list[0]
}

// appeal files an appeal in the mother's name: a case, whatever its kind.
func (f *family) appeal() (kase db.ID) {
	f.t.Helper()
	f.super(`update case_file set state = 'withdrawn'`)
	f.do(f.t, f.mother, func(tx db.Tx) error {
		kase = tx.NewID()
		return tx.Exec(`insert into case_file (id, ref, kind, kind_id, desk, channel, account_id, language, created_at)
			select $1, $2, code, id, 'appeals', 'portal', $3, 'en', $4 from case_kind`,
			kase, registry.NewRef('C', tx.Rand()), f.mother.Actor, tx.Now())
	})
	return kase
}

// super runs a statement past every grant, key and trigger.
func (c *country) super(statement string, args ...any) {
	conn, err := pgx.Connect(context.Background(), c.URL(localpg.Superuser))
	if err != nil {
		panic(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, s := range []string{`set session_replication_role = replica`} {
		if _, err := conn.Exec(context.Background(), s); err != nil {
			panic(err)
		}
	}
	if _, err := conn.Exec(context.Background(), statement, args...); err != nil {
		panic(err)
	}
}

func (f *family) told(kind string) int {
	f.t.Helper()
	return f.count(f.t, `select count(*) from notice where kind = $1`, kind)
}

// Taking away is a proposal: looked at, sent, served, and in force thirty days
// and a new month later; the credential ends with it and not before.
func TestTakingAwayGoesTheLongWay(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	f.credential()
	p := f.proposed()
	// Until an officer sends it, the family sees nothing of it.
	f.do(t, f.mother, func(tx db.Tx) error {
		if list, err := programmes.Planned(tx, f.home.id); err != nil || len(list) != 0 {
			t.Error("a proposal that was not sent is shown: ", list, err)
		}
		if _, err := programmes.DecisionByRef(tx, f.home.id, p.Ref); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		return nil
	})
	_, l := f.sent()
	if err := f.WithTx(t.Context(), officer, func(tx db.Tx) error { return programmes.SendOut(tx, f.reader(), p.Ref) }); !fault.Is(err, fault.Conflict) {
		t.Error("sent twice: ", err)
	}
	if l.Kind != "adverse" || *l.Person != f.home.mother || len(l.Parts) != 1 || l.Parts[0].Draft || f.told("letter") != 1 {
		t.Errorf("%+v, told %d", l, f.told("letter"))
	}
	if len(l.Facts.Reasons) != 1 || l.Facts.Reasons[0].In != "letter.reason.not_met" {
		t.Errorf("%+v", l.Facts.Reasons)
	}
	// Sent is not served: no time runs, and nothing happens for a year.
	f.Clock.Add(365 * 24 * time.Hour)
	if ended := f.force(); len(ended) != 0 || f.state(p.ID) != programmes.Proposed || f.clock(p.ID).Served {
		t.Fatal(ended, f.state(p.ID), f.clock(p.ID))
	}
	// She opens it on 2 March 2027, a Tuesday. The 30th day is 1 April, and the
	// new month after it begins on 1 May.
	f.Clock.Set(time.Date(2027, 3, 2, 9, 0, 0, 0, time.UTC))
	f.opens(l)
	c := f.clock(p.ID)
	for what, got := range map[string]time.Time{"2027-03-02": c.ServedOn, "2027-04-01": c.LastDay, "2027-05-01": c.From} {
		if got.Format(time.DateOnly) != what {
			t.Errorf("%s instead of %s", got.Format(time.DateOnly), what)
		}
	}
	if f.state(p.ID) != programmes.Served || !c.Until.Equal(time.Date(2027, 4, 2, 0, 0, 0, 0, time.UTC)) {
		t.Error(f.state(p.ID), c.Until)
	}
	for _, at := range []time.Time{c.Until, time.Date(2027, 4, 30, 23, 59, 59, 0, time.UTC)} {
		f.Clock.Set(at)
		if ended := f.force(); len(ended) != 0 || f.inForce().ID != f.granted.ID || f.valid() != 1 {
			t.Errorf("at %s: %v ended", at, ended)
		}
	}
	f.Clock.Set(time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC))
	if ended := f.force(); len(ended) != 1 || ended[0] != f.granted.ID {
		t.Fatal(ended)
	}
	if d := f.inForce(); d.ID != p.ID || d.Outcome != programmes.NotEligible || f.valid() != 0 || f.told("decision_in_force") != 1 {
		t.Errorf("%+v, %d credentials, told %d", d, f.valid(), f.told("decision_in_force"))
	}
	if ended := f.force(); len(ended) != 0 {
		t.Error("in force twice")
	}
	// It stands however often the rule is asked, until there is something better.
	if d := f.assess(t, &f.home); d.ID != p.ID {
		t.Error("decided again")
	}
	f.tell(t, &f.home, "2024", poor)
	if d := f.assess(t, &f.home); d.Outcome != programmes.Eligible {
		t.Error(d.Outcome)
	}
}

// credential gives the mother a credential about the decision in force.
func (f *family) credential() {
	f.super(`insert into status_list (id, size, created_at) values (1, 100, now())`)
	f.super(`insert into credential (id, ref, person_id, household_id, decision_id, type, format, dataset_hash, issued_at, expires_at, notification)
		values ($1, 'V', $2, $3, $4, 'programme-eligibility', 'dc+sd-jwt', '', now(), '2100-01-01', 'n')`, db.ID{9}, f.home.mother, f.home.id, f.granted.ID)
	f.super(`insert into credential_copy (list_id, idx, credential_id) values (1, 7, $1)`, db.ID{9})
}

func (f *family) valid() int {
	f.t.Helper()
	return f.count(f.t, `select count(*) from credential c join credential_copy k on k.credential_id = c.id where c.state = 'valid' and k.status = 0`)
}

// An appeal suspends; one that succeeds ends it for good.
func TestAnAppealSuspends(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	p, l := f.sent()
	f.opens(l)
	kase := f.appeal()
	for range 2 { // sent twice on a slow line
		f.do(t, f.mother, func(tx db.Tx) error { return programmes.SuspendFor(tx, p.ID, kase) })
	}
	f.Clock.Add(400 * 24 * time.Hour)
	if ended := f.force(); len(ended) != 0 || f.state(p.ID) != programmes.Suspended {
		t.Fatal(ended, f.state(p.ID))
	}
	f.tell(t, &f.home, "2010", rich) // the rule has nothing to say meanwhile
	f.assess(t, &f.home)
	if f.state(p.ID) != programmes.Suspended || f.inForce().ID != f.granted.ID {
		t.Error(f.state(p.ID))
	}
	f.tell(t, &f.home, "2024", rich)
	// Who sent the decision does not hear the appeal, nor does anybody without its case.
	overturn := func(who db.Principal, kase db.ID) error {
		return f.WithTx(t.Context(), who, func(tx db.Tx) error { return programmes.OverturnFor(tx, p.ID, kase) })
	}
	if err := overturn(officer, kase); !fault.Is(err, fault.Forbidden) {
		t.Error("the officer who sent it: ", err)
	}
	if err := overturn(reviewer, db.ID{1}); !fault.Is(err, fault.Conflict) {
		t.Error("another case: ", err)
	}
	if err := overturn(reviewer, kase); err != nil {
		t.Fatal(err)
	}
	if l := f.written(p.ID); f.state(p.ID) != programmes.Overturned || l.Kind != "overturned" {
		t.Error(f.state(p.ID), l.Kind)
	}
	// The same rule does not propose the same again; another fact may.
	f.assess(t, &f.home)
	if n := f.count(t, `select count(*) from decision where state = 'proposed'`); n != 0 {
		t.Error("proposed again")
	}
	f.tell(t, &f.home, "2010", poor)
	f.assess(t, &f.home)
	if n := f.count(t, `select count(*) from decision where state = 'proposed'`); n != 1 {
		t.Errorf("%d proposals for another reason", n)
	}
}

// One that does not help comes into force with the next month, never before the
// thirty days; a second appeal suspends it again.
func TestAnAppealThatDoesNotHelp(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	p, l := f.sent()
	f.opens(l) // on 2 March
	kase := f.appeal()
	f.do(t, f.mother, func(tx db.Tx) error { return programmes.SuspendFor(tx, p.ID, kase) })
	f.Clock.Set(time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC))
	why := []letters.Reason{{Key: "letter.reason.met"}}
	f.do(t, reviewer, func(tx db.Tx) error { return programmes.UpholdFor(tx, p.ID, kase, why) })
	if c := f.clock(p.ID); f.state(p.ID) != programmes.Upheld || c.From.Format(time.DateOnly) != "2026-05-01" { // 1 April is the 30th day
		t.Error(f.state(p.ID), c.From)
	}
	second := f.appeal()
	f.do(t, f.mother, func(tx db.Tx) error { return programmes.SuspendFor(tx, p.ID, second) })
	f.Clock.Set(time.Date(2026, 6, 15, 9, 0, 0, 0, time.UTC))
	if ended := f.force(); len(ended) != 0 {
		t.Fatal("in force during the second appeal")
	}
	f.do(t, ministry, func(tx db.Tx) error { return programmes.UpholdFor(tx, p.ID, second, nil) })
	f.Clock.Set(time.Date(2026, 6, 30, 23, 59, 0, 0, time.UTC))
	if ended := f.force(); len(ended) != 0 {
		t.Error("in force before the new month")
	}
	f.Clock.Set(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC))
	if ended := f.force(); len(ended) != 1 || f.inForce().ID != p.ID {
		t.Error(ended)
	}
	// A late appeal whose cause is accepted undoes it.
	late := f.appeal()
	f.do(t, officer, func(tx db.Tx) error { return programmes.SuspendFor(tx, p.ID, late) })
	if f.state(p.ID) != programmes.Suspended || f.inForce().ID != f.granted.ID {
		t.Error("the late appeal: ", f.state(p.ID))
	}
	f.do(t, reviewer, func(tx db.Tx) error { return programmes.OverturnFor(tx, p.ID, late) })
	if f.inForce().ID != f.granted.ID {
		t.Error("overturned late")
	}
}

// Somebody else's appeal suspends nothing.
func TestAppealsOfOthers(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	p, l := f.sent()
	f.opens(l)
	kase := f.appeal()
	stranger := db.Principal{Role: db.Citizen, Kind: "citizen", Actor: db.ID{77}}
	f.super(`insert into account (id, provider, sub, created_at) values ($1, 'citizen', 's', now())`, stranger.Actor)
	theirs := db.ID{78}
	f.super(`insert into case_file (id, ref, kind, kind_id, desk, channel, account_id, language, created_at)
		select $1, 'C-X', code, id, 'appeals', 'portal', $2, 'en', now() from case_kind`, theirs, stranger.Actor)
	for name, c := range map[string]struct {
		who  db.Principal
		kase db.ID
	}{
		"a stranger with her case": {stranger, kase}, "a stranger with a case of his": {stranger, theirs},
		"she with a case of his": {f.mother, theirs}, "she with no case": {f.mother, db.ID{1}},
		"nobody": {db.Principal{Role: db.Citizen, Kind: "anonymous"}, kase},
	} {
		err := f.WithTx(t.Context(), c.who, func(tx db.Tx) error { return programmes.SuspendFor(tx, p.ID, c.kase) })
		if !fault.Is(err, fault.Conflict) || f.state(p.ID) != programmes.Served {
			t.Errorf("%s: %v, %s", name, err, f.state(p.ID))
		}
	}
}

// The day is moved by an outage that nobody knew of when it was told.
func TestAnOutageMovesTheDay(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	p, l := f.sent()
	f.opens(l)                                                 // 2 March; the last day would be 1 April
	f.Clock.Set(time.Date(2026, 4, 30, 12, 0, 0, 0, time.UTC)) // too late to move it, had it been this year's
	down := func(from, to string) {
		f.super(`insert into service_outage (id, started_at, ended_at, noted_at) values (gen_random_uuid(), $1, $2, now())`, from, to)
	}
	// A month of outage: from 1 April to 30 April the service could not be reached.
	down("2026-04-01T06:00:00Z", "2026-04-30T06:00:00Z")
	if c := f.clock(p.ID); c.ServedOn.Format(time.DateOnly) != "2026-03-02" {
		t.Fatal(c)
	}
	f.Clock.Set(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	if ended := f.force(); len(ended) != 0 || f.state(p.ID) != programmes.Served {
		t.Fatal("in force although nobody could appeal: ", ended)
	}
	var until, from time.Time
	f.do(t, worker, func(tx db.Tx) error {
		if err := tx.Get(&until, `select appeal_until from decision where id = $1`, p.ID); err != nil {
			return err
		}
		return tx.Get(&from, `select effective_at from decision where id = $1`, p.ID)
	})
	// Friday, 1 May is the first working day on which it is up.
	if !until.Equal(time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)) || !from.Equal(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)) {
		t.Error(until, from)
	}
	f.Clock.Set(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	if ended := f.force(); len(ended) != 1 {
		t.Error(ended)
	}
}

// On paper: posted counts after a week, unless the letter comes back.
func TestServiceByPost(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	p, l := f.sent()
	note := func(step letters.Paper) {
		t.Helper()
		f.do(t, officer, func(tx db.Tx) error {
			return letters.Note(tx, f.reader(), l.Ref, step, registry.Today(tx.Now(), time.UTC), "", "")
		})
		f.follow(l)
	}
	posted := func() (ids []db.ID) {
		f.do(t, worker, func(tx db.Tx) (err error) { ids, err = programmes.PostedLetters(tx); return err })
		return ids
	}
	note(letters.Printed)
	note(letters.Posted) // 2 March
	if c := f.clock(p.ID); f.state(p.ID) != programmes.Proposed || c.ServedOn.Format(time.DateOnly) != "2026-03-09" || len(posted()) != 0 {
		t.Error(f.state(p.ID), c)
	}
	f.Clock.Set(time.Date(2026, 3, 9, 1, 0, 0, 0, time.UTC))
	if ids := posted(); len(ids) != 1 || ids[0] != l.ID {
		t.Fatal(ids)
	}
	f.follow(l)
	if f.state(p.ID) != programmes.Served {
		t.Error(f.state(p.ID))
	}
	note(letters.Returned) // it never arrived
	if f.state(p.ID) != programmes.Proposed || f.clock(p.ID).Served {
		t.Error("came back: ", f.state(p.ID))
	}
	note(letters.Wanted)
	note(letters.Printed)
	note(letters.SignedFor)
	if c := f.clock(p.ID); f.state(p.ID) != programmes.Served || c.ServedOn.Format(time.DateOnly) != "2026-03-09" {
		t.Error("signed for: ", f.state(p.ID), c)
	}
}

// What the facts no longer support is taken back, before and after it was sent,
// and at the last moment (RULES R9).
func TestFactsThatMendWithdraw(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	unsent := f.proposed()
	f.tell(t, &f.home, "2024", nil) // not known
	f.assess(t, &f.home)
	if f.state(unsent.ID) != programmes.Withdrawn || f.told("decision_withdrawn") != 0 {
		t.Error(f.state(unsent.ID), f.told("decision_withdrawn"))
	}
	f.tell(t, &f.home, "2024", rich)
	p, l := f.sent()
	f.opens(l)
	f.tell(t, &f.home, "2010", rich) // another reason: what was written stands
	f.assess(t, &f.home)
	if f.state(p.ID) != programmes.Served {
		t.Error(f.state(p.ID))
	}
	f.tell(t, &f.home, "2024", poor) // nobody has looked yet when the day comes
	f.Clock.Add(90 * 24 * time.Hour)
	if ended := f.force(); len(ended) != 0 || f.state(p.ID) != programmes.Withdrawn || f.told("decision_withdrawn") != 1 || f.inForce().ID != f.granted.ID {
		t.Error(ended, f.state(p.ID), f.told("decision_withdrawn"))
	}
}

func TestSetAsideByAnOfficer(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	p := f.proposed()
	aside := func(r registry.Reader) error {
		return f.WithTx(t.Context(), officer, func(tx db.Tx) error { return programmes.SetAside(tx, r, p.Ref, "The roof was counted twice.", "en") })
	}
	for name, do := range map[string]func(tx db.Tx) error{
		"set aside": func(tx db.Tx) error {
			return programmes.SetAside(tx, registry.Reader{Areas: []db.ID{{5}}}, p.Ref, "x", "en")
		},
		"send": func(tx db.Tx) error { return programmes.SendOut(tx, registry.Reader{}, p.Ref) },
		"read": func(tx db.Tx) error {
			_, err := programmes.ReadProposal(tx, registry.Reader{Areas: []db.ID{{5}}}, p.Ref)
			return err
		},
		"none":    func(tx db.Tx) error { _, err := programmes.ReadProposal(tx, f.reader(), "D-22222-22222"); return err },
		"granted": func(tx db.Tx) error { _, err := programmes.ReadProposal(tx, f.reader(), f.granted.Ref); return err },
	} {
		if err := f.WithTx(t.Context(), officer, do); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s, of another area: %v", name, err)
		}
	}
	if err := aside(f.reader()); err != nil {
		t.Fatal(err)
	}
	if err := aside(f.reader()); !fault.Is(err, fault.Conflict) {
		t.Error("twice: ", err)
	}
	f.assess(t, &f.home)
	if n := f.count(t, `select count(*) from decision where state = 'proposed'`); n != 0 {
		t.Error("proposed again")
	}
}

// Whatever the code did, the database lets nothing be taken away out of turn,
// in bulk, or by the wrong hands.
func TestTheDatabaseKeepsDecisions(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	p := f.proposed()
	id := p.ID.String()
	refused := func(name string, who db.Principal, statement string) {
		t.Helper()
		var rows int64
		if err := f.WithTx(t.Context(), who, func(tx db.Tx) (err error) { rows, err = tx.Count(statement); return err }); err == nil && rows > 0 {
			t.Errorf("%s: accepted", name)
		}
	}
	refused("in force at once", worker, `update decision set state = 'in_force', in_force_at = now() where id = '`+id+`'`)
	refused("served without being sent", worker, `update decision set state = 'served', served_on = '2026-03-02', appeal_until = '2027-01-01', effective_at = '2027-01-01' where id = '`+id+`'`)
	refused("sent by a job", db.Principal{Role: db.Staff, Kind: "job"}, `update decision set sent_at = now(), sent_by = null where id = '`+id+`'`)
	refused("sent in another's name", officer, `update decision set sent_at = now(), sent_by = '`+reviewer.Actor.String()+`' where id = '`+id+`'`)
	refused("unknown takes away", worker, `insert into decision (id, ref, kind, programme_id, rule_id, household_id, subject_version, outcome, decided_at, state, replaces)
		select gen_random_uuid(), 'x', kind, programme_id, rule_id, household_id, 1, 'unknown', now(), 'proposed', replaces from decision where id = '`+id+`'`)
	refused("made in force", worker, `insert into decision (id, ref, kind, programme_id, rule_id, household_id, subject_version, outcome, decided_at, state, replaces)
		select gen_random_uuid(), 'x', kind, programme_id, rule_id, household_id, 1, 'not_eligible', now(), 'in_force', replaces from decision where id = '`+id+`'`)
	_, l := f.sent()
	refused("served without proof", worker, `update decision set state = 'served', served_on = '2026-03-02', appeal_until = '2027-01-01', effective_at = '2027-01-01' where id = '`+id+`'`)
	refused("an officer opens it", officer, `insert into letter_event (id, letter_id, at, what, on_day) values (gen_random_uuid(), '`+l.ID.String()+`', now(), 'opened', '2026-03-02')`)
	refused("she has it signed for", f.mother, `insert into letter_event (id, letter_id, at, what, on_day) values (gen_random_uuid(), '`+l.ID.String()+`', now(), 'signed_for', '2026-03-02')`)
	f.do(t, f.mother, func(tx db.Tx) error { _, err := letters.Open(tx, f.mother.Actor, &f.home.mother, l.Ref); return err })
	refused("29 days", worker, `update decision set state = 'served', served_on = '2026-03-02', appeal_until = '2026-03-31', effective_at = '2027-01-01' where id = '`+id+`'`)
	refused("in force before the time to appeal is over", worker, `update decision set state = 'served', served_on = '2026-03-02', appeal_until = '2026-04-02', effective_at = '2026-04-01' where id = '`+id+`'`)
	f.follow(l)
	refused("in force early", worker, `update decision set state = 'in_force', in_force_at = '2026-04-30' where id = '`+id+`'`)
	refused("overturned without an appeal", officer, `update decision set state = 'overturned', settled_at = now(), settled_by = '`+officer.Actor.String()+`' where id = '`+id+`'`)
	refused("other words", worker, `update letter set body = '[]' where id = '`+l.ID.String()+`'`)
	refused("other facts", worker, `update letter set facts = '{}' where id = '`+l.ID.String()+`'`)
	// in bulk
	var other home
	f.tell(t, &other, "2024", poor)
	f.assess(t, &other)
	f.tell(t, &other, "2024", rich)
	f.assess(t, &other)
	refused("all at once", officer, `update decision set state = 'withdrawn' where replaces is not null`)
	refused("all sent at once", officer, `update decision set sent_at = now(), sent_by = '`+officer.Actor.String()+`' where state = 'proposed' or replaces is not null`)
	for _, statement := range []string{`delete from decision`, `delete from letter`, `delete from letter_event`, `update letter_event set on_day = '2020-01-01'`} {
		refused("", worker, statement)
		refused("", officer, statement)
	}
}

// A version that would take from more than two in a hundred waits for the
// ministry; the version before stays in use meanwhile.
func TestAHarshRuleWaitsForTheMinistry(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	homes := make([]home, 51)
	for i := range homes {
		values := registry.Values{"roof": "7", "electricity": "no", "rooms": "1"}
		if i < 2 {
			values["rooms"] = "9"
		}
		c.tell(t, &homes[i], "2024", values)
		c.assess(t, &homes[i])
	}
	big := programmes.Rule{Criteria: append([]programmes.Criterion{{Code: "small", When: `household.rooms != '9'`}}, childGrant.Criteria...), Score: childGrant.Score}
	state := func() (s programmes.ReviewState) {
		c.do(t, worker, func(tx db.Tx) error {
			return tx.Get(&s, `select v.state from rule_review v join programme_rule r on r.id = v.rule_id order by r.version desc limit 1`)
		})
		return s
	}
	c.publish(t, big)
	if state() != programmes.Waiting { // 2 of 51 are 3.9 in a hundred
		t.Fatal(state())
	}
	proposals := func() int { return c.count(t, `select count(*) from decision where state = 'proposed'`) }
	if d := c.assess(t, &homes[0]); d.RuleVersion != 1 || proposals() != 0 {
		t.Error("a version that waits is used")
	}
	var rule db.ID
	var publisher db.ID
	c.do(t, worker, func(tx db.Tx) error {
		r, err := programmes.ReviewOf(tx, "child-grant", 2)
		rule = r.Rule
		if r.Enrolled.Int32 != 51 || r.Losing.Int32 != 2 {
			t.Errorf("%d of %d lose", r.Losing.Int32, r.Enrolled.Int32)
		}
		return err
	})
	publisher = db.ID{14}
	c.super(`update programme_rule set published_by = $1 where id = $2`, publisher, rule)
	decide := func(who db.Principal, approve bool) error {
		return c.WithTx(t.Context(), who, func(tx db.Tx) error { return programmes.DecideRule(tx, rule, approve, "As the law says.", "en") })
	}
	if err := decide(db.Principal{Role: db.Staff, Kind: "staff", Actor: publisher}, true); !fault.Is(err, fault.Forbidden) {
		t.Error("by who published it: ", err)
	}
	if err := decide(ministry, true); err != nil {
		t.Fatal(err)
	}
	if err := decide(ministry, false); !fault.Is(err, fault.Conflict) {
		t.Error("decided twice: ", err)
	}
	wave := func() {
		for more := true; more; {
			c.do(t, worker, func(tx db.Tx) (err error) { more, err = programmes.AssessLosing(tx); return err })
		}
	}
	wave()
	if n := proposals(); n != 1 { // one of 51 is what two in a hundred are
		t.Errorf("%d proposals in the first wave", n)
	}
	for i := range homes[:2] { // whoever asks again is not taken from out of turn
		c.assess(t, &homes[i])
	}
	c.Clock.Add(29 * 24 * time.Hour)
	wave()
	if n := proposals(); n != 1 {
		t.Errorf("%d proposals before the second wave", n)
	}
	c.Clock.Add(24 * time.Hour)
	wave()
	if n := proposals(); n != 2 {
		t.Errorf("%d proposals after the second wave", n)
	}

	// one of 51 is less than two in a hundred: in use at once
	c.super(`update decision set state = 'withdrawn', settled_at = now() where state = 'proposed'`)
	c.tell(t, &homes[0], "2024", poor)
	c.publish(t, programmes.Rule{Criteria: append([]programmes.Criterion{{Code: "tiny", When: `!has(household.rooms) || household.rooms != '9'`}}, childGrant.Criteria...), Score: childGrant.Score})
	if state() != programmes.Free {
		t.Error(state())
	}
	wave()
	if n := proposals(); n != 1 {
		t.Errorf("%d proposals", n)
	}
	// and one that the ministry refuses is never used
	c.publish(t, programmes.Rule{Criteria: []programmes.Criterion{{Code: "nobody", When: `household.size > 10`}}})
	c.do(t, worker, func(tx db.Tx) (err error) {
		r, err := programmes.ReviewOf(tx, "child-grant", 4)
		rule = r.Rule
		return err
	})
	if err := decide(ministry, false); err != nil {
		t.Fatal(err)
	}
	wave()
	if d := c.assess(t, &homes[3]); d.RuleVersion != 3 || proposals() != 1 {
		t.Error(d.RuleVersion, proposals())
	}
}

func TestTheClockNeedsProof(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	// What gives is written to her too, and appealed from when it reached her.
	l := f.written(f.granted.ID)
	if l.Kind != "granted" {
		t.Fatal(l.Kind)
	}
	read := func() (c programmes.Clock) {
		f.do(t, f.mother, func(tx db.Tx) (err error) { c, err = programmes.ClockOf(tx, f.inForce()); return err })
		return c
	}
	if read().Served {
		t.Error("served before it was opened")
	}
	f.Clock.Set(time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC))
	f.opens(l)
	if c := read(); c.LastDay.Format(time.DateOnly) != "2026-04-03" || deadline.AppealDays != 30 {
		t.Error(c)
	}
}
