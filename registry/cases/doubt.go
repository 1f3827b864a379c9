package cases

import (
	"maps"
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/jobs"
	"daftar/registry/names"
)

// What an official says of two cases that may register the same child. Each has
// the message "doubt.said.<verdict>".
const (
	SameChild    = "same"
	AnotherChild = "apart"
)

// Doubts are other cases, open or approved, that may register a child whom a case
// would register, and of which nobody has said whether they do. Nothing is approved
// while there is one (RULES R17).
func Doubts(tx db.Tx, c Case) ([]Case, error) {
	list, err := perhapsSame(tx, c)
	if err != nil {
		return nil, err
	}
	var open []Case
	for _, o := range list {
		verdict, err := verdictOn(tx, c, o)
		if err != nil {
			return nil, err
		}
		done := c.Draft.leaves(o.Ref) || o.Draft.leaves(c.Ref)
		if verdict == "" || verdict == SameChild && !done {
			open = append(open, o)
		}
	}
	return open, nil
}

// perhapsSame are the other cases that tell of a birth in the same days, of the
// same people or household.
func perhapsSame(tx db.Tx, c Case) ([]Case, error) {
	if c.Kind != "birth" || c.State == StateDraft || c.State == StateJoined || c.State.Closed() {
		return nil, nil
	}
	var rows, list []Case
	if err := tx.Select(&rows, `
		select `+caseColumns+` from case_file c
		where c.id in (select o.case_id from case_subject s join case_subject o on o.subject_id = s.subject_id where s.case_id = $1)
		  and c.id <> $1 and c.kind = $2 and c.state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale', 'approved')
		  and c.joined_to is null and c.submitted_at between $3::timestamptz - make_interval(days => $4) and $3::timestamptz + make_interval(days => $4)
		  and not exists (select from case_link l join case_file u on u.id = l.case_id where l.other_id = c.id and l.relation = 'undoes' and u.state = 'approved')
		order by c.submitted_at, c.id`, c.ID, c.Kind, c.SubmittedAt.Time, joinDays); err != nil {
		return nil, err
	}
	for _, o := range rows {
		if err := o.decode(tx); err != nil {
			return nil, err
		}
		if Compare(c.Kind, o.Draft.Answers, c.Draft.Answers) != Different {
			list = append(list, o)
		}
	}
	return list, nil
}

// laterOf is the one of two cases that gives way to the other: what is approved
// stays, then what came first.
func laterOf(a, b Case) Case {
	switch {
	case a.State == StateApproved:
		return b
	case b.State == StateApproved:
		return a
	case a.SubmittedAt.Time.Before(b.SubmittedAt.Time) || a.SubmittedAt.Time.Equal(b.SubmittedAt.Time) && a.Ref < b.Ref:
		return b
	}
	return a
}

// verdictOn is what was said last of two cases; "" for nothing.
func verdictOn(tx db.Tx, a, b Case) (string, error) {
	var said []string
	err := tx.Select(&said, `
		select facts->>'verdict' from case_event
		where action = 'linked' and facts ? 'verdict' and (case_id = $1 and facts->>'case' = $4 or case_id = $2 and facts->>'case' = $3)
		order by at desc, id desc limit 1`, a.ID, b.ID, a.Ref, b.Ref)
	if err != nil || len(said) == 0 {
		return "", err
	}
	return said[0], nil
}

// undoubted makes sure that no child is registered twice.
func undoubted(tx db.Tx, c Case) error {
	list, err := Doubts(tx, c)
	if err == nil && len(list) > 0 {
		return fault.New(fault.Conflict, "case.error.perhaps_same", "Case", list[0].Ref)
	}
	return err
}

// Tell says whether two cases register the same child: then the later one goes the
// way of the other, and a child whom only it tells of is still registered. Another
// child takes a reason.
func Tell(tx db.Tx, officer Actor, ref, other, verdict, note, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	o, err := Load(tx, officer, other)
	if err != nil {
		return err
	}
	if list, err := Doubts(tx, c); err != nil || !slices.ContainsFunc(list, func(x Case) bool { return x.ID == o.ID }) {
		return fault.Hidden() // there is nothing to say of any other case
	}
	later := laterOf(c, o)
	if verdict == SameChild && later.State != StateSubmitted {
		return fault.New(fault.Conflict, "doubt.error.return", "Case", later.Ref)
	}
	if err := move(tx, &c, step{action: Linked, facts: map[string]any{"case": o.Ref, "verdict": verdict}, note: note, lang: lang, private: true}); err != nil {
		return err
	}
	if verdict != SameChild {
		return nil
	}
	return tx.Enqueue(jobs.KindSettleCase, later.ID, 4)
}

// onceOnly does what was said of a case and another that tells of the same child;
// true where the case has joined it.
func onceOnly(tx db.Tx, c *Case) (bool, error) {
	list, err := Doubts(tx, *c)
	if err != nil {
		return false, err
	}
	for _, first := range list {
		verdict, err := verdictOn(tx, *c, first)
		if err != nil || verdict != SameChild || laterOf(*c, first).ID != c.ID {
			if err != nil {
				return false, err
			}
			continue
		}
		more, told := apart(registry.Rows(first.Draft.Answers["babies"]), registry.Rows(c.Draft.remaining(maps.Clone(c.Draft.Answers))["babies"]))
		if len(more) == 0 {
			return true, joins(tx, c, first)
		}
		if c.Draft.Elsewhere == nil {
			c.Draft.Elsewhere = map[string]string{}
		}
		for _, row := range told {
			c.Draft.Elsewhere[row] = first.Ref
		}
		if err := unlodge(tx, c); err != nil {
			return false, err
		}
		if err := tx.Exec(`update case_file set change_id = null where id = $1`, c.ID); err != nil {
			return false, err
		}
		if err := store(tx, c); err != nil {
			return false, err
		}
		if err := tx.Enqueue(jobs.KindRenewCase, c.ID, c.Version); err != nil {
			return false, err
		}
	}
	return false, nil
}

// apart tells the children of a case from those whom an earlier one tells of
// already: by name, and the others in their order.
func apart(first, later []registry.Row) (more, told []string) {
	name := func(r registry.Row) string { s, _ := r["name"].(string); return names.Fold(s) }
	left := slices.Clone(first)
	var rest []registry.Row
	for _, r := range later {
		i := slices.IndexFunc(left, func(f registry.Row) bool { return name(f) == name(r) && name(r) != "" })
		if i < 0 {
			rest = append(rest, r)
			continue
		}
		told, left = append(told, r.ID()), slices.Delete(left, i, i+1)
	}
	for i, r := range rest {
		if i < len(left) {
			told = append(told, r.ID())
		} else {
			more = append(more, r.ID())
		}
	}
	return more, told
}

// leaves reports whether a child is left to another case.
func (d Draft) leaves(ref string) bool {
	return slices.Contains(slices.Collect(maps.Values(d.Elsewhere)), ref)
}

// remaining are the answers without the children whom another case tells of.
func (d Draft) remaining(answers registry.Values) registry.Values {
	if len(d.Elsewhere) == 0 {
		return answers
	}
	var rows []any
	for _, r := range registry.Rows(answers["babies"]) {
		if d.Elsewhere[r.ID()] == "" {
			rows = append(rows, map[string]any(r))
		}
	}
	answers["babies"] = rows
	return answers
}
