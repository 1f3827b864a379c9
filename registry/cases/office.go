package cases

import (
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/cases/kinds"
	"daftar/registry/jobs"
	"daftar/registry/notices"
)

// The office's steps. Each checks the area again: that a case was listed is no
// proof that it may be decided. The database checks desk, area, role and hands
// once more when the step is written down.

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
// officer's own words. The clock stops, twice at most.
func Ask(tx db.Tx, officer Actor, ref string, pages []string, note, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	return move(tx, &c, step{action: Asked, facts: map[string]any{"pages": pages}, note: note, lang: lang})
}

// Recommend records that the officer checked the case and what should be
// decided. Whoever proposed it is refused by the database. Where the record
// moved on, nothing is recommended: the case is Renewing.
func Recommend(tx db.Tx, officer Actor, ref, outcome, note, lang string) (Case, error) {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return c, err
	}
	if c.State != StateSubmitted || c.Hands < 2 {
		return c, fault.New(fault.Conflict, "error.out_of_order")
	}
	if c.Blocked != "" && outcome != "refuse" {
		return c, fault.New(fault.Conflict, c.Blocked)
	}
	if outcome != "refuse" {
		if err := undoubted(tx, c); err != nil {
			return c, err
		}
	}
	if c.Change != nil {
		if moved, err := renew(tx, &c); err != nil {
			return c, err
		} else if moved {
			return c, keepNote(tx, &c, note, lang)
		}
		if err := registry.Verify(tx, *c.Change); err != nil {
			return c, err
		}
	}
	return c, move(tx, &c, step{action: Recommended, facts: map[string]any{"outcome": outcome}, note: note, lang: lang, private: true})
}

// Return sends a checked case back to be checked again.
func Return(tx db.Tx, officer Actor, ref, note, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	if c.State != StateRecommended && c.State != StateEndorsed {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	if c.Change != nil {
		if err := registry.Return(tx, *c.Change); err != nil {
			return err
		}
	}
	return move(tx, &c, step{action: Returned, note: note, lang: lang, private: true})
}

// Ruling is a decision on a case.
type Ruling struct {
	Approve bool
	Reason  string // one of the kind's, when refused
	Fact    string // one of the reason's, where it has any
	Note    string // the officer's own words
	Lang    string
}

// Decide approves a case and applies its change, or refuses it for one of the
// permitted reasons: everything in this transaction, or nothing. Where two
// decide, the first one's approval endorses the case. Where the record moved on,
// nothing is decided: the case is Renewing.
func Decide(tx db.Tx, officer Actor, ref string, r Ruling) (Case, error) {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return c, err
	}
	kind, err := kinds.ByID(tx, c.KindID)
	if err != nil {
		return c, err
	}
	s := step{action: Approved, note: r.Note, lang: r.Lang}
	if !r.Approve {
		if !kind.Permits(r.Reason, r.Fact) || kind.Family == "registration" && !PermittedReason(r.Reason, r.Fact) {
			var check fault.Check
			check.Fail("reason", "case.error.reason")
			return c, check.Err()
		}
		if r.Reason == "too_late" {
			if l, err := LatenessOf(tx, c); err != nil {
				return c, err
			} else if !l.Late { // the law's clock says so, not the office (RULES R12)
				var check fault.Check
				check.Fail("reason", "appeal.error.in_time")
				return c, check.Err()
			}
		}
		s.action, s.reason, s.facts = Refused, r.Reason, map[string]any{"fact": r.Fact}
	} else if c.Hands == 3 && c.State == StateRecommended {
		s.action, s.private = Endorsed, true
	}
	if !(Life{State: c.State, Hands: c.Hands}).May(s.action, officer.ID, ByOfficer) {
		return c, fault.New(fault.Conflict, "error.out_of_order")
	}
	if r.Approve {
		if err := mayApprove(tx, c, kind); err != nil {
			return c, err
		}
		if o, err := OverrideOf(tx, c); err != nil {
			return c, err
		} else if o != nil && r.Note == "" {
			var check fault.Check
			check.Fail("note", "appeal.error.note")
			return c, check.Err()
		}
		if c.Change != nil {
			if moved, err := renew(tx, &c); err != nil {
				return c, err
			} else if moved {
				return c, keepNote(tx, &c, r.Note, r.Lang)
			}
		}
	}
	if s.action == Endorsed {
		return c, move(tx, &c, s)
	}
	if err := settle(tx, &c, r.Approve); err != nil {
		return c, err
	}
	if err := pronounce(tx, officer, c, r); err != nil {
		return c, err
	}
	if err := tx.Exec(`update case_file set decided_at = $2, household_id = $3 where id = $1`, c.ID, tx.Now(), c.Household); err != nil {
		return c, err
	}
	if err := move(tx, &c, s); err != nil {
		return c, err
	}
	if err := tellObjectors(tx, c); err != nil {
		return c, err
	}
	d, err := DecisionOf(tx, c)
	if err != nil {
		return c, err
	}
	if written, err := rule(tx, c, kind, d); err != nil || written {
		return c, err
	}
	if err := reply(tx, c, kind, d); err != nil {
		return c, err
	}
	return c, tx.Enqueue(jobs.KindSettleCase, c.ID, 3)
}

