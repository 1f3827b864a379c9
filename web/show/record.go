package show

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/history"
	"daftar/web/ui"
)

// Record tells what a record holds, value by value, with where each comes from,
// who said it last and since when it is so.
type Record struct {
	P       *i18n.Printer
	Fields  registry.Fields
	Sources map[db.ID]registry.Source
	Facts   map[string]history.Fact
	// Staff reads it: it is told also since when each value is so in the world.
	Staff bool
}

// LoadRecord reads what is needed to tell of a record as it was known at a
// moment.
func LoadRecord(tx db.Tx, p *i18n.Printer, subject db.ID, known time.Time) (Record, error) {
	r := Record{P: p}
	versions, err := history.Versions(tx, subject, known)
	if err != nil {
		return r, err
	}
	if r.Facts, err = history.Facts(versions); err != nil {
		return r, err
	}
	if r.Fields, err = registry.LoadFields(tx); err != nil {
		return r, err
	}
	named := []registry.Provenance{}
	for _, f := range r.Facts {
		named = append(named, registry.Provenance{"source": f.Source, "confirmed": f.Confirmed})
	}
	for _, v := range versions {
		var from registry.PersonData // identifiers have sources of their own
		if err := v.Data.Into(&from); err != nil {
			return r, err
		}
		named = append(named, from.Provenance)
		for _, i := range from.Identifiers {
			named = append(named, i.Provenance)
		}
	}
	r.Sources, err = registry.Sources(tx, named...)
	return r, err
}

// Row is one value by its name in the provenance.
func (r Record) Row(key, value, name string) ui.Row {
	f := r.Facts[name]
	row := ui.Row{Key: key, Value: value, Source: Source(r.P, r.Sources[f.Source])}
	if s, ok := r.Sources[f.Confirmed]; ok && f.Confirmed != f.Source {
		row.Source = r.P.List([]string{row.Source, r.P.T("record.confirmed", "Date", r.P.Date(s.At))})
	}
	if r.Staff && f.Since != "" {
		row.Source = r.P.List([]string{row.Source, r.P.T("span.since", "From", Day(r.P, f.Since))})
	}
	return row
}

// Person tells a person's own values.
func (r Record) Person(d registry.PersonData) []ui.Row {
	p := r.P
	reference := "record.reference"
	if r.Staff {
		reference = "record.person_reference"
	}
	rows := []ui.Row{
		{Key: p.T(reference), Value: d.Ref, LTR: true},
		r.Row(p.T("name.full"), d.FullName, "full_name"),
	}
	for _, part := range []struct{ key, value, name string }{
		{"name.latin", d.FullNameLatin, "full_name_latin"}, {"name.family", d.FamilyName, "family_name"},
		{"name.given", d.GivenName, "given_name"}, {"name.other", d.OtherNames, "other_names"},
	} {
		if part.value != "" {
			rows = append(rows, r.Row(p.T(part.key), part.value, part.name))
		}
	}
	rows = append(rows,
		r.Row(p.T("birth.label"), born(p, d.BirthFrom, d.BirthTo), "birth"),
		r.Row(p.T("about.sex"), Code(p, "sex.", d.Sex), "sex"))
	if d.Status != "" && d.Status != registry.Active {
		rows = append(rows, r.Row(p.T("record.status"), Outcome(p, d.Status, d.StatusReason, d.StatusDate), "status"))
	}
	return append(append(rows, r.tags(d.Tags)...), r.values(registry.KindPerson, d.Fields)...)
}

// Household tells a household's values; place is where it is, or nothing when
// that must not be told.
func (r Record) Household(d registry.HouseholdData, place string) []ui.Row {
	p := r.P
	var rows []ui.Row
	if place != "" {
		rows = append(rows, r.Row(p.T("area.label"), place, "area"))
		if d.Directions != "" {
			rows = append(rows, r.Row(p.T("directions.label"), d.Directions, "directions"))
		}
	}
	if d.Status != "" && d.Status != registry.Active {
		rows = append(rows, r.Row(p.T("record.status"), householdOutcome(p, d.StatusReason, d.StatusDate), "status"))
	}
	return append(append(rows, r.tags(d.Tags)...), r.values(registry.KindHousehold, d.Fields)...)
}

