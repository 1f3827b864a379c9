package filters

import (
	"database/sql"
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
)

// PageSize is how many records a page shows.
const PageSize = 50

// CountLimit is as far as results are counted.
const CountLimit = 10_000

// Row is one record that a filter found, as far as a list shows it.
type Row struct {
	ID           db.ID           `db:"id"`
	Ref          string          `db:"ref"`
	Name         string          `db:"name"` // of the person, or the head
	Sex          string          `db:"sex"`
	BirthFrom    sql.NullTime    `db:"birth_from"`
	BirthTo      sql.NullTime    `db:"birth_to"`
	Members      int             `db:"members"`
	Protected    bool            `db:"protected"`
	AreaName     i18n.Text       `db:"area_name"`
	Place        string          `db:"place"`
	PersonFields registry.Values `db:"person_fields"`
	HomeFields   registry.Values `db:"home_fields"`
	Type         string          `db:"type"`   // of a group
	Status       string          `db:"status"` // of a group
	registry.Totals
}

// places are where the officer may look for a filter: the parts of the
// filter's area that lie in theirs. It asks for the roles again: a page may be
// older than a transfer.
func places(tx db.Tx, o Officer, area string) ([]string, error) {
	var mine []string
	if err := tx.Select(&mine, `
		select distinct a.place from staff_scope r join area a on a.id = r.area_id
		where r.staff_id = $1 and r.area_id = any($2) and r.valid_from <= $3 and (r.valid_to is null or r.valid_to > $3)
		order by a.place`, o.ID, o.areas(), tx.Now()); err != nil {
		return nil, err
	}
	if area != "" {
		var in string
		if err := tx.Get(&in, `select place from area where code = $1`, area); err != nil {
			return nil, err
		}
		var both []string
		for _, p := range mine {
			switch {
			case strings.HasPrefix(in, p):
				both = append(both, in)
			case strings.HasPrefix(p, in):
				both = append(both, p)
			}
		}
		mine = both
	}
	var apart []string // sorted, so that an area comes before what lies inside it
	for _, p := range mine {
		if len(apart) == 0 || !strings.HasPrefix(p, apart[len(apart)-1]) {
			apart = append(apart, p)
		}
	}
	return apart, nil
}

// statement is the part that all questions share: the ids of what a filter
// finds, in the order of places, after a row, at most limit.
func (c Catalogue) statement(b *builder, f Filter, places []string, after *Row, limit int) (string, error) {
	if err := c.Check(f.Expr); err != nil {
		return "", err
	}
	if len(places) == 0 { // without parameters, too
		return "select null::uuid as id, '' as place where false", nil
	}
	table, key, joins, record := "person_search", "person_id",
		"join person p on p.id = s.person_id left join household h on h.id = s.household_id", "p"
	switch f.Subject {
	case Households:
		table, key, joins, record = "household_search", "household_id", "join household h on h.id = s.household_id", "h"
	case Groups:
		table, key, joins, record = "group_search", "group_id", "join group_record g on g.id = s.group_id", "g"
	}
	where := c.condition(b, f.Expr)
	if !f.Expr.names(string(f.Subject) + ".status") {
		where += " and " + record + ".status = 'active'"
	}
	if f.Area != "" && f.Subject != Groups { // that somebody is in the answer would tell where they live (RULES R5)
		where += " and not coalesce(h.protected, false)"
	}
	most := b.arg(limit)
	var parts []string
	for _, place := range places {
		// Everything inside an area is one range of places: '/' is followed by '0'.
		from, to := b.arg(place), b.arg(place[:len(place)-1]+"0")
		part := "(select s." + key + " as id, s.place from " + table + " s " + joins + " where s.place >= " + from + " and s.place < " + to + " and " + where
		if after != nil {
			part += " and (s.place, s." + key + ") > (" + b.arg(after.Place) + ", " + b.arg(after.ID) + ")"
		}
		parts = append(parts, part+" order by s.place, s."+key+" limit "+most+")")
	}
	return "select id, place from (" + strings.Join(parts, " union all ") + ") u order by place collate \"C\", id limit " + most, nil
}

// names reports whether an expression has a condition on a field.
func (e Expr) names(field string) bool {
	for _, list := range [][]Expr{e.All, e.Any} {
		for _, part := range list {
			if part.names(field) {
				return true
			}
		}
	}
	return e.Not != nil && e.Not.names(field) || e.Cond != nil && e.Cond.Field == field
}

// Count counts what a filter finds, up to CountLimit; one more means more.
func Count(tx db.Tx, o Officer, c Catalogue, f Filter) (int, error) {
	in, err := places(tx, o, f.Area)
	if err != nil {
		return 0, err
	}
	b, err := newBuilder(tx)
	if err != nil {
		return 0, err
	}
	ids, err := c.statement(b, f, in, nil, CountLimit+1)
	if err != nil {
		return 0, err
	}
	var n int
	err = tx.Get(&n, `select count(*) from (`+ids+`) x`, b.args...)
	return n, err
}

