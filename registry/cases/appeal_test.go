package cases_test

import (
	"strings"
	"testing"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
	"daftar/registry/programmes"
)

// josephs is the decision about the Child grant that Joseph's household did not get.
func (o *office) josephs(t *testing.T, who hand) (d programmes.Decision) {
	t.Helper()
	o.do(t, worker, func(tx db.Tx) error {
		var home db.ID
		if err := tx.Get(&home, `select household_id from membership where person_id = $1 and end_date is null and tie = 'usual'`, *who.Person); err != nil {
			return err
		}
		list, err := programmes.Decisions(tx, home)
		for _, x := range list {
			if x.Outcome == "not_eligible" && len(x.Rule.Score) > 0 {
				d = x
			}
		}
		return err
	})
	if d.Ref == "" {
		t.Fatal("nothing was decided against him")
	}
	return d
}

// sends appeals a programme's decision.
func (o *office) appealsProgramme(t *testing.T, who hand, d programmes.Decision, ground string) (ref string) {
	t.Helper()
	o.do(t, who.Principal, func(tx db.Tx) (err error) {
		ref, err = cases.AppealProgramme(tx, who.Actor, d.Household, d.ID, "en")
		return err
	})
	o.do(t, who.Principal, func(tx db.Tx) error {
		if _, err := cases.Put(tx, who.Actor, ref, "ground", ground); err != nil {
			return err
		}
		_, err := cases.Put(tx, who.Actor, ref, "words", "We are poor")
		return err
	})
	o.leavesOpen(t, who, ref)
	o.do(t, who.Principal, func(tx db.Tx) error { _, err := cases.File(tx, who.Actor, ref); return err })
	return ref
}

// RULES R12, R13: an appeal that came in time is not refused as late; one that
// succeeds against a programme's rule is an override with a visit and a reason.
func TestAppealAgainstARule(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, joseph := o.desk(t), o.member(t, "Joseph Okello")
	decision := o.josephs(t, joseph)
	ref := o.appealsProgramme(t, joseph, decision, "facts")
	o.recommends(t, d, ref, "approve")
	decide := func(r cases.Ruling) error {
		r.Lang = "en"
		return o.attempt(t, d.approver, func(tx db.Tx, a cases.Actor) error { _, err := cases.Decide(tx, a, ref, r); return err })
	}
	wrong := func(err error, input, key string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), input) || !strings.Contains(err.Error(), key) {
			t.Errorf("%v instead of %s %s", err, input, key)
		}
	}
	wrong(decide(cases.Ruling{Reason: "too_late"}), "reason", "appeal.error.in_time")
	wrong(decide(cases.Ruling{Approve: true, Note: "They are poor"}), "", "appeal.error.visit")
	var visit db.ID
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		if err := cases.PlanVisit(tx, d.verifier.Actor, ref, o.Clock.Now(), d.verifier.Actor.ID, "", "en"); err != nil {
			return err
		}
		return tx.Get(&visit, `select v.id from case_visit v join case_file c on c.id = v.case_id where c.ref = $1`, ref)
	})
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		return cases.ReportVisit(tx, d.verifier.Actor, ref, visit, "confirmed", "One room", "en")
	})
	wrong(decide(cases.Ruling{Approve: true}), "note", "appeal.error.note")
	if err := decide(cases.Ruling{Approve: true, Note: "They are poor"}); err != nil {
		t.Fatal(err)
	}
	o.works(t)
	o.do(t, worker, func(tx db.Tx) error {
		list, err := programmes.Decisions(tx, decision.Household)
		for _, x := range list {
			if x.ProgrammeCode == decision.ProgrammeCode && (x.Outcome != "eligible" || x.Overturned != ref) {
				t.Errorf("%s %q", x.Outcome, x.Overturned)
			}
		}
		return err
	})
	o.do(t, joseph.Principal, func(tx db.Tx) error { // and the old one says what became of it
		l, err := cases.AppealOf(tx, joseph.Person, &decision.ID, nil)
		if l == nil || l.Ref != ref || !l.DecidedAt.Valid {
			t.Errorf("%+v", l)
		}
		return err
	})
}

