package cases_test

import (
	"slices"
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
)

// R5: whoever objected reads afterwards what concerns them, where their child goes
// among it, and appeals it; who decides reads the objection in full; whoever did not
// object has nothing to appeal.
func TestWhoObjectedCanAppeal(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	nur := o.person(t, "Nur Yusuf")
	ref := o.files(t, amina, "separated", registry.Values{"safe": "yes", "children": []any{nur.Ref}, "area": "MJ010102"})
	appeal := func(who hand) (made string, err error) {
		return made, o.WithTx(t.Context(), who.Principal, func(tx db.Tx) (err error) { made, err = cases.AppealConcern(tx, who.Actor, ref, "en"); return err })
	}
	touches := func() (names []string) {
		o.do(t, bilal.Principal, func(tx db.Tx) error {
			f, _, err := cases.Concern(tx, *bilal.Person, ref)
			if err != nil {
				return err
			}
			list, mine, err := cases.Touching(tx, f, *bilal.Person)
			for _, a := range list {
				if mine(a) {
					names = append(names, a.Name)
				}
			}
			return err
		})
		return names
	}
	if got := touches(); !slices.Contains(got, nur.FullName) || slices.Contains(got, "Amina Yusuf") {
		t.Errorf("before: %q", got)
	}
	o.do(t, bilal.Principal, func(tx db.Tx) error {
		return cases.Respond(tx, *bilal.Person, ref, false, "The boy lives with me", "en")
	})
	if _, err := appeal(bilal); !fault.Is(err, fault.Conflict) {
		t.Error("appealed before anything was decided: ", err)
	}
	o.do(t, d.approver.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, d.approver.Actor, ref)
		if err != nil {
			return err
		}
		list, err := cases.Objections(tx, c)
		if len(list) != 1 || list[0].Note != "The boy lives with me" || list[0].Name == "" {
			t.Errorf("who decides reads %+v", list)
		}
		return err
	})
	o.Clock.Set(o.inOffice(t, ref).ObjectUntil.Time.Add(2 * day))
	o.approves(t, d, ref)
	if got := touches(); !slices.Contains(got, nur.FullName) {
		t.Errorf("afterwards: %q", got)
	}
	const wrote = `select count(*) from letter l join case_file c on c.id = l.case_id where c.ref = $1 and l.kind = 'objected' and l.person_id = $2`
	if n := o.count(t, wrote, ref, *bilal.Person); n != 1 {
		t.Errorf("%d letters with his time to appeal", n)
	}
	o.do(t, amina.Principal, func(tx db.Tx) error { // hers is not begun by his
		c, err := cases.Load(tx, amina.Actor, ref)
		if err != nil {
			return err
		}
		_, err = cases.AppealTimeOf(tx, c)
		return err
	})
	first, err := appeal(bilal)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := appeal(bilal); err != nil || again != first {
		t.Error("pressed twice: ", again, err)
	}
	if _, err := appeal(amina); !fault.Is(err, fault.NotFound) {
		t.Error("she has no objection: ", err)
	}
	o.leavesOpen(t, bilal, first)
	o.do(t, bilal.Principal, func(tx db.Tx) error {
		if _, err := cases.Put(tx, bilal.Actor, first, "words", "He goes to school here"); err != nil {
			return err
		}
		_, err := cases.File(tx, bilal.Actor, first)
		return err
	})
	if c := o.inOffice(t, first); c.State != cases.StateSubmitted || c.Desk != "appeals" {
		t.Errorf("%+v", c)
	}
	for who, h := range map[string]hand{"checked": d.verifier, "decided": d.approver} {
		if err := o.attempt(t, h, func(tx db.Tx, a cases.Actor) error { _, err := cases.Load(tx, a, first); return err }); !fault.Is(err, fault.NotFound) {
			t.Errorf("who %s it hears the appeal: %v", who, err)
		}
	}
	o.takenBack(t, d, amina, bilal, ref, first)
}

