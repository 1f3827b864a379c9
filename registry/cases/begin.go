package cases

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/cases/kinds"
)

// Opening is what a case begins with.
type Opening struct {
	ID        db.ID // a new one when zero
	Kind      string
	Person    *db.ID // for whom: the citizen's own record, somebody they act for, or who stands at the counter
	Household *db.ID // where nobody in particular asks
	Language  string
	Channel   string // ChannelAnonymous for somebody who is not signed in
	Answers   registry.Values
	Appeals   *db.ID // the decision
	Links     []Link
	Another   bool // beside one of the kind that was begun and has answers
}

// Begin opens a case of any kind but registration and returns its reference, or
// that of the one that was begun and not sent. A kind that the actor may not begin
// is not there.
func Begin(tx db.Tx, actor Actor, o Opening) (string, error) {
	who, channel := "citizen", ChannelPortal
	account, opened := &actor.ID, (*db.ID)(nil)
	switch {
	case actor.Staff:
		who, channel, account, opened = "counter", ChannelCounter, nil, &actor.ID
	case o.Channel == ChannelAnonymous:
		who, channel, account = "anonymous", ChannelAnonymous, nil
	case o.Person == nil:
		who = "visitor"
	}
	kind, err := kinds.Current(tx, o.Kind)
	if err != nil {
		return "", err
	}
	if kind.Off || !kind.Starts.By(who) && !(actor.Staff && kind.Starts.By("office")) {
		return "", fault.Hidden()
	}
	if kind.Family == "appeal" && o.Appeals == nil && !slices.ContainsFunc(o.Links, func(l Link) bool { return l.Relation == "appeals" }) {
		return "", fault.New(fault.Conflict, "appeal.error.of_nothing")
	}
	if open, err := resumed(tx, o, kind.ID, account, opened); err != nil || open != "" {
		return open, err
	}
	applicant, home, err := called(tx, o)
	if err != nil {
		return "", err
	}
	draft := Draft{Answers: o.Answers}
	for page := range o.Answers {
		draft.Mark(page)
	}
	raw, err := json.Marshal(draft)
	if err != nil {
		return "", err
	}
	id, ref := o.ID, registry.NewRef(registry.RefCase, tx.Rand())
	if id == (db.ID{}) {
		id = tx.NewID()
	}
	typed, err := hide(tx, kind.Access == "sealed", id, raw)
	if err != nil {
		return "", err
	}
	if err := tx.Exec(`
		insert into case_file (id, ref, kind, kind_id, desk, hands, access_wanted, channel, account_id, opened_by, person_id, household_id, applicant,
		                       language, draft, created_at, appeals_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		id, ref, kind.Code, kind.ID, kind.Desk, kind.Hands, cmp.Or(kind.Access, "open"), channel, account, opened, o.Person, home, applicant,
		o.Language, typed, tx.Now(), o.Appeals); err != nil {
		return "", err
	}
	for _, l := range o.Links {
		if err := link(tx, id, l); err != nil {
			return "", err
		}
	}
	return ref, audit.Write(tx, audit.Event{Action: "case.started", SubjectKind: "case", Subject: id, Case: id})
}

// resumed is the reference of a draft that the same hand began for the same person,
// of the same version of a kind; "" for none. A form that is sent twenty times on a
// slow line opens one case, and one that is sent again tomorrow finds it. Another
// one is opened where that is said, unless the last has no answer yet.
func resumed(tx db.Tx, o Opening, kind db.ID, account, opened *db.ID) (string, error) {
	if account == nil && o.Person == nil || o.ID != (db.ID{}) || o.Answers != nil || len(o.Links) > 0 {
		return "", nil // nobody's, or it has its own way to be told apart
	}
	if err := tx.Exec(`select pg_advisory_xact_lock(hashtextextended('begin' || $1::text || coalesce($2::text, '') || coalesce($3::text, $4::text), 0))`,
		kind, o.Person, account, opened); err != nil {
		return "", err
	}
	var refs []string
	err := tx.Select(&refs, `
		select ref from case_file
		where (account_id = $3 or opened_by = $4 and person_id = $1) and person_id is not distinct from $1 and kind_id = $2
		and appeals_id is not distinct from $5 and state = 'draft' and (version = 1 or not $6)
		order by created_at desc limit 1`, o.Person, kind, account, opened, o.Appeals, o.Another)
	if err != nil || len(refs) == 0 {
		return "", err
	}
	return refs[0], nil
}

// called is what the applicant is called in the queue, and their household.
func called(tx db.Tx, o Opening) (string, *db.ID, error) {
	if o.Person == nil {
		return "", o.Household, nil
	}
	var row struct {
		Name      string `db:"name"`
		Household *db.ID `db:"household_id"`
	}
	err := tx.Get(&row, `
		select coalesce(p.full_name, p.ref) as name, m.household_id
		from person p left join membership m on m.person_id = p.id and m.end_date is null and m.tie = 'usual' where p.id = $1`, *o.Person)
	if row.Household == nil {
		row.Household = o.Household
	}
	return row.Name, row.Household, err
}

// FilingOf adds its form to a case that was read already.
func FilingOf(tx db.Tx, c Case) (Filing, error) { return filing(tx, c) }

// LoadFiling reads a case with its form.
func LoadFiling(tx db.Tx, actor Actor, ref string) (Filing, error) {
	c, err := Load(tx, actor, ref)
	if err != nil {
		return Filing{}, err
	}
	return filing(tx, c)
}

// Put stores the answer of a page under the case's lock.
func Put(tx db.Tx, actor Actor, ref, page string, value any) (Case, error) {
	return Edit(tx, actor, ref, func(d *Draft) error { d.Answer(page, value); return nil })
}

// Complaint is what somebody complains of who is not signed in.
type Complaint struct {
	Kind, Language string
	Answers        registry.Values
	Photos         []Evidence
	Once           string // names the form that it was written in; "" for none
}

// ID is the identity of the case: the same words from the same form are one case,
// however often a browser sends them; other words are another one.
func (k Complaint) ID(tx db.Tx) (db.ID, error) {
	if k.Once == "" {
		return tx.NewID(), nil
	}
	said, err := json.Marshal([]any{k.Once, k.Kind, k.Answers})
	if err != nil {
		return db.ID{}, err
	}
	sum := sha256.New()
	sum.Write(said)
	for _, p := range k.Photos {
		sum.Write(p.SHA256)
	}
	return db.ID(sum.Sum(nil)[:len(db.ID{})]), nil
}

// Complain files a complaint in one step, for somebody who is not signed in: who
// they are is written down nowhere. One that was sent before is not filed again:
// again, with the case that it made.
func Complain(tx db.Tx, k Complaint) (c Case, again bool, err error) {
	kind, err := kinds.Startable(tx, k.Kind, "anonymous")
	if err != nil {
		return c, false, err
	}
	given := registry.Values{}
	for _, q := range kind.Questions {
		given[q.Code] = k.Answers[q.Code]
	}
	id, err := k.ID(tx)
	if err != nil {
		return c, false, err
	}
	if err := tx.Exec(`select pg_advisory_xact_lock(hashtext('complaint' || $1))`, id.String()); err != nil {
		return c, false, err
	}
	if c, err = byID(tx, id); !fault.Is(err, fault.NotFound) {
		return c, true, err
	}
	if _, err := Begin(tx, Actor{}, Opening{ID: id, Kind: k.Kind, Language: k.Language, Channel: ChannelAnonymous, Answers: given}); err != nil {
		return c, false, err
	}
	if c, err = byID(tx, id); err != nil {
		return c, false, err
	}
	for _, e := range k.Photos {
		if err := keep(tx, c, e); err != nil {
			return c, false, err
		}
	}
	return c, false, send(tx, &c, propose)
}
