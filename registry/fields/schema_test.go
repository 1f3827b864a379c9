package fields_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/fields"
)

var update = flag.Bool("update", false, "write testdata anew")

// everyType is a definition of each type, with whatever a type can have.
func everyType() registry.Fields {
	text := func(en, ar string) i18n.Text { return i18n.Text{"en": en, "ar": ar} }
	low, high := 0.0, 60.0
	list := registry.Fields{
		{Code: "note", Type: registry.TypeText, Label: text("Note", "ملاحظة"), Rules: registry.FieldRules{MaxLength: 500, Pattern: "[A-Z]{2}[0-9]+", PatternError: text("Two letters and a number", "حرفان وعدد")}},
		{Code: "rooms", Type: registry.TypeNumber, Label: text("Rooms", "غرف"), Help: text("Not the kitchen", "بلا المطبخ"), Rules: registry.FieldRules{Min: &low, Max: &high}},
		{Code: "ha", Type: registry.TypeNumber, Label: text("Land", "أرض"), Unit: text("ha", "هكتار"), Rules: registry.FieldRules{Decimals: 2}},
		{Code: "income", Type: registry.TypeMoney, Label: text("Income", "دخل"), Sensitivity: "sensitive"},
		{Code: "power", Type: registry.TypeYesNo, Label: text("Electricity", "كهرباء")},
		{Code: "since", Type: registry.TypeDate, Label: text("Since", "منذ")},
		{Code: "floor", Type: registry.TypeChoice, Label: text("Floor", "أرضية"), Options: registry.Options{
			{Code: "earth", Label: text("Earth", "تراب")}, {Code: "reed", Label: text("Reed", "قصب"), Retired: true}}},
		{Code: "things", Type: registry.TypeChoices, Label: text("Things", "أشياء"), Options: registry.Options{
			{Code: "radio", Label: text("Radio", "مذياع")}, {Code: "tv", Label: text("Television", "تلفاز")}}},
		{Code: "origin", Type: registry.TypeArea, Label: text("Comes from", "الأصل")},
		{Code: "deed", Type: registry.TypeFile, Label: text("Deed", "سند")},
		{Code: "plots", Type: registry.TypeRoster, Label: text("Plots", "قطع")},
		{Roster: "plots", Code: "crop", Type: registry.TypeText, Label: text("Crop", "محصول")},
		{Roster: "plots", Code: "where", Type: registry.TypeArea, Label: text("Where", "أين")},
		{Code: "farmed", Type: registry.TypeCalculated, Label: text("Farmed", "مزروع"), Formula: "plots.count()", Result: registry.TypeNumber},
	}
	for i := range list {
		list[i].Subject, list[i].Version, list[i].Position = registry.KindHousehold, 1, i
		if list[i].Sensitivity == "" {
			list[i].Sensitivity = "personal"
		}
	}
	return list
}

// The schema of a subject is one document to review, the same every time.
func TestSchema(t *testing.T) {
	t.Parallel()
	raw, err := json.MarshalIndent(fields.Schema(registry.KindHousehold, everyType()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, '\n')
	if *update {
		if err := os.WriteFile("testdata/household.schema.json", raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/household.schema.json")
	if err != nil || !bytes.Equal(raw, want) {
		t.Errorf("the schema is not the file; if that is meant, run the test with -update and review the difference (%v):\n%s", err, raw)
	}
	again, _ := json.MarshalIndent(fields.Schema(registry.KindHousehold, everyType()), "", "  ")
	if !bytes.Equal(append(again, '\n'), raw) {
		t.Error("the second time it is another one")
	}
	if other := fields.Schema(registry.KindPerson, everyType())["properties"].(map[string]any); len(other) != 0 {
		t.Errorf("a person has %v", other)
	}
}

// A definition becomes a claim of a credential; its versions stay described.
func TestClaims(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	rooms := registry.Field{Subject: "household", Code: "rooms", Type: registry.TypeNumber, Sensitivity: "personal", Section: "other",
		Label: i18n.Text{"en": "Rooms", "ar": "غرف"}, Claim: registry.FieldClaim{Credential: "household-registration", Name: "rooms_number"}}
	published(t, d, rooms)
	bad := func(name string, edit func(*registry.Field), input string) {
		t.Helper()
		f := rooms
		f.Code, f.Claim.Name = "other", "other_number"
		edit(&f)
		if got := wrongInputs(fields.Check(f, loaded(t, d), languages)); len(got) != 1 || got[0] != input {
			t.Errorf("%s: %v", name, got)
		}
	}
	bad("a credential about people", func(f *registry.Field) { f.Claim.Credential = "person-registration" }, "credential")
	bad("no such credential", func(f *registry.Field) { f.Claim.Credential = "passport" }, "credential")
	bad("a name that is taken by a field", func(f *registry.Field) { f.Claim.Name = "rooms_number" }, "claim_name")
	bad("a name of the type's own", func(f *registry.Field) { f.Claim.Name = "district" }, "claim_name")
	bad("a name of JWT's", func(f *registry.Field) { f.Claim.Name = "iss" }, "claim_name")
	bad("a name of SD-JWT's", func(f *registry.Field) { f.Claim.Name = "_sd" }, "claim_name")
	bad("what is sensitive", func(f *registry.Field) { f.Sensitivity = "sensitive" }, "claim_sensitive")
	bad("what is sensitive, always shown", func(f *registry.Field) { f.Sensitivity, f.Claim.Sensitive, f.Claim.Always = "sensitive", true, true }, "claim_sensitive")
	bad("a photo", func(f *registry.Field) { f.Type = registry.TypeFile }, "credential")
	f := rooms
	f.Code, f.Claim.Name, f.Sensitivity, f.Claim.Sensitive = "other", "other_number", "sensitive", true
	if err := fields.Check(f, loaded(t, d), languages); err != nil {
		t.Error("an explicit choice is refused:", err)
	}
	// the database holds the same line for raw SQL
	if err := do(t, d, func(tx db.Tx) error {
		return tx.Exec(`insert into field_definition (id, subject, code, version, type, label, claim)
			values (gen_random_uuid(), 'household', 'deed', 1, 'file', '{}', '{"credential": "household-registration"}')`)
	}); err == nil {
		t.Error("a photo is a claim")
	}
}

// Questions of a programme and of a life event are definitions like any other.
func TestApplicationAndEventDefinitions(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	q := func(subject, form, code string) registry.Field {
		return registry.Field{Subject: subject, Form: form, Code: code, Type: registry.TypeText, Sensitivity: "personal", Section: "other", Asked: true,
			Label: i18n.Text{"en": "Q", "ar": "س"}}
	}
	published(t, d, q("application", "child-grant", "school_name"))
	published(t, d, q("event", "birth", "hospital"))
	for name, f := range map[string]registry.Field{
		"an event that is none": q("event", "party", "x"),
		"of a record":           q("person", "birth", "x"),
	} {
		if got := wrongInputs(fields.Check(f, nil, languages)); len(got) != 1 || got[0] != "form" {
			t.Errorf("%s: %v", name, got)
		}
	}
	calculated := q("application", "", "x")
	calculated.Type, calculated.Formula, calculated.Result = registry.TypeCalculated, "1.0", registry.TypeNumber
	if got := wrongInputs(fields.Check(calculated, nil, languages)); len(got) != 1 || got[0] != "type" {
		t.Errorf("%v", got)
	}
	if all := loaded(t, d); len(all.Of("application")) != 1 || len(all.Of("event")) != 1 || len(all.Of("person")) != 0 {
		t.Errorf("%v", all)
	}
}
