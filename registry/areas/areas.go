// Package areas keeps the tree of administrative areas: imports with a diff
// that is approved before it is true, corrections, merges and splits with the
// records following, outlines, search.
package areas

import (
	"encoding/json"
	"fmt"
	"unicode"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
)

// Actor is who works on areas, and where they may.
type Actor struct {
	ID    db.ID
	Areas []db.ID
	All   bool // a command of whoever runs the system: every area
}

// Area is an area with what its page shows.
type Area struct {
	ID          db.ID     `db:"id"`
	Code        string    `db:"code"`
	Level       int       `db:"level"`
	Kind        string    `db:"kind"`
	KindName    i18n.Text `db:"kind_name"`
	Parent      *db.ID    `db:"parent_id"`
	ParentCode  string    `db:"parent_code"`
	Name        i18n.Text `db:"name"`
	Alternative List      `db:"alternative"`
	Km2         *float64  `db:"km2"`
	From        string    `db:"valid_from"` // "2006-01-02"; "" for always
	To          string    `db:"valid_to"`   // "" while it goes on
	Version     int       `db:"version"`
}

// Ended reports whether the area is no more.
func (a Area) Ended() bool { return a.To != "" }

const areaColumns = `a.id, a.code, a.level, a.kind, k.name as kind_name, a.parent_id, coalesce(p.code, '') as parent_code,
	a.name, to_jsonb(a.alternative) as alternative, a.km2::float8 as km2, coalesce(a.valid_from::text, '') as valid_from,
	coalesce(a.valid_to::text, '') as valid_to, a.version`

const areaFrom = ` from area a join area_kind k on k.level = a.level and k.code = a.kind left join area p on p.id = a.parent_id `

// within is the condition that an area lies in one of the areas of a parameter.
func within(alias, param string) string {
	s := "("
	for level := range MaxLevel + 1 {
		if level > 0 {
			s += " or "
		}
		s += fmt.Sprintf("%s.l%d = any(%s)", alias, level, param)
	}
	return s + ")"
}

// Load reads an area by its P-code.
func Load(tx db.Tx, code string) (Area, error) {
	var a Area
	err := tx.Get(&a, `select `+areaColumns+areaFrom+`where a.code = $1`, code)
	return a, err
}

// List is a list of texts in a jsonb column.
type List []string

// Scan reads a jsonb column.
func (l *List) Scan(src any) error { return scan(src, l) }

func scan(src, dst any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case []byte:
		return json.Unmarshal(v, dst)
	case string:
		return json.Unmarshal([]byte(v), dst)
	}
	return fmt.Errorf("cannot read %T as JSON", src)
}

// unfit are characters that no name holds.
func unfit(r rune) bool {
	return r == unicode.ReplacementChar || unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// notYours is the answer to a change of areas that one does not answer for.
func notYours() error { return fault.New(fault.Forbidden, "areas.error.not_yours") }
