// Package oversight is for those who watch the staff: the audit log as auditors
// and data protection officers read it, patterns of reading that stand out, and
// verifications of the log.
package oversight

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// Filter chooses entries of the log. What is empty does not matter.
type Filter struct {
	Person  string // reference
	Case    string // reference
	Officer string // reference of Officers
	Action  string // the whole of it, or its first part: "case"
	Purpose string
	From    time.Time // not before
	To      time.Time // before
	Before  time.Time // keyset: after the last row of the page before
}

// Row is one entry as it is shown.
type Row struct {
	At          time.Time `db:"at"`
	Event       db.ID     `db:"id"`
	ActorKind   string    `db:"actor_kind"`
	Staff       string    `db:"staff"`
	Action      string    `db:"action"`
	SubjectKind string    `db:"subject_kind"`
	SubjectRef  string    `db:"subject_ref"`
	SubjectName string    `db:"subject_name"` // of an officer
	Subjects    int       `db:"subjects"`
	CaseRef     string    `db:"case_ref"`
	Purpose     string    `db:"purpose"`
	Basis       string    `db:"basis"`
	Client      string    `db:"client"`
	Idx         *int64    `db:"idx"` // of the leaf; nil when it is not sealed yet
}

// Officer is a member of staff to choose by.
type Officer struct {
	ID   db.ID  `db:"id"`
	Name string `db:"name"`
}

// Ref stands for the officer in an address.
func (o Officer) Ref() string { return registry.DerivedRef(registry.RefOfficer, o.ID) }

// Officers lists the staff by name.
func Officers(tx db.Tx) ([]Officer, error) {
	var list []Officer
	err := tx.Select(&list, `select id, name from staff order by name, id limit 2000`)
	return list, err
}

// PageSize is about how many entries a page has: entries of one instant stay
// together.
const PageSize = 50

// where is a condition in the making.
type where struct {
	parts []string
	args  []any
}

func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return fmt.Sprintf("$%d", len(w.args))
}

func (w *where) and(condition string, v any) {
	w.parts = append(w.parts, strings.ReplaceAll(condition, "?", w.arg(v)))
}

// List reads a page of the log, the latest first; next is the instant to go on
// before, or zero. It runs as the auditor, who sees sealed cases by their seals
// alone.
func List(tx db.Tx, f Filter, limit int) (rows []Row, next time.Time, err error) {
	var w where
	from := `audit_event e`
	if f.Person != "" {
		id, err := find(tx, `select id from person where ref = $1`, registry.RefPerson, f.Person)
		if err != nil {
			return nil, next, err
		}
		subject := w.arg(id)
		from = `(select x.* from audit_event x where x.subject = ` + subject + `
			union all select x.* from audit_subject s join audit_event x on x.at = s.at and x.id = s.event_id
			where s.subject = ` + subject + ` and x.subject is distinct from ` + subject + `) e`
	}
	if f.Case != "" {
		id, err := find(tx, `select id from case_file where ref = $1`, registry.RefCase, f.Case)
		if err != nil {
			return nil, next, err
		}
		w.and(`e.case_id = ?`, id)
	}
	if f.Officer != "" {
		all, err := Officers(tx)
		if err != nil {
			return nil, next, err
		}
		i := slices.IndexFunc(all, func(o Officer) bool { return o.Ref() == f.Officer })
		if i < 0 {
			return nil, next, fault.Hidden()
		}
		w.and(`e.actor_kind = 'staff' and e.actor = ?`, all[i].ID)
	}
	if f.Action != "" {
		w.and(`(e.action = ? or e.action ^@ (? || '.'))`, f.Action)
	}
	if f.Purpose != "" {
		w.and(`e.purpose = ?`, f.Purpose)
	}
	for _, bound := range []struct {
		at        time.Time
		condition string
	}{{f.From, `e.at >= ?`}, {f.To, `e.at < ?`}, {f.Before, `e.at < ?`}} {
		if !bound.at.IsZero() {
			w.and(bound.condition, bound.at)
		}
	}
	condition := "true"
	if len(w.parts) > 0 {
		condition = strings.Join(w.parts, " and ")
	}
	err = tx.Select(&rows, rowsOf(`select e.* from `+from+` where `+condition+` order by e.at desc fetch first `+w.arg(limit)+` rows with ties`), w.args...)
	if len(rows) >= limit {
		next = rows[len(rows)-1].At
	}
	return rows, next, err
}

// Entry is one entry, as the auditor may see it.
func Entry(tx db.Tx, at time.Time, id db.ID) (Row, error) {
	var r Row
	err := tx.Get(&r, rowsOf(`select e.* from audit_event e where e.at = $1 and e.id = $2`), at, id)
	return r, err
}

// rowsOf reads entries with what they refer to.
func rowsOf(entries string) string {
	return `
		select e.at, e.id, e.actor_kind, coalesce(s.name, '') as staff, e.action, coalesce(e.subject_kind, '') as subject_kind,
		       coalesce(p.ref, h.ref, g.ref, v.ref, f.ref, q.ref, d.ref, '') as subject_ref, coalesce(o.name, '') as subject_name, e.subjects, coalesce(c.ref, '') as case_ref,
		       coalesce(e.purpose, '') as purpose, coalesce(e.basis, '') as basis, coalesce(e.client, '') as client, l.idx
		from (` + entries + `) e
		left join staff s on s.id = e.actor and e.actor_kind = 'staff'
		left join staff o on e.subject_kind = 'staff' and o.id = e.subject
		left join person p on e.subject_kind = 'person' and p.id = e.subject
		left join household h on e.subject_kind = 'household' and h.id = e.subject
		left join group_record g on e.subject_kind = 'group' and g.id = e.subject
		left join credential v on e.subject_kind = 'credential' and v.id = e.subject
		left join case_file f on e.subject_kind = 'case' and f.id = e.subject
		left join look_question q on e.subject_kind = 'question' and q.id = e.subject
		left join look_delay d on e.subject_kind = 'delay' and d.id = e.subject
		left join case_file c on c.id = e.case_id
		left join audit_leaf l on l.event_id = e.id and l.at = e.at
		order by e.at desc, l.idx desc nulls first, e.id`
}

func find(tx db.Tx, query string, kind rune, ref string) (db.ID, error) {
	var id db.ID
	canonical, ok := registry.ParseRef(kind, ref)
	if !ok {
		return id, fault.Hidden()
	}
	err := tx.Get(&id, query, canonical)
	return id, err
}

// Note writes down that the log was read, and what was asked of it. It comes
// before the reading, in a transaction of whoever reads.
func Note(tx db.Tx, f Filter, action string) error {
	e := audit.Event{Action: action, Purpose: "audit", Detail: map[string]any{}}
	for name, value := range map[string]string{"person": f.Person, "case": f.Case, "officer": f.Officer, "action": f.Action, "purpose": f.Purpose} {
		if value != "" {
			e.Detail[name] = value
		}
	}
	for name, at := range map[string]time.Time{"from": f.From, "to": f.To, "before": f.Before} {
		if !at.IsZero() {
			e.Detail[name] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	return audit.Write(tx, e)
}
