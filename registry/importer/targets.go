package importer

import (
	"cmp"
	"slices"
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
)

// The tables that a file can hold, beside one for each roster.
const (
	Households = "households"
	People     = "people"
	Groups     = "groups"
	Members    = "group_members" // of groups
	Nothing    = "-"             // a list that is left out
)

// Catalogue is what can be imported: the tables and what their columns can be,
// made of the definitions in use.
type Catalogue struct {
	Tables  []Table
	fields  registry.Fields
	numbers []registry.IdentifierType
}

// Table is one list: households, people, or the rows of a roster.
type Table struct {
	Code    string // Households, People, Groups, Members, or a roster's code
	Subject string // whose rows they are: registry.KindHousehold, KindPerson or KindGroup
	Roster  *registry.Field
	Targets []Target
}

// Target is what a column can be. Its code is the same in every language.
type Target struct {
	Code     string
	slot     slot
	Field    *registry.Field // of a value that is defined
	Number   string          // type of a number that an issuer gave
	number   *registry.IdentifierType
	part     string   // of a number or a contact: what is said about it
	Codes    []string // the answers, where there is a list of them
	words    string   // prefix of the messages that name the answers
	tags     registry.Tags
	many     bool // several answers, with a semicolon between
	Template bool // a column of the template
}

// slot is where a column that every registry has goes.
type slot int

const (
	slotNone slot = iota
	slotKey
	slotRef
	slotHousehold
	slotPerson
	slotRow
	slotGroup
	slotSubgroup
	slotName
	slotNameLatin
	slotGroupType
	slotGroupRole
	slotServed
	slotFormed
	slotSize
	slotArea
	slotDirections
	slotProtected
	slotTags
	slotRelationship
	slotTie
	slotSince
	slotUntil
	slotRoles
	slotCaresFor
	slotFullName
	slotLatin
	slotGiven
	slotFamily
	slotOther
	slotSex
	slotBirth
	slotYear
	slotMonth
	slotDay
	slotAge
	slotAgeMonths
	slotPhone
	slotPhoneOwner
	slotPhoneSafe
	slotPhoneProtected
	slotEmail
	slotEmailOwner
	slotEmailSafe
	slotEmailProtected
	slots
)

// LoadCatalogue reads the definitions. roles are the officer's: what they may
// not edit is not offered; nil for a command, which may set anything.
func LoadCatalogue(tx db.Tx, roles []string) (*Catalogue, error) {
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return nil, err
	}
	numbers, err := registry.IdentifierTypes(tx)
	if err != nil {
		return nil, err
	}
	tags, err := registry.LoadTags(tx)
	if err != nil {
		return nil, err
	}
	return newCatalogue(fields, numbers, tags, roles), nil
}

