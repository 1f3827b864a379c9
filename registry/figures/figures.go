// Package figures is what the registry tells everybody about how it does its
// work: how much was asked for, how fast it was answered, what was decided and
// why. It counts a month once, after it ended, and keeps back small numbers.
package figures

import (
	"database/sql"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
)

// What is counted, by month and area. Each has the message "figures.<measure>".
const (
	Received    = "received"    // cases that came in, by kind
	Due         = "due"         // cases whose answer was due: OnTime or Late
	Decided     = "decided"     // decisions on cases other than appeals: what was granted, and for which reason what was not
	Appeals     = "appeals"     // decisions on appeals: Upheld or Dismissed
	Credentials = "credentials" // valid when the month ended, by type
	// Programme is the beginning of the measure of a programme: its decisions, by
	// outcome.
	Programme = "programme."
)

// Codes of what is counted that are no codes of something else.
const (
	OnTime    = "on_time"
	Late      = "late"
	Upheld    = "upheld"
	Dismissed = "dismissed"
	Refused   = "refused." // and the reason
)

// Country and Nowhere stand in the place of an area's P-code.
const (
	Country = ""
	Nowhere = "-"
)

// Measures lists what is counted, but for the programmes.
func Measures() []string { return []string{Received, Due, Decided, Appeals, Credentials} }

// Figure is one number; N is not valid where it is withheld.
type Figure struct {
	Month   time.Time     `db:"month"`
	Area    string        `db:"area"`
	Measure string        `db:"measure"`
	Code    string        `db:"code"` // "" for all of the measure
	N       sql.NullInt64 `db:"n"`
}

// counted is how many there are of a code in an area.
type counted struct {
	Area string `db:"area"`
	Code string `db:"code"`
	N    int    `db:"n"`
}

// Sealed cases are counted nowhere: not even that they are there is known
// outside (RULES R8). Drafts, and what joined another case, are no cases of their
// own.
const (
	region  = `coalesce(r.code, '-') as area`
	ofCase  = ` from case_file f left join area r on r.id = f.l1 where f.access <> 'sealed' and f.access_wanted <> 'sealed' and f.state <> 'draft' `
	decides = ` from decision d join case_file f on f.id = d.case_id left join area r on r.id = f.l1
		where f.access <> 'sealed' and f.access_wanted <> 'sealed' and d.decided_at >= $1 and d.decided_at < $2 `
)

// queries count a month from $1 to before $2, whose days are those of zone $3.
var queries = map[string]string{
	Received: `select ` + region + `, f.kind as code, count(*) as n` + ofCase + `and f.submitted_at >= $1 and f.submitted_at < $2 and $3 <> '' group by 1, 2`,
	// Whose clock stands still, because the office waits for an answer, is not due.
	Due: `select ` + region + `, case when (f.decided_at at time zone $3)::date <= f.due_on then 'on_time' else 'late' end as code, count(*) as n` + ofCase + `
		and f.state not in ('waiting', 'joined', 'withdrawn') and f.due_on >= ($1 at time zone $3)::date and f.due_on < ($2 at time zone $3)::date group by 1, 2`,
	Decided: `select ` + region + `, case when d.outcome = 'refused' then 'refused.' || coalesce(d.reason, '') else d.outcome end as code, count(*) as n` + decides + `
		and f.appeals_id is null and $3 <> '' group by 1, 2`,
	Appeals: `select ` + region + `, case when d.outcome = 'refused' then 'dismissed' else 'upheld' end as code, count(*) as n` + decides + `
		and f.appeals_id is not null and $3 <> '' group by 1, 2`,
	Credentials: `select ` + region + `, c.type as code, count(*) as n
		from credential c
		left join membership m on m.person_id = c.person_id and m.tie = 'usual' and m.end_date is null
		left join household h on h.id = m.household_id left join area a on a.id = h.area_id left join area r on r.id = a.l1
		where c.issued_at < $2 and c.expires_at >= $2 and (c.revoked_at is null or c.revoked_at >= $2) and $1 < $2 and $3 <> '' group by 1, 2`,
}

