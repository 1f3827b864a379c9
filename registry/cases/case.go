package cases

import (
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/cases/kinds"
	"daftar/registry/deadline"
)

// Actor is who works on a case: a citizen for themselves or for somebody they
// act for, or a member of staff at desks within areas.
type Actor struct {
	ID     db.ID
	Staff  bool
	Person *db.ID // a citizen's own record
	Desks  []Desk // where the member of staff has the permission at hand
}

// Desk is where somebody works: a desk for an area and everything inside it.
type Desk struct {
	Code string
	Area db.ID
}

// At is a member of staff at every desk in the areas.
func At(id db.ID, areas ...db.ID) Actor {
	a := Actor{ID: id, Staff: true}
	for _, code := range kinds.Desks() {
		for _, area := range areas {
			a.Desks = append(a.Desks, Desk{code, area})
		}
	}
	return a
}

// Case is one case.
type Case struct {
	ID          db.ID            `db:"id"`
	Ref         string           `db:"ref"`
	Kind        string           `db:"kind"`
	KindID      db.ID            `db:"kind_id"`
	State       State            `db:"state"`
	Desk        string           `db:"desk"`
	Hands       int              `db:"hands"`
	Access      string           `db:"access"`
	Secret      bool             `db:"secret"` // its words are sealed
	Channel     string           `db:"channel"`
	Account     *db.ID           `db:"account_id"`
	OpenedBy    *db.ID           `db:"opened_by"`
	Person      *db.ID           `db:"person_id"`
	Area        *db.ID           `db:"area_id"`
	Applicant   string           `db:"applicant"`
	Language    string           `db:"language"`
	DraftJSON   []byte           `db:"draft"`
	Draft       Draft            `db:"-"`
	Version     int              `db:"version"`
	Change      *db.ID           `db:"change_id"`
	Blocked     string           `db:"blocked"`
	Household   *db.ID           `db:"household_id"`
	JoinedTo    *db.ID           `db:"joined_to"`
	Appeals     *db.ID           `db:"appeals_id"`
	Against     *db.ID           `db:"against"`
	CodeVersion int              `db:"status_code_version"`
	CreatedAt   time.Time        `db:"created_at"`
	SubmittedAt sql.NullTime     `db:"submitted_at"`
	DueOn       sql.NullTime     `db:"due_on"`
	DueAt       sql.NullTime     `db:"due_at"`
	WaitingFrom sql.NullTime     `db:"waiting_since"`
	Asks        int              `db:"asks"`
	ObjectUntil sql.NullTime     `db:"objections_until"`
	Escalated   sql.NullTime     `db:"escalated_at"`
	Escalation  deadline.Silence `db:"escalation"` // whom the lateness has reached
	DecidedAt   sql.NullTime     `db:"decided_at"`
	Assigned    *db.ID           `db:"assigned_to"`
	NewsAt      sql.NullTime     `db:"news_at"`

	// Renewing says that the record moved on since the proposal, which is being
	// made anew: nothing was decided.
	Renewing bool `db:"-"`
}

// Channels of a case. Each has the message "case.channel.<channel>".
const (
	ChannelPortal    = "portal"
	ChannelCounter   = "counter"
	ChannelAnonymous = "anonymous"
	ChannelEvent     = "event" // another system
)

const caseColumns = `c.id, c.ref, c.kind, c.kind_id, c.state, c.desk, c.hands, c.access, 'sealed' in (c.access, c.access_wanted) as secret, c.channel, c.account_id, c.opened_by, c.person_id,
	c.area_id, c.applicant, c.language, c.draft, c.version, c.change_id, coalesce(c.blocked, '') as blocked, c.household_id, c.joined_to,
	c.appeals_id, c.against, c.status_code_version, c.created_at, c.submitted_at, c.due_on, c.due_at, c.waiting_since, c.asks, c.objections_until,
	c.escalated_at, c.escalation, c.decided_at, c.assigned_to, c.news_at`

