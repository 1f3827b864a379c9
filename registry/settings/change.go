package settings

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/fields"
)

// States of a change. Each has the message "setting.state.<state>".
const (
	Draft     = "draft"
	Proposed  = "proposed"
	Applied   = "applied"
	Refused   = "refused"
	Withdrawn = "withdrawn"
	Stale     = "stale"
)

// Origins of a change.
const (
	OriginPage = "page"
	OriginFile = "file"
)

// Change is a proposal with what would be different.
type Change struct {
	ID         db.ID        `db:"id"`
	Ref        string       `db:"ref"`
	Origin     string       `db:"origin"`
	State      string       `db:"state"`
	Hands      int          `db:"hands"`
	File       string       `db:"file"`
	Reason     string       `db:"reason"`
	ReasonLang string       `db:"reason_lang"`
	ProposedAt time.Time    `db:"proposed_at"`
	ProposedBy db.ID        `db:"proposed_by"`
	Proposer   string       `db:"proposer"`
	DecidedAt  sql.NullTime `db:"decided_at"`
	Decider    string       `db:"decider"`
	Note       string       `db:"note"`
	NoteLang   string       `db:"note_lang"`
	Things     int          `db:"things"`
	Items      []Item       `db:"-"`
}

const changeColumns = `c.id, c.ref, c.origin, c.state, c.hands, c.file, c.reason, c.reason_lang, c.proposed_at, c.proposed_by,
	coalesce(p.name, '') as proposer, c.decided_at, coalesce(d.name, '') as decider, c.note, c.note_lang,
	(select count(*) from setting_change_item i where i.change_id = c.id) as things`

const changeTables = `setting_change c left join staff p on p.id = c.proposed_by left join staff d on d.id = c.decided_by`

// Proposal is what somebody wants to be different.
type Proposal struct {
	Origin string
	File   string // its name
	Reason string // in the proposer's own words
	Lang   string
	Items  []Item
}

