package cases_test

import (
	"strings"
	"testing"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/cases/kinds"
)

// The faults that other registries had to mend (the reference's section d), one
// test each, by its number there.

func moved(area string) registry.Values { return registry.Values{"whole": "all", "area": area} }

// D1: a requester applies their own approved request by a direct call.
func TestD1RequesterCannotApply(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "moved", moved("MJ010102"))
	o.recommends(t, d, ref, "approve")
	change := *o.inOffice(t, ref).Change
	for name, who := range map[string]db.Principal{"the requester": amina.Principal, "as staff": {Role: db.Staff, Kind: "staff", Actor: amina.Actor.ID}, "who checked": d.verifier.Principal} {
		for _, statement := range []string{`select approve_change($1, '2026-03-03')`, `select apply_change($1, '2026-03-03')`} {
			if err := o.raw(t, who, statement, change); err == nil {
				t.Errorf("%s: %s", name, statement)
			}
		}
		if err := o.raw(t, who, `insert into case_event (id, case_id, at, action) select gen_random_uuid(), id, '2026-03-20', 'approved' from case_file where change_id = $1`, change); err == nil {
			t.Errorf("%s wrote that it is approved", name)
		}
	}
	if s := o.inOffice(t, ref).State; s != cases.StateRecommended {
		t.Error(s)
	}
}

// D2: details of others' requests are read or edited by any requester.
func TestD2DetailsOfOthersAreHidden(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, bilal, joseph := o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf"), o.member(t, "Joseph Okello")
	ref := o.begins(t, amina, "moved", moved("MJ010102"))
	o.attaches(t, amina, ref, "lease")
	tries := map[string]func(db.Tx, hand) error{
		"read":   func(tx db.Tx, h hand) error { _, err := cases.LoadFiling(tx, h.Actor, ref); return err },
		"answer": func(tx db.Tx, h hand) error { _, err := cases.Put(tx, h.Actor, ref, "whole", "some"); return err },
		"attach": func(tx db.Tx, h hand) error {
			return cases.AttachPage(tx, h.Actor, ref, cases.Evidence{Kind: "lease"}, nil)
		},
		"send": func(tx db.Tx, h hand) error { _, err := cases.File(tx, h.Actor, ref); return err },
		"say":  func(tx db.Tx, h hand) error { return cases.Say(tx, h.Actor, ref, "Hello", "en", nil) },
		"add": func(tx db.Tx, h hand) error {
			return cases.AddDocument(tx, h.Actor, ref, cases.Evidence{Kind: "lease"})
		},
		"take":    func(tx db.Tx, h hand) error { _, err := cases.Withdraw(tx, h.Actor, ref); return err },
		"respond": func(tx db.Tx, h hand) error { return cases.Respond(tx, *h.Person, ref, true, "", "en") },
	}
	for name, who := range map[string]hand{"her husband": bilal, "a stranger": joseph} {
		for act, fn := range tries {
			if err := o.WithTx(t.Context(), who.Principal, func(tx db.Tx) error { return fn(tx, who) }); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s, %s: %v", name, act, err)
			}
		}
	}
	// Once it is sent, whom it affects is told, and reads no more than that.
	o.do(t, amina.Principal, func(tx db.Tx) error { _, err := cases.File(tx, amina.Actor, ref); return err })
	delete(tries, "respond")
	for act, fn := range tries {
		if err := o.WithTx(t.Context(), bilal.Principal, func(tx db.Tx) error { return fn(tx, bilal) }); !fault.Is(err, fault.NotFound) {
			t.Errorf("her husband, %s: %v", act, err)
		}
	}
}

// D3: a value is changed after it was approved, or after it was sent.
func TestD3ValuesCannotChangeAfterwards(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 40.0})
	if err := o.WithTx(t.Context(), amina.Principal, func(tx db.Tx) error {
		_, err := cases.Put(tx, amina.Actor, ref, "monthly_income", 1.0)
		return err
	}); !fault.Is(err, fault.Conflict) {
		t.Error("an answer after sending: ", err)
	}
	// The draft is not what is approved: even when it is changed behind everybody's back.
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Exec(`update case_file set draft = jsonb_set(draft, '{answers,monthly_income}', '1') where ref = $1`, ref)
	})
	o.recommends(t, d, ref, "approve")
	change := *o.inOffice(t, ref).Change
	for _, who := range []db.Principal{amina.Principal, d.verifier.Principal, d.approver.Principal} {
		for _, statement := range []string{
			`update change_item set data = jsonb_set(data, '{fields,monthly_income}', '1') where change_id = $1`,
			`insert into change_item (change_id, seq, kind, subject_id, base_version, data) select $1, 9, kind, subject_id, base_version, data from change_item where change_id = $1 limit 1`,
			`update change set approved_hash = '\x00' where id = $1`,
		} {
			if err := o.raw(t, who, statement, change); err == nil {
				t.Errorf("%s: %s", who.Role, statement)
			}
		}
	}
	o.approves(t, d, ref)
	if n := o.count(t, `select count(*) from household where fields->>'monthly_income' = '40'`); n != 1 {
		t.Error("what was applied is not what was sent")
	}
}

