package cases_test

import (
	"slices"
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/cases"
)

// RULES R1, word by word: these are the only grounds.
var permitted = []string{
	"already_registered/this_household", "already_registered/another_household",
	"outside_rules/lives_abroad", "outside_rules/not_a_household",
	"withdrawn/in_person", "withdrawn/in_writing",
	"proven_false/identity", "proven_false/members", "proven_false/home",
}

func TestOnlyPermittedReasonsRefuse(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c, ref := o.reach(t, cases.StateRecommended)
	codes := []string{"", "no_id", "no_birth_certificate", "no_address", "no_phone", "cannot_read", "foreigner", "other"}
	facts := []string{"", "other"}
	for _, r := range cases.Reasons() {
		codes, facts = append(codes, r.Code), append(facts, r.Of...)
	}
	for _, code := range codes {
		for _, fact := range facts {
			if slices.Contains(permitted, code+"/"+fact) != cases.PermittedReason(code, fact) {
				t.Errorf("%s/%s: %v", code, fact, cases.PermittedReason(code, fact))
			}
			if cases.PermittedReason(code, fact) {
				continue
			}
			err := o.WithTx(t.Context(), c.approver.Principal, func(tx db.Tx) error {
				_, err := cases.Decide(tx, c.approver.Actor, ref, cases.Ruling{Reason: code, Fact: fact, Note: "has no papers", Lang: "en"})
				return err
			})
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("refused for %s/%s: %v", code, fact, err)
			}
		}
	}
	if s := o.read(t, c.citizen, ref).State; s != cases.StateRecommended {
		t.Error("the case is ", s)
	}
	if err := o.take(t, c, ref, cases.Refused); err != nil {
		t.Fatal(err)
	}
	if n := o.count(t, `select count(*) from decision where kind = 'case' and outcome = 'refused' and reason = 'proven_false' and facts->>'fact' = 'home'`); n != 1 {
		t.Errorf("%d decisions with the reason", n)
	}
}
