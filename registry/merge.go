package registry

import (
	"reflect"
	"slices"
	"strings"

	"daftar/db"
	"daftar/fault"
)

// Merger makes one record of two that are of one person. Nothing is lost: the
// one that ends stays as it was, but for what moved over to the one that goes on
// (ties that are in force, relations, contacts), and its history has all of it.
type Merger struct {
	KeptID, EndedID db.ID
	Kept, Ended     PersonData
	// Take names the values of Differences that come from the record that ends.
	Take  []string
	Day   string // on which it ends
	NewID func() db.ID
}

// MergeHome is the name of where the person usually lives among the differences.
const MergeHome = "home"

// mergeValue is a value of a person that is one thing or another.
type mergeValue struct {
	name string
	get  func(PersonData) string
	set  func(to *PersonData, from PersonData)
}

var mergeValues = []mergeValue{
	{"full_name", func(p PersonData) string { return p.FullName }, func(to *PersonData, from PersonData) { to.FullName = from.FullName }},
	{"full_name_latin", func(p PersonData) string { return p.FullNameLatin }, func(to *PersonData, from PersonData) { to.FullNameLatin = from.FullNameLatin }},
	{"family_name", func(p PersonData) string { return p.FamilyName }, func(to *PersonData, from PersonData) { to.FamilyName = from.FamilyName }},
	{"given_name", func(p PersonData) string { return p.GivenName }, func(to *PersonData, from PersonData) { to.GivenName = from.GivenName }},
	{"other_names", func(p PersonData) string { return p.OtherNames }, func(to *PersonData, from PersonData) { to.OtherNames = from.OtherNames }},
	{"sex", func(p PersonData) string { return strings.TrimPrefix(p.Sex, Unknown) }, func(to *PersonData, from PersonData) { to.Sex = from.Sex }},
	{"birth", func(p PersonData) string { return strings.Trim(p.BirthFrom+"/"+p.BirthTo, "/") },
		func(to *PersonData, from PersonData) { to.BirthFrom, to.BirthTo = from.BirthFrom, from.BirthTo }},
}

// Differences names the values that both records have and that are not the same:
// those of the record itself, "fields.<code>", and MergeHome.
func (m Merger) Differences() []string {
	var list []string
	for _, v := range mergeValues {
		if a, b := v.get(m.Kept), v.get(m.Ended); a != "" && b != "" && a != b {
			list = append(list, v.name)
		}
	}
	var codes []string
	for code, value := range m.Ended.Fields {
		if mine, ok := m.Kept.Fields[code]; ok && !reflect.DeepEqual(mine, value) {
			codes = append(codes, "fields."+code)
		}
	}
	slices.Sort(codes)
	list = append(list, codes...)
	if a, b := m.home(m.Kept), m.home(m.Ended); a != nil && b != nil && a.HouseholdID != b.HouseholdID {
		list = append(list, MergeHome)
	}
	return list
}

// home is where somebody usually lives, in a record that goes on.
func (m Merger) home(p PersonData) *MembershipData {
	for i, t := range p.Memberships {
		if t.Usual() && t.EndDate == "" {
			return &p.Memberships[i]
		}
	}
	return nil
}

// Merge is the two records afterwards. fault.Conflict when one of them has ended
// already.
func (m Merger) Merge() (kept, ended PersonData, err error) {
	if m.KeptID == m.EndedID {
		return kept, ended, fault.New(fault.Conflict, "merge.error.self")
	}
	for _, p := range []PersonData{m.Kept, m.Ended} {
		if p.Status != "" && p.Status != Active {
			return kept, ended, fault.New(fault.Conflict, "merge.error.ended", "Ref", p.Ref)
		}
	}
	kept = m.Kept
	m.values(&kept)
	kept.Tags = union(m.Kept.Tags, m.Ended.Tags, func(a, b string) bool { return a == b })
	kept.Contacts = m.contacts()
	kept.Identifiers = m.identifiers()
	kept.Relations = m.relations()
	kept.Memberships = m.memberships()
	kept, _ = m.Repoint(m.KeptID, kept)

	ended = m.Ended
	ended.Relations, ended.Contacts = nil, nil
	ended.Memberships = slices.Clone(m.Ended.Memberships)
	for i, t := range ended.Memberships {
		if t.EndDate == "" {
			ended.Memberships[i] = t.end(max(m.Day, t.StartDate), Duplicate)
		}
	}
	into := m.KeptID
	ended.Status, ended.StatusReason, ended.StatusDate, ended.MergedInto = Duplicate, "same_person", m.Day, &into
	return kept, ended, kept.Check()
}

