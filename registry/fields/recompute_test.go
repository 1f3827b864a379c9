package fields_test

import (
	"errors"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/fields"
)

// one and other write records in two hands.
var (
	one   = db.Principal{Role: db.Jobs, Kind: "staff", Actor: db.ID{1}}
	other = db.Principal{Role: db.Jobs, Kind: "staff", Actor: db.ID{2}}
)

// write puts states of records into the registry, as anything gets there.
func write(t *testing.T, d *dbtest.DB, items ...registry.Item) {
	t.Helper()
	var change db.ID
	step := func(who db.Principal, fn func(db.Tx) error) { t.Helper(); must(t, d.WithTx(t.Context(), who, fn)) }
	step(one, func(tx db.Tx) error {
		source, err := registry.AddSource(tx, registry.SourceCounter, nil, "")
		if err != nil {
			return err
		}
		for i, it := range items {
			switch data := it.Data.(type) {
			case registry.HouseholdData:
				data.Provenance = registry.Provenance{"*": source}
				items[i].Data = data
			case registry.PersonData:
				data.Provenance = registry.Provenance{"*": source}
				items[i].Data = data
			}
		}
		change, err = registry.Propose(tx, registry.OriginBatch, items)
		return err
	})
	step(other, func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
}

// What a household's formulas say of its people follows them: their answers, who
// they are, how old they are, and formulas of their own.
func TestPeopleAreCountedAnew(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	label := func(f registry.Field) registry.Field {
		f.Label, f.Sensitivity, f.Section = i18n.Text{"en": f.Code, "ar": f.Code}, "sensitive", "other"
		return f
	}
	for _, f := range []registry.Field{
		{Subject: "person", Code: "wage", Type: registry.TypeMoney},
		{Subject: "person", Code: "yearly", Type: registry.TypeCalculated, Formula: "wage * 12", Result: registry.TypeMoney},
		{Subject: "household", Code: "small", Type: registry.TypeCalculated, Formula: "members.count(m, m.age < 5)", Result: registry.TypeNumber},
		{Subject: "household", Code: "earned", Type: registry.TypeCalculated, Formula: "members.sum(m, m.yearly)", Result: registry.TypeMoney},
		{Subject: "household", Code: "well", Type: registry.TypeCalculated, Formula: "earned > 500", Result: registry.TypeYesNo},
	} {
		published(t, d, label(f))
	}
	var area db.ID
	must(t, d.WithTx(t.Context(), one, func(tx db.Tx) error {
		area = tx.NewID()
		return tx.Exec(`insert into area (id, code, level, kind, name) values ($1, 'X', 0, 'country', '{"en": "X"}')`, area)
	}))
	home, away, mother, child := db.ID{3, 1}, db.ID{3, 2}, db.ID{4, 1}, db.ID{4, 2}
	in := func(household db.ID, relationship string) []registry.MembershipData {
		return []registry.MembershipData{{ID: db.ID{5, household[1], relationship[0]}, HouseholdID: household, Relationship: relationship}}
	}
	person := func(id db.ID, base int, ref, birth string, wage any, memberships []registry.MembershipData) registry.Item {
		values := registry.Values{}
		if wage != nil {
			values["wage"] = wage
		}
		return registry.Item{Kind: registry.KindPerson, Subject: id, BaseVersion: base, Data: registry.PersonData{Ref: ref, BirthFrom: birth, BirthTo: birth, Fields: values, Memberships: memberships}}
	}
	var refs []string
	must(t, d.WithTx(t.Context(), one, func(tx db.Tx) error {
		for _, kind := range []rune{registry.RefHousehold, registry.RefHousehold, registry.RefPerson, registry.RefPerson} {
			refs = append(refs, registry.NewRef(kind, tx.Rand()))
		}
		return nil
	}))
	write(t, d, registry.Item{Kind: registry.KindHousehold, Subject: home, Data: registry.HouseholdData{Ref: refs[0], AreaID: area}},
		registry.Item{Kind: registry.KindHousehold, Subject: away, Data: registry.HouseholdData{Ref: refs[1], AreaID: area}},
		person(mother, 0, refs[2], "1990-01-01", 50.0, in(home, "head")), person(child, 0, refs[3], "2021-03-10", nil, in(home, "child")))

	says := func(step string, household db.ID, small, earned, well any) {
		t.Helper()
		must(t, fields.Recompute(t.Context(), d.DB, one))
		must(t, d.WithTx(t.Context(), one, func(tx db.Tx) error {
			got, err := fields.Calculated(tx, household)
			if err == nil && (got["small"] != small || got["earned"] != earned || got["well"] != well) {
				t.Errorf("%s: %v", step, got)
			}
			return err
		}))
	}
	says("at first", home, 1.0, nil, nil) // what the child earns is not known
	says("nobody", away, 0.0, 0.0, "no")
	write(t, d, person(child, 1, refs[3], "2021-03-10", 0.0, in(home, "child")))
	says("with an answer", home, 1.0, 600.0, "yes")

	// nobody wrote anything, and a birthday passed
	asked := func() (n int) {
		must(t, d.WithTx(t.Context(), one, func(tx db.Tx) error {
			if err := fields.Older(tx); err != nil {
				return err
			}
			return tx.Get(&n, `select count(*) from outbox where kind = 'recompute_fields' and ref in ($1, $2)`, home, away)
		}))
		return n
	}
	if n := asked(); n != 0 {
		t.Errorf("asked %d times before the birthday", n)
	}
	d.Clock.Add(9 * 24 * time.Hour)
	if n := asked(); n != 1 {
		t.Errorf("asked %d times on the birthday", n)
	}
	says("older", home, 0.0, 600.0, "yes")
	if n := asked(); n != 1 {
		t.Errorf("asked %d times after it", n)
	}
	// whoever moves counts where they live now, and no longer where they lived
	write(t, d, person(mother, 1, refs[2], "1990-01-01", 50.0, in(away, "head")))
	says("moved away", home, 0.0, 0.0, "no")
	says("moved in", away, 0.0, 600.0, "yes")
	// a formula of people that changed
	published(t, d, label(registry.Field{Subject: "person", Code: "yearly", Type: registry.TypeCalculated, Formula: "wage * 10", Result: registry.TypeMoney}))
	says("counted otherwise", away, 0.0, 500.0, "no")
}

// Formulas that would rest on themselves are not published, and the sentence names
// all of them. Definitions of a file may come in any order.
func TestCircles(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	f := func(code, text string) registry.Field {
		return registry.Field{Subject: "household", Code: code, Type: registry.TypeCalculated, Formula: text, Result: registry.TypeNumber,
			Label: i18n.Text{"en": code, "ar": code}, Sensitivity: "personal", Section: "other"}
	}
	rooms := registry.Field{Subject: "household", Code: "rooms", Type: registry.TypeNumber, Label: i18n.Text{"en": "rooms", "ar": "rooms"}, Sensitivity: "personal", Section: "other"}
	must(t, do(t, d, func(tx db.Tx) error {
		return fields.PublishAll(tx, registry.Fields{f("c", "b + 1"), f("b", "a + 1"), f("a", "rooms * 2"), rooms}, languages)
	}))
	err := fields.Check(f("a", "c * 2"), loaded(t, d), languages)
	var wrong *fault.Error
	if !errors.As(err, &wrong) || len(wrong.Fields) != 1 || wrong.Fields[0].Key != "field.error.circle" || len(wrong.Fields[0].Args["Fields"].([]i18n.Text)) != 4 {
		t.Errorf("%v", err)
	}
	if err := do(t, d, func(tx db.Tx) error {
		id, err := fields.Store(tx, f("a", "c * 2"))
		if err == nil {
			_, err = fields.Publish(tx, id, languages)
		}
		return err
	}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a circle was published: %v", err)
	}
}

// A credential of one person does not tell of the others in the household.
func TestPeopleAreNoClaim(t *testing.T) {
	t.Parallel()
	f := registry.Field{Subject: "household", Code: "small", Type: registry.TypeCalculated, Formula: "members.count(m, m.age < 5)", Result: registry.TypeNumber,
		Label: i18n.Text{"en": "Small"}, Sensitivity: "personal", Section: "other", Claim: registry.FieldClaim{Credential: "household-registration", Name: "small_children"}}
	if got := wrongInputs(fields.Check(f, nil, []string{"en"})); len(got) != 1 || got[0] != "credential" {
		t.Errorf("%v", got)
	}
}