func newCatalogue(fields registry.Fields, numbers []registry.IdentifierType, tags registry.Tags, roles []string) *Catalogue {
	c := &Catalogue{fields: fields, numbers: numbers}
	homes := []Target{
		{Code: "household", slot: slotKey, Template: true}, {Code: "ref", slot: slotRef, Template: true}, {Code: "area", slot: slotArea, Template: true},
		{Code: "directions", slot: slotDirections, Template: true}, {Code: "protected", slot: slotProtected, Template: true, Codes: answers, words: "answer."},
		{Code: "size", slot: slotSize}, tagTarget(tags, registry.KindHousehold),
	}
	people := []Target{
		{Code: "person", slot: slotKey, Template: true}, {Code: "ref", slot: slotRef, Template: true}, {Code: "household", slot: slotHousehold, Template: true},
		{Code: "relationship", slot: slotRelationship, Template: true, Codes: registry.Relationships(), words: "relationship."},
		{Code: "full_name", slot: slotFullName, Template: true}, {Code: "full_name_latin", slot: slotLatin, Template: true},
		{Code: "given_name", slot: slotGiven, Template: true}, {Code: "family_name", slot: slotFamily, Template: true}, {Code: "other_names", slot: slotOther},
		{Code: "sex", slot: slotSex, Template: true, Codes: registry.Sexes(), words: "sex."},
		{Code: "birth_date", slot: slotBirth, Template: true}, {Code: "birth_year", slot: slotYear}, {Code: "birth_month", slot: slotMonth}, {Code: "birth_day", slot: slotDay},
		{Code: "age", slot: slotAge, Template: true}, {Code: "age_months", slot: slotAgeMonths},
		{Code: "tie", slot: slotTie, Template: true, Codes: registry.Ties(), words: "tie."}, {Code: "since", slot: slotSince, Template: true}, {Code: "until", slot: slotUntil, Template: true},
		{Code: "roles", slot: slotRoles, Template: true, Codes: []string{registry.RolePayee, registry.RoleAlternatePayee}, words: "role.", many: true},
		{Code: "cares_for", slot: slotCaresFor, Template: true, many: true},
		{Code: "phone", slot: slotPhone, Template: true}, {Code: "phone.owner", slot: slotPhoneOwner, Template: true, Codes: registry.ContactOwners(), words: "contact.owner."},
		{Code: "phone.safe", slot: slotPhoneSafe, Template: true, Codes: registry.ContactUses(), words: "contact.safe.", many: true},
		{Code: "phone.protected", slot: slotPhoneProtected, Codes: answers, words: "answer."},
		{Code: "email", slot: slotEmail}, {Code: "email.owner", slot: slotEmailOwner, Codes: registry.ContactOwners(), words: "contact.owner."},
		{Code: "email.safe", slot: slotEmailSafe, Codes: registry.ContactUses(), words: "contact.safe.", many: true},
		{Code: "email.protected", slot: slotEmailProtected, Codes: answers, words: "answer."}, tagTarget(tags, registry.KindPerson),
	}
	groups := []Target{
		{Code: "group", slot: slotKey, Template: true}, {Code: "ref", slot: slotRef, Template: true}, {Code: "name", slot: slotName, Template: true},
		{Code: "name_latin", slot: slotNameLatin, Template: true}, {Code: "type", slot: slotGroupType, Template: true, Codes: registry.GroupTypes(), words: "group.type."},
		{Code: "area", slot: slotArea, Template: true}, {Code: "formed", slot: slotFormed, Template: true},
		{Code: "served", slot: slotServed, Template: true, Codes: answers[:2], words: "answer."}, tagTarget(tags, registry.KindGroup),
	}
	for i := range numbers {
		t := &c.numbers[i]
		list, ok := map[string]*[]Target{registry.KindPerson: &people, registry.KindHousehold: &homes, registry.KindGroup: &groups}[t.Subject]
		if !ok {
			continue
		}
		code := "id." + t.Code
		*list = append(*list, Target{Code: code, Number: t.Code, number: t, Template: true},
			Target{Code: code + ".issuer", Number: t.Code, part: "issuer"}, Target{Code: code + ".expires", Number: t.Code, part: "expires"},
			Target{Code: code + ".verified", Number: t.Code, part: "verified", Codes: answers, words: "answer."},
			Target{Code: code + ".assurance", Number: t.Code, part: "assurance", Codes: registry.Assurances(), words: "assurance."},
			Target{Code: code + ".method", Number: t.Code, part: "method", Codes: registry.VerificationMethods(), words: "verification."})
	}
	c.Tables = []Table{
		{Code: Households, Subject: registry.KindHousehold, Targets: c.defined(homes, registry.KindHousehold, roles)},
		{Code: People, Subject: registry.KindPerson, Targets: c.defined(people, registry.KindPerson, roles)},
		{Code: Groups, Subject: registry.KindGroup, Targets: groups},
		{Code: Members, Subject: registry.KindGroup, Targets: []Target{
			{Code: "group", slot: slotGroup, Template: true}, {Code: "household", slot: slotHousehold, Template: true}, {Code: "person", slot: slotPerson, Template: true},
			{Code: "subgroup", slot: slotSubgroup, Template: true},
			{Code: "role", slot: slotGroupRole, Template: true, Codes: registry.GroupRoles(), words: "group.role."},
			{Code: "since", slot: slotSince, Template: true}, {Code: "until", slot: slotUntil, Template: true}}},
	}
	for _, subject := range []string{registry.KindHousehold, registry.KindPerson} {
		for _, f := range fields.Of(subject) {
			if f.Type == registry.TypeRoster && mayEdit(f, roles) {
				c.Tables = append(c.Tables, c.roster(f, roles))
			}
		}
	}
	return c
}

// tagTarget takes the country's tags; where there are none, whatever a file says.
func tagTarget(tags registry.Tags, kind string) Target {
	t := Target{Code: "tags", slot: slotTags, many: true, Template: true, tags: tags}
	if len(tags) > 0 {
		t.Codes = tags.For(kind).Codes()
		if kind == registry.KindHousehold {
			t.Codes = append(t.Codes, registry.TagNoFixedPlace)
		}
	}
	return t
}

var answers = []string{"yes", "no", registry.Unknown}

func mayEdit(f registry.Field, roles []string) bool { return roles == nil || f.May("edit", roles) }