// D4: checks for duplicates trust what the requester writes; another case or space
// evades them.
func TestD4DuplicatesAreFoundHoweverTheyAreSpelt(t *testing.T) {
	t.Parallel()
	baby := func(name string) registry.Values {
		return registry.Values{"born": "2026-02-20", "babies": []any{map[string]any{"id": "1", "name": name, "sex": "female"}}}
	}
	for _, other := range []string{"Hawa Yusuf", " hawa  YUSUF ", "Hàwa Yusuf", ""} {
		if got := cases.Compare("birth", baby("Hawa Yusuf"), baby(other)); got != cases.SameEvent {
			t.Errorf("%q: %v", other, got)
		}
	}
	if got := cases.Compare("death", registry.Values{"who": "P-1"}, registry.Values{"who": "P-2"}); got != cases.Different {
		t.Error("two deaths: ", got)
	}
}

// D5: a transformation that fails writes the raw value.
func TestD5WhatDoesNotFitIsNotWritten(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina := o.member(t, "Amina Yusuf")
	for name, answers := range map[string]registry.Values{
		"a choice that there is not": {"who": o.ref(t, "Amina Yusuf"), "work": "'; drop table person; --"},
		"a number that is none":      {"who": o.ref(t, "Amina Yusuf"), "monthly_income": "much"},
		"a list where one is meant":  {"who": o.ref(t, "Amina Yusuf"), "work": []any{"employed", "inactive"}},
		"somebody else's child":      {"who": o.ref(t, "Daniel Okello"), "work": "employed"},
		"an adult who is not asked":  {"who": o.ref(t, "Bilal Yusuf"), "work": "employed"},
		"a day to come, as a number": {"who": o.ref(t, "Amina Yusuf"), "since": 20300101.0},
	} {
		ref := o.begins(t, amina, "job", answers)
		err := o.WithTx(t.Context(), amina.Principal, func(tx db.Tx) error { _, err := cases.File(tx, amina.Actor, ref); return err })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := o.count(t, `select count(*) from change where origin = 'case'`); n != 0 {
		t.Errorf("%d proposals", n)
	}
}

// D6: a request with nothing to write is marked as applied.
func TestD6NothingToWriteIsNotApplied(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	same := registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 240.0} // as on record
	ref := o.begins(t, amina, "job", same)
	if err := o.WithTx(t.Context(), amina.Principal, func(tx db.Tx) error { _, err := cases.File(tx, amina.Actor, ref); return err }); !fault.Is(err, fault.Conflict) {
		t.Error("sent with nothing in it: ", err)
	}
	// Somebody else records the same meanwhile: nothing is left to apply.
	first := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 50.0})
	second := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 50.0})
	o.approves(t, d, first)
	o.recommends(t, d, second, "approve")
	o.works(t)
	c := o.inOffice(t, second)
	if c.State != cases.StateSubmitted || c.Blocked != "blocked.nothing" || c.Change != nil {
		t.Errorf("%s, %q", c.State, c.Blocked)
	}
	if err := o.WithTx(t.Context(), d.verifier.Principal, func(tx db.Tx) error {
		_, err := cases.Recommend(tx, d.verifier.Actor, second, "approve", "", "en")
		return err
	}); !fault.Is(err, fault.Conflict) {
		t.Error("recommended with nothing in it: ", err)
	}
	// All of it is trimmed away.
	third := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 60.0})
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		return cases.Trim(tx, d.verifier.Actor, third, []cases.Piece{{Seq: 1, What: "fields.monthly_income"}}, "", "en")
	})
	o.recommends(t, d, third, "approve")
	err := o.WithTx(t.Context(), d.approver.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, d.approver.Actor, third, cases.Ruling{Approve: true, Lang: "en"})
		return err
	})
	if !fault.Is(err, fault.Conflict) {
		t.Error("approved with nothing left in it: ", err)
	}
}

