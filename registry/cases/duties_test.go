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
)

// warned is what the officials of a case are warned of.
func (o *office) warned(t *testing.T, d desk, ref string) (unpaid []string, uncared []cases.Uncared) {
	t.Helper()
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, d.verifier.Actor, ref)
		if err != nil {
			return err
		}
		list, err := cases.Proposed(tx, c)
		if err != nil {
			return err
		}
		if unpaid, err = cases.Unpaid(tx, list); err != nil {
			return err
		}
		uncared, err = cases.Uncareds(tx, list)
		return err
	})
	return unpaid, uncared
}

// asks lists the pages of a case and who is offered on one.
func (o *office) asks(t *testing.T, who hand, ref, page string) (pages, offered []string) {
	t.Helper()
	o.do(t, who.Principal, func(tx db.Tx) error {
		f, err := cases.LoadFiling(tx, who.Actor, ref)
		for _, p := range f.Pages() {
			pages = append(pages, p.Code)
			if p.Code == page {
				for _, x := range p.Field.Options {
					offered = append(offered, x.Label["en"])
				}
			}
		}
		return err
	})
	return pages, offered
}

// R16: the head dies, who cared for the children. The office is warned, and who
// takes care of them now is asked, among those who stay.
func TestCaregiverDies(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, bilal := o.desk(t), o.member(t, "Bilal Yusuf")
	told := registry.Values{"who": o.ref(t, "Amina Yusuf"), "day": "2026-02-27"}
	silent := o.files(t, bilal, "death", told)
	unpaid, uncared := o.warned(t, d, silent)
	if len(unpaid) != 0 || len(uncared) != 3 || uncared[0].Alone {
		t.Errorf("warned of %v, %+v", unpaid, uncared)
	}
	o.do(t, bilal.Principal, func(tx db.Tx) error { _, err := cases.Withdraw(tx, bilal.Actor, silent); return err })
	o.works(t)
	ref := o.begins(t, bilal, "death", told)
	pages, offered := o.asks(t, bilal, ref, "carer")
	if !slices.Equal(offered, []string{"بلال يوسف"}) || slices.Contains(pages, "payee") {
		t.Errorf("asked %v; offered to take care: %v", pages, offered)
	}
	told["carer"] = o.ref(t, "Bilal Yusuf")
	ref = o.begins(t, bilal, "death", told)
	o.attaches(t, bilal, ref, "burial_permit")
	o.do(t, bilal.Principal, func(tx db.Tx) error { _, err := cases.File(tx, bilal.Actor, ref); return err })
	if _, uncared = o.warned(t, d, ref); len(uncared) != 0 {
		t.Errorf("warned of %+v", uncared)
	}
	o.approves(t, d, ref)
	if n := o.count(t, `select count(*) from membership_role r join person p on p.id = r.person_id
		where p.full_name_latin = 'Bilal Yusuf' and r.role = 'caregiver' and r.end_date is null`); n != 3 {
		t.Errorf("he cares for %d children", n)
	}
	if p := o.person(t, "Amina Yusuf"); p.StatusReason != "burial_permit" {
		t.Error("it is known by ", p.StatusReason)
	}
}

// R15: whoever leaves receives the payments of a household of children, and cares
// for a child with whom no adult would live. Both are said, and its head is told.
func TestPayeeOfChildrenLeaves(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, fatima, ibrahim := o.desk(t), o.member(t, "Fatima Hassan"), o.member(t, "Ibrahim Omar")
	ref := o.files(t, fatima, "leave", registry.Values{})
	unpaid, uncared := o.warned(t, d, ref)
	if len(unpaid) != 1 || len(uncared) != 2 || uncared[0].Alone && uncared[1].Alone {
		t.Errorf("warned of %v, %+v", unpaid, uncared)
	}
	var list []cases.Case
	o.do(t, ibrahim.Principal, func(tx db.Tx) (err error) { list, err = cases.Concerning(tx, *ibrahim.Person); return err })
	if len(list) != 1 || list[0].Ref != ref {
		t.Errorf("who is sixteen and loses the payee is told of %d cases", len(list))
	}
}