// keepNote keeps what an officer wrote where nothing came of it, because the record
// moved on meanwhile: for the office, until it is checked again.
func keepNote(tx db.Tx, c *Case, note, lang string) error {
	if note == "" {
		return nil
	}
	return move(tx, c, step{action: Noted, note: note, lang: lang, private: true})
}

// pronounce writes the decision.
func pronounce(tx db.Tx, officer Actor, c Case, r Ruling) error {
	outcome := "approved"
	if !r.Approve {
		outcome = "refused"
	} else if c.Change != nil {
		var trimmed bool
		if err := tx.Get(&trimmed, `select exists (select from case_event where case_id = $1 and action = 'trimmed' and facts->>'change' = $2)`,
			c.ID, c.Change.String()); err != nil {
			return err
		}
		if trimmed {
			outcome = "partly"
		}
	}
	id := tx.NewID()
	note, err := conceal(tx, c, saidColumn, id, r.Note)
	if err != nil {
		return err
	}
	return tx.Exec(`
		insert into decision (id, ref, kind, case_id, household_id, outcome, reason, facts, note, note_lang, decided_at, decided_by)
		values ($1, $2, 'case', $3, $4, $5, nullif($6, ''), jsonb_build_object('fact', $7::text), $8, $9, $10, $11)`,
		id, registry.NewRef(registry.RefDecision, tx.Rand()), c.ID, c.Household, outcome,
		r.Reason, r.Fact, note, r.Lang, tx.Now(), officer.ID)
}

// mayApprove says why a case cannot be approved yet.
func mayApprove(tx db.Tx, c Case, kind kinds.Kind) error {
	if c.Blocked != "" {
		return fault.New(fault.Conflict, c.Blocked)
	}
	if err := undoubted(tx, c); err != nil {
		return err
	}
	if o, err := OverrideOf(tx, c); err != nil {
		return err
	} else if o != nil && o.Visit {
		return fault.New(fault.Conflict, "appeal.error.visit")
	}
	calendar, err := clock(tx, c)
	if err != nil {
		return err
	}
	today := calendar.Today(tx.Now())
	if kind.Effect != "" {
		if frozen, err := frozenUntil(tx, c, kind.Family, today); err != nil {
			return err
		} else if !frozen.IsZero() {
			return fault.New(fault.Conflict, "case.error.frozen", "Date", frozen)
		}
	}
	if c.ObjectUntil.Valid && !today.After(c.ObjectUntil.Time) {
		list, err := Parties(tx, c)
		if err != nil {
			return err
		}
		if !settled(list) {
			return fault.New(fault.Conflict, "case.error.may_object", "Date", c.ObjectUntil.Time)
		}
	}
	if kind.NeedsProof(c.Draft.Answers) {
		var proven bool
		if err := tx.Get(&proven, `
			select exists (select from evidence where case_id = $1 and removed_at is null)
			    or exists (select from case_visit where case_id = $1 and found in ('confirmed', 'partly'))`, c.ID); err != nil {
			return err
		}
		if !proven {
			return fault.New(fault.Conflict, "case.error.no_proof")
		}
	}
	return nil
}

// settle applies the change, or ends it.
func settle(tx db.Tx, c *Case, approve bool) error {
	if c.Change == nil {
		return nil
	}
	if !approve {
		return registry.Refuse(tx, *c.Change)
	}
	if err := registry.Approve(tx, *c.Change); err != nil {
		return err
	}
	homes, err := touchedHomes(tx, *c.Change)
	if err != nil {
		return err
	}
	if err := registry.Apply(tx, *c.Change); err != nil {
		return err
	}
	after, err := touchedHomes(tx, *c.Change)
	if err != nil {
		return err
	}
	if err := notices.Rerouted(tx, *c.Change); err != nil {
		return err
	}
	if err := enter(tx, c); err != nil {
		return err
	}
	for id := range after {
		homes[id] = true
	}
	for id := range homes {
		if err := audit.Write(tx, audit.Event{Action: "change.applied", SubjectKind: "household", Subject: id, Case: c.ID, Change: *c.Change}); err != nil {
			return err
		}
		if err := tx.Enqueue(jobs.KindAssessHousehold, id, 1); err != nil {
			return err
		}
	}
	return tx.Enqueue(jobs.KindRecomputeFields, c.ID, 1)
}

