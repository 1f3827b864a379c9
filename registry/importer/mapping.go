// Package importer brings files into the registry: lists of households, of
// people, of the rows of rosters. Each row is checked, all of them are proposed
// as one change, and somebody else approves it.
package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"daftar/i18n"
	"daftar/registry"
)

// Mapping says what the columns of files are. Every column is mapped or ignored
// by name: one that nobody thought of is an error.
type Mapping struct {
	Source string `yaml:"source,omitempty"` // where the files come from, in words
	// List names a list that has keys of its own: they are kept with the records,
	// as numbers of the types <list>_household and <list>_person, so that a later
	// file finds them.
	List   string                  `yaml:"list,omitempty"`
	AgeOn  string                  `yaml:"age_on,omitempty"` // the day on which ages were true; today when empty
	Dates  string                  `yaml:"dates,omitempty"`  // one of DateOrders; "ymd" when empty
	Empty  string                  `yaml:"empty,omitempty"`  // "keep" (when empty) or "clear": what an empty cell does to a value that is there
	Match  string                  `yaml:"match,omitempty"`  // "update" (when empty) or "new": what the number of a registered person does
	Nature string                  `yaml:"nature,omitempty"` // of what changes: registry.Event when empty
	On     string                  `yaml:"on,omitempty"`     // since when changes are so in the world
	Areas  *AreaMapping            `yaml:"areas,omitempty"`
	Tables map[string]TableMapping `yaml:"tables,omitempty"`

	loose bool // made of the files' own headers: a list has the columns that it has
}

// TableMapping maps the columns of one table.
type TableMapping struct {
	Columns map[string]Column `yaml:"columns"` // by the file's header
	Ignore  []string          `yaml:"ignore,omitempty,flow"`
}

// Column says what a column is. In YAML the code of its target alone will do.
type Column struct {
	To    string            `yaml:"to"`
	Codes map[string]string `yaml:"codes,omitempty,flow"` // answers by what the file says; "" is no answer
	// Of several columns that make one list: the answer that this one gives when
	// it says When; anything but that and Else is an error.
	Answer string `yaml:"answer,omitempty"`
	When   string `yaml:"when,omitempty"`
	Else   string `yaml:"else,omitempty"`
}

// UnmarshalYAML reads a column, short or long.
func (c *Column) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		c.To = n.Value
		return nil
	}
	type long Column
	var l long
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !slices.Contains([]string{"to", "codes", "answer", "when", "else"}, n.Content[i].Value) {
			return fmt.Errorf("line %d: a column has no %q", n.Content[i].Line, n.Content[i].Value)
		}
	}
	if err := n.Decode(&l); err != nil {
		return err
	}
	*c = Column(l)
	return nil
}

// MarshalYAML writes a column, short where that says all.
func (c Column) MarshalYAML() (any, error) {
	if c.Codes == nil && c.Answer == "" {
		return c.To, nil
	}
	type long Column
	return long(c), nil
}

// AreaMapping makes areas of columns of the households, from the country down.
type AreaMapping struct {
	Country AreaName    `yaml:"country"`
	Levels  []AreaLevel `yaml:"levels"`
}

// AreaName is a code with a name per language.
type AreaName struct {
	Code string    `yaml:"code"`
	Name i18n.Text `yaml:"name"`
}

// AreaLevel is one level of areas; %s in Code stands for the column's value.
type AreaLevel struct {
	Column string               `yaml:"column"`
	Kind   string               `yaml:"kind"`
	Code   string               `yaml:"code"`
	Names  map[string]i18n.Text `yaml:"names"` // by the column's value; a value without a name is an error
}

// DateOrders lists the orders of the parts of a date. Each has the message
// "import.dates.<code>".
func DateOrders() []string { return []string{"ymd", "dmy", "mdy"} }

// maxMapping bounds a mapping, in bytes.
const maxMapping = 1 << 20

// ReadMapping reads a mapping and checks it against what can be imported.
func ReadMapping(r io.Reader, c *Catalogue) (*Mapping, error) {
	m, err := DecodeMapping(r)
	if err != nil {
		return nil, err
	}
	return m, m.Check(c)
}

