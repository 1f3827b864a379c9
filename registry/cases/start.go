package cases

import (
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/cases/kinds"
)

// Applicant is what is known about somebody before they start: the identity
// provider's claims, or nothing at the counter.
type Applicant struct {
	FullName      string
	FullNameLatin string
	BirthDate     string // 2006-01-02
	Sex           string
	NationalID    string // vouched for
}

// Start opens an application for registration, or returns the one that the
// account has open already. Somebody who is in the registry is told so
// (fault.Conflict).
func Start(tx db.Tx, actor Actor, who Applicant, language string) (string, error) {
	if !actor.Staff {
		var registered bool
		if err := tx.Get(&registered, `select exists (select from account where id = $1 and person_id is not null)`, actor.ID); err != nil {
			return "", err
		}
		if registered {
			return "", fault.New(fault.Conflict, "apply.error.registered")
		}
	}
	var draft Draft
	m, err := draft.AddMember()
	if err != nil {
		return "", err
	}
	m.FullName, m.FullNameLatin, m.Sex = who.FullName, who.FullNameLatin, who.Sex
	if born, err := time.Parse(time.DateOnly, who.BirthDate); err == nil {
		on, err := registry.DayOf(tx, tx.Now())
		if err != nil {
			return "", err
		}
		m.Birth = Birth{Year: born.Year(), Month: int(born.Month()), Day: born.Day(), On: on}
	}
	if who.NationalID != "" {
		m.NationalID, m.IDVerified = registry.NormalIdentifier(who.NationalID), true
	}
	raw, err := json.Marshal(draft)
	if err != nil {
		return "", err
	}
	kind, err := kinds.Current(tx, "registration")
	if err != nil {
		return "", err
	}
	id, ref := tx.NewID(), registry.NewRef(registry.RefCase, tx.Rand())
	channel, account, opened := ChannelPortal, &actor.ID, (*db.ID)(nil)
	if actor.Staff {
		channel, account, opened = ChannelCounter, nil, &actor.ID
	}
	n, err := tx.Count(`
		insert into case_file (id, ref, kind, kind_id, desk, hands, channel, account_id, opened_by, applicant, language, draft, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		on conflict (account_id) where kind = 'registration' and state in ('draft', 'submitted', 'waiting', 'recommended', 'endorsed', 'stale') do nothing`,
		id, ref, kind.Code, kind.ID, kind.Desk, kind.Hands, channel, account, opened, who.FullName, language, string(raw), tx.Now())
	if err != nil {
		return "", err
	}
	if n == 0 {
		err := tx.Get(&ref, `
			select ref from case_file
			where account_id = $1 and kind = 'registration' and state in ('draft', 'submitted', 'waiting', 'recommended', 'endorsed', 'stale')`, actor.ID)
		return ref, err
	}
	return ref, audit.Write(tx, audit.Event{Action: "case.started", SubjectKind: "case", Subject: id, Case: id})
}

// Drafts lists what an officer began to type at the counter and has not sent,
// the latest first.
func Drafts(tx db.Tx, officer Actor) ([]Case, error) {
	var list []Case
	err := tx.Select(&list, `
		select `+caseColumns+` from case_file c
		where c.opened_by = $1 and c.channel = 'counter' and c.state = 'draft' order by c.created_at desc limit 50`, officer.ID)
	for i := range list {
		if err == nil {
			err = list[i].decode(tx)
		}
		if m := list[i].Draft.Applicant(); m != nil {
			list[i].Applicant = m.FullName
		}
	}
	return list, err
}

// Edit changes the draft of an application under the case's lock. It is
// refused once the answers are with the office.
func Edit(tx db.Tx, actor Actor, ref string, edit func(*Draft) error) (Case, error) {
	c, err := lock(tx, actor, ref)
	if err != nil {
		return c, err
	}
	if !c.State.Editable() {
		return c, fault.New(fault.Conflict, "apply.error.sent")
	}
	if err := edit(&c.Draft); err != nil {
		return c, err
	}
	if err := store(tx, &c); err != nil {
		return c, err
	}
	return c, audit.Write(tx, audit.Event{Action: "case.edited", SubjectKind: "case", Subject: c.ID, Before: c.Version - 1, After: c.Version, Case: c.ID})
}
