package cases_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
)

// The program and the database say the same of every step.
func TestTransitionsOfTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var there []string
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Select(&there, `select concat_ws(' ', from_state, action, to_state, hand, step, coalesce(array_to_string(hands, ','), '')) from case_transition`)
	})
	var want []string
	for _, s := range cases.Transitions() {
		hands := strings.ReplaceAll(strings.Trim(fmt.Sprint(s.Hands), "[]"), " ", ",")
		want = append(want, strings.Join([]string{string(s.From), string(s.Action), string(s.To), string(s.By), s.Step, hands}, " "))
	}
	slices.Sort(there)
	slices.Sort(want)
	if !slices.Equal(there, want) {
		t.Errorf("the database has\n%q\nthe program\n%q", there, want)
	}
}

// So do the program and the database of who works at which desk.
func TestDesksOfTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var there []string
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Select(&there, `select concat_ws(' ', desk, step, role) from desk_role`)
	})
	var want []string
	for _, role := range auth.Roles() {
		for step, may := range map[string]auth.Permission{"read": auth.CaseRead, "take": auth.CaseIntake, "ask": auth.CaseAsk,
			"recommend": auth.CaseRecommend, "decide": auth.CaseDecide} {
			for _, desk := range auth.DesksOf(role, may) {
				want = append(want, desk+" "+step+" "+role)
			}
		}
	}
	slices.Sort(there)
	slices.Sort(want)
	if !slices.Equal(there, want) {
		t.Errorf("the database has\n%q\nthe policy\n%q", there, want)
	}
}

// reference is a case as a careful reader of the rules would keep it, written
// without looking at the machine: a few sentences, one for each rule.
type reference struct {
	state       string
	officials   int
	questions   int
	asked       map[db.ID]bool // for it, or answered
	checked     map[db.ID]bool
	endorsed    map[db.ID]bool
	independent map[db.ID]bool // whoever touched what is appealed is not
}

// try is what happens; refused says that it is somebody else's to do, absent that
// it is not to be done now.
func (r *reference) try(action cases.Action, by db.ID, as cases.Hand) (refused, absent bool) {
	officer, clock := as == cases.ByOfficer, as == cases.ByClock
	applicant := as == cases.ByApplicant || officer // at the counter
	open := r.state == "submitted" || r.state == "recommended" || r.state == "endorsed"
	none := func(sets ...map[db.ID]bool) bool {
		for _, s := range sets {
			if s[by] {
				return false
			}
		}
		return true
	}
	go_ := func(allowed bool, to string, hands bool) (bool, bool) {
		if !allowed {
			return false, true
		}
		if officer && !hands {
			return true, false
		}
		r.state = to
		return false, false
	}
	switch action {
	case cases.Submitted:
		refused, absent = go_(applicant && r.state == "draft", "submitted", true)
	case cases.Withdrawn:
		return go_(applicant && (open || slices.Contains([]string{"draft", "waiting", "stale", "joined"}, r.state)), "withdrawn", true)
	case cases.Asked:
		if officer && r.state == "submitted" && r.questions == 2 {
			return false, true
		}
		refused, absent = go_(officer && r.state == "submitted", "waiting", true)
		if !refused && !absent {
			r.questions++
		}
		return refused, absent
	case cases.Answered:
		refused, absent = go_(applicant && r.state == "waiting", "submitted", true)
	case cases.Lapsed:
		return go_(clock && r.state == "waiting", "submitted", true)
	case cases.Recommended:
		if officer && r.state == "submitted" && r.officials == 1 {
			return true, false
		}
		refused, absent = go_(officer && r.state == "submitted", "recommended", none(r.asked, r.endorsed))
		if !refused && !absent {
			r.checked[by] = true
		}
		return refused, absent
	case cases.Returned:
		return go_(officer && (r.state == "recommended" || r.state == "endorsed"), "submitted", none(r.asked, r.checked, r.endorsed))
	case cases.Endorsed:
		if officer && r.state == "recommended" && r.officials != 3 {
			return true, false
		}
		refused, absent = go_(officer && r.state == "recommended", "endorsed", none(r.asked, r.checked, r.endorsed, r.independent))
		if !refused && !absent {
			r.endorsed[by] = true
		}
		return refused, absent
	case cases.Approved:
		if clock {
			return go_(r.state == "joined", "approved", true)
		}
		last := map[int]string{1: "submitted", 2: "recommended", 3: "endorsed"}
		if officer && open && r.state != last[r.officials] {
			return true, false
		}
		return go_(officer && r.state == last[r.officials], "approved", none(r.asked, r.checked, r.endorsed, r.independent))
	case cases.Refused:
		if clock {
			return go_(r.state == "joined", "refused", true)
		}
		if officer && r.state == "submitted" && r.officials != 1 {
			return true, false
		}
		return go_(officer && (r.state == "recommended" || r.state == "submitted"), "refused", none(r.asked, r.checked, r.endorsed, r.independent))
	case cases.Staled:
		return go_(clock && open, "stale", true)
	case cases.Renewed:
		return go_(clock && r.state == "stale", "submitted", true)
	case cases.Joined:
		return go_(clock && r.state == "submitted", "joined", true)
	case cases.Parted:
		return go_(clock && r.state == "joined", "submitted", true)
	}
	if !refused && !absent && (action == cases.Submitted || action == cases.Answered) {
		r.asked[by] = true
	}
	return refused, absent
}

