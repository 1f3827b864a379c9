package importer

import (
	"regexp"
	"slices"
	"strings"

	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/names"
)

// layout says where in a source's rows everything is.
type layout struct {
	src     *source
	table   Table
	slots   [slots]*column
	numbers []numberColumns
	fields  []fieldColumns
	levels  []int // columns of the mapping's area levels
}

// column reads one column of a source.
type column struct {
	index int
	Target
	codes map[string]string // the mapping's, by what the file says
	known map[string]string // codes by themselves and by their names in every language
	seen  map[string]answer // what was said before
}

type answer struct {
	codes []string
	ok    bool
}

// numberColumns are what a source says about one kind of number.
type numberColumns struct {
	kind                                                string
	pattern                                             *regexp.Regexp
	check                                               string
	value, issuer, expires, verified, assurance, method *column
}

// fieldColumns are where the value of one field is: in one column, or in several
// that make a list.
type fieldColumns struct {
	field registry.Field
	key   string // its name in the record's values
	one   *column
	list  []listColumn
	seen  map[string]any // values of a choice, made once
}

type listColumn struct {
	index               int
	answer, when, other string
}

// newLayout finds the columns of a mapping in a source. The error names what is
// missing or unknown.
func newLayout(src *source, table Table, m *Mapping, printers []*i18n.Printer) (*layout, error) {
	l := &layout{src: src, table: table}
	t := m.Tables[table.Code]
	at := map[string]int{}
	for i, name := range src.header {
		at[name] = i
		_, mapped := t.Columns[name]
		if name != "" && !mapped && !slices.Contains(t.Ignore, name) && !slices.Contains(m.used(table.Code), name) {
			return nil, readable(src.name(), "import.error.column_unknown", "Line", src.line, "Column", name)
		}
	}
	for _, name := range m.used(table.Code) {
		i, ok := at[name]
		if !ok {
			return nil, readable(src.name(), "import.error.column_missing", "Line", src.line, "Column", name)
		}
		l.levels = append(l.levels, i)
	}
	headers, taken := sortedKeys(t.Columns), map[string]bool{}
	slices.SortFunc(headers, func(a, b string) int { return at[a] - at[b] })
	for _, name := range headers {
		col := t.Columns[name]
		i, ok := at[name]
		if !ok && m.loose {
			continue
		}
		if !ok {
			return nil, readable(src.name(), "import.error.column_missing", "Line", src.line, "Column", name)
		}
		if taken[col.To] && col.Answer == "" { // its name in two languages
			return nil, readable(src.name(), "import.error.column_twice", "Line", src.line, "Column", name)
		}
		taken[col.To] = true
		target, _ := table.Target(col.To) // the mapping was checked
		l.place(&column{index: i, Target: target, codes: col.Codes, known: target.answers(printers), seen: map[string]answer{}}, col)
	}
	return l, nil
}

func (l *layout) place(c *column, col Column) {
	switch {
	case c.slot != slotNone:
		l.slots[c.slot] = c
	case c.Number != "":
		i := slices.IndexFunc(l.numbers, func(n numberColumns) bool { return n.kind == c.Number })
		if i < 0 {
			i = len(l.numbers)
			l.numbers = append(l.numbers, newNumber(c.number))
		}
		n := &l.numbers[i]
		*map[string]**column{"": &n.value, "issuer": &n.issuer, "expires": &n.expires, "verified": &n.verified, "assurance": &n.assurance, "method": &n.method}[c.part] = c
	case col.Answer != "":
		f := l.field(c)
		f.list = append(f.list, listColumn{index: c.index, answer: col.Answer, when: col.When, other: col.Else})
	default:
		l.field(c).one = c
	}
}

func newNumber(t *registry.IdentifierType) numberColumns {
	n := numberColumns{kind: t.Code, check: t.CheckDigit}
	if t.Pattern != "" {
		n.pattern, _ = regexp.Compile(`^(?:` + t.Pattern + `)$`)
	}
	return n
}

// fits reports whether a number can be one of its kind.
func (n numberColumns) fits(value string) bool {
	return value != "" && (n.pattern == nil || n.pattern.MatchString(value)) && registry.CheckDigit(n.check, value)
}

func (l *layout) field(c *column) *fieldColumns {
	i := slices.IndexFunc(l.fields, func(f fieldColumns) bool { return f.key == c.Field.Code })
	if i < 0 {
		i = len(l.fields)
		l.fields = append(l.fields, fieldColumns{field: *c.Field, key: c.Field.Code, seen: map[string]any{}})
	}
	return &l.fields[i]
}

// answers are a target's codes by themselves and by their names in the languages
// given. A name that two answers have is nobody's.
func (t Target) answers(printers []*i18n.Printer) map[string]string {
	if t.Codes == nil {
		return nil
	}
	known, twice := map[string]string{}, map[string]bool{}
	for _, code := range t.Codes {
		known[code] = code
		for _, p := range printers {
			name := names.Fold(t.Answer(p, code))
			if other, ok := known[name]; ok && other != code {
				twice[name] = true
			}
			known[name] = code
		}
	}
	for name := range twice {
		if !slices.Contains(t.Codes, name) {
			delete(known, name)
		}
	}
	for _, code := range t.Codes { // a code is never taken for another's name
		known[code] = code
	}
	if t.Field != nil { // what is offered no more may be said of a record that holds it
		for _, o := range t.Field.Options {
			for _, name := range append([]string{o.Code}, labels(t, o, printers)...) {
				if _, taken := known[name]; !taken && !twice[name] && o.Retired {
					known[name] = o.Code
				}
			}
		}
	}
	if t.words == "answer." {
		known["1"], known["true"], known["0"], known["false"] = "yes", "yes", "no", "no"
	}
	return known
}

// labels are an answer's names in the languages given, folded.
func labels(t Target, o registry.Option, printers []*i18n.Printer) []string {
	var list []string
	for _, p := range printers {
		list = append(list, names.Fold(t.Answer(p, o.Code)))
	}
	return list
}

// maxSeen bounds what is remembered of a column.
const maxSeen = 5000

// answer is the code, or the codes, that a cell says; false when it says
// something else.
func (c *column) answer(cell string) ([]string, bool) {
	a, ok := c.seen[cell]
	if !ok {
		a.codes, a.ok = c.read(cell)
		if len(c.seen) < maxSeen {
			c.seen[cell] = a
		}
	}
	return a.codes, a.ok
}

func (c *column) read(cell string) ([]string, bool) {
	if code, ok := c.codes[cell]; ok {
		if code == "" {
			return nil, true
		}
		return []string{code}, true
	}
	cell = strings.TrimSpace(cell)
	if cell == "" {
		return nil, true
	}
	if !c.many {
		code, ok := c.one(cell)
		return []string{code}, ok
	}
	var list []string
	for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == '؛' || r == '|' || r == '\n' }) {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		code, ok := c.one(part)
		if !ok {
			return nil, false
		}
		list = append(list, code)
	}
	slices.Sort(list)
	return slices.Compact(list), true
}

func (c *column) one(cell string) (string, bool) {
	if code, ok := c.codes[cell]; ok && code != "" {
		return code, true
	}
	if c.known == nil {
		return cell, true
	}
	if code, ok := c.known[cell]; ok {
		return code, true
	}
	code, ok := c.known[names.Fold(i18n.LatinDigits(cell))]
	return code, ok
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
