package importer

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"maps"
	"reflect"
	"testing"
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
)

// What is written by hand is what the type says, whatever is in it.
func TestRecordsAsTheirTypesAre(t *testing.T) {
	t.Parallel()
	id := func(n byte) db.ID { return db.ID{1, 15: n} }
	n := byte(100)
	s := &stager{random: bufio.NewReader(rand.Reader), run: &run{source: id(9), m: &Mapping{List: "census"}, ids: func() db.ID { n++; return id(n) }}}
	born := registry.BirthDate{From: registry.Date(1987, time.March, 1), To: registry.Date(1987, time.March, 31)}
	odd := "a \"quoted\" \\ name\nwith مدينة and \u2028"
	person := personRow{key: "2", household: "A/1", relationship: "child", tie: "absent", since: "2020-01-02", until: "2021-01-01", roles: []string{"payee"},
		fullName: odd, latin: "Latin", given: "G", family: "F", other: "O", sex: "female", birth: born,
		contacts: []registry.ContactData{{Kind: "phone", Value: "+254", Owner: "own", Safe: []string{"codes"}, Protected: true}, {Kind: "email", Value: "a@b.c", Owner: "helper"}},
		tags:     []string{"x", "y"},
		numbers:  []registry.IdentifierData{{Type: "national_id", Value: "MJ1", Issuer: odd, Status: "verified", ExpiresOn: "2030-01-01", Assurance: "high", Method: "issuer"}},
		fields:   []fieldValue{{key: "text", value: odd}, {key: "number", value: 1.5}, {key: "whole", value: 1e9}, {key: "list", value: []string{"a", "b"}}, {key: "nothing"}}}
	at := place{home: id(3), cares: []db.ID{id(4), id(5)}}
	rows := []fieldValue{{key: "plots", value: []registry.Row{{"id": "r1", "ha": 1.5}}}}
	compare(t, s.encodePerson(&person, at, rows), &registry.PersonData{})
	compare(t, s.encodePerson(&personRow{}, place{}, nil), &registry.PersonData{})
	home := homeRow{key: "A/1", area: id(7), directions: odd, protected: "yes", tags: []string{"t"}, fields: person.fields, numbers: person.numbers}
	compare(t, s.encodeHome(&home, rows), &registry.HouseholdData{})
	compare(t, s.encodeHome(&homeRow{area: id(7)}, nil), &registry.HouseholdData{})

	var p registry.PersonData
	if err := json.Unmarshal(s.encodePerson(&person, at, rows), &p); err != nil {
		t.Fatal(err)
	}
	if m := p.Memberships[0]; p.FullName != odd || m.HouseholdID != id(3) || m.Relationship != "child" || len(m.Roles) != 3 || *m.Roles[2].Of != id(5) ||
		p.Identifiers[0].Type != "census_person" || p.Identifiers[0].Value != "A/1/2" || p.Identifiers[1].Provenance["*"] != id(9) || p.Fields["number"] != 1.5 ||
		p.BirthTo != "1987-03-31" || !p.Contacts[0].Protected || len(registry.Rows(p.Fields["plots"])) != 1 {
		t.Errorf("%+v", p)
	}
}

// compare reads a record into its type, strictly, and writes it out again: both
// must be one document.
func compare(t *testing.T, raw []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	again, err := json.Marshal(into)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s\ninstead of\n%s", raw, again)
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		order, text string
		y, m, d     int
		ok          bool
	}{
		{"ymd", "1987-03-27", 1987, 3, 27, true}, {"ymd", "1987/3/7", 1987, 3, 7, true}, {"ymd", "1987.03", 1987, 3, 0, true}, {"ymd", "1987", 1987, 0, 0, true},
		{"ymd", "03/1987", 1987, 3, 0, true}, {"ymd", "31862", 1987, 3, 26, true}, {"ymd", "١٩٨٧-٠٣-٢٧", 1987, 3, 27, true}, {"ymd", "1987-03-27T00:00:00Z", 1987, 3, 27, true},
		{"ymd", "27/03/1987", 27, 3, 1987, false}, {"ymd", "yesterday", 0, 0, 0, false}, {"ymd", "1987-", 1987, 0, 0, false}, {"ymd", "1-2-3-4", 0, 0, 0, false}, {"ymd", "999999", 0, 0, 0, false},
		{"dmy", "27/03/1987", 1987, 3, 27, true}, {"dmy", "1987-03-27", 1987, 3, 27, true}, {"dmy", "3/1987", 1987, 3, 0, true},
		{"mdy", "03/27/1987", 1987, 3, 27, true}, {"mdy", "1987-03-27", 1987, 3, 27, true},
	} {
		p := parser{dates: c.order}
		y, m, d, ok := p.date(c.text)
		if ok != c.ok || ok && (y != c.y || m != c.m || d != c.d) {
			t.Errorf("%s %q: %d %d %d %v", c.order, c.text, y, m, d, ok)
		}
	}
}

// A problem that was kept says what it said, in either language.
func TestKeptProblems(t *testing.T) {
	list, err := problemsOf([]problemRow{{Key: "field.error.pattern", Args: []byte(`{"Why": {"en": "Two letters", "ar": "حرفان"}, "Line": 3}`)}})
	if err != nil || list[0].Args["Line"] != 3 || !maps.Equal(list[0].Args["Why"].(i18n.Text), i18n.Text{"en": "Two letters", "ar": "حرفان"}) {
		t.Errorf("%v %v", list, err)
	}
}
