// Package notices tells people that there is news: in the portal, and, where
// that is safe, by e-mail and text message. What leaves the house never says
// more than that (RULES R6); what it is about stands in the portal.
package notices

import (
	"database/sql"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/jobs"
)

// Kinds lists what people are told. Each has the messages
// "notice.<kind>.title" and "notice.<kind>.text", with a {{.Programme}} and the
// {{.Ref}} of a case.
func Kinds() []string {
	return []string{
		"letter",                                     // a letter is there to be read
		"decision_made",                              // a programme decided
		"decision_planned",                           // to the other adults: something may end
		"decision_in_force",                          // it ended
		"decision_withdrawn",                         // it does not end after all
		"decision_upheld",                            // the appeal did not help
		"decision_overturned",                        // it did
		"case_asked", "case_decided", "case_message", // the office asks, has decided, writes
		"case_late",        // the office is late, and that can be appealed
		"case_concern",     // somebody else asks for what affects one
		"concern_decided",  // what one objected to was decided
		"delegate_granted", // an office let somebody act for one
		"file_unsafe",      // a photo cannot be used
		"account_linked",   // somebody signs in as this person from now on
		"offer_guessed",    // somebody tries codes for a credential of theirs
		"contact_changed",  // a phone number or an address is another one from now on
	}
}

// Notice is one thing to tell one person: by their record, or by their account
// while they have none.
type Notice struct {
	Kind            string
	Person, Account *db.ID
	Case            *db.ID
	Decision        *db.ID
	Letter          *db.ID
	Change          *db.ID // what altered the person's contacts: it goes to those from before
	Legal           bool   // opting out of a channel does not stop it (RULES R12)
	Once            string // names the news: it is told once
}

// Tell puts the news into the person's inbox and asks for it to be carried
// further, in this transaction. Telling it again does nothing.
func Tell(tx db.Tx, n Notice) error {
	id := tx.NewID()
	added, err := tx.Count(`
		insert into notice (id, ref, kind, person_id, account_id, case_id, decision_id, letter_id, change_id, legal, once, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing`,
		id, registry.NewRef(registry.RefNotice, tx.Rand()), n.Kind, n.Person, n.Account, n.Case, n.Decision, n.Letter, n.Change, n.Legal, n.Once, tx.Now())
	if err != nil || added == 0 {
		return err
	}
	return tx.Enqueue(jobs.KindSendNotice, id, 1)
}

// Rerouted tells those whose ways to be reached a change altered, where they were
// reached before: whoever took over an account would put their own number in.
func Rerouted(tx db.Tx, change db.ID) error {
	var people []db.ID
	if err := tx.Select(&people, `
		select p.id from contacts_changed($1) c (id) join person p on p.id = c.id where p.status = 'active' order by p.id`, change); err != nil {
		return err
	}
	for _, person := range people {
		if err := Tell(tx, Notice{Kind: "contact_changed", Person: &person, Change: &change, Legal: true,
			Once: "contact:" + change.String() + ":" + person.String()}); err != nil {
			return err
		}
	}
	return nil
}

// Told is a notice with what it is about and what became of it.
type Told struct {
	ID          db.ID        `db:"id"`
	Ref         string       `db:"ref"`
	Kind        string       `db:"kind"`
	Legal       bool         `db:"legal"`
	CreatedAt   time.Time    `db:"created_at"`
	ReadAt      sql.NullTime `db:"read_at"`
	Programme   i18n.Text    `db:"programme"`
	CaseRef     string       `db:"case_ref"`
	DecisionRef string       `db:"decision_ref"`
	LetterRef   string       `db:"letter_ref"`
	Channels    []Delivery   `db:"-"`
}

// Delivery is what became of a notice on a channel.
type Delivery struct {
	Notice    db.ID     `db:"notice_id"`
	Channel   string    `db:"channel"` // ChannelEmail or ChannelText
	State     string    `db:"state"`   // each has the message "delivery.state.<state>"
	Why       string    `db:"why"`     // of Reasons, or a gateway's code
	Hint      string    `db:"hint"`
	ChangedAt time.Time `db:"changed_at"`
}

const toldColumns = `n.id, n.ref, n.kind, n.legal, n.created_at, n.read_at, coalesce(p.name, '{}') as programme,
	coalesce(c.ref, '') as case_ref, coalesce(d.ref, '') as decision_ref, coalesce(l.ref, '') as letter_ref`

const toldTables = `notice n left join case_file c on c.id = n.case_id left join decision d on d.id = n.decision_id
	left join programme p on p.id = d.programme_id left join letter l on l.id = n.letter_id`

// Inbox lists what somebody was told, the latest first.
func Inbox(tx db.Tx, account db.ID, person *db.ID) ([]Told, error) {
	var list []Told
	if err := tx.Select(&list, `select `+toldColumns+` from `+toldTables+`
		where n.account_id = $1 or n.person_id = $2 order by n.created_at desc, n.id desc limit 100`, account, person); err != nil {
		return nil, err
	}
	return list, addDeliveries(tx, list)
}

// Unread counts what somebody has not read.
func Unread(tx db.Tx, account db.ID, person *db.ID) (int, error) {
	var n int
	err := tx.Get(&n, `select count(*) from notice n where (n.account_id = $1 or n.person_id = $2) and n.read_at is null`, account, person)
	return n, err
}

// Read opens one's own notice and notes that it was read. Another's and none
// are the same fault.NotFound.
func Read(tx db.Tx, account db.ID, person *db.ID, ref string) (Told, error) {
	canonical, _ := registry.ParseRef(registry.RefNotice, ref)
	var list []Told
	if err := tx.Select(&list, `select `+toldColumns+` from `+toldTables+`
		where (n.account_id = $1 or n.person_id = $2) and n.ref = $3`, account, person, canonical); err != nil {
		return Told{}, err
	}
	if len(list) == 0 {
		return Told{}, fault.Hidden()
	}
	if err := addDeliveries(tx, list); err != nil {
		return Told{}, err
	}
	if list[0].ReadAt.Valid {
		return list[0], nil
	}
	list[0].ReadAt = sql.NullTime{Time: tx.Now(), Valid: true}
	return list[0], tx.Exec(`update notice set read_at = $2 where id = $1`, list[0].ID, tx.Now())
}

// About lists what was told about a case or a decision, for the office: to
// whom is not in it.
func About(tx db.Tx, id db.ID) ([]Told, error) {
	var list []Told
	if err := tx.Select(&list, `select `+toldColumns+` from `+toldTables+`
		where n.case_id = $1 or n.decision_id = $1 order by n.created_at desc, n.id desc limit 50`, id); err != nil {
		return nil, err
	}
	return list, addDeliveries(tx, list)
}

func addDeliveries(tx db.Tx, list []Told) error {
	ids := make([]db.ID, len(list))
	at := map[db.ID]*Told{}
	for i := range list {
		ids[i] = list[i].ID
		at[list[i].ID] = &list[i]
	}
	var all []Delivery
	if err := tx.Select(&all, `
		select notice_id, channel, state, why, hint, changed_at from notice_delivery
		where notice_id = any($1::uuid[]) order by channel`, registry.Texts(ids)); err != nil {
		return err
	}
	for _, d := range all {
		at[d.Notice].Channels = append(at[d.Notice].Channels, d)
	}
	return nil
}