// R8, R16: children whose last caregiver is no longer there have a sealed case each,
// with the clock of those who protect people; nobody else knows of one, and a case
// that leaves an adult with them opens none.
func TestAChildLeftAloneHasACase(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	plain := o.officer(t)
	d, bilal, amina := desk{o.officer(t, "verifier"), o.officer(t, "approver"), o.officer(t, "approver")}, o.member(t, "Bilal Yusuf"), o.member(t, "Amina Yusuf")
	children := o.count(t, `select count(*) from membership_role r join person p on p.id = r.person_id where p.full_name_latin = 'Amina Yusuf' and r.role = 'caregiver' and r.end_date is null`)
	opened := `select count(*) from case_file where kind = 'alone'`
	o.dies(t, d, amina, "Bilal Yusuf")
	if n := o.count(t, opened); n != 0 {
		t.Errorf("%d cases of children whose mother is there", n)
	}
	o.approves(t, d, o.files(t, amina, "leave", registry.Values{}))
	if n := o.count(t, opened+` and state = 'submitted' and access = 'sealed' and desk = 'protection' and due_at = submitted_at + interval '24 hours' and person_id is null and household_id is not null`); n != children || n == 0 {
		t.Errorf("%d sealed cases of %d children", n, children)
	}
	var seen, all int
	o.do(t, plain.Principal, func(tx db.Tx) error { return tx.Get(&seen, opened) })
	o.do(t, o.officer(t, "protection").Principal, func(tx db.Tx) error { return tx.Get(&all, opened) })
	if seen != 0 || all != children {
		t.Errorf("an officer counts %d, who protects %d", seen, all)
	}
	if n := o.count(t, `select count(*) from notice n join case_file c on c.id = n.case_id where c.kind = 'alone'`); n != 0 || len(o.mine(t, bilal)) != 0 {
		t.Errorf("%d people were told", n)
	}
	o.Clock.Add(25 * time.Hour)
	o.sweeps(t)
	if n := o.count(t, `select count(*) from case_event e join case_file c on c.id = e.case_id where c.kind = 'alone' and e.action = 'alarmed'`); n != children {
		t.Errorf("%d alarms", n)
	}
}

// Nobody is offered herself, and the one who cares for a child who comes along
// after parting is one, unless both say so.
func TestNobodyIsOfferedHerself(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, ibrahim, amina, bilal := o.desk(t), o.member(t, "Ibrahim Omar"), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	if _, offered := o.asks(t, ibrahim, o.begins(t, ibrahim, "leave", registry.Values{}), "children"); len(offered) != 2 {
		t.Error("the children who leave with him: ", offered)
	}
	if _, offered := o.asks(t, amina, o.begins(t, amina, "married", registry.Values{"partner": "lives_here", "partner_here": o.ref(t, "Bilal Yusuf")}), "partner_here"); len(offered) != 1 {
		t.Error("whom she can have married: ", offered)
	}
	hamza := o.ref(t, "Hamza Yusuf")
	o.approves(t, d, o.lateFiles(t, bilal, "separated", registry.Values{"safe": "yes", "children": []any{hamza}, "area": "MJ010102"}))
	if n := o.count(t, `select count(*) from membership_role r join person c on c.id = r.of_id where c.full_name_latin = 'Hamza Yusuf' and r.end_date is null`); n != 1 {
		t.Errorf("%d people are his caregiver", n)
	}
}

// lateFiles is files, when the time to object is over.
func (o *office) lateFiles(t *testing.T, who hand, kind string, answers registry.Values) string {
	t.Helper()
	ref := o.files(t, who, kind, answers)
	o.Clock.Add(14 * day)
	return ref
}

