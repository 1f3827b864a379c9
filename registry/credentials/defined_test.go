package credentials_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/credentials"
)

// define publishes a definition as it stands, past the editor, and has the types
// follow.
func define(t *testing.T, d *dbtest.DB, f registry.Field) {
	t.Helper()
	do(t, d, worker, func(tx db.Tx) error {
		claim, err := json.Marshal(f.Claim)
		if err != nil {
			return err
		}
		if err := tx.Exec(`
			insert into field_definition (id, subject, code, version, type, label, sensitivity, formula, result, claim, published_at)
			values ($1, $2, $3, coalesce((select max(version) from field_definition where subject = $2 and code = $3), 0) + 1, $4, $5, 'personal', $6, $7, $8, $9)`,
			tx.NewID(), f.Subject, f.Code, f.Type, f.Label, f.Formula, f.Result, string(claim), tx.Now()); err != nil {
			return err
		}
		all, err := registry.LoadFields(tx)
		if err != nil {
			return err
		}
		return credentials.Follow(tx, all)
	})
}

func says(t *testing.T, d *dbtest.DB, who, typeID string) map[string]any {
	t.Helper()
	var data credentials.Dataset
	holder := person(t, d, who)
	do(t, d, wallet, func(tx db.Tx) error {
		kind, err := credentials.Load(tx, typeID)
		if err != nil {
			return err
		}
		data, err = credentials.Data(tx, kind, holder, nil)
		return err
	})
	return data.Claims
}

// What a definition says is a claim is one: with its value, null where nothing
// is known and the claim is always there, and gone when it is unknown otherwise.
// Where a protected household lives is never said.
func TestClaimsOfDefinitions(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	const kind = credentials.HouseholdRegistration
	claim := func(name string, mandatory bool) registry.FieldClaim {
		return registry.FieldClaim{Credential: kind, Name: name, Mandatory: mandatory}
	}
	define(t, d, registry.Field{Subject: "household", Code: "rooms", Type: registry.TypeNumber, Label: i18n.Text{"en": "Rooms", "ar": "الغرف"}, Claim: claim("rooms_number", false)})
	define(t, d, registry.Field{Subject: "household", Code: "origin", Type: registry.TypeArea, Label: i18n.Text{"en": "Origin"}, Claim: claim("", false)})
	define(t, d, registry.Field{Subject: "household", Code: "wells", Type: registry.TypeNumber, Label: i18n.Text{"en": "Wells"}, Claim: claim("", true)})
	super(t, d, `update household set fields = fields || '{"rooms": 3, "origin": "MJ0101", "electricity": "unknown"}'`)
	if got := says(t, d, "amina", kind); got["rooms_number"] != 3.0 || got["origin"] != "MJ0101" {
		t.Errorf("%v", got)
	}
	if value, there := says(t, d, "amina", kind)["wells"]; !there || value != nil {
		t.Error("a claim that is always there is not null where nothing is known")
	}
	leila := says(t, d, "leila", kind)
	if _, there := leila["origin"]; there || leila["rooms_number"] != 3.0 {
		t.Errorf("of a protected household: %v", leila)
	}
	define(t, d, registry.Field{Subject: "household", Code: "electricity", Type: registry.TypeYesNo, Label: i18n.Text{"en": "Power"}, Claim: claim("power", false)})
	if _, there := says(t, d, "amina", kind)["power"]; there {
		t.Error("\"not known\" is said")
	}
	if before, after := says(t, d, "amina", kind), says(t, d, "amina", kind); !bytes.Equal(hash(before), hash(after)) {
		t.Error("the same says something else")
	}
	// a person's place, in a protected household
	define(t, d, registry.Field{Subject: "person", Code: "born_in", Type: registry.TypeArea, Label: i18n.Text{"en": "Born in"},
		Claim: registry.FieldClaim{Credential: credentials.PersonRegistration, Mandatory: true}})
	super(t, d, `update person set fields = fields || '{"born_in": "MJ0102"}'`)
	if got := says(t, d, "amina", credentials.PersonRegistration)["born_in"]; got != "MJ0102" {
		t.Errorf("%v", got)
	}
	if got := says(t, d, "leila", credentials.PersonRegistration)["born_in"]; got != nil {
		t.Errorf("of somebody protected: %v", got)
	}
}

func hash(claims map[string]any) []byte { return credentials.Dataset{Claims: claims}.Hash() }

// A type has a new version whenever definitions change what it says, and the old
// ones stay as they were.
func TestTypesHaveVersions(t *testing.T) {
	t.Parallel()
	d := seeded(t)
	const kind = credentials.HouseholdRegistration
	load := func(n int) (out credentials.Type, err error) {
		err = d.WithTx(t.Context(), wallet, func(tx db.Tx) (err error) { out, err = credentials.LoadVersion(tx, kind, n); return err })
		return out, err
	}
	first, err := load(1)
	if err != nil || len(first.Claims) != 4 {
		t.Fatal(first, err)
	}
	rooms := registry.Field{Subject: "household", Code: "rooms", Type: registry.TypeNumber, Label: i18n.Text{"en": "Rooms"}, Claim: registry.FieldClaim{Credential: kind, Always: true}}
	define(t, d, rooms)
	define(t, d, rooms) // again, the same: no new version
	rooms.Label = i18n.Text{"en": "Rooms in all"}
	define(t, d, rooms)
	rooms.Claim = registry.FieldClaim{}
	define(t, d, rooms)
	var got []string
	for n := 1; n < 10; n++ {
		v, err := load(n)
		if err != nil {
			if !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
			break
		}
		last := v.Claims[len(v.Claims)-1]
		got = append(got, fmt.Sprintf("%d %d %d %s", v.Version, len(v.Claims), v.Hidden(), last.Label["en"]))
	}
	if want := []string{"1 4 4 ", "2 5 4 Rooms", "3 5 4 Rooms in all", "4 4 4 "}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q", got)
	}
	for _, n := range []int{0, -1, 5} {
		if _, err := load(n); !fault.Is(err, fault.NotFound) {
			t.Errorf("version %d: %v", n, err)
		}
	}
	for _, who := range []db.Principal{wallet, citizen, staff} {
		for _, statement := range []string{`update credential_version set claims = '[]'`, `delete from credential_version`} {
			if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
				t.Errorf("%s: %s", who.Role, statement)
			}
		}
	}
}