// takenBack hears the appeal of whoever objected, and agrees: what was recorded is
// proposed to be taken back, others decide that, and whoever objected is told.
func (o *office) takenBack(t *testing.T, d desk, amina, bilal hand, ref, appeal string) {
	t.Helper()
	one, two := o.officer(t, "appeals"), o.officer(t, "appeals")
	where := func() (b *cases.TakingBack) {
		o.do(t, bilal.Principal, func(tx db.Tx) error {
			c, err := cases.Load(tx, bilal.Actor, appeal)
			if err != nil {
				return err
			}
			b, err = cases.TakingBackOf(tx, c.ID)
			return err
		})
		return b
	}
	if where() != nil {
		t.Error("taken back before it was decided")
	}
	if o.inOffice(t, appeal).Hands > 1 {
		o.do(t, one.Principal, func(tx db.Tx) error {
			_, err := cases.Recommend(tx, one.Actor, appeal, "approve", "", "en")
			return err
		})
	}
	o.do(t, two.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, two.Actor, appeal, cases.Ruling{Approve: true, Note: "He goes to school there", Lang: "en"})
		return err
	})
	o.works(t)
	var undo string
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, d.verifier.Actor, ref)
		if err != nil {
			return err
		}
		undo, err = cases.UndoneBy(tx, c)
		return err
	})
	if b := where(); undo == "" || b == nil || b.State != cases.StateSubmitted {
		t.Fatalf("%q is %+v", undo, b)
	}
	nur, _ := o.person(t, "Nur Yusuf").Residence("2026-04-30")
	if err := o.attempt(t, two, func(tx db.Tx, a cases.Actor) error {
		_, err := cases.Recommend(tx, a, undo, "approve", "", "en")
		return err
	}); err == nil {
		t.Error("who granted the appeal checks what it led to")
	}
	o.approves(t, d, undo)
	o.works(t)
	if back, _ := o.person(t, "Nur Yusuf").Residence("2026-04-30"); back.HouseholdID == nur.HouseholdID {
		t.Error("the child is where it was")
	}
	if b := where(); b.State != cases.StateApproved || !b.DecidedAt.Valid {
		t.Errorf("%+v", b)
	}
	if n := o.count(t, `select count(*) from notice n join case_file c on c.id = n.case_id where c.ref = $1 and n.kind = 'concern_decided' and n.person_id = $2`, ref, *bilal.Person); n != 2 {
		t.Errorf("he was told %d times", n)
	}
}

// R5: also whoever objected to what joined another's case is told.
func TestWhoObjectedToAJoinedCaseIsTold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	answers := registry.Values{"who": o.ref(t, "Nur Yusuf"), "day": "2026-02-27"}
	main := o.files(t, amina, "death", answers)
	joined := o.files(t, bilal, "death", answers)
	if c := o.inOffice(t, joined); c.State != cases.StateJoined {
		t.Fatal(c.State)
	}
	c := o.inOffice(t, joined)
	o.do(t, worker, func(tx db.Tx) error {
		if err := tx.Exec(`insert into case_party (case_id, person_id, told_at) values ($1, $2, $3) on conflict do nothing`, c.ID, *amina.Person, tx.Now()); err != nil {
			return err
		}
		return tx.Exec(`update case_party set answer = 'objected', answered_at = $3 where case_id = $1 and person_id = $2`, c.ID, *amina.Person, tx.Now())
	})
	o.recommends(t, d, main, "refuse")
	o.do(t, d.approver.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, d.approver.Actor, main, cases.Ruling{Reason: "recorded", Lang: "en"})
		return err
	})
	o.works(t)
	if n := o.count(t, `select count(*) from notice n join case_file c on c.id = n.case_id where c.ref = $1 and n.kind = 'concern_decided' and n.person_id = $2`, joined, *amina.Person); n != 1 {
		t.Errorf("told %d times", n)
	}
}