// values fills in what the kept record does not have, and takes what is to be
// taken, each with where it came from.
func (m Merger) values(kept *PersonData) {
	take := func(name string) {
		if source, ok := m.Ended.Provenance.Of(name); ok {
			kept.Provenance = kept.Provenance.With(source, name)
		}
	}
	for _, v := range mergeValues {
		if a, b := v.get(m.Kept), v.get(m.Ended); b != "" && a != b && (a == "" || slices.Contains(m.Take, v.name)) {
			v.set(kept, m.Ended)
			take(v.name)
		}
	}
	fields := Values{}
	for code, value := range m.Kept.Fields {
		fields[code] = value
	}
	for code, value := range m.Ended.Fields {
		if mine, ok := fields[code]; !ok || !reflect.DeepEqual(mine, value) && slices.Contains(m.Take, "fields."+code) {
			fields[code] = value
			take(code)
		}
	}
	if len(fields) > 0 {
		kept.Fields = fields
	}
}

func union[T any](a, b []T, same func(T, T) bool) []T {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.ContainsFunc(out, func(y T) bool { return same(x, y) }) {
			out = append(out, x)
		}
	}
	return out
}

// contacts are those of both. One that either record protects is protected
// (RULES R5), and one is safe for what both say.
func (m Merger) contacts() []ContactData {
	out := union(m.Kept.Contacts, m.Ended.Contacts, func(a, b ContactData) bool { return a.Kind == b.Kind && a.Value == b.Value })
	for i, c := range out {
		for _, other := range m.Ended.Contacts {
			if i < len(m.Kept.Contacts) && c.Kind == other.Kind && c.Value == other.Value {
				out[i].Protected = c.Protected || other.Protected
				out[i].Safe = slices.DeleteFunc(slices.Clone(c.Safe), func(use string) bool { return !slices.Contains(other.Safe, use) })
			}
		}
	}
	return out
}

// identifiers are those of both; of a number that both have, what is known best.
func (m Merger) identifiers() []IdentifierData {
	rank := func(i IdentifierData) int { return slices.Index([]string{"ended", "unverified", "verified"}, i.Status) }
	out := union(m.Kept.Identifiers, m.Ended.Identifiers, sameNumber)
	for i, mine := range out {
		for _, other := range m.Ended.Identifiers {
			if sameNumber(mine, other) && rank(other) > rank(mine) {
				out[i] = other
			}
		}
	}
	return out
}

func sameNumber(a, b IdentifierData) bool {
	return a.Type == b.Type && a.Value == b.Value && a.Issuer == b.Issuer
}

// relations are those of both, without one between the two.
func (m Merger) relations() []RelationData {
	var out []RelationData
	for _, r := range m.Kept.Relations {
		if r.PersonID != m.EndedID {
			out = append(out, r)
		}
	}
	for _, r := range m.Ended.Relations {
		if r.PersonID == m.KeptID || slices.ContainsFunc(out, func(x RelationData) bool { return x.Type == r.Type && x.PersonID == r.PersonID }) {
			continue
		}
		r.ID = m.NewID()
		out = append(out, r)
	}
	return out
}

