package show_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/registry/history"
	"daftar/web/show"
)

// A record, and what changed in it, tells an officer what their roles may see,
// and whose record it is everything.
func TestWhoSeesAValue(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	label := func(s string) i18n.Text { return i18n.Text{"en": s} }
	fields := registry.Fields{
		{Subject: "household", Code: "roof", Type: registry.TypeText, Sensitivity: "personal", Label: label("Roof")},
		{Subject: "household", Code: "debt", Type: registry.TypeText, Sensitivity: "sensitive", Label: label("Debt")},
		{Subject: "household", Code: "shelter", Type: registry.TypeText, Sensitivity: "personal", Label: label("Shelter"), Roles: registry.FieldRoles{"see": {"protection"}}},
		{Subject: "household", Code: "plots", Type: registry.TypeRoster, Sensitivity: "personal", Label: label("Plots")},
		{Subject: "household", Roster: "plots", Code: "shelter", Type: registry.TypeText, Sensitivity: "personal", Label: label("Hut")},
		{Subject: "household", Roster: "plots", Code: "price", Type: registry.TypeText, Sensitivity: "sensitive", Label: label("Price")},
		{Subject: "household", Code: "sum", Type: registry.TypeCalculated, Result: registry.TypeText, Sensitivity: "sensitive", Label: label("Sum")},
	}
	values := registry.Values{"roof": "tin", "debt": "rent owed", "shelter": "blue gate", "plots": []any{map[string]any{"id": "a", "shelter": "hut", "price": "two hundred"}}}
	for _, c := range []struct {
		who   string
		told  show.Record
		sees  []string
		hides []string
	}{
		{"whose record it is", show.Record{}, []string{"tin", "rent owed", "blue gate", "two hundred", "total"}, nil},
		{"programme", show.Record{Staff: true, Roles: []string{"programme"}}, []string{"tin", "hut"}, []string{"rent owed", "blue gate", "two hundred", "total"}},
		{"verifier", show.Record{Staff: true, Roles: []string{"verifier"}}, []string{"tin", "rent owed", "two hundred", "total"}, []string{"blue gate"}},
		{"protection", show.Record{Staff: true, Roles: []string{"protection"}}, []string{"tin", "rent owed", "blue gate"}, nil},
	} {
		c.told.P, c.told.Fields, c.told.Calculated = b.Printer("en"), fields, registry.Values{"sum": "total"}
		raw, err := json.Marshal(c.told.Household(registry.HouseholdData{Fields: values}, ""))
		if err != nil {
			t.Fatal(err)
		}
		page := string(raw)
		old, _ := history.Of(registry.HouseholdData{Fields: registry.Values{}})
		now, _ := history.Of(registry.HouseholdData{Fields: values})
		changes := strings.Join(c.told.Changes(history.Diff(old, now), nil, show.Reader{Staff: c.told.Staff}), "\n")
		for _, want := range c.sees {
			if !strings.Contains(page, want) || want != "total" && !strings.Contains(changes, want) {
				t.Errorf("%s does not see %q:\n%s\n%s", c.who, want, page, changes)
			}
		}
		for _, secret := range c.hides {
			if strings.Contains(page, secret) || strings.Contains(changes, secret) {
				t.Errorf("%s sees %q:\n%s\n%s", c.who, secret, page, changes)
			}
		}
	}
}

// Who may not know a column is told that something changes there: nobody decides
// about what looks like nothing.
func TestChangeInAColumnThatIsNotSeen(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	fields := registry.Fields{
		{Subject: "household", Code: "boats", Type: registry.TypeRoster, Label: i18n.Text{"en": "Boats"}},
		{Subject: "household", Roster: "boats", Code: "debt", Type: registry.TypeText, Label: i18n.Text{"en": "Debt"}, Roles: registry.FieldRoles{"see": {"protection"}}},
	}
	row := func(debt string) registry.HouseholdData {
		return registry.HouseholdData{Fields: registry.Values{"boats": []any{map[string]any{"id": "a", "debt": debt}}}}
	}
	old, _ := history.Of(row("777"))
	now, _ := history.Of(row("1"))
	told := show.Record{P: b.Printer("en"), Fields: fields, Staff: true, Roles: []string{"verifier"}}
	if got := told.Changes(history.Diff(old, now), nil, show.Reader{Staff: true}); len(got) != 1 || got[0] != "Boats: changed, and told to nobody" {
		t.Error("a verifier: ", got)
	}
	told.Roles = []string{"protection"}
	if got := strings.Join(told.Changes(history.Diff(old, now), nil, show.Reader{Staff: true}), ""); !strings.Contains(got, "777") {
		t.Error("who may see it: ", got)
	}
}

// Whoever lives in a household is not told what formulas make of the others'
// answers, directly or by way of another formula (RULES R4).
func TestFormulasOfOthers(t *testing.T) {
	t.Parallel()
	made := func(code, text string) registry.Field {
		return registry.Field{Subject: "household", Code: code, Type: registry.TypeCalculated, Result: registry.TypeNumber, Formula: text}
	}
	told := show.Record{Fields: registry.Fields{
		{Subject: "household", Code: "rooms", Type: registry.TypeNumber}, {Subject: "person", Code: "wage", Type: registry.TypeMoney},
		made("double", "rooms * 2"), made("earned", "members.sum(m, m.wage)"), made("rich", "earned * 2"),
	}, Calculated: registry.Values{"double": 4.0, "earned": 90.0, "rich": 180.0}}
	told.Mine()
	if len(told.Calculated) != 1 || told.Calculated["double"] != 4.0 {
		t.Errorf("they are told %v", told.Calculated)
	}
}
