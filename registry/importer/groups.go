package importer

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/registry"
)

// Groups are few beside people: what their rows say is kept until all rows are
// known, and becomes items at the end.

// groupRow is what a row says of a group.
type groupRow struct {
	key, ref, name, latin, kind, formed, served string
	area                                        db.ID
	tags                                        []string
	numbers                                     []registry.IdentifierData
}

// groupMemberRow is what a row says of a member: a household, a person (with the
// household whose key theirs belongs to) or another group.
type groupMemberRow struct {
	group, household, person, subgroup, role, since, until string
}

// group is a group that a file lists, or that members in it name.
type group struct {
	groupRow
	l     *layout // nil for one that no file lists
	id    db.ID
	line  int
	src   int
	known bool
	bad   bool
	has   []int // ordinals of its members' rows
	old   registry.GroupData
	base  int
}

// groupMember is a row of members.
type groupMember struct {
	groupMemberRow
	l              *layout
	of             int // ordinal of the group; -1 for none
	id             db.ID
	kind           string
	home, who, sub int // ordinals in the files; -1 for a record that is only in the registry
	line           int
	src            int
	bad            bool
}

func (p *parser) group(g *groupRow, list bool) {
	must := ""
	if list {
		must = "import.problem.group_key"
	}
	*g = groupRow{key: p.key(slotKey, must), ref: p.reference(slotRef, registry.RefGroup),
		name: p.text(slotName, maxName), latin: p.text(slotNameLatin, maxName), kind: p.code(p.slots[slotGroupType]),
		formed: p.day(p.slots[slotFormed]), served: p.code(p.slots[slotServed]), tags: p.tags(), numbers: p.readNumbers(nil)}
	if g.formed > p.today.Format(time.DateOnly) {
		p.bad(p.slots[slotFormed], "part.error.formed")
	}
	if text := p.cell(p.slots[slotArea]); text != "" {
		id, why := p.places.find(text)
		if why != "" {
			p.bad(p.slots[slotArea], why)
		}
		g.area = id
	}
}

func (p *parser) groupMember(m *groupMemberRow) {
	*m = groupMemberRow{group: p.key(slotGroup, "import.problem.no_group"), household: p.key(slotHousehold, ""), person: p.key(slotPerson, ""),
		subgroup: p.key(slotSubgroup, ""), role: p.code(p.slots[slotGroupRole]), since: p.day(p.slots[slotSince]), until: p.day(p.slots[slotUntil])}
	if m.role == "member" {
		m.role = ""
	}
	if m.since != "" && m.until != "" && m.until < m.since {
		p.bad(p.slots[slotUntil], "rule.group_member_dates")
	}
	if m.since > p.today.Format(time.DateOnly) {
		p.bad(p.slots[slotSince], "rule.group_member_future")
	}
	if named := m.household + m.person; (named == "") == (m.subgroup == "") {
		p.bad(p.slots[slotGroup], "import.problem.member_one")
	}
}

// drop notes a row that is left out.
func (r *run) drop(src int, line int) {
	if r.badRows[src] == nil {
		r.badRows[src] = map[int32]bool{}
	}
	r.badRows[src][int32(line)] = true
}

func (r *run) checkGroups(src int, l *layout, c *chunk) error {
	known, err := r.lookUpGroups(c)
	if err != nil {
		return err
	}
	for i := range c.n {
		r.counts.Groups++
		found := c.found[i]
		g := group{groupRow: c.groups[i], l: l, line: c.lines[i], src: src}
		add := func(s slot, value, key string, args ...any) {
			found = append(found, l.at(c, i, s, value, key, args...))
		}
		if !c.broken[i] {
			k := known[i]
			if g.known, g.id = k.is, k.id; !k.is {
				g.id = r.ids()
			}
			missing := k.wrong == "" && !k.is && len(found) == 0
			switch {
			case k.wrong != "":
				add(k.slot, k.value, k.wrong)
			case missing && g.name == "":
				add(slotName, "", "import.problem.group_name")
			case missing && g.kind == "":
				add(slotGroupType, "", "import.problem.group_type")
			case missing && g.area == (db.ID{}) && !r.places.whole:
				add(slotArea, "", "import.problem.area_missing")
			}
			for _, key := range []string{g.key, g.ref} {
				if key == "" {
					continue
				}
				if first, twice := r.groupKeys[key]; twice {
					add(slotKey, key, "import.problem.group_twice", "Line", r.groups[first].line)
				} else {
					r.groupKeys[key] = len(r.groups)
				}
			}
			r.touch(k)
		}
		if g.bad = r.wrong(found) || c.broken[i]; g.bad {
			r.drop(src, g.line)
		} else if g.area != (db.ID{}) {
			r.touched[g.area] = true
		} else if !g.known {
			r.homeless = true
		}
		r.groups = append(r.groups, g)
	}
	return nil
}

