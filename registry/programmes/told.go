package programmes

import (
	"daftar/db"
	"daftar/registry"
	"daftar/registry/letters"
	"daftar/registry/notices"
)

// Addressee is whom a decision about a household is written to: the payee, else
// the head, else the eldest. Somebody who is dead, or reported so, is not
// written to; nil when nobody is left.
func Addressee(tx db.Tx, household db.ID) (*db.ID, error) {
	var list []db.ID
	err := tx.Select(&list, `
		select p.id from membership m join person p on p.id = m.person_id
		left join membership_role r on r.person_id = m.person_id and r.membership_id = m.id and r.role = 'payee' and r.end_date is null
		where m.household_id = $1 and m.end_date is null and (m.tie = 'usual' or r.role is not null) and p.status = 'active'
		and not exists (select from contact_hold h where h.person_id = p.id and h.reason = 'reported_dead' and h.ended_at is null)
		order by r.role is null, m.relationship <> 'head', p.birth_from nulls last, p.id limit 1`, household)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// adults are the others of a household who are told too (RULES R5).
func adults(tx db.Tx, h registry.Household, but *db.ID) ([]db.ID, error) {
	today, err := dayOf(tx, h.AreaID)
	if err != nil {
		return nil, err
	}
	var list []db.ID
	for _, m := range h.Members {
		if youngest, _ := m.Birth().Age(today); youngest >= registry.Majority && m.Status == registry.Active && (but == nil || m.ID != *but) {
			list = append(list, m.ID)
		}
	}
	return list, nil
}

// tellAdults tells the adults of a household, but one, what became of a
// decision.
func tellAdults(tx db.Tx, h registry.Household, decision db.ID, kind, once string, but *db.ID) error {
	list, err := adults(tx, h, but)
	for i := range list {
		if err == nil {
			err = notices.Tell(tx, notices.Notice{Kind: kind, Person: &list[i], Decision: &decision,
				Once: once + ":" + decision.String() + ":" + list[i].String()})
		}
	}
	return err
}

// asked reports whether a household has ever asked for something, or one of it
// can sign in: who came by a list is not written to because of it.
func asked(tx db.Tx, household db.ID) (bool, error) {
	var yes bool
	err := tx.Get(&yes, `
		select exists (select from case_file where household_id = $1)
		or exists (select from membership m join account a on a.person_id = m.person_id where m.household_id = $1 and m.end_date is null and m.tie = 'usual')`,
		household)
	return yes, err
}

// announce tells a household of a decision that is in force as it was made. It
// is written to when the outcome is new, with its reasons and the way to
// appeal.
func announce(tx db.Tx, p programmeRow, h registry.Household, d newDecision, newOutcome bool) error {
	if yes, err := asked(tx, h.ID); err != nil || !yes {
		return err
	}
	to, err := Addressee(tx, h.ID)
	if err != nil || to == nil {
		return err
	}
	kind := map[string]string{Eligible: "granted", NotEligible: "refused"}[d.outcome]
	if kind == "" || !newOutcome {
		return notices.Tell(tx, notices.Notice{Kind: "decision_made", Person: to, Decision: &d.id, Once: "decision:" + d.id.String()})
	}
	if err := letters.Send(tx, letters.New{
		Kind: kind, Person: to, Household: &h.ID, Decision: &d.id, Once: "decision:" + d.id.String(),
		Facts: letters.Facts{Programme: p.Name, Reference: d.ref, Reasons: reasons(p.rule, d.result)},
	}); err != nil {
		return err
	}
	return tellAdults(tx, h, d.id, "decision_made", "decision", to)
}

// reasons are the conditions that decided: those not met, or all that were.
func reasons(rule Rule, r Result) []letters.Reason {
	want, in := Met, "letter.reason.met"
	if r.Outcome == NotMet {
		want, in = NotMet, "letter.reason.not_met"
	}
	var list []letters.Reason
	for i, c := range r.Criteria {
		if c.Outcome == want {
			list = append(list, letters.Reason{Text: rule.Criteria[i].Label, In: in})
		}
	}
	return list
}
