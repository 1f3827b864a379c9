package importer

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"daftar/db"
	"daftar/registry"
)

// merge says what a file does to a record: a value that it gives replaces what
// was there; an empty cell does only where the mapping says that it clears; what
// no column is mapped to stays.
type merge struct {
	l      *layout // nil: no list has the record
	clear  bool
	source db.ID
	names  []string // of the values that changed, as in the provenance
	anyway bool     // something changed that has a source of its own
}

func (m *merge) text(s slot, old *string, said string, name string) {
	if m.l == nil || said == *old || said == "" && (m.l.slots[s] == nil || !m.clear) {
		return
	}
	*old = said
	m.names = append(m.names, name)
}

func (m *merge) tags(old *[]string, said []string) {
	if m.l == nil || m.l.slots[slotTags] == nil || len(said) == 0 && !m.clear || slices.Equal(*old, said) {
		return
	}
	*old = said
	m.names = append(m.names, "tags")
}

// values puts the fields of a row into those of a record.
func (m *merge) values(old registry.Values, said []fieldValue) registry.Values {
	next := old
	copied := false
	for _, f := range said {
		if f.held != nil {
			continue // the record holds it: it was checked
		}
		was, there := old[f.key]
		if f.value == nil && (!there || !m.clear) || same(was, f.value) {
			continue
		}
		if !copied {
			copied, next = true, registry.Values{}
			for k, v := range old {
				next[k] = v
			}
		}
		if f.value == nil {
			delete(next, f.key)
		} else {
			next[f.key] = f.value
		}
		m.names = append(m.names, f.key)
	}
	return next
}

// same compares a stored value with one that was just read.
func same(stored, read any) bool {
	if list, ok := read.([]string); ok {
		was, ok := stored.([]any)
		return ok && slices.EqualFunc(list, was, func(a string, b any) bool { return a == b })
	}
	return reflect.DeepEqual(stored, read)
}

// identifiers adds the numbers of a row. Another number of the same kind and
// issuer takes the place of the old one, which is kept as ended.
func (m *merge) identifiers(old, said []registry.IdentifierData) []registry.IdentifierData {
	next := slices.Clone(old)
	for _, d := range said {
		d.Provenance = registry.Provenance{"*": m.source}
		at := slices.IndexFunc(next, func(o registry.IdentifierData) bool {
			return o.Type == d.Type && o.Issuer == d.Issuer && o.Value == d.Value
		})
		if at >= 0 {
			was := next[at]
			if was.Status == "ended" || d.Status == "verified" && was.Status != "verified" || d.ExpiresOn != "" && d.ExpiresOn != was.ExpiresOn {
				if d.Status != "verified" && was.Status != "ended" {
					d.Status, d.Assurance, d.Method = was.Status, was.Assurance, was.Method
				}
				next[at], m.anyway = d, true
			}
			continue
		}
		for i, o := range next {
			if o.Type == d.Type && o.Issuer == d.Issuer && o.Status != "ended" {
				next[i].Status = "ended"
			}
		}
		next, m.anyway = append(next, d), true
	}
	return next
}

// contacts adds the ways to reach somebody. A new one takes the place of those
// of the same kind and owner.
func (m *merge) contacts(old, said []registry.ContactData) []registry.ContactData {
	next := slices.Clone(old)
	for _, c := range said {
		at := slices.IndexFunc(next, func(o registry.ContactData) bool { return o.Kind == c.Kind && o.Value == c.Value })
		if at >= 0 {
			if merged := m.contact(next[at], c); !reflect.DeepEqual(merged, next[at]) {
				next[at] = merged
				m.names = append(m.names, "contacts")
			}
			continue
		}
		next = slices.DeleteFunc(next, func(o registry.ContactData) bool { return o.Kind == c.Kind && o.Owner == c.Owner })
		next = append(next, c)
		m.names = append(m.names, "contacts")
	}
	return next
}

// contact takes only what the file has columns for.
func (m *merge) contact(old, said registry.ContactData) registry.ContactData {
	slots := map[string][3]slot{
		registry.ContactPhone: {slotPhoneOwner, slotPhoneSafe, slotPhoneProtected},
		registry.ContactEmail: {slotEmailOwner, slotEmailSafe, slotEmailProtected},
	}[old.Kind]
	if m.l.slots[slots[0]] != nil {
		old.Owner = said.Owner
	}
	if m.l.slots[slots[1]] != nil && (len(said.Safe) > 0 || m.clear) {
		old.Safe = said.Safe
	}
	if m.l.slots[slots[2]] != nil {
		old.Protected = said.Protected
	}
	return old
}

