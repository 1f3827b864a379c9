package importer

import (
	"encoding/json"
	"strconv"
	"time"

	"daftar/db"
	"daftar/registry"
)

// What follows writes new records as registry.HouseholdData and
// registry.PersonData are written, several times as fast as through reflection.
// A test compares them.

func (s *stager) encodeHome(h *homeRow, rosters []fieldValue) []byte {
	b := make([]byte, 0, 1024)
	b = append(b, `{"ref":"`...)
	b = append(b, registry.NewRef(registry.RefHousehold, s.random)...)
	b = append(b, `","area_id":"`...)
	b = appendID(b, h.area)
	b = append(b, '"')
	b = text(b, "directions", h.directions)
	if h.protected == "yes" {
		b = append(b, `,"protected":true`...)
	}
	b = texts(b, "tags", h.tags)
	b = values(b, h.fields, rosters)
	b = s.numbers(b, h.numbers, s.m.numberType(registry.KindHousehold), h.key)
	return s.from(b)
}

func (s *stager) encodePerson(p *personRow, at place, rosters []fieldValue) []byte {
	b := make([]byte, 0, 1280)
	b = append(b, `{"ref":"`...)
	b = append(b, registry.NewRef(registry.RefPerson, s.random)...)
	b = append(b, '"')
	b = text(b, "full_name", p.newName())
	b = text(b, "full_name_latin", p.latin)
	b = text(b, "family_name", p.family)
	b = text(b, "given_name", p.given)
	b = text(b, "other_names", p.other)
	b = text(b, "sex", p.sex)
	if p.birth.Known() {
		b = day(b, "birth_from", p.birth.From)
		b = day(b, "birth_to", p.birth.To)
	}
	b = texts(b, "tags", p.tags)
	b = values(b, p.fields, rosters)
	if at.home != (db.ID{}) {
		b = append(b, `,"memberships":[{"id":"`...)
		b = appendID(b, s.ids())
		b = append(b, `","household_id":"`...)
		b = appendID(b, at.home)
		b = append(b, '"')
		b = text(b, "tie", p.tie)
		b = text(b, "relationship", p.relationship)
		b = s.roles(b, p, at)
		b = text(b, "start_date", p.since)
		b = text(b, "end_date", p.until)
		if p.until != "" {
			b = append(b, `,"end_reason":"other"`...)
		}
		b = append(b, `}]`...)
	}
	for i, c := range p.contacts {
		b = append(b, [...]string{`,"contacts":[{"kind":"`, `,{"kind":"`}[min(i, 1)]...)
		b = append(b, c.Kind...)
		b = append(b, '"')
		b = text(b, "value", c.Value)
		b = text(b, "owner", c.Owner)
		b = texts(b, "safe", c.Safe)
		if c.Protected {
			b = append(b, `,"protected":true`...)
		}
		b = append(b, '}')
	}
	if len(p.contacts) > 0 {
		b = append(b, ']')
	}
	key := ""
	if p.key != "" {
		key = personKey(p)
	}
	b = s.numbers(b, p.numbers, s.m.numberType(registry.KindPerson), key)
	return s.from(b)
}

func (s *stager) roles(b []byte, p *personRow, at place) []byte {
	if len(p.roles)+len(at.cares) == 0 {
		return b
	}
	b = append(b, `,"roles":[`...)
	n := 0
	for _, role := range p.roles {
		b = append(comma(b, n), `{"role":"`...)
		b = append(b, role...)
		b = append(b, '"')
		b = append(text(b, "start_date", p.since), '}')
		n++
	}
	for _, id := range at.cares {
		b = append(comma(b, n), `{"role":"caregiver","of":"`...)
		b = append(appendID(b, id), '"')
		b = append(text(b, "start_date", p.since), '}')
		n++
	}
	return append(b, ']')
}

// numbers writes the numbers of a record, that of the list first.
func (s *stager) numbers(b []byte, list []registry.IdentifierData, own, key string) []byte {
	n := 0
	put := func(d registry.IdentifierData) {
		if n == 0 {
			b = append(b, `,"identifiers":[{"type":"`...)
		} else {
			b = append(b, `,{"type":"`...)
		}
		n++
		b = append(append(b, d.Type...), '"')
		b = text(b, "value", d.Value)
		b = text(b, "issuer", d.Issuer)
		b = text(b, "status", d.Status)
		b = text(b, "expires_on", d.ExpiresOn)
		b = text(b, "assurance", d.Assurance)
		b = text(b, "method", d.Method)
		b = s.from(b)
	}
	if own != "" && key != "" {
		put(registry.IdentifierData{Type: own, Value: key, Status: "unverified"})
	}
	for _, d := range list {
		put(d)
	}
	if n > 0 {
		b = append(b, ']')
	}
	return b
}

// from says where all values come from, and ends an object.
func (s *stager) from(b []byte) []byte {
	b = append(b, `,"provenance":{"*":"`...)
	return append(appendID(b, s.source), `"}}`...)
}

func values(b []byte, lists ...[]fieldValue) []byte {
	n := 0
	for _, list := range lists {
		for _, f := range list {
			if f.value == nil {
				continue
			}
			if n == 0 {
				b = append(b, `,"fields":{`...)
			}
			b = comma(b, n)
			n++
			b = append(append(append(b, '"'), f.key...), `":`...)
			switch v := f.value.(type) {
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
			default:
				raw, _ := json.Marshal(v) // values of fields can all be written
				b = append(b, raw...)
			}
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
	b = append(append(append(b, `,"`...), key...), `":`...)
	return quote(b, value)
}

func texts(b []byte, key string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(append(append(b, `,"`...), key...), `":[`...)
	for i, s := range list {
		b = quote(comma(b, i), s)
	}
	return append(b, ']')
}

func day(b []byte, key string, t time.Time) []byte {
	b = append(append(append(b, `,"`...), key...), `":"`...)
	return append(t.AppendFormat(b, time.DateOnly), '"')
}

// quote writes a string; what JSON has to escape is rare.
func quote(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == '"' || s[i] == '\\' {
			escaped, _ := json.Marshal(s) // a string has no way to fail
			return append(b, escaped...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
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
