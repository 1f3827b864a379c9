package cases_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
	"daftar/registry/deadline"
)

// The written outcomes of hard cases (RULES R16, R17), each a test.

const day = 24 * time.Hour

func (o *office) attaches(t *testing.T, who hand, ref, kind string) {
	t.Helper()
	o.do(t, who.Principal, func(tx db.Tx) error {
		return cases.AttachPage(tx, who.Actor, ref, cases.Evidence{Kind: kind, MediaType: "image/jpeg", Size: 1, Width: 1, Height: 1, SHA256: []byte("x"), Blob: someBlob}, nil)
	})
}

// dies is a death that is told, proven and confirmed.
func (o *office) dies(t *testing.T, d desk, by hand, name string) {
	t.Helper()
	ref := o.begins(t, by, "death", registry.Values{"who": o.ref(t, name), "day": "2026-02-27"})
	o.attaches(t, by, ref, "death_certificate")
	o.do(t, by.Principal, func(tx db.Tx) error { _, err := cases.File(tx, by.Actor, ref); return err })
	o.approves(t, d, ref)
}

// R16: the head dies. Nothing stops by the report; the headship is vacant; the
// payments pass to the alternative, and nobody applies again.
func TestHeadDies(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, bilal := o.desk(t), o.member(t, "Bilal Yusuf")
	decisions := `select count(*) from decision d join membership m on m.household_id = d.household_id join person p on p.id = m.person_id
		where p.full_name_latin = 'Bilal Yusuf' and d.kind = 'programme' and d.superseded_at is null and d.outcome = 'eligible'`
	before := o.count(t, decisions)
	ref := o.begins(t, bilal, "death", registry.Values{"who": o.ref(t, "Amina Yusuf"), "day": "2026-02-27"})
	o.do(t, bilal.Principal, func(tx db.Tx) error { _, err := cases.File(tx, bilal.Actor, ref); return err })
	if p := o.person(t, "Amina Yusuf"); p.Status != "" || !o.paid(t, "Amina Yusuf") {
		t.Error("a report alone did something: ", p.Status)
	}
	o.recommends(t, d, ref, "approve")
	err := o.WithTx(t.Context(), d.approver.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, d.approver.Actor, ref, cases.Ruling{Approve: true, Lang: "en"})
		return err
	})
	if !fault.Is(err, fault.Conflict) {
		t.Error("dead without any proof: ", err)
	}
	o.Clock.Add(time.Minute)
	o.do(t, bilal.Principal, func(tx db.Tx) error {
		return cases.AddDocument(tx, bilal.Actor, ref, cases.Evidence{Kind: "burial_permit", MediaType: "image/jpeg", Size: 1, Width: 1, Height: 1, SHA256: []byte("x"), Blob: someBlob})
	})
	o.works(t)
	if s := o.inOffice(t, ref).State; s != cases.StateSubmitted {
		t.Error("proof came after the check, and the case is ", s)
	}
	o.approves(t, d, ref)
	dead := o.person(t, "Amina Yusuf")
	if dead.Status != registry.Deceased || dead.StatusDate != "2026-02-27" || dead.StatusReason != "burial_permit" {
		t.Errorf("%s %s: %s", dead.Status, dead.StatusDate, dead.StatusReason)
	}
	if o.paid(t, "Amina Yusuf") || !o.paid(t, "Bilal Yusuf") {
		t.Error("the payments did not pass to the alternative")
	}
	if n := o.count(t, `select count(*) from membership m join membership b on b.household_id = m.household_id join person p on p.id = b.person_id
		where p.full_name_latin = 'Bilal Yusuf' and m.relationship = 'head' and m.end_date is null`); n != 0 {
		t.Error("the headship is not vacant")
	}
	if after := o.count(t, decisions); after != before || before == 0 {
		t.Errorf("%d decisions in their favour before, %d after", before, after)
	}
}

