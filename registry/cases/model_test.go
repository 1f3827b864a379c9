package cases_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
)

// The same lives through the program and PostgreSQL: what the reference refuses
// is refused, what it has is done, and nothing else happens. Whether it is the
// code or the database that refuses makes no difference to anybody.
func TestLifeThroughTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	citizen := o.member(t, "Amina Yusuf")
	all := []string{"intake", "verifier", "approver", "grievance"}
	staff := []hand{o.officer(t, all...), o.officer(t, all...), o.officer(t, all...), o.officer(t, all...)}
	runs := 0
	one := func(rt *rapid.T) {
		runs++
		hands := rapid.IntRange(1, 3).Draw(rt, "hands")
		kind := map[int]string{1: "service", 2: "moved", 3: "payee"}[hands]
		other := "Bilal Yusuf" // whoever does not receive the payments now
		if o.paid(t, other) {
			other = "Amina Yusuf"
		}
		answers := map[int]registry.Values{
			1: {"what": "Nobody answered"},
			2: {"whole": "all", "area": "MJ010102", "directions": fmt.Sprint("House ", runs)},
			3: {"lives": "here", "who": o.ref(t, other)},
		}[hands]
		ref := o.begins(t, citizen, kind, answers)
		model := newReference(hands)
		model.asked[citizen.Actor.ID] = true
		for range rapid.IntRange(2, 14).Draw(rt, "steps") {
			action := rapid.SampledFrom([]cases.Action{cases.Submitted, cases.Submitted, cases.Asked, cases.Answered, cases.Lapsed, cases.Recommended,
				cases.Recommended, cases.Returned, cases.Approved, cases.Refused, cases.Withdrawn}).Draw(rt, "action")
			by, as := staff[rapid.IntRange(0, len(staff)-1).Draw(rt, "by")], cases.ByOfficer
			switch action {
			case cases.Submitted, cases.Withdrawn:
				by, as = citizen, cases.ByApplicant
			case cases.Answered:
				if rapid.Bool().Draw(rt, "at the counter") {
					break
				}
				by, as = citizen, cases.ByApplicant
			case cases.Lapsed:
				as = cases.ByClock
			case cases.Approved: // the first of two who decide endorses
				if hands == 3 && model.state == "recommended" {
					action = cases.Endorsed
				}
			}
			before := model.state
			refused, absent := model.try(action, by.Actor.ID, as)
			if as == cases.ByClock && absent {
				model.state = before // the sweep finds nothing
				refused, absent = false, false
			}
			if action == cases.Submitted && absent && before != "draft" { // sent twice: the first one counts
				absent = false
			}
			err := o.try(t, action, by, ref, hands)
			if (refused || absent) != (err != nil) || err != nil && !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
				rt.Fatalf("%s case, %s: %s: %v; refused %t, absent %t", kind, before, action, err, refused, absent)
			}
			if got := o.inOffice(t, ref); string(got.State) != model.state || got.Asks != model.questions {
				rt.Fatalf("%s case, %s: %s: the case is %s and the reference %s", kind, before, action, got.State, model.state)
			}
		}
		if c := o.inOffice(t, ref); !c.State.Closed() && c.State != cases.StateDraft { // leave the records free for the next
			_ = o.try(t, cases.Withdrawn, citizen, ref, hands)
		}
		o.follows(t, rt, ref)
	}
	for runs < 200 {
		rapid.Check(t, one)
	}
}

// follows checks that every step has an actor, a time and a place in a chain.
func (o *office) follows(t *testing.T, rt *rapid.T, ref string) {
	t.Helper()
	if n := o.count(t, `
		select count(*) from (
			select e.*, lag(e.to_state, 1, 'draft') over (order by e.seq) as was from case_event e join case_file f on f.id = e.case_id where f.ref = $1) e
		where e.from_state <> e.was or e.actor is null and e.actor_kind <> 'job' or e.at is null`, ref); n > 0 {
		rt.Fatalf("%d steps do not follow from those before", n)
	}
	if n := o.count(t, `
		select count(*) from case_file f join change c on c.id = f.change_id where f.ref = $1
		and (f.state = 'approved') <> (c.state = 'applied')`, ref); n > 0 {
		rt.Fatal("the case and its change say different things")
	}
}

// try takes one step through the program.
func (o *office) try(t *testing.T, a cases.Action, by hand, ref string, hands int) error {
	t.Helper()
	o.Clock.Add(time.Second)
	do := func(fn func(db.Tx) error) error { return o.WithTx(t.Context(), by.Principal, fn) }
	switch a {
	case cases.Submitted:
		defer o.Clock.Add(14 * 24 * time.Hour) // nobody objected
		return do(func(tx db.Tx) error { _, err := cases.File(tx, by.Actor, ref); return err })
	case cases.Asked:
		return do(func(tx db.Tx) error { return cases.Ask(tx, by.Actor, ref, nil, "Really?", "en") })
	case cases.Answered:
		return do(func(tx db.Tx) error { _, err := cases.Reply(tx, by.Actor, ref, "Yes", "en"); return err })
	case cases.Lapsed:
		o.Clock.Add(40 * 24 * time.Hour)
		return cases.Sweep(t.Context(), o.DB.DB)
	case cases.Recommended:
		return do(func(tx db.Tx) error { _, err := cases.Recommend(tx, by.Actor, ref, "approve", "", "en"); return err })
	case cases.Returned:
		return do(func(tx db.Tx) error { return cases.Return(tx, by.Actor, ref, "Again", "en") })
	case cases.Approved, cases.Endorsed:
		return do(func(tx db.Tx) error {
			c, err := cases.Decide(tx, by.Actor, ref, cases.Ruling{Approve: true, Lang: "en"})
			if c.Renewing {
				t.Error("stale")
			}
			return err
		})
	case cases.Refused:
		reason := map[int]string{1: "not_found", 2: "recorded", 3: "recorded"}[hands]
		return do(func(tx db.Tx) error {
			_, err := cases.Decide(tx, by.Actor, ref, cases.Ruling{Reason: reason, Lang: "en"})
			return err
		})
	case cases.Withdrawn:
		return do(func(tx db.Tx) error { _, err := cases.Withdraw(tx, by.Actor, ref); return err })
	}
	t.Fatal("no such step: ", a)
	return nil
}

// paid reports whether somebody receives what their household gets.
func (o *office) paid(t *testing.T, name string) bool {
	t.Helper()
	return o.count(t, `select count(*) from membership_role r join person p on p.id = r.person_id
		where $1 in (p.full_name, p.full_name_latin) and r.role = 'payee' and r.end_date is null`, name) > 0
}
