package demo

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/i18n"
	"daftar/registry/settings"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// The demo's settings are a file like any country's: brought in and exported,
// they are the same to the letter, and bringing them in again changes nothing.
func TestCountryIsAFileOfSettings(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := Seed(t.Context(), d.DB, map[string]string{"citizen": "https://id.example/c", "staff": "https://id.example/s"}); err != nil {
		t.Fatal(err)
	}
	if err := d.WithTx(t.Context(), worker, func(tx db.Tx) error {
		state, err := settings.Read(tx)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if _, err := state.File().WriteTo(&out); err != nil {
			return err
		}
		if !bytes.Equal(out.Bytes(), countryYAML) {
			t.Errorf("the export is not demo/country.yaml; if that is meant: daftar settings export > demo/country.yaml\n%s", out.Bytes())
		}
		again, err := settings.FromFile(tx, "country.yaml", countryYAML)
		if len(again.Items) > 0 {
			t.Errorf("bringing it in again changes %v", again.Items)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Every text of the demo country is in every language.
func TestTextsInEveryLanguage(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("country.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	texts := 0
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		words := map[string]string{}
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			words[n.Content[i].Value] = n.Content[i+1].Value
		}
		if words[i18n.Source] != "" {
			texts++
			for _, l := range i18n.Locales() {
				if l.Tag != i18n.Pseudo && words[l.Tag] == "" {
					t.Errorf("line %d has no %s", n.Line, l.Tag)
				}
			}
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(&doc)
	if texts < 100 {
		t.Errorf("only %d texts", texts)
	}
}

func TestCast(t *testing.T) {
	t.Parallel()
	c, cast, err := load()
	if err != nil {
		t.Fatal(err)
	}
	areas := map[string]bool{"": true}
	for _, a := range c.Areas {
		if !areas[a.Parent] || areas[a.Code] {
			t.Errorf("area %s is there twice or comes before %s", a.Code, a.Parent)
		}
		areas[a.Code] = true
	}
	var staff, people []string
	for _, s := range c.Staff {
		staff = append(staff, s.Key)
		if !areas[s.Area] {
			t.Errorf("%s works nowhere", s.Key)
		}
	}
	for _, p := range cast.People {
		people = append(people, p.Key)
	}
	for _, key := range []string{"amina", "joseph", "fatima", "tomas", "rosa", "zawadi", "ibrahim", "leila"} {
		if !slices.Contains(people, key) {
			t.Errorf("no %s", key)
		}
	}
	if slices.Contains(people, "mama-ngina") {
		t.Error("mama-ngina has no ID")
	}
	for _, key := range []string{"intake", "verifier", "approver", "credential", "approver-north"} {
		if !slices.Contains(staff, key) {
			t.Errorf("no %s", key)
		}
	}
	for _, h := range cast.Households {
		if !areas[h.Area] || h.Head != "" && !slices.Contains(people, h.Head) || h.Head == "" && h.Members[0].Relationship != "head" {
			t.Errorf("household of %s in %s", h.Head, h.Area)
		}
	}
}
