package cases_test

import (
	"strings"
	"testing"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/seal"
)

// rows is what a table holds, as somebody reads it who has the database alone.
func (o *office) rows(t *testing.T, table string) (all string) {
	t.Helper()
	o.do(t, worker, func(tx db.Tx) error {
		return tx.Get(&all, `select coalesce(string_agg(to_jsonb(x)::text, ' '), '') from `+table+` x`)
	})
	return all
}

// What is said in a sealed case is read by those who protect, and by nobody who
// has the database or a copy of it; and not by them either once its key is gone.
func TestWordsOfSealedCasesAreSealed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, guard := o.member(t, "Amina Yusuf"), o.officer(t, "protection")
	const told, noted, look, found = "The child next door is beaten", "The mother is afraid, too", "Ask the teacher first", "Bruises on both arms"
	ref := o.files(t, amina, "safeguarding", registry.Values{"what": told})
	var visits []cases.HomeVisit
	o.do(t, guard.Principal, func(tx db.Tx) error {
		if err := cases.Note(tx, guard.Actor, ref, noted, "en"); err != nil {
			return err
		}
		if err := cases.PlanVisit(tx, guard.Actor, ref, o.Clock.Now().Add(day), guard.Actor.ID, look, "en"); err != nil {
			return err
		}
		c, err := cases.Load(tx, guard.Actor, ref)
		if err != nil {
			return err
		}
		if visits, err = cases.VisitsOf(tx, c); err != nil {
			return err
		}
		return cases.ReportVisit(tx, guard.Actor, ref, visits[0].ID, "confirmed", found, "en")
	})
	for _, table := range []string{"case_file", "case_event", "case_visit"} {
		for _, words := range []string{"beaten", "afraid", "teacher", "Bruises"} {
			if strings.Contains(o.rows(t, table), words) {
				t.Errorf("%s holds %q", table, words)
			}
		}
	}
	read := func() (all string) {
		o.do(t, guard.Principal, func(tx db.Tx) error {
			c, err := cases.Read(tx, guard.Actor, ref)
			if err != nil {
				return err
			}
			events, err := cases.Events(tx, c, true)
			if err != nil {
				return err
			}
			what, _ := c.Draft.Answers["what"].(string)
			all = what
			for _, e := range events {
				all += "|" + e.Note
			}
			visits, err := cases.VisitsOf(tx, c)
			for _, v := range visits {
				all += "|" + v.What + "|" + v.Findings
			}
			return err
		})
		return all
	}
	for _, words := range []string{told, noted, look, found} {
		if !strings.Contains(read(), words) {
			t.Errorf("protection does not read %q: %s", words, read())
		}
	}
	o.do(t, worker, func(tx db.Tx) error {
		_, err := seal.Destroy(tx, seal.Case, o.inOffice(t, ref).ID)
		return err
	})
	if left := strings.Trim(read(), "|"); left != "" {
		t.Errorf("after its key was destroyed: %q", left)
	}
}

// A case that turns out to be about somebody's safety is sealed from then on.
func TestDraftIsSealedWithTheCase(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, officer := o.member(t, "Amina Yusuf"), o.officer(t, "grievance")
	ref := o.files(t, amina, "service", registry.Values{"what": "The clerk told my husband where I live"})
	o.do(t, officer.Principal, func(tx db.Tx) error { return cases.Seal(tx, officer.Actor, ref) })
	if strings.Contains(o.rows(t, "case_file"), "my husband") {
		t.Error("what was typed is there to be read")
	}
	guard := o.officer(t, "protection")
	o.do(t, guard.Principal, func(tx db.Tx) error {
		c, err := cases.Read(tx, guard.Actor, ref)
		if c.Draft.Answers["what"] != "The clerk told my husband where I live" {
			t.Errorf("protection reads %v", c.Draft.Answers)
		}
		return err
	})
}

