package cases_test

import (
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
)

// The steps of a registration, which two officials see to. All steps of all
// kinds are in state_test.go.
var (
	states = []cases.State{cases.StateDraft, cases.StateSubmitted, cases.StateWaiting, cases.StateRecommended,
		cases.StateApproved, cases.StateRefused, cases.StateWithdrawn}
	actions = []cases.Action{cases.Submitted, cases.Asked, cases.Answered, cases.Recommended, cases.Returned,
		cases.Approved, cases.Refused, cases.Withdrawn}
)

// life is every step there is: a line per state, a column per action.
const life = `
             submitted  asked    answered   recommended  returned   approved  refused  withdrawn
draft        submitted  -        -          -            -          -         -        withdrawn
submitted    -          waiting  -          recommended  -          -         -        withdrawn
waiting      -          -        submitted  -            -          -         -        withdrawn
recommended  -          -        -          -            submitted  approved  refused  withdrawn
approved     -          -        -          -            -          -         -        -
refused      -          -        -          -            -          -         -        -
withdrawn    -          -        -          -            -          -         -        -`

// next is the state that life gives; "" for none.
func next(t *testing.T, s cases.State, a cases.Action) cases.State {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(life), "\n")
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		for i, action := range strings.Fields(lines[0]) {
			if cells[0] == string(s) && action == string(a) {
				return cases.State(strings.Trim(cells[i+1], "-"))
			}
		}
	}
	t.Fatal("not in the table: ", s, a)
	return ""
}

// crew is who works on one case.
type crew struct{ citizen, intake, verifier, approver hand }

func (o *office) crew(t *testing.T) crew {
	t.Helper()
	return crew{o.citizen(t), o.officer(t), o.officer(t), o.officer(t)}
}

// take makes one step, by whose step it is.
func (o *office) take(t *testing.T, c crew, ref string, a cases.Action) error {
	t.Helper()
	o.Clock.Add(time.Second)
	step := func(who hand, fn func(db.Tx, cases.Actor) error) error {
		return o.WithTx(t.Context(), who.Principal, func(tx db.Tx) error { return fn(tx, who.Actor) })
	}
	switch a {
	case cases.Submitted:
		return step(c.citizen, func(tx db.Tx, by cases.Actor) error { _, err := cases.Submit(tx, by, ref, o.form); return err })
	case cases.Asked:
		return step(c.intake, func(tx db.Tx, by cases.Actor) error { return cases.Ask(tx, by, ref, []string{"area"}, "Where?", "en") })
	case cases.Answered:
		return step(c.citizen, func(tx db.Tx, by cases.Actor) error {
			_, err := cases.Answer(tx, by, ref, o.form, "There", "en")
			return err
		})
	case cases.Recommended:
		return step(c.verifier, func(tx db.Tx, by cases.Actor) error {
			_, err := cases.Recommend(tx, by, ref, "approve", "", "en")
			return err
		})
	case cases.Returned:
		return step(c.approver, func(tx db.Tx, by cases.Actor) error { return cases.Return(tx, by, ref, "Look again", "en") })
	case cases.Approved:
		return step(c.approver, func(tx db.Tx, by cases.Actor) error {
			_, err := cases.Decide(tx, by, ref, cases.Ruling{Approve: true, Lang: "en"})
			return err
		})
	case cases.Refused:
		return step(c.approver, func(tx db.Tx, by cases.Actor) error {
			_, err := cases.Decide(tx, by, ref, cases.Ruling{Reason: "proven_false", Fact: "home", Lang: "en"})
			return err
		})
	case cases.Withdrawn:
		return step(c.citizen, func(tx db.Tx, by cases.Actor) error { _, err := cases.Withdraw(tx, by, ref); return err })
	}
	t.Fatal("no such action: ", a)
	return nil
}

// reach is a new case brought to a state.
func (o *office) reach(t *testing.T, s cases.State) (crew, string) {
	t.Helper()
	c := o.crew(t)
	ref := o.filled(t, c.citizen)
	for _, a := range map[cases.State][]cases.Action{
		cases.StateSubmitted:   {cases.Submitted},
		cases.StateWaiting:     {cases.Submitted, cases.Asked},
		cases.StateRecommended: {cases.Submitted, cases.Recommended},
		cases.StateApproved:    {cases.Submitted, cases.Recommended, cases.Approved},
		cases.StateRefused:     {cases.Submitted, cases.Recommended, cases.Refused},
		cases.StateWithdrawn:   {cases.Submitted, cases.Withdrawn},
	}[s] {
		if err := o.take(t, c, ref, a); err != nil {
			t.Fatal(s, a, err)
		}
	}
	if got := o.read(t, c.citizen, ref).State; got != s {
		t.Fatalf("%s, want %s", got, s)
	}
	return c, ref
}