// changeHome proposes what a row changes in a household, if it changes anything.
func (s *stager) changeHome(old oldRecord, l *layout, h *homeRow, rosters []stagedRow) error {
	var d registry.HouseholdData
	if err := json.Unmarshal(old.data, &d); err != nil {
		return err
	}
	m := merge{l: l, clear: s.m.clears(), source: s.source}
	if h.area != (db.ID{}) && h.area != d.AreaID {
		d.AreaID = h.area
		m.names = append(m.names, "area")
	}
	m.text(slotDirections, &d.Directions, h.directions, "directions")
	if h.protected == "yes" && !d.Protected || h.protected == "no" && d.Protected {
		d.Protected = h.protected == "yes"
		m.names = append(m.names, "protected")
	}
	m.tags(&d.Tags, h.tags)
	d.Fields = m.values(d.Fields, append(slices.Clip(h.fields), s.changedRows(d.Fields, rosters)...))
	if own := s.m.numberType(registry.KindHousehold); own != "" && h.key != "" {
		d.Identifiers = m.identifiers(d.Identifiers, []registry.IdentifierData{{Type: own, Value: h.key, Status: "unverified"}})
	}
	d.Identifiers = m.identifiers(d.Identifiers, h.numbers)
	if len(m.names) == 0 && !m.anyway {
		s.counts.Unchanged++
		return nil
	}
	d.Provenance = d.Provenance.With(s.source, m.names...)
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return s.put(item{kind: registry.KindHousehold, id: old.id, base: old.version, data: data})
}

// changePerson is changeHome for a person.
func (s *stager) changePerson(old oldRecord, l *layout, p *personRow, at place, rosters []stagedRow) error {
	var d registry.PersonData
	if err := json.Unmarshal(old.data, &d); err != nil {
		return err
	}
	m := merge{l: l, clear: s.m.clears(), source: s.source}
	d = s.mergePerson(&m, d, p, at, rosters)
	if len(m.names) == 0 && !m.anyway {
		s.counts.Unchanged++
		return nil
	}
	if err := d.Check(); err != nil {
		return err
	}
	d.Provenance = d.Provenance.With(s.source, m.names...)
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return s.put(item{kind: registry.KindPerson, id: old.id, base: old.version, data: data})
}

func (s *stager) mergePerson(m *merge, d registry.PersonData, p *personRow, at place, rosters []stagedRow) registry.PersonData {
	m.text(slotFullName, &d.FullName, p.fullName, "full_name")
	m.text(slotLatin, &d.FullNameLatin, p.latin, "full_name_latin")
	m.text(slotFamily, &d.FamilyName, p.family, "family_name")
	m.text(slotGiven, &d.GivenName, p.given, "given_name")
	m.text(slotOther, &d.OtherNames, p.other, "other_names")
	if p.sex != registry.Unknown || d.Sex != "" {
		m.text(slotSex, &d.Sex, p.sex, "sex")
	}
	s.mergeBirth(m, &d, p)
	m.tags(&d.Tags, p.tags)
	d.Fields = m.values(d.Fields, append(slices.Clip(p.fields), s.changedRows(d.Fields, rosters)...))
	d.Contacts = m.contacts(d.Contacts, p.contacts)
	if own := s.m.numberType(registry.KindPerson); own != "" && p.key != "" {
		d.Identifiers = m.identifiers(d.Identifiers, []registry.IdentifierData{{Type: own, Value: personKey(p), Status: "unverified"}})
	}
	d.Identifiers = m.identifiers(d.Identifiers, p.numbers)
	if at.home != (db.ID{}) {
		d = s.mergeMembership(m, d, p, at)
	}
	return d
}

// mergeBirth takes a day of birth. One that says less than is known, and nothing
// else, changes nothing: "1987" does not take the place of a day in 1987.
func (s *stager) mergeBirth(m *merge, d *registry.PersonData, p *personRow) {
	slots := m.l.slots
	mapped := slots[slotBirth] != nil || slots[slotYear] != nil || slots[slotAge] != nil
	from, to := "", ""
	if p.birth.Known() {
		from, to = p.birth.From.Format(time.DateOnly), p.birth.To.Format(time.DateOnly)
		if d.BirthFrom != "" && from <= d.BirthFrom && d.BirthTo <= to {
			return
		}
	}
	if from == d.BirthFrom && to == d.BirthTo || from == "" && (!mapped || !m.clear) {
		return
	}
	d.BirthFrom, d.BirthTo = from, to
	m.names = append(m.names, "birth")
}

