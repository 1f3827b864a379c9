package importer_test

import (
	"bytes"
	"strings"
	"testing"

	"daftar/db"
	"daftar/registry/importer"
)

func (o office) catalogue(t testing.TB) (c *importer.Catalogue) {
	t.Helper()
	o.read(t, func(tx db.Tx) (err error) { c, err = importer.LoadCatalogue(tx, nil); return err })
	return c
}

// A mapping that says what the registry does not know is refused, and by name.
func TestMappingsThatAreRefused(t *testing.T) {
	t.Parallel()
	o := open(t)
	c := o.catalogue(t)
	good := string(file(t, "../../docs/mappings/survey.yaml"))
	for name, tc := range map[string]struct{ old, new, want string }{
		"unknown setting":        {"list: survey", "lost: survey\nlist: survey", "lost"},
		"unknown field":          {"rooms: rooms", "rooms: roooms", `column "rooms": there is no "roooms"`},
		"a person's field":       {"rooms: rooms", "rooms: literate", `there is no "literate"`},
		"a code that is none":    {"\"6\": other}}\n      walls", "\"6\": marble}}\n      walls", `"marble"`},
		"an asset that is none":  {"answer: landline", "answer: telegraph", `"telegraph"`},
		"an answer of no list":   {"rooms: rooms", `rooms: {to: rooms, answer: "1", when: "1"}`, "answer is for columns that make a list"},
		"an unknown word":        {"rooms: rooms", "rooms: {to: rooms, kodes: {}}", `a column has no "kodes"`},
		"two columns for one":    {"rooms: rooms", "rooms: bedrooms", `columns "bedrooms" and "rooms" are both "bedrooms"`},
		"no such table":          {"  people:\n", "  peeple:\n", `there is no table "peeple"`},
		"no tables":              {"tables:\n", "table:\n", "table"},
		"no levels":              {"column: geo1", "colum: geo1", "colum"},
		"an age on no day":       {"2023-06-30", "June", "age_on"},
		"a list without a name":  {"list: survey", "list: Survey 2023", "list is a short name"},
		"empty cells do nothing": {"empty: clear", "empty: sometimes", "empty is keep or clear"},
		"not YAML":               {"source:", "\t{", ""},
		"nothing":                {good, "", ""},
		"far too long":           {"source:", strings.Repeat("# long\n", 200_000) + "source:", "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(good, tc.old) {
				t.Fatal("the mapping has no such line")
			}
			_, err := importer.ReadMapping(strings.NewReader(strings.Replace(good, tc.old, tc.new, 1)), c)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A mapping that was written out says the same when it is read in.
func TestMappingsGoOutAndIn(t *testing.T) {
	t.Parallel()
	o := open(t)
	c := o.catalogue(t)
	first, err := o.mapping.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := importer.ReadMapping(bytes.NewReader(first), c)
	if err != nil {
		t.Fatalf("%v\n%s", err, first)
	}
	second, err := again.YAML()
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("%v\n%s\n%s", err, first, second)
	}
}
