package cases_test

import (
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
)

// A change of which something changed again is not taken back: no case is opened
// that nobody could end. One is there at a time, and one that got stuck is refused.
func TestUndoAfterAnotherChange(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	income := func(v float64) string {
		ref := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": v})
		o.Clock.Add(14 * day)
		o.approves(t, d, ref)
		return ref
	}
	undo := func(ref string) (next string, err error) {
		return next, o.attempt(t, d.verifier, func(tx db.Tx, a cases.Actor) (err error) {
			next, err = cases.Undo(tx, a, ref, "A mistake", "en")
			return err
		})
	}
	first := income(11)
	second := income(22)
	if _, err := undo(first); !fault.Is(err, fault.Conflict) {
		t.Error("undone after another change: ", err)
	}
	if n := o.count(t, `select count(*) from case_file where kind = 'undo'`); n != 0 {
		t.Error("a case was opened")
	}
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, d.verifier.Actor, first)
		if err != nil {
			return err
		}
		list, err := cases.MovedOn(tx, c)
		if len(list) != 1 || list[0].Ref == "" || len(list[0].Values) == 0 {
			t.Errorf("what moved on: %+v", list)
		}
		return err
	})
	back, err := undo(second)
	if err != nil || back == "" {
		t.Fatal(err)
	}
	if _, err := undo(second); !fault.Is(err, fault.Conflict) {
		t.Error("undone twice: ", err)
	}
	o.do(t, d.approver.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, d.approver.Actor, second)
		if err != nil {
			return err
		}
		if by, err := cases.UndoneBy(tx, c); err != nil || by != back {
			t.Error(by, err)
		}
		return nil
	})
}
