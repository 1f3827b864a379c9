package filters

import (
	"encoding/json"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// refKind begins the reference of a saved filter.
const refKind = 'F'

// Filter is a saved filter. It belongs to who made it; others of a role may use
// it once it is shared with the role, each in their own areas.
type Filter struct {
	ID        db.ID     `db:"id"`
	Ref       string    `db:"ref"`
	Name      string    `db:"name"`
	Subject   Subject   `db:"subject"`
	Area      string    `db:"area"` // P-code of the area it is about; "" for all of the officer's
	Expr      Expr      `db:"expr"`
	Owner     db.ID     `db:"owner"`
	OwnerName string    `db:"owner_name"`
	Shared    string    `db:"shared_with"` // role; "" for nobody
	ChangedAt time.Time `db:"changed_at"`
}

// Officer is who works with filters.
type Officer struct {
	ID    db.ID
	Areas []db.ID // in which they may
	Roles []string
}

func (o Officer) areas() []string {
	ids := make([]string, len(o.Areas))
	for i, id := range o.Areas {
		ids[i] = id.String()
	}
	return ids
}

const columns = `f.id, f.ref, f.name, f.subject, coalesce(a.code, '') as area, f.expr, f.owner, t.name as owner_name,
	coalesce(f.shared_with, '') as shared_with, f.changed_at`

// Mine lists the filters that the officer made and those shared with their
// roles. The database shows no others.
func Mine(tx db.Tx, o Officer) ([]Filter, error) {
	var list []Filter
	err := tx.Select(&list, `
		select `+columns+` from saved_filter f join staff t on t.id = f.owner left join area a on a.id = f.area_id
		where f.removed_at is null and (f.owner = $1 or f.shared_with = any($2))
		order by f.owner <> $1, f.name, f.id`, o.ID, o.Roles)
	return list, err
}

// Load finds one of them.
func Load(tx db.Tx, o Officer, ref string) (Filter, error) {
	var f Filter
	canonical, ok := registry.ParseRef(refKind, ref)
	if !ok {
		return f, fault.Hidden()
	}
	err := tx.Get(&f, `
		select `+columns+` from saved_filter f join staff t on t.id = f.owner left join area a on a.id = f.area_id
		where f.removed_at is null and f.ref = $3 and (f.owner = $1 or f.shared_with = any($2))`, o.ID, o.Roles, canonical)
	return f, err
}

// Own is Load for a change: only who made a filter changes it.
func Own(tx db.Tx, o Officer, ref string) (Filter, error) {
	f, err := Load(tx, o, ref)
	if err == nil && f.Owner != o.ID {
		err = fault.New(fault.Forbidden, "filter.error.not_yours")
	}
	return f, err
}

// Create starts an empty filter.
func Create(tx db.Tx, o Officer, name string, subject Subject, area string) (Filter, error) {
	f := Filter{ID: tx.NewID(), Ref: registry.NewRef(refKind, tx.Rand()), Name: name, Subject: subject, Area: area, Owner: o.ID}
	if err := tx.Exec(`
		insert into saved_filter (id, ref, name, subject, area_id, expr, changed_at)
		values ($1, $2, $3, $4, (select id from area where code = nullif($5, '')), '{}', $6)`, f.ID, f.Ref, name, subject, area, tx.Now()); err != nil {
		return f, err
	}
	return f, f.log(tx, "filter.made", nil)
}

func (f Filter) log(tx db.Tx, action string, detail map[string]any) error {
	return audit.Write(tx, audit.Event{Action: action, SubjectKind: "filter", Subject: f.ID, Detail: detail})
}

// Save stores a filter's expression, name and sharing.
func Save(tx db.Tx, o Officer, f Filter) error {
	if err := save(tx, o, f); err != nil {
		return err
	}
	return f.log(tx, "filter.changed", nil)
}

func save(tx db.Tx, o Officer, f Filter) error {
	expr, err := json.Marshal(f.Expr)
	if err != nil {
		return err
	}
	n, err := tx.Count(`
		update saved_filter set name = $3, expr = $4, shared_with = nullif($5, ''), changed_at = $6
		where id = $1 and owner = $2 and removed_at is null`, f.ID, o.ID, f.Name, string(expr), f.Shared, tx.Now())
	if err == nil && n == 0 {
		err = fault.Hidden()
	}
	return err
}

// Share lets a role use a filter; "" takes it back.
func Share(tx db.Tx, o Officer, f Filter, role string) error {
	f.Shared = role
	if err := save(tx, o, f); err != nil {
		return err
	}
	return f.log(tx, "filter.shared", map[string]any{"role": role})
}

// Remove takes a filter away.
func Remove(tx db.Tx, o Officer, f Filter) error {
	n, err := tx.Count(`update saved_filter set removed_at = $3 where id = $1 and owner = $2 and removed_at is null`, f.ID, o.ID, tx.Now())
	if err == nil && n == 0 {
		err = fault.Hidden()
	}
	if err != nil {
		return err
	}
	return f.log(tx, "filter.removed", nil)
}
