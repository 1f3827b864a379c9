// Package demo is the demo country and its people: what "daftar serve --demo"
// puts into an empty database, and who can sign in to it.
package demo

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"daftar/auth"
	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/mockid"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/cases/kinds"
	"daftar/registry/dedup"
	"daftar/registry/letters"
	"daftar/registry/programmes"
	"daftar/registry/settings"
)

//go:embed country.yaml
var countryYAML []byte

//go:embed demo.yaml
var demoYAML []byte

//go:embed people.yaml
var peopleYAML []byte

// Realm names of the mock identity provider.
const (
	CitizenRealm = "citizen"
	StaffRealm   = "staff"
)

// country is what the demo has beside its country's settings.
type country struct {
	Areas      []area      `yaml:"areas"`
	Programmes []programme `yaml:"programmes"`
	Staff      []staff     `yaml:"staff"`
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
	// Where: an area with everything inside, or an office.
	Area   string `yaml:"area"`
	Office string `yaml:"office"`
	// RelativeOf is the number of somebody whose record this one should not see.
	RelativeOf string `yaml:"relative_of"`
}

type cast struct {
	People     []person    `yaml:"people"`
	Households []household `yaml:"households"`
	Groups     []group     `yaml:"groups"`
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
	Phone        *phone          `yaml:"phone"`
	Payee        string          `yaml:"payee"`     // role: payee or alternate_payee
	CaresFor     []string        `yaml:"cares_for"` // names of members
	Ties         []tie           `yaml:"ties"`
}

type phone struct {
	Number string   `yaml:"number"`
	Owner  string   `yaml:"owner"`
	Safe   []string `yaml:"safe"`
}

// tie binds a person to a household that they do not usually live in.
type tie struct {
	Household    string `yaml:"household"` // its head's key
	Tie          string `yaml:"tie"`
	Relationship string `yaml:"relationship"`
	Payee        string `yaml:"payee"`    // a role there
	Relation     string `yaml:"relation"` // to its head
}

type group struct {
	Key        string   `yaml:"key"`
	Type       string   `yaml:"type"`
	Name       string   `yaml:"name"`
	Latin      string   `yaml:"latin"`
	Area       string   `yaml:"area"`
	Households []string `yaml:"households"` // their heads' keys
	Groups     []string `yaml:"groups"`
}

type household struct {
	Head         string          `yaml:"head"` // a key of people; "" when the head is the first member
	Area         string          `yaml:"area"`
	Directions   string          `yaml:"directions"`
	Protected    bool            `yaml:"protected"`
	FieldsOfHead registry.Values `yaml:"fields_of_head"`
	Members      []person        `yaml:"members"`
	Fields       registry.Values `yaml:"fields"`
	// of the head
	Phone    *phone   `yaml:"phone"`
	Payee    string   `yaml:"payee"`
	CaresFor []string `yaml:"cares_for"`
	Ties     []tie    `yaml:"ties"`
}

func read(raw []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	return d.Decode(into)
}

