package cases

import (
	"database/sql"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/jobs"
)

// The office's steps. Each checks the area again: that a case was listed is no
// proof that it may be decided.

// Unmoved holds a case and makes sure that it is still the version that the
// officer has seen: fault.Conflict when somebody changed it since.
func Unmoved(tx db.Tx, officer Actor, ref string, version int) error {
	c, err := lock(tx, officer, ref)
	if err == nil && c.Version != version {
		return fault.New(fault.Conflict, "case.error.moved")
	}
	return err
}

// Ask sends a case back to the applicant with pages to look at again and the
// officer's own words.
func Ask(tx db.Tx, officer Actor, ref string, pages []string, note, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	if err := tx.Exec(`update case_file set waiting_since = $2 where id = $1`, c.ID, tx.Now()); err != nil {
		return err
	}
	return move(tx, &c, step{action: Asked, facts: map[string]any{"pages": pages}, note: note, lang: lang})
}

// Recommend records that the officer checked the case and what should be
// decided. Whoever proposed it is refused by the database.
func Recommend(tx db.Tx, officer Actor, ref, outcome, note, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	if _, err := Next(c.State, Recommended); err != nil {
		return err
	}
	if err := registry.Verify(tx, *c.Change); err != nil {
		return err
	}
	return move(tx, &c, step{action: Recommended, facts: map[string]any{"outcome": outcome}, note: note, lang: lang, private: true})
}

// Return sends a checked case back to be checked again.
func Return(tx db.Tx, officer Actor, ref, note, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	if _, err := Next(c.State, Returned); err != nil {
		return err
	}
	if err := registry.Return(tx, *c.Change); err != nil {
		return err
	}
	return move(tx, &c, step{action: Returned, note: note, lang: lang, private: true})
}

// Ruling is a decision on a case.
type Ruling struct {
	Approve bool
	Reason  string // of Reasons, when refused
	Fact    string // one of the reason's codes
	Note    string // the officer's own words
	Lang    string
}

// Decide approves a case and applies its change, or refuses it for one of the
// permitted reasons: everything in this transaction, or nothing.
func Decide(tx db.Tx, officer Actor, ref string, r Ruling) (Case, error) {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return c, err
	}
	s := step{action: Approved, note: r.Note, lang: r.Lang}
	outcome := "approved"
	if !r.Approve {
		if !PermittedReason(r.Reason, r.Fact) {
			var check fault.Check
			check.Fail("reason", "case.error.reason")
			return c, check.Err()
		}
		s.action, s.reason, s.facts, outcome = Refused, r.Reason, map[string]any{"fact": r.Fact}, "refused"
	}
	if _, err := Next(c.State, s.action); err != nil {
		return c, err
	}
	if r.Approve {
		err = approve(tx, &c)
	} else {
		err = registry.Refuse(tx, *c.Change)
	}
	if err != nil {
		return c, err
	}
	if err := tx.Exec(`
		insert into decision (id, ref, kind, case_id, household_id, outcome, reason, facts, note, note_lang, decided_at, decided_by)
		values ($1, $2, 'case', $3, $4, $5, nullif($6, ''), jsonb_build_object('fact', $7::text), $8, $9, $10, $11)`,
		tx.NewID(), registry.NewRef(registry.RefDecision, tx.Rand()), c.ID, c.Household, outcome,
		r.Reason, r.Fact, r.Note, r.Lang, tx.Now(), officer.ID); err != nil {
		return c, err
	}
	if err := tx.Exec(`update case_file set decided_at = $2, household_id = $3 where id = $1`, c.ID, tx.Now(), c.Household); err != nil {
		return c, err
	}
	return c, move(tx, &c, s)
}

// approve applies the change and what follows from it.
func approve(tx db.Tx, c *Case) error {
	if err := registry.Approve(tx, *c.Change); err != nil {
		return err
	}
	if err := registry.Apply(tx, *c.Change); err != nil {
		return err
	}
	household := c.Draft.HouseholdID
	c.Household = &household
	if c.Account != nil {
		if err := tx.Exec(`update account set person_id = $2 where id = $1 and person_id is null`, *c.Account, c.Draft.Applicant().PersonID); err != nil {
			return err
		}
	}
	if err := audit.Write(tx, audit.Event{Action: "change.applied", SubjectKind: "household", Subject: household, Case: c.ID, Change: *c.Change}); err != nil {
		return err
	}
	if err := tx.Enqueue(jobs.KindAssessHousehold, household, 1); err != nil {
		return err
	}
	return tx.Enqueue(jobs.KindRecomputeFields, household, 1)
}

// Filter chooses cases for the queue.
type Filter struct {
	States []State // those the office owes an answer on, when empty
	After  string  // keyset: the last row of the page before, "due|ref"
	Limit  int
}

// QueueRow is one case in the queue.
type QueueRow struct {
	ID          db.ID        `db:"id"`
	Ref         string       `db:"ref"`
	State       State        `db:"state"`
	Channel     string       `db:"channel"`
	Applicant   string       `db:"applicant"`
	Members     int          `db:"members"`
	AreaName    []byte       `db:"area_name"`
	SubmittedAt sql.NullTime `db:"submitted_at"`
	DueOn       time.Time    `db:"due_on"`
}

// Queue lists the cases in the officer's areas, the most urgent first, and
// logs whose they were. next is the keyset of the following page, or "".
func Queue(tx db.Tx, officer Actor, f Filter) (rows []QueueRow, next string, err error) {
	states := f.States
	if len(states) == 0 {
		states = []State{StateSubmitted, StateWaiting, StateRecommended}
	}
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	due, ref := time.Time{}, ""
	if len(f.After) > 11 {
		if due, err = time.Parse(time.DateOnly, f.After[:10]); err != nil {
			return nil, "", fault.Hidden()
		}
		ref = f.After[11:]
	}
	err = tx.Select(&rows, `
		select c.id, c.ref, c.state, c.channel, coalesce(c.draft->'members'->0->>'full_name', '') as applicant,
		       jsonb_array_length(c.draft->'members') as members, n.name as area_name, c.submitted_at, c.due_on
		from case_file c join area n on n.id = c.area_id
		where c.state = any($1) and `+staffScope+` and (c.due_on, c.ref) > ($4, $5)
		order by c.due_on, c.ref limit $6`,
		names, officer.ID, officer.areas(), due, ref, f.Limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(rows) > f.Limit {
		rows = rows[:f.Limit]
		last := rows[f.Limit-1]
		next = last.DueOn.Format(time.DateOnly) + "|" + last.Ref
	}
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return rows, next, audit.WriteAbout(tx, audit.Event{Action: "case.listed", Purpose: "queue"}, "case", ids)
}
