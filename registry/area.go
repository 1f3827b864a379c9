package registry

import (
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
)

// Area is one administrative area.
type Area struct {
	ID     db.ID     `db:"id"`
	Code   string    `db:"code"` // P-code
	Level  int       `db:"level"`
	Kind   string    `db:"kind"`
	Parent *db.ID    `db:"parent_id"`
	Name   i18n.Text `db:"name"`
}

const areaColumns = `a.id, a.code, a.level, a.kind, a.parent_id, a.name`

// AreaByCode finds an area by its P-code.
func AreaByCode(tx db.Tx, code string) (Area, error) {
	var a Area
	err := tx.Get(&a, `select `+areaColumns+` from area a where a.code = $1`, code)
	return a, err
}

// CurrentArea finds an area by its P-code. One that ended leads to the area
// that took over all of it; where several did, nobody but the applicant knows
// which, and there is none (fault.NotFound).
func CurrentArea(tx db.Tx, code string) (Area, error) {
	var list []Area
	err := tx.Select(&list, `
		with recursive next (id, ended, steps) as (
			select a.id, a.valid_to is not null, 0 from area a where a.code = $1
			union
			select s.to_id, t.valid_to is not null, n.steps + 1
			from next n join area_successor s on s.from_id = n.id join area t on t.id = s.to_id
			where n.ended and n.steps < 20)
		select distinct `+areaColumns+` from next n join area a on a.id = n.id where not n.ended`, code)
	if err == nil && len(list) != 1 {
		err = fault.Hidden()
	}
	if err != nil {
		return Area{}, err
	}
	return list[0], nil
}

// Subareas lists the areas directly inside the one with code that have not
// ended; the countries for "".
func Subareas(tx db.Tx, code string) ([]Area, error) {
	var areas []Area
	if code == "" {
		err := tx.Select(&areas, `select `+areaColumns+` from area a where a.level = 0 and a.valid_to is null order by a.code`)
		return areas, err
	}
	err := tx.Select(&areas, `
		select `+areaColumns+`
		from area a join area p on p.id = a.parent_id
		where p.code = $1 and a.valid_to is null order by a.code`, code)
	return areas, err
}

// AreaPath lists an area and those around it, the country first.
func AreaPath(tx db.Tx, id db.ID) ([]Area, error) {
	var path []Area
	err := tx.Select(&path, `
		select `+areaColumns+`
		from area x join area a on a.id in (x.l0, x.l1, x.l2, x.l3, x.l4, x.l5)
		where x.id = $1 order by a.level`, id)
	if err == nil && len(path) == 0 {
		err = fault.Hidden()
	}
	return path, err
}

// AreaIn reports whether an area is the outer one or inside it.
func AreaIn(tx db.Tx, area, outer db.ID) (bool, error) {
	var in bool
	err := tx.Get(&in, `
		select exists (select from area where id = $1 and $2 in (l0, l1, l2, l3, l4, l5))`, area, outer)
	return in, err
}

// PathName is an area path as one line, the country left out.
func PathName(p *i18n.Printer, path []Area) string {
	var names []string
	for _, a := range path {
		if a.Level > 0 || len(path) == 1 {
			names = append(names, a.Name.In(p))
		}
	}
	return p.List(names)
}
