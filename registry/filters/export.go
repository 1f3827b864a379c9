package filters

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/consent"
)

// ExportLimit is how many records a file can have: what is more is asked for in
// parts, by area.
const ExportLimit = 20_000

// Columns lists the fields that may be written into a file.
func (c Catalogue) Columns() []Field {
	var list []Field
	for _, f := range c.Fields {
		if f.Export {
			list = append(list, f)
		}
	}
	return list
}

// Cell is one value of a table: a text or a number.
type Cell struct {
	Text   string
	Number *float64
}

// Table is an export: what is written into a file, in either format.
type Table struct {
	Header []string
	Rows   [][]Cell
}

// Export reads what a filter finds, with the columns that were chosen among
// those permitted, and logs for each person that their record was taken along,
// by whom and what for. A protected place is never in it (RULES R5). For a purpose
// that rests on consent, whoever has not agreed, or not any more, is not in it, and
// nothing says so: it tells no more than if they were not there (RULES R18).
func Export(tx db.Tx, o Officer, c Catalogue, f Filter, chosen []string, purpose string, p *i18n.Printer) (Table, error) {
	var columns []Field
	for _, field := range c.Columns() {
		if slices.Contains(chosen, field.ID) {
			columns = append(columns, field)
		}
	}
	if len(columns) < len(slices.Compact(slices.Sorted(slices.Values(chosen)))) {
		return Table{}, fault.New(fault.Invalid, "filter.error.field")
	}
	in, err := places(tx, o, f.Area)
	if err != nil {
		return Table{}, err
	}
	b, err := newBuilder(tx)
	if err != nil {
		return Table{}, err
	}
	ids, err := c.statement(b, f, in, nil, ExportLimit+1)
	if err != nil {
		return Table{}, err
	}
	values := []string{"null::text"}
	for _, field := range columns {
		text := "(" + field.sql(b) + ")::text"
		if field.Kind == Place {
			text = "array_to_string(" + field.sql(b) + ", ' ')"
		}
		values = append(values, text)
	}
	var rows []exported
	permitted := "true" // of a group: who is in it is not in the file
	switch f.Subject {
	case People:
		permitted = consent.Permits("x.id", b.arg(purpose), b.arg(tx.Now()))
	case Households:
		permitted = consent.PermitsHousehold("x.id", b.arg(purpose), b.arg(tx.Now()))
	}
	if err := tx.Select(&rows, exportQuery(f.Subject, ids, strings.Join(values, ", "), permitted), b.args...); err != nil {
		return Table{}, err
	}
	if len(rows) > ExportLimit {
		return Table{}, fault.New(fault.Invalid, "filter.error.many", "Max", p.Number(ExportLimit))
	}
	t := Table{Header: header(f.Subject, p)}
	for _, field := range columns {
		t.Header = append(t.Header, field.Name(p))
	}
	if columns, err = named(tx, columns, rows); err != nil {
		return Table{}, err
	}
	for _, r := range rows {
		cells, err := r.cells(f.Subject, columns, p)
		if err != nil {
			return Table{}, err
		}
		t.Rows = append(t.Rows, cells)
	}
	list := make([]Row, len(rows))
	for i, r := range rows {
		list[i].ID = r.ID
	}
	return t, f.wrote(tx, "exported", purpose, list, map[string]any{"columns": chosen, "rows": len(rows)})
}

// named are the columns, with the names of the areas that rows hold.
func named(tx db.Tx, columns []Field, rows []exported) ([]Field, error) {
	var codes []string
	for _, r := range rows {
		var values []*string
		if err := json.Unmarshal(r.Values, &values); err != nil {
			return nil, err
		}
		for i, f := range columns {
			if f.Kind == Place && values[i+1] != nil {
				codes = append(codes, strings.Fields(*values[i+1])...)
			}
		}
	}
	if len(codes) == 0 {
		return columns, nil
	}
	slices.Sort(codes)
	options, err := placeOptions(tx, slices.Compact(codes))
	columns = slices.Clone(columns)
	for i := range columns {
		if columns[i].Kind == Place {
			columns[i].Options = options
		}
	}
	return columns, err
}

type exported struct {
	ID        db.ID     `db:"id"`
	Ref       string    `db:"ref"`
	Name      string    `db:"name"`
	Latin     string    `db:"latin"`
	From      string    `db:"born_from"`
	To        string    `db:"born_to"`
	Household string    `db:"household"`
	AreaCode  string    `db:"area_code"`
	AreaName  i18n.Text `db:"area_name"`
	Values    []byte    `db:"extra"`
}