// R16: alive after all. One visit, the same day; everything goes on as before.
func TestAliveAfterAll(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, bilal := o.desk(t), o.member(t, "Bilal Yusuf")
	was := o.person(t, "Amina Yusuf")
	o.dies(t, d, bilal, "Amina Yusuf")
	o.Clock.Add(20 * day)
	ref := o.files(t, bilal, "alive", registry.Values{"who": was.Ref})
	if c := o.inOffice(t, ref); c.DueOn.Time.Sub(o.Clock.Now()) > 4*day {
		t.Error("it is due on ", c.DueOn.Time)
	}
	o.approves(t, d, ref)
	is := o.person(t, "Amina Yusuf")
	if is.Status != "" || !o.paid(t, "Amina Yusuf") || o.paid(t, "Bilal Yusuf") {
		t.Errorf("%s; paid: Amina %t, Bilal %t", is.Status, o.paid(t, "Amina Yusuf"), o.paid(t, "Bilal Yusuf"))
	}
	home, ok := is.Residence("2026-03-25")
	if !ok || home.Relationship != registry.RelationshipHead || home.HouseholdID != was.Memberships[0].HouseholdID {
		t.Errorf("she lives nowhere, or is not the head any more: %+v", is.Memberships)
	}
	// Bilal was paid in the meantime, and that stays on record.
	if n := o.count(t, `select count(*) from membership_role r join person p on p.id = r.person_id
		where p.full_name_latin = 'Bilal Yusuf' and r.role = 'payee' and r.start_date = '2026-03-02' and r.end_date is not null`); n != 1 {
		t.Error("who was paid in between is lost")
	}
}

// R17: twins are two people of one filing.
func TestTwins(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "birth", registry.Values{
		"parent": o.ref(t, "Amina Yusuf"), "other_parent": o.ref(t, "Bilal Yusuf"), "born": "2026-02-20",
		"babies": []any{map[string]any{"id": "1", "name": "Hawa Yusuf", "sex": "female"}, map[string]any{"id": "2", "name": "Adam Yusuf", "sex": "male"}},
	})
	o.approves(t, d, ref)
	hawa, adam := o.person(t, "Hawa Yusuf"), o.person(t, "Adam Yusuf")
	if hawa.Ref == adam.Ref || hawa.BirthFrom != "2026-02-20" || len(hawa.Relations) != 2 || hawa.Memberships[0].Relationship != "child" {
		t.Errorf("%+v\n%+v", hawa, adam)
	}
	if n := o.count(t, `select count(*) from membership_role r join person p on p.id = r.person_id where p.full_name_latin = 'Amina Yusuf' and r.role = 'caregiver'`); n != 5 {
		t.Errorf("she cares for %d children", n)
	}
	// Told apart by the father, they are not taken for the same child, nor joined.
	if got := cases.Compare("birth", registry.Values{"born": "2026-02-20", "babies": []any{map[string]any{"id": "1", "name": "Hawa", "sex": "female"}}},
		registry.Values{"born": "2026-02-20", "babies": []any{map[string]any{"id": "1", "name": "Adam", "sex": "male"}}}); got != cases.Perhaps {
		t.Error("twins told apart: ", got)
	}
}

// R17: a birth reported twice is one case, with the earliest date; every filer has
// a receipt, and neither sees the other's filing.
func TestBirthReportedTwice(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	told := func(by hand, born string) string {
		return o.files(t, by, "birth", registry.Values{"parent": o.ref(t, "Amina Yusuf"), "born": born,
			"babies": []any{map[string]any{"id": "1", "name": "Hawa Yusuf"}}})
	}
	first := told(amina, "2026-02-20")
	due := o.inOffice(t, first).DueOn.Time
	o.Clock.Add(2 * day)
	second := told(bilal, "2026-02-21")
	a, b := o.inOffice(t, first), o.inOffice(t, second)
	if b.State != cases.StateJoined || b.JoinedTo == nil || *b.JoinedTo != a.ID || !b.DueOn.Time.Equal(due) || receipts.Of(a) == receipts.Of(b) {
		t.Errorf("the second is %s, due %s", b.State, b.DueOn.Time)
	}
	for _, c := range []struct {
		who hand
		ref string
	}{{amina, second}, {bilal, first}} {
		err := o.WithTx(t.Context(), c.who.Principal, func(tx db.Tx) error { _, err := cases.Load(tx, c.who.Actor, c.ref); return err })
		if !fault.Is(err, fault.NotFound) {
			t.Error("one parent reads the other's filing: ", err)
		}
	}
	o.approves(t, d, first)
	if s := o.inOffice(t, second).State; s != cases.StateApproved {
		t.Error("the second is ", s)
	}
	if n := o.count(t, `select count(*) from person where full_name = 'Hawa Yusuf'`); n != 1 {
		t.Errorf("%d children", n)
	}
	// A third telling of it, when it is done, is a case of its own for a person to look at.
	third := told(bilal, "2026-02-20")
	if s := o.inOffice(t, third).State; s != cases.StateSubmitted {
		t.Error("the third is ", s)
	}
}

