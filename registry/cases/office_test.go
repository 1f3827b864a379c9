package cases_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
)

// attempt runs a step of somebody's.
func (o *office) attempt(t *testing.T, who hand, fn func(db.Tx, cases.Actor) error) error {
	t.Helper()
	return o.WithTx(t.Context(), who.Principal, func(tx db.Tx) error { return fn(tx, who.Actor) })
}

// Part of a correction is granted and part is not: what is applied is what was
// asked for, less what was taken out, and nothing else.
func TestDecideValueByValue(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	before := o.person(t, "Amina Yusuf")
	ref := o.files(t, amina, "correct", registry.Values{"about": "person", "who": before.Ref, "what": []any{"full_name", "birth", "phone"},
		"what.full_name": "Amina Yusuf Ali", "what.birth": "1991-01-02", "what.phone": "+254 700 999 999"})
	if err := o.attempt(t, amina, func(tx db.Tx, by cases.Actor) error {
		return cases.Trim(tx, by, ref, []cases.Piece{{Seq: 1, What: "birth"}}, "", "en")
	}); err == nil {
		t.Error("the applicant took something out after sending")
	}
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		return cases.Trim(tx, d.verifier.Actor, ref, []cases.Piece{{Seq: 1, What: "birth"}, {Seq: 1, What: "contacts"}}, "The card says otherwise", "en")
	})
	o.approves(t, d, ref)
	after := o.person(t, "Amina Yusuf Ali")
	if after.BirthFrom != before.BirthFrom || after.Contacts[0].Value != before.Contacts[0].Value {
		t.Errorf("%s %+v", after.BirthFrom, after.Contacts)
	}
	if o.count(t, `select count(*) from decision d join case_file f on f.id = d.case_id where f.ref = $1 and d.outcome = 'partly'`, ref) != 1 {
		t.Error("the decision does not say that it is a part")
	}
	// What stays keeps its source, what changed comes from the case.
	if name, birth := after.Provenance["full_name"], after.Provenance["birth"]; name == before.Provenance["*"] || birth != (db.ID{}) && birth != before.Provenance["*"] {
		t.Errorf("%v", after.Provenance)
	}
}

// Others object, in time; the office sees it, and cannot approve before the time
// to object is over unless everybody agreed.
func TestAffectedAdultsMayObject(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	respond := func(ref string, agrees bool, note string) error {
		return o.attempt(t, bilal, func(tx db.Tx, _ cases.Actor) error { return cases.Respond(tx, *bilal.Person, ref, agrees, note, "en") })
	}
	ref := o.files(t, amina, "moved", moved("MJ010102"))
	var concerning []cases.Case
	o.do(t, bilal.Principal, func(tx db.Tx) (err error) { concerning, err = cases.Concerning(tx, *bilal.Person); return err })
	if len(concerning) != 1 || concerning[0].Ref != ref {
		t.Fatalf("%+v", concerning)
	}
	if err := o.approve(t, d, ref); !fault.Is(err, fault.Conflict) {
		t.Error("approved before he could say anything: ", err)
	}
	if err := respond(ref, false, ""); err == nil {
		t.Error("he objected without a reason")
	}
	if err := respond(ref, false, "We did not move"); err != nil {
		t.Fatal(err)
	}
	var parties []cases.Party
	o.do(t, d.approver.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, d.approver.Actor, ref)
		if err != nil {
			return err
		}
		parties, err = cases.Parties(tx, c)
		return err
	})
	if len(parties) != 1 || parties[0].Answer.String != "objected" {
		t.Errorf("%+v", parties)
	}
	// Somebody who agrees makes the waiting needless.
	if err := respond(ref, true, ""); err != nil {
		t.Fatal(err)
	}
	o.approves(t, d, ref)
	if err := respond(ref, false, "Too late"); !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.NotFound) {
		t.Error("objected after the decision: ", err)
	}
}

// R15: who receives the payments agrees, or a second official decides; in any
// case nobody decides alone about payment data.
func TestPayeeNeedsThreeOfficials(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, bilal := o.desk(t), o.member(t, "Bilal Yusuf")
	ref := o.files(t, bilal, "payee", registry.Values{"lives": "here", "who": o.ref(t, "Bilal Yusuf")})
	o.recommends(t, d, ref, "approve")
	o.Clock.Add(14 * day)
	decide := func(by hand) error {
		return o.attempt(t, by, func(tx db.Tx, a cases.Actor) error {
			_, err := cases.Decide(tx, a, ref, cases.Ruling{Approve: true, Lang: "en"})
			return err
		})
	}
	change := *o.inOffice(t, ref).Change
	if err := o.raw(t, d.approver.Principal, `select approve_change($1, '2026-03-20')`, change); !fault.Is(err, fault.Forbidden) {
		t.Error("past the program, with one who decides: ", err)
	}
	if err := decide(d.approver); err != nil {
		t.Fatal(err)
	}
	if s := o.inOffice(t, ref).State; s != cases.StateEndorsed || o.paid(t, "Bilal Yusuf") {
		t.Error(s)
	}
	if err := decide(d.approver); !fault.Is(err, fault.Forbidden) {
		t.Error("the same official twice: ", err)
	}
	if err := decide(d.second); err != nil {
		t.Fatal(err)
	}
	if !o.paid(t, "Bilal Yusuf") || o.paid(t, "Amina Yusuf") {
		t.Error("the payments did not move")
	}
}