// moves are the actions that move a case.
var moves = []cases.Action{cases.Submitted, cases.Asked, cases.Answered, cases.Lapsed, cases.Recommended, cases.Returned, cases.Endorsed,
	cases.Approved, cases.Refused, cases.Withdrawn, cases.Staled, cases.Renewed, cases.Joined, cases.Parted}

func newReference(hands int, apart ...db.ID) *reference {
	r := &reference{state: "draft", officials: hands, asked: map[db.ID]bool{}, checked: map[db.ID]bool{}, endorsed: map[db.ID]bool{}, independent: map[db.ID]bool{}}
	for _, id := range apart {
		r.independent[id] = true
	}
	return r
}

// The machine does what the reference does, step by step, whoever tries what: a
// hundred times a hundred lives.
func TestLifeAgainstTheReference(t *testing.T) {
	t.Parallel()
	ids := make([]db.ID, 6)
	for i := range ids {
		ids[i] = db.ID{15: byte(i + 1)}
	}
	from := map[cases.State][]cases.Transition{}
	for _, step := range cases.Transitions() {
		if step.To != cases.Any {
			from[step.From] = append(from[step.From], step)
		}
	}
	seen := map[string]int{}
	run := func(rt *rapid.T) {
		hands := rapid.IntRange(1, 3).Draw(rt, "hands")
		life := cases.Life{State: cases.StateDraft, Hands: hands, Apart: []db.ID{ids[5]}}
		seen[fmt.Sprint(life.State, hands)]++
		ref := newReference(hands, ids[5])
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			s := cases.Step{
				Action: rapid.SampledFrom(moves).Draw(rt, "action"),
				By:     rapid.SampledFrom(ids).Draw(rt, "by"),
				As:     rapid.SampledFrom([]cases.Hand{cases.ByApplicant, cases.ByOfficer, cases.ByOfficer, cases.ByOfficer, cases.ByClock, cases.ByAffected}).Draw(rt, "as"),
			}
			if there := from[life.State]; len(there) > 0 && rapid.Bool().Draw(rt, "sensible") { // or lives would seldom come far
				step := rapid.SampledFrom(there).Draw(rt, "step")
				s.Action, s.As = step.Action, step.By
			}
			before := life.State
			next, err := life.Next(s)
			refused, absent := ref.try(s.Action, s.By, s.As)
			switch {
			case refused != fault.Is(err, fault.Forbidden), absent != fault.Is(err, fault.Conflict), string(next.State) != ref.state:
				rt.Fatalf("%s: %s by %s as %s: %s, %v; the reference is %s, refuses %t, has no such step %t", before, s.Action, s.By, s.As, next.State, err, ref.state, refused, absent)
			}
			life = next
			seen[fmt.Sprint(life.State, hands)]++
		}
	}
	for range 100 {
		rapid.Check(t, run)
	}
	for _, s := range cases.States() {
		for hands := 1; hands <= 3; hands++ {
			never := s == cases.StateRecommended && hands == 1 || s == cases.StateEndorsed && hands != 3
			if never == (seen[fmt.Sprint(s, hands)] > 0) {
				t.Errorf("lives of %d officials that came to be %s: %d", hands, s, seen[fmt.Sprint(s, hands)])
			}
		}
	}
}