// List is a page of what a filter finds, and logs whom it showed. after is the
// reference of the last one of the page before; next the last one of this, or "".
func List(tx db.Tx, o Officer, c Catalogue, f Filter, purpose, after string) (rows []Row, next string, err error) {
	last, err := find(tx, f.Subject, after)
	if err != nil {
		return nil, "", err
	}
	if rows, err = load(tx, o, c, f, last, PageSize+1); err != nil {
		return nil, "", err
	}
	if len(rows) > PageSize {
		rows = rows[:PageSize]
		next = rows[PageSize-1].Ref
	}
	return rows, next, f.wrote(tx, "listed", purpose, rows, map[string]any{"found": len(rows)})
}

// wrote logs whom a list or a file is about: people, or groups as a whole.
func (f Filter) wrote(tx db.Tx, what, purpose string, rows []Row, detail map[string]any) error {
	kind, ids, err := about(tx, f.Subject, rows)
	if err != nil {
		return err
	}
	return audit.WriteAbout(tx, audit.Event{Action: kind + "." + what, SubjectKind: "filter", Subject: f.ID, Purpose: purpose, Detail: detail}, kind, ids)
}

// find is the row after which a page begins.
func find(tx db.Tx, subject Subject, ref string) (*Row, error) {
	if ref == "" {
		return nil, nil
	}
	var r Row
	statement := `select p.id, s.place from person p join person_search s on s.person_id = p.id where p.ref = $1`
	switch subject {
	case Groups:
		statement = `select g.id, s.place from group_record g join group_search s on s.group_id = g.id where g.ref = $1`
	case Households:
		statement = `select h.id, s.place from household h join household_search s on s.household_id = h.id where h.ref = $1`
	}
	err := tx.Get(&r, statement, ref)
	return &r, err
}

// load reads rows: the ids first, then what is shown of them.
func load(tx db.Tx, o Officer, c Catalogue, f Filter, after *Row, limit int) ([]Row, error) {
	in, err := places(tx, o, f.Area)
	if err != nil {
		return nil, err
	}
	b, err := newBuilder(tx)
	if err != nil {
		return nil, err
	}
	ids, err := c.statement(b, f, in, after, limit)
	if err != nil {
		return nil, err
	}
	var rows []Row
	if f.Subject == Groups {
		day := b.day()
		err = tx.Select(&rows, `
			select x.id, x.place, g.ref, g.name, g.type, g.status, coalesce(a.name, '{}') as area_name,
			       (select count(*) from group_member m where m.group_id = g.id and daterange(m.start_date, m.end_date) @> `+day+`) as members,
			       (select count(*) from group_people(array[g.id], `+day+`)) as people, (select count(*) from group_households(array[g.id], `+day+`)) as households
			from (`+ids+`) x join group_record g on g.id = x.id left join area a on a.id = g.area_id
			order by x.place collate "C", x.id`, b.args...)
		return rows, err
	}
	if f.Subject == Households {
		err = tx.Select(&rows, `
			select x.id, x.place, h.ref, coalesce((select q.full_name from residence m join person q on q.id = m.person_id
			         where m.household_id = h.id and m.relationship = 'head' limit 1), '') as name, '' as sex,
			       (select count(*) from residence m where m.household_id = h.id) as members,
			       h.protected, case when h.protected then '{}' else a.name end as area_name, h.fields as home_fields
			from (`+ids+`) x join household h on h.id = x.id join area a on a.id = h.area_id
			order by x.place collate "C", x.id`, b.args...)
		return rows, err
	}
	err = tx.Select(&rows, `
		select x.id, x.place, p.ref, coalesce(p.full_name, '') as name, p.sex, p.birth_from, p.birth_to, 0 as members,
		       coalesce(h.protected, false) as protected, case when h.protected then '{}' else coalesce(a.name, '{}') end as area_name,
		       p.fields as person_fields, coalesce(h.fields, '{}') as home_fields
		from (`+ids+`) x join person p on p.id = x.id join person_search s on s.person_id = x.id
		left join household h on h.id = s.household_id left join area a on a.id = h.area_id
		order by x.place collate "C", x.id`, b.args...)
	return rows, err
}

// about lists the people whom rows are about: of a household, all in it. A group
// with its numbers says nothing of anybody.
func about(tx db.Tx, subject Subject, rows []Row) (kind string, subjects []db.ID, err error) {
	ids := make([]db.ID, len(rows))
	texts := make([]string, len(rows))
	for i, r := range rows {
		ids[i], texts[i] = r.ID, r.ID.String()
	}
	switch subject {
	case People:
		return registry.KindPerson, ids, nil
	case Groups:
		return registry.KindGroup, ids, nil
	}
	var people []db.ID
	err = tx.Select(&people, `select distinct person_id from residence where household_id = any($1)`, texts)
	return registry.KindPerson, people, err
}