// R17: two members file the same event; when the first takes theirs back, the
// second stands by itself.
func TestTwoMembersFileTheSameEvent(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	dead := registry.Values{"who": o.ref(t, "Nur Yusuf"), "day": "2026-02-20"}
	first, second := o.files(t, amina, "death", dead), o.files(t, bilal, "death", dead)
	if s := o.inOffice(t, second).State; s != cases.StateJoined {
		t.Fatal("the second is ", s)
	}
	o.do(t, amina.Principal, func(tx db.Tx) error { _, err := cases.Withdraw(tx, amina.Actor, first); return err })
	o.works(t)
	c := o.inOffice(t, second)
	if c.State != cases.StateSubmitted || c.Change == nil || c.JoinedTo != nil {
		t.Fatalf("the second is %s, with the proposal %v", c.State, c.Change)
	}
	o.do(t, bilal.Principal, func(tx db.Tx) error {
		return cases.AddDocument(tx, bilal.Actor, second, cases.Evidence{Kind: "death_certificate", MediaType: "image/jpeg", Size: 1, Width: 1, Height: 1, SHA256: []byte("x"), Blob: someBlob})
	})
	o.approves(t, d, second)
	if p := o.person(t, "Nur Yusuf"); p.Status != registry.Deceased {
		t.Error(p.Status)
	}
}

// R17: two parents say where a child lives. The payments stay as they are until
// an official decides; neither sees what the other filed.
func TestCustodyDispute(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	nur := o.ref(t, "Nur Yusuf")
	hers := o.files(t, amina, "separated", registry.Values{"safe": "yes", "children": []any{nur}, "area": "MJ010102"})
	his := o.files(t, bilal, "separated", registry.Values{"safe": "yes", "children": []any{nur}, "area": "MJ010201"})
	if !o.paid(t, "Amina Yusuf") || o.paid(t, "Bilal Yusuf") {
		t.Error("the payments moved with a filing")
	}
	for _, c := range []struct {
		who hand
		ref string
	}{{amina, his}, {bilal, hers}} {
		if err := o.WithTx(t.Context(), c.who.Principal, func(tx db.Tx) error { _, err := cases.Load(tx, c.who.Actor, c.ref); return err }); !fault.Is(err, fault.NotFound) {
			t.Error("one parent reads the other's filing: ", err)
		}
	}
	var related []cases.Link
	o.do(t, d.verifier.Principal, func(tx db.Tx) (err error) {
		c, err := cases.Load(tx, d.verifier.Actor, hers)
		if err != nil {
			return err
		}
		related, err = cases.Related(tx, d.verifier.Actor, c)
		return err
	})
	if len(related) != 1 || related[0].Ref != his {
		t.Errorf("the office does not see that they conflict: %+v", related)
	}
	o.Clock.Add(14 * day)
	o.approves(t, d, hers)
	// His was made of records that have moved on: it is shown again, and does nothing by itself.
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		c, err := cases.Recommend(tx, d.verifier.Actor, his, "approve", "I spoke to both", "en")
		if err == nil && !c.Renewing {
			t.Error("recommended on an old record")
		}
		return err
	})
	if n := o.count(t, `select count(*) from case_event e join case_file c on c.id = e.case_id where c.ref = $1 and e.action = 'noted' and e.private and e.note = 'I spoke to both'`, his); n != 1 {
		t.Error("what the officer wrote is lost")
	}
	o.works(t)
	if c := o.inOffice(t, his); c.State != cases.StateSubmitted || c.Blocked == "" {
		t.Errorf("his is %s, blocked by %q: the child is not in his household any more", c.State, c.Blocked)
	}
}

// R17: a household of children only has a head of sixteen; the payments go to an
// adult who is appointed, never to a child.
func TestHouseholdOfChildren(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ibrahim := o.member(t, "Ibrahim Omar")
	if p := o.person(t, "Ibrahim Omar"); p.Memberships[0].Relationship != registry.RelationshipHead {
		t.Fatalf("%+v", p.Memberships)
	}
	for _, who := range []string{"Ibrahim Omar", "Khadija Omar"} {
		ref := o.begins(t, ibrahim, "payee", registry.Values{"lives": "here", "who": o.ref(t, who)})
		err := o.WithTx(t.Context(), ibrahim.Principal, func(tx db.Tx) error { _, err := cases.File(tx, ibrahim.Actor, ref); return err })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s is paid: %v", who, err)
		}
	}
	// He can tell of everything else himself: where they live, say.
	d := o.desk(t)
	ref := o.files(t, ibrahim, "moved", registry.Values{"whole": "all", "area": "MJ010102"})
	o.approves(t, d, ref) // nobody else is of age to be asked
}

