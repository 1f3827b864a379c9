// Package effect is what a case does to records, as pure functions: from what
// was said and the records as they are, to the next state of each. They read no
// database and know no pages.
package effect

import (
	"maps"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/history"
)

// Person is somebody's record as it is.
type Person struct {
	registry.PersonData
	Version int
}

// Home is a household's record as it is.
type Home struct {
	registry.HouseholdData
	Version int
}

// Scene is what a case can be about: the person whose case it is, those who live
// with them, and whatever else the answers name.
type Scene struct {
	Today  string // "2026-03-02"
	Me     db.ID
	People map[db.ID]Person
	Homes  map[db.ID]Home
	Areas  map[string]db.ID              // of the codes that the answers name
	Before map[db.ID]registry.PersonData // of records that ended: as they were before
}

// Setting is one value that was said: of a person or household, by its name in
// the provenance.
type Setting struct {
	Kind    string
	Subject db.ID
	Name    string
	Value   any
	Columns []string // of a roster: what was asked of its rows; the rest of each stays as it is
}

// Undone is what an applied change did to one record; Before is nil for one that
// it made.
type Undone struct {
	Kind          string
	Subject       db.ID
	Before, After history.State
}

// Identity is what a new record gets.
type Identity struct {
	ID  db.ID  `json:"id"`
	Ref string `json:"ref,omitempty"`
}

// In is everything that an effect looks at.
type In struct {
	Scene
	Answers registry.Values
	Sets    []Setting
	Undo    []Undone
	Proof   []string // codes of the documents that came with it
	Nature  registry.Nature
	Reason  string
	Said    db.ID // the source of what was said
	// Allot gives the identity for a key, the same for the same key.
	Allot func(key string, kind rune) Identity
}

// Out is what a case proposes.
type Out struct {
	Items    []registry.Item
	Affected []db.ID // adults other than the person themselves: they are told
	Needed   []db.ID // those of them whose agreement it takes
	Risky    bool    // identifiers or payment data: a second official decides too
	Unsafe   bool    // the person said that they are not safe (RULES R5)
}

// effects by name.
var effects = map[string]func(*build) error{
	"birth": birth, "death": death, "alive": alive, "move": move, "separate": separate, "marry": marry, "set": set, "payee": payee,
	"leave": leave, "hide": hide, "confirm": confirm, "duplicate": duplicate, "undo": undo,
}

// Register is the effect of a registration, which package cases makes of its own
// form.
const Register = "register"

// Names lists the effects.
func Names() []string { return append(slices.Sorted(maps.Keys(effects)), Register) }

// Run makes a proposal. fault.Invalid says what the person can put right;
// fault.Conflict, with a key "blocked.<code>", that the office has to look at it
// first.
func Run(name string, in In) (Out, error) {
	b := &build{In: in, people: map[db.ID]*registry.PersonData{}, homes: map[db.ID]*registry.HouseholdData{}, since: in.Today}
	if err := effects[name](b); err != nil {
		return Out{}, err
	}
	return b.out()
}

// build collects the next states of the records that an effect touches.
type build struct {
	In
	people   map[db.ID]*registry.PersonData
	homes    map[db.ID]*registry.HouseholdData
	order    []db.ID // as they were touched
	since    string  // since when it is so in the world
	affected []db.ID
	needed   []db.ID
	unsafe   bool
	silent   bool
	routine  bool // a change of payment data that follows from a rule
	appoints bool // and one that somebody chose
}

// Nothing is the key of the fault of an effect that changes no record.
const Nothing = "blocked.nothing"

func blocked(code string) error { return fault.New(fault.Conflict, "blocked."+code) }

// invalid says what is wrong with an answer.
func invalid(question, key string) error {
	var check fault.Check
	check.Fail("page-"+question, key)
	return check.Err()
}

