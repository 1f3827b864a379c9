package cases

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
	"daftar/registry/deadline"
)

// View is one list of the queue. Each has the message "queue.view.<view>".
type View string

// The views of the queue.
const (
	Team    View = "team" // all that is open at one's desks
	Own     View = "mine"
	Free    View = "unassigned" // nobody has it
	DueSoon View = "soon"
	Overdue View = "overdue"
	Checked View = "decide" // recommended or endorsed: to be decided
	Waits   View = "waiting"
	Over    View = "closed"
)

// Of those that nobody has, what is to be decided and what is to be checked: not
// lists to look at, but what Take chooses from.
const (
	toDecide View = "to-decide"
	toCheck  View = "to-check"
)

// Views lists the views of the queue, in order.
func Views() []View { return []View{Team, Own, Free, DueSoon, Overdue, Checked, Waits, Over} }

// soonDays is how many days ahead "due soon" looks.
const soonDays = 3

// Filter chooses cases for the queue.
type Filter struct {
	View  View
	Kind  string // "" for all
	After string // keyset: the last row of the page before, "due|ref"
	Limit int
	Today time.Time
}

// QueueRow is one case in the queue.
type QueueRow struct {
	ID          db.ID            `db:"id"`
	Ref         string           `db:"ref"`
	Kind        string           `db:"kind"`
	KindID      db.ID            `db:"kind_id"`
	State       State            `db:"state"`
	Channel     string           `db:"channel"`
	Access      string           `db:"access"`
	Applicant   string           `db:"applicant"`
	AreaName    []byte           `db:"area_name"`
	Kept        bool             `db:"kept"` // the place is told to nobody but those who protect (RULES R5)
	SubmittedAt sql.NullTime     `db:"submitted_at"`
	DueOn       time.Time        `db:"due_on"`
	Escalated   sql.NullTime     `db:"escalated_at"`
	Escalation  deadline.Silence `db:"escalation"`
	NewsAt      sql.NullTime     `db:"news_at"`
	Assigned    *db.ID           `db:"assigned_to"`
	Officer     string           `db:"officer"`
}

// Queue lists the cases at an officer's desks, the most urgent first, and logs
// whose they were. next is the keyset of the following page, or "".
func Queue(tx db.Tx, officer Actor, f Filter) (rows []QueueRow, next string, err error) {
	rows, next, err = list(tx, officer, f)
	if err != nil {
		return nil, "", err
	}
	ids := make([]db.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return rows, next, audit.WriteAbout(tx, audit.Event{Action: "case.listed", Purpose: "queue"}, "case", ids)
}

// ManyLate is where LateCount stops.
const ManyLate = 100

// LateCount is how many cases at the officer's desks are late, ManyLate at most.
func LateCount(tx db.Tx, officer Actor, today time.Time) (int, error) {
	rows, _, err := list(tx, officer, Filter{View: Overdue, Limit: ManyLate, Today: today})
	return len(rows), err
}

func list(tx db.Tx, officer Actor, f Filter) (rows []QueueRow, next string, err error) {
	due, ref := time.Time{}, ""
	if len(f.After) > 11 {
		if due, err = time.Parse(time.DateOnly, f.After[:10]); err != nil {
			return nil, "", fault.Hidden()
		}
		ref = f.After[11:]
	}
	query, args, err := f.query(tx, officer, due, ref)
	if err != nil || query == "" {
		return nil, "", err
	}
	if err := tx.Select(&rows, query, args...); err != nil {
		return nil, "", err
	}
	if len(rows) > f.Limit {
		rows = rows[:f.Limit]
		last := rows[f.Limit-1]
		next = last.DueOn.Format(time.DateOnly) + "|" + last.Ref
	}
	return rows, next, nil
}

const queueOpen = `c.state in ('submitted', 'waiting', 'recommended', 'endorsed', 'stale')`

// query writes the queue as one short range of an index for each area and desk,
// taken together: each branch stops at the page's size, however much there is.
func (f Filter) query(tx db.Tx, officer Actor, due time.Time, ref string) (string, []any, error) {
	args := []any{due, ref, f.Limit + 1}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	condition := queueOpen
	if f.Kind != "" {
		condition += ` and c.kind = ` + arg(f.Kind)
	}
	switch f.View {
	case DueSoon:
		condition += ` and c.due_on between ` + arg(f.Today) + ` and ` + arg(f.Today.AddDate(0, 0, soonDays))
	case Overdue:
		condition += ` and (c.due_on < ` + arg(f.Today) + ` or c.escalated_at is not null)` // a sealed one has hours
	case Checked:
		condition += ` and c.state in ('recommended', 'endorsed')`
	case toDecide:
		condition += ` and c.state in ('recommended', 'endorsed')`
	case toCheck:
		condition += ` and c.state = 'submitted'`
	case Waits:
		condition += ` and c.state = 'waiting'`
	case Over:
		condition = strings.Replace(condition, queueOpen, `c.state in ('approved', 'refused', 'withdrawn') and c.due_on is not null`, 1)
	}
	taken := []string{"true", "false"}
	if f.View == Free || f.View == toDecide || f.View == toCheck {
		taken = taken[:1]
	}
	var branches []string
	branch := func(where string) {
		branches = append(branches, `(select c.id, c.due_on, c.ref from case_file c
			where `+where+` and `+condition+` and (c.due_on, c.ref) > ($1, $2) order by c.due_on, c.ref limit $3)`)
	}
	switch {
	case f.View == Own:
		branch(`c.assigned_to = ` + arg(officer.ID))
	case len(officer.Desks) == 0:
		return "", nil, nil
	default:
		levels, err := areaLevels(tx, officer)
		if err != nil {
			return "", nil, err
		}
		for _, d := range officer.Desks {
			for _, none := range taken {
				branch(fmt.Sprintf(`c.l%d = %s and c.desk = %s and (c.assigned_to is null) = %s`, levels[d.Area], arg(d.Area), arg(d.Code), none))
			}
		}
	}
	return `
		select c.id, c.ref, c.kind, c.kind_id, c.state, c.channel, c.access, c.applicant, n.name as area_name, place_kept(c.household_id, c.person_id) as kept,
		       c.submitted_at, c.due_on, c.escalated_at, c.escalation,
		       c.news_at, c.assigned_to, coalesce(s.name, '') as officer
		from (select distinct due_on, ref, id from (` + strings.Join(branches, " union all ") + `) b order by due_on, ref limit $3) q
		join case_file c on c.id = q.id join area n on n.id = c.area_id left join staff s on s.id = c.assigned_to
		order by q.due_on, q.ref`, args, nil
}

// areaLevels are the levels of the officer's areas.
func areaLevels(tx db.Tx, officer Actor) (map[db.ID]int, error) {
	var ids []string
	for _, d := range officer.Desks {
		if !slices.Contains(ids, d.Area.String()) {
			ids = append(ids, d.Area.String())
		}
	}
	var rows []struct {
		ID    db.ID `db:"id"`
		Level int   `db:"level"`
	}
	err := tx.Select(&rows, `select id, level from area where id = any($1::uuid[])`, ids)
	levels := map[db.ID]int{}
	for _, r := range rows {
		levels[r.ID] = r.Level
	}
	return levels, err
}