func (r *run) lookUpGroups(c *chunk) (map[int]found, error) {
	var refs, numbers look
	list := r.m.numberType(registry.KindGroup)
	for i := range c.n {
		g := &c.groups[i]
		if c.broken[i] {
			continue
		}
		if g.ref != "" {
			refs.add(i, "", g.ref)
		}
		if err := r.lookNumber(&numbers, i, list, g.key); err != nil {
			return nil, err
		}
		if err := r.lookAll(&numbers, i, g.numbers); err != nil {
			return nil, err
		}
	}
	by := map[int][]match{}
	if err := r.matches(registry.KindGroup, refs, numbers, by); err != nil {
		return nil, err
	}
	out := map[int]found{}
	for i := range c.n {
		if g := &c.groups[i]; !c.broken[i] && (g.ref != "" || by[i] != nil) {
			out[i] = r.decide(by[i], g.ref, list, nil)
		}
	}
	return out, nil
}

// named finds records by what members' rows call them: a reference, the list's
// own key, or a number of any kind that one of them has.
func (r *run) named(kind string, names []string) (map[string]found, error) {
	var refs, keys, numbers look
	own := r.m.numberType(kind)
	for i, name := range names {
		if ref, ok := registry.ParseRef(map[string]rune{registry.KindPerson: registry.RefPerson, registry.KindHousehold: registry.RefHousehold, registry.KindGroup: registry.RefGroup}[kind], name); ok {
			refs.add(i, "", ref)
			continue
		}
		if err := r.lookNumber(&keys, i, own, name); err != nil {
			return nil, err
		}
		numbers.rows, numbers.values = append(numbers.rows, int32(i)), append(numbers.values, registry.NormalIdentifier(name))
	}
	by := map[int][]match{}
	if err := r.matches(kind, refs, keys, by); err != nil {
		return nil, err
	}
	if err := r.matches(kind, look{}, numbers, by); err != nil {
		return nil, err
	}
	out := map[string]found{}
	for i, name := range names {
		ref := ""
		if slices.Contains(refs.rows, int32(i)) {
			ref = name
		}
		if own == "" {
			own = Nothing
		}
		if f := r.decide(by[i], ref, own, nil); f.is && f.wrong == "" {
			out[name] = f
		}
	}
	return out, nil
}

func (r *run) checkMembers(src int, l *layout, c *chunk) error {
	var homes, people, groups []string
	for i := range c.n {
		m := &c.members[i]
		if c.broken[i] {
			continue
		}
		groups = append(groups, m.group, m.subgroup)
		if m.person != "" {
			people = append(people, m.person)
		} else {
			homes = append(homes, m.household)
		}
	}
	known := map[string]map[string]found{}
	for kind, names := range map[string][]string{registry.KindHousehold: homes, registry.KindPerson: people, registry.KindGroup: groups} {
		slices.Sort(names)
		var err error
		if known[kind], err = r.named(kind, slices.DeleteFunc(slices.Compact(names), func(s string) bool { return s == "" })); err != nil {
			return err
		}
	}
	for i := range c.n {
		r.counts.Groups++
		found := c.found[i]
		m := groupMember{groupMemberRow: c.members[i], l: l, of: -1, home: -1, who: -1, sub: -1, line: c.lines[i], src: src}
		if !c.broken[i] && len(found) == 0 {
			add := func(s slot, value, key string) { found = append(found, l.at(c, i, s, value, key)) }
			var ok bool
			if m.of, ok = r.groupOf(m.group, known[registry.KindGroup]); !ok {
				add(slotGroup, m.group, "import.problem.no_group")
			}
			switch {
			case m.subgroup != "":
				m.kind = registry.KindGroup
				if m.sub, ok = r.groupOf(m.subgroup, known[registry.KindGroup]); !ok {
					add(slotSubgroup, m.subgroup, "import.problem.no_group")
				} else {
					m.id = r.groups[m.sub].id
				}
			case m.person != "":
				m.kind = registry.KindPerson
				f := known[registry.KindPerson][m.person]
				if m.who, ok = r.personKeys.get(m.household, m.person); ok {
					m.id = r.people[m.who].id
				} else if m.id, m.who = f.id, -1; !f.is {
					add(slotPerson, m.person, "import.problem.no_owner")
				}
			default:
				m.kind = registry.KindHousehold
				f := known[registry.KindHousehold][m.household]
				if m.home, ok = r.homeKeys.get(m.household); ok {
					m.id = r.homes[m.home].id
				} else if m.id, m.home = f.id, -1; !f.is {
					add(slotHousehold, m.household, "import.problem.no_household")
				}
			}
		}
		if m.bad = r.wrong(found) || c.broken[i]; m.bad {
			r.drop(src, m.line)
		} else {
			r.groups[m.of].has = append(r.groups[m.of].has, len(r.members))
		}
		r.members = append(r.members, m)
	}
	return nil
}

