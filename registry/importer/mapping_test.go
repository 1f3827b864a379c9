package importer_test

import (
	"strings"
	"testing"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/importer"
)

// A mapping that says what the registry does not know is refused, and by name.
func TestMappingsThatAreRefused(t *testing.T) {
	t.Parallel()
	o := open(t)
	var fields registry.Fields
	o.read(t, func(tx db.Tx) (err error) { fields, err = registry.LoadFields(tx); return err })
	good := string(file(t, "../../docs/mappings/survey.yaml"))
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown setting":            {"  key: hid\n", "  key: hid\n  kee: hid\n", "kee"},
		"unknown field":              {"    rooms: {column: rooms}", "    roooms: {column: rooms}", `there is no household field "roooms"`},
		"a person's field":           {"    rooms: {column: rooms}", "    literate: {column: rooms}", `there is no household field "literate"`},
		"a code that is none":        {"\"6\": other}}\n    walls", "\"6\": marble}}\n    walls", `"marble"`},
		"an asset that is none":      {"tv: tv", "tv: television", `"television"`},
		"neither column nor collect": {"    rooms: {column: rooms}", "    rooms: {}", "either column or collect"},
		"no key":                     {"  key: hid\n", "", "household.key"},
		"no levels":                  {"column: geo1", "colum: geo1", "colum"},
		"an age on no day":           {"2023-06-30", "June", "person.age.on"},
		"not YAML":                   {"source:", "\t{", ""},
		"nothing":                    {good, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(good, c.old) {
				t.Fatal("the mapping has no such line")
			}
			_, err := importer.ReadMapping(strings.NewReader(strings.Replace(good, c.old, c.new, 1)), fields)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}
