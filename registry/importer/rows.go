package importer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"daftar/db"
	"daftar/registry"
)

// row is one record made of a line.
type row struct {
	kind      string // household or person
	key       string // the identifier's value
	household string // the household's key
	relation  string
	area      string // area code
	home      *registry.HouseholdData
	person    *registry.PersonData
}

// reader makes rows of lines and collects what is wrong.
type reader struct {
	mapping *Mapping
	fields  registry.Fields
	on      time.Time
	areas   map[string]areaRow // by code, those the files name
}

// areaRow is an area as the files name it.
type areaRow struct {
	ID     db.ID             `json:"id"`
	Code   string            `json:"code"`
	Level  int               `json:"level"`
	Kind   string            `json:"kind"`
	Parent string            `json:"parent"`
	Name   map[string]string `json:"name"`
}

func newReader(m *Mapping, fields registry.Fields) *reader {
	on, _ := time.Parse(time.DateOnly, m.Person.Age.On) // checked by ReadMapping
	country := m.Household.Areas.Country
	return &reader{mapping: m, fields: fields, on: on, areas: map[string]areaRow{
		country.Code: {Code: country.Code, Kind: "country", Name: country.Name},
	}}
}

func problem(t *table, column, rule string) *Problem {
	return &Problem{File: t.file, Line: t.line, Column: column, Value: t.get(column), Rule: rule}
}

// household reads the current line of the household file.
func (r *reader) household(t *table) (row, []Problem) {
	m := r.mapping.Household
	var problems []Problem
	key := strings.TrimSpace(t.get(m.Key))
	if key == "" || len(key) > 100 {
		problems = append(problems, *problem(t, m.Key, "a household needs a key of at most 100 characters"))
	}
	area, p := r.area(t)
	if p != nil {
		problems = append(problems, *p)
	}
	values, more := r.values(t, registry.KindHousehold, m.Fields)
	problems = append(problems, more...)
	return row{kind: registry.KindHousehold, key: key, household: key, area: area,
		home: &registry.HouseholdData{Fields: values}}, problems
}

// area finds or makes the areas that a line names and returns the smallest.
func (r *reader) area(t *table) (string, *Problem) {
	parent := r.mapping.Household.Areas.Country.Code
	for i, level := range r.mapping.Household.Areas.Levels {
		value := strings.TrimSpace(t.get(level.Column))
		name, ok := level.Names[value]
		if !ok {
			return "", problem(t, level.Column, "no such area")
		}
		code := strings.ReplaceAll(level.Code, "%s", value)
		known, ok := r.areas[code]
		if !ok {
			r.areas[code] = areaRow{Code: code, Level: i + 1, Kind: level.Kind, Parent: parent, Name: name}
		} else if known.Parent != parent {
			return "", problem(t, level.Column, fmt.Sprintf("area %s lies in %s, not in %s", code, known.Parent, parent))
		}
		parent = code
	}
	return parent, nil
}

// person reads the current line of the people file.
func (r *reader) person(t *table) (row, []Problem) {
	m := r.mapping.Person
	var problems []Problem
	household, key := strings.TrimSpace(t.get(m.Household)), strings.TrimSpace(t.get(m.Key))
	if key == "" || len(key) > 100 {
		problems = append(problems, *problem(t, m.Key, "a person needs a key of at most 100 characters"))
	}
	data := &registry.PersonData{}
	out := row{kind: registry.KindPerson, key: household + "/" + key, household: household, person: data}
	var p *Problem
	if data.Sex, p = coded(t, m.Sex, registry.Sexes()); p != nil {
		problems = append(problems, *p)
	}
	if out.relation, p = coded(t, m.Relationship, registry.Relationships()); p != nil {
		problems = append(problems, *p)
	}
	if p := r.birth(t, data); p != nil {
		problems = append(problems, *p)
	}
	values, more := r.values(t, registry.KindPerson, m.Fields)
	data.Fields = values
	return out, append(problems, more...)
}

// coded translates a column into one of the codes.
func coded(t *table, v Value, codes []string) (string, *Problem) {
	if v.Column == "" {
		return "", nil
	}
	code, ok := v.Codes[t.get(v.Column)]
	if !ok || !slices.Contains(codes, code) {
		return "", problem(t, v.Column, "unknown code")
	}
	return code, nil
}

const oldest = 125

func (r *reader) birth(t *table, data *registry.PersonData) *Problem {
	m := r.mapping.Person.Age
	if m.Years == "" || t.get(m.Years) == "" {
		return nil
	}
	years, err := strconv.Atoi(t.get(m.Years))
	if err != nil || years < 0 || years > oldest {
		return problem(t, m.Years, fmt.Sprintf("an age is a whole number from 0 to %d", oldest))
	}
	months := -1
	if m.Months != "" && t.get(m.Months) != "" {
		months, err = strconv.Atoi(t.get(m.Months))
		if err != nil || months < 0 || months/12 != years {
			return problem(t, m.Months, "the months do not agree with the years")
		}
	}
	b := registry.BornAtAge(years, months, r.on)
	data.BirthFrom, data.BirthTo = b.From.Format(time.DateOnly), b.To.Format(time.DateOnly)
	return nil
}

// values reads the fields of a line. An empty cell is no answer.
func (r *reader) values(t *table, subject string, mapped map[string]Value) (registry.Values, []Problem) {
	out := registry.Values{}
	var problems []Problem
	for _, f := range r.fields.Of(subject) {
		v, ok := mapped[f.Code]
		if !ok {
			continue
		}
		if len(v.Collect) > 0 {
			list, p := collect(t, v)
			if p != nil {
				problems = append(problems, *p)
			} else if len(list) > 0 {
				out[f.Code] = list
			}
			continue
		}
		value, p := single(t, f, v)
		if p != nil {
			problems = append(problems, *p)
		} else if value != nil {
			out[f.Code] = value
		}
	}
	return out, problems
}

func single(t *table, f registry.Field, v Value) (any, *Problem) {
	cell := strings.TrimSpace(t.get(v.Column))
	if cell == "" {
		return nil, nil
	}
	if v.Codes != nil {
		code, ok := v.Codes[cell]
		if !ok {
			return nil, problem(t, v.Column, "unknown code")
		}
		cell = code
	}
	value, err := f.Parse([]string{cell})
	if err != nil {
		return nil, problem(t, v.Column, "not a valid "+string(f.Type)+rangeOf(f))
	}
	return value, nil
}

func rangeOf(f registry.Field) string {
	var s string
	if f.Rules.Min != nil {
		s += fmt.Sprintf(", at least %g", *f.Rules.Min)
	}
	if f.Rules.Max != nil {
		s += fmt.Sprintf(", at most %g", *f.Rules.Max)
	}
	return s
}

func collect(t *table, v Value) ([]string, *Problem) {
	var list []string
	for column, code := range v.Collect {
		switch t.get(column) {
		case v.Yes:
			list = append(list, code)
		case v.No, "":
		default:
			return nil, problem(t, column, "unknown code")
		}
	}
	slices.Sort(list)
	return list, nil
}