// D7: the limits of an area are passed by in lists to choose from.
func TestD7AreasHoldInListsToo(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "moved", moved("MJ010102"))
	north := o.officer(t)
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Exec(`update staff_role set area_id = $2 where staff_id = $1`, north.Actor.ID, o.north)
	})
	north.Actor = cases.At(north.Actor.ID, o.north)
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, d.verifier.Actor, ref)
		if err != nil {
			return err
		}
		list, err := cases.Colleagues(tx, c, cases.MayRead)
		for _, who := range list {
			if who.ID == north.Actor.ID {
				t.Error("an officer of another region is offered")
			}
		}
		return err
	})
	if err := o.WithTx(t.Context(), d.verifier.Principal, func(tx db.Tx) error {
		return cases.Assign(tx, d.verifier.Actor, ref, &north.Actor.ID, "", "en")
	}); !fault.Is(err, fault.Invalid) {
		t.Error("assigned to another region: ", err)
	}
	for _, view := range cases.Views() {
		o.do(t, north.Principal, func(tx db.Tx) error {
			rows, _, err := cases.Queue(tx, north.Actor, cases.Filter{View: view, Limit: 50, Today: o.Clock.Now()})
			if len(rows) > 0 {
				t.Errorf("%s shows another region's case", view)
			}
			return err
		})
	}
	// A page that was made to name an area it has not.
	pretender := north
	pretender.Actor = cases.At(north.Actor.ID, o.capital)
	if err := o.WithTx(t.Context(), pretender.Principal, func(tx db.Tx) error {
		_, err := cases.Recommend(tx, pretender.Actor, ref, "approve", "", "en")
		return err
	}); !fault.Is(err, fault.Forbidden) {
		t.Error("the database believed the page: ", err)
	}
}

// D9: a number that was taken out of use keeps its new owner's out.
func TestD9AnEndedNumberBlocksNobody(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	correct := func(number string) string {
		return o.files(t, amina, "correct", registry.Values{"about": "person", "who": o.ref(t, "Amina Yusuf"),
			"what": []any{"national_id"}, "what.national_id": number})
	}
	first := correct("MJ-1001-9999")
	if c := o.inOffice(t, first); c.Hands != 3 {
		t.Errorf("%d officials for a number", c.Hands)
	}
	o.approves(t, d, first)
	o.approves(t, d, correct("MJ-1001-4471")) // hers again
	if n := o.count(t, `select count(*) from identifier x join person p on p.id = x.subject_id where p.full_name_latin = 'Amina Yusuf' and x.type = 'national_id' and x.value = 'MJ10014471' and x.status = 'unverified'`); n != 1 {
		t.Error("the number is not hers again")
	}
}

// D10: any user of the portal reads and rewrites every grievance.
func TestD10GrievancesAreTheirOwners(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, joseph := o.member(t, "Amina Yusuf"), o.member(t, "Joseph Okello")
	ref := o.files(t, amina, "conduct", registry.Values{"what": "He shouted at me"})
	o.do(t, joseph.Principal, func(tx db.Tx) error {
		list, err := cases.Mine(tx, joseph.Actor)
		if len(list) > 0 {
			t.Error("listed")
		}
		return err
	})
	for _, fn := range []func(db.Tx) error{
		func(tx db.Tx) error { _, err := cases.Load(tx, joseph.Actor, ref); return err },
		func(tx db.Tx) error { return cases.Say(tx, joseph.Actor, ref, "It is settled", "en", nil) },
	} {
		if err := o.WithTx(t.Context(), joseph.Principal, fn); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	}
	if err := o.raw(t, joseph.Principal, `insert into case_event (id, case_id, at, action, note) select gen_random_uuid(), id, '2026-03-03', 'said', 'x' from case_file where ref = $1`, ref); err == nil {
		t.Error("a message in somebody else's case, past the pages")
	}
}

// D11: code or raw SQL is the language of rules. A kind is data: there is nothing
// in it that runs.
func TestD11KindsAreDataOnly(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an effect of one's own": "effect: \"select pg_sleep(9)\"",
		"a key that is unknown":  "script: \"os.exit()\"",
		"a condition in code":    "questions: [{code: a, page: text, label: {en: A}, when: \"1 == 1\"}]",
		"nobody decides":         "hands: 0",
	} {
		_, err := kinds.Read([]byte("code: x\nfamily: event\ndesk: office\nhands: 2\ntitle: {en: X}\nreasons: [{code: a, text: {en: A}}]\n" + text + "\n"))
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// An approver with two roles in different areas decides only where the one that
// decides holds.
func TestTwoRolesInTwoAreas(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "moved", moved("MJ010102"))
	o.recommends(t, d, ref, "approve")
	o.Clock.Add(14 * day)
	both := o.officer(t, "verifier")
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Exec(`insert into staff_role (staff_id, role, area_id, valid_from) values ($1, 'approver', $2, $3)`, both.Actor.ID, o.north, tx.Now())
	})
	err := o.WithTx(t.Context(), both.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, cases.At(both.Actor.ID, o.capital, o.north), ref, cases.Ruling{Approve: true, Lang: "en"})
		return err
	})
	if !fault.Is(err, fault.Forbidden) {
		t.Error(err)
	}
}