// R5, R17: she leaves and is not safe. Two officials of protection see to it;
// nobody else is told; his pages, his receipts and the queue reveal nothing.
func TestProtectedLeaver(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, bilal := o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	one, two, plain := o.officer(t, "protection"), o.officer(t, "protection"), o.officer(t)
	ref := o.files(t, amina, "separated", registry.Values{"safe": "no", "children": []any{o.ref(t, "Nur Yusuf")}, "area": "MJ010201", "directions": "Blue tower"})
	if c := o.inOffice(t, ref); c.Access != "sealed" || c.Desk != "protection" || c.ObjectUntil.Valid {
		t.Fatalf("%+v", c)
	}
	if n := o.count(t, `select count(*) from case_party`); n != 0 {
		t.Errorf("%d people were told", n)
	}
	o.do(t, bilal.Principal, func(tx db.Tx) error {
		concerning, err := cases.Concerning(tx, *bilal.Person)
		mine, err2 := cases.Mine(tx, bilal.Actor)
		if len(concerning)+len(mine) > 0 || err2 != nil {
			t.Error("he sees a case")
		}
		return err
	})
	for name, who := range map[string]hand{"an officer": plain, "a verifier": o.officer(t, "verifier")} {
		var n int
		o.do(t, who.Principal, func(tx db.Tx) error { return tx.Get(&n, `select count(*) from case_file where kind = 'separated'`) })
		var events int
		o.do(t, who.Principal, func(tx db.Tx) error { return tx.Get(&events, `select count(*) from case_event`) })
		err := o.WithTx(t.Context(), who.Principal, func(tx db.Tx) error { _, err := cases.Read(tx, who.Actor, ref); return err })
		if n+events > 0 || !fault.Is(err, fault.NotFound) {
			t.Errorf("%s counts %d sealed cases with %d events and reads one: %v", name, n, events, err)
		}
	}
	o.do(t, one.Principal, func(tx db.Tx) error { _, err := cases.Recommend(tx, one.Actor, ref, "approve", "", "en"); return err })
	err := o.WithTx(t.Context(), one.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, one.Actor, ref, cases.Ruling{Approve: true, Lang: "en"})
		return err
	})
	if !fault.Is(err, fault.Forbidden) {
		t.Error("one official alone: ", err)
	}
	o.do(t, two.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, two.Actor, ref, cases.Ruling{Approve: true, Lang: "en"})
		return err
	})
	her := o.person(t, "Amina Yusuf")
	home, _ := her.Residence("2026-03-02")
	if home.Relationship != registry.RelationshipHead || !her.Contacts[0].Protected {
		t.Errorf("%+v %+v", home, her.Contacts)
	}
	if n := o.count(t, `select count(*) from household where id = $1 and protected`, home.HouseholdID); n != 1 {
		t.Error("her place is not protected")
	}
	// His own record has one new version only where the payments had to go on.
	his := o.person(t, "Bilal Yusuf")
	for _, r := range his.Relations {
		if r.EndDate != "" {
			t.Error("his record says that the union ended")
		}
	}
	if !o.paid(t, "Bilal Yusuf") {
		t.Error("the children who stayed get nothing")
	}
}

// R15, R17: a second wife with her children is a household of her own; her husband
// usually lives elsewhere, and what she files moves neither of them.
func TestSecondWife(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, zawadi := o.desk(t), o.member(t, "Zawadi Mushi")
	ref := o.files(t, zawadi, "birth", registry.Values{"parent": o.ref(t, "Zawadi Mushi"), "born": "2026-02-11", "babies": []any{map[string]any{"id": "1", "name": "Imani Mushi"}}})
	o.approves(t, d, ref)
	child, her, his := o.person(t, "Imani Mushi"), o.person(t, "Zawadi Mushi"), o.person(t, "Juma Mushi")
	hers, _ := her.Residence("2026-03-02")
	lives, _ := child.Residence("2026-03-02")
	first, _ := his.Residence("2026-03-02")
	if lives.HouseholdID != hers.HouseholdID || first.HouseholdID == hers.HouseholdID {
		t.Errorf("the child lives in %s, she in %s, he in %s", lives.HouseholdID, hers.HouseholdID, first.HouseholdID)
	}
	var c cases.Filing
	o.do(t, zawadi.Principal, func(tx db.Tx) (err error) {
		c, err = cases.LoadFiling(tx, zawadi.Actor, ref)
		return err
	})
	for _, option := range c.Form.Offers["other_parent"] {
		if option.Code == his.Ref {
			t.Error("he is offered as one who lives there")
		}
	}
}

