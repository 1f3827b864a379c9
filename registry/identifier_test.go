package registry_test

import (
	"testing"
	"unicode/utf8"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

func TestNormalIdentifier(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"MJ-1001-4471":    "MJ10014471",
		" mj 1001 4471 ":  "MJ10014471",
		"mj/1001.4471":    "MJ10014471",
		"MJ\u20111001":    "MJ1001",
		"\u2067MJ1\u2069": "MJ1",
		"م ج ١٠٠١":        "مج1001",
		"é-9":             "É9",
		"":                "",
		"---":             "",
	} {
		if got := registry.NormalIdentifier(typed); got != want || registry.NormalIdentifier(got) != got {
			t.Errorf("%q: %q", typed, got)
		}
	}
}

func TestMaskedShowsThreeCharactersAtMost(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"MJ10014471": "•••••••471", "1234": "•234", "123": "•••", "1": "•", "": "", "مج1001": "•••001", "رقمي": "•قمي",
	} {
		if got := (registry.Identifier{Value: value}).Masked(); got != want || !utf8.ValidString(got) {
			t.Errorf("%q: %q", value, got)
		}
	}
}

func TestPersonByIdentifier(t *testing.T) {
	t.Parallel()
	d := land(t)
	area := areaID(t, d, "MJ01")
	number := func(value, status string) []registry.IdentifierData {
		return []registry.IdentifierData{{Type: registry.NationalID, Value: value, Status: status}}
	}
	one := register(t, d, area, registry.PersonData{Identifiers: number("ONE", "verified")})
	register(t, d, area, registry.PersonData{Identifiers: number("TWO", "verified")}, registry.PersonData{Identifiers: number("TWO", "verified")})
	register(t, d, area, registry.PersonData{Identifiers: number("MIXED", "verified")}, registry.PersonData{Identifiers: number("MIXED", "unverified")})
	register(t, d, area, registry.PersonData{Identifiers: number("SAID", "unverified")})
	register(t, d, area, registry.PersonData{Identifiers: number("OVER", "ended")})
	do(t, d, citizen(1), func(tx db.Tx) error {
		for value, want := range map[string]*db.ID{
			"one": &one.people[0], "O-N-E": &one.people[0],
			"mixed": nil, "two": nil, "said": nil, "over": nil, "nobody": nil, "": nil,
		} {
			got, err := registry.PersonByIdentifier(tx, registry.NationalID, value)
			switch {
			case want == nil && !fault.Is(err, fault.NotFound):
				t.Errorf("%s: %v %v", value, got, err)
			case want != nil && (err != nil || got != *want):
				t.Errorf("%s: %v %v", value, got, err)
			}
		}
		if _, err := registry.PersonByIdentifier(tx, "passport", "one"); !fault.Is(err, fault.NotFound) {
			t.Error("a number of another type: ", err)
		}
		return nil
	})
	do(t, d, officer(1), func(tx db.Tx) error { // the office asks about numbers of others
		for value, want := range map[string]bool{"one": true, "two": true, "said": true, "over": false, "nobody": false} {
			there, err := registry.RegisteredWith(tx, registry.NationalID, value)
			if err != nil || there != want {
				t.Errorf("registered with %s: %t %v", value, there, err)
			}
		}
		return nil
	})
}

// RULES R16: a number does not lead to somebody who died.
func TestPersonByIdentifierFindsTheLivingAlone(t *testing.T) {
	t.Parallel()
	d := land(t)
	home := register(t, d, areaID(t, d, "MJ01"), registry.PersonData{Identifiers: []registry.IdentifierData{{Type: registry.NationalID, Value: "A1", Status: "verified"}}})
	owner(t, d, `update person set status = 'deceased', status_reason = 'witnesses', status_date = '2026-03-02'`)
	do(t, d, worker, func(tx db.Tx) error {
		if _, err := registry.PersonByIdentifier(tx, registry.NationalID, "A1"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		list, err := registry.Identifiers(tx, home.people[0])
		if err != nil || len(list) != 1 {
			t.Error(list, err)
		}
		return nil
	})
}