func load() (c country, p cast, err error) {
	if err := read(demoYAML, &c); err != nil {
		return c, p, fmt.Errorf("demo.yaml: %w", err)
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

// Reach gives the staff of the capital region their roles also in countries that
// an import made: otherwise nobody of the demo would see what was brought in.
func Reach(ctx context.Context, d *db.DB) error {
	return d.WithTx(ctx, worker, func(tx db.Tx) error {
		n, err := tx.Count(`
			insert into staff_role (staff_id, role, area_id, valid_from)
			select distinct s.staff_id, s.role, root.id, $1::timestamptz
			from staff_scope s join area home on home.id = s.area_id and home.code = 'MJ01'
			join area root on root.parent_id is null and root.code <> 'MJ'
			where s.valid_to is null
			on conflict do nothing`, tx.Now())
		if err != nil || n == 0 {
			return err
		}
		return audit.Write(tx, audit.Event{Action: "demo.reached"})
	})
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
	if err := d.WithTx(ctx, worker, func(tx db.Tx) error { return auth.SetProviders(tx, providers) }); err != nil {
		return err
	}
	if err := d.WithTx(ctx, worker, kinds.PublishMissing); err != nil {
		return err
	}
	there, err := Is(ctx, d)
	if err != nil || there {
		return err
	}
	if err := d.WithTx(ctx, worker, func(tx db.Tx) error { return c.install(tx) }); err != nil {
		return err
	}
	if err := c.settle(ctx, d); err != nil {
		return err
	}
	if err := review(ctx, d); err != nil {
		return err
	}
	if err := cast.register(ctx, d); err != nil {
		return err
	}
	return d.WithTx(ctx, worker, func(tx db.Tx) error {
		if err := tx.Exec(`insert into setting (key, value, updated_at) values ('demo', 'true', $1)`, tx.Now()); err != nil {
			return err
		}
		return audit.Write(tx, audit.Event{Action: "demo.installed"})
	})
}

// review adds the texts of letters. In the demo somebody has reviewed the English
// ones; Arabic ones go out as drafts beside them.
func review(ctx context.Context, d *db.DB) error {
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		return err
	}
	if err := d.WithTx(ctx, worker, func(tx db.Tx) error { return letters.Install(tx, messages) }); err != nil {
		return err
	}
	who, err := Staff(ctx, d, "appeals")
	if err != nil {
		return err
	}
	return d.WithTx(ctx, who, func(tx db.Tx) error {
		for _, kind := range letters.Kinds() {
			if err := letters.Review(tx, kind, i18n.Source, 1); err != nil {
				return err
			}
		}
		return nil
	})
}

// install writes the areas and who works there.
func (c country) install(tx db.Tx) error {
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

// settle brings in the country's settings as a country does: from a file, which
// one person proposes and another approves. Then whoever works at an office gets
// their role there, and the programmes are published.
func (c country) settle(ctx context.Context, d *db.DB) error {
	sysadmin, err := Staff(ctx, d, "sysadmin")
	if err != nil {
		return err
	}
	dpo, err := Staff(ctx, d, "dpo")
	if err != nil {
		return err
	}
	both := func(propose func(db.Tx) (string, error)) error {
		var ref string
		if err := d.WithTx(ctx, sysadmin, func(tx db.Tx) (err error) { ref, err = propose(tx); return err }); err != nil {
			return err
		}
		return d.WithTx(ctx, dpo, func(tx db.Tx) error { return settings.Approve(tx, ref) })
	}
	if err := both(func(tx db.Tx) (string, error) {
		draft, err := settings.FromFile(tx, "country.yaml", countryYAML)
		if err != nil {
			return "", fmt.Errorf("country.yaml: %w", err)
		}
		ref, _, err := settings.Propose(tx, draft)
		return ref, err
	}); err != nil {
		return err
	}
	for _, s := range c.Staff {
		if s.Office == "" {
			continue
		}
		who, err := Staff(ctx, d, s.Key)
		if err != nil {
			return err
		}
		if err := both(func(tx db.Tx) (string, error) {
			return settings.ProposeRole(tx, settings.Role{Staff: who.Actor, Role: s.Role, Office: s.Office}, settings.Proposal{Origin: settings.OriginFile})
		}); err != nil {
			return err
		}
	}
	if err := d.WithTx(ctx, worker, c.declare); err != nil {
		return err
	}
	return d.WithTx(ctx, worker, c.offer)
}

// declare says whose records some of the staff should not see.
func (c country) declare(tx db.Tx) error {
	for _, s := range c.Staff {
		if s.RelativeOf == "" {
			continue
		}
		if err := tx.Exec(`
			insert into staff_kin (id, ref, staff_id, bond, type, value, declared_at, declared_by)
			select $1, $2, id, $4, $5, $6, $7, id from staff where sub = $3 and provider = 'staff'`,
			tx.NewID(), registry.NewRef(registry.RefKin, tx.Rand()), mockid.Subject(StaffRealm, s.Key), auth.KinRelative, registry.NationalID,
			registry.NormalIdentifier(s.RelativeOf), tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// offer publishes the programmes.
func (c country) offer(tx db.Tx) error {
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
		if change, err = registry.Propose(tx, registry.OriginBatch, items); err != nil {
			return err
		}
		return audit.Write(tx, audit.Event{Action: "change.proposed", SubjectKind: "change", Subject: change, Change: change})
	}); err != nil {
		return err
	}
	if err := d.WithTx(ctx, approver, func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		if err := registry.Apply(tx, change); err != nil {
			return err
		}
		return audit.Write(tx, audit.Event{Action: "change.applied", SubjectKind: "change", Subject: change, Change: change})
	}); err != nil {
		return err
	}
	if err := d.WithTx(ctx, worker, func(tx db.Tx) error {
		for _, id := range homes {
			if err := programmes.Assess(tx, id); err != nil {
				return err
			}
		}
		return dedup.Weigh(tx)
	}); err != nil {
		return err
	}
	return dedup.CheckAbout(ctx, d, worker, change)
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
	ids, persons := map[string]db.ID{}, map[string]db.ID{} // of households, and of their heads, by the head's key
	for _, h := range c.Households {
		if h.Head != "" {
			ids[h.Head], persons[h.Head] = tx.NewID(), tx.NewID()
		}
	}
	var items []registry.Item
	var homes []db.ID
	for _, h := range c.Households {
		home, err := registry.AreaByCode(tx, h.Area)
		if err != nil {
			return nil, nil, err
		}
		id, ok := ids[h.Head]
		if !ok {
			id = tx.NewID()
		}
		homes = append(homes, id)
		items = append(items, registry.Item{Kind: registry.KindHousehold, Subject: id, Reason: "registered", Data: registry.HouseholdData{
			Ref: registry.NewRef(registry.RefHousehold, tx.Rand()), AreaID: home.ID, Directions: h.Directions,
			Protected: h.Protected, Fields: h.Fields, Provenance: from,
		}})
		members := h.Members
		if h.Head != "" {
			head := heads[h.Head]
			head.Relationship, head.Fields = "head", h.FieldsOfHead
			head.Phone, head.Payee, head.CaresFor, head.Ties = h.Phone, h.Payee, h.CaresFor, h.Ties
			members = append([]person{head}, members...)
		}
		items = append(items, people(tx, members, id, ids, persons, from, vouched)...)
	}
	for _, g := range c.Groups {
		ids[g.Key] = tx.NewID()
		item, err := g.item(tx, ids, from)
		if err != nil {
			return nil, nil, err
		}
		items = append(items, item)
	}
	return items, homes, nil
}

// related are the relations that a relationship to the head says.
var related = map[string]string{"spouse": "spouse", "child": "child", "parent": "parent", "sibling": "sibling", "grandchild": "grandchild", "grandparent": "grandparent"}

// people are the items of a household's people, the head first.
func people(tx db.Tx, members []person, home db.ID, homes, heads map[string]db.ID, from registry.Provenance, vouched db.ID) []registry.Item {
	ids := map[string]db.ID{}
	for _, p := range members {
		if id, ok := heads[p.Key]; ok {
			ids[p.Name] = id
		} else {
			ids[p.Name] = tx.NewID()
		}
	}
	var items []registry.Item
	for i, p := range members {
		data := p.data(tx, home, homes, ids, from, vouched)
		if kind, ok := related[p.Relationship]; ok && i > 0 {
			data.Relations = []registry.RelationData{{ID: tx.NewID(), Type: kind, PersonID: ids[members[0].Name]}}
		}
		for _, t := range p.Ties {
			if t.Relation != "" {
				data.Relations = append(data.Relations, registry.RelationData{ID: tx.NewID(), Type: t.Relation, PersonID: heads[t.Household]})
			}
		}
		items = append(items, registry.Item{Kind: registry.KindPerson, Subject: ids[p.Name], Reason: "registered", Data: data})
	}
	return items
}

func (p person) data(tx db.Tx, home db.ID, homes, people map[string]db.ID, from registry.Provenance, vouched db.ID) registry.PersonData {
	today := tx.Now()
	born, since := birthDay(p.Age, today), today.Format(time.DateOnly)
	lives := registry.MembershipData{ID: tx.NewID(), HouseholdID: home, Relationship: p.Relationship, StartDate: since}
	if p.Payee != "" {
		lives.Roles = append(lives.Roles, registry.RoleData{Role: p.Payee, StartDate: since})
	}
	for _, name := range p.CaresFor {
		of := people[name]
		lives.Roles = append(lives.Roles, registry.RoleData{Role: registry.RoleCaregiver, Of: &of, StartDate: since})
	}
	data := registry.PersonData{
		Ref: registry.NewRef(registry.RefPerson, tx.Rand()), FullName: p.Name, FullNameLatin: p.Latin, Sex: p.Sex,
		BirthFrom: born, BirthTo: born, Fields: p.Fields, Provenance: from, Memberships: []registry.MembershipData{lives},
	}
	for _, t := range p.Ties {
		bound := registry.MembershipData{ID: tx.NewID(), HouseholdID: homes[t.Household], Tie: t.Tie, Relationship: t.Relationship, StartDate: since}
		if t.Payee != "" {
			bound.Roles = []registry.RoleData{{Role: t.Payee, StartDate: since}}
		}
		data.Memberships = append(data.Memberships, bound)
	}
	if p.Phone != nil {
		data.Contacts = []registry.ContactData{{
			Kind: registry.ContactPhone, Value: registry.NormalContact(registry.ContactPhone, p.Phone.Number), Owner: p.Phone.Owner, Safe: p.Phone.Safe,
		}}
	}
	if p.ID != "" {
		data.Identifiers = []registry.IdentifierData{{
			Type: registry.NationalID, Value: registry.NormalIdentifier(p.ID), Status: "verified", Assurance: "high", Method: "issuer",
			Provenance: registry.Provenance{"*": vouched},
		}}
	}
	return data
}

func (g group) item(tx db.Tx, ids map[string]db.ID, from registry.Provenance) (registry.Item, error) {
	area, err := registry.AreaByCode(tx, g.Area)
	if err != nil {
		return registry.Item{}, err
	}
	data := registry.GroupData{Ref: registry.NewRef(registry.RefGroup, tx.Rand()), Type: g.Type, Name: g.Name, NameLatin: g.Latin, AreaID: &area.ID,
		Beneficiary: true, Provenance: from}
	since, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return registry.Item{}, err
	}
	for _, key := range g.Households {
		id := ids[key]
		data.Members = append(data.Members, registry.GroupMemberData{ID: tx.NewID(), HouseholdID: &id, StartDate: since})
	}
	for _, key := range g.Groups {
		id := ids[key]
		data.Members = append(data.Members, registry.GroupMemberData{ID: tx.NewID(), GroupID: &id, StartDate: since})
	}
	return registry.Item{Kind: registry.KindGroup, Subject: ids[g.Key], Reason: "registered", Data: data}, nil
}