// Whoever came to a record less than a day ago asks for nothing about its payments
// or how its person is reached, however the case was begun; anything else they may
// ask for, and to be hidden at once.
func TestPaymentsAndContactsAreHeldAfterALink(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	bilal := o.member(t, "Bilal Yusuf")
	reached := registry.Values{"about": "person", "who": o.ref(t, "Bilal Yusuf"), "what": []any{"phone"}, "what.phone": "+254 700 100 200"}
	o.approves(t, o.desk(t), o.files(t, bilal, "correct", reached))
	if n := o.count(t, `with l as (insert into account_link (id, ref, account_id, person_id, how, state, proposed_at, decided_at, held_until)
		values (gen_random_uuid(), '5-22222-22222', $1, $2, 'claim', 'linked', $3::timestamptz, $3::timestamptz, $3::timestamptz + interval '24 hours') returning 1) select count(*) from l`,
		bilal.Actor.ID, *bilal.Person, o.Now()); n != 1 {
		t.Fatal(n)
	}
	answers := registry.Values{"lives": "here", "who": o.ref(t, "Bilal Yusuf")}
	ref := o.begins(t, bilal, "payee", answers)
	file := func(ref string) error {
		return o.attempt(t, bilal, func(tx db.Tx, a cases.Actor) error { _, err := cases.File(tx, a, ref); return err })
	}
	reached["what.phone"], reached["what"], reached["what.full_name"] = "+254 700 666 666", []any{"phone", "full_name"}, "Bilal Y. Yusuf"
	phone := o.begins(t, bilal, "correct", reached)
	until := o.Now().Add(24 * time.Hour)
	o.Clock.Add(23 * time.Hour)
	for _, ref := range []string{ref, phone} {
		var f *fault.Error
		if err := file(ref); !errors.As(err, &f) || f.Code != fault.Conflict || f.Key != "filing.link_held" || !time.Time(f.Args["Until"].(i18n.Moment)).Equal(until) {
			t.Fatal("on the same day: ", err)
		}
	}
	o.files(t, bilal, "job", registry.Values{"who": o.ref(t, "Bilal Yusuf"), "monthly_income": 11.0})
	o.files(t, bilal, "hide", registry.Values{"hide": []any{"contacts"}})
	o.Clock.Add(2 * time.Hour)
	for _, ref := range []string{ref, phone} {
		if err := file(ref); err != nil {
			t.Error("the next day: ", err)
		}
	}
}

// What is begun twice is one draft, at once or the next day, by whom it was begun for
// whom; another one is begun by who says so.
func TestBegunTwiceIsOneDraft(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	begin := func(who hand, another bool) (ref string) {
		o.Clock.Add(time.Second)
		if err := o.attempt(t, who, func(tx db.Tx, by cases.Actor) (err error) {
			ref, err = cases.Begin(tx, by, cases.Opening{Kind: "job", Person: who.Person, Language: "en", Another: another})
			return err
		}); err != nil {
			t.Error(err)
		}
		return ref
	}
	var all sync.WaitGroup
	refs := make([]string, 20)
	for i := range refs {
		all.Go(func() { refs[i] = begin(amina, i%2 == 1) })
	}
	all.Wait()
	first := refs[0]
	if slices.Sort(refs); len(slices.Compact(refs)) != 1 {
		t.Fatal("twenty at once: ", refs)
	}
	o.do(t, amina.Principal, func(tx db.Tx) error {
		_, err := cases.Put(tx, amina.Actor, first, "who", o.ref(t, "Amina Yusuf"))
		return err
	})
	if again := begin(amina, false); again != first {
		t.Error("the next day, with answers: ", again)
	}
	second := begin(amina, true)
	if second == first || begin(amina, true) != second {
		t.Error("another one: ", second)
	}
	counter := d.verifier
	counter.Person = amina.Person
	if his, taken := begin(bilal, false), begin(counter, false); his == second || taken == second || taken == his || begin(counter, false) != taken {
		t.Error("of another hand: ", his, taken)
	}
	o.do(t, amina.Principal, func(tx db.Tx) error { _, err := cases.Withdraw(tx, amina.Actor, second); return err })
	o.do(t, amina.Principal, func(tx db.Tx) error { _, err := cases.Withdraw(tx, amina.Actor, first); return err })
	if fresh := begin(amina, false); fresh == first || fresh == second {
		t.Error("after those were discarded: ", fresh)
	}
}