// R17: they move across areas while another case is open. The open case stays with
// its office and its clock; the new one is the old office's too.
func TestMoveAcrossAreasWhileOpen(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	job := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 40.0})
	before := o.inOffice(t, job)
	move := o.files(t, amina, "moved", registry.Values{"whole": "all", "area": "MJ020101"})
	o.Clock.Add(14 * day)
	o.approves(t, d, move)
	if n := o.count(t, `select count(*) from household h join area a on a.id = h.area_id join membership m on m.household_id = h.id join person p on p.id = m.person_id
		where a.code = 'MJ020101' and p.full_name_latin = 'Amina Yusuf'`); n != 1 {
		t.Error("they did not move")
	}
	after := o.inOffice(t, job)
	if after.State != before.State || !after.DueOn.Time.Equal(before.DueOn.Time) {
		t.Errorf("%s, due %s", after.State, after.DueOn.Time)
	}
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		_, err := cases.Recommend(tx, d.verifier.Actor, job, "approve", "", "en")
		return err
	})
	o.works(t) // the household moved on: the proposal is made anew, for the same office
	o.approves(t, d, job)
	if n := o.count(t, `select count(*) from household h join area a on a.id = h.area_id where a.code = 'MJ020101' and h.fields->>'monthly_income' = '40'`); n != 1 {
		t.Error("the income was not recorded, or they moved back")
	}
}

// R17: an official files for herself, or for her own case at the counter, by
// mistake: she cannot check or decide it, and may take it back.
func TestAgainstHerself(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	clerk := o.officer(t)
	amina := o.ref(t, "Amina Yusuf")
	var person db.ID
	o.do(t, worker, func(tx db.Tx) error { return tx.Get(&person, `select id from person where ref = $1`, amina) })
	clerk.Person = &person
	ref := o.files(t, clerk, "moved", registry.Values{"whole": "all", "area": "MJ010102"})
	for _, step := range []func(db.Tx) error{
		func(tx db.Tx) error { _, err := cases.Recommend(tx, clerk.Actor, ref, "approve", "", "en"); return err },
	} {
		if err := o.WithTx(t.Context(), clerk.Principal, step); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
	}
	o.do(t, clerk.Principal, func(tx db.Tx) error { _, err := cases.Withdraw(tx, clerk.Actor, ref); return err })
	if n := o.count(t, `select count(*) from change c join case_file f on f.change_id = c.id where f.ref = $1 and c.state <> 'superseded'`, ref); n != 0 {
		t.Error("the proposal still stands")
	}
}

// R17: an approver is transferred in the middle of a case. They lose it at once,
// the clock runs on, and whoever has the desk goes on.
func TestApproverTransferred(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "moved", registry.Values{"whole": "all", "area": "MJ010102"})
	o.recommends(t, d, ref, "approve")
	o.do(t, d.approver.Principal, func(tx db.Tx) error { return cases.Assign(tx, d.approver.Actor, ref, &d.approver.Actor.ID, "", "en") })
	due := o.inOffice(t, ref).DueOn.Time
	o.Clock.Add(14 * day)
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Exec(`update staff_role set valid_to = $2 where staff_id = $1`, d.approver.Actor.ID, tx.Now())
	})
	c := o.inOffice(t, ref)
	if c.Assigned != nil || !c.DueOn.Time.Equal(due) {
		t.Errorf("it is still theirs: %v; due %s", c.Assigned, c.DueOn.Time)
	}
	o.Clock.Add(time.Second)
	err := o.WithTx(t.Context(), d.approver.Principal, func(tx db.Tx) error { // the page was still open
		_, err := cases.Decide(tx, d.approver.Actor, ref, cases.Ruling{Approve: true, Lang: "en"})
		return err
	})
	if !fault.Is(err, fault.Forbidden) {
		t.Error("who was transferred decided: ", err)
	}
	d.approver = d.second
	o.approves(t, d, ref)
}