// Every step is tried in every state, with the real database: what life does
// not have is refused and leaves no trace.
func TestEveryStepInEveryState(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	const traces = `select (select count(*) from case_event) * 1000000 + (select count(*) from change) * 1000 + (select count(*) from decision)`
	for _, s := range states {
		for _, a := range actions {
			c, ref := o.reach(t, s)
			before, was := o.read(t, c.citizen, ref), o.count(t, traces)
			err := o.take(t, c, ref, a)
			after := o.read(t, c.citizen, ref)
			if want := next(t, s, a); want != "" {
				if err != nil || after.State != want || after.Version <= before.Version {
					t.Errorf("%s, %s: %s, %v", s, a, after.State, err)
				}
				continue
			}
			sentTwice := a == cases.Submitted && err == nil                                         // the first one counts
			unseen := s == cases.StateDraft && a != cases.Answered && fault.Is(err, fault.NotFound) // the office sees no drafts
			if !sentTwice && !unseen && !fault.Is(err, fault.Conflict) || !reflect.DeepEqual(before, after) || o.count(t, traces) != was {
				t.Errorf("%s, %s: %v\nbefore %+v\nafter  %+v", s, a, err, before, after)
			}
		}
	}
}

func TestWhatFollowsFromAWithdrawal(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, s := range states[:4] {
		c, ref := o.reach(t, s)
		if err := o.take(t, c, ref, cases.Withdrawn); err != nil {
			t.Fatal(s, err)
		}
		if k := o.read(t, c.citizen, ref); k.Change != nil && o.count(t, `select count(*) from change where id = $1 and state = 'superseded'`, *k.Change) != 1 {
			t.Errorf("%s: its proposal still stands", s)
		}
		if again := o.start(t, c.citizen); again == ref {
			t.Errorf("%s: there is no new application", s)
		}
	}
}

// Who applied in the portal may answer at the counter, and keeps the case.
func TestAnsweredAtTheCounter(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	answered := func() (crew, string) {
		c, ref := o.reach(t, cases.StateWaiting)
		o.do(t, c.intake.Principal, func(tx db.Tx) error {
			_, err := cases.Answer(tx, c.intake.Actor, ref, o.form, "", "en")
			return err
		})
		return c, ref
	}
	c, ref := answered()
	if err := o.take(t, c, ref, cases.Withdrawn); err != nil {
		t.Error("withdraw: ", err)
	}
	c, ref = answered()
	for _, a := range []cases.Action{cases.Asked, cases.Answered, cases.Recommended, cases.Approved} {
		if err := o.take(t, c, ref, a); err != nil {
			t.Error(a, err)
		}
	}
}

func TestStartAndSubmitAtOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	who := o.citizen(t)
	refs := make([]string, 4)
	var all sync.WaitGroup
	for i := range refs {
		all.Go(func() { refs[i] = o.start(t, who) })
	}
	all.Wait()
	for _, ref := range refs {
		if ref != refs[0] {
			t.Error("two applications: ", refs)
		}
	}
	o.do(t, who.Principal, func(tx db.Tx) error { _, err := cases.Edit(tx, who.Actor, refs[0], o.fill); return err })
	for range 4 {
		all.Go(func() {
			o.do(t, who.Principal, func(tx db.Tx) error { _, err := cases.Submit(tx, who.Actor, refs[0], o.form); return err })
		})
	}
	all.Wait()
	if n := o.count(t, `select count(*) from case_event where action = 'submitted'`); n != 1 {
		t.Errorf("submitted %d times", n)
	}
	if n := o.count(t, `select count(*) from change where origin = 'case'`); n != 1 {
		t.Errorf("%d proposals", n)
	}
}

func TestDecidedAtOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c, ref := o.reach(t, cases.StateRecommended)
	people := o.count(t, `select count(*) from person`)
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		by := c
		by.approver = o.officer(t)
		all.Go(func() { errs[i] = o.take(t, by, ref, []cases.Action{cases.Approved, cases.Refused}[i%2]) })
	}
	all.Wait()
	decided := 0
	for _, err := range errs {
		if err == nil {
			decided++
		} else if !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
	}
	if decided != 1 || o.count(t, `select count(*) from decision where kind = 'case'`) != 1 {
		t.Errorf("decided %d times", decided)
	}
	if more := o.count(t, `select count(*) from person`) - people; more != 0 && more != 2 {
		t.Errorf("%d people", more)
	}
}