// Whose number is another one from now on is told, where they were reached before;
// whoever's stays is not.
func TestTheOldNumberIsTold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	told := func() int { return o.count(t, `select count(*) from notice where kind = 'contact_changed'`) }
	o.approves(t, d, o.files(t, amina, "correct", registry.Values{"about": "person", "who": o.ref(t, "Amina Yusuf"), "what": []any{"full_name"}, "what.full_name": "Amina Y. Yusuf"}))
	o.approves(t, d, o.files(t, amina, "hide", registry.Values{"hide": []any{"contacts"}}))
	if n := told(); n != 0 {
		t.Error("told of a name, or of what is hidden: ", n)
	}
	o.approves(t, d, o.files(t, amina, "correct", registry.Values{"about": "person", "who": o.ref(t, "Amina Y. Yusuf"), "what": []any{"phone"}, "what.phone": "+254 700 666 666"}))
	if n := o.count(t, `select count(*) from notice n join contact c on c.person_id = n.person_id and c.value = '+254700666666' and c.safe = '{}'
		where n.kind = 'contact_changed' and n.legal and n.change_id is not null and n.person_id = $1`, *amina.Person); n != 1 || told() != 1 {
		t.Error(n, told())
	}
}

// A frozen time holds decisions that change records, and nothing else.
func TestFreeze(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 11.0})
	talk := o.files(t, amina, "service", registry.Values{"what": "Slow"})
	o.do(t, d.approver.Principal, func(tx db.Tx) error {
		return cases.AddFreeze(tx, o.Clock.Now(), o.Clock.Now().Add(2*day), nil, o.capital, "The list of March", "en")
	})
	o.recommends(t, d, ref, "approve")
	if err := o.approve(t, d, ref); !fault.Is(err, fault.Conflict) {
		t.Error("approved in a frozen time: ", err)
	}
	o.approves(t, d, talk)
	o.Clock.Add(3 * day)
	o.approves(t, d, ref)
}

// A compensating case takes an applied change back, value by value, through other
// hands; what changed again since then is left to a person.
func TestUndo(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	before := o.person(t, "Amina Yusuf")
	income := func(n float64) registry.Values { return registry.Values{"who": before.Ref, "monthly_income": n} }
	first := o.files(t, amina, "job", income(11))
	o.approves(t, d, first)
	undo := func(ref string) (next string, err error) {
		err = o.attempt(t, d.approver, func(tx db.Tx, by cases.Actor) error {
			next, err = cases.Undo(tx, by, ref, "The pay slip was another's", "en")
			return err
		})
		o.works(t)
		return next, err
	}
	back, err := undo(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := undo(first); !fault.Is(err, fault.Conflict) {
		t.Error("taken back twice: ", err)
	}
	if err := o.attempt(t, d.approver, func(tx db.Tx, by cases.Actor) error {
		_, err := cases.Recommend(tx, by, back, "approve", "", "en")
		return err
	}); !fault.Is(err, fault.Forbidden) {
		t.Error("who takes it back checks it: ", err)
	}
	third := o.officer(t)
	o.approves(t, desk{d.verifier, d.second, third}, back)
	if n := o.count(t, `select count(*) from household where fields->>'monthly_income' = '240'`); n != 1 {
		t.Error("the income is not as before")
	}
	// A birth is taken back by ending the record, never by deleting it.
	birth := o.files(t, amina, "birth", registry.Values{"parent": before.Ref, "born": "2026-02-20", "babies": []any{map[string]any{"id": "1", "name": "Hawa Yusuf"}}})
	o.approves(t, d, birth)
	back, err = undo(birth)
	if err != nil {
		t.Fatal(err)
	}
	o.approves(t, desk{d.verifier, d.second, third}, back)
	if p := o.person(t, "Hawa Yusuf"); p.Status != registry.Mistaken {
		t.Error(p.Status)
	}
	// Changed again while it is under way: it is refused, and over.
	one := o.files(t, amina, "job", income(12))
	o.approves(t, d, one)
	if back, err = undo(one); err != nil {
		t.Fatal(err)
	}
	o.approves(t, d, o.files(t, amina, "job", income(13)))
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		_, err := cases.Recommend(tx, d.verifier.Actor, back, "approve", "", "en")
		return err
	})
	o.works(t)
	if c := o.inOffice(t, back); c.Blocked != "blocked.moved_on" || c.Change != nil {
		t.Errorf("%s %q", c.State, c.Blocked)
	}
	o.recommends(t, d, back, "refuse")
	if err := o.attempt(t, third, func(tx db.Tx, a cases.Actor) error {
		_, err := cases.Decide(tx, a, back, cases.Ruling{Reason: "not_needed", Lang: "en"})
		return err
	}); err != nil {
		t.Error("nobody can end it: ", err)
	}
}

// Many are approved at once, never with one in which the officer had a hand, and
// nothing that could take something away.
func TestBulk(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d := o.desk(t)
	var refs []string
	for range 3 {
		ref := o.submitted(t, o.citizen(t))
		o.recommends(t, d, ref, "approve")
		refs = append(refs, ref)
	}
	approve := func(by hand, refs []string) ([]cases.Result, error) {
		return cases.ApproveAll(t.Context(), o.DB.DB, by.Principal, by.Actor, refs, "Seen in the round of March", "en")
	}
	own := o.submitted(t, d.approver) // taken at the counter by who decides
	o.recommends(t, d, own, "approve")
	amina := o.member(t, "Amina Yusuf")
	move := o.files(t, amina, "moved", moved("MJ010102"))
	o.recommends(t, d, move, "approve")
	adverse := o.submitted(t, o.citizen(t))
	o.recommends(t, d, adverse, "refuse")
	for name, bad := range map[string]string{"one's own": own, "a change of where people live": move, "one to refuse": adverse, "one that is not checked": o.submitted(t, o.citizen(t))} {
		if _, err := approve(d.approver, append(slices.Clone(refs), bad)); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := o.count(t, `select count(*) from decision where kind = 'case'`); n != 0 {
		t.Errorf("%d were decided all the same", n)
	}
	if _, err := approve(d.verifier, refs); !fault.Is(err, fault.Forbidden) {
		t.Error("who checked them: ", err)
	}
	results, err := approve(d.approver, refs)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.State != cases.StateApproved || r.Key != "" {
			t.Errorf("%+v", r)
		}
	}
	if n := o.count(t, `select count(*) from decision where kind = 'case' and note = 'Seen in the round of March'`); n != 3 {
		t.Errorf("%d with the reason", n)
	}
}

