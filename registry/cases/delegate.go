package cases

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/cases/kinds"
	"daftar/registry/notices"
)

// Delegation lets somebody act for another: in some kinds of case, from a day to
// a day.
type Delegation struct {
	Ref       string       `db:"ref"`
	Person    db.ID        `db:"person_id"`
	Account   db.ID        `db:"account_id"`
	Role      string       `db:"role"` // one of DelegateRoles
	Kinds     []string     `db:"-"`
	KindList  string       `db:"kinds"` // with a comma between
	From      time.Time    `db:"valid_from"`
	To        time.Time    `db:"valid_to"`
	ByKind    string       `db:"granted_by_kind"` // "citizen" or "staff"
	Proof     string       `db:"proof"`
	GrantedAt time.Time    `db:"granted_at"`
	RevokedAt sql.NullTime `db:"revoked_at"`
	For       string       `db:"for_name"` // whom it is for
	Helper    string       `db:"helper"`   // who acts
}

// DelegateRoles lists what somebody who acts for another can be. Each has the
// message "delegate.role.<role>".
func DelegateRoles() []string { return []string{"guardian", "carer", "helper"} }

// maxDelegation is how long somebody may act for another at a time.
const maxDelegation = 2 * 365 * 24 * time.Hour

const delegationQuery = `
	select d.ref, d.person_id, d.account_id, d.role, array_to_string(d.kinds, ',') as kinds, d.valid_from, d.valid_to, d.granted_by_kind, d.proof, d.granted_at,
	       d.revoked_at, coalesce(p.full_name, p.ref) as for_name, coalesce(h.full_name, a.name) as helper
	from delegation d join person p on p.id = d.person_id join account a on a.id = d.account_id left join person h on h.id = a.person_id `

func delegations(tx db.Tx, where string, args ...any) ([]Delegation, error) {
	var list []Delegation
	err := tx.Select(&list, delegationQuery+where, args...)
	for i := range list {
		list[i].Kinds = strings.Split(list[i].KindList, ",")
	}
	return list, err
}

// DelegatesOf lists who acts or acted for a person, the latest first.
func DelegatesOf(tx db.Tx, person db.ID) ([]Delegation, error) {
	return delegations(tx, `where d.person_id = $1 order by d.granted_at desc limit 100`, person)
}

// ActsFor lists for whom an account may act now.
func ActsFor(tx db.Tx, account db.ID) ([]Delegation, error) {
	return delegations(tx, `where d.account_id = $1 and d.revoked_at is null and local_day($2) between d.valid_from and d.valid_to order by d.granted_at limit 200`, account, tx.Now())
}

// Delegate lets an account act for a person. The principal is the person, or a
// member of staff who saw proof; the database refuses anybody else.
func Delegate(tx db.Tx, d Delegation) (string, error) {
	var check fault.Check
	if !slices.Contains(DelegateRoles(), d.Role) {
		check.Fail("role", "field.error.choice")
	}
	if len(d.Kinds) == 0 {
		check.Fail("kinds", "delegate.error.kinds")
	}
	for _, code := range d.Kinds {
		if _, err := kinds.Startable(tx, code, "citizen"); err != nil && !check.Failed("kinds") {
			check.Fail("kinds", "field.error.choice")
		}
	}
	if d.To.Before(d.From) || d.To.Sub(d.From) > maxDelegation {
		check.Fail("to", "delegate.error.to")
	}
	if err := check.Err(); err != nil {
		return "", err
	}
	id, ref := tx.NewID(), registry.NewRef(registry.RefDelegation, tx.Rand())
	err := tx.Exec(`
		insert into delegation (id, ref, person_id, account_id, role, kinds, valid_from, valid_to, proof, granted_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		id, ref, d.Person, d.Account, d.Role, d.Kinds, d.From, d.To, d.Proof, tx.Now())
	if db.Violates(err, "delegation_self") {
		check.Fail("helper", "delegate.error.self")
		return "", check.Err()
	}
	if err != nil {
		return "", err
	}
	if tx.Who().Kind == "staff" {
		if err := notices.Tell(tx, notices.Notice{Kind: "delegate_granted", Person: &d.Person, Legal: true, Once: "delegate:" + id.String()}); err != nil {
			return "", err
		}
	}
	return ref, audit.Write(tx, audit.Event{Action: "delegate.granted", SubjectKind: "person", Subject: d.Person})
}

// AccountOf is the account of somebody with a reference; fault.NotFound where
// nobody has it, or they have no account.
func AccountOf(tx db.Tx, ref string) (db.ID, error) {
	canonical, ok := registry.ParseRef(registry.RefPerson, ref)
	if !ok {
		return db.ID{}, fault.Hidden()
	}
	var id db.ID
	if err := registry.Named(tx, []string{canonical}); err != nil {
		return id, err
	}
	err := tx.Get(&id, `select a.id from account a join person p on p.id = a.person_id where p.ref = $1 order by a.created_at limit 1`, canonical)
	return id, err
}

// Revoke ends a delegation of a person's at once.
func Revoke(tx db.Tx, person db.ID, ref string) error {
	canonical, _ := registry.ParseRef(registry.RefDelegation, ref)
	n, err := tx.Count(`update delegation set revoked_at = $3, revoked_by = actor() where person_id = $1 and ref = $2 and revoked_at is null`, person, canonical, tx.Now())
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Hidden()
	}
	return audit.Write(tx, audit.Event{Action: "delegate.revoked", SubjectKind: "person", Subject: person})
}

// BeginFor is Begin for somebody whom the account acts for; a kind that was not
// granted is not there.
func BeginFor(tx db.Tx, actor Actor, person db.ID, o Opening) (string, error) {
	list, err := ActsFor(tx, actor.ID)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(list, func(d Delegation) bool { return d.Person == person && slices.Contains(d.Kinds, o.Kind) }) {
		return "", fault.Hidden()
	}
	o.Person = &person
	return Begin(tx, actor, o)
}
