package cases

import (
	"daftar/db"
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

// tellObjectors tells those who objected that a case was decided, and of their
// right to appeal (RULES R5).
func tellObjectors(tx db.Tx, c Case) error {
	list, err := Parties(tx, c)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Answer.String != "objected" {
			continue
		}
		if err := notices.Tell(tx, notices.Notice{Kind: "concern_decided", Person: &p.Person, Case: &c.ID, Legal: true,
			Once: "objected:" + c.ID.String() + ":" + p.Person.String()}); err != nil {
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
