package cases_test

import (
	"slices"
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
)

// RULES R8: nobody is offered a case, or a visit, who is kept from it or lacks the
// role there, and nobody can be given one.
func TestCasesAreOfferedToThoseWhoMayHaveThem(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, checker, kin, decider, stranger := o.member(t, "Amina Yusuf"), o.officer(t), o.officer(t), o.officer(t, "approver"), o.officer(t, "grievance")
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Exec(`insert into staff_kin (id, ref, staff_id, bond, type, value, declared_at, declared_by) values ($1, 'K-TEST', $2, 'relative', 'reference', $3, $4, $2)`,
			tx.NewID(), kin.Actor.ID, o.ref(t, "Bilal Yusuf"), tx.Now())
	})
	ref := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 11.0})
	for may, wants := range map[string][]bool{cases.MayRead: {true, false, true, false}, cases.MayAsk: {true, false, false, false}} {
		o.do(t, checker.Principal, func(tx db.Tx) error {
			c, err := cases.Load(tx, checker.Actor, ref)
			if err != nil {
				return err
			}
			list, err := cases.Colleagues(tx, c, may)
			for i, who := range []hand{checker, kin, decider, stranger} {
				if got := slices.ContainsFunc(list, func(x cases.Colleague) bool { return x.ID == who.Actor.ID }); got != wants[i] {
					t.Errorf("%s: %d is offered: %v", may, i, got)
				}
			}
			return err
		})
	}
	for i, who := range []hand{kin, stranger} {
		if err := o.attempt(t, checker, func(tx db.Tx, a cases.Actor) error { return cases.Assign(tx, a, ref, &who.Actor.ID, "", "en") }); !fault.Is(err, fault.Invalid) {
			t.Errorf("%d has the case: %v", i, err)
		}
	}
	for i, who := range []hand{kin, decider, stranger} {
		if err := o.attempt(t, checker, func(tx db.Tx, a cases.Actor) error {
			return cases.PlanVisit(tx, a, ref, o.Clock.Now().Add(day), who.Actor.ID, "", "en")
		}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%d goes there: %v", i, err)
		}
	}
}

// The next case is one that the officer can do something about: first to decide,
// then to check; what waits is not given.
func TestNextCaseIsOneToWorkOn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, checker, decider := o.member(t, "Amina Yusuf"), o.officer(t), o.officer(t)
	file := func(v float64) string {
		ref := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": v})
		o.Clock.Add(day)
		return ref
	}
	waiting, open, checked := file(11), file(22), file(33)
	o.do(t, checker.Principal, func(tx db.Tx) error {
		if err := cases.Ask(tx, checker.Actor, waiting, nil, "Why?", "en"); err != nil {
			return err
		}
		_, err := cases.Recommend(tx, checker.Actor, checked, "approve", "", "en")
		return err
	})
	take := func(who hand) (ref string, err error) {
		return ref, o.attempt(t, who, func(tx db.Tx, a cases.Actor) (err error) { ref, err = cases.Take(tx, a); return err })
	}
	for i, want := range []string{checked, open} {
		if ref, err := take(decider); err != nil || ref != want {
			t.Errorf("%d: %s instead of %s: %v", i, ref, want, err)
		}
	}
	if ref, err := take(decider); !fault.Is(err, fault.NotFound) {
		t.Error("a case that waits was given: ", ref, err)
	}
}
