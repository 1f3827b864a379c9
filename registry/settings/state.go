// Package settings is how what a country decides about its registry changes: as
// proposals with a difference to look at, in the pages of the admin area or as
// one file that can be kept in git.
package settings

import (
	"encoding/json"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases/kinds"
	"daftar/registry/fields"
)

// Kinds of things that change. What a key is depends on the kind.
const (
	KindSetting    = "setting"     // a group of settings
	KindIdentifier = "identifier"  // its code
	KindOffice     = "office"      // its code
	KindRole       = "office_role" // staff, role and office
	KindAreaKind   = "area_kind"   // level and code
	KindField      = "field"       // subject, roster and code
	KindPasskey    = "passkey"     // of a member of staff
	KindStaff      = "staff"       // a member of staff: who begins or leaves
	KindAreaRole   = "staff_role"  // staff, role and area
	KindCase       = "case_kind"   // its code
	KindComposed   = "role"        // of a role that the country composed: its code
)

// thing names one thing that changes.
type thing struct{ Kind, Key string }

// State is everything that the file holds, as it is or as it should be.
type State struct {
	Settings    registry.Settings // with the bytes of the logo
	AreaKinds   []AreaKind
	Identifiers []Identifier
	Offices     []Office
	Fields      []fields.Entry
	CaseKinds   []kinds.Kind // the newest version of each
	Roles       []ComposedRole

	versions map[thing]int
}