// Whatever is added after the check is seen before a decision: what the officer has
// before them is not the case any more.
func TestAddedAfterTheCheckIsSeen(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	ref := o.files(t, amina, "birth", registry.Values{"parent": o.ref(t, "Amina Yusuf"), "born": "2026-02-20",
		"babies": []any{map[string]any{"id": "1", "name": "Hawa Yusuf"}}})
	o.recommends(t, d, ref, "approve")
	for what, add := range map[string]func(db.Tx) error{
		"a document": func(tx db.Tx) error {
			return cases.AddDocument(tx, amina.Actor, ref, cases.Evidence{Kind: "clinic_card", MediaType: "image/jpeg", Size: 1, Width: 1, Height: 1, SHA256: []byte("x"), Blob: someBlob})
		},
		"a message": func(tx db.Tx) error { return cases.Say(tx, amina.Actor, ref, "Look at the card", "en", nil) },
	} {
		seen := o.read(t, d.approver, ref).Version
		unmoved := func(tx db.Tx) error { return cases.Unmoved(tx, d.approver.Actor, ref, seen) }
		o.do(t, d.approver.Principal, unmoved)
		o.do(t, amina.Principal, add)
		o.works(t)
		if err := o.WithTx(t.Context(), d.approver.Principal, unmoved); !fault.Is(err, fault.Conflict) {
			t.Errorf("%s was not seen, and can be decided on: %v", what, err)
		}
		if c := o.inOffice(t, ref); c.State != cases.StateRecommended {
			t.Errorf("after %s, a birth is %s", what, c.State)
		}
	}
	seen := o.read(t, d.approver, ref).Version
	o.do(t, d.verifier.Principal, func(tx db.Tx) error { return cases.Note(tx, d.verifier.Actor, ref, "Fine", "en") })
	o.do(t, d.approver.Principal, func(tx db.Tx) error { return cases.Unmoved(tx, d.approver.Actor, ref, seen) })
}