// person is the next state of a record, to be changed.
func (b *build) person(id db.ID) *registry.PersonData {
	if p, ok := b.people[id]; ok {
		return p
	}
	next := b.People[id].PersonData
	next.Fields = maps.Clone(next.Fields)
	next.Memberships = slices.Clone(next.Memberships)
	for i := range next.Memberships {
		next.Memberships[i].Roles = slices.Clone(next.Memberships[i].Roles)
	}
	next.Relations, next.Contacts, next.Identifiers = slices.Clone(next.Relations), slices.Clone(next.Contacts), slices.Clone(next.Identifiers)
	b.people[id], b.order = &next, append(b.order, id)
	return &next
}

// home is person for a household.
func (b *build) home(id db.ID) *registry.HouseholdData {
	if h, ok := b.homes[id]; ok {
		return h
	}
	next := b.Homes[id].HouseholdData
	next.Fields = maps.Clone(next.Fields)
	b.homes[id], b.order = &next, append(b.order, id)
	return &next
}

func (b *build) text(code string) string { s, _ := b.Answers[code].(string); return s }

// list is an answer with several choices; none of them is none.
func (b *build) list(code string) []string {
	return slices.DeleteFunc(registry.Field{}.Input(b.Answers[code]), func(s string) bool { return s == registry.NoneOf })
}

// day is a day that was said, else today.
func (b *build) day(code string) string {
	if s := b.text(code); s != "" {
		return s
	}
	return b.Today
}

// today is the day as a time.
func (b *build) today() time.Time {
	t, _ := time.Parse(time.DateOnly, b.Today)
	return t
}

// find is the record with a reference.
func (b *build) find(ref string) (db.ID, bool) {
	for id, p := range b.People {
		if p.Ref == ref && ref != "" {
			return id, true
		}
	}
	return db.ID{}, false
}

// chosen is the person whom an answer names.
func (b *build) chosen(question string) (db.ID, error) {
	ref := b.text(question)
	if ref == "" {
		return db.ID{}, invalid(question, "question.error.needed")
	}
	id, ok := b.find(ref)
	if !ok {
		return id, invalid(question, "question.error.person")
	}
	return id, nil
}

