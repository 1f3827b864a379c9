package registry

import (
	"fmt"
	"slices"
)

// Row is one row of a roster: its id, and the values of its columns.
type Row map[string]any

// RowID is the key of a row's identity. It stays when the row's values change.
const RowID = "id"

// MaxRows is how many rows a roster may have.
const MaxRows = 50

// ID is the row's identity.
func (r Row) ID() string { return fmt.Sprint(r[RowID]) }

// Rows reads a roster's stored value; what is no row is left out.
func Rows(value any) []Row {
	var rows []Row
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			if row, ok := one.(map[string]any); ok {
				rows = append(rows, row)
			}
		}
	case []Row:
		rows = slices.Clone(v)
	}
	return rows
}

// RowOf finds a row by its id.
func RowOf(value any, id string) (Row, bool) {
	for _, row := range Rows(value) {
		if row.ID() == id {
			return row, true
		}
	}
	return nil, false
}

// PutRow is the roster with a row added, or changed where its id is known.
func PutRow(value any, row Row) []Row {
	rows := Rows(value)
	for i := range rows {
		if rows[i].ID() == row.ID() {
			rows[i] = row
			return rows
		}
	}
	return append(rows, row)
}

// DropRow is the roster without a row.
func DropRow(value any, id string) []Row {
	return slices.DeleteFunc(Rows(value), func(r Row) bool { return r.ID() == id })
}
