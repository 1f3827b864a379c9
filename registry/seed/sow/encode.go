package sow

import (
	"encoding/json"
	"strconv"
	"time"

	"daftar/db"
	"daftar/registry/seed"
)

// encoder writes records as registry.HouseholdData and registry.PersonData are
// written, several times as fast as through reflection. A test compares them.
type encoder struct {
	fields map[string]bool // "person.disability": those that the database defines
	from   []byte          // {"*": "<source>"}
}

func newEncoder(fields map[string]bool, source db.ID) *encoder {
	return &encoder{fields: fields, from: []byte(`{"*":"` + source.String() + `"}`)}
}

func (e *encoder) household(h *seed.Household, area db.ID) json.RawMessage {
	b := make([]byte, 0, 600)
	b = append(b, `{"ref":"`...)
	b = append(b, h.Ref...)
	b = append(b, `","area_id":"`...)
	b = appendID(b, area)
	b = append(b, '"')
	b = e.values(b, "household.", h.Fields)
	return e.end(b)
}

func (e *encoder) person(p *seed.Person) json.RawMessage {
	b := make([]byte, 0, 900)
	b = append(b, `{"ref":"`...)
	b = append(b, p.Ref...)
	b = append(b, '"')
	b = text(b, "full_name", p.Name)
	b = text(b, "full_name_latin", p.Latin)
	b = text(b, "sex", p.Sex)
	if p.Birth.Known() {
		b = day(b, "birth_from", p.Birth.From)
		b = day(b, "birth_to", p.Birth.To)
	}
	if !p.Died.IsZero() {
		b = text(b, "status", "deceased")
		b = text(b, "status_reason", "witnesses")
		b = day(b, "status_date", p.Died)
	}
	b = e.values(b, "person.", p.Fields)
	b = append(b, `,"memberships":[`...)
	for i, m := range p.Memberships {
		b = comma(b, i)
		b = append(b, `{"id":"`...)
		b = appendID(b, m.ID)
		b = append(b, `","household_id":"`...)
		b = appendID(b, m.Household)
		b = append(b, '"')
		b = text(b, "relationship", m.Relationship)
		b = day(b, "start_date", m.Start)
		b = day(b, "end_date", m.End)
		b = text(b, "end_reason", m.Why)
		b = append(b, '}')
	}
	b = append(b, ']')
	if p.Phone != "" {
		b = append(b, `,"contacts":[{"kind":"phone"`...)
		b = text(b, "value", p.Phone)
		b = text(b, "owner", p.PhoneOf)
		b = append(b, `}]`...)
	}
	if len(p.Identifiers) > 0 {
		b = e.identifiers(b, p.Identifiers)
	}
	return e.end(b)
}

func (e *encoder) identifiers(b []byte, list []seed.Identifier) []byte {
	b = append(b, `,"identifiers":[`...)
	for i, id := range list {
		b = comma(b, i)
		b = append(b, `{"type":"`...)
		b = append(b, id.Type...)
		b = append(b, '"')
		b = text(b, "value", id.Value)
		status := "unverified"
		if id.Verified {
			status = "verified"
		}
		b = text(b, "status", status)
		b = append(b, `,"provenance":`...)
		b = append(b, e.from...)
		b = append(b, '}')
	}
	return append(b, ']')
}

func (e *encoder) end(b []byte) json.RawMessage {
	b = append(b, `,"provenance":`...)
	b = append(b, e.from...)
	return append(b, '}')
}

func (e *encoder) values(b []byte, subject string, fields []seed.Field) []byte {
	n := 0
	for _, f := range fields {
		if !e.fields[subject+f.Code] {
			continue
		}
		if n == 0 {
			b = append(b, `,"fields":{`...)
		}
		b = comma(b, n)
		n++
		b = append(b, '"')
		b = append(b, f.Code...)
		b = append(b, `":`...)
		switch v := f.Value.(type) {
		case string:
			b = quote(b, v)
		case float64:
			b = strconv.AppendFloat(b, v, 'f', -1, 64)
		case []string:
			b = append(b, '[')
			for i, s := range v {
				b = quote(comma(b, i), s)
			}
			b = append(b, ']')
		}
	}
	if n > 0 {
		b = append(b, '}')
	}
	return b
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

func text(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, key...)
	b = append(b, `":`...)
	return quote(b, value)
}

func day(b []byte, key string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, key...)
	b = append(b, `":"`...)
	b = t.AppendFormat(b, time.DateOnly)
	return append(b, '"')
}

// quote writes a string; what JSON has to escape is rare in names.
func quote(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == '"' || s[i] == '\\' {
			escaped, _ := json.Marshal(s) // a string has no way to fail
			return append(b, escaped...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"

func appendID(b []byte, id db.ID) []byte {
	for i, x := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, hexDigits[x>>4], hexDigits[x&15])
	}
	return b
}
