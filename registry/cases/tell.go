package cases

import (
	"strconv"

	"daftar/db"
	"daftar/registry/notices"
)

// news are the steps of the office that the applicant is told of.
var news = map[Action]string{Asked: "case_asked", Approved: "case_decided", Refused: "case_decided"}

// tell tells the applicant of a step: by the account, and by the record once
// there is one.
func tell(tx db.Tx, c Case, action Action) error {
	kind, ok := news[action]
	if !ok {
		return nil
	}
	n := notices.Notice{Kind: kind, Account: c.Account, Case: &c.ID, Once: "case:" + c.ID.String() + ":" + strconv.Itoa(c.Version)}
	if who := c.Draft.Applicant(); action == Approved && who != nil {
		n.Person = &who.PersonID
	}
	if n.Account == nil && n.Person == nil {
		return nil // at the counter: the receipt has a code to look it up with
	}
	return notices.Tell(tx, n)
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