// R12: the office is silent. The case is escalated when it is late, and nothing is
// decided by that.
func TestOfficeSilent(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina := o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "moved", registry.Values{"whole": "all", "area": "MJ010102"})
	due := o.inOffice(t, ref).DueOn.Time
	o.Clock.Set(due.Add(12 * time.Hour))
	o.sweeps(t)
	if o.inOffice(t, ref).Escalated.Valid {
		t.Error("escalated on its last day")
	}
	o.Clock.Set(due.Add(36 * time.Hour))
	o.sweeps(t)
	o.sweeps(t)
	c := o.inOffice(t, ref)
	if c.Escalation != deadline.Late || !c.Escalated.Valid || c.State != cases.StateSubmitted || o.count(t, `select count(*) from case_event where action = 'escalated'`) != 1 {
		t.Errorf("%s, escalated %v", c.State, c.Escalated)
	}
	// further up after 5 and after 15 working days more, each once
	for _, step := range []struct {
		days    int
		reached deadline.Silence
	}{{2, deadline.Late}, {10, deadline.Regional}, {30, deadline.National}, {90, deadline.National}} {
		o.Clock.Set(due.Add(time.Duration(step.days) * 24 * time.Hour))
		o.sweeps(t)
		o.sweeps(t)
		if got := o.inOffice(t, ref); got.Escalation != step.reached || got.State != cases.StateSubmitted || !got.Escalated.Time.Equal(c.Escalated.Time) {
			t.Errorf("%d days late: %q", step.days, got.Escalation)
		}
	}
	if got := o.count(t, `select count(*) from case_event where action = 'escalated'`); got != 3 {
		t.Error(got, " events")
	}
	d := o.desk(t)
	o.do(t, d.approver.Principal, func(tx db.Tx) error {
		n, err := cases.LateCount(tx, d.approver.Actor, registry.Today(o.Clock.Now(), time.UTC))
		if n != 1 {
			t.Error(n, " late cases")
		}
		return err
	})
}

func (o *office) sweeps(t *testing.T) {
	t.Helper()
	if err := cases.Sweep(t.Context(), o.DB.DB); err != nil {
		t.Fatal(err)
	}
}

// R12: a case waits for the citizen at most twice fifteen working days; then it
// goes on with what is known.
func TestWaitsTwice(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "moved", registry.Values{"whole": "all", "area": "MJ010102"})
	first := o.inOffice(t, ref).DueOn.Time
	ask := func() error {
		return o.WithTx(t.Context(), d.verifier.Principal, func(tx db.Tx) error { return cases.Ask(tx, d.verifier.Actor, ref, nil, "Where?", "en") })
	}
	for range 2 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		o.Clock.Add(20 * day) // fifteen working days are 21 days here: Friday and Saturday are off
		o.sweeps(t)
		if s := o.inOffice(t, ref).State; s != cases.StateWaiting {
			t.Fatal("it did not wait long enough: ", s)
		}
		o.Clock.Add(3 * day)
		o.sweeps(t)
		if s := o.inOffice(t, ref).State; s != cases.StateSubmitted {
			t.Fatal("it still waits: ", s)
		}
	}
	if err := ask(); !fault.Is(err, fault.Conflict) {
		t.Error("asked a third time: ", err)
	}
	k := o.inOffice(t, ref)
	var calendar registry.Calendar
	o.do(t, worker, func(tx db.Tx) (err error) {
		var area db.ID
		if err := tx.Get(&area, `select area_id from case_file where ref = $1`, ref); err != nil {
			return err
		}
		calendar, err = registry.CalendarOf(tx, area)
		return err
	})
	if n := calendar.WorkingDays(first, k.DueOn.Time); n != 30 {
		t.Errorf("%d working days were added", n)
	}
}

// R17: a hundred cases for one household. Each keeps its own clock, and the office
// sees that they belong together.
func TestHundredCases(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	var refs []string
	for i := range 100 {
		kind, answers := "service", registry.Values{"what": "Nobody answered"}
		if i%2 == 0 {
			kind, answers = "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": float64(10 + i)}
		}
		refs = append(refs, o.files(t, amina, kind, answers))
	}
	var rows []cases.QueueRow
	seen := map[string]bool{}
	for after := ""; ; {
		o.do(t, d.verifier.Principal, func(tx db.Tx) (err error) {
			rows, after, err = cases.Queue(tx, d.verifier.Actor, cases.Filter{View: cases.Team, After: after, Limit: 30, Today: o.Clock.Now()})
			return err
		})
		for _, r := range rows {
			if seen[r.Ref] {
				t.Error("listed twice: ", r.Ref)
			}
			seen[r.Ref] = true
		}
		if after == "" {
			break
		}
	}
	for _, ref := range refs {
		if !seen[ref] {
			t.Error("not in the queue: ", ref)
		}
	}
	// The last word counts: the first is approved, and the others are shown again.
	o.approves(t, d, refs[0])
	o.recommends(t, d, refs[98], "approve")
	o.works(t)
	o.approves(t, d, refs[98])
	if n := o.count(t, `select count(*) from household where fields->>'monthly_income' = '108'`); n != 1 {
		t.Error("the last income is not on record")
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(refs)))); n != 100 {
		t.Errorf("%d references", n)
	}
}