// Group tells a group's values.
func (r Record) Group(d registry.GroupData, place string) []ui.Row {
	p := r.P
	rows := []ui.Row{
		{Key: p.T("record.group_reference"), Value: d.Ref, LTR: true},
		r.Row(p.T("group.name"), d.Name, "name"),
	}
	if d.NameLatin != "" {
		rows = append(rows, r.Row(p.T("name.latin"), d.NameLatin, "name_latin"))
	}
	rows = append(rows, r.Row(p.T("group.type"), Code(p, "group.type.", d.Type), "type"))
	if place != "" {
		rows = append(rows, r.Row(p.T("area.label"), place, "area"))
	}
	if d.Beneficiary {
		rows = append(rows, r.Row(p.T("group.served"), p.T("answer.yes"), "beneficiary"))
	}
	if d.Status != "" && d.Status != registry.Active {
		rows = append(rows, r.Row(p.T("record.status"), householdOutcome(p, d.StatusReason, d.StatusDate), "status"))
	}
	return append(append(rows, r.tags(d.Tags)...), r.values(registry.KindGroup, d.Fields)...)
}

func (r Record) tags(tags []string) []ui.Row {
	if len(tags) == 0 {
		return nil
	}
	return []ui.Row{r.Row(r.P.T("record.tags"), r.P.List(tags), "tags")}
}

func (r Record) values(kind string, values registry.Values) []ui.Row {
	var rows []ui.Row
	for _, f := range r.Fields.Of(kind) {
		if value, ok := values[f.Code]; ok {
			row := r.Row(f.Label.In(r.P), f.Show(r.P, value), f.Code)
			row.Lines = Rows(r.P, r.Fields, f, value)
			rows = append(rows, row)
		}
	}
	return rows
}

// Identifiers tells numbers, masked, with what is known about each.
func (r Record) Identifiers(list []registry.Identifier, types []registry.IdentifierType) []ui.Row {
	p := r.P
	var rows []ui.Row
	for _, i := range list {
		row := ui.Row{Key: IdentifierName(p, types, i.Type), Value: i.Masked(), LTR: true, Lines: []string{p.T("identifier.status." + i.Status)}}
		if i.Method.String != "" {
			row.Lines = append(row.Lines, p.T("verification."+i.Method.String))
		}
		if i.Assurance.String != "" {
			row.Lines = append(row.Lines, p.T("assurance."+i.Assurance.String))
		}
		if i.ExpiresOn.Valid {
			row.Lines = append(row.Lines, p.T("identifier.expires", "Date", p.Day(i.ExpiresOn.Time)))
		}
		row.Source = Sourced(p, r.Sources, i.Provenance, "*")
		rows = append(rows, row)
	}
	return rows
}

// IdentifierName is what a kind of number is called.
func IdentifierName(p *i18n.Printer, types []registry.IdentifierType, code string) string {
	for _, t := range types {
		if t.Code == code {
			return t.Name.In(p)
		}
	}
	if p.Has("identifier." + code) {
		return p.T("identifier." + code)
	}
	return code
}

// Contacts tells ways to reach somebody; those that are told to nobody only to
// who may see them.
func Contacts(p *i18n.Printer, list []registry.Contact, sees bool) []ui.Row {
	var rows []ui.Row
	for _, c := range list {
		row := ui.Row{Key: p.T("contact." + c.Kind), Value: c.Value, LTR: true, Lines: []string{p.T("contact.owner." + c.Owner)}}
		if c.Protected && !sees {
			row.Value, row.LTR = p.T("record.hidden"), false
		}
		uses := 0
		for _, use := range registry.ContactUses() {
			if c.SafeFor(use) {
				row.Lines = append(row.Lines, p.T("contact.safe."+use))
				uses++
			}
		}
		if uses == 0 {
			row.Lines = append(row.Lines, p.T("contact.safe_for_nothing"))
		}
		rows = append(rows, row)
	}
	return rows
}

// Outcome says how a person's record ended.
func Outcome(p *i18n.Printer, status, reason, date string) string {
	return p.T("record.outcome", "Outcome", p.T("outcome."+status), "Reason", p.T("outcome."+status+"."+reason), "Date", Day(p, date))
}

func householdOutcome(p *i18n.Printer, reason, date string) string {
	return p.T("record.ended", "Reason", p.T("outcome.household."+reason), "Date", Day(p, date))
}

// Span says from when to when something is so, as far as it is known.
func Span(p *i18n.Printer, from, to string) string {
	switch {
	case from == "" && to == "":
		return p.T("span.unknown")
	case to == "":
		return p.T("span.since", "From", Day(p, from))
	case from == "":
		return p.T("span.until", "To", Day(p, to))
	}
	return p.T("span.between", "From", Day(p, from), "To", Day(p, to))
}

// Day is a day of a record in words; what is no day is left as it is.
func Day(p *i18n.Printer, s string) string {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return s
	}
	return p.Day(t)
}

func born(p *i18n.Printer, from, to string) string {
	first, err := time.Parse(time.DateOnly, from)
	last, err2 := time.Parse(time.DateOnly, to)
	if err != nil || err2 != nil {
		return Birth(p, registry.BirthDate{})
	}
	return Birth(p, registry.BirthDate{From: first, To: last})
}