func TestSubmitNeedsEveryPageAndSaysWhich(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	who := o.citizen(t)
	ref := o.start(t, who)
	err := o.WithTx(t.Context(), who.Principal, func(tx db.Tx) error { _, err := cases.Submit(tx, who.Actor, ref, o.form); return err })
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "task-people") || !strings.Contains(err.Error(), "task-place") {
		t.Error(err)
	}
	if c := o.read(t, who, ref); c.State != cases.StateDraft || c.Change != nil {
		t.Errorf("%+v", c)
	}
}

// A case that is somebody else's, of another region or none at all: the same
// answer, whatever is tried.
func TestCasesAreApart(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	owner, other, far := o.citizen(t), o.citizen(t), o.officer(t)
	far.Actor = cases.At(far.Actor.ID, o.north)
	pretender := owner
	pretender.Actor.ID = other.Actor.ID
	opener, colleague := o.officer(t), o.officer(t)
	mine, sent, counter := o.filled(t, owner), o.submitted(t, o.citizen(t)), o.filled(t, opener)
	nowhere := registry.NewRef(registry.RefCase, zeros{})
	for name, c := range map[string]struct {
		who hand
		ref string
	}{
		"another citizen":              {other, mine},
		"nobody":                       {hand{Principal: db.Principal{Role: db.Citizen}}, mine},
		"another citizen, sent":        {other, sent},
		"an officer before it is sent": {far, mine},
		"an officer elsewhere":         {far, sent},
		"an officer of nowhere":        {hand{far.Principal, cases.At(far.Actor.ID)}, sent},
		"a colleague's draft":          {colleague, counter},
		"a citizen at the counter":     {other, counter},
		"not there":                    {other, nowhere},
		"not a reference":              {other, "x' or 1=1"},
		"a household's":                {other, "H" + mine[1:]},
	} {
		for act, fn := range map[string]func(db.Tx) error{
			"load":   func(tx db.Tx) error { _, err := cases.Load(tx, c.who.Actor, c.ref); return err },
			"edit":   func(tx db.Tx) error { _, err := cases.Edit(tx, c.who.Actor, c.ref, o.fill); return err },
			"submit": func(tx db.Tx) error { _, err := cases.Submit(tx, c.who.Actor, c.ref, o.form); return err },
			"answer": func(tx db.Tx) error {
				_, err := cases.Answer(tx, c.who.Actor, c.ref, o.form, "", "en")
				return err
			},
			"withdraw": func(tx db.Tx) error { _, err := cases.Withdraw(tx, c.who.Actor, c.ref); return err },
			"attach":   func(tx db.Tx) error { return cases.Attach(tx, c.who.Actor, c.ref, certificate("1")) },
			"ask":      func(tx db.Tx) error { return cases.Ask(tx, c.who.Actor, c.ref, nil, "x", "en") },
			"decide": func(tx db.Tx) error {
				_, err := cases.Decide(tx, c.who.Actor, c.ref, cases.Ruling{Approve: true})
				return err
			},
		} {
			err := o.WithTx(t.Context(), c.who.Principal, fn)
			if !fault.Is(err, fault.NotFound) || err.Error() != fault.Hidden().Error() {
				t.Errorf("%s, %s: %v", name, act, err)
			}
		}
	}
	if list := o.mine(t, other); len(list) != 0 {
		t.Errorf("%d cases of somebody else", len(list))
	}
	if list := o.mine(t, owner); len(list) != 1 || list[0].Ref != mine {
		t.Errorf("%+v", list)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func (o *office) mine(t *testing.T, who hand) (list []cases.Case) {
	t.Helper()
	o.do(t, who.Principal, func(tx db.Tx) (err error) { list, err = cases.Mine(tx, who.Actor); return err })
	return list
}

// Steps between members of staff are not the applicant's to read.
func TestEventsForTheCitizen(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c, ref := o.reach(t, cases.StateRecommended)
	for _, a := range []cases.Action{cases.Returned, cases.Asked, cases.Answered} {
		if err := o.take(t, c, ref, a); err != nil {
			t.Fatal(err)
		}
	}
	said := func(staff bool) (names []string) {
		o.do(t, c.citizen.Principal, func(tx db.Tx) error {
			list, err := cases.Events(tx, o.read(t, c.citizen, ref), staff)
			for _, e := range list {
				names = append(names, string(e.Action))
			}
			return err
		})
		return names
	}
	if got := strings.Join(said(false), " "); got != "answered asked submitted" {
		t.Error("the citizen reads ", got)
	}
	if got := strings.Join(said(true), " "); got != "answered asked returned recommended submitted" {
		t.Error("the office reads ", got)
	}
}
