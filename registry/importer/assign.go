package importer

import (
	"maps"
	"slices"
	"strings"
)

// assign finds out what each list holds: what somebody chose, else the table
// whose columns its header has most of.
func assign(sources []*source, m *Mapping) error {
	for _, s := range sources {
		if s.kind != "" {
			continue
		}
		if s.kind = bestTable(s, m); s.kind == "" {
			if s.sheet != "" {
				s.kind = Nothing // a page of explanations
				continue
			}
			return readable(s.name(), "import.error.table")
		}
	}
	return nil
}

func bestTable(s *source, m *Mapping) string {
	best, most := "", 0
	for _, code := range sortedKeys(m.Tables) {
		t := m.Tables[code]
		n := 0
		for _, name := range s.header {
			if _, ok := t.Columns[name]; ok || slices.Contains(t.Ignore, name) || slices.Contains(m.used(code), name) {
				n++
			}
		}
		if n > most || n == most && n > 0 && s.sheet == code {
			best, most = code, n
		}
	}
	return best
}

// codeOf is the code that a template's header carries: "Rooms [rooms]", or the
// code alone.
func codeOf(header string) string {
	if open := strings.LastIndexByte(header, '['); open >= 0 && strings.HasSuffix(header, "]") {
		return strings.TrimSpace(header[open+1 : len(header)-1])
	}
	return header
}

// nameThemselves makes the mapping of files whose columns carry their codes.
func (r *run) nameThemselves() error {
	r.m.Tables, r.m.loose = map[string]TableMapping{}, true
	for _, s := range r.sources {
		if s.kind == Nothing {
			continue
		}
		table, ok := r.cat.Table(s.kind)
		if !ok {
			if table, ok = r.cat.selfNamed(s); !ok {
				if s.sheet != "" {
					s.kind = Nothing
					continue
				}
				return readable(s.name(), "import.error.no_codes")
			}
			s.kind = table.Code
		}
		t, taken := TableMapping{Columns: map[string]Column{}}, map[string]bool{}
		for _, name := range s.header {
			code := codeOf(name)
			if _, ok := table.Target(code); !ok {
				continue
			}
			if taken[code] {
				return readable(s.name(), "import.error.column_twice", "Line", s.line, "Column", name)
			}
			t.Columns[name], taken[code] = Column{To: code}, true
		}
		if before, ok := r.m.Tables[s.kind]; ok { // a second list of the same kind
			maps.Copy(t.Columns, before.Columns)
		}
		r.m.Tables[s.kind] = t
	}
	return r.m.Check(r.cat)
}

// selfNamed is the table whose codes a header carries: each of its columns.
func (c *Catalogue) selfNamed(s *source) (Table, bool) {
	var best Table
	most, wanted := 0, 0
	for _, name := range s.header {
		if name != "" {
			wanted++
		}
	}
	for _, t := range c.Tables {
		n := 0
		for _, name := range s.header {
			if _, ok := t.Target(codeOf(name)); ok {
				n++
			}
		}
		if n > most || n == most && n > 0 && s.sheet == t.Code {
			best, most = t, n
		}
	}
	return best, most > 0 && (most*2 > wanted || s.sheet == best.Code)
}

// enough reports whether a list has the columns that its rows cannot do without.
func (l *layout) enough() error {
	missing := func(code string) error {
		return readable(l.src.name(), "import.error.column_needed", "Line", l.src.line, "Code", code)
	}
	has := func(list ...slot) bool {
		return slices.ContainsFunc(list, func(s slot) bool { return l.slots[s] != nil })
	}
	switch {
	case l.table.Roster != nil && l.table.Subject == "household" && !has(slotHousehold):
		return missing("household")
	case l.table.Roster != nil && l.table.Subject == "person" && !has(slotPerson):
		return missing("person")
	case l.table.Code == Households && !has(slotKey, slotRef) && len(l.numbers) == 0:
		return missing("household")
	case l.table.Code == Groups && !has(slotKey, slotRef) && len(l.numbers) == 0:
		return missing("group")
	case l.table.Code == Members && !has(slotGroup):
		return missing("group")
	case l.table.Code == Members && !has(slotHousehold, slotPerson, slotSubgroup):
		return missing("household")
	}
	return nil
}
