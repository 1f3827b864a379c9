// Package importer brings files into the registry: mapped, checked row by row,
// staged as one change and applied as a whole.
package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"daftar/i18n"
	"daftar/registry"
)

// Mapping says how the columns of a household file and of a people file become
// records. Every column is mapped or ignored by name: a column that nobody
// thought of is an error.
type Mapping struct {
	Source    string           `yaml:"source"` // where the files come from, in words
	Household HouseholdMapping `yaml:"household"`
	Person    PersonMapping    `yaml:"person"`
}

// HouseholdMapping maps the household file.
type HouseholdMapping struct {
	Key        string           `yaml:"key"`        // column
	Identifier string           `yaml:"identifier"` // type of the identifier made of the key
	Size       string           `yaml:"size"`       // column that must equal the number of people; "" for none
	Areas      AreaMapping      `yaml:"areas"`
	Fields     map[string]Value `yaml:"fields"` // by field code
	Ignore     []string         `yaml:"ignore"`
}

// AreaMapping makes areas of columns, from the country down.
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

// PersonMapping maps the people file.
type PersonMapping struct {
	Household    string           `yaml:"household"` // column with the household's key
	Key          string           `yaml:"key"`       // column; unique within the household
	Identifier   string           `yaml:"identifier"`
	Sex          Value            `yaml:"sex"`
	Relationship Value            `yaml:"relationship"`
	Age          AgeMapping       `yaml:"age"`
	Fields       map[string]Value `yaml:"fields"`
	Ignore       []string         `yaml:"ignore"`
}

// AgeMapping makes a range of birth dates of an age on a day.
type AgeMapping struct {
	Years  string `yaml:"years"`  // column
	Months string `yaml:"months"` // column with completed months of small children; "" for none
	On     string `yaml:"on"`     // 2006-01-02
}

// Value takes a value from a column. Codes translates; an empty translation
// means "no answer". Collect makes a list of the codes whose columns say Yes.
type Value struct {
	Column  string            `yaml:"column"`
	Codes   map[string]string `yaml:"codes"`
	Collect map[string]string `yaml:"collect"` // code by column
	Yes     string            `yaml:"yes"`     // what such a column says for yes; "no" is anything in No
	No      string            `yaml:"no"`
}

// ReadMapping reads a mapping and checks it against the field definitions.
func ReadMapping(r io.Reader, fields registry.Fields) (*Mapping, error) {
	raw, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	m := &Mapping{}
	if err := d.Decode(m); err != nil {
		return nil, err
	}
	return m, m.check(fields)
}

func (m *Mapping) check(fields registry.Fields) error {
	h, p := m.Household, m.Person
	switch {
	case h.Key == "" || h.Identifier == "" || p.Household == "" || p.Key == "" || p.Identifier == "":
		return errors.New("household.key, household.identifier, person.household, person.key and person.identifier are needed")
	case h.Areas.Country.Code == "" || len(h.Areas.Levels) == 0:
		return errors.New("household.areas needs a country and at least one level")
	}
	if p.Age.Years != "" {
		if _, err := time.Parse(time.DateOnly, p.Age.On); err != nil {
			return errors.New("person.age.on must be a day such as 2023-06-30")
		}
	}
	for subject, values := range map[string]map[string]Value{registry.KindHousehold: h.Fields, registry.KindPerson: p.Fields} {
		for code, v := range values {
			f, ok := fields.Of(subject).Get(code)
			if !ok {
				return fmt.Errorf("there is no %s field %q", subject, code)
			}
			if err := v.check(f); err != nil {
				return fmt.Errorf("%s field %q: %w", subject, code, err)
			}
		}
	}
	return nil
}

func (v Value) check(f registry.Field) error {
	if (v.Column == "") == (len(v.Collect) == 0) {
		return errors.New("either column or collect is needed")
	}
	for _, code := range v.Codes {
		if _, err := f.Parse([]string{code}); err != nil {
			return fmt.Errorf("code %q is none of the field's", code)
		}
	}
	for _, code := range v.Collect {
		if !f.Options.Has(code) {
			return fmt.Errorf("code %q is none of the field's", code)
		}
	}
	return nil
}

// columns lists the columns that a set of values uses.
func columns(values map[string]Value, more ...string) []string {
	var list []string
	for _, v := range values {
		if v.Column != "" {
			list = append(list, v.Column)
		}
		for column := range v.Collect {
			list = append(list, column)
		}
	}
	for _, c := range more {
		if c != "" {
			list = append(list, c)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (m *Mapping) householdColumns() []string {
	list := columns(m.Household.Fields, m.Household.Key, m.Household.Size)
	for _, l := range m.Household.Areas.Levels {
		list = append(list, l.Column)
	}
	return list
}

func (m *Mapping) personColumns() []string {
	p := m.Person
	return columns(p.Fields, p.Household, p.Key, p.Sex.Column, p.Relationship.Column, p.Age.Years, p.Age.Months)
}