const programmeQuery = `select p.code as programme, ` + region + `, d.outcome as code, count(*) as n
	from decision d join programme p on p.id = d.programme_id join household h on h.id = d.household_id
	left join area a on a.id = h.area_id left join area r on r.id = a.l1
	where d.kind = 'programme' and d.state not in ('proposed', 'withdrawn') and d.decided_at >= $1 and d.decided_at < $2 group by 1, 2, 3`

// Count counts the next month that ended and was not counted yet. done is false
// when there may be another.
func Count(tx db.Tx) (done bool, err error) {
	set, err := registry.LoadSettings(tx)
	if err != nil {
		return false, err
	}
	calendar, err := set.Calendar()
	if err != nil {
		return false, err
	}
	month, ok, err := next(tx, calendar)
	if err != nil || !ok {
		return true, err
	}
	// Two workers count one month once.
	if n, err := tx.Count(`insert into public_month (month, counted_at) values ($1, $2) on conflict do nothing`, month, tx.Now()); err != nil || n == 0 {
		return true, err
	}
	from, to := in(month, calendar.Zone), in(month.AddDate(0, 1, 0), calendar.Zone)
	var areas []string
	if err := tx.Select(&areas, `select code from area where level = 1 and (valid_to is null or valid_to >= $1::date) order by code`, month); err != nil {
		return false, err
	}
	for _, measure := range Measures() {
		var list []counted
		if err := tx.Select(&list, queries[measure], from, to, calendar.Zone.String()); err != nil {
			return false, err
		}
		if err := keep(tx, month, measure, areas, list); err != nil {
			return false, err
		}
	}
	if err := countProgrammes(tx, month, from, to, areas); err != nil {
		return false, err
	}
	return false, audit.Write(tx, audit.Event{Action: "figures.counted", Detail: map[string]any{"month": month.Format(monthFormat)}})
}

func countProgrammes(tx db.Tx, month, from, to time.Time, areas []string) error {
	var list []struct {
		Programme string `db:"programme"`
		counted
	}
	if err := tx.Select(&list, programmeQuery, from, to); err != nil {
		return err
	}
	by := map[string][]counted{}
	for _, c := range list {
		by[c.Programme] = append(by[c.Programme], c.counted)
	}
	for code, counts := range by {
		if err := keep(tx, month, Programme+code, areas, counts); err != nil {
			return err
		}
	}
	return nil
}

const monthFormat = "2006-01"

// in is the first instant of a day in a zone.
func in(day time.Time, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
}

// next is the first month that ended and was not counted: after the last one that
// was, or that in which the first case came in.
func next(tx db.Tx, calendar registry.Calendar) (month time.Time, ok bool, err error) {
	var first struct {
		Counted *time.Time `db:"counted"`
		Case    *time.Time `db:"first_case"`
	}
	if err := tx.Get(&first, `select (select max(month) from public_month) as counted,
		(select min(submitted_at) from case_file) as first_case`); err != nil {
		return month, false, err
	}
	switch {
	case first.Counted != nil:
		month = first.Counted.AddDate(0, 1, 0)
	case first.Case != nil:
		month = calendar.Today(*first.Case)
	default:
		return month, false, nil
	}
	month = time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, time.UTC)
	return month, !in(month.AddDate(0, 1, 0), calendar.Zone).After(tx.Now()), nil
}