// mergeMembership puts a person into a household. Whoever lived elsewhere moves;
// whose place in the household is another now gets a new tie, and the old one
// ends.
func (s *stager) mergeMembership(m *merge, d registry.PersonData, p *personRow, at place) registry.PersonData {
	since := at.since
	if since == "" {
		since = s.effective
	}
	i := slices.IndexFunc(d.Memberships, func(o registry.MembershipData) bool {
		return o.EndDate == "" && o.HouseholdID == at.home && (o.Tie == p.tie || o.Usual() && p.tie == "")
	})
	if i >= 0 && (p.relationship == "" || d.Memberships[i].Relationship == p.relationship) {
		return s.mergeRoles(m, d, i, p, at, since)
	}
	next := registry.MembershipData{ID: s.ids(), HouseholdID: at.home, Tie: p.tie, Relationship: p.relationship, StartDate: since, EndDate: p.until}
	if p.until != "" {
		next.EndReason = "other"
	}
	for _, role := range p.roles {
		next.Roles = append(next.Roles, registry.RoleData{Role: role, StartDate: since})
	}
	for _, id := range at.cares {
		next.Roles = append(next.Roles, registry.RoleData{Role: registry.RoleCaregiver, Of: &id, StartDate: since})
	}
	m.names = append(m.names, "memberships")
	switch {
	case i >= 0 || p.tie == "" && p.until == "":
		reason := "moved"
		if i >= 0 {
			reason = "role"
		}
		return d.Move(next, reason)
	default:
		d.Memberships = append(slices.Clone(d.Memberships), next)
		return d
	}
}

// mergeRoles brings what somebody does in the household in line with the file.
func (s *stager) mergeRoles(m *merge, d registry.PersonData, i int, p *personRow, at place, since string) registry.PersonData {
	d.Memberships = slices.Clone(d.Memberships)
	o := &d.Memberships[i]
	o.Roles = slices.Clone(o.Roles)
	open := func(role string, of *db.ID) bool {
		return slices.ContainsFunc(o.Roles, func(r registry.RoleData) bool {
			return r.Role == role && r.EndDate == "" && (of == nil) == (r.Of == nil) && (of == nil || *of == *r.Of)
		})
	}
	changed := false
	for _, role := range p.roles {
		if !open(role, nil) {
			o.Roles, changed = append(o.Roles, registry.RoleData{Role: role, StartDate: since}), true
		}
	}
	for _, id := range at.cares {
		if !open(registry.RoleCaregiver, &id) {
			o.Roles, changed = append(o.Roles, registry.RoleData{Role: registry.RoleCaregiver, Of: &id, StartDate: since}), true
		}
	}
	if m.clear && m.l.slots[slotRoles] != nil {
		for n, r := range o.Roles {
			if r.EndDate == "" && r.Role != registry.RoleCaregiver && !slices.Contains(p.roles, r.Role) {
				o.Roles[n].EndDate, changed = max(since, r.StartDate), true
			}
		}
	}
	if p.until != "" {
		o.EndDate, o.EndReason, changed = max(p.until, o.StartDate), "other", true
		for n, r := range o.Roles {
			if r.EndDate == "" {
				o.Roles[n].EndDate = max(o.EndDate, r.StartDate)
			}
		}
	}
	if changed {
		m.names = append(m.names, "memberships")
	}
	return d
}

// changedRows are the rosters that rows of files are about, as they become.
func (s *stager) changedRows(old registry.Values, list []stagedRow) []fieldValue {
	var out []fieldValue
	for _, code := range rosterCodes(list) {
		next := s.mergeRows(registry.Rows(old[code]), code, list)
		raw, _ := json.Marshal(next) // as it will be stored, to compare
		var value any
		_ = json.Unmarshal(raw, &value)
		out = append(out, fieldValue{key: code, value: value})
	}
	return out
}

// mergeRows are the rows of a roster as the files have them. A row keeps its
// identity by its own id, or when it says the same, or by its place among those
// that are left.
func (s *stager) mergeRows(old []registry.Row, code string, list []stagedRow) []registry.Row {
	var next []registry.Row
	var ids []string
	for _, staged := range list {
		if staged.Roster != code {
			continue
		}
		row := registry.Row{}
		_ = json.Unmarshal(staged.Data, &row) // it was written by checkRosters
		next, ids = append(next, row), append(ids, staged.ID)
	}
	taken := make([]bool, len(old))
	match := func(fits func(n, o int) bool) {
		for n := range next {
			if next[n][registry.RowID] != nil {
				continue
			}
			for o := range old {
				if !taken[o] && fits(n, o) {
					taken[o] = true
					next[n][registry.RowID] = old[o].ID()
					break
				}
			}
		}
	}
	match(func(n, o int) bool { return ids[n] != "" && ids[n] == old[o].ID() })
	match(func(n, o int) bool { return ids[n] == "" && sameRow(next[n], old[o]) })
	match(func(n, _ int) bool { return ids[n] == "" })
	for n := range next {
		if next[n][registry.RowID] == nil {
			if next[n][registry.RowID] = ids[n]; ids[n] == "" {
				next[n][registry.RowID] = registry.RandomCode(6, s.random)
			}
		}
	}
	return next
}

func sameRow(a, b registry.Row) bool {
	if len(a)+1 != len(b) {
		return false
	}
	for k, v := range a {
		if !reflect.DeepEqual(b[k], v) {
			return false
		}
	}
	return true
}
