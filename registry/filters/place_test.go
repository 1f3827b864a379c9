package filters

import (
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/i18n"
	"daftar/locales"
)

// An answer that names a place is found by the areas that the place lies in, also
// when it has ended; one in a roster when any row is there. Who did not answer is
// neither inside nor outside.
func TestPlaces(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	conn := connect(t, d)
	if _, err := conn.Exec(t.Context(), `
		insert into area (id, code, level, kind, parent_id, name, valid_to) values
			('00000000-0000-0000-0000-000000000001', 'ZZ', 0, 'country', null, '{"en": "Zed"}', null),
			('00000000-0000-0000-0000-000000000002', 'ZZ01', 1, 'region', '00000000-0000-0000-0000-000000000001', '{"en": "Capital"}', null),
			('00000000-0000-0000-0000-000000000003', 'ZZ0101', 2, 'district', '00000000-0000-0000-0000-000000000002', '{"en": "Old Town"}', '2026-01-01'),
			('00000000-0000-0000-0000-000000000004', 'ZZ02', 1, 'region', '00000000-0000-0000-0000-000000000001', '{"en": "North"}', null)`); err != nil {
		t.Fatal(err)
	}
	c := NewCatalogue(People, defs(), nil, nil, nil)
	for _, test := range []struct {
		field  string
		op     Op
		value  string
		fields string
		want   bool
	}{
		{"person.field.pl", Inside, "ZZ01", `{"pl": "ZZ0101"}`, true},
		{"person.field.pl", Inside, "ZZ0101", `{"pl": "ZZ0101"}`, true},
		{"person.field.pl", Inside, "ZZ", `{"pl": "ZZ0101"}`, true},
		{"person.field.pl", Inside, "ZZ02", `{"pl": "ZZ0101"}`, false},
		{"person.field.pl", Inside, "ZZ0101", `{"pl": "ZZ01"}`, false},
		{"person.field.pl", Outside, "ZZ02", `{"pl": "ZZ0101"}`, true},
		{"person.field.pl", Outside, "ZZ01", `{"pl": "ZZ0101"}`, false},
		{"person.field.pl", Inside, "ZZ01", `{}`, false},
		{"person.field.pl", Outside, "ZZ01", `{}`, false},
		{"person.field.pl", Known, "", `{"pl": "ZZ0101"}`, true},
		{"person.field.pl", Known, "", `{}`, false},
		{"person.field.pl", Unknown, "", `{}`, true},
		{"person.field.r.at", Inside, "ZZ01", `{"r": [{"at": "ZZ02"}, {"at": "ZZ0101"}]}`, true},
		{"person.field.r.at", Outside, "ZZ01", `{"r": [{"at": "ZZ02"}, {"at": "ZZ0101"}]}`, false},
		{"person.field.r.at", Outside, "ZZ01", `{"r": [{"ha": 1}]}`, false},
		{"person.field.r.at", Unknown, "", `{"r": [{"ha": 1}]}`, true},
		{"person.field.r.at", Inside, "ZZ01", `{"r": "ZZ01"}`, false},
	} {
		b := &builder{today: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}
		cond := Cond{Field: test.field, Op: test.op}
		if test.value != "" {
			cond.Values = []string{test.value}
		}
		if err := c.CheckCond(cond); err != nil {
			t.Fatal(err)
		}
		var got bool
		statement := "select " + c.condition(b, Expr{Cond: &cond}) + " from (select " + b.arg(test.fields) + "::text::jsonb as fields) p"
		if err := conn.QueryRow(t.Context(), statement, b.args...).Scan(&got); err != nil || got != test.want {
			t.Errorf("%s %s %s of %s: %v %v", test.field, test.op, test.value, test.fields, got, err)
		}
	}
	if err := c.CheckCond(Cond{Field: "person.field.pl", Op: Inside, Values: []string{"Old Town'"}}); err == nil {
		t.Error("what is no code was taken for one")
	}
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.View(t.Context(), db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1}}, func(tx db.Tx) error {
		if err := c.Name(tx, []Cond{{Field: "person.field.pl", Op: Inside, Values: []string{"ZZ0101"}}}); err != nil {
			return err
		}
		f, _ := c.Get("person.field.pl")
		if got := f.cell("ZZ0101", messages.Printer("en")).Text; got != "Old Town, Capital (ended) (ZZ0101)" {
			t.Error(got)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