// DecodeMapping reads a mapping, as far as that needs no registry.
func DecodeMapping(r io.Reader) (*Mapping, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxMapping+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxMapping {
		return nil, errors.New("the mapping is too long")
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	m := &Mapping{}
	switch err := d.Decode(m); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the mapping is empty")
	case err != nil:
		return nil, err
	}
	return m, nil
}

// YAML is the mapping as a file.
func (m *Mapping) YAML() ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(m), e.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var listForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}$`)

// Check reports the first thing that cannot be, for whoever writes mappings.
func (m *Mapping) Check(c *Catalogue) error {
	switch {
	case len(m.Tables) == 0:
		return errors.New("tables is missing: say what the columns of households or people are")
	case m.List != "" && !listForm.MatchString(m.List):
		return errors.New("list is a short name of small letters, such as census_2026")
	case m.Dates != "" && !slices.Contains(DateOrders(), m.Dates):
		return errors.New("dates is ymd, dmy or mdy")
	case m.Empty != "" && m.Empty != "keep" && m.Empty != "clear":
		return errors.New("empty is keep or clear")
	case m.Match != "" && m.Match != "update" && m.Match != "new":
		return errors.New("match is update or new")
	case m.Nature != "" && m.Nature != string(registry.Event) && m.Nature != string(registry.Correction):
		return errors.New("nature is event or correction")
	}
	for name, day := range map[string]string{"age_on": m.AgeOn, "on": m.On} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return fmt.Errorf("%s must be a day such as 2023-06-30", name)
		}
	}
	if m.Areas != nil && (m.Areas.Country.Code == "" || len(m.Areas.Levels) == 0) {
		return errors.New("areas needs a country and at least one level")
	}
	for code, t := range m.Tables {
		table, ok := c.Table(code)
		if !ok {
			return fmt.Errorf("there is no table %q", code)
		}
		if err := t.check(table, m.loose); err != nil {
			return fmt.Errorf("%s: %w", code, err)
		}
	}
	return nil
}

func (t TableMapping) check(table Table, loose bool) error {
	taken := map[string]string{}
	for header, col := range t.Columns {
		target, ok := table.Target(col.To)
		if !ok {
			return fmt.Errorf("column %q: there is no %q", header, col.To)
		}
		if other, twice := taken[col.To]; twice && !loose && (col.Answer == "" || !target.many) {
			return fmt.Errorf("columns %q and %q are both %q", min(header, other), max(header, other), col.To)
		}
		taken[col.To] = header
		if err := col.check(target); err != nil {
			return fmt.Errorf("column %q: %w", header, err)
		}
	}
	return nil
}

func (c Column) check(t Target) error {
	known := func(code string) error {
		switch {
		case code == "":
			return nil
		case t.Codes != nil:
			if !slices.Contains(t.Codes, code) {
				return fmt.Errorf("code %q is none of %s's", code, t.Code)
			}
		case t.Field != nil:
			if _, err := t.Field.Parse([]string{code}); err != nil {
				return fmt.Errorf("code %q is none of %s's", code, t.Code)
			}
		}
		return nil
	}
	if c.Answer != "" && (!t.many || c.When == "") {
		return errors.New("answer is for columns that make a list, and needs when")
	}
	if err := known(c.Answer); err != nil {
		return err
	}
	for _, code := range c.Codes {
		if err := known(code); err != nil {
			return err
		}
	}
	return nil
}

// used lists the columns of a table that areas are made of.
func (m *Mapping) used(table string) []string {
	var list []string
	if m.Areas != nil && table == Households {
		for _, l := range m.Areas.Levels {
			list = append(list, l.Column)
		}
	}
	return list
}

// numberType is the type of number that a table's keys are kept as; "" for none.
func (m *Mapping) numberType(subject string) string {
	if m.List == "" {
		return ""
	}
	return m.List + "_" + subject
}

func (m *Mapping) clears() bool { return m.Empty == "clear" }

// ListName reports whether a name can be that of a list.
func ListName(s string) bool { return listForm.MatchString(s) }