// The queue: mine, my team's, those of nobody, soon, overdue; the next one.
func TestQueueViews(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d := o.desk(t)
	amina := o.member(t, "Amina Yusuf")
	first := o.files(t, amina, "moved", moved("MJ010102"))
	o.Clock.Add(time.Hour)
	second := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 11.0})
	complaint := o.files(t, amina, "service", registry.Values{"what": "Slow"})
	office := o.officer(t, "verifier")
	see := func(by hand, view cases.View) (refs []string) {
		o.do(t, by.Principal, func(tx db.Tx) error {
			rows, _, err := cases.Queue(tx, by.Actor, cases.Filter{View: view, Limit: 50, Today: o.Clock.Now().Truncate(day)})
			for _, r := range rows {
				refs = append(refs, r.Ref)
			}
			return err
		})
		slices.Sort(refs)
		return refs
	}
	is := func(got []string, want ...string) bool { slices.Sort(want); return slices.Equal(got, want) }
	office.Actor.Desks = []cases.Desk{{Code: "office", Area: o.capital}, {Code: "quality", Area: o.capital}}
	if got := see(office, cases.Team); !is(got, first, second) {
		t.Errorf("the office sees %v and not %v: complaints are others'", got, []string{first, second})
	}
	if got := see(d.verifier, cases.Team); !is(got, first, second, complaint) {
		t.Errorf("all desks see %v", got)
	}
	var next string
	o.do(t, office.Principal, func(tx db.Tx) (err error) { next, err = cases.Take(tx, office.Actor); return err })
	if next != first && next != second {
		t.Error("next is ", next)
	}
	if got := see(office, cases.Own); !is(got, next) {
		t.Errorf("mine: %v", got)
	}
	if got := see(office, cases.Free); len(got) != 1 || got[0] == next {
		t.Errorf("nobody's: %v", got)
	}
	if got := see(office, cases.DueSoon); len(got) != 0 {
		t.Errorf("soon: %v", got)
	}
	due := o.inOffice(t, first).DueOn.Time
	o.Clock.Set(due.Add(-2 * day))
	if got := see(office, cases.DueSoon); !is(got, first, second) {
		t.Errorf("soon: %v", got)
	}
	o.Clock.Set(due.Add(2 * day))
	if got := see(office, cases.Overdue); !is(got, first, second) {
		t.Errorf("overdue: %v", got)
	}
	// Handed over with a word for the next one.
	to := o.officer(t, "verifier")
	o.do(t, office.Principal, func(tx db.Tx) error {
		return cases.Assign(tx, office.Actor, next, &to.Actor.ID, "The mother rings on Mondays", "en")
	})
	to.Actor.Desks = office.Actor.Desks
	if got := see(to, cases.Own); !is(got, next) {
		t.Errorf("handed over: %v", got)
	}
}

// A visit is planned, printed, made and reported: its findings are proof.
func TestVisit(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, bilal := o.desk(t), o.member(t, "Bilal Yusuf")
	ref := o.files(t, bilal, "death", registry.Values{"who": o.ref(t, "Nur Yusuf"), "day": "2026-02-20"})
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		return cases.PlanVisit(tx, d.verifier.Actor, ref, o.Clock.Now().Add(day), d.verifier.Actor.ID, "Ask the neighbours", "en")
	})
	var rounds []cases.HomeVisit
	o.do(t, d.verifier.Principal, func(tx db.Tx) (err error) { rounds, err = cases.Rounds(tx, d.verifier.Actor.ID); return err })
	if len(rounds) != 1 || rounds[0].Ref != ref || rounds[0].Place == "" {
		t.Fatalf("%+v", rounds)
	}
	report := func(by hand) error {
		return o.attempt(t, by, func(tx db.Tx, a cases.Actor) error {
			return cases.ReportVisit(tx, a, ref, rounds[0].ID, "confirmed", "The grave was shown", "en")
		})
	}
	if err := report(d.second); !fault.Is(err, fault.NotFound) {
		t.Error("somebody else's visit: ", err)
	}
	if err := report(d.verifier); err != nil {
		t.Fatal(err)
	}
	if err := report(d.verifier); !fault.Is(err, fault.NotFound) {
		t.Error("reported twice: ", err)
	}
	o.approves(t, d, ref)
}

