package cases

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Actor is who works on a case: a citizen for themselves, or a member of staff
// within areas.
type Actor struct {
	ID    db.ID
	Staff bool
	Areas []db.ID // where the member of staff has the permission at hand
}

// Case is one case.
type Case struct {
	ID           db.ID        `db:"id"`
	Ref          string       `db:"ref"`
	Kind         string       `db:"kind"`
	State        State        `db:"state"`
	Channel      string       `db:"channel"` // "portal" or "counter"
	Account      *db.ID       `db:"account_id"`
	OpenedBy     *db.ID       `db:"opened_by"`
	Area         *db.ID       `db:"area_id"`
	Language     string       `db:"language"`
	DraftJSON    []byte       `db:"draft"`
	Draft        Draft        `db:"-"`
	Version      int          `db:"version"`
	Change       *db.ID       `db:"change_id"`
	Household    *db.ID       `db:"household_id"`
	CodeVersion  int          `db:"status_code_version"`
	CreatedAt    time.Time    `db:"created_at"`
	SubmittedAt  sql.NullTime `db:"submitted_at"`
	DueOn        sql.NullTime `db:"due_on"`
	WaitingSince sql.NullTime `db:"waiting_since"`
	DecidedAt    sql.NullTime `db:"decided_at"`
}

// Channels of a case.
const (
	ChannelPortal  = "portal"
	ChannelCounter = "counter"
)

const caseColumns = `c.id, c.ref, c.kind, c.state, c.channel, c.account_id, c.opened_by, c.area_id, c.language, c.draft,
	c.version, c.change_id, c.household_id, c.status_code_version, c.created_at, c.submitted_at, c.due_on, c.waiting_since, c.decided_at`

// inScope is the condition that a case c is the actor's business: one's own,
// or in one of one's areas; $2 is the actor, $3 the areas. A draft at the
// counter has no area yet and belongs to who opened it.
const (
	ownScope   = `c.account_id = $2 and $3::uuid[] is not null`
	staffScope = `(c.opened_by = $2 or exists (
		select from area a where a.id = c.area_id
		and (a.l0 = any($3) or a.l1 = any($3) or a.l2 = any($3) or a.l3 = any($3) or a.l4 = any($3) or a.l5 = any($3))))`
)

func (a Actor) scope() string {
	if a.Staff {
		return staffScope
	}
	return ownScope
}

func (a Actor) areas() []string {
	ids := make([]string, len(a.Areas))
	for i, id := range a.Areas {
		ids[i] = id.String()
	}
	return ids
}

// Load reads a case by its reference. One that is not the actor's business and
// one that does not exist give the same fault.NotFound.
func Load(tx db.Tx, actor Actor, ref string) (Case, error) { return load(tx, actor, ref, "") }

// lock is Load, and holds the case until the transaction ends.
func lock(tx db.Tx, actor Actor, ref string) (Case, error) {
	return load(tx, actor, ref, " for update of c")
}

func load(tx db.Tx, actor Actor, ref, suffix string) (Case, error) {
	canonical, ok := registry.ParseRef(registry.RefCase, ref)
	if !ok {
		return Case{}, fault.Hidden()
	}
	var c Case
	err := tx.Get(&c, `select `+caseColumns+` from case_file c where c.ref = $1 and `+actor.scope()+suffix,
		canonical, actor.ID, actor.areas())
	if err != nil {
		return Case{}, err
	}
	return c, json.Unmarshal(c.DraftJSON, &c.Draft)
}

// Read is Load by a member of staff: it is logged before the answer leaves.
func Read(tx db.Tx, actor Actor, ref string) (Case, error) {
	c, err := Load(tx, actor, ref)
	if err != nil {
		return c, err
	}
	return c, audit.Write(tx, audit.Event{Action: "case.read", SubjectKind: "case", Subject: c.ID, Case: c.ID})
}

// Mine lists the cases of an account, newest first.
func Mine(tx db.Tx, account db.ID) ([]Case, error) {
	var list []Case
	err := tx.Select(&list, `select `+caseColumns+` from case_file c where c.account_id = $1 order by c.created_at desc limit 50`, account)
	return list, err
}

// Event is one step of a case.
type Event struct {
	At        time.Time      `db:"at"`
	ActorKind string         `db:"actor_kind"` // "citizen" or "staff"
	StaffName string         `db:"staff_name"`
	Action    Action         `db:"action"`
	Reason    sql.NullString `db:"reason"`
	FactsJSON []byte         `db:"facts"`
	Note      string         `db:"note"`
	NoteLang  string         `db:"note_lang"`
	Facts     map[string]any `db:"-"`
}

// Events lists what happened, newest first. Steps between members of staff are
// left out for the citizen.
func Events(tx db.Tx, c Case, staff bool) ([]Event, error) {
	var list []Event
	err := tx.Select(&list, `
		select e.at, e.actor_kind, coalesce(s.name, '') as staff_name, e.action, e.reason, e.facts, e.note, e.note_lang
		from case_event e left join staff s on s.id = e.actor
		where e.case_id = $1 and ($2 or not e.private)
		order by e.at desc, e.id desc`, c.ID, staff)
	for i := range list {
		if err == nil {
			err = json.Unmarshal(list[i].FactsJSON, &list[i].Facts)
		}
	}
	return list, err
}

// step is one change of state, to be written down.
type step struct {
	action  Action
	reason  string
	facts   map[string]any
	note    string
	lang    string
	private bool
}

// move takes a locked case one step further: the new state, the event and the
// audit entry. Times that the state implies are set by the caller's SQL.
func move(tx db.Tx, c *Case, s step) error {
	next, err := Next(c.State, s.action)
	if err != nil {
		return err
	}
	facts := []byte("{}")
	if s.facts != nil {
		if facts, err = json.Marshal(s.facts); err != nil {
			return err
		}
	}
	err = tx.Exec(`
		insert into case_event (id, case_id, at, action, from_state, to_state, reason, facts, note, note_lang, private)
		values ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8, $9, $10, $11)`,
		tx.NewID(), c.ID, tx.Now(), s.action, c.State, next, s.reason, string(facts), s.note, s.lang, s.private)
	if err != nil {
		return err
	}
	c.State = next
	c.Version++
	if err := tx.Exec(`update case_file set state = $2, version = $3 where id = $1`, c.ID, c.State, c.Version); err != nil {
		return err
	}
	event := audit.Event{Action: "case." + string(s.action), SubjectKind: "case", Subject: c.ID, Case: c.ID}
	if c.Change != nil {
		event.Change = *c.Change
	}
	if s.reason != "" {
		event.Detail = map[string]any{"reason": s.reason}
	}
	write := audit.Write
	if s.action == Submitted || s.action == Answered || s.action == Withdrawn {
		write = audit.WriteReceipt // what the applicant did
	}
	if err := write(tx, event); err != nil {
		return err
	}
	return tell(tx, *c, s.action)
}

// store writes the draft of a locked case.
func store(tx db.Tx, c *Case) error {
	draft, err := json.Marshal(c.Draft)
	if err != nil {
		return err
	}
	if len(draft) > 256<<10 {
		return fmt.Errorf("draft of %d bytes", len(draft))
	}
	c.Version++
	return tx.Exec(`update case_file set draft = $2, version = $3 where id = $1`, c.ID, string(draft), c.Version)
}
