package cases_test

import (
	"testing"
	"time"

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

// Whoever lives alone moves away, leaves or dies: the household ends by itself with
// that, and goes on when the case is taken back.
func TestACaseThatEmptiesAHousehold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d := o.desk(t)
	who := struct {
		Name string `db:"name"`
		Home db.ID  `db:"household_id"`
	}{}
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Get(&who, `select p.full_name as name, m.household_id from membership m join person p on p.id = m.person_id and p.status = 'active' and p.birth_to < '1990-01-01'
			join household h on h.id = m.household_id join area a on a.id = h.area_id and a.code like 'MJ01%'
			where m.end_date is null and m.tie = 'usual' and p.full_name is not null
			  and not exists (select from membership x where x.household_id = m.household_id and x.person_id <> m.person_id)
			  and not exists (select from membership x where x.person_id = m.person_id and x.id <> m.id) order by p.ref limit 1`)
	})
	alone := o.member(t, who.Name)
	status := func() (s string) {
		o.do(t, worker, func(tx db.Tx) error {
			return tx.Get(&s, `select concat_ws(' ', status, status_reason, status_date) from household where id = $1`, who.Home)
		})
		return s
	}
	undo := func(ref string) {
		t.Helper()
		var back string
		o.do(t, d.verifier.Principal, func(tx db.Tx) (err error) {
			back, err = cases.Undo(tx, d.verifier.Actor, ref, "A mistake", "en")
			return err
		})
		o.Clock.Add(20 * day)
		o.approves(t, o.desk(t), back)
	}
	for _, c := range []struct {
		kind    string
		answers registry.Values
		day     string // "": of the case
	}{
		{"moved", registry.Values{"whole": "some", "who": []any{o.ref(t, who.Name)}, "to": "own", "area": "MJ010102", "since": "2026-03-02"}, "2026-03-02"},
		{"leave", registry.Values{}, ""},
	} {
		ref := o.files(t, alone, c.kind, c.answers)
		if c.day == "" {
			c.day = o.Clock.Now().Format(time.DateOnly)
		}
		o.Clock.Add(14 * day)
		o.approves(t, d, ref)
		if s := status(); s != "ended empty "+c.day {
			t.Fatalf("%s: %s", c.kind, s)
		}
		if n := o.count(t, `select count(*) from outbox where kind = 'assess_household' and ref = $1`, who.Home); n == 0 {
			t.Error(c.kind, ": the programmes are not asked")
		}
		undo(ref)
		if s := status(); s != "active" {
			t.Fatalf("%s taken back: %s", c.kind, s)
		}
	}
}
