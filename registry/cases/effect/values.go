package effect

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/history"
)

// set writes the values that were said.
func set(b *build) error {
	if d := b.text("since"); d != "" {
		b.since = d
	}
	for _, s := range b.Sets {
		switch s.Kind {
		case registry.KindPerson:
			if _, ok := b.People[s.Subject]; !ok {
				return blocked("no_record")
			}
			b.setPerson(b.person(s.Subject), s)
			b.tell(s.Subject)
		case registry.KindHousehold:
			if _, ok := b.Homes[s.Subject]; !ok {
				return blocked("no_home")
			}
			h := b.home(s.Subject)
			if h.Fields == nil {
				h.Fields = registry.Values{}
			}
			s.into(h.Fields)
		}
	}
	return nil
}

// setPerson writes one value of a person's record.
func (b *build) setPerson(p *registry.PersonData, s Setting) {
	text, _ := s.Value.(string)
	switch s.Name {
	case "full_name":
		p.FullName = text
	case "full_name_latin":
		p.FullNameLatin = text
	case "sex":
		p.Sex = text
	case "birth":
		p.BirthFrom, p.BirthTo = text, text
	case registry.NationalID:
		b.setNumber(p, registry.NormalIdentifier(text))
	case registry.ContactPhone:
		setPhone(p, registry.NormalContact(registry.ContactPhone, text))
	default:
		if p.Fields == nil {
			p.Fields = registry.Values{}
		}
		s.into(p.Fields)
	}
}

// into writes the value among a record's. The rows of a roster keep what was not
// asked of them; without any row there is no value.
func (s Setting) into(fields registry.Values) {
	if s.Columns == nil {
		fields[s.Name] = s.Value
		return
	}
	said := registry.Rows(s.Value)
	rows := make([]any, len(said))
	for i, row := range said {
		next := map[string]any{registry.RowID: row.ID()}
		was, _ := registry.RowOf(fields[s.Name], row.ID())
		for code, value := range was {
			if !slices.Contains(s.Columns, code) {
				next[code] = value
			}
		}
		for _, code := range s.Columns {
			if value, ok := row[code]; ok {
				next[code] = value
			}
		}
		rows[i] = next
	}
	if len(rows) == 0 {
		delete(fields, s.Name)
		return
	}
	fields[s.Name] = rows
}

// setNumber puts a number in place of the one of the same kind. What a person
// says is not verified.
func (b *build) setNumber(p *registry.PersonData, value string) {
	p.Identifiers = slices.DeleteFunc(p.Identifiers, func(i registry.IdentifierData) bool { return i.Type == registry.NationalID })
	p.Identifiers = append(p.Identifiers, registry.IdentifierData{
		Type: registry.NationalID, Value: value, Status: "unverified", Provenance: registry.Provenance{"*": b.Said}})
}

// setPhone puts a person's own number in place of the one before. What was safe
// on that one is not known to be safe on this one (RULES R6).
func setPhone(p *registry.PersonData, value string) {
	protected := false
	p.Contacts = slices.DeleteFunc(p.Contacts, func(c registry.ContactData) bool {
		own := c.Kind == registry.ContactPhone && c.Owner == "own"
		protected = protected || own && c.Protected
		return own || c.Kind == registry.ContactPhone && c.Value == value
	})
	p.Contacts = append(p.Contacts, registry.ContactData{Kind: registry.ContactPhone, Value: value, Owner: "own", Protected: protected})
}

// confirm says that a record is still so: what was said differs, and everything
// else was looked at again.
func confirm(b *build) error {
	if err := set(b); err != nil {
		return err
	}
	b.person(b.Me).Provenance = registry.Provenance{"*": b.Said}
	if here, ok := b.Residence(b.Me); ok {
		b.home(here.HouseholdID).Provenance = registry.Provenance{"*": b.Said}
	}
	return nil
}

// duplicate lets one of two records of the same person go on.
func duplicate(b *build) error {
	keep, ok := b.find(b.text("keep"))
	drop, ok2 := b.find(b.text("drop"))
	if !ok || !ok2 {
		return blocked("no_record")
	}
	if keep == drop {
		return invalid("drop", "question.error.same")
	}
	next, err := b.person(drop).Conclude(registry.Duplicate, "same_person", b.Today, &keep, b.today())
	if err != nil {
		return err
	}
	*b.person(drop) = next
	return nil
}

// undo takes an applied change back, value by value. A value that changed again
// since then is left to a person.
func undo(b *build) error {
	b.since = b.Today
	for _, u := range b.Undo {
		if u.Before == nil {
			if err := b.unmake(u); err != nil {
				return err
			}
			continue
		}
		var now any = b.People[u.Subject].PersonData
		if u.Kind == registry.KindHousehold {
			now = b.Homes[u.Subject].HouseholdData
		}
		state, err := history.Of(now)
		if err != nil {
			return err
		}
		if err := restore(state, u); err != nil {
			return err
		}
		if u.Kind == registry.KindHousehold {
			var h registry.HouseholdData
			if err := state.Into(&h); err != nil {
				return err
			}
			*b.home(u.Subject) = h
			continue
		}
		var p registry.PersonData
		if err := state.Into(&p); err != nil {
			return err
		}
		*b.person(u.Subject) = p
		b.tell(u.Subject)
	}
	return nil
}

