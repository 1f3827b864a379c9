package cases

import (
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases/kinds"
	"daftar/registry/letters"
	"daftar/registry/notices"
)

// news are the steps that the applicant is told of: what the office did, and that
// it is late.
var news = map[Action]string{Asked: "case_asked", Approved: "case_decided", Refused: "case_decided", Said: "case_message", Escalated: "case_late"}

// tell tells the applicant of a step: by the account, and by the record once
// there is one.
func tell(tx db.Tx, c Case, action Action, event db.ID) error {
	kind, ok := news[action]
	if !ok || action == Said && tx.Who().Kind != "staff" {
		return nil
	}
	n := notices.Notice{Kind: kind, Account: c.Account, Person: c.Person, Case: &c.ID, Once: "case:" + event.String()}
	if who := c.Draft.Applicant(); action == Approved && who != nil {
		n.Person = &who.PersonID
	}
	if n.Account == nil && n.Person == nil {
		return nil // at the counter: the receipt has a code to look it up with
	}
	return notices.Tell(tx, n)
}

// tellAffected tells an adult whom somebody else's case affects, and who may
// object (RULES R5).
func tellAffected(tx db.Tx, c Case, person db.ID) error {
	return notices.Tell(tx, notices.Notice{Kind: "case_concern", Person: &person, Case: &c.ID, Legal: true, Once: "concern:" + c.ID.String() + ":" + person.String()})
}

// tellObjectors tells those who objected that a case was decided, and writes to them
// where it was decided against what they said: the time to appeal runs from when the
// letter is proven to have arrived (RULES R5, R12).
func tellObjectors(tx db.Tx, c Case) error {
	list, err := Parties(tx, c)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(p Party) bool { return p.Answer.String != "objected" })
	if len(list) == 0 {
		return nil
	}
	d, err := DecisionOf(tx, c)
	if err != nil {
		return err
	}
	kind, err := kinds.ByID(tx, c.KindID)
	if err != nil {
		return err
	}
	for _, p := range list {
		once := "objected:" + c.ID.String() + ":" + p.Person.String()
		if err := notices.Tell(tx, notices.Notice{Kind: "concern_decided", Person: &p.Person, Case: &c.ID, Legal: true, Once: once}); err != nil {
			return err
		}
		if !p.MayAppeal(d) {
			continue
		}
		n := letters.New{Kind: objectedLetter, Person: &p.Person, Area: *c.Area, Case: &c.ID, Once: once,
			Facts: letters.Facts{Request: kind.Title, Reference: c.Ref, Received: p.Answered.Time}}
		if home, err := registry.HouseholdOf(tx, p.Person); err == nil {
			n.Household = &home
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := letters.Send(tx, n); err != nil {
			return err
		}
	}
	return nil
}

// FileUnsafe tells whoever sent a file that it is not safe to open and that
// they should send it again.
func FileUnsafe(tx db.Tx, blob string) error {
	var list []struct {
		Case    db.ID  `db:"case_id"`
		Account *db.ID `db:"account_id"`
	}
	if err := tx.Select(&list, `
		select e.case_id, f.account_id from evidence e join case_file f on f.id = e.case_id
		where e.blob = $1 and f.account_id is not null`, blob); err != nil {
		return err
	}
	for _, e := range list {
		if err := notices.Tell(tx, notices.Notice{Kind: "file_unsafe", Account: e.Account, Case: &e.Case, Once: "file:" + blob}); err != nil {
			return err
		}
	}
	return nil
}