// keep writes what may be shown of one measure.
func keep(tx db.Tx, month time.Time, measure string, areas []string, list []counted) error {
	areas = slices.Clone(areas)
	var codes []string
	for _, c := range list {
		if !slices.Contains(areas, c.Area) {
			areas = append(areas, c.Area)
		}
		if !slices.Contains(codes, c.Code) {
			codes = append(codes, c.Code)
		}
	}
	slices.Sort(areas)
	slices.Sort(codes)
	counts := make([][]int, len(codes))
	for r := range counts {
		counts[r] = make([]int, len(areas))
	}
	for _, c := range list {
		counts[slices.Index(codes, c.Code)][slices.Index(areas, c.Area)] = c.N
	}
	if len(codes) == 0 {
		counts = [][]int{make([]int, len(areas))}
	}
	full := sums(counts)
	hidden := withhold(full)
	areas = append(areas, Country)
	for r := range full {
		code := ""
		switch {
		case r < len(codes):
			code = codes[r]
		case r < len(full)-1:
			continue // of a measure in which nothing happened: the sum says so
		}
		for c, n := range full[r] {
			if err := tx.Exec(`insert into public_figure (month, area, measure, code, n) values ($1, $2, $3, $4, $5)`,
				month, areas[c], measure, code, sql.NullInt64{Int64: int64(n), Valid: !hidden[r][c]}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Months lists the months that were counted, the latest first.
func Months(tx db.Tx) ([]time.Time, error) {
	var list []time.Time
	err := tx.Select(&list, `select month from public_month order by month desc`)
	return list, err
}

// Month reads "2006-01"; fault.NotFound for anything else.
func Month(s string) (time.Time, error) {
	m, err := time.Parse(monthFormat, s)
	if err != nil {
		return m, fault.Hidden()
	}
	return m, nil
}

// Of lists the figures of a month in an area, the largest first in each measure.
func Of(tx db.Tx, month time.Time, area string) ([]Figure, error) {
	var list []Figure
	err := tx.Select(&list, `select month, area, measure, code, n from public_figure where month = $1 and area = $2
		order by measure, code <> '' desc, n desc nulls last, code`, month, area)
	return list, err
}

// Course lists the figures of a measure in an area over the months up to one, the
// oldest first.
func Course(tx db.Tx, measure, area string, to time.Time, months int) ([]Figure, error) {
	var list []Figure
	err := tx.Select(&list, `select month, area, measure, code, n from public_figure
		where measure = $1 and area = $2 and month <= $3 and month > $4 order by month, code`, measure, area, to, to.AddDate(0, -months, 0))
	return list, err
}

// All lists every figure of a month; of every month for the zero time.
func All(tx db.Tx, month time.Time) ([]Figure, error) {
	var list []Figure
	err := tx.Select(&list, `select month, area, measure, code, n from public_figure where $1::date is null or month = $1
		order by month, measure, area, code`, sql.NullTime{Time: month, Valid: !month.IsZero()})
	return list, err
}

// Names are the names of the areas, programmes, kinds and reasons that figures
// name by their codes.
type Names struct {
	Areas      map[string]i18n.Text
	Programmes map[string]i18n.Text
	Kinds      map[string]i18n.Text
	Reasons    map[string]i18n.Text
}

// LoadNames reads them. Reasons are those of any version of any kind.
func LoadNames(tx db.Tx) (Names, error) {
	n := Names{}
	for _, q := range []struct {
		into  *map[string]i18n.Text
		query string
	}{
		{&n.Areas, `select code, name from area where level = 1`},
		{&n.Programmes, `select code, name from programme`},
		{&n.Kinds, `select distinct on (code) code, definition->'title' as name from case_kind order by code, version desc`},
		{&n.Reasons, `select distinct on (x->>'code') x->>'code' as code, x->'text' as name
			from case_kind k, jsonb_array_elements(case jsonb_typeof(k.definition->'reasons') when 'array' then k.definition->'reasons' else '[]' end) x
			order by x->>'code', k.version desc, k.code`},
	} {
		var list []struct {
			Code string    `db:"code"`
			Name i18n.Text `db:"name"`
		}
		if err := tx.Select(&list, q.query); err != nil {
			return n, err
		}
		*q.into = map[string]i18n.Text{}
		for _, x := range list {
			(*q.into)[x.Code] = x.Name
		}
	}
	return n, nil
}