// Messages go both ways, with what comes with them; notes of the office do not.
func TestMessages(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "service", registry.Values{"what": "Slow"})
	photo := cases.Evidence{Kind: cases.EvidenceMessage, MediaType: "image/jpeg", Size: 1, Width: 1, Height: 1, SHA256: []byte("x"), Blob: someBlob}
	o.do(t, d.verifier.Principal, func(tx db.Tx) error { return cases.Say(tx, d.verifier.Actor, ref, "Which day was it?", "en", nil) })
	o.do(t, d.verifier.Principal, func(tx db.Tx) error { return cases.Note(tx, d.verifier.Actor, ref, "Sounds like counter 3", "en") })
	o.do(t, amina.Principal, func(tx db.Tx) error { return cases.Say(tx, amina.Actor, ref, "Monday", "en", []cases.Evidence{photo}) })
	said := func(staff bool) (texts []string) {
		o.do(t, amina.Principal, func(tx db.Tx) error {
			c, err := cases.Load(tx, amina.Actor, ref)
			if err != nil {
				return err
			}
			events, err := cases.Events(tx, c, staff)
			for _, e := range events {
				if e.Note != "" {
					texts = append(texts, e.Note)
				}
			}
			return err
		})
		return texts
	}
	if got := said(false); !slices.Equal(got, []string{"Monday", "Which day was it?"}) {
		t.Errorf("%q", got)
	}
	if got := said(true); len(got) != 3 {
		t.Errorf("%q", got)
	}
	news := func() bool {
		return o.count(t, `select count(*) from case_file where ref = $1 and news_at is not null`, ref) == 1
	}
	if !news() {
		t.Error("the office does not see that there is something new")
	}
	o.do(t, d.verifier.Principal, func(tx db.Tx) error { _, err := cases.Read(tx, d.verifier.Actor, ref); return err })
	if news() {
		t.Error("it is new for ever")
	}
}

// Somebody who has neither account nor name complains, is asked, answers and is
// answered, with the code on the receipt alone.
func TestAnonymousGrievance(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d := o.desk(t)
	nobody := hand{db.Principal{Role: db.Citizen, Kind: "anonymous"}, cases.Actor{}}
	var c cases.Case
	o.do(t, nobody.Principal, func(tx db.Tx) (err error) {
		c, _, err = cases.Complain(tx, cases.Complaint{Kind: "payment", Answers: registry.Values{"what": "Nothing came in February", "area": "MJ0101"}, Language: "en"})
		return err
	})
	code := receipts.Of(c)
	thread := func() cases.Thread {
		th, err := cases.ThreadByCode(t.Context(), o.DB.DB, nobody.Principal, receipts, "192.0.2.1", c.Ref, code)
		if err != nil {
			t.Fatal(err)
		}
		return th
	}
	o.do(t, d.verifier.Principal, func(tx db.Tx) error { return cases.Ask(tx, d.verifier.Actor, c.Ref, nil, "Which office?", "en") })
	if th := thread(); th.State != cases.StateWaiting || th.Events[0].Note != "Which office?" {
		t.Errorf("%+v", th.Events)
	}
	say := func(code string) error {
		return cases.SayByCode(t.Context(), o.DB.DB, nobody.Principal, receipts, "192.0.2.1", c.Ref, code, "Old Town", "en", nil)
	}
	if err := say("AAAAA-AAAAA"); !fault.Is(err, fault.NotFound) {
		t.Error("with a wrong code: ", err)
	}
	if err := say(code); err != nil {
		t.Fatal(err)
	}
	if th := thread(); th.State != cases.StateSubmitted {
		t.Error("it is still ", th.State)
	}
	o.do(t, d.approver.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, d.approver.Actor, c.Ref, cases.Ruling{Approve: true, Note: "It was paid today", Lang: "en"})
		return err
	})
	if th := thread(); th.State != cases.StateApproved || th.Events[0].Note != "It was paid today" {
		t.Errorf("%s %+v", th.State, th.Events[0])
	}
	if n := o.count(t, `select count(*) from case_file where ref = $1 and (account_id is not null or opened_by is not null or person_id is not null)`, c.Ref); n != 0 {
		t.Error("the case knows who it was")
	}
	for range 30 { // who has the code may come as often as they like
		thread()
	}
	err := o.WithTx(t.Context(), nobody.Principal, func(tx db.Tx) error {
		_, _, err := cases.Complain(tx, cases.Complaint{Kind: "moved", Answers: moved("MJ010102"), Language: "en"})
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Error("something else than a complaint, without an account: ", err)
	}
}

