package settings

import (
	"daftar/db"
	"daftar/i18n"
)

// Reach is what an office answers for: the areas, and how many records are there.
type Reach struct {
	Areas      []i18n.Text
	Households int
	People     int
}

// ReachOf counts what an office answers for. It reads no record.
func ReachOf(tx db.Tx, office string) (Reach, error) {
	var codes []string
	if err := tx.Select(&codes, `
		select a.code from office o join office_scope s on s.office_id = o.id join area a on a.id = s.area_id where o.code = $1`, office); err != nil {
		return Reach{}, err
	}
	return ReachIn(tx, codes)
}

// ReachIn counts what lies in areas, by their P-codes.
func ReachIn(tx db.Tx, codes []string) (r Reach, err error) {
	var areas []struct {
		Name i18n.Text `db:"name"`
	}
	if err := tx.Select(&areas, `select a.name from area a where a.code = any($1) order by a.code`, codes); err != nil {
		return r, err
	}
	for _, a := range areas {
		r.Areas = append(r.Areas, a.Name)
	}
	var counted struct {
		Households int `db:"households"`
		People     int `db:"people"`
	}
	err = tx.Get(&counted, `
		with inside as (
			select h.id from household h join area a on a.id = h.area_id
			where h.status = 'active' and exists (
				select from area s where s.code = any($1) and s.id in (a.l0, a.l1, a.l2, a.l3, a.l4, a.l5)))
		select (select count(*) from inside) as households,
		       (select count(*) from residence m join inside i on i.id = m.household_id) as people`, codes)
	r.Households, r.People = counted.Households, counted.People
	return r, err
}
