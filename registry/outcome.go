package registry

import (
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
)

// Outcomes of a person's record. Nothing is ever deleted: an outcome is coded,
// dated and can be taken back.
const (
	Active    = "active"
	Deceased  = "deceased"
	Emigrated = "emigrated"
	Duplicate = "duplicate" // another record of the same person goes on
	Mistaken  = "error"     // entered by mistake: there is no such person
	Left      = "left"      // of the person's own will
)

// Outcome is one way a record can end, with the reasons that may be given. Each
// has the message "outcome.<code>", its reasons "outcome.<code>.<reason>".
type Outcome struct {
	Code    string
	Reasons []string
}

// TakenBack is the reason of a record that came with a batch which was taken back.
// Nobody chooses it.
const TakenBack = "import_undone"

// Outcomes lists the outcomes of a person's record.
func Outcomes() []Outcome {
	return []Outcome{
		{Deceased, []string{"civil_registry", "certificate", "burial_permit", "witnesses"}},
		{Emigrated, []string{"said", "evidence"}},
		{Duplicate, []string{"same_person"}},
		{Mistaken, []string{"no_such_person", "wrong_record", TakenBack}},
		{Left, []string{"asked"}},
	}
}

// HouseholdOutcomes lists why a household's record ends. Each has the message
// "outcome.household.<code>".
func HouseholdOutcomes() []string { return []string{"empty", "joined", "duplicate", "error", "left"} }

// permittedOutcome reports whether reason is one of the outcome's.
func permittedOutcome(code, reason string) bool {
	return slices.ContainsFunc(Outcomes(), func(o Outcome) bool { return o.Code == code && slices.Contains(o.Reasons, reason) })
}

// Conclude is the record with an outcome: memberships and roles end on its day.
// That may leave a household without a head, or with nobody: both are valid
// (RULES R16). Input names of the error are status, reason, date and into.
func (p PersonData) Conclude(status, reason, day string, into *db.ID, today time.Time) (PersonData, error) {
	var check fault.Check
	if p.Status != "" && p.Status != Active {
		return p, fault.New(fault.Conflict, "outcome.already.ended")
	}
	if !permittedOutcome(status, reason) {
		check.Fail("reason", "outcome.missing.reason")
	}
	on, err := time.Parse(time.DateOnly, day)
	switch {
	case err != nil || on.After(today):
		check.Fail("date", "outcome.missing.date")
	case p.Unborn(day):
		check.Fail("date", "outcome.wrong.before_birth")
	}
	if (status == Duplicate) != (into != nil) {
		check.Fail("into", "outcome.missing.into")
	}
	if err := check.Err(); err != nil {
		return p, err
	}
	next := p
	next.Status, next.StatusReason, next.StatusDate, next.MergedInto = status, reason, day, into
	next.Memberships = slices.Clone(p.Memberships)
	for i, m := range next.Memberships {
		if m.EndDate == "" {
			next.Memberships[i] = m.end(max(day, m.StartDate), status)
		}
	}
	return next, nil
}

// Unborn reports whether the person was certainly not born yet on a day.
func (p PersonData) Unborn(day string) bool { return p.BirthFrom != "" && day < p.BirthFrom }

// Taken are the households that have another head, or another payee, than
// somebody whose record goes on after all.
type Taken struct{ Heads, Payees []db.ID }

// TakenIn finds what others took over in the households that the person is tied to.
func TakenIn(tx db.Tx, p PersonData) (Taken, error) {
	var homes []db.ID
	for _, m := range p.Memberships {
		if m.EndDate == "" {
			homes = append(homes, m.HouseholdID)
		}
	}
	var t Taken
	if err := tx.Select(&t.Heads, `
		select m.household_id from membership m join person p on p.id = m.person_id
		where m.household_id = any($1::uuid[]) and m.relationship = 'head' and m.end_date is null and p.ref <> $2`, Texts(homes), p.Ref); err != nil {
		return t, err
	}
	return t, tx.Select(&t.Payees, `
		select r.household_id from membership_role r join person p on p.id = r.person_id
		where r.household_id = any($1::uuid[]) and r.role = 'payee' and r.end_date is null and p.ref <> $2`, Texts(homes), p.Ref)
}

// Yield leaves to others what they took over: the person has a relationship to
// the new head, and received the money until a day.
func (p PersonData) Yield(t Taken, relationship, day string) PersonData {
	p.Memberships = slices.Clone(p.Memberships)
	for i, m := range p.Memberships {
		if m.EndDate != "" {
			continue
		}
		if m.Relationship == RelationshipHead && slices.Contains(t.Heads, m.HouseholdID) {
			p.Memberships[i].Relationship = relationship
		}
		if slices.Contains(t.Payees, m.HouseholdID) {
			roles := slices.Clone(m.Roles)
			for n, r := range roles {
				if r.Role == RolePayee && r.EndDate == "" {
					roles[n].EndDate = max(day, r.StartDate)
				}
			}
			p.Memberships[i].Roles = roles
		}
	}
	return p
}

// Restore takes an outcome back: what had ended with it, and nothing else, goes
// on. before is the record as it was when the outcome was written.
func (p PersonData) Restore(before PersonData) (PersonData, error) {
	if p.Status == "" || p.Status == Active {
		return p, fault.New(fault.Conflict, "outcome.already.active")
	}
	open := map[db.ID]MembershipData{}
	for _, m := range before.Memberships {
		if m.EndDate == "" {
			open[m.ID] = m
		}
	}
	next := p
	next.Memberships = slices.Clone(p.Memberships)
	for i, m := range next.Memberships {
		if was, ok := open[m.ID]; ok && m.EndReason == p.Status {
			next.Memberships[i].EndDate, next.Memberships[i].EndReason, next.Memberships[i].Roles = "", "", was.Roles
		}
	}
	next.Status, next.StatusReason, next.StatusDate, next.MergedInto = "", "", "", nil
	return next, nil
}
