package auth

import (
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/notices"
)

// An account comes to a person in two ways beside a registration of its own: its
// provider vouches for a number that one living person has as verified (Account);
// or somebody shows the code of their account at an office, with proof of who they
// are, and two officials agree. In both the person is told, and for LinkHold
// nothing about payments or contacts can be asked for (docs/decisions/0027-account-and-person.md).

// LinkHold is how long that is; the functions of the database say the same.
const LinkHold = 24 * time.Hour

// LinkCodeTTL is how long the code of an account is good.
const LinkCodeTTL = 24 * time.Hour

// refLinkCode begins the code of an account, refLink names a link.
const (
	refLinkCode = '6'
	refLink     = '5'
)

// claimed links an account to the person whose number its provider vouched for.
func claimed(tx db.Tx, account db.ID, number string) error {
	id := tx.NewID()
	var person *db.ID
	if err := tx.Get(&person, `select link_by_claim($1, $2, $3, $4, $5, $6)`, id, registry.NewRef(refLink, tx.Rand()), account,
		registry.NationalID, registry.NormalIdentifier(number), tx.Now()); err != nil || person == nil {
		return err
	}
	return linked(tx, *person, id, "account.linked")
}

// linked writes it down and tells the person, on the channels that were theirs
// before, as far as those are safe (RULES R6).
func linked(tx db.Tx, person, link db.ID, action string) error {
	if err := audit.Write(tx, audit.Event{Action: action, SubjectKind: "person", Subject: person}); err != nil {
		return err
	}
	return notices.Tell(tx, notices.Notice{Kind: "account_linked", Person: &person, Legal: true, Once: "link:" + link.String()})
}

// LinkCode makes the code that names the account of the transaction's principal at
// an office. A newer one takes the place of an older one.
func LinkCode(tx db.Tx) (string, error) {
	account := tx.Who().Actor
	code := registry.NewRef(refLinkCode, tx.Rand())
	if err := tx.Exec(`
		insert into account_code (account_id, code_hash, expires_at) values ($1, $2, $3)
		on conflict (account_id) do update set code_hash = excluded.code_hash, expires_at = excluded.expires_at`,
		account, digest(code), tx.Now().Add(LinkCodeTTL)); err != nil {
		return "", err
	}
	return code, audit.Write(tx, audit.Event{Action: "account.code_made", SubjectKind: "account", Subject: account})
}

// ProposeLink is the first official's part: the person is present, showed the code
// of an account and proof of who they are. fault.Invalid says what stands against it.
func ProposeLink(tx db.Tx, person db.ID, code, proof string) error {
	var check fault.Check
	canonical, ok := registry.ParseRef(refLinkCode, code)
	if !ok {
		check.Fail("code", "rule.link_code")
	}
	if proof = strings.TrimSpace(proof); proof == "" {
		check.Fail("proof", "link.error.proof")
	}
	if err := check.Err(); err != nil {
		return err
	}
	err := tx.Exec(`select propose_link($1, $2, $3, $4, $5, $6)`, tx.NewID(), registry.NewRef(refLink, tx.Rand()), digest(canonical), person, proof, tx.Now())
	for _, rule := range []string{"link_code", "link_used", "link_person", "link_taken", "link_contested", "link_twice"} {
		if db.Violates(err, rule) {
			check.Fail("code", "rule."+rule)
			return check.Err()
		}
	}
	if err != nil {
		return err
	}
	return audit.Write(tx, audit.Event{Action: "account.link_proposed", SubjectKind: "person", Subject: person, Purpose: "request"})
}

// Link is an account that waits to be tied to a person.
type Link struct {
	Ref        string    `db:"ref"`
	Person     string    `db:"person"` // reference
	Proof      string    `db:"proof"`
	ProposedAt time.Time `db:"proposed_at"`
	Proposer   string    `db:"proposer"`
	Own        bool      `db:"own"` // proposed by the principal
}

const linkQuery = `
	select l.ref, p.ref as person, l.proof, l.proposed_at, s.name as proposer, l.proposed_by = actor() as own
	from account_link l join person p on p.id = l.person_id join staff s on s.id = l.proposed_by
	where l.state = 'proposed'`

// Links lists those that wait, for people in areas that the reader answers for.
func Links(tx db.Tx, r registry.Reader) (list []Link, err error) {
	var all []Link
	if err := tx.Select(&all, linkQuery+` order by l.proposed_at limit 200`); err != nil {
		return nil, err
	}
	for _, l := range all {
		if _, err := registry.FindRecord(tx, r, registry.KindPerson, l.Person); fault.Is(err, fault.NotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

// ReadLink is one of them, and whom it is about; the reading is logged.
func ReadLink(tx db.Tx, r registry.Reader, ref string) (l Link, person db.ID, err error) {
	canonical, _ := registry.ParseRef(refLink, ref)
	if err := tx.Get(&l, linkQuery+` and l.ref = $1`, canonical); err != nil {
		return l, person, err
	}
	person, err = registry.ReadRecord(tx, r, registry.KindPerson, l.Person, "request")
	return l, person, err
}

// DecideLink is the second official's part.
func DecideLink(tx db.Tx, r registry.Reader, ref string, yes bool) error {
	l, person, err := ReadLink(tx, r, ref)
	if err != nil {
		return err
	}
	if err := tx.Exec(`select decide_link($1, $2, $3)`, l.Ref, yes, tx.Now()); err != nil {
		return db.Explain(err)
	}
	if !yes {
		return audit.Write(tx, audit.Event{Action: "account.link_refused", SubjectKind: "person", Subject: person, Purpose: "request"})
	}
	var id db.ID
	if err := tx.Get(&id, `select id from account_link where ref = $1`, l.Ref); err != nil {
		return err
	}
	return linked(tx, person, id, "account.linked")
}