func exportQuery(subject Subject, ids, values, permitted string) string {
	if subject == Groups {
		return `
			select x.id, g.ref, g.name, coalesce(g.name_latin, '') as latin, '' as born_from, '' as born_to, '' as household,
			       coalesce(a.code, '') as area_code, coalesce(a.name, '{}') as area_name, to_jsonb(array[` + values + `]) as extra
			from (` + ids + `) x join group_record g on g.id = x.id left join area a on a.id = g.area_id
			order by x.place collate "C", x.id`
	}
	if subject == Households {
		return `
			select x.id, h.ref, '' as name, '' as latin, '' as born_from, '' as born_to, '' as household,
			       case when h.protected then '' else a.code end as area_code, case when h.protected then '{}' else a.name end as area_name,
			       to_jsonb(array[` + values + `]) as extra
			from (` + ids + `) x join household h on h.id = x.id join area a on a.id = h.area_id
			where ` + permitted + `
			order by x.place collate "C", x.id`
	}
	return `
		select x.id, p.ref, coalesce(p.full_name, '') as name, coalesce(p.full_name_latin, '') as latin,
		       coalesce(p.birth_from::text, '') as born_from, coalesce(p.birth_to::text, '') as born_to, coalesce(h.ref, '') as household,
		       case when h.protected then '' else coalesce(a.code, '') end as area_code,
		       case when h.protected then '{}' else coalesce(a.name, '{}') end as area_name, to_jsonb(array[` + values + `]) as extra
		from (` + ids + `) x join person p on p.id = x.id join person_search s on s.person_id = x.id
		left join household h on h.id = s.household_id left join area a on a.id = h.area_id
		where ` + permitted + `
		order by x.place collate "C", x.id`
}

// fixed is how many of the values stand in a file that only people have all of.
func fixed(subject Subject, all int) int {
	switch subject {
	case Households: // a reference
		return 1
	case Groups: // and names
		return 3
	}
	return all
}

func header(subject Subject, p *i18n.Printer) []string {
	keys := []string{"search.column.reference", "search.column.name", "filter.column.latin", "filter.column.born_from", "filter.column.born_to", "filter.column.household"}
	keys = keys[:fixed(subject, len(keys))]
	var names []string
	for _, key := range append(keys, "filter.column.area_code", "area.label") {
		names = append(names, p.T(key))
	}
	return names
}

func (r exported) cells(subject Subject, columns []Field, p *i18n.Printer) ([]Cell, error) {
	texts := []string{r.Ref, r.Name, r.Latin, r.From, r.To, r.Household}
	texts = texts[:fixed(subject, len(texts))]
	var cells []Cell
	for _, s := range append(texts, r.AreaCode, r.AreaName.In(p)) {
		cells = append(cells, Cell{Text: s})
	}
	var values []*string
	if err := json.Unmarshal(r.Values, &values); err != nil {
		return nil, err
	}
	for i, field := range columns {
		v := values[i+1]
		if v == nil {
			cells = append(cells, Cell{})
			continue
		}
		cells = append(cells, field.cell(*v, p))
	}
	return cells, nil
}

// cell is a stored value as a file shows it.
func (f Field) cell(v string, p *i18n.Printer) Cell {
	switch f.Kind {
	case Number:
		if n, ok := number(v); ok {
			return Cell{Number: &n}
		}
	case Choice:
		return Cell{Text: f.option(v, p)}
	case Place:
		codes := strings.Fields(v)
		for i, code := range codes {
			if name := f.option(code, p); name != code {
				codes[i] = name + " (" + code + ")"
			}
		}
		return Cell{Text: strings.Join(codes, "; ")}
	case Choices, GroupType:
		var codes []string
		if json.Unmarshal([]byte(v), &codes) == nil {
			for i, code := range codes {
				codes[i] = f.option(code, p)
			}
			return Cell{Text: strings.Join(codes, "; ")}
		}
	case Day:
		if t, err := time.Parse(time.DateOnly, v); err == nil {
			return Cell{Text: t.Format(time.DateOnly)}
		}
	}
	return Cell{Text: v}
}

func (f Field) option(code string, p *i18n.Printer) string {
	for _, o := range f.Options {
		if o.Code == code {
			return o.Name(p)
		}
	}
	return code
}