// Read reads the state as it is.
func Read(tx db.Tx) (*State, error) {
	s := &State{Settings: *registry.DefaultSettings(), versions: map[thing]int{}}
	for _, read := range []func(db.Tx) error{s.readSettings, s.readAreaKinds, s.readIdentifiers, s.readOffices, s.readFields, s.readCaseKinds, s.readRoles} {
		if err := read(tx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *State) readSettings(tx db.Tx) error {
	var rows []struct {
		Key     string `db:"key"`
		Value   []byte `db:"value"`
		Version int    `db:"version"`
	}
	if err := tx.Select(&rows, `select key, value, version from setting where key = any($1)`, registry.SettingGroups()); err != nil {
		return err
	}
	for _, r := range rows {
		if err := json.Unmarshal(r.Value, s.Settings.Group(r.Key)); err != nil {
			return err
		}
		s.versions[thing{KindSetting, r.Key}] = r.Version
	}
	return nil
}

func (s *State) readAreaKinds(tx db.Tx) error {
	var rows []struct {
		Level   int       `db:"level"`
		Code    string    `db:"code"`
		Name    i18n.Text `db:"name"`
		Version int       `db:"version"`
	}
	if err := tx.Select(&rows, `select level, code, name, version from area_kind order by level, code`); err != nil {
		return err
	}
	for _, r := range rows {
		k := AreaKind{Level: r.Level, Code: r.Code, Name: r.Name}
		s.AreaKinds = append(s.AreaKinds, k)
		s.versions[thing{KindAreaKind, k.key()}] = r.Version
	}
	return nil
}

func (s *State) readIdentifiers(tx db.Tx) error {
	var rows []struct {
		registry.IdentifierType
		Retired  bool `db:"retired"`
		Position int  `db:"position"`
		Version  int  `db:"version"`
	}
	if err := tx.Select(&rows, `
		select code, name, subject, pattern, check_digit, issuers, retired_at is not null as retired, position, version
		from identifier_type order by position, code`); err != nil {
		return err
	}
	for _, r := range rows {
		i := Identifier{Code: r.Code, Name: r.Name, Subject: r.Subject, Pattern: r.Pattern, CheckDigit: r.CheckDigit, Issuers: r.Issuers,
			Retired: r.Retired, Position: r.Position}
		s.Identifiers = append(s.Identifiers, i.normal())
		s.versions[thing{KindIdentifier, i.Code}] = r.Version
	}
	return nil
}

// normal leaves out what goes without saying.
func (i Identifier) normal() Identifier {
	if i.Subject == registry.KindPerson {
		i.Subject = ""
	}
	if i.CheckDigit == "none" {
		i.CheckDigit = ""
	}
	if len(i.Issuers) == 0 {
		i.Issuers = nil
	}
	return i
}

func (s *State) readOffices(tx db.Tx) error {
	var rows []struct {
		registry.Office
		ParentCode string `db:"parent_code"`
		SeatCode   string `db:"seat_code"`
		Areas      []byte `db:"areas"`
		Closed     bool   `db:"closed"`
		Version    int    `db:"version"`
	}
	if err := tx.Select(&rows, `
		with recursive tree (id, path) as (
			select id, array[code] from office where parent_id is null
			union all
			select o.id, t.path || o.code from tree t join office o on o.parent_id = t.id)
		select o.code, o.kind, o.name, o.address, o.phone, o.opening, o.closed, o.version,
		       coalesce(p.code, '') as parent_code, coalesce(a.code, '') as seat_code,
		       coalesce((select jsonb_agg(x.code order by x.code) from office_area oa join area x on x.id = oa.area_id where oa.office_id = o.id), '[]') as areas
		from tree t join office o on o.id = t.id left join office p on p.id = o.parent_id left join area a on a.id = o.seat_id
		order by t.path`); err != nil {
		return err
	}
	for _, r := range rows {
		o := Office{Code: r.Code, Parent: r.ParentCode, Kind: r.Kind, Name: r.Name, Seat: r.SeatCode, Address: r.Address, Phone: r.Phone,
			Opening: r.Opening, Closed: r.Closed}
		if err := json.Unmarshal(r.Areas, &o.Areas); err != nil {
			return err
		}
		s.Offices = append(s.Offices, o.normal())
		s.versions[thing{KindOffice, o.Code}] = r.Version
	}
	return nil
}

// normal leaves out what is empty, and puts the areas in order.
func (o Office) normal() Office {
	if len(o.Address) == 0 {
		o.Address = nil
	}
	if len(o.Opening) == 0 {
		o.Opening = nil
	}
	o.Areas = slices.Compact(slices.Sorted(slices.Values(o.Areas)))
	if len(o.Areas) == 0 {
		o.Areas = nil
	}
	return o
}

func (s *State) readFields(tx db.Tx) error {
	all, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	for _, f := range all {
		e := fields.EntryOf(f)
		s.Fields = append(s.Fields, e)
		s.versions[thing{KindField, fieldKey(e)}] = f.Version
	}
	return nil
}

func (s *State) readCaseKinds(tx db.Tx) (err error) {
	if s.CaseKinds, err = kinds.All(tx); err != nil {
		return err
	}
	for _, k := range s.CaseKinds {
		s.versions[thing{KindCase, k.Code}] = k.Version
	}
	return nil
}

func caseCode(k kinds.Kind) string { return k.Code }

func fieldKey(e fields.Entry) string { return e.Subject + "/" + e.Roster + "/" + e.Code }

func (k AreaKind) key() string { return string(rune('0'+k.Level)) + "/" + k.Code }

// File is the state as a file, with what goes without saying. Groups that say
// nothing are left out.
func (s *State) File() *File {
	f := &File{Format: Format, AreaKinds: s.AreaKinds, Identifiers: s.Identifiers, Offices: s.Offices, Fields: s.Fields,
		CaseKinds: s.CaseKinds, Roles: s.Roles}
	for group, slot := range f.groups() {
		if v := reflect.ValueOf(s.Settings.Group(group)); !v.Elem().IsZero() {
			slot.Set(v)
		}
	}
	return f
}

// groups are the file's places for the groups of settings.
func (f *File) groups() map[string]reflect.Value {
	v, t := reflect.ValueOf(f).Elem(), reflect.TypeFor[File]()
	slots := map[string]reflect.Value{}
	for _, group := range registry.SettingGroups() {
		for i := range t.NumField() {
			if tag := t.Field(i).Tag.Get("yaml"); tag == group+",omitempty" {
				slots[group] = v.Field(i)
			}
		}
	}
	return slots
}

// With is the state with what a file says. What the file does not name stays.
func (s *State) With(f *File) *State {
	next := *s
	for group, slot := range f.groups() {
		if !slot.IsNil() {
			reflect.ValueOf(next.Settings.Group(group)).Elem().Set(slot.Elem())
		}
	}
	next.AreaKinds = merge(s.AreaKinds, f.AreaKinds, AreaKind.key)
	next.Identifiers = s.placed(f.Identifiers)
	var offices []Office
	for _, o := range f.Offices {
		offices = append(offices, o.normal())
	}
	next.Offices = merge(s.Offices, offices, func(o Office) string { return o.Code })
	var entries []fields.Entry
	for _, e := range f.Fields {
		entries = append(entries, e.Normal())
	}
	next.Fields = merge(s.Fields, entries, fieldKey)
	next.CaseKinds = merge(s.CaseKinds, f.CaseKinds, caseCode)
	var composed []ComposedRole
	for _, r := range f.Roles {
		composed = append(composed, r.normal())
	}
	next.Roles = merge(s.Roles, composed, func(r ComposedRole) string { return r.Code })
	return &next
}

// placed are the kinds of numbers with those of a file. A file that names them
// all says their order; else what is there keeps its place.
func (s *State) placed(now []Identifier) []Identifier {
	code := func(i Identifier) string { return i.Code }
	next := merge(s.Identifiers, nil, code)
	last := 0
	for _, i := range next {
		last = max(last, i.Position)
	}
	var list []Identifier
	for n, i := range now {
		at := slices.IndexFunc(next, func(o Identifier) bool { return o.Code == i.Code })
		switch i.Position = n + 1; {
		case len(merge(next, now, code)) == len(now):
		case at >= 0:
			i.Position = next[at].Position
		default:
			last++
			i.Position = last
		}
		list = append(list, i.normal())
	}
	return merge(next, list, code)
}

// merge puts the new things in place of those with their key, and others behind.
func merge[T any](old, now []T, key func(T) string) []T {
	out := slices.Clone(old)
	for _, t := range now {
		if i := slices.IndexFunc(out, func(o T) bool { return key(o) == key(t) }); i >= 0 {
			out[i] = t
		} else {
			out = append(out, t)
		}
	}
	return out
}

// named is a thing with its value.
type named struct {
	thing
	value json.RawMessage
}

// all lists every thing of the state with its value, in the file's order.
func (s *State) all() []named {
	var list []named
	add := func(kind, key string, v any) {
		list = append(list, named{thing{kind, key}, encode(v)})
	}
	for _, group := range registry.SettingGroups() {
		add(KindSetting, group, s.Settings.Group(group))
	}
	for _, k := range s.AreaKinds {
		add(KindAreaKind, k.key(), k)
	}
	for _, i := range s.Identifiers {
		add(KindIdentifier, i.Code, i)
	}
	for _, o := range s.Offices {
		add(KindOffice, o.Code, o)
	}
	for _, e := range s.Fields {
		add(KindField, fieldKey(e), generic(e))
	}
	for _, k := range s.CaseKinds {
		add(KindCase, k.Code, k)
	}
	for _, r := range s.Roles {
		add(KindComposed, r.Code, r)
	}
	return list
}

// encode is the JSON of a value: the same value gives the same bytes.
func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // types of ours, without anything that has no JSON
	}
	return raw
}

// generic is an entry with the names that a file has.
func generic(e fields.Entry) any {
	raw, err := yaml.Marshal(e)
	if err != nil {
		panic(err)
	}
	var v any
	if err := yaml.Unmarshal(raw, &v); err != nil {
		panic(err)
	}
	return v
}