// What was written before a case was sealed is sealed with it: notes, what visits
// are to look at and found. What is said with its decision is, too.
func TestEarlierWordsAreSealedWithTheCase(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, officer, guard := o.member(t, "Amina Yusuf"), o.officer(t, "grievance"), o.officer(t, "protection")
	const noted, look, found, said = "The brother came along", "Look for the cellar", "A lock outside the door", "Moved to the shelter"
	ref := o.files(t, amina, "service", registry.Values{"what": "The counter was closed"})
	o.do(t, officer.Principal, func(tx db.Tx) error {
		if err := cases.Note(tx, officer.Actor, ref, noted, "en"); err != nil {
			return err
		}
		return cases.PlanVisit(tx, officer.Actor, ref, o.Clock.Now().Add(day), officer.Actor.ID, look, "en")
	})
	o.do(t, officer.Principal, func(tx db.Tx) error {
		c, err := cases.Load(tx, officer.Actor, ref)
		if err != nil {
			return err
		}
		visits, err := cases.VisitsOf(tx, c)
		if err != nil {
			return err
		}
		return cases.ReportVisit(tx, officer.Actor, ref, visits[0].ID, "partly", found, "en")
	})
	id := o.inOffice(t, ref).ID
	if err := cases.SealEarlier(t.Context(), o.DB.DB, id); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(o.rows(t, "case_event"), noted) {
		t.Error("the notes of a case that is not sealed are")
	}
	o.do(t, officer.Principal, func(tx db.Tx) error { return cases.Seal(tx, officer.Actor, ref) })
	o.works(t)
	o.do(t, guard.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, guard.Actor, ref, cases.Ruling{Approve: true, Note: said, Lang: "en"})
		return err
	})
	for _, table := range []string{"case_file", "case_event", "case_visit", "decision"} {
		for _, words := range []string{"brother", "cellar", "lock outside", "shelter"} {
			if strings.Contains(o.rows(t, table), words) {
				t.Errorf("%s holds %q", table, words)
			}
		}
	}
	o.do(t, guard.Principal, func(tx db.Tx) error {
		c, err := cases.Read(tx, guard.Actor, ref)
		if err != nil {
			return err
		}
		events, err := cases.Events(tx, c, true)
		if err != nil {
			return err
		}
		visits, err := cases.VisitsOf(tx, c)
		if err != nil {
			return err
		}
		d, err := cases.DecisionOf(tx, c)
		all := d.Note
		for _, e := range events {
			all += "|" + e.Note
		}
		for _, v := range visits {
			all += "|" + v.What + "|" + v.Findings
		}
		if d.Note != said {
			t.Errorf("the decision says %q", d.Note)
		}
		for _, words := range []string{noted, look, found} {
			if !strings.Contains(all, words) {
				t.Errorf("protection does not read %q: %s", words, all)
			}
		}
		return err
	})
	// and nobody puts other words in their place
	if err := o.DB.WithTx(t.Context(), worker, func(tx db.Tx) error {
		return tx.Exec(`select seal_words(e.case_id, 'case_event.note', e.id, 'nothing happened') from case_event e where e.case_id = $1`, id)
	}); err == nil {
		t.Error("plain words can be put into a sealed case")
	}
}

// Words that look as if they were sealed are what somebody typed.
func TestWordsThatLookSealed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	amina, officer := o.member(t, "Amina Yusuf"), o.officer(t, "grievance")
	ref := o.files(t, amina, "service", registry.Values{"what": "The counter was closed"})
	typed := []string{"sealed: the box was open", "sealed:YWJj", "sealed:"}
	o.do(t, officer.Principal, func(tx db.Tx) error {
		for _, words := range typed {
			if err := cases.Note(tx, officer.Actor, ref, words, "en"); err != nil {
				return err
			}
		}
		c, err := cases.Load(tx, officer.Actor, ref)
		if err != nil {
			return err
		}
		events, err := cases.Events(tx, c, true)
		for i, words := range typed {
			if got := strings.TrimSpace(events[len(typed)-1-i].Note); got != words {
				t.Errorf("%q is read as %q", words, got)
			}
		}
		return err
	})
}