// Store keeps a proposal as a draft of the principal: nothing of it is true, and
// nobody else sees it. It returns its reference.
func Store(tx db.Tx, p Proposal) (string, error) {
	if len(p.Items) == 0 {
		return "", fault.New(fault.Invalid, "settings.error.nothing")
	}
	id, ref := tx.NewID(), registry.NewRef(registry.RefSettings, tx.Rand())
	if err := tx.Exec(`
		insert into setting_change (id, ref, origin, file, reason, reason_lang, proposed_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		id, ref, p.Origin, p.File, p.Reason, p.Lang, tx.Now()); err != nil {
		return "", err
	}
	for i, it := range p.Items {
		var before *string
		if it.Before != nil {
			s := string(it.Before)
			before = &s
		}
		if err := tx.Exec(`
			insert into setting_change_item (change_id, seq, kind, key, base, before, value) values ($1, $2, $3, $4, $5, $6, $7)`,
			id, i+1, it.Kind, it.Key, it.Base, before, string(it.Value)); err != nil {
			return "", err
		}
	}
	return ref, write(tx, "settings.drafted", Change{ID: id, Items: p.Items})
}

// Send hands a draft over: to whoever decides, or, where one person is enough,
// to take effect at once. It reports whether it did.
func Send(tx db.Tx, ref string) (bool, error) {
	c, err := Load(tx, ref)
	if err != nil {
		return false, err
	}
	var hands int
	if err := tx.Get(&hands, `select send_setting_change($1)`, c.ID); err != nil {
		return false, err
	}
	if hands > 1 {
		return false, write(tx, "settings.proposed", c)
	}
	return true, apply(tx, c)
}

// Propose stores a proposal and sends it. It returns the reference, and whether
// it holds already.
func Propose(tx db.Tx, p Proposal) (string, bool, error) {
	ref, err := Store(tx, p)
	if err != nil {
		return "", false, err
	}
	done, err := Send(tx, ref)
	return ref, done, err
}

// FromFile is the proposal that a file makes: what it would change. What is
// wrong with it is a fault.Invalid that names lines.
func FromFile(tx db.Tx, name string, content []byte) (Proposal, error) {
	f, err := ReadFile(bytes.NewReader(content))
	if err != nil {
		return Proposal{}, err
	}
	old, err := Read(tx)
	if err != nil {
		return Proposal{}, err
	}
	next := old.With(f)
	if err := Check(tx, f, old, next); err != nil {
		return Proposal{}, f.Placed(err)
	}
	return Proposal{Origin: OriginFile, File: name, Items: Diff(old, next)}, nil
}

// Approve makes a proposal true, all of it or nothing. Whoever proposed it is
// refused by the database (fault.Forbidden); one that no longer fits is a
// fault.Conflict.
func Approve(tx db.Tx, ref string) error {
	c, err := Load(tx, ref)
	if err != nil {
		return err
	}
	return apply(tx, c)
}

// Finish approves, as approver, what proposer proposed a moment ago. Where that
// fails, the proposal is taken back: a command leaves nothing half done.
func Finish(ctx context.Context, d *db.DB, ref string, proposer, approver db.Principal) error {
	err := d.WithTx(ctx, approver, func(tx db.Tx) error { return Approve(tx, ref) })
	if err == nil {
		return nil
	}
	return errors.Join(err, d.WithTx(ctx, proposer, func(tx db.Tx) error { return Withdraw(tx, ref) }))
}

func apply(tx db.Tx, c Change) error {
	if err := tx.Exec(`select apply_setting_change($1, $2)`, c.ID, tx.Now()); err != nil {
		return err
	}
	if err := publish(tx, c.Items); err != nil {
		return err
	}
	return write(tx, "settings.applied", c)
}

// publish puts the definitions of a change into use.
func publish(tx db.Tx, items []Item) error {
	settings, err := registry.LoadSettings(tx)
	if err != nil {
		return err
	}
	all, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	last := 0
	for _, f := range all {
		last = max(last, f.Position+1)
	}
	var list registry.Fields
	for _, it := range items {
		if it.Kind != KindField {
			continue
		}
		var e fields.Entry
		if err := yaml.Unmarshal(it.Value, &e); err != nil { // JSON is YAML
			return err
		}
		f := e.Field(last + len(list))
		if i := slices.IndexFunc(all, func(o registry.Field) bool { return o.Key() == f.Key() }); i >= 0 {
			f.Position = all[i].Position
			if all[i].Version != it.Base {
				return fault.New(fault.Conflict, "error.stale")
			}
		} else if it.Base != 0 {
			return fault.New(fault.Conflict, "error.stale")
		}
		list = append(list, f)
	}
	if len(list) == 0 {
		return nil
	}
	return fields.PublishAll(tx, list, Offered(settings))
}

// Refuse ends a proposal; note says why.
func Refuse(tx db.Tx, ref, note, lang string) error {
	return step(tx, ref, "settings.refused", func(id db.ID) error {
		return tx.Exec(`select refuse_setting_change($1, $2, $3, $4)`, id, note, lang, tx.Now())
	})
}

// Withdraw takes back what one proposed.
func Withdraw(tx db.Tx, ref string) error {
	return step(tx, ref, "settings.withdrawn", func(id db.ID) error { return tx.Exec(`select withdraw_setting_change($1)`, id) })
}

// MarkStale ends a proposal that no longer fits.
func MarkStale(tx db.Tx, ref string) error {
	return step(tx, ref, "settings.stale", func(id db.ID) error { return tx.Exec(`select stale_setting_change($1)`, id) })
}

func step(tx db.Tx, ref, action string, do func(db.ID) error) error {
	c, err := Load(tx, ref)
	if err != nil {
		return err
	}
	if err := do(c.ID); err != nil {
		return err
	}
	return write(tx, action, c)
}

func write(tx db.Tx, action string, c Change) error {
	var what []string
	for _, it := range c.Items {
		what = append(what, strings.TrimSuffix(it.Kind+" "+it.Key, " "))
	}
	return audit.Write(tx, audit.Event{Action: action, SubjectKind: "setting_change", Subject: c.ID, Detail: map[string]any{"items": what}})
}

// Load reads a change. A draft is its author's alone: to others it is not there.
func Load(tx db.Tx, ref string) (Change, error) {
	canonical, ok := registry.ParseRef(registry.RefSettings, ref)
	if !ok {
		return Change{}, fault.Hidden()
	}
	var c Change
	if err := tx.Get(&c, `select `+changeColumns+` from `+changeTables+` where c.ref = $1 and (c.state <> 'draft' or c.proposed_by = $2)`,
		canonical, tx.Who().Actor); err != nil {
		return c, err
	}
	var rows []struct {
		Kind   string `db:"kind"`
		Key    string `db:"key"`
		Base   int    `db:"base"`
		Before []byte `db:"before"`
		Value  []byte `db:"value"`
	}
	if err := tx.Select(&rows, `select kind, key, base, before, value from setting_change_item where change_id = $1 order by seq`, c.ID); err != nil {
		return c, err
	}
	for _, r := range rows {
		c.Items = append(c.Items, Item{Kind: r.Kind, Key: r.Key, Base: r.Base, Before: json.RawMessage(r.Before), Value: json.RawMessage(r.Value)})
	}
	return c, nil
}

// List lists changes, the newest first: those that wait, and what was decided.
func List(tx db.Tx) ([]Change, error) {
	var list []Change
	err := tx.Select(&list, `
		select `+changeColumns+` from `+changeTables+`
		where c.state <> 'draft' or c.proposed_by = $1
		order by (c.state = 'proposed') desc, c.proposed_at desc, c.id limit 100`, tx.Who().Actor)
	return list, err
}

// Role is a role of a member of staff at an office, or directly in an area.
type Role struct {
	Staff  db.ID  `json:"staff" db:"staff_id"`
	Name   string `json:"name,omitempty" db:"-"` // for whoever confirms
	Role   string `json:"role" db:"role"`
	Office string `json:"office,omitempty" db:"office"`
	Area   string `json:"area,omitempty" db:"-"`      // P-code; "" for a role at an office
	From   string `json:"from,omitempty" db:"-"`      // an instant; "" for at once
	Until  string `json:"until,omitempty" db:"until"` // an instant; "" for no end
	Ended  bool   `json:"ended,omitempty" db:"ended"`
}

// Key is the role as a thing that changes.
func (r Role) Key() string { return fmt.Sprintf("%s/%s/%s", r.Office+r.Area, r.Role, r.Staff) }

// kind is what kind of thing the role is.
func (r Role) kind() string {
	if r.Area != "" {
		return KindAreaRole
	}
	return KindRole
}

// Member is somebody who works here.
type Member struct {
	ID      db.ID  `db:"id"`
	Account string `db:"sub"`
	Name    string `db:"name"`
	Active  bool   `db:"active"`
	Roles   []Post `db:"-"`
}

// Ref names a member of staff in an address.
func (m Member) Ref() string {
	sum := sha256.Sum256(m.ID[:])
	return registry.NewRef(registry.RefStaff, bytes.NewReader(bytes.Repeat(sum[:], 8)))
}

// Post is a role with where it holds: an office, or areas given directly.
type Post struct {
	Role
	OfficeName i18n.Text    `db:"office_name"`
	Area       string       `db:"area"`
	AreaName   i18n.Text    `db:"area_name"`
	From       time.Time    `db:"valid_from"`
	To         sql.NullTime `db:"valid_to"`
	Version    int          `db:"version"`
}

// Staff lists who works here, with their roles at this moment.
func Staff(tx db.Tx) ([]Member, error) {
	var list []Member
	if err := tx.Select(&list, `select id, sub, name, active from staff order by active desc, name, id`); err != nil {
		return nil, err
	}
	var posts []Post
	if err := tx.Select(&posts, `
		select r.staff_id, r.role, o.code as office, o.name as office_name, '' as area, '{}'::jsonb as area_name, r.valid_from, r.valid_to, r.version
		from office_role r join office o on o.id = r.office_id where r.valid_to is null or r.valid_to > $1
		union all
		select r.staff_id, r.role, '', '{}', a.code, a.name, r.valid_from, r.valid_to, 0
		from staff_role r join area a on a.id = r.area_id where r.valid_to is null or r.valid_to > $1
		order by 2, 3, 5`, tx.Now()); err != nil {
		return nil, err
	}
	for i := range list {
		for _, p := range posts {
			if p.Staff == list[i].ID {
				list[i].Roles = append(list[i].Roles, p)
			}
		}
	}
	return list, nil
}

// ProposeRole proposes to give somebody a role at an office, or to end it.
func ProposeRole(tx db.Tx, r Role, p Proposal) (string, error) {
	if err := tx.Get(&r.Name, `select name from staff where id = $1 and active`, r.Staff); err != nil {
		return "", err
	}
	if !r.Ended {
		var why []string // of the composed ones, too: the database refuses them when it is applied
		if err := tx.Select(&why, `
			select role_conflict_why($2, x.role) from (
				select staff_id, role, valid_to from staff_role union all select staff_id, role, valid_to from office_role) x
			where x.staff_id = $1 and (x.valid_to is null or x.valid_to > $3) and role_conflict_why($2, x.role) is not null limit 1`,
			r.Staff, r.Role, tx.Now()); err != nil {
			return "", err
		}
		if len(why) > 0 {
			var check fault.Check
			check.Fail("role", "role.conflict."+why[0])
			return "", check.Err()
		}
	}
	it := Item{Kind: r.kind(), Key: r.Key(), Value: encode(r)}
	var there []Post
	if err := tx.Select(&there, `
		select r.staff_id, r.role, o.code as office, '' as area, coalesce(r.valid_to::text, '') as until, r.version
		from office_role r join office o on o.id = r.office_id
		where r.staff_id = $1 and r.role = $2 and o.code = $3
		union all
		select r.staff_id, r.role, '', a.code, coalesce(r.valid_to::text, ''), 1
		from staff_role r join area a on a.id = r.area_id
		where r.staff_id = $1 and r.role = $2 and a.code = $4`, r.Staff, r.Role, r.Office, r.Area); err != nil {
		return "", err
	}
	if len(there) > 0 {
		was := there[0].Role
		was.Name, was.Area = r.Name, r.Area
		it.Base, it.Before = there[0].Version, encode(was)
	} else if r.Ended {
		return "", fault.Hidden()
	}
	p.Items = []Item{it}
	return storeAndSend(tx, p)
}

// IsStale reports whether a proposal failed because something moved on.
func IsStale(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Key == "error.stale"
}
