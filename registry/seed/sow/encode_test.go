package sow

import (
	"encoding/json"
	"reflect"
	"testing"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/seed"
)

// What is written by hand is what registry's types read, and what they write
// again is in it.
func TestRecordsAreWrittenAsTheRegistryWritesThem(t *testing.T) {
	t.Parallel()
	c, err := seed.New(seed.Config{Seed: 2, Households: 2 * seed.Block, Duplicates: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]bool{"person.disability": true, "person.school_years": true, "household.assets": true, "household.rooms": true, "household.monthly_income": true}
	e := newEncoder(fields, db.ID{9})
	for _, h := range c.All() {
		agree[registry.HouseholdData](t, e.household(&h, db.ID{7}))
		for _, p := range h.People {
			agree[registry.PersonData](t, e.person(&p))
		}
		for _, event := range h.Events {
			if event.Person != nil {
				agree[registry.PersonData](t, e.person(event.Person))
			}
		}
	}
}

func agree[T any](t *testing.T, raw json.RawMessage) {
	t.Helper()
	var data T
	if err := json.Unmarshal(raw, &data); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	again, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := json.Unmarshal(again, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for key, value := range want {
		if key != "memberships" && !reflect.DeepEqual(got[key], value) {
			t.Fatalf("%s: %v, not %v", key, got[key], value)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "Achieng'", "نور", "a\"b\\c", "a\nb", "Saïd", "\u200f"} {
		var back string
		if err := json.Unmarshal(quote(nil, s), &back); err != nil || back != s {
			t.Errorf("%q: %q, %v", s, back, err)
		}
	}
}