// enter links whoever applied for a registration to the record that it made,
// also where an appeal made it.
func enter(tx db.Tx, c *Case) error {
	of := *c
	if c.Appeals != nil {
		var rows []Case
		if err := tx.Select(&rows, `select `+caseColumns+` from decision d join case_file c on c.id = d.case_id where d.id = $1`, *c.Appeals); err != nil || len(rows) == 0 {
			return err
		}
		of = rows[0]
		if err := of.decode(tx); err != nil {
			return err
		}
	}
	if of.Kind != "registration" {
		return nil
	}
	household := of.Draft.HouseholdID
	c.Household = &household
	if of.Account == nil {
		return nil
	}
	return tx.Exec(`update account set person_id = $2 where id = $1 and person_id is null`, *of.Account, of.Draft.Applicant().PersonID)
}

// touchedHomes are the households whose people or values a change touches, as
// things stand.
func touchedHomes(tx db.Tx, change db.ID) (map[db.ID]bool, error) {
	var ids []db.ID
	err := tx.Select(&ids, `
		select h.id from change_item i join household h on h.id = i.subject_id where i.change_id = $1 and i.kind = 'household'
		union select m.household_id from change_item i join membership m on m.person_id = i.subject_id and m.end_date is null and m.tie = 'usual'
		where i.change_id = $1 and i.kind = 'person'`, change)
	homes := map[db.ID]bool{}
	for _, id := range ids {
		homes[id] = true
	}
	return homes, err
}

// frozenUntil is the last day of a time in which changes like the case's are not
// applied; zero when there is none.
func frozenUntil(tx db.Tx, c Case, family string, today time.Time) (time.Time, error) {
	var days []time.Time
	err := tx.Select(&days, `
		select z.to_day from case_freeze z
		where z.ended_at is null and $2::date between z.from_day and z.to_day and (z.families = '{}' or $3 = any(z.families))
		  and (z.area_id is null or exists (select from case_file f where f.id = $1 and z.area_id in (f.l0, f.l1, f.l2, f.l3, f.l4, f.l5)))
		order by z.to_day desc limit 1`, c.ID, today, family)
	if err != nil || len(days) == 0 {
		return time.Time{}, err
	}
	return days[0], nil
}

// Piece is one value of a proposal: of the item with a number.
type Piece struct {
	Seq  int
	What string // as history.Change says it: "full_name", "birth", "fields.work", "contacts"
}

// pieceKeys are the values that have more than one key.
var pieceKeys = map[string][]string{"birth": {"birth_from", "birth_to"}, "status": {"status", "status_reason", "status_date", "merged_into"}}

// Trim takes values out of a proposal before it is decided: they stay as they
// are on record. Nobody can put anything in.
func Trim(tx db.Tx, officer Actor, ref string, drop []Piece, note, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	kind, err := kinds.ByID(tx, c.KindID)
	if err != nil {
		return err
	}
	if c.Change == nil || !kind.Values || len(drop) == 0 {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	var names []string
	for _, p := range drop {
		name, keys, fields := p.What, []string{}, []string{}
		if code, ok := cutFields(p.What); ok {
			name, fields = code, append(fields, code)
		} else if keys = pieceKeys[p.What]; keys == nil {
			keys = []string{p.What}
		}
		names = append(names, p.What)
		if err := tx.Exec(`select trim_change($1, $2, $3, $4, $5, $6)`, *c.Change, p.Seq, name, keys, fields, tx.Now()); err != nil {
			return err
		}
	}
	return move(tx, &c, step{action: Trimmed, facts: map[string]any{"values": names, "change": c.Change.String()}, note: note, lang: lang, private: true})
}

// NameOfficial says whom a complaint about conduct is about: from then on it is
// kept from that person and their office (RULES R8).
func NameOfficial(tx db.Tx, officer Actor, ref string, who db.ID) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	if err := tx.Exec(`select bar_named($1, $2, $3)`, c.ID, who, tx.Now()); err != nil {
		return err
	}
	return move(tx, &c, step{action: Barred, private: true})
}

// Seal gives a case that turned out to be about somebody's safety to those who
// protect. The officer does not see it again.
func Seal(tx db.Tx, officer Actor, ref string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	c.Secret = true
	if err := store(tx, &c); err != nil {
		return err
	}
	if err := move(tx, &c, step{action: Barred, private: true}); err != nil {
		return err
	}
	if err := tx.Exec(`select seal_case($1, $2)`, c.ID, tx.Now()); err != nil {
		return err
	}
	if err := tx.Enqueue(jobs.KindSealCase, c.ID, c.Version); err != nil {
		return err
	}
	return sealed(tx, c)
}

// sealed notes that a case was sealed: all that auditors see of it.
func sealed(tx db.Tx, c Case) error {
	return audit.Write(tx, audit.Event{Action: "case.sealed", SubjectKind: "case", Subject: c.ID, Case: c.ID})
}
