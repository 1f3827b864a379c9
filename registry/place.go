package registry

import (
	"slices"
	"strings"

	"daftar/db"
	"daftar/i18n"
)

// A field that holds an area stores its P-code. What the area is called is
// looked up when values are shown: the areas that occur become the field's
// options. One that ended is a retired option.

// WithPlaces is the definitions, with the names of the areas that the values
// hold.
func WithPlaces(tx db.Tx, fields Fields, values ...Values) (Fields, error) {
	codes := placesIn(fields, values)
	if len(codes) == 0 {
		return fields, nil
	}
	options, err := PlaceNames(tx, codes)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(fields)
	for i := range out {
		if out[i].Type == TypeArea {
			out[i].Options = options
		}
	}
	return out, nil
}

// PlaceNames is what areas are called, by their P-codes: each with those around it,
// but the country.
func PlaceNames(tx db.Tx, codes []string) (Options, error) {
	var areas []struct {
		Code  string    `db:"code"`
		Name  i18n.Text `db:"name"`
		Ended bool      `db:"ended"`
	}
	if err := tx.Select(&areas, `
		select x.code, x.valid_to is not null as ended, jsonb_object_agg(n.tag, n.name) as name from (
			select a.code, t.tag, string_agg(coalesce(p.name->>t.tag, p.name->>'en', p.code), ', ' order by p.level desc) as name
			from area a join area p on p.id in (a.l1, a.l2, a.l3, a.l4, a.l5) or p.id = a.id
			cross join jsonb_object_keys(a.name) t (tag)
			where a.code = any($1) group by a.code, t.tag) n (code, tag, name)
		join area x on x.code = n.code group by x.id`, codes); err != nil {
		return nil, err
	}
	var options Options
	for _, a := range areas {
		options = append(options, Option{Code: a.Code, Label: a.Name, Retired: a.Ended})
	}
	return options, nil
}

// placesIn lists the P-codes that the values hold, in rosters too.
func placesIn(fields Fields, values []Values) []string {
	var codes []string
	for _, f := range fields {
		if f.Type != TypeArea {
			continue
		}
		for _, v := range values {
			holders := []Values{v}
			if f.Roster != "" {
				holders = nil
				for _, row := range Rows(v[f.Roster]) {
					holders = append(holders, Values(row))
				}
			}
			for _, h := range holders {
				if code, ok := h[f.Code].(string); ok && code != "" {
					codes = append(codes, code)
				}
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// UnknownPlaces lists the P-codes that the values hold and that no area has now.
func UnknownPlaces(tx db.Tx, fields Fields, values ...Values) ([]string, error) {
	codes := placesIn(fields, values)
	if len(codes) == 0 {
		return nil, nil
	}
	var there []string
	if err := tx.Select(&there, `select code from area where code = any($1)`, codes); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(codes, func(code string) bool { return slices.Contains(there, code) }), nil
}

// FindPlaces finds the areas that somebody means with what they typed: the one
// with that code, else those with that name in any language, at most limit.
func FindPlaces(tx db.Tx, typed string, limit int) ([]Area, error) {
	typed = strings.TrimSpace(i18n.LatinDigits(typed))
	var list []Area
	err := tx.Select(&list, `select `+areaColumns+` from area a where a.code = upper($1) and a.valid_to is null`, typed)
	if err != nil || len(list) > 0 || typed == "" {
		return list, err
	}
	err = tx.Select(&list, `
		select `+areaColumns+` from area a
		where a.valid_to is null and a.search ~ ('(^|\n)' || regexp_replace(area_fold($1), '[^[:alnum:] ]', '.', 'g') || '($|\n)')
		order by a.level, a.code limit $2`, typed, limit)
	return list, err
}
