package cases

import (
	"database/sql"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
)

// HomeVisit is a visit for a case: planned, and what was found.
type HomeVisit struct {
	ID        db.ID          `db:"id"`
	Case      db.ID          `db:"case_id"`
	PlannedOn time.Time      `db:"planned_on"`
	Visitor   db.ID          `db:"visitor"`
	Name      string         `db:"name"`
	What      string         `db:"what"`
	Lang      string         `db:"lang"`
	DoneAt    sql.NullTime   `db:"done_at"`
	Found     sql.NullString `db:"found"`
	Findings  string         `db:"findings"`
	Ref       string         `db:"ref"`
	Applicant string         `db:"applicant"`
	AreaName  []byte         `db:"area_name"`
	Place     string         `db:"directions"`
	Secret    bool           `db:"secret"`    // its words are sealed
	Protected bool           `db:"protected"` // the place is told to nobody but those who protect
}

// Findings lists what a visit can find. Each has the message "visit.found.<code>".
func Findings() []string { return []string{"confirmed", "partly", "not_confirmed", "nobody_home"} }

const visitQuery = `
	select v.id, v.case_id, v.planned_on, v.visitor, s.name, v.what, v.lang, v.done_at, v.found, v.findings, c.ref, c.applicant, n.name as area_name,
	       coalesce(h.directions, '') as directions, place_kept(c.household_id, c.person_id) as protected, 'sealed' in (c.access, c.access_wanted) as secret
	from case_visit v join case_file c on c.id = v.case_id join staff s on s.id = v.visitor join area n on n.id = c.area_id
	left join household h on h.id = c.household_id `

// VisitsOf lists the visits for a case.
func VisitsOf(tx db.Tx, c Case) ([]HomeVisit, error) {
	var list []HomeVisit
	err := tx.Select(&list, visitQuery+`where v.case_id = $1 order by v.planned_at`, c.ID)
	if err != nil {
		return nil, err
	}
	return list, revealVisits(tx, list)
}

// revealVisits opens what is sealed of visits.
func revealVisits(tx db.Tx, list []HomeVisit) error {
	var secret []db.ID
	for _, v := range list {
		if v.Secret {
			secret = append(secret, v.Case)
		}
	}
	keys, err := words(tx, len(secret) > 0, secret...)
	for i := range list {
		v := &list[i]
		if err == nil {
			v.What, err = reveal(keys[v.Case], whatColumn, v.ID, v.What)
		}
		if err == nil {
			v.Findings, err = reveal(keys[v.Case], findingsColumn, v.ID, v.Findings)
		}
	}
	return err
}

// Rounds lists the visits that an officer has to make, by day and place: a list
// to print and take along. It logs whose they are.
func Rounds(tx db.Tx, officer db.ID) ([]HomeVisit, error) {
	var list []HomeVisit
	err := tx.Select(&list, visitQuery+`where v.visitor = $1 and v.done_at is null order by v.planned_on, c.area_id, c.ref limit 200`, officer)
	if err != nil {
		return nil, err
	}
	if err := revealVisits(tx, list); err != nil {
		return nil, err
	}
	ids := make([]db.ID, len(list))
	for i, v := range list {
		ids[i] = v.Case
	}
	return list, audit.WriteAbout(tx, audit.Event{Action: "case.listed", Purpose: "casework"}, "case", ids)
}

// PlanVisit plans a visit. The clock runs on.
func PlanVisit(tx db.Tx, officer Actor, ref string, on time.Time, visitor db.ID, what, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	if !c.State.Open() {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	if _, err := colleague(tx, c, visitor, MayAsk, "visitor"); err != nil {
		return err
	}
	id := tx.NewID()
	if what, err = conceal(tx, c, whatColumn, id, what); err != nil {
		return err
	}
	if err := tx.Exec(`insert into case_visit (id, case_id, planned_on, visitor, what, lang, planned_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		id, c.ID, on, visitor, what, lang, tx.Now()); err != nil {
		return err
	}
	return move(tx, &c, step{action: Visit, facts: map[string]any{"on": on.Format(time.DateOnly)}, private: true})
}

// ReportVisit notes what a visit found: evidence like any other.
func ReportVisit(tx db.Tx, officer Actor, ref string, visit db.ID, found, findings, lang string) error {
	c, err := lock(tx, officer, ref)
	if err != nil {
		return err
	}
	if !slices.Contains(Findings(), found) {
		return fault.New(fault.Conflict, "error.out_of_order")
	}
	kept, err := conceal(tx, c, findingsColumn, visit, findings)
	if err != nil {
		return err
	}
	n, err := tx.Count(`update case_visit set done_at = $3, found = $4, findings = $5 where id = $1 and case_id = $2 and done_at is null and visitor = $6`,
		visit, c.ID, tx.Now(), found, kept, officer.ID)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Hidden()
	}
	return move(tx, &c, step{action: Visited, facts: map[string]any{"found": found}, note: findings, lang: lang, private: true})
}
