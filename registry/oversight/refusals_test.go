package oversight_test

import (
	"fmt"
	"testing"
	"time"

	"daftar/db"
	"daftar/registry/oversight"
)

func (s *scene) refusals(who db.Principal) (list []oversight.Refusal) {
	s.t.Helper()
	s.do(who, func(tx db.Tx) (err error) { list, err = oversight.Refusals(tx); return err })
	return list
}

// What was asked for in vain counts, without a reference; it cannot fill the disk,
// and is the data protection officer's to read.
func TestRefusalsCount(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	clerk := s.staff("verifier")
	note := func(who db.Principal, kind string) {
		s.Clock.Add(time.Second)
		s.do(who, func(tx db.Tx) error { return oversight.NoteRefusal(tx, "GET", "/people/:ref", kind) })
	}
	for range 3 {
		note(clerk, oversight.RefusedHidden)
	}
	note(clerk, oversight.RefusedPurpose)
	note(db.Principal{Role: db.Citizen, Kind: "anonymous"}, oversight.RefusedHidden) // nobody: nothing
	list := s.refusals(s.staff("dpo"))
	if len(list) != 2 || list[0].Kind != oversight.RefusedPurpose || list[1].Tries != 3 || list[1].Staff != "Viktor Verifier" || list[1].Route != "/people/:ref" {
		t.Errorf("%+v", list)
	}
	if others := s.refusals(clerk); len(others) != 0 {
		t.Errorf("a verifier reads %v", others)
	}
	var entries []string
	s.do(worker, func(tx db.Tx) error {
		return tx.Select(&entries, `select detail::text from audit_event where action = 'access.refused'`)
	})
	if len(entries) != 2 {
		t.Errorf("%d entries of the log for two kinds: %v", len(entries), entries)
	}
	s.super(`update refused_attempt set tries = 1000 where kind = 'hidden'`)
	note(clerk, oversight.RefusedHidden)
	if list := s.refusals(s.staff("dpo")); list[1].Tries != 1000 {
		t.Errorf("counts on: %+v", list)
	}
	s.Clock.Add(91 * 24 * time.Hour)
	s.do(worker, func(tx db.Tx) error { _, err := tx.Forget(); return err })
	if list := s.refusals(s.staff("dpo")); len(list) != 0 {
		t.Errorf("not forgotten: %+v", list)
	}
}

// Who asks for much that is not theirs raises an alert.
func TestRefusalsRaiseAnAlert(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	clerk := s.staff("approver-north")
	for i := range oversight.DefaultRules.Refused {
		if n := s.watch(); n != 0 {
			t.Fatalf("an alert after %d", i)
		}
		s.do(clerk, func(tx db.Tx) error {
			return oversight.NoteRefusal(tx, "GET", fmt.Sprintf("/page%d/:ref", i%3), oversight.RefusedHidden)
		})
	}
	if n := s.watch(); n != 1 {
		t.Errorf("%d alerts", n)
	}
	if list := s.alerts(); len(list) != 1 || list[0].Kind != "refused" || list[0].Reads != oversight.DefaultRules.Refused {
		t.Errorf("%+v", list)
	}
}