// R5, R8: after a sealed separation her ordinary cases stay with the office and
// the place that they were filed with, also when she answers and when they are
// made anew; of her new household they tell nothing.
func TestSealedSeparationStaysOutOfOrdinaryCases(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, plain := o.member(t, "Amina Yusuf"), o.officer(t)
	ref := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "work": "inactive"})
	asked := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 50.0})
	o.do(t, plain.Principal, func(tx db.Tx) error {
		return cases.Ask(tx, plain.Actor, asked, []string{"q/monthly_income"}, "Since when?", "en")
	})
	place := func(ref string) string {
		t.Helper()
		row := o.row(t, plain, ref)
		return string(row.AreaName)
	}
	before := place(ref)
	o.protects(t, o.files(t, amina, "separated", registry.Values{"safe": "no", "children": []any{o.ref(t, "Nur Yusuf")}, "area": "MJ010201", "directions": "Blue tower"}))
	o.do(t, amina.Principal, func(tx db.Tx) error { _, err := cases.Reply(tx, amina.Actor, asked, "", "en"); return err })
	o.do(t, plain.Principal, func(tx db.Tx) error { _, err := cases.Recommend(tx, plain.Actor, ref, "approve", "", "en"); return err })
	o.works(t)
	if n := o.count(t, `select count(*) from case_event e join case_file c on c.id = e.case_id where c.ref = $1 and e.action = 'renewed'`, ref); n != 1 {
		t.Fatal("the case was not made anew")
	}
	for _, ref := range []string{ref, asked} {
		if now := place(ref); now != before || o.row(t, plain, ref).Kept {
			t.Errorf("the place of %s was %s and is %s", ref, before, now)
		}
		o.do(t, plain.Principal, func(tx db.Tx) error {
			c, err := cases.Load(tx, plain.Actor, ref)
			if err != nil {
				return err
			}
			gains, err := cases.Gains(tx, c)
			for _, g := range gains {
				var protected bool
				if err := tx.Get(&protected, `select protected from household where ref = $1`, g.Household); err != nil {
					return err
				}
				if protected != g.Kept {
					t.Errorf("%+v is told of her new household", g)
				}
			}
			return err
		})
	}
}

// R5: where a protected household lives is told to nobody but those who protect:
// not in the queue, nor on the list of visits, nor among what was told.
func TestPlaceOfProtectedIsKept(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	leila, plain := o.member(t, "Leila Karim"), o.officer(t)
	ref := o.files(t, leila, "moved", registry.Values{"whole": "all", "area": "MJ010102"})
	if row := o.row(t, plain, ref); !row.Kept {
		t.Error("the queue tells the place: ", string(row.AreaName))
	}
	o.do(t, plain.Principal, func(tx db.Tx) error {
		if err := cases.PlanVisit(tx, plain.Actor, ref, o.Clock.Now().Add(day), plain.Actor.ID, "Look", "en"); err != nil {
			return err
		}
		rounds, err := cases.Rounds(tx, plain.Actor.ID)
		if len(rounds) != 1 || !rounds[0].Protected {
			t.Errorf("the list of visits tells the place: %+v", rounds)
		}
		c, err2 := cases.Load(tx, plain.Actor, ref)
		kept, err3 := cases.PlaceKept(tx, c)
		if !kept {
			t.Error("what was told is told to everybody")
		}
		return errors.Join(err, err2, err3)
	})
}

// row is a case as an officer's queue shows it.
func (o *office) row(t *testing.T, by hand, ref string) (row cases.QueueRow) {
	t.Helper()
	o.do(t, by.Principal, func(tx db.Tx) error {
		rows, _, err := cases.Queue(tx, by.Actor, cases.Filter{View: cases.Team, Limit: 100, Today: o.Clock.Now()})
		for _, r := range rows {
			if r.Ref == ref {
				row = r
			}
		}
		return err
	})
	if row.Ref == "" {
		t.Fatal("the queue has no ", ref)
	}
	return row
}

// protects lets two of protection approve a sealed case.
func (o *office) protects(t *testing.T, ref string) {
	t.Helper()
	one, two := o.officer(t, "protection"), o.officer(t, "protection")
	o.do(t, one.Principal, func(tx db.Tx) error { _, err := cases.Recommend(tx, one.Actor, ref, "approve", "", "en"); return err })
	o.do(t, two.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, two.Actor, ref, cases.Ruling{Approve: true, Lang: "en"})
		return err
	})
	o.works(t)
}