// unmake ends a record that the change made.
func (b *build) unmake(u Undone) error {
	if u.Kind == registry.KindHousehold {
		h := b.home(u.Subject)
		h.Status, h.StatusReason, h.StatusDate = "ended", "error", b.Today
		return nil
	}
	next, err := b.person(u.Subject).Conclude(registry.Mistaken, "wrong_record", b.Today, nil, b.today())
	if err != nil {
		return blocked("moved_on")
	}
	*b.person(u.Subject) = next
	return nil
}

// each calls fn for every value that the change touched: with the state, or its
// fields, as they are, as they were before and as the change made them.
func (u Undone) each(now, fields history.State, fn func(what, key string, into, was, after history.State)) {
	for _, c := range history.Diff(u.Before, u.After) {
		for key := range union(c.Old, c.New) {
			into, was, after := now, u.Before, u.After
			if code, ok := cutField(c.What); ok {
				into, was, after, key = fields, object(u.Before["fields"]), object(u.After["fields"]), code
			} else if isList(c.What) {
				key = c.What
			}
			fn(c.What, key, into, was, after)
		}
	}
}

// MovedOn lists the values that changed again since the change, as history.Change
// says them: they cannot be taken back.
func (u Undone) MovedOn(now history.State) (names []string) {
	u.each(now, object(now["fields"]), func(what, key string, into, was, after history.State) {
		if !equal(into[key], after[key]) && !equal(into[key], was[key]) && !slices.Contains(names, what) {
			names = append(names, what)
		}
	})
	return names
}

// restore gives a state back what the change took, unless it moved on.
func restore(now history.State, u Undone) error {
	if len(u.MovedOn(now)) > 0 {
		return blocked("moved_on")
	}
	fields := object(now["fields"])
	u.each(now, fields, func(_, key string, into, was, _ history.State) {
		if old, ok := was[key]; ok {
			into[key] = old
		} else {
			delete(into, key)
		}
	})
	if len(fields) == 0 {
		delete(now, "fields")
		return nil
	}
	raw, err := json.Marshal(fields)
	now["fields"] = raw
	return err
}

func object(raw json.RawMessage) history.State {
	s := history.State{}
	_ = json.Unmarshal(raw, &s) // nothing, for nothing
	return s
}

func union(a, b history.State) map[string]bool {
	keys := map[string]bool{}
	for key := range a {
		keys[key] = true
	}
	for key := range b {
		keys[key] = true
	}
	return keys
}

func cutField(what string) (string, bool) { return strings.CutPrefix(what, "fields.") }

func isList(what string) bool {
	return slices.Contains([]string{"memberships", "relations", "identifiers", "contacts", "members"}, what)
}

func equal(a, b json.RawMessage) bool {
	var x, y any
	_ = json.Unmarshal(a, &x)
	_ = json.Unmarshal(b, &y)
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}

// Project is what households would be after items are applied: for rules to
// look at. A household that the items leave alone is as it is.
func Project(s Scene, items []registry.Item) map[db.ID]registry.Household {
	people, homes := maps.Clone(s.People), maps.Clone(s.Homes)
	if people == nil {
		people = map[db.ID]Person{}
	}
	if homes == nil {
		homes = map[db.ID]Home{}
	}
	for _, it := range items {
		switch d := it.Data.(type) {
		case registry.PersonData:
			people[it.Subject] = Person{PersonData: d, Version: it.BaseVersion + 1}
		case registry.HouseholdData:
			homes[it.Subject] = Home{HouseholdData: d, Version: it.BaseVersion + 1}
		}
	}
	after := Scene{Today: s.Today, People: people, Homes: homes}
	out := map[db.ID]registry.Household{}
	for id, h := range homes {
		home := registry.Household{ID: id, Ref: h.Ref, Version: h.Version, AreaID: h.AreaID, Status: h.Status, Fields: h.Fields}
		for _, who := range after.Members(id) {
			p := people[who]
			m, _ := after.Residence(who)
			home.Members = append(home.Members, registry.Member{Person: p.record(who), Relationship: m.Relationship})
		}
		out[id] = home
	}
	return out
}

func (p Person) record(id db.ID) registry.Person {
	r := registry.Person{ID: id, Ref: p.Ref, Version: p.Version, FullName: p.FullName, Sex: p.Sex, Fields: p.Fields, Status: p.Status}
	if from, to, ok := days(p.BirthFrom, p.BirthTo); ok {
		r.BirthFrom.Time, r.BirthFrom.Valid, r.BirthTo.Time, r.BirthTo.Valid = from, true, to, true
	}
	return r
}

func days(from, to string) (a, b time.Time, ok bool) {
	a, err := time.Parse(time.DateOnly, from)
	b, err2 := time.Parse(time.DateOnly, to)
	return a, b, err == nil && err2 == nil
}