// Reader is who reads a timeline: what is hidden from them, and how much of the
// office they see.
type Reader struct {
	Staff    bool
	Place    bool // may know where the household is
	Contacts bool // may know the protected contacts
}

// Timeline tells a record's life, the latest step first. The first step is told
// without its values, which the record itself shows.
func (r Record) Timeline(entries []history.Entry, names Names, who Reader) []ui.Happening {
	var list []ui.Happening
	for i, e := range entries {
		h := ui.Happening{Title: r.title(e, i == len(entries)-1), When: r.P.Time(e.RecordedAt)}
		if e.Said {
			h.Lines = append(h.Lines, r.P.T("history.effective", "Date", Day(r.P, e.Effective)))
		}
		if i < len(entries)-1 {
			for _, c := range e.Changes {
				h.Lines = append(h.Lines, r.change(c, names, who))
			}
		}
		h.Lines = append(h.Lines, r.hands(e, who))
		if e.Note != "" && who.Staff {
			h.Words = ui.Words{By: r.P.T("words.officer"), Text: e.Note, Lang: e.NoteLang}
		}
		list = append(list, h)
	}
	return list
}

func (r Record) title(e history.Entry, first bool) string {
	if first {
		return r.P.T("history.first")
	}
	title := r.P.T("nature." + string(e.Nature))
	if e.Reason != "" {
		title = r.P.T("history.title", "Nature", title, "Reason", r.P.T("change.reason."+e.Reason))
	}
	return title
}

// hands says who saw to a change: to the office by name, to a citizen as "the
// office".
func (r Record) hands(e history.Entry, who Reader) string {
	if !who.Staff {
		switch {
		case e.Origin == registry.OriginBatch:
			return r.P.T("history.by.batch")
		case e.Citizen:
			return r.P.T("history.by.you")
		}
		return r.P.T("history.by.office")
	}
	proposer := e.Proposed
	if e.Citizen {
		proposer = r.P.T("history.citizen")
	}
	var hands []string
	for _, hand := range []struct{ key, name string }{{"history.proposed", proposer}, {"history.verified", e.Verified}, {"history.approved", e.Approved}} {
		if hand.name != "" {
			hands = append(hands, r.P.T(hand.key, "Name", apart(hand.name)))
		}
	}
	if e.Case != "" {
		hands = append(hands, r.P.T("history.case", "Case", Unbroken(e.Case)))
	}
	return r.P.List(hands)
}

// Changes tells what differs, one line for each value.
func (r Record) Changes(list []history.Change, names Names, who Reader) []string {
	var lines []string
	for _, c := range list {
		lines = append(lines, r.change(c, names, who))
	}
	return lines
}

func (r Record) change(c history.Change, names Names, who Reader) string {
	p := r.P
	what := r.label(c.What)
	if (c.What == "area_id" || c.What == "directions") && !who.Place || c.What == "contacts" && !who.Contacts && (protected(c.Old) || protected(c.New)) {
		return p.T("history.secret", "What", what)
	}
	was, is := apart(r.value(c.What, c.Old, names)), apart(r.value(c.What, c.New, names))
	switch {
	case was == "":
		return p.T("history.added", "What", what, "New", is)
	case is == "":
		return p.T("history.removed", "What", what, "Old", was)
	}
	return p.T("history.changed", "What", what, "New", is, "Old", was)
}

// apart keeps a value's own direction of writing within a sentence (UAX 9, FSI
// and PDI).
func apart(s string) string {
	if s == "" {
		return ""
	}
	return "\u2068" + s + "\u2069"
}

func protected(s history.State) bool { return s.Value("protected") == true }

// labels are the messages that name values; fields have their own.
var labels = map[string]string{
	"full_name": "name.full", "full_name_latin": "name.latin", "family_name": "name.family", "given_name": "name.given", "other_names": "name.other",
	"name": "group.name", "name_latin": "name.latin", "type": "group.type", "sex": "about.sex", "birth": "birth.label", "status": "record.status",
	"area_id": "area.label", "directions": "directions.label", "protected": "record.protected", "beneficiary": "group.served",
	"memberships": "record.membership", "relations": "record.relation", "members": "group.member", "identifiers": "record.identifier",
	"contacts": "record.contact", "tags": "record.tags",
}

func (r Record) label(what string) string {
	if code, ok := strings.CutPrefix(what, "fields."); ok {
		for _, f := range r.Fields {
			if f.Code == code {
				return f.Label.In(r.P)
			}
		}
		return code
	}
	if key, ok := labels[what]; ok {
		return r.P.T(key)
	}
	return what
}