// memberships are the kept record's, with the ties in force of the other: the
// usual residence where it is taken or missing, other ties where there is none to
// that household, and in a household that both live in what the other did there.
func (m Merger) memberships() []MembershipData {
	p := m.Kept
	p.Memberships = slices.Clone(m.Kept.Memberships)
	mine, theirs := m.home(p), m.home(m.Ended)
	switch {
	case theirs == nil:
	case mine == nil || mine.HouseholdID != theirs.HouseholdID && slices.Contains(m.Take, MergeHome):
		p = p.Move(m.moved(*theirs, m.Day), Duplicate)
	case mine.HouseholdID != theirs.HouseholdID:
	case theirs.Relationship == RelationshipHead && mine.Relationship != RelationshipHead:
		next := *mine
		next.Relationship = RelationshipHead
		next = m.moved(next, m.Day)
		next.Roles = m.roles(next.Roles, theirs.Roles)
		p = p.Move(next, "role")
	default:
		mine.Roles = m.roles(mine.Roles, theirs.Roles)
	}
	for _, t := range m.Ended.Memberships {
		if t.Usual() || t.EndDate != "" || slices.ContainsFunc(p.Memberships, func(x MembershipData) bool {
			return x.HouseholdID == t.HouseholdID && x.EndDate == ""
		}) {
			continue
		}
		p.Memberships = append(p.Memberships, m.moved(t, t.StartDate))
	}
	return p.Memberships
}

// moved is a tie as the kept record has it, from a day on.
func (m Merger) moved(t MembershipData, from string) MembershipData {
	t.ID, t.StartDate = m.NewID(), from
	t.Roles = m.roles(nil, t.Roles)
	return t
}

// roles adds the roles in force that are not there yet, from the day on.
func (m Merger) roles(mine, theirs []RoleData) []RoleData {
	out := slices.Clone(mine)
	for _, r := range theirs {
		if r.EndDate != "" || r.Of != nil && (*r.Of == m.KeptID || *r.Of == m.EndedID) || slices.ContainsFunc(out, func(x RoleData) bool {
			return x.Role == r.Role && sameID(x.Of, r.Of) && x.EndDate == ""
		}) {
			continue
		}
		r.StartDate = max(m.Day, r.StartDate)
		out = append(out, r)
	}
	return out
}

func sameID(a, b *db.ID) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// Repoint is a third person's record that speaks of the one that goes on instead
// of the one that ended; false when it does not speak of it.
func (m Merger) Repoint(id db.ID, p PersonData) (PersonData, bool) {
	changed := false
	next := p
	next.Relations = nil
	for _, r := range p.Relations {
		if r.PersonID == m.EndedID {
			changed = true
			r.PersonID = m.KeptID
			if id == m.KeptID || slices.ContainsFunc(p.Relations, func(x RelationData) bool { return x.Type == r.Type && x.PersonID == r.PersonID }) {
				continue
			}
		}
		next.Relations = append(next.Relations, r)
	}
	next.Memberships = slices.Clone(p.Memberships)
	for i, t := range p.Memberships {
		var roles []RoleData
		for _, r := range t.Roles {
			if r.Of != nil && *r.Of == m.EndedID {
				changed = true
				kept := m.KeptID
				r.Of = &kept
				if id == m.KeptID || slices.ContainsFunc(t.Roles, func(x RoleData) bool { return x.Role == r.Role && sameID(x.Of, r.Of) }) {
					continue
				}
			}
			roles = append(roles, r)
		}
		next.Memberships[i].Roles = roles
	}
	return next, changed
}

// RepointGroup is a group in which one member takes the place of another from
// the day on: the person who goes on, or their household where the other ended;
// false when the other is not in it.
func (m Merger) RepointGroup(g GroupData, ended, kept db.ID) (GroupData, bool) {
	is := func(x GroupMemberData, id db.ID) bool {
		return x.EndDate == "" && (x.PersonID != nil && *x.PersonID == id || x.HouseholdID != nil && *x.HouseholdID == id)
	}
	next := g
	next.Members = slices.Clone(g.Members)
	at := slices.IndexFunc(next.Members, func(x GroupMemberData) bool { return is(x, ended) })
	if at < 0 {
		return g, false
	}
	was := next.Members[at]
	next.Members[at].EndDate = max(m.Day, was.StartDate)
	if kept != (db.ID{}) && !slices.ContainsFunc(next.Members, func(x GroupMemberData) bool { return is(x, kept) }) {
		place := GroupMemberData{ID: m.NewID(), Role: was.Role, StartDate: m.Day}
		if was.PersonID != nil {
			place.PersonID = &kept
		} else {
			place.HouseholdID = &kept
		}
		next.Members = append(next.Members, place)
	}
	return next, true
}