// The condition that a case c is the actor's business. A citizen's are those
// that are filed for them, and those that they filed: for somebody else only as
// long as they act for them. A member of staff's are those at their desks in
// their areas, and those that they took themselves.
const (
	ownScope = `(c.person_id = $3::uuid or c.account_id = $2 and (c.person_id is null or exists (
		select from delegation d where d.person_id = c.person_id and d.account_id = $2 and d.revoked_at is null
		and local_day($4) between d.valid_from and d.valid_to and c.kind = any(d.kinds))))`
	staffScope = `(c.opened_by = $2 or exists (select from unnest($3::uuid[], $4::text[]) q (area, desk)
		where q.desk = c.desk and q.area in (c.l0, c.l1, c.l2, c.l3, c.l4, c.l5)))`
)

// scope is the condition with its arguments $2 to $4.
func (a Actor) scope(tx db.Tx) (string, []any) {
	if !a.Staff {
		var person any
		if a.Person != nil {
			person = a.Person.String()
		}
		return ownScope, []any{a.ID, person, tx.Now()}
	}
	areas, desks := make([]string, len(a.Desks)), make([]string, len(a.Desks))
	for i, d := range a.Desks {
		areas[i], desks[i] = d.Area.String(), d.Code
	}
	return staffScope, []any{a.ID, areas, desks}
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
	condition, args := actor.scope(tx)
	var c Case
	err := tx.Get(&c, `select `+caseColumns+` from case_file c where c.ref = $1 and `+condition+suffix, append([]any{canonical}, args...)...)
	if err != nil {
		return Case{}, err
	}
	return c, c.decode(tx)
}

// maxDraft is how long a draft may be.
const maxDraft = 256 << 10

var errDraft = errors.New("the draft is too long")

// Of is the definition that the case was begun with.
func (c Case) Of(tx db.Tx) (kinds.Kind, error) { return kinds.ByID(tx, c.KindID) }

// byID reads a case for a job.
func byID(tx db.Tx, id db.ID) (Case, error) {
	var c Case
	if err := tx.Get(&c, `select `+caseColumns+` from case_file c where c.id = $1 for update of c`, id); err != nil {
		return c, err
	}
	return c, c.decode(tx)
}

// Read is Load by a member of staff: it is logged before the answer leaves, and
// what the applicant sent counts as seen.
func Read(tx db.Tx, actor Actor, ref string) (Case, error) {
	c, err := Load(tx, actor, ref)
	if err != nil {
		return c, err
	}
	if c.NewsAt.Valid {
		if err := tx.Exec(`update case_file set news_at = null where id = $1`, c.ID); err != nil {
			return c, err
		}
	}
	return c, audit.Write(tx, audit.Event{Action: "case.read", SubjectKind: "case", Subject: c.ID, Case: c.ID})
}

// Mine lists a citizen's cases, newest first.
func Mine(tx db.Tx, actor Actor) ([]Case, error) {
	condition, args := actor.scope(tx)
	var list []Case
	err := tx.Select(&list, `select `+caseColumns+` from case_file c where `+condition+` order by c.created_at desc limit $1`,
		append([]any{50}, args...)...)
	return list, err
}

// Begun is the reference of a case of this kind that was begun and not sent; ""
// for none.
func Begun(tx db.Tx, actor Actor, kind string) (string, error) {
	condition, args := actor.scope(tx)
	var refs []string
	err := tx.Select(&refs, `select c.ref from case_file c where `+condition+` and c.kind = $1 and c.state = 'draft' order by c.created_at desc limit 1`,
		append([]any{kind}, args...)...)
	if err != nil || len(refs) == 0 {
		return "", err
	}
	return refs[0], nil
}

// Event is one step of a case.
type Event struct {
	ID        db.ID          `db:"id"`
	At        time.Time      `db:"at"`
	ActorKind string         `db:"actor_kind"` // "citizen", "anonymous", "staff" or "job"
	Actor     *db.ID         `db:"actor"`
	StaffName string         `db:"staff_name"`
	Action    Action         `db:"action"`
	Reason    sql.NullString `db:"reason"`
	FactsJSON []byte         `db:"facts"`
	Note      string         `db:"note"`
	NoteLang  string         `db:"note_lang"`
	Private   bool           `db:"private"`
	Facts     map[string]any `db:"-"`
}