// groupOf is the ordinal of a group by its key in the files, or of one that only
// the registry has.
func (r *run) groupOf(name string, known map[string]found) (int, bool) {
	if n, ok := r.groupKeys[name]; ok {
		return n, true
	}
	f, ok := known[name]
	if !ok {
		return -1, false
	}
	n := slices.IndexFunc(r.groups, func(g group) bool { return g.id == f.id })
	if n < 0 {
		n = len(r.groups)
		r.groups = append(r.groups, group{id: f.id, known: true, src: -1})
		r.touch(f)
	}
	r.groupKeys[name] = n
	return n, true
}

// checkGroupsBetween finds what only all rows together show: members that are
// left out, the same member twice, a group inside itself, days that cannot be.
func (r *run) checkGroupsBetween() error {
	if err := r.oldGroups(); err != nil {
		return err
	}
	for n := range r.groups {
		g := &r.groups[n]
		early := func(m registry.GroupMemberData) bool { return m.StartDate != "" && m.StartDate < g.formed }
		if !g.bad && slices.ContainsFunc(g.old.Members, early) {
			p := Problem{File: g.l.src.file, Sheet: g.l.src.sheet, Line: g.line, Value: g.formed, Key: "rule.group_member_early"}
			if col := g.l.slots[slotFormed]; col != nil {
				p.Column = g.l.src.header[col.index]
			}
			r.bad(p)
			g.bad = true
			r.drop(g.src, g.line)
		}
	}
	for again := true; again; {
		again = false
		for n := range r.members {
			m := &r.members[n]
			if m.bad {
				continue
			}
			g := &r.groups[m.of]
			formed := g.formed
			if formed == "" {
				formed = g.old.FormedOn
			}
			s, value, key := slotGroup, m.group, ""
			switch {
			case g.bad:
				key = "import.problem.owner_rejected"
			case m.sub >= 0 && r.groups[m.sub].bad:
				s, value, key = slotSubgroup, m.subgroup, "import.problem.owner_rejected"
			case m.who >= 0 && r.people[m.who].state&isBad != 0:
				s, value, key = slotPerson, m.person, "import.problem.owner_rejected"
			case m.home >= 0 && r.homes[m.home].state&isBad != 0:
				s, value, key = slotHousehold, m.household, "import.problem.owner_rejected"
			case m.since != "" && m.since < formed:
				s, value, key = slotSince, m.since, "rule.group_member_early"
			case m.until != "" && m.until < g.joined(m.id):
				s, value, key = slotUntil, m.until, "rule.group_member_dates"
			case r.memberBefore(g, n):
				key = "rule.group_member_once"
			}
			if key != "" {
				r.leaveMember(m, s, value, key)
				again = true
			}
		}
	}
	return r.checkCircles()
}

// joined is the day on which somebody joined who is in the group now; "" when
// that is nobody, or not known.
func (g *group) joined(member db.ID) string {
	for _, m := range g.old.Members {
		if m.EndDate == "" && m.Member() == member {
			return m.StartDate
		}
	}
	return ""
}

// memberBefore reports whether an earlier row says the same member of the group.
func (r *run) memberBefore(g *group, n int) bool {
	return slices.ContainsFunc(g.has, func(o int) bool { return o < n && !r.members[o].bad && r.members[o].id == r.members[n].id })
}

func (r *run) leaveMember(m *groupMember, s slot, value, key string) {
	p := Problem{File: m.l.src.file, Sheet: m.l.src.sheet, Line: m.line, Value: clip(value), Key: key}
	if col := m.l.slots[s]; col != nil {
		p.Column = m.l.src.header[col.index]
	}
	r.bad(p)
	m.bad = true
	r.drop(m.src, m.line)
}

