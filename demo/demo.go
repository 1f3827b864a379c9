// Package demo is the demo country and its people: what "daftar serve --demo"
// puts into an empty database, and who can sign in to it.
package demo

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/mockid"
	"daftar/registry"
	"daftar/registry/fields"
	"daftar/registry/programmes"
)

//go:embed country.yaml
var countryYAML []byte

//go:embed people.yaml
var peopleYAML []byte

// Realm names of the mock identity provider.
const (
	CitizenRealm = "citizen"
	StaffRealm   = "staff"
)

type country struct {
	Country    registry.Country `yaml:"country"`
	AreaKinds  []areaKind       `yaml:"area_kinds"`
	Areas      []area           `yaml:"areas"`
	Fields     []fields.Entry   `yaml:"fields"`
	Programmes []programme      `yaml:"programmes"`
	Staff      []staff          `yaml:"staff"`
}

type areaKind struct {
	Level int       `yaml:"level"`
	Code  string    `yaml:"code"`
	Name  i18n.Text `yaml:"name"`
}

type area struct {
	Code   string    `yaml:"code"`
	Parent string    `yaml:"parent"`
	Kind   string    `yaml:"kind"`
	Name   i18n.Text `yaml:"name"`
}

type programme struct {
	Code    string          `yaml:"code"`
	Name    i18n.Text       `yaml:"name"`
	Summary i18n.Text       `yaml:"summary"`
	Rule    programmes.Rule `yaml:"rule"`
}

type staff struct {
	Key  string `yaml:"key"`
	Name string `yaml:"name"`
	Role string `yaml:"role"`
	Area string `yaml:"area"`
}

type cast struct {
	People     []person    `yaml:"people"`
	Households []household `yaml:"households"`
}

type person struct {
	Key          string          `yaml:"key"`
	Name         string          `yaml:"name"`
	Latin        string          `yaml:"latin"`
	Sex          string          `yaml:"sex"`
	Age          int             `yaml:"age"`
	ID           string          `yaml:"id"`
	Relationship string          `yaml:"relationship"`
	Fields       registry.Values `yaml:"fields"`
}

type household struct {
	Head         string          `yaml:"head"`
	Area         string          `yaml:"area"`
	Directions   string          `yaml:"directions"`
	Protected    bool            `yaml:"protected"`
	FieldsOfHead registry.Values `yaml:"fields_of_head"`
	Members      []person        `yaml:"members"`
	Fields       registry.Values `yaml:"fields"`
}

func read(raw []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	return d.Decode(into)
}

func load() (c country, p cast, err error) {
	if err := read(countryYAML, &c); err != nil {
		return c, p, fmt.Errorf("country.yaml: %w", err)
	}
	if err := read(peopleYAML, &p); err != nil {
		return c, p, fmt.Errorf("people.yaml: %w", err)
	}
	return c, p, nil
}

// birthDay is the day of birth of somebody of an age: three months before the
// birthday comes round, so that ages hold for a while.
func birthDay(age int, today time.Time) string {
	return today.AddDate(-age, -9, 0).Format(time.DateOnly)
}

// Directory lists who can sign in to the mock identity provider.
func Directory(today time.Time) (citizens, officers []mockid.Person, err error) {
	c, cast, err := load()
	if err != nil {
		return nil, nil, err
	}
	for _, p := range cast.People {
		citizens = append(citizens, mockid.Person{
			Key: p.Key, Name: p.Name, NameLatin: p.Latin, BirthDate: birthDay(p.Age, today), Gender: p.Sex,
			NationalID: p.ID, About: "demo.person." + p.Key,
		})
	}
	for _, s := range c.Staff {
		officers = append(officers, mockid.Person{Key: s.Key, Name: s.Name, About: "demo.role." + s.Role})
	}
	return citizens, officers, nil
}

// Is reports whether a database holds the demo.
func Is(ctx context.Context, d *db.DB) (is bool, err error) {
	err = d.View(ctx, worker, func(tx db.Tx) error {
		return tx.Get(&is, `select exists (select from setting where key = 'demo')`)
	})
	return is, err
}

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// Staff is the principal of a demo member of staff, for commands that act in
// somebody's name.
func Staff(ctx context.Context, d *db.DB, key string) (db.Principal, error) {
	var id db.ID
	err := d.View(ctx, worker, func(tx db.Tx) error {
		return tx.Get(&id, `select id from staff where sub = $1`, mockid.Subject(StaffRealm, key))
	})
	return db.Principal{Role: db.Jobs, Kind: "staff", Actor: id}, err
}

// Person finds the record of a demo citizen by name, such as "amina".
func Person(tx db.Tx, key string) (db.ID, error) {
	_, cast, err := load()
	if err != nil {
		return db.ID{}, err
	}
	for _, p := range cast.People {
		if p.Key == key {
			return registry.PersonByIdentifier(tx, registry.NationalID, p.ID)
		}
	}
	return db.ID{}, fault.Hidden()
}

// Seed fills an empty database with the demo. On one that has it, it changes
// nothing but the addresses of the identity provider.
func Seed(ctx context.Context, d *db.DB, providers map[string]string) error {
	c, cast, err := load()
	if err != nil {
		return err
	}
	for id, issuer := range providers {
		if err := d.WithTx(ctx, worker, func(tx db.Tx) error {
			return tx.Exec(`
				insert into identity_provider (id, issuer) values ($1, $2)
				on conflict (id) do update set issuer = excluded.issuer`, id, issuer)
		}); err != nil {
			return err
		}
	}
	there, err := Is(ctx, d)
	if err != nil || there {
		return err
	}
	if err := d.WithTx(ctx, worker, func(tx db.Tx) error { return c.install(tx) }); err != nil {
		return err
	}
	if err := cast.register(ctx, d); err != nil {
		return err
	}
	return d.WithTx(ctx, worker, func(tx db.Tx) error {
		return tx.Exec(`insert into setting (key, value, updated_at) values ('demo', 'true', $1)`, tx.Now())
	})
}