// A second appeal against a rule overturns it as well as a first one.
func TestSecondAppealAgainstARule(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, other, joseph := o.desk(t), o.desk(t), o.member(t, "Joseph Okello")
	decision := o.josephs(t, joseph)
	first := o.appealsProgramme(t, joseph, decision, "facts")
	o.recommends(t, d, first, "refuse")
	o.do(t, d.approver.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, d.approver.Actor, first, cases.Ruling{Reason: "upheld", Lang: "en"})
		return err
	})
	o.works(t)
	var second string
	o.do(t, joseph.Principal, func(tx db.Tx) (err error) { second, err = cases.Appeal(tx, joseph.Actor, first, "en"); return err })
	o.do(t, joseph.Principal, func(tx db.Tx) error {
		_, err := cases.Put(tx, joseph.Actor, second, "words", "We are poor")
		return err
	})
	o.leavesOpen(t, joseph, second)
	o.do(t, joseph.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, joseph.Actor, first)
		if err != nil {
			return err
		}
		of, err := cases.DecisionOf(tx, c)
		if err != nil {
			return err
		}
		if l, err := cases.AppealOf(tx, joseph.Person, &of.ID, nil); err != nil || l == nil || l.Ref != second {
			t.Errorf("the first appeal does not name the second: %+v %v", l, err)
		}
		_, err = cases.File(tx, joseph.Actor, second)
		return err
	})
	o.do(t, other.verifier.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, other.verifier.Actor, second)
		if err != nil {
			return err
		}
		over, err := cases.OverrideOf(tx, c)
		if over == nil || !over.Visit || over.Home == "" {
			t.Errorf("%+v", over)
		}
		if last, err := cases.LastLevel(tx, c); err != nil || !last {
			t.Error("a third level: ", err)
		}
		return err
	})
}

// R12: only an appeal that came after the last day is asked why, and may be refused
// for it.
func TestLateAppeal(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, joseph := o.desk(t), o.member(t, "Joseph Okello")
	decision := o.josephs(t, joseph)
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Exec(`update decision set served_on = $2 where id = $1`, decision.ID, tx.Now())
	})
	asks := func(ref string) (late bool) {
		o.do(t, joseph.Principal, func(tx db.Tx) error {
			f, err := cases.LoadFiling(tx, joseph.Actor, ref)
			if err != nil {
				return err
			}
			for _, p := range f.Pages() {
				late = late || p.Code == "late"
			}
			return nil
		})
		return late
	}
	var ref string
	o.do(t, joseph.Principal, func(tx db.Tx) (err error) {
		ref, err = cases.AppealProgramme(tx, joseph.Actor, decision.Household, decision.ID, "en")
		return err
	})
	if asks(ref) {
		t.Error("asked why it is late on the first day")
	}
	o.Clock.Add(60 * day)
	if !asks(ref) {
		t.Error("not asked why it is late")
	}
	ref = o.appealsProgramme(t, joseph, decision, "facts")
	o.Clock.Add(time.Hour)
	o.recommends(t, d, ref, "refuse")
	if err := o.attempt(t, d.approver, func(tx db.Tx, a cases.Actor) error {
		_, err := cases.Decide(tx, a, ref, cases.Ruling{Reason: "too_late", Lang: "en"})
		return err
	}); err != nil {
		t.Error(err)
	}
}

// R12: an appeal of there being no answer asks for what somebody waits, names the
// case, and is not of a decision.
func TestAppealOfSilence(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina := o.desk(t), o.member(t, "Amina Yusuf")
	silent := o.files(t, amina, "moved", moved("MJ010102"))
	o.Clock.Add(120 * day)
	if err := cases.Sweep(t.Context(), o.DB.DB); err != nil {
		t.Fatal(err)
	}
	var ref string
	o.do(t, amina.Principal, func(tx db.Tx) (err error) { ref, err = cases.Appeal(tx, amina.Actor, silent, "en"); return err })
	o.do(t, amina.Principal, func(tx db.Tx) error {
		f, err := cases.LoadFiling(tx, amina.Actor, ref)
		if err != nil {
			return err
		}
		if pages := f.Pages(); f.Kind != "silence" || len(pages) != 1 || pages[0].Code != "words" {
			t.Errorf("%s asks %+v", f.Kind, pages)
		}
		if _, err := cases.Put(tx, amina.Actor, ref, "words", "The money"); err != nil {
			return err
		}
		_, err = cases.File(tx, amina.Actor, ref)
		return err
	})
	o.do(t, amina.Principal, func(tx db.Tx) error {
		id := o.inOffice(t, silent).ID
		l, err := cases.AppealOf(tx, amina.Person, nil, &id)
		if l == nil || l.Ref != ref || !l.Silence {
			t.Errorf("her case does not say so: %+v", l)
		}
		return err
	})
	o.do(t, d.verifier.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, d.verifier.Actor, ref)
		if err != nil {
			return err
		}
		of, err := cases.SilentCase(tx, c)
		if of == nil || of.Ref != silent {
			t.Errorf("%+v", of)
		}
		return err
	})
	o.approves(t, d, ref)
	if n := o.count(t, `select count(*) from letter l join case_file c on c.id = l.case_id where c.ref = $1 and l.kind = 'complaint_approved'`, ref); n != 1 {
		t.Error("the letter is not about silence")
	}
	// Nobody appeals nothing.
	if err := o.attempt(t, amina, func(tx db.Tx, a cases.Actor) error {
		_, err := cases.Begin(tx, a, cases.Opening{Kind: "appeal", Person: a.Person, Language: "en"})
		return err
	}); !fault.Is(err, fault.Conflict) {
		t.Error("an appeal of nothing: ", err)
	}
}