// R16: she comes herself, at the counter or in the portal. The office where she
// lived decides; and what somebody of her household told of it joins hers.
func TestAliveAfterAllComesHerself(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, bilal, amina := o.desk(t), o.member(t, "Bilal Yusuf"), o.member(t, "Amina Yusuf")
	was := o.person(t, "Amina Yusuf")
	home, _ := was.Residence("2026-03-02")
	o.dies(t, d, bilal, "Amina Yusuf")
	o.Clock.Add(20 * day)
	hers := o.files(t, amina, "alive", registry.Values{"who": was.Ref})
	if c := o.inOffice(t, hers); c.Household == nil || *c.Household != home.HouseholdID || c.Blocked != "" {
		t.Fatalf("her case is of household %v (%s)", c.Household, c.Blocked)
	}
	his := o.files(t, bilal, "alive", registry.Values{"who": was.Ref})
	if s := o.inOffice(t, his).State; s != cases.StateJoined {
		t.Error("his is ", s)
	}
	o.approves(t, d, hers)
	if s := o.inOffice(t, his).State; s != cases.StateApproved || o.person(t, "Amina Yusuf").Status != "" || !o.paid(t, "Amina Yusuf") || o.paid(t, "Bilal Yusuf") {
		t.Error("his is ", s, "; or she is not back as she was")
	}
}

// A country tells those above sooner of a kind that cannot wait.
func TestOfficeSilentByKind(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.do(t, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		k, err := kinds.Current(tx, "moved")
		if err != nil {
			return err
		}
		k.Regional, k.National = 1, 3
		return kinds.Publish(tx, k)
	})
	amina := o.member(t, "Amina Yusuf")
	quick, plain := o.files(t, amina, "moved", registry.Values{"whole": "all", "area": "MJ010102"}), o.files(t, amina, "separated", registry.Values{"safe": "yes", "children": []any{}, "area": "MJ010102"})
	due := o.inOffice(t, quick).DueOn.Time
	if other := o.inOffice(t, plain).DueOn.Time; !other.Equal(due) {
		t.Fatal("not due on one day: ", due, other)
	}
	for _, step := range []struct {
		days           int
		reached, usual deadline.Silence
	}{{8, deadline.National, deadline.Regional}} {
		o.Clock.Set(due.Add(time.Duration(step.days) * 24 * time.Hour))
		for range 3 {
			o.sweeps(t)
		}
		if got := o.inOffice(t, quick); got.Escalation != step.reached {
			t.Errorf("%d days late: %q", step.days, got.Escalation)
		}
		if got := o.inOffice(t, plain); got.Escalation != step.usual {
			t.Errorf("%d days late, as usual: %q", step.days, got.Escalation)
		}
	}
}

// R12, R17: one decision answers both who told of one event. Each has a letter of
// their own, without the words that were for the other one, and an appeal.
func TestOneDecisionAnswersBoth(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	dead := registry.Values{"who": o.ref(t, "Nur Yusuf"), "day": "2026-02-20"}
	first, second := o.files(t, amina, "death", dead), o.files(t, bilal, "death", dead)
	o.recommends(t, d, first, "refuse")
	o.do(t, d.approver.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, d.approver.Actor, first, cases.Ruling{Reason: "alive", Note: "As you told me on the telephone", Lang: "en"})
		return err
	})
	o.works(t)
	var appeal string
	o.do(t, bilal.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, bilal.Actor, second)
		if err != nil {
			return err
		}
		got, err := cases.DecisionOf(tx, c)
		if c.State != cases.StateRefused || got.Outcome != "refused" || got.Reason != "alive" {
			t.Errorf("%s, for %q", c.State, got.Reason)
		}
		if err != nil {
			return err
		}
		appeal, err = cases.Appeal(tx, bilal.Actor, second, "en")
		return err
	})
	const wrote = `select count(*) from letter l join case_file c on c.id = l.case_id where c.ref = $1 and l.kind = 'case_refused' and l.person_id = $2 and l.facts::text not like '%telephone%'`
	if n := o.count(t, wrote, second, *bilal.Person); n != 1 {
		t.Errorf("%d letters to who told later", n)
	}
	o.leavesOpen(t, bilal, appeal)
	o.do(t, bilal.Principal, func(tx db.Tx) error {
		if _, err := cases.Put(tx, bilal.Actor, appeal, "words", "She is dead"); err != nil {
			return err
		}
		_, err := cases.File(tx, bilal.Actor, appeal)
		return err
	})
	for who, h := range map[string]hand{"checked": d.verifier, "decided": d.approver} {
		if err := o.attempt(t, h, func(tx db.Tx, a cases.Actor) error { _, err := cases.Load(tx, a, appeal); return err }); !fault.Is(err, fault.NotFound) {
			t.Errorf("who %s it hears the appeal: %v", who, err)
		}
	}
	if c := o.inOffice(t, appeal); c.Change == nil {
		t.Error("the appeal asks for nothing: ", c.Blocked)
	}
}