// chosenAll is chosen for several.
func (b *build) chosenAll(question string) ([]db.ID, error) {
	var ids []db.ID
	for _, ref := range b.list(question) {
		id, ok := b.find(ref)
		if !ok {
			return nil, invalid(question, "question.error.person")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Residence is where somebody usually lives today.
func (s Scene) Residence(id db.ID) (registry.MembershipData, bool) {
	return s.People[id].Residence(s.Today)
}

// Members are the people who usually live in a household today, the head first,
// then by birth.
func (s Scene) Members(home db.ID) []db.ID {
	var ids []db.ID
	for id, p := range s.People {
		if m, ok := p.Residence(s.Today); ok && m.HouseholdID == home {
			ids = append(ids, id)
		}
	}
	rank := func(id db.ID) string {
		m, _ := s.Residence(id)
		if m.Relationship == registry.RelationshipHead {
			return ""
		}
		return "1" + s.People[id].BirthFrom + s.People[id].Ref
	}
	slices.SortFunc(ids, func(x, y db.ID) int {
		switch a, c := rank(x), rank(y); {
		case a < c:
			return -1
		case a > c:
			return 1
		}
		return 0
	})
	return ids
}

// Adult reports whether somebody is surely of age.
func (s Scene) Adult(id db.ID) bool {
	youngest, _ := s.ages(id)
	return youngest >= registry.Majority
}

// Child reports whether somebody is surely under age.
func (s Scene) Child(id db.ID) bool {
	_, oldest := s.ages(id)
	return oldest >= 0 && oldest < registry.Majority
}

// Infant reports whether somebody is too young to have a child.
func (s Scene) Infant(id db.ID) bool {
	_, oldest := s.ages(id)
	return oldest >= 0 && oldest < 10
}

func (s Scene) ages(id db.ID) (int, int) {
	today, _ := time.Parse(time.DateOnly, s.Today)
	from, err := time.Parse(time.DateOnly, s.People[id].BirthFrom)
	to, err2 := time.Parse(time.DateOnly, s.People[id].BirthTo)
	if err != nil || err2 != nil {
		return -1, -1
	}
	return registry.BirthDate{From: from, To: to}.Age(today)
}

// tell notes adults whom it affects.
func (b *build) tell(ids ...db.ID) {
	for _, id := range ids {
		if id != b.Me && !b.Child(id) && b.People[id].Version > 0 && !slices.Contains(b.affected, id) {
			b.affected = append(b.affected, id)
		}
	}
}

// need notes somebody whose agreement it takes.
func (b *build) need(id db.ID) {
	if id != b.Me {
		b.tell(id)
		b.needed = append(b.needed, id)
	}
}

// in is a person's membership of a household that is in force.
func in(p *registry.PersonData, home db.ID) *registry.MembershipData {
	for i := range p.Memberships {
		if m := &p.Memberships[i]; m.HouseholdID == home && m.Usual() && m.EndDate == "" {
			return m
		}
	}
	return nil
}

// out makes the items of what was changed. A value that differs comes from what
// was said; one that does not keeps its source.
func (b *build) out() (Out, error) {
	o := Out{Affected: b.affected, Needed: b.needed, Unsafe: b.unsafe, Risky: b.appoints}
	if b.unsafe || b.silent {
		o.Affected, o.Needed = nil, nil
	}
	for _, kind := range []string{registry.KindHousehold, registry.KindPerson} {
		for _, id := range b.order {
			it := registry.Item{Kind: kind, Subject: id, Nature: b.Nature, Reason: b.Reason, EffectiveOn: b.since}
			var was, next any
			if p, ok := b.people[id]; ok && kind == registry.KindPerson {
				if err := p.Check(); err != nil {
					return o, fault.New(fault.Conflict, "blocked.rule")
				}
				old := b.People[id]
				it.BaseVersion, was, next = old.Version, old.PersonData, *p
			} else if h, ok := b.homes[id]; ok && kind == registry.KindHousehold {
				old := b.Homes[id]
				it.BaseVersion, was, next = old.Version, old.HouseholdData, *h
			} else {
				continue
			}
			item, risky, err := b.item(it, was, next)
			if err != nil {
				return o, err
			}
			if item != nil {
				o.Items = append(o.Items, *item)
				o.Risky = o.Risky || risky && !b.routine
			}
		}
	}
	if len(o.Items) == 0 {
		return o, blocked("nothing")
	}
	return o, nil
}

// item is nil when nothing differs.
func (b *build) item(it registry.Item, was, next any) (*registry.Item, bool, error) {
	now, err := history.Of(next)
	if err != nil {
		return nil, false, err
	}
	from := registry.Provenance{"*": b.Said}
	risky := false
	if it.BaseVersion > 0 {
		old, err := history.Of(was)
		if err != nil {
			return nil, false, err
		}
		changes := history.Diff(old, now)
		names := history.Names(changes)
		renewed := same(provenance(was), provenance(next))
		if len(names) == 0 && renewed {
			return nil, false, nil
		}
		from = provenance(next).With(b.Said, names...)
		risky = slices.ContainsFunc(changes, paymentOrIdentity)
	}
	switch d := next.(type) {
	case registry.PersonData:
		d.Provenance = from
		it.Data = d
	case registry.HouseholdData:
		d.Provenance = from
		it.Data = d
	}
	return &it, risky, nil
}

func provenance(data any) registry.Provenance {
	switch d := data.(type) {
	case registry.PersonData:
		return d.Provenance
	case registry.HouseholdData:
		return d.Provenance
	}
	return nil
}

func same(a, b registry.Provenance) bool { return maps.Equal(a, b) }

// paymentOrIdentity reports whether a change touches who is who or who is paid.
func paymentOrIdentity(c history.Change) bool {
	switch c.What {
	case "identifiers":
		return true
	case "memberships":
		return payeeRoles(c.Old) != payeeRoles(c.New)
	}
	return false
}

// payeeRoles counts the payees' roles of a membership that have not ended.
func payeeRoles(s history.State) int {
	roles, _ := s.Value("roles").([]any)
	n := 0
	for _, r := range roles {
		role, _ := r.(map[string]any)
		if (role["role"] == registry.RolePayee || role["role"] == registry.RoleAlternatePayee) && role["end_date"] == nil {
			n++
		}
	}
	return n
}