// The record changed between sending and approval, at every moment of it.
func TestRecordChangedInBetween(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	income := func(n float64) registry.Values {
		return registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": n}
	}
	n := 300.0
	for _, checked := range []bool{false, true} {
		n++
		ref := o.files(t, amina, "job", income(n))
		if checked {
			o.recommends(t, d, ref, "approve")
		}
		n++
		o.approves(t, d, o.files(t, amina, "job", income(n)))
		before := *o.inOffice(t, ref).Change
		act := func() (c cases.Case) {
			o.do(t, d.approver.Principal, func(tx db.Tx) (err error) {
				if checked {
					c, err = cases.Decide(tx, d.approver.Actor, ref, cases.Ruling{Approve: true, Lang: "en"})
				} else {
					c, err = cases.Recommend(tx, d.approver.Actor, ref, "approve", "", "en")
				}
				return err
			})
			return c
		}
		if c := act(); !c.Renewing {
			t.Errorf("checked %t: it went on", checked)
		}
		if got := o.count(t, `select count(*) from decision d join case_file f on f.id = d.case_id where f.ref = $1`, ref); got != 0 {
			t.Error("decided")
		}
		o.works(t)
		c := o.inOffice(t, ref)
		if c.State != cases.StateSubmitted || c.Change == nil || *c.Change == before {
			t.Errorf("checked %t: %s", checked, c.State)
		}
		// The new proposal is the applicant's, so the office's hands are free.
		if got := o.count(t, `select count(*) from change where id = $1 and proposed_by = $2`, *c.Change, amina.Actor.ID); got != 1 {
			t.Error("it is somebody else's proposal now")
		}
		second := d
		second.approver, second.second = d.second, d.approver
		o.approves(t, second, ref)
	}
	o.Clock.Add(time.Second)
	if got := o.count(t, `select count(*) from case_event where action in ('staled', 'renewed')`); got != 4 {
		t.Errorf("%d steps say so", got)
	}
}

// Two heads, one person in two households, an empty household: what the records
// cannot be is found before anybody approves it.
func TestRecordsCannotContradictThemselves(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d := o.desk(t)
	tomas := o.member(t, "Tomas Rivera") // lives alone
	ref := o.files(t, tomas, "moved", registry.Values{"whole": "some", "who": []any{o.ref(t, "Tomas Rivera")}, "to": "own", "area": "MJ010102"})
	o.approves(t, d, ref)
	if n := o.count(t, `select count(*) from membership m join person p on p.id = m.person_id where p.full_name_latin = 'Tomas Rivera' and m.tie = 'usual' and m.end_date is null`); n != 1 {
		t.Errorf("he lives in %d households", n)
	}
	if n := o.count(t, `select count(*) from household h where not exists (select from membership m where m.household_id = h.id and m.end_date is null)`); n != 1 {
		t.Errorf("%d empty households: the old one is valid", n)
	}
	// Into a household that has a head: he is none there.
	amina := o.member(t, "Amina Yusuf")
	home := ""
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Get(&home, `select h.ref from household h join membership m on m.household_id = h.id and m.end_date is null where m.person_id = $1`, *amina.Person)
	})
	ref = o.files(t, tomas, "moved", registry.Values{"whole": "some", "who": []any{o.ref(t, "Tomas Rivera")}, "to": "known", "to_ref": home})
	o.Clock.Add(14 * day)
	o.approves(t, d, ref)
	if n := o.count(t, `select count(*) from membership m join household h on h.id = m.household_id where h.ref = $1 and m.relationship = 'head' and m.end_date is null`, home); n != 1 {
		t.Errorf("%d heads", n)
	}
	// A household that nobody has is no error that tells whether there is one.
	unknown := o.files(t, tomas, "moved", registry.Values{"whole": "some", "who": []any{o.ref(t, "Tomas Rivera")}, "to": "known", "to_ref": registry.NewRef(registry.RefHousehold, zeros{})})
	if c := o.inOffice(t, unknown); c.State != cases.StateSubmitted || !strings.HasPrefix(c.Blocked, "blocked.") {
		t.Errorf("%s %q", c.State, c.Blocked)
	}
}