// Events lists what happened, newest first. Steps between members of staff are
// left out for the citizen.
func Events(tx db.Tx, c Case, staff bool) ([]Event, error) {
	var list []Event
	err := tx.Select(&list, `
		select e.id, e.at, e.actor_kind, e.actor, coalesce(s.name, '') as staff_name, e.action, e.reason, e.facts, e.note, e.note_lang, e.private
		from case_event e left join staff s on s.id = e.actor
		where e.case_id = $1 and ($2 or not e.private)
		order by e.seq desc`, c.ID, staff)
	if err != nil {
		return nil, err
	}
	keys, err := words(tx, c.Secret, c.ID)
	for i := range list {
		e := &list[i]
		if err == nil {
			err = json.Unmarshal(e.FactsJSON, &e.Facts)
		}
		if err == nil {
			e.Note, err = reveal(keys[c.ID], noteColumn, e.ID, e.Note)
		}
	}
	return list, err
}

// LifeOf is what the rules of a case look at, for showing which steps are open.
// The database looks again when one is taken.
func LifeOf(c Case, events []Event) Life {
	l := Life{State: c.State, Hands: c.Hands, Asks: c.Asks}
	for _, id := range []*db.ID{c.Account, c.OpenedBy, c.Against} {
		if id != nil {
			l.Filed = append(l.Filed, *id)
		}
	}
	for _, e := range slices.Backward(events) {
		if e.Actor == nil {
			continue
		}
		switch e.Action {
		case Submitted, Answered:
			l.Filed = append(l.Filed, *e.Actor)
		case Recommended:
			l.Checked = append(l.Checked, *e.Actor)
		case Endorsed:
			l.Agreed = append(l.Agreed, *e.Actor)
		}
	}
	return l
}

// step is one step of a case, to be written down.
type step struct {
	action  Action
	reason  string
	facts   map[string]any
	note    string
	lang    string
	private bool
}

// take writes a step down, by which the database takes it: it knows whose step
// it is and what follows. The case's own copy of the state follows.
func take(tx db.Tx, c *Case, s step) (db.ID, error) {
	if s.action == Asked && c.State == StateSubmitted && c.Asks >= deadline.Waits {
		return db.ID{}, fault.New(fault.Conflict, "case.error.asked_enough")
	}
	facts := []byte("{}")
	var err error
	if s.facts != nil {
		if facts, err = json.Marshal(s.facts); err != nil {
			return db.ID{}, err
		}
	}
	id := tx.NewID()
	note, err := conceal(tx, *c, noteColumn, id, s.note)
	if err != nil {
		return id, err
	}
	err = tx.Exec(`
		insert into case_event (id, case_id, at, action, reason, facts, note, note_lang, private)
		values ($1, $2, $3, $4, nullif($5, ''), $6, $7, $8, $9)`,
		id, c.ID, tx.Now(), s.action, s.reason, string(facts), note, s.lang, s.private)
	if err != nil {
		return id, err
	}
	for _, t := range transitions {
		if t.From == c.State && t.Action == s.action && t.in(c.Hands) {
			c.State, c.Version = t.To, c.Version+1
			break
		}
	}
	if slices.Contains([]Action{Said, Added, Agreed, Objected}, s.action) { // a version, unless the office said it
		if err := tx.Get(&c.Version, `select version from case_file where id = $1`, c.ID); err != nil {
			return id, err
		}
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
		return id, err
	}
	return id, tell(tx, *c, s.action, id)
}

// move is take where the event itself does not matter.
func move(tx db.Tx, c *Case, s step) error {
	_, err := take(tx, c, s)
	return err
}

// store writes the draft of a locked case.
func store(tx db.Tx, c *Case) error {
	draft, err := c.encode(tx)
	if err != nil {
		return err
	}
	c.Version++
	return tx.Exec(`update case_file set draft = $2, version = $3 where id = $1`, c.ID, draft, c.Version)
}