// checkCircles leaves out rows that would put a group inside itself, with what is
// inside what in the registry already.
func (r *run) checkCircles() error {
	if !slices.ContainsFunc(r.members, func(m groupMember) bool { return m.kind == registry.KindGroup && !m.bad }) {
		return nil
	}
	var known []struct {
		Group db.ID `db:"group_id"`
		Sub   db.ID `db:"subgroup_id"`
	}
	if err := r.tx.Select(&known, `select group_id, subgroup_id from group_member where subgroup_id is not null and end_date is null`); err != nil {
		return err
	}
	inside := map[db.ID][]db.ID{}
	for _, k := range known {
		inside[k.Group] = append(inside[k.Group], k.Sub)
	}
	var reaches func(from, to db.ID, seen map[db.ID]bool) bool
	reaches = func(from, to db.ID, seen map[db.ID]bool) bool {
		if from == to {
			return true
		}
		seen[from] = true
		return slices.ContainsFunc(inside[from], func(next db.ID) bool { return !seen[next] && reaches(next, to, seen) })
	}
	for n := range r.members {
		m := &r.members[n]
		if m.kind != registry.KindGroup || m.bad {
			continue
		}
		of := r.groups[m.of].id
		if reaches(m.id, of, map[db.ID]bool{}) {
			r.leaveMember(m, slotSubgroup, m.subgroup, "rule.group_cycle")
			continue
		}
		inside[of] = append(inside[of], m.id)
	}
	return nil
}

// oldGroups reads the known groups as they are.
func (r *run) oldGroups() error {
	for n := range r.groups {
		g := &r.groups[n]
		if !g.known || g.bad {
			continue
		}
		var err error
		if g.old, g.base, err = registry.CurrentGroup(r.tx, g.id); err != nil {
			return err
		}
	}
	return nil
}

// stageGroups proposes the groups with their members.
func (s *stager) stageGroups() error {
	if err := s.out.settle(); err != nil {
		return err
	}
	for n := range s.groups {
		g := &s.groups[n]
		if g.bad {
			continue
		}
		d := g.old
		m := merge{l: g.l, clear: s.m.clears(), source: s.source}
		if !g.known {
			d = registry.GroupData{Ref: registry.NewRef(registry.RefGroup, s.random)}
		}
		s.mergeGroup(&m, &d, g)
		if g.known && len(m.names) == 0 && !m.anyway {
			s.counts.Unchanged++
			continue
		}
		if d.Provenance = d.Provenance.With(s.source, m.names...); !g.known {
			d.Provenance = registry.Provenance{"*": s.source}
		}
		data, err := json.Marshal(d)
		if err != nil {
			return err
		}
		if err := s.put(item{kind: registry.KindGroup, id: g.id, base: g.base, data: data}); err != nil {
			return err
		}
	}
	return s.out.flush()
}

func (s *stager) mergeGroup(m *merge, d *registry.GroupData, g *group) {
	if g.name != "" {
		m.text(slotName, &d.Name, g.name, "name")
	}
	m.text(slotNameLatin, &d.NameLatin, g.latin, "name_latin")
	m.text(slotFormed, &d.FormedOn, g.formed, "formed_on")
	if g.kind != "" && g.kind != d.Type {
		d.Type, m.names = g.kind, append(m.names, "type")
	}
	if g.area != (db.ID{}) && (d.AreaID == nil || *d.AreaID != g.area) {
		d.AreaID, m.names = &g.area, append(m.names, "area")
	}
	if served := g.served == "yes"; g.served != "" && served != d.Beneficiary {
		d.Beneficiary, m.names = served, append(m.names, "beneficiary")
	}
	m.tags(&d.Tags, g.tags)
	if own := s.m.numberType(registry.KindGroup); own != "" && g.key != "" {
		d.Identifiers = m.identifiers(d.Identifiers, []registry.IdentifierData{{Type: own, Value: strings.TrimSpace(g.key), Status: "unverified"}})
	}
	d.Identifiers = m.identifiers(d.Identifiers, g.numbers)
	for _, n := range g.has {
		if row := &s.members[n]; !row.bad {
			s.mergeMember(m, d, row)
		}
	}
}

// mergeMember takes a member into the group. One that is in it already gets the
// role, and leaves on the day that the row says.
func (s *stager) mergeMember(m *merge, d *registry.GroupData, row *groupMember) {
	at := slices.IndexFunc(d.Members, func(o registry.GroupMemberData) bool { return o.Member() == row.id && o.EndDate == "" })
	if at >= 0 {
		was := d.Members[at]
		now := was
		if m := row.l.slots[slotGroupRole]; m != nil && row.role != was.Role {
			now.Role = row.role
		}
		if now.EndDate = row.until; now != was {
			d.Members = slices.Clone(d.Members)
			d.Members[at], m.names = now, append(m.names, "members")
		}
		return
	}
	since := row.since
	if since == "" && row.until == "" {
		since = s.effective
	}
	next := registry.GroupMemberData{ID: s.ids(), Role: row.role, StartDate: since, EndDate: row.until}
	switch row.kind {
	case registry.KindHousehold:
		next.HouseholdID = &row.id
	case registry.KindPerson:
		next.PersonID = &row.id
	default:
		next.GroupID = &row.id
	}
	d.Members, m.names = append(slices.Clone(d.Members), next), append(m.names, "members")
}
