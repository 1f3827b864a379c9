package demo

import (
	"os"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"daftar/i18n"
)

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
