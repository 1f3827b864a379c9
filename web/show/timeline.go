package show

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/history"
	"daftar/web/ui"
)

// Reader is who reads a timeline: what is hidden from them, and how much of the
// office they see.
type Reader struct {
	Staff    bool
	Place    bool     // may know where the household is
	Contacts bool     // may know the protected contacts
	Roles    []string // of somebody at the office: which values they may know
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
			h.Lines = append(h.Lines, r.Changes(e.Changes, names, who)...)
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

// Changes tells what differs, one line for each value, and one for each duty that
// somebody got or gave up in a household.
func (r Record) Changes(list []history.Change, names Names, who Reader) []string {
	var lines []string
	for _, c := range list {
		if f, ok := r.roster(c); ok {
			lines = append(lines, r.rosterChange(f, c)...)
			continue
		}
		if c.What != "memberships" || c.Old == nil || c.New == nil {
			lines = append(lines, r.change(c, names, who))
			continue
		}
		was, is := c.Old.Without("roles"), c.New.Without("roles")
		if a, b := r.value(c.What, was, names), r.value(c.What, is, names); a != b {
			lines = append(lines, r.change(history.Change{What: c.What, Old: was, New: is}, names, who))
		}
		if was.Text("end_date") != is.Text("end_date") {
			continue // the duties end with the tie, or go on with it
		}
		before, after := r.roles(c.Old, names), r.roles(c.New, names)
		home := apart(names[c.New.Text("household_id")])
		for _, duty := range after {
			if !slices.Contains(before, duty) {
				lines = append(lines, r.P.T("history.added", "What", r.P.T("history.duty", "Household", home), "New", apart(duty)))
			}
		}
		for _, duty := range before {
			if !slices.Contains(after, duty) {
				lines = append(lines, r.P.T("history.removed", "What", r.P.T("history.duty", "Household", home), "Old", apart(duty)))
			}
		}
	}
	return lines
}

// roster is the definition of the rows that a change is of; false for another value,
// or one that the reader may not know.
func (r Record) roster(c history.Change) (registry.Field, bool) {
	code, _ := strings.CutPrefix(c.What, "fields.")
	for _, f := range r.Fields {
		if f.Code == code && f.Roster == "" && code != c.What {
			return f, f.Type == registry.TypeRoster && r.Sees(f)
		}
	}
	return registry.Field{}, false
}

// rowPairs are the rows of a roster that differ, as they are and as they would be.
// One that differs in what the reader may not know is hidden on both sides.
func (r Record) rowPairs(f registry.Field, c history.Change) []Pair {
	old, now := registry.Rows(c.Old.Value(f.Code)), registry.Rows(c.New.Value(f.Code))
	one := func(row registry.Row) string { return strings.Join(r.rows(f, []registry.Row{row}), "") }
	var pairs []Pair
	for _, row := range old {
		pair := Pair{Key: c.What, What: f.Label.In(r.P), Old: one(row)}
		if next, there := registry.RowOf(now, row.ID()); there {
			if pair.New = one(next); pair.New == pair.Old && !reflect.DeepEqual(row, next) {
				pair.Old, pair.New = r.P.T("record.hidden"), r.P.T("record.hidden")
			} else if pair.New == pair.Old {
				continue
			}
		}
		pairs = append(pairs, pair)
	}
	for _, row := range now {
		if _, there := registry.RowOf(old, row.ID()); !there {
			pairs = append(pairs, Pair{Key: c.What, What: f.Label.In(r.P), New: one(row)})
		}
	}
	return pairs
}

// rosterChange tells what differs, one line for each row.
func (r Record) rosterChange(f registry.Field, c history.Change) []string {
	var lines []string
	for _, pair := range r.rowPairs(f, c) {
		if pair.Old == pair.New {
			lines = append(lines, r.P.T("history.secret", "What", pair.What))
			continue
		}
		lines = append(lines, r.differs(pair.What, apart(pair.Old), apart(pair.New)))
	}
	return lines
}

func (r Record) change(c history.Change, names Names, who Reader) string {
	p := r.P
	what := r.label(c.What)
	if r.keeps(c.What) || secret(c, who) {
		return p.T("history.secret", "What", what)
	}
	was, is := apart(r.value(c.What, c.Old, names)), apart(r.value(c.What, c.New, names))
	return r.differs(what, was, is)
}

// differs says what a value was and is; "" for none.
func (r Record) differs(what, was, is string) string {
	switch {
	case was == "":
		return r.P.T("history.added", "What", what, "New", is)
	case is == "":
		return r.P.T("history.removed", "What", what, "Old", was)
	}
	return r.P.T("history.changed", "What", what, "New", is, "Old", was)
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

func (r Record) label(what string) string {
	if code, ok := strings.CutPrefix(what, "fields."); ok {
		for _, f := range r.Fields {
			if f.Code == code && f.Roster == "" {
				return f.Label.In(r.P)
			}
		}
		return code
	}
	if key, ok := history.Labels[what]; ok {
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
			if f.Code == code && f.Roster == "" {
				if f.Type == registry.TypeRoster {
					return p.List(r.rows(f, s.Value(code)))
				}
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
		parts := []string{Tie(p, s.Text("tie")), Code(p, "relationship.", s.Text("relationship")), names[s.Text("household_id")], span()}
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
		return p.List(r.tagNames(tags))
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
		duty := Role(r.P, role.Role, of)
		if role.StartDate+role.EndDate != "" {
			duty = r.P.T("record.duty", "Role", duty, "When", Span(r.P, role.StartDate, role.EndDate))
		}
		out = append(out, duty)
	}
	return out
}

// Tie says how somebody belongs to a household.
func Tie(p *i18n.Printer, tie string) string {
	if tie == "" {
		tie = registry.TieUsual
	}
	return p.T("tie." + tie)
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