// R8: what is sealed is opened and counted by protection alone, has a clock of
// calendar hours, and an alarm that says nothing.
func TestSafeguarding(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina := o.member(t, "Amina Yusuf")
	guard, other := o.officer(t, "protection"), o.officer(t, "intake", "verifier", "approver", "grievance", "appeals")
	ref := o.files(t, amina, "safeguarding", registry.Values{"what": "The neighbour's child is beaten"})
	c := o.inOffice(t, ref)
	if c.Access != "sealed" {
		t.Fatal(c.Access)
	}
	for _, table := range []string{"case_file", "case_event", "evidence", "case_subject", "case_party", "case_link", "case_visit"} {
		if n := o.visible(t, other, table); n != 0 {
			t.Errorf("others count %d rows of %s", n, table)
		}
	}
	if o.visible(t, guard, "case_file") != 1 || o.visible(t, guard, "case_event") != 1 {
		t.Error("protection does not see it")
	}
	for _, view := range cases.Views() {
		o.do(t, other.Principal, func(tx db.Tx) error {
			rows, _, err := cases.Queue(tx, other.Actor, cases.Filter{View: view, Limit: 50, Today: o.Clock.Now()})
			if len(rows) > 0 {
				t.Errorf("%s lists it", view)
			}
			return err
		})
	}
	if err := o.raw(t, other.Principal, `insert into case_event (id, case_id, at, action) values (gen_random_uuid(), $1, '2026-03-03', 'noted')`, c.ID); err == nil {
		t.Error("a note in a sealed case by somebody else")
	}
	var auditor int
	o.do(t, db.Principal{Role: db.Auditor}, func(tx db.Tx) error { return tx.Get(&auditor, `select count(*) from case_event`) })
	if auditor != 0 {
		t.Errorf("the auditor reads %d steps", auditor)
	}
	o.Clock.Add(23 * time.Hour)
	o.sweeps(t)
	if o.inOffice(t, ref).Escalated.Valid {
		t.Error("the alarm is early")
	}
	o.Clock.Add(2 * time.Hour)
	o.sweeps(t)
	var alarms []string
	o.do(t, db.Principal{Role: db.Auditor}, func(tx db.Tx) error {
		return tx.Select(&alarms, `select concat_ws('|', action, note, reason, facts) from case_event`)
	})
	if len(alarms) != 1 || alarms[0] != "alarmed||{}" {
		t.Errorf("%q", alarms)
	}
}

func (o *office) visible(t *testing.T, who hand, table string) (n int) {
	t.Helper()
	o.do(t, who.Principal, func(tx db.Tx) error { return tx.Get(&n, `select count(*) from `+table) })
	return n
}

// R8: a complaint about conduct is not there for the person named, nor for their
// office.
func TestConductIsHiddenFromTheNamed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina := o.member(t, "Amina Yusuf")
	named, colleague := o.officer(t, "grievance"), o.officer(t, "grievance")
	country := o.officer(t, "grievance")
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Exec(`update staff_role set area_id = (select id from area where code = 'MJ') where staff_id = $1`, country.Actor.ID)
	})
	o.do(t, worker, func(tx db.Tx) error {
		a, err := registry.AreaByCode(tx, "MJ")
		country.Actor = cases.At(country.Actor.ID, a.ID)
		return err
	})
	ref := o.files(t, amina, "conduct", registry.Values{"what": "He asked for money", "official": "The one at counter 3"})
	if o.visible(t, colleague, "case_file") != 0 {
		t.Error("the office of the area sees it before anybody knows whom it names")
	}
	o.do(t, country.Principal, func(tx db.Tx) error { return cases.NameOfficial(tx, country.Actor, ref, named.Actor.ID) })
	for name, who := range map[string]hand{"the person named": named, "a colleague": colleague} {
		if err := o.attempt(t, who, func(tx db.Tx, a cases.Actor) error { _, err := cases.Read(tx, a, ref); return err }); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s reads it: %v", name, err)
		}
		if n := o.visible(t, who, "case_file"); n != 0 {
			t.Errorf("%s counts it", name)
		}
	}
	if err := o.attempt(t, country, func(tx db.Tx, a cases.Actor) error { _, err := cases.Read(tx, a, ref); return err }); err != nil {
		t.Error("nobody hears it: ", err)
	}
}