// install writes settings, areas, fields, programmes and staff.
func (c country) install(tx db.Tx) error {
	raw, err := json.Marshal(c.Country)
	if err != nil {
		return err
	}
	if err := tx.Exec(`
		insert into setting (key, value, updated_at) values ('country', $1, $2)
		on conflict (key) do update set value = excluded.value`, string(raw), tx.Now()); err != nil {
		return err
	}
	for _, k := range c.AreaKinds {
		if err := tx.Exec(`insert into area_kind (level, code, name) values ($1, $2, $3) on conflict (level, code) do update set name = excluded.name`,
			k.Level, k.Code, k.Name); err != nil {
			return err
		}
	}
	levels := map[string]int{}
	for _, a := range c.Areas {
		if a.Parent != "" {
			levels[a.Code] = levels[a.Parent] + 1
		}
		if err := tx.Exec(`
			insert into area (id, code, level, kind, parent_id, name)
			values ($1, $2, $3, $4, (select id from area where code = nullif($5, '')), $6) on conflict (code) do nothing`,
			tx.NewID(), a.Code, levels[a.Code], a.Kind, a.Parent, a.Name); err != nil {
			return err
		}
	}
	if err := fields.PublishAll(tx, c.Fields, 0, []string{i18n.Source}); err != nil {
		return err
	}
	definitions, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	for _, p := range c.Programmes {
		id := tx.NewID()
		if err := tx.Exec(`insert into programme (id, code, name, summary) values ($1, $2, $3, $4)`, id, p.Code, p.Name, p.Summary); err != nil {
			return err
		}
		if err := programmes.Publish(tx, id, p.Rule, definitions); err != nil {
			return fmt.Errorf("programme %s: %w", p.Code, err)
		}
	}
	for _, s := range c.Staff {
		id := tx.NewID()
		if err := tx.Exec(`insert into staff (id, provider, sub, name) values ($1, 'staff', $2, $3)`,
			id, mockid.Subject(StaffRealm, s.Key), s.Name); err != nil {
			return err
		}
		if err := tx.Exec(`
			insert into staff_role (staff_id, role, area_id, valid_from)
			select $1, $2, id, $4 from area where code = $3`, id, s.Role, s.Area, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// register brings the demo households in the way that any record comes in:
// proposed by one officer, approved by another.
func (c cast) register(ctx context.Context, d *db.DB) error {
	intake, err := Staff(ctx, d, "intake")
	if err != nil {
		return err
	}
	approver, err := Staff(ctx, d, "approver")
	if err != nil {
		return err
	}
	var change db.ID
	var homes []db.ID
	if err := d.WithTx(ctx, intake, func(tx db.Tx) error {
		items, ids, err := c.items(tx)
		if err != nil {
			return err
		}
		homes = ids
		change, err = registry.Propose(tx, registry.OriginBatch, items)
		return err
	}); err != nil {
		return err
	}
	if err := d.WithTx(ctx, approver, func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	}); err != nil {
		return err
	}
	return d.WithTx(ctx, worker, func(tx db.Tx) error {
		for _, id := range homes {
			if err := programmes.Assess(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c cast) items(tx db.Tx) ([]registry.Item, []db.ID, error) {
	source, err := registry.AddSource(tx, registry.SourceCounter, nil, "")
	if err != nil {
		return nil, nil, err
	}
	vouched, err := registry.AddSource(tx, registry.SourceNationalID, nil, "")
	if err != nil {
		return nil, nil, err
	}
	from := registry.Provenance{"*": source}
	heads := map[string]person{}
	for _, p := range c.People {
		heads[p.Key] = p
	}
	var items []registry.Item
	var homes []db.ID
	for _, h := range c.Households {
		home, err := registry.AreaByCode(tx, h.Area)
		if err != nil {
			return nil, nil, err
		}
		id := tx.NewID()
		homes = append(homes, id)
		items = append(items, registry.Item{Kind: registry.KindHousehold, Subject: id, Data: registry.HouseholdData{
			Ref: registry.NewRef(registry.RefHousehold, tx.Rand()), AreaID: home.ID, Directions: h.Directions,
			Protected: h.Protected, Fields: h.Fields, Provenance: from,
		}})
		head := heads[h.Head]
		head.Relationship, head.Fields = "head", h.FieldsOfHead
		for _, p := range append([]person{head}, h.Members...) {
			items = append(items, p.item(tx, id, from, vouched))
		}
	}
	return items, homes, nil
}

func (p person) item(tx db.Tx, home db.ID, from registry.Provenance, vouched db.ID) registry.Item {
	today := tx.Now()
	born := birthDay(p.Age, today)
	data := registry.PersonData{
		Ref: registry.NewRef(registry.RefPerson, tx.Rand()), FullName: p.Name, FullNameLatin: p.Latin, Sex: p.Sex,
		BirthFrom: born, BirthTo: born, Fields: p.Fields, Provenance: from,
		Memberships: []registry.MembershipData{{
			ID: tx.NewID(), HouseholdID: home, Relationship: p.Relationship, StartDate: today.Format(time.DateOnly),
		}},
	}
	if p.ID != "" {
		data.Identifiers = []registry.IdentifierData{{
			Type: registry.NationalID, Value: registry.NormalIdentifier(p.ID), Status: "verified", Provenance: registry.Provenance{"*": vouched},
		}}
	}
	return registry.Item{Kind: registry.KindPerson, Subject: tx.NewID(), Data: data}
}
