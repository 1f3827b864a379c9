package amend_test

import (
	"testing"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/amend"
)

// A proposal whose record moved on waits in vain: it is shown as out of date, and
// neither verified nor approved. The same is proposed again of the record as it is
// now; of a value that both changed, somebody has to say which it is.
func TestProposalsThatWaitInVain(t *testing.T) {
	t.Parallel()
	w := place(t)
	named := w.proposes(t, w.ref, w.who, "mistake", func(p *registry.PersonData) { p.FullName = "Amina Yusuf" })
	sexed := w.proposes(t, w.ref, w.who, "mistake", func(p *registry.PersonData) { p.Sex = "female" })
	other := w.proposes(t, w.ref, w.who, "mistake", func(p *registry.PersonData) { p.FullName = "Amina Yousef" })
	if err := w.try(t, 1, named, again); !fault.Is(err, fault.Conflict) {
		t.Error("again, and it is not out of date: ", err)
	}
	w.must(t, officer(2), func(tx db.Tx) error { return amend.Verify(tx, w.here, sexed) })
	w.decides(t, named)
	w.must(t, officer(2), func(tx db.Tx) error {
		list, err := amend.Open(tx, w.here)
		if len(list) != 2 || !list[0].Stale || !list[1].Stale || list[0].Shown() != "stale" {
			t.Errorf("%+v", list)
		}
		return err
	})
	if err := w.try(t, 4, other, amend.Verify); key(err) != "error.stale" {
		t.Error("verified: ", err)
	}
	if err := w.try(t, 3, sexed, amend.Approve); key(err) != "error.stale" {
		t.Error("approved: ", err)
	}
	if err := w.try(t, 1, other, again); key(err) != "changes.error.overlap" {
		t.Error("the same value again: ", err)
	}
	var anew string
	w.must(t, officer(1), func(tx db.Tx) (err error) { anew, err = amend.Again(tx, w.here, sexed); return err })
	w.must(t, officer(2), func(tx db.Tx) error {
		for ref, state := range map[string]string{sexed: amend.Superseded, anew: amend.Proposed} {
			a, err := amend.Find(tx, w.here, ref)
			if err != nil || a.Shown() != state {
				t.Error(ref, a.Shown(), err)
			}
		}
		return nil
	})
	w.decides(t, anew)
	w.must(t, worker, func(tx db.Tx) error {
		p, _, err := registry.CurrentPerson(tx, w.who)
		if p.FullName != "Amina Yusuf" || p.Sex != "female" {
			t.Errorf("%+v", p)
		}
		sources, err2 := registry.Sources(tx, registry.Provenance{"sex": p.Provenance["sex"]})
		if s := sources[p.Provenance["sex"]]; s.Method != "document" {
			t.Errorf("how it was checked is lost: %+v %v", s, err2)
		}
		return err
	})
	if err := w.try(t, 1, anew, again); !fault.Is(err, fault.Conflict) {
		t.Error("what was applied, again: ", err)
	}
}

// Who checks a proposal may find that it is not right: it goes back with the reason,
// and the proposer finds it among their own.
func TestSentBack(t *testing.T) {
	t.Parallel()
	w := place(t)
	ref := w.proposes(t, w.ref, w.who, "mistake", func(p *registry.PersonData) { p.FullName = "Amina Yusuf" })
	reject := func(tx db.Tx, r registry.Reader, ref string) error {
		return amend.Reject(tx, r, ref, "The card says Yousef", "en")
	}
	if err := w.try(t, 1, ref, reject); !fault.Is(err, fault.Forbidden) {
		t.Error("the proposer: ", err)
	}
	if err := w.try(t, 2, ref, reject); err != nil {
		t.Fatal(err)
	}
	if err := w.try(t, 4, ref, reject); !fault.Is(err, fault.Conflict) {
		t.Error("twice: ", err)
	}
	for hand, n := range map[byte]int{1: 1, 2: 0} {
		w.must(t, officer(hand), func(tx db.Tx) error {
			list, err := amend.Returned(tx, w.here, w.Clock.Now().Add(-time.Hour))
			if len(list) != n || n > 0 && list[0].Answer != "The card says Yousef" {
				t.Errorf("%d: %+v", hand, list)
			}
			return err
		})
	}
	verified := w.proposes(t, w.ref, w.who, "mistake", func(p *registry.PersonData) { p.FullName = "Amina Yousef" })
	w.must(t, officer(2), func(tx db.Tx) error { return amend.Verify(tx, w.here, verified) })
	if err := w.try(t, 4, verified, reject); !fault.Is(err, fault.Conflict) {
		t.Error("one that waits for a decision is sent back by whoever checks: ", err)
	}
}

func again(tx db.Tx, r registry.Reader, ref string) error {
	_, err := amend.Again(tx, r, ref)
	return err
}

func (w *town) try(t *testing.T, hand byte, ref string, step func(db.Tx, registry.Reader, string) error) error {
	t.Helper()
	return w.WithTx(t.Context(), officer(hand), func(tx db.Tx) error { return step(tx, w.here, ref) })
}

// The last one leaves: the proposal says that the household ends with it, and it
// goes on when they come back. Where somebody is left, nothing happens to it.
func TestTheLastOneLeaves(t *testing.T) {
	t.Parallel()
	w := place(t)
	child, childRef := w.lives(t, "2016-05-04", "child")
	status := func() (h registry.HouseholdData) {
		w.must(t, worker, func(tx db.Tx) (err error) { h, _, err = registry.CurrentHousehold(tx, w.home); return err })
		return h
	}
	leaves := func(p *registry.PersonData) { *p, _ = p.Leave(p.Memberships[0].ID, "2026-03-02", "moved") }
	w.decides(t, w.proposes(t, childRef, child, "moved", leaves))
	if h := status(); h.Status != "" {
		t.Error("ended with somebody in it: ", h)
	}
	var before registry.PersonData
	w.must(t, worker, func(tx db.Tx) (err error) { before, _, err = registry.CurrentPerson(tx, w.who); return err })
	ref := w.proposes(t, w.ref, w.who, "outcome", func(p *registry.PersonData) {
		*p, _ = p.Conclude(registry.Emigrated, "said", "2026-03-01", nil, w.Clock.Now())
	})
	w.must(t, officer(2), func(tx db.Tx) error {
		a, err := amend.Find(tx, w.here, ref)
		if err != nil {
			return err
		}
		others, _, err := amend.Others(tx, w.here, a)
		if len(others) != 1 || others[0].Ref != w.homeRef {
			t.Errorf("the proposal does not say what becomes of the household: %+v", others)
		}
		return err
	})
	w.decides(t, ref)
	if h := status(); h.Status != "ended" || h.StatusReason != "empty" || h.StatusDate != "2026-03-02" {
		t.Errorf("nobody is in it: %+v", h)
	}
	w.decides(t, w.proposes(t, w.ref, w.who, "restored", func(p *registry.PersonData) { *p, _ = p.Restore(before) }))
	if h := status(); h.Status != "" || h.StatusReason != "" {
		t.Errorf("she came back: %+v", h)
	}
}