// Invariant 3: who decided never hears the appeal; nor does anybody who checked,
// asked or took it, not in the queue and not past the pages. A second appeal
// reaches neither of them nor those who heard the first.
func TestAppealsReachNobodyWhoTouchedTheDecision(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	all := []string{"intake", "verifier", "approver", "appeals"}
	amina := o.member(t, "Amina Yusuf")
	d := desk{o.officer(t, all...), o.officer(t, all...), o.officer(t, all...)}
	fresh := desk{o.officer(t, all...), o.officer(t, all...), hand{}}
	ref := o.files(t, amina, "job", registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 11.0})
	o.recommends(t, d, ref, "refuse")
	refuse := func(by hand, ref, reason string) error {
		return o.attempt(t, by, func(tx db.Tx, a cases.Actor) error {
			_, err := cases.Decide(tx, a, ref, cases.Ruling{Reason: reason, Note: "No", Lang: "en"})
			return err
		})
	}
	if err := refuse(d.approver, ref, "proven_false"); err != nil {
		t.Fatal(err)
	}
	appeal := func(of string) (next string) {
		o.do(t, amina.Principal, func(tx db.Tx) (err error) {
			next, err = cases.Appeal(tx, amina.Actor, of, "en")
			return err
		})
		o.do(t, amina.Principal, func(tx db.Tx) error { _, err := cases.Put(tx, amina.Actor, next, "words", "It is true"); return err })
		o.leavesOpen(t, amina, next)
		o.do(t, amina.Principal, func(tx db.Tx) error { _, err := cases.File(tx, amina.Actor, next); return err })
		return next
	}
	first := appeal(ref)
	sees := func(who hand, ref string) bool {
		return o.attempt(t, who, func(tx db.Tx, a cases.Actor) error { _, err := cases.Read(tx, a, ref); return err }) == nil
	}
	for name, who := range map[string]hand{"who checked": d.verifier, "who decided": d.approver} {
		if sees(who, first) {
			t.Errorf("%s reads the appeal", name)
		}
		rows := 0
		o.do(t, who.Principal, func(tx db.Tx) error {
			list, _, err := cases.Queue(tx, who.Actor, cases.Filter{View: cases.Team, Limit: 50, Today: o.Clock.Now()})
			rows = len(list)
			return err
		})
		if rows != 0 {
			t.Errorf("%s has it in the queue", name)
		}
		for _, action := range []string{"recommended", "approved", "noted"} {
			if err := o.raw(t, who.Principal, `insert into case_event (id, case_id, at, action) select gen_random_uuid(), id, '2026-03-03', $2 from case_file where ref = $1`, first, action); err == nil {
				if n := o.count(t, `select count(*) from case_event e join case_file f on f.id = e.case_id where f.ref = $1 and e.action = $2`, first, action); n > 0 {
					t.Errorf("%s: %s past the pages", name, action)
				}
			}
		}
	}
	if !sees(d.second, first) {
		t.Error("nobody hears the appeal")
	}
	o.do(t, fresh.verifier.Principal, func(tx db.Tx) error {
		_, err := cases.Recommend(tx, fresh.verifier.Actor, first, "refuse", "", "en")
		return err
	})
	if err := refuse(fresh.approver, first, "upheld"); err != nil {
		t.Fatal(err)
	}
	second := appeal(first)
	for name, who := range map[string]hand{"who checked": d.verifier, "who decided": d.approver, "who heard it": fresh.verifier, "who decided the first appeal": fresh.approver} {
		if sees(who, second) {
			t.Errorf("%s reads the second appeal", name)
		}
	}
	third := o.officer(t, all...)
	o.do(t, d.second.Principal, func(tx db.Tx) error {
		_, err := cases.Recommend(tx, d.second.Actor, second, "approve", "", "en")
		return err
	})
	if err := o.attempt(t, third, func(tx db.Tx, a cases.Actor) error {
		_, err := cases.Decide(tx, a, second, cases.Ruling{Approve: true, Lang: "en"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// What was granted whole is not appealed.
	if err := o.attempt(t, amina, func(tx db.Tx, a cases.Actor) error { _, err := cases.Appeal(tx, a, second, "en"); return err }); !fault.Is(err, fault.Conflict) {
		t.Error("an approval was appealed: ", err)
	}
	// Overturned: what was asked for is done.
	if n := o.count(t, `select count(*) from household where fields->>'monthly_income' = '11'`); n != 1 {
		t.Error("the income was not recorded")
	}
}

// Somebody acts for another: only in what was granted, only as long, and not a
// moment after it was taken back; the person sees all of it.
func TestDelegates(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, helper := o.member(t, "Amina Yusuf"), o.citizen(t)
	var grant string
	today := o.Clock.Now()
	o.do(t, amina.Principal, func(tx db.Tx) (err error) {
		grant, err = cases.Delegate(tx, cases.Delegation{Person: *amina.Person, Account: helper.Actor.ID, Role: "helper", Kinds: []string{"job"}, From: today, To: today.Add(30 * day)})
		return err
	})
	begin := func(kind string) (ref string, err error) {
		err = o.attempt(t, helper, func(tx db.Tx, by cases.Actor) (err error) {
			ref, err = cases.BeginFor(tx, by, *amina.Person, cases.Opening{Kind: kind, Language: "en", Answers: registry.Values{"who": o.ref(t, "Amina Yusuf"), "monthly_income": 11.0}})
			return err
		})
		return ref, err
	}
	if _, err := begin("moved"); !fault.Is(err, fault.NotFound) {
		t.Error("a kind that was not granted: ", err)
	}
	ref, err := begin("job")
	if err != nil {
		t.Fatal(err)
	}
	o.leavesOpen(t, helper, ref)
	o.do(t, helper.Principal, func(tx db.Tx) error { _, err := cases.File(tx, helper.Actor, ref); return err })
	o.do(t, amina.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, amina.Actor, ref)
		if err == nil && (c.Account == nil || *c.Account != helper.Actor.ID) {
			t.Error("it does not say who filed it")
		}
		return err
	})
	o.Clock.Add(31 * day)
	if err := o.attempt(t, helper, func(tx db.Tx, by cases.Actor) error { _, err := cases.Load(tx, by, ref); return err }); !fault.Is(err, fault.NotFound) {
		t.Error("after its time: ", err)
	}
	o.Clock.Set(today.Add(day))
	if err := o.attempt(t, helper, func(tx db.Tx, _ cases.Actor) error { return cases.Revoke(tx, *amina.Person, grant) }); err != nil {
		t.Fatal(err) // anybody who names the person; the pages know only one's own
	}
	for name, fn := range map[string]func(db.Tx, cases.Actor) error{
		"reads": func(tx db.Tx, by cases.Actor) error { _, err := cases.Load(tx, by, ref); return err },
		"says":  func(tx db.Tx, by cases.Actor) error { return cases.Say(tx, by, ref, "x", "en", nil) },
		"begins": func(tx db.Tx, by cases.Actor) error {
			_, err := cases.BeginFor(tx, by, *amina.Person, cases.Opening{Kind: "job", Language: "en"})
			return err
		},
	} {
		if err := o.attempt(t, helper, fn); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s after it was taken back: %v", name, err)
		}
	}
}