// defined adds the fields of a subject. One that is called like a column that
// every registry has gets another code.
func (c *Catalogue) defined(list []Target, subject string, roles []string) []Target {
	for _, f := range c.fields.Of(subject) {
		if f.Type != registry.TypeCalculated && f.Type != registry.TypeRoster && mayEdit(f, roles) {
			list = append(list, fieldTarget(f, list))
		}
	}
	return list
}

func fieldTarget(f registry.Field, beside []Target) Target {
	t := Target{Code: f.Code, Field: &f, Template: true, many: f.Type == registry.TypeChoices}
	if slices.ContainsFunc(beside, func(o Target) bool { return o.Code == f.Code }) {
		t.Code = "field." + f.Code
	}
	switch f.Type {
	case registry.TypeYesNo:
		t.Codes, t.words = answers, "answer."
	case registry.TypeChoice, registry.TypeChoices:
		for _, o := range f.Options {
			if !o.Retired {
				t.Codes = append(t.Codes, o.Code)
			}
		}
	}
	return t
}

func (c *Catalogue) roster(f registry.Field, roles []string) Table {
	owner := Target{Code: "household", slot: slotHousehold, Template: true}
	if f.Subject == registry.KindPerson {
		owner = Target{Code: "person", slot: slotPerson, Template: true}
	}
	t := Table{Code: f.Code, Subject: f.Subject, Roster: &f, Targets: []Target{owner, {Code: "row", slot: slotRow}}}
	if slices.ContainsFunc(c.Tables, func(o Table) bool { return o.Code == f.Code }) {
		t.Code = f.Subject + "_" + f.Code
	}
	for _, column := range c.fields.Columns(f) {
		if mayEdit(column, roles) {
			t.Targets = append(t.Targets, fieldTarget(column, t.Targets))
		}
	}
	return t
}

// Table finds a table by its code.
func (c *Catalogue) Table(code string) (Table, bool) {
	i := slices.IndexFunc(c.Tables, func(t Table) bool { return t.Code == code })
	if i < 0 {
		return Table{}, false
	}
	return c.Tables[i], true
}

// Name is what the table is called.
func (t Table) Name(p *i18n.Printer) string {
	if t.Roster != nil {
		return t.Roster.Label.In(p)
	}
	return p.T("import.table." + t.Code)
}

// Target finds what a column can be by its code.
func (t Table) Target(code string) (Target, bool) {
	i := slices.IndexFunc(t.Targets, func(o Target) bool { return o.Code == code })
	if i < 0 {
		return Target{}, false
	}
	return t.Targets[i], true
}

// Name is what the column is called.
func (t Target) Name(p *i18n.Printer) string {
	switch {
	case t.Field != nil:
		name := t.Field.Label.In(p)
		if unit := t.Field.Unit.In(p); unit != "" {
			name += " (" + unit + ")"
		}
		return name
	case t.part != "":
		return p.T("import.column.id."+t.part, "Number", t.numberName(p))
	case t.Number != "":
		return t.numberName(p)
	}
	return p.T("import.column." + t.Code)
}

func (t Target) numberName(p *i18n.Printer) string {
	if t.number != nil {
		return t.number.Name.In(p)
	}
	if p.Has("identifier." + t.Number) {
		return p.T("identifier." + t.Number)
	}
	return t.Number
}

// Help says what goes into the column; "" where its name says it all.
func (t Target) Help(p *i18n.Printer) string {
	if t.Field != nil {
		return t.Field.Help.In(p)
	}
	if key := "import.column_help." + t.Code; p.Has(key) {
		return p.T(key)
	}
	return ""
}

// Answer is what one of the column's answers is called.
func (t Target) Answer(p *i18n.Printer, code string) string {
	if t.words != "" {
		return p.T(t.words + code)
	}
	if t.slot == slotTags {
		return t.tags.Name(p, code)
	}
	if t.Field != nil {
		if label := t.Field.Options.Label(code); label != nil {
			return label.In(p)
		}
	}
	return code
}

// Many reports whether a cell may hold several answers.
func (t Target) Many() bool { return t.many }

// Sorted are the targets in the order of a list to choose from: by name.
func (t Table) Sorted(p *i18n.Printer) []Target {
	list := slices.Clone(t.Targets)
	slices.SortStableFunc(list, func(a, b Target) int {
		return cmp.Or(cmp.Compare(boolInt(a.part != ""), boolInt(b.part != "")), strings.Compare(a.Name(p), b.Name(p)))
	})
	return list
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
