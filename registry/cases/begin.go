package cases

import (
	"cmp"
	"encoding/json"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/cases/kinds"
)

// Opening is what a case begins with.
type Opening struct {
	Kind      string
	Person    *db.ID // for whom: the citizen's own record, somebody they act for, or who stands at the counter
	Household *db.ID // where nobody in particular asks
	Language  string
	Channel   string // ChannelAnonymous for somebody who is not signed in
	Answers   registry.Values
	Appeals   *db.ID // the decision
	Links     []Link
}

// Begin opens a case of any kind but registration and returns its reference. A
// kind that the actor may not begin is not there.
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
	id, ref := tx.NewID(), registry.NewRef(registry.RefCase, tx.Rand())
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

// Complain files a complaint in one step, for somebody who is not signed in: who
// they are is written down nowhere.
func Complain(tx db.Tx, kind string, answers registry.Values, language string, photos []Evidence) (Case, error) {
	k, err := kinds.Startable(tx, kind, "anonymous")
	if err != nil {
		return Case{}, err
	}
	given := registry.Values{}
	for _, q := range k.Questions {
		given[q.Code] = answers[q.Code]
	}
	ref, err := Begin(tx, Actor{}, Opening{Kind: kind, Language: language, Channel: ChannelAnonymous, Answers: given})
	if err != nil {
		return Case{}, err
	}
	var c Case
	if err := tx.Get(&c, `select `+caseColumns+` from case_file c where c.ref = $1 for update of c`, ref); err != nil {
		return c, err
	}
	if err := c.decode(tx); err != nil {
		return c, err
	}
	for _, e := range photos {
		if err := keep(tx, c, e); err != nil {
			return c, err
		}
	}
	return c, send(tx, &c, propose)
}