// Whoever asks for what changes nothing is told what that means here.
func TestNothingWouldChange(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	tomas := o.member(t, "Tomas Rivera")
	for kind, c := range map[string]struct {
		answers registry.Values
		want    string
	}{
		"hide":    {registry.Values{"hide": []any{"contacts"}}, "filing.nothing.hide"},
		"correct": {registry.Values{"about": "person", "who": o.ref(t, "Tomas Rivera"), "what": []any{"full_name"}, "what.full_name": "Tomás Rivera"}, "filing.nothing.set"},
	} {
		ref := o.begins(t, tomas, kind, c.answers)
		err := o.WithTx(t.Context(), tomas.Principal, func(tx db.Tx) error { _, err := cases.File(tx, tomas.Actor, ref); return err })
		var f *fault.Error
		if !errors.As(err, &f) || f.Key != c.want {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// R15: a household of children gets an adult from outside as payee, with proof and
// three officials; one who is in the registry, or one of an institution who is not.
func TestPayeeFromOutside(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]registry.Values{
		"registered": {"lives": "outside", "role": "caregiver", "known": "registered"},
		"of a home":  {"lives": "outside", "role": "institution", "institution": "Harbour home", "known": "new", "name": "Sister Agnes", "born": "1970-05-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			d, ibrahim := o.desk(t), o.member(t, "Ibrahim Omar")
			if name == "registered" {
				answers["who_ref"] = o.ref(t, "Mary Okello")
			}
			if _, offered := o.asks(t, ibrahim, o.begins(t, ibrahim, "payee", answers), "lives"); len(offered) != 1 {
				t.Error("somebody who lives there is offered, of whom there is none: ", offered)
			}
			ref := o.files(t, ibrahim, "payee", answers)
			if c := o.inOffice(t, ref); c.Hands != 3 || c.Blocked != "" {
				t.Fatalf("%d officials, %q", c.Hands, c.Blocked)
			}
			o.Clock.Add(14 * day)
			o.recommends(t, d, ref, "approve")
			err := o.WithTx(t.Context(), d.approver.Principal, func(tx db.Tx) error {
				_, err := cases.Decide(tx, d.approver.Actor, ref, cases.Ruling{Approve: true, Lang: "en"})
				return err
			})
			if !fault.Is(err, fault.Conflict) {
				t.Fatal("somebody from outside without any proof: ", err)
			}
			o.do(t, ibrahim.Principal, func(tx db.Tx) error {
				return cases.AddDocument(tx, ibrahim.Actor, ref, cases.Evidence{Kind: "appointment", MediaType: "image/jpeg", Size: 1, Width: 1, Height: 1, SHA256: []byte("x"), Blob: someBlob})
			})
			o.approves(t, d, ref)
			want := map[string]string{"registered": "Mary Okello", "of a home": "Sister Agnes"}[name]
			if n := o.count(t, `select count(*) from membership_role r join person p on p.id = r.person_id and p.full_name = $1
				join membership m on m.household_id = r.household_id and m.end_date is null join person i on i.id = m.person_id and i.full_name_latin = 'Ibrahim Omar'
				where r.role = 'payee' and r.end_date is null`, want); n != 1 || o.paid(t, "Fatima Hassan") {
				t.Errorf("%d times %s is paid", n, want)
			}
		})
	}
	o := newOffice(t)
	ibrahim := o.member(t, "Ibrahim Omar")
	for what, answers := range map[string]registry.Values{
		"a child of another household": {"lives": "outside", "role": "relative", "known": "registered", "who_ref": o.ref(t, "Sara Yusuf")},
		"a child who is not known":     {"lives": "outside", "role": "relative", "known": "new", "name": "Kid", "born": "2015-01-01"},
		"who is the payee now":         {"lives": "outside", "role": "caregiver", "known": "registered", "who_ref": o.ref(t, "Fatima Hassan")},
	} {
		ref := o.begins(t, ibrahim, "payee", answers)
		if err := o.WithTx(t.Context(), ibrahim.Principal, func(tx db.Tx) error { _, err := cases.File(tx, ibrahim.Actor, ref); return err }); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Whoever is left without a payee or a caregiver is on a list of the office's area,
// until somebody follows; nobody else's is.
func TestVacancies(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, fatima, bilal := o.desk(t), o.member(t, "Fatima Hassan"), o.member(t, "Bilal Yusuf")
	list := func(area db.ID) (unpaid, uncared []string) {
		o.do(t, d.verifier.Principal, func(tx db.Tx) error {
			r := registry.Reader{Areas: []db.ID{area}}
			homes, _, err := cases.Unpaids(tx, r, "")
			if err != nil {
				return err
			}
			children, _, err := cases.UncaredChildren(tx, r, "")
			for i, v := range homes { // a page begins after the last of the one before
				if rest, _, err := cases.Unpaids(tx, r, v.Household); err != nil || len(rest) != len(homes)-i-1 {
					t.Errorf("%d households after %d of %d: %v", len(rest), i+1, len(homes), err)
				}
			}
			for i, v := range children {
				after := "1" + v.Ref
				if v.Alone {
					after = "0" + v.Ref
				}
				if rest, _, err := cases.UncaredChildren(tx, r, after); err != nil || len(rest) != len(children)-i-1 {
					t.Errorf("%d children after %d of %d: %v", len(rest), i+1, len(children), err)
				}
			}
			for _, v := range homes {
				unpaid = append(unpaid, v.Ref)
			}
			for _, v := range children {
				uncared = append(uncared, v.Name)
			}
			return err
		})
		return unpaid, uncared
	}
	ibrahim := o.ref(t, "Ibrahim Omar")
	if unpaid, uncared := list(o.capital); len(uncared) != 0 || slices.Contains(unpaid, ibrahim) {
		t.Errorf("from the start: %v, %v", unpaid, uncared)
	}
	o.approves(t, d, o.lateFiles(t, fatima, "leave", registry.Values{}))
	o.dies(t, d, bilal, "Amina Yusuf")
	unpaid, uncared := list(o.capital)
	if len(uncared) != 4 { // her daughter, and three of Amina's
		t.Errorf("nobody cares for %v", uncared)
	}
	if eligible := o.count(t, `select count(*) from decision d join membership m on m.household_id = d.household_id and m.end_date is null join person p on p.id = m.person_id
		where p.full_name_latin = 'Ibrahim Omar' and d.kind = 'programme' and d.superseded_at is null and d.outcome = 'eligible'`); slices.Contains(unpaid, ibrahim) != (eligible > 0) {
		t.Errorf("households that nobody is paid for: %v; his gets %d", unpaid, eligible)
	}
	if unpaid, uncared = list(o.north); len(unpaid)+len(uncared) != 0 {
		t.Errorf("another area's: %v, %v", unpaid, uncared)
	}
}
