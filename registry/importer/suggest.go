package importer

import (
	"slices"
	"strings"

	"daftar/i18n"
	"daftar/registry/names"
)

// Words are the languages in which columns and answers may be named.
type Words = *i18n.Printer

// others are what columns are often called elsewhere, folded.
var others = map[string][]string{
	"household":       {"hid", "hhid", "hh id", "household id", "household key", "household number", "family id"},
	"person":          {"idno", "pid", "person id", "member id", "member number", "line number", "individual id"},
	"ref":             {"reference", "registry reference"},
	"area":            {"pcode", "p code", "adm pcode", "area code", "location", "village", "ward", "district"},
	"directions":      {"address", "street", "landmark"},
	"size":            {"hhsize", "household size", "hh size", "members"},
	"relationship":    {"relation", "relation to head", "relationship to head"},
	"full_name":       {"name", "names", "full name", "person name", "beneficiary name"},
	"full_name_latin": {"name latin", "latin name", "name in english", "english name"},
	"given_name":      {"first name", "given names", "firstname", "forename"},
	"family_name":     {"last name", "surname", "lastname"},
	"other_names":     {"middle name", "middle names", "father name"},
	"sex":             {"gender"},
	"birth_date":      {"dob", "birthdate", "date of birth", "birth day", "born"},
	"birth_year":      {"yob", "year of birth"},
	"age":             {"age years", "age in years"},
	"age_months":      {"age month", "age in months"},
	"phone":           {"telephone", "mobile", "mobile number", "phone number", "cell"},
	"email":           {"e mail", "email address", "mail"},
	"id.national_id":  {"nid", "national id", "nin", "id number", "national number"},
}

// Suggest finds what columns seem to be, by their headers: the codes that a
// template gives them, their names in any language, or what they are often
// called. No target is suggested twice.
func (c *Catalogue) Suggest(t Table, header []string, words ...Words) map[string]Column {
	found, taken := map[string]Column{}, map[string]bool{}
	try := func(fits func(Target, string) bool) {
		for _, name := range header {
			if _, done := found[name]; done || name == "" {
				continue
			}
			for _, target := range t.Targets {
				if !taken[target.Code] && fits(target, name) {
					found[name], taken[target.Code] = Column{To: target.Code}, true
					break
				}
			}
		}
	}
	try(func(o Target, name string) bool { return o.Code == codeOf(name) })
	try(func(o Target, name string) bool { return fold(o.Code) == fold(name) })
	try(func(o Target, name string) bool {
		return slices.ContainsFunc(words, func(p Words) bool { return o.part == "" && fold(o.Name(p)) == fold(name) })
	})
	try(func(o Target, name string) bool { return slices.Contains(others[o.Code], fold(name)) })
	return found
}

func fold(s string) string { return names.Fold(strings.ReplaceAll(s, "_", " ")) }

// Suggested is a mapping of all lists by their headers; what nothing is
// suggested for is ignored.
func (c *Catalogue) Suggested(looks []Look, words ...Words) *Mapping {
	m := &Mapping{Tables: map[string]TableMapping{}}
	for _, l := range looks {
		table, ok := c.Table(l.Kind)
		if !ok {
			continue
		}
		t := m.Tables[l.Kind]
		if t.Columns == nil {
			t.Columns = map[string]Column{}
		}
		for name, col := range c.Suggest(table, l.Header, words...) {
			t.Columns[name] = col
		}
		for _, name := range l.Header {
			if _, ok := t.Columns[name]; !ok && name != "" && !slices.Contains(t.Ignore, name) {
				t.Ignore = append(t.Ignore, name)
			}
		}
		m.Tables[l.Kind] = t
	}
	return m
}

// NamesItself reports whether every column of the lists carries its code, as a
// template's do.
func (c *Catalogue) NamesItself(looks []Look) bool {
	some := false
	for _, l := range looks {
		if l.Kind == Nothing {
			continue
		}
		table, ok := c.Table(l.Kind)
		if !ok {
			return false
		}
		for _, name := range l.Header {
			if _, ok := table.Target(codeOf(name)); !ok && name != "" {
				return false
			}
			some = true
		}
	}
	return some
}

// Fits reports whether a mapping can read the lists as they are; else what is
// missing or unknown.
func (m *Mapping) Fits(looks []Look, c *Catalogue, words []Words) error {
	if err := m.Check(c); err != nil {
		return err
	}
	for _, l := range looks {
		table, ok := c.Table(l.Kind)
		if !ok {
			continue
		}
		layout, err := newLayout(&source{file: l.Name, sheet: l.Sheet, header: l.Header, line: 1}, table, m, words)
		if err != nil {
			return err
		}
		if err := layout.enough(); err != nil {
			return err
		}
	}
	return nil
}