// R12: a delegation counts in days of the country: in the night it begins and ends
// at midnight there, not in Greenwich.
func TestDelegationDaysAreTheCountrys(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, helper := o.member(t, "Amina Yusuf"), o.citizen(t)
	night := time.Date(2026, 3, 10, 22, 30, 0, 0, time.UTC) // half past one on the 11th, where it is UTC+3
	o.Clock.Set(night)
	first, last := time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 12, 0, 0, 0, 0, time.UTC)
	o.do(t, amina.Principal, func(tx db.Tx) error {
		_, err := cases.Delegate(tx, cases.Delegation{Person: *amina.Person, Account: helper.Actor.ID, Role: "helper", Kinds: []string{"job"}, From: first, To: last})
		return err
	})
	var ref string
	begin := func() error {
		return o.attempt(t, helper, func(tx db.Tx, by cases.Actor) (err error) {
			ref, err = cases.BeginFor(tx, by, *amina.Person, cases.Opening{Kind: "job", Language: "en"})
			return err
		})
	}
	load := func() error {
		return o.attempt(t, helper, func(tx db.Tx, by cases.Actor) error { _, err := cases.Load(tx, by, ref); return err })
	}
	if err := begin(); err != nil {
		t.Fatal("on the first day: ", err)
	}
	if err := load(); err != nil {
		t.Error("on the first day: ", err)
	}
	o.Clock.Set(night.Add(2 * day)) // the 13th there
	if err := begin(); !fault.Is(err, fault.NotFound) {
		t.Error("after the last day: ", err)
	}
	if err := load(); !fault.Is(err, fault.NotFound) {
		t.Error("after the last day: ", err)
	}
}

// R5: whoever objected is told that it was decided, and of the right to appeal.
func TestWhoObjectedIsToldOfTheDecision(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	ref := o.files(t, amina, "moved", moved("MJ010102"))
	if err := o.attempt(t, bilal, func(tx db.Tx, _ cases.Actor) error {
		return cases.Respond(tx, *bilal.Person, ref, false, "We did not move", "en")
	}); err != nil {
		t.Fatal(err)
	}
	o.Clock.Set(o.inOffice(t, ref).ObjectUntil.Time.Add(2 * day))
	const told = `select count(*) from notice n join case_file c on c.id = n.case_id where c.ref = $1 and n.kind = 'concern_decided' and n.person_id = $2 and n.legal`
	if n := o.count(t, told, ref, *bilal.Person); n != 0 {
		t.Error("told before the decision")
	}
	o.approves(t, d, ref)
	if n := o.count(t, told, ref, *bilal.Person); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// What an office grants in somebody's name, that person is told of.
func TestPersonIsToldOfADelegateOfTheOffice(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, helper, officer := o.member(t, "Amina Yusuf"), o.citizen(t), o.officer(t)
	grant := func(by hand, kind string) {
		o.do(t, by.Principal, func(tx db.Tx) error {
			_, err := cases.Delegate(tx, cases.Delegation{Person: *amina.Person, Account: helper.Actor.ID, Role: "helper", Kinds: []string{kind},
				From: o.Clock.Now(), To: o.Clock.Now().Add(30 * day), Proof: "A letter"})
			return err
		})
	}
	for i, by := range []hand{amina, officer} { // what she does herself is no news
		grant(by, []string{"job", "birth"}[i])
		if n := o.count(t, `select count(*) from notice where kind = 'delegate_granted' and person_id = $1 and legal`, *amina.Person); n != i {
			t.Errorf("after %d grants she was told of %d", i+1, n)
		}
	}
}

// R15: when who receives the payments of another household leaves, and nobody
// follows, whoever decides is told.
func TestPaymentsThatNobodyWouldReceive(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ibrahim, plain := o.person(t, "Ibrahim Omar"), o.officer(t)
	home, _ := ibrahim.Residence("2026-03-02")
	unpaid := func(name, kind string, answers registry.Values) (refs []string) {
		ref := o.files(t, o.member(t, name), kind, answers)
		o.do(t, plain.Principal, func(tx db.Tx) error {
			c, err := cases.Load(tx, plain.Actor, ref)
			if err != nil {
				return err
			}
			list, err := cases.Proposed(tx, c)
			if err != nil {
				return err
			}
			refs, err = cases.Unpaid(tx, list)
			return err
		})
		return refs
	}
	var ref string
	o.do(t, worker, func(tx db.Tx) error { return tx.Get(&ref, `select ref from household where id = $1`, home.HouseholdID) })
	if refs := unpaid("Fatima Hassan", "leave", registry.Values{}); !slices.Equal(refs, []string{ref}) {
		t.Errorf("%v instead of %s", refs, ref)
	}
	if refs := unpaid("Amina Yusuf", "leave", registry.Values{}); len(refs) > 0 {
		t.Error("somebody follows: ", refs)
	}
}