// value tells one value of a change; "" for none.
func (r Record) value(what string, s history.State, names Names) string {
	p := r.P
	if s == nil {
		return ""
	}
	if code, ok := strings.CutPrefix(what, "fields."); ok {
		for _, f := range r.Fields {
			if f.Code == code {
				return f.Show(p, s.Value(code))
			}
		}
		return string(s[code])
	}
	span := func() string {
		if s.Text("start_date")+s.Text("end_date") == "" {
			return ""
		}
		return Span(p, s.Text("start_date"), s.Text("end_date"))
	}
	switch what {
	case "sex":
		return Code(p, "sex.", s.Text("sex"))
	case "birth":
		return born(p, s.Text("birth_from"), s.Text("birth_to"))
	case "type":
		return Code(p, "group.type.", s.Text("type"))
	case "protected", "beneficiary":
		return p.T("answer.yes")
	case "status":
		if s.Text("status") == "ended" {
			return householdOutcome(p, s.Text("status_reason"), s.Text("status_date"))
		}
		return Outcome(p, s.Text("status"), s.Text("status_reason"), s.Text("status_date"))
	case "area_id":
		return names[s.Text("area_id")]
	case "memberships":
		tie := s.Text("tie")
		if tie == "" {
			tie = registry.TieUsual
		}
		parts := []string{p.T("tie." + tie), Code(p, "relationship.", s.Text("relationship")), names[s.Text("household_id")], span()}
		if s.Text("end_reason") != "" {
			parts = append(parts, p.T("membership.end."+s.Text("end_reason")))
		}
		return r.join(append(parts, r.roles(s, names)...)...)
	case "relations":
		return r.join(p.T("relation.of."+s.Text("type"), "Name", names[s.Text("person_id")]), span())
	case "members":
		role := s.Text("role")
		if role == "" {
			role = "member"
		}
		return r.join(names[s.Text("household_id")+s.Text("person_id")+s.Text("group_id")], p.T("group.role."+role), span())
	case "identifiers":
		return r.join(IdentifierName(p, nil, s.Text("type")), registry.Identifier{Value: s.Text("value")}.Masked(), p.T("identifier.status."+s.Text("status")))
	case "contacts":
		return r.join(p.T("contact."+s.Text("kind")), s.Text("value"), Code(p, "contact.owner.", s.Text("owner")))
	case "tags":
		var tags []string
		_ = json.Unmarshal(s["tags"], &tags)
		return p.List(tags)
	}
	return s.Text(what)
}

func (r Record) roles(s history.State, names Names) []string {
	var roles []registry.RoleData
	_ = json.Unmarshal(s["roles"], &roles)
	var out []string
	for _, role := range roles {
		of := ""
		if role.Of != nil {
			of = names[role.Of.String()]
		}
		out = append(out, Role(r.P, role.Role, of))
		if role.StartDate+role.EndDate != "" {
			out = append(out, Span(r.P, role.StartDate, role.EndDate))
		}
	}
	return out
}

// Role says what somebody does in a household, and for whom.
func Role(p *i18n.Printer, role, of string) string {
	if of != "" {
		return p.T("role.of."+role, "Name", of)
	}
	return p.T("role." + role)
}

func (r Record) join(parts ...string) string {
	return r.P.List(slices.DeleteFunc(parts, func(s string) bool { return s == "" }))
}

// Names are what records and areas are called, by their identity.
type Names map[string]string

// NamesIn finds what the changes of timelines mention. A person is called by
// name, a household by its reference.
func NamesIn(tx db.Tx, p *i18n.Printer, changes ...history.Change) (Names, error) {
	var ids []string
	for _, c := range changes {
		for _, s := range []history.State{c.Old, c.New} {
			for _, key := range []string{"household_id", "person_id", "group_id", "area_id", "merged_into"} {
				if id := s.Text(key); id != "" {
					ids = append(ids, id)
				}
			}
			var roles []registry.RoleData
			_ = json.Unmarshal(s["roles"], &roles)
			for _, role := range roles {
				if role.Of != nil {
					ids = append(ids, role.Of.String())
				}
			}
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var rows []struct {
		ID   db.ID     `db:"id"`
		Text string    `db:"text"`
		Area i18n.Text `db:"area"`
	}
	err := tx.Select(&rows, `
		select id, coalesce(full_name, ref) as text, '{}'::jsonb as area from person where id = any($1::uuid[])
		union all select id, ref, '{}' from household where id = any($1::uuid[])
		union all select id, name, '{}' from group_record where id = any($1::uuid[])
		union all select id, '', name from area where id = any($1::uuid[])`, ids)
	names := Names{}
	for _, r := range rows {
		names[r.ID.String()] = r.Text
		if r.Text == "" {
			names[r.ID.String()] = r.Area.In(p)
		}
	}
	return names, err
}

// ChangesOf are all changes of a timeline.
func ChangesOf(entries []history.Entry) []history.Change {
	var list []history.Change
	for _, e := range entries {
		list = append(list, e.Changes...)
	}
	return list
}
