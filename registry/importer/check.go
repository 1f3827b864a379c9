package importer

import (
	"encoding/json"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

// check reads every list once and finds all that is wrong, row by row and
// between rows. Nothing is proposed yet.
func (r *run) check() error {
	for i, l := range r.layouts {
		base := r.done
		if l.table.Roster != nil {
			if err := r.stageRosters(); err != nil {
				return err
			}
		}
		err := r.each(l, false, func(c *chunk) error {
			r.rows += c.n
			if err := r.checkChunk(uint8(i), l, c); err != nil {
				return err
			}
			return r.tick("check", base+c.read, r.rows)
		})
		if err != nil {
			return err
		}
		r.done += l.src.size
	}
	if r.rows == 0 {
		return fault.New(fault.Invalid, "import.error.nothing")
	}
	if err := r.checkBetween(); err != nil {
		return err
	}
	if err := r.checkGroupsBetween(); err != nil {
		return err
	}
	r.done = 0
	return nil
}

func (r *run) checkChunk(src uint8, l *layout, c *chunk) error {
	switch {
	case c.rosters != nil:
		return r.checkRosters(int(src), l, c)
	case c.homes != nil:
		return r.checkHomes(src, l, c)
	case c.groups != nil:
		return r.checkGroups(int(src), l, c)
	case c.members != nil:
		return r.checkMembers(int(src), l, c)
	}
	return r.checkPeople(src, l, c)
}

// at is a problem with a row of a chunk.
func (l *layout) at(c *chunk, i int, s slot, value, key string, args ...any) Problem {
	p := Problem{File: l.src.file, Sheet: l.src.sheet, Line: c.lines[i], Value: clip(value), Key: key, Args: fault.Pairs(args...)}
	if col := l.slots[s]; col != nil {
		p.Column = l.src.header[col.index]
	}
	return p
}

// wrong tells the problems of a row and reports whether it is left out.
func (r *run) wrong(list []Problem) bool {
	bad := false
	for _, p := range list {
		r.bad(p)
		bad = bad || !p.Notice
	}
	return bad
}

func (r *run) checkHomes(src uint8, l *layout, c *chunk) error {
	known, err := r.lookUpHomes(l, c)
	if err != nil {
		return err
	}
	if err := r.keepHeld("household", c, known, func(i int) []fieldValue { return c.homes[i].fields }); err != nil {
		return err
	}
	for i := range c.n {
		r.counts.Households++
		h := &c.homes[i]
		st := home{line: int32(c.lines[i]), size: int32(h.size), head: -1, payee: -1, src: src}
		found := c.found[i]
		if c.broken[i] {
			st.state, st.size = isBad, -1
			r.homes = append(r.homes, st)
			r.wrong(found)
			continue
		}
		add := func(s slot, value, key string, args ...any) {
			found = append(found, l.at(c, i, s, value, key, args...))
		}
		n := len(r.homes)
		if h.key != "" {
			if first, twice := r.homeKeys.put(n, h.key); twice {
				add(slotKey, h.key, "import.problem.home_twice", "Line", int(r.homes[first].line))
			}
			st.key = string([]byte(h.key)) // not the whole row
		}
		k := known[i]
		switch {
		case k.wrong != "":
			add(k.slot, k.value, k.wrong)
		case k.is:
			st.id, st.state = k.id, isKnown
			if first, twice := r.knownHomes[k.id]; twice {
				add(slotRef, h.ref, "import.problem.home_twice", "Line", int(r.homes[first].line))
			} else {
				r.knownHomes[k.id] = int32(n)
			}
		default:
			st.id = r.ids()
			if h.area == (db.ID{}) && h.areaCode == "" && len(found) == 0 {
				add(slotArea, "", "import.problem.area_missing")
			}
		}
		if h.areaCode != "" && r.places.within != nil {
			if id, ok := r.places.byCode[h.areaCode]; !ok || !r.places.mine(id) {
				found = append(found, Problem{File: l.src.file, Sheet: l.src.sheet, Line: c.lines[i], Value: h.areaCode, Key: "import.problem.area_scope"})
			}
		}
		if r.wrong(found) {
			st.state |= isBad
		} else if r.touch(k); h.area != (db.ID{}) {
			r.touched[h.area] = true
		}
		r.homes = append(r.homes, st)
	}
	return nil
}

func (r *run) checkPeople(src uint8, l *layout, c *chunk) error {
	if err := r.findHomes(l, c); err != nil {
		return err
	}
	known, err := r.lookUpPeople(l, c)
	if err != nil {
		return err
	}
	if err := r.keepHeld("person", c, known, func(i int) []fieldValue { return c.people[i].fields }); err != nil {
		return err
	}
	for i := range c.n {
		r.counts.People++
		n := len(r.people)
		st := member{home: -1, line: int32(c.lines[i]), src: src}
		found := c.found[i]
		if c.broken[i] {
			st.state = isBad
			r.people = append(r.people, st)
			r.wrong(found)
			continue
		}
		p := &c.people[i]
		add := func(s slot, value, key string, args ...any) {
			found = append(found, l.at(c, i, s, value, key, args...))
		}
		k := known[i]
		switch {
		case k.wrong != "":
			add(k.slot, k.value, k.wrong)
		case k.is:
			st.id, st.state = k.id, isKnown
			if first, twice := r.knownPeople[k.id]; twice {
				add(k.slot, k.value, "import.problem.person_twice_line", "Line", int(r.people[first].line))
			} else {
				r.knownPeople[k.id] = int32(n)
			}
		default:
			st.id = r.ids()
		}
		found = r.checkHome(l, c, i, p, k, &st, found)
		if p.key != "" {
			if first, twice := r.personKeys.put(n, p.household, p.key); twice {
				add(slotKey, p.key, "import.problem.person_twice", "Line", int(r.people[first].line))
			}
		}
		found = r.checkTwice(l, c, i, n, st, found)
		for _, whom := range p.caresFor {
			if whom == p.key {
				add(slotCaresFor, whom, "import.problem.cares_self")
			}
		}
		if r.wrong(found) {
			st.state |= isBad
			if st.home >= 0 {
				r.homes[st.home].state |= lacks
			}
			r.people = append(r.people, st)
			continue
		}
		if r.touch(k); !k.is && st.home < 0 {
			r.homeless = true
		}
		if st.state&lives != 0 {
			r.homes[st.home].people++
		}
		if st.state&isHead != 0 {
			r.homes[st.home].head = int32(n)
		}
		if st.home >= 0 && p.receives() {
			r.homes[st.home].payee = int32(n)
		}
		for _, whom := range p.caresFor {
			r.carers = append(r.carers, care{member: int32(n), value: string([]byte(whom)), home: string([]byte(p.household))})
		}
		r.people = append(r.people, st)
	}
	return nil
}

// keepHeld tells of answers that nobody could give any more, but where the record
// holds them already.
func (r *run) keepHeld(table string, c *chunk, known map[int]found, fields func(int) []fieldValue) error {
	var ids []string
	rows := map[int][]*held{}
	for i := range c.n {
		if c.broken[i] {
			continue
		}
		for _, f := range fields(i) {
			if f.held != nil {
				rows[i] = append(rows[i], f.held)
			}
		}
		if rows[i] != nil && known[i].is {
			ids = append(ids, known[i].id.String())
		}
	}
	if len(rows) == 0 {
		return nil
	}
	var list []struct {
		ID     db.ID           `db:"id"`
		Fields registry.Values `db:"fields"`
	}
	if err := r.tx.Select(&list, sprintf(`select id, fields from %s where id = any($1::uuid[])`, table), ids); err != nil {
		return err
	}
	holds := map[db.ID]registry.Values{}
	for _, one := range list {
		holds[one.ID] = one.Fields
	}
	for i, list := range rows {
		for _, h := range list {
			if !known[i].is || !h.field.Holds(holds[known[i].id][h.field.Code], h.given) {
				c.found[i] = append(c.found[i], h.why)
			}
		}
	}
	return nil
}

// checkTwice tells of rows that may be about one person: with the same number, or
// where there is none with the same name, day of birth and key in another
// household. Nobody is left out for it: the office finds out (RULES R14). But a key
// that is more than a number within the household, with the same name, is one
// person, who usually lives in one household.
func (r *run) checkTwice(l *layout, c *chunk, i, n int, st member, list []Problem) []Problem {
	p := &c.people[i]
	notice := func(value, key string, parts ...string) {
		if first, twice := r.alike.put(n, parts...); twice {
			list = append(list, Problem{File: l.src.file, Sheet: l.src.sheet, Line: c.lines[i], Value: clip(value), Key: key,
				Args: fault.Pairs("Line", int(r.people[first].line)), Notice: true})
		}
	}
	for _, d := range p.numbers {
		notice(d.Value, "import.notice.number_twice", d.Type, d.Issuer, d.Value)
	}
	name, born := p.fullName+p.latin, ""
	if p.birth.Known() {
		born = p.birth.From.Format(time.DateOnly)
	}
	long := len(p.key) > len("999")
	if name == "" || p.key == "" || !long && (len(p.numbers) > 0 || born == "") {
		return list
	}
	first, twice := r.alike.put(n, "", p.key, name, born)
	switch {
	case !twice:
	case long && st.state&r.people[first].state&lives != 0 && r.people[first].home != st.home:
		list = append(list, l.at(c, i, slotKey, p.key, "import.problem.two_homes", "Line", int(r.people[first].line)))
	case len(p.numbers) == 0 && born != "":
		p := l.at(c, i, slotKey, p.key, "import.notice.alike", "Line", int(r.people[first].line))
		p.Column, p.Notice = "", true
		list = append(list, p)
	}
	return list
}

// touch notes where a known record is.
func (r *run) touch(f found) {
	if f.is && f.area != nil {
		r.touched[*f.area] = true
	} else if f.is {
		r.homeless = true
	}
}

// checkHome finds what is wrong with a person's place in a household.
func (r *run) checkHome(l *layout, c *chunk, i int, p *personRow, k found, st *member, list []Problem) []Problem {
	add := func(s slot, value, key string, args ...any) { list = append(list, l.at(c, i, s, value, key, args...)) }
	if p.household == "" {
		if l.slots[slotHousehold] != nil && r.m.List != "" && !k.is {
			add(slotHousehold, "", "import.problem.no_household")
		} else if !k.is && !r.places.whole {
			add(slotHousehold, "", "import.problem.homeless_scope")
		}
		return list
	}
	n, ok := r.homeKeys.get(p.household)
	if !ok {
		add(slotHousehold, p.household, "import.problem.no_household")
		return list
	}
	st.home = int32(n)
	h := &r.homes[n]
	usual := p.tie == "" && p.until == ""
	switch {
	case h.state&isBad != 0:
		add(slotHousehold, p.household, "import.problem.home_rejected")
	case p.relationship == "" && !(k.is && h.state&isKnown != 0 && k.home != nil && *k.home == h.id):
		if len(list) == 0 {
			add(slotRelationship, "", "import.problem.relationship")
		}
	case p.relationship == registry.RelationshipHead && usual && h.head >= 0:
		add(slotRelationship, cellOf(l, p.relationship), "import.problem.two_heads")
	}
	if c := l.slots[slotRoles]; c != nil && p.until == "" && p.birth.Known() && p.birth.From.After(r.today().AddDate(-registry.Majority, 0, 0)) {
		for _, role := range []string{registry.RolePayee, registry.RoleAlternatePayee} {
			if slices.Contains(p.roles, role) {
				add(slotRoles, cellOfRole(l, role), "import.problem.payee_age")
				break
			}
		}
	}
	if p.receives() && h.payee >= 0 {
		add(slotRoles, cellOfRole(l, registry.RolePayee), "import.problem.two_payees", "Line", int(r.people[h.payee].line))
	}
	if usual {
		st.state |= lives
	}
	if p.relationship == registry.RelationshipHead && usual {
		st.state |= isHead
	}
	return list
}

// receives reports whether the person is to receive what the household gets.
func (p *personRow) receives() bool {
	return p.until == "" && slices.Contains(p.roles, registry.RolePayee)
}

// cellOfRole is what the file says for a role.
func cellOfRole(l *layout, role string) string {
	if c := l.slots[slotRoles]; c != nil {
		for cell, to := range c.codes {
			if to == role {
				return cell
			}
		}
	}
	return role
}

// cellOf is what the file says for a relationship.
func cellOf(l *layout, code string) string {
	if c := l.slots[slotRelationship]; c != nil {
		for cell, to := range c.codes {
			if to == code {
				return cell
			}
		}
	}
	return code
}

// checkBetween finds what only all rows together show.
func (r *run) checkBetween() error {
	for again := true; again; { // whoever is left out may be cared for by others
		again = false
		for _, c := range r.carers {
			m := &r.people[c.member]
			if m.state&isBad != 0 || r.caredFor(c) {
				continue
			}
			r.leaveOut(c.member, slotCaresFor, c.value, "import.problem.cares_nobody")
			again = true
		}
		again = r.wholeHomes() || again
	}
	if err := r.checkHeads(); err != nil {
		return err
	}
	if err := r.checkPayees(); err != nil {
		return err
	}
	for n := range r.homes {
		h := &r.homes[n]
		if h.state&(isBad|isOutside) != 0 {
			continue
		}
		l := r.layouts[h.src]
		late := func(s slot, value, key string, args ...any) {
			p := Problem{File: l.src.file, Sheet: l.src.sheet, Line: int(h.line), Value: clip(value), Key: key, Args: fault.Pairs(args...)}
			if col := l.slots[s]; col != nil {
				p.Column = l.src.header[col.index]
			}
			r.bad(p)
		}
		switch {
		case h.people == 0 && h.state&isKnown == 0:
			late(slotKey, h.key, "import.problem.nobody")
			h.state |= isBad
		case h.size >= 0 && h.people != h.size && h.state&lacks == 0:
			late(slotSize, itoa(h.size), "import.problem.size_differs", "Count", h.people)
		}
	}
	return nil
}

// wholeHomes leaves out new households of which somebody is left out, with
// everybody in them: who counts in a household decides what it may get. True when
// there were any.
func (r *run) wholeHomes() bool {
	again := false
	for n := range r.homes {
		h := &r.homes[n]
		if h.state&(isBad|isOutside|isKnown) != 0 || h.state&lacks == 0 {
			continue
		}
		l := r.layouts[h.src]
		p := Problem{File: l.src.file, Sheet: l.src.sheet, Line: int(h.line), Value: clip(h.key), Key: "import.problem.home_lacks"}
		if col := l.slots[slotKey]; col != nil {
			p.Column = l.src.header[col.index]
		}
		r.bad(p)
		h.state |= isBad
		again = true
	}
	if !again {
		return false
	}
	for n, m := range r.people {
		if m.state&isBad == 0 && m.home >= 0 && r.homes[m.home].state&isBad != 0 {
			r.leaveOut(int32(n), slotHousehold, r.homes[m.home].key, "import.problem.home_rejected")
		}
	}
	return true
}

// caredFor reports whether a carer's person is in the files, or somebody whom
// the registry knows.
func (r *run) caredFor(c care) bool {
	if ref, ok := registry.ParseRef(registry.RefPerson, c.value); ok {
		var there bool
		err := r.tx.Get(&there, `select exists (select from person where ref = $1 and status = 'active')`, ref)
		return err == nil && there
	}
	n, ok := r.personKeys.get(c.home, c.value)
	return ok && r.people[n].state&isBad == 0
}

// leaveOut leaves a person out who had seemed right.
func (r *run) leaveOut(n int32, s slot, value, key string) {
	m := &r.people[n]
	l := r.layouts[m.src]
	p := Problem{File: l.src.file, Sheet: l.src.sheet, Line: int(m.line), Value: clip(value), Key: key}
	if col := l.slots[s]; col != nil {
		p.Column = l.src.header[col.index]
	}
	r.bad(p)
	if m.state |= isBad; m.home < 0 {
		return
	}
	h := &r.homes[m.home]
	h.state |= lacks
	if m.state&lives != 0 {
		h.people--
	}
	if h.head == n {
		h.head = -1
	}
	if h.payee == n {
		h.payee = -1
	}
}

// checkHeads finds heads of households that have another in the registry, one
// who stays.
func (r *run) checkHeads() error {
	var ids []db.ID
	for _, h := range r.homes {
		if h.state&isKnown != 0 && h.state&isBad == 0 && h.head >= 0 {
			ids = append(ids, h.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var heads []struct {
		Household db.ID `db:"household_id"`
		Person    db.ID `db:"person_id"`
	}
	if err := r.tx.Select(&heads, `
		select household_id, person_id from membership
		where household_id = any($1::uuid[]) and relationship = 'head' and end_date is null`, registry.Texts(ids)); err != nil {
		return err
	}
	for _, head := range heads {
		h := r.homes[r.knownHomes[head.Household]]
		mine := r.people[h.head]
		if mine.id == head.Person {
			continue
		}
		if n, ok := r.knownPeople[head.Person]; ok && r.people[n].state&(isBad|isHead) == 0 && r.people[n].home >= 0 {
			continue // the file says what became of the other
		}
		r.leaveOut(h.head, slotRelationship, cellOf(r.layouts[mine.src], registry.RelationshipHead), "import.problem.two_heads")
	}
	return nil
}

// checkPayees finds payees of households that have another in the registry, one
// who goes on.
func (r *run) checkPayees() error {
	var ids []db.ID
	for _, h := range r.homes {
		if h.state&isKnown != 0 && h.state&isBad == 0 && h.payee >= 0 {
			ids = append(ids, h.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var payees []struct {
		Household db.ID `db:"household_id"`
		Person    db.ID `db:"person_id"`
	}
	if err := r.tx.Select(&payees, `
		select household_id, person_id from membership_role
		where household_id = any($1::uuid[]) and role = 'payee' and end_date is null`, registry.Texts(ids)); err != nil {
		return err
	}
	for _, payee := range payees {
		at := r.knownHomes[payee.Household]
		h := r.homes[at]
		if h.payee < 0 || r.people[h.payee].id == payee.Person {
			continue
		}
		if n, ok := r.knownPeople[payee.Person]; ok {
			// The file says what became of the other: gone, or a payee no longer.
			if other := r.people[n]; other.state&isBad == 0 && other.home >= 0 && (other.home != at || other.state&lives == 0 || r.m.clears()) {
				continue
			}
		}
		mine := r.people[h.payee]
		r.leaveOut(h.payee, slotRoles, cellOfRole(r.layouts[mine.src], registry.RolePayee), "import.problem.payee_known")
	}
	return nil
}

// stageRosters makes room for the rows of rosters, once.
func (r *run) stageRosters() error {
	return r.tx.Exec(`
		create temporary table if not exists import_roster (subject text not null, owner integer not null, roster text not null, seq integer not null, id text not null, data jsonb not null)
		on commit drop`)
}

func (r *run) checkRosters(src int, l *layout, c *chunk) error {
	if l.table.Subject == registry.KindHousehold {
		if err := r.findOwners(c); err != nil {
			return err
		}
	}
	var rows [][]any
	if r.badRows[src] == nil {
		r.badRows[src] = map[int32]bool{}
	}
	for i := range c.n {
		r.counts.Rosters++
		found := c.found[i]
		if c.broken[i] {
			r.wrong(found)
			r.badRows[src][int32(c.lines[i])] = true
			continue
		}
		row := &c.rosters[i]
		owner, ok := r.owner(l, row.owner)
		switch {
		case !ok && row.owner != "":
			found = append(found, l.at(c, i, l.ownerSlot(), row.owner, "import.problem.no_owner"))
		case ok && owner.state()&isBad != 0:
			found = append(found, l.at(c, i, l.ownerSlot(), row.owner, "import.problem.owner_rejected"))
		case ok:
			n := [2]int32{int32(src), int32(owner.n)}
			if r.rosterRows[n]++; r.rosterRows[n] > registry.MaxRows {
				found = append(found, l.at(c, i, l.ownerSlot(), row.owner, "import.problem.rows_many", "Max", registry.MaxRows))
			}
		}
		if r.wrong(found) {
			r.badRows[src][int32(c.lines[i])] = true
			continue
		}
		owner.mark(hasRows)
		data, err := json.Marshal(valuesOf(row.fields))
		if err != nil {
			return err
		}
		rows = append(rows, []any{l.table.Subject, int32(owner.n), l.table.Roster.Code, int32(r.counts.Rosters), row.id, data})
	}
	return r.copyRows("import_roster", []string{"subject", "owner", "roster", "seq", "id", "data"}, rows)
}

func (l *layout) ownerSlot() slot {
	if l.table.Subject == registry.KindPerson {
		return slotPerson
	}
	return slotHousehold
}

// owner is the household or person that a roster's row belongs to.
type owner struct {
	r      *run
	person bool
	n      int
}

func (o owner) state() uint8 {
	if o.person {
		return o.r.people[o.n].state
	}
	return o.r.homes[o.n].state
}

func (o owner) mark(flag uint8) {
	if o.person {
		o.r.people[o.n].state |= flag
	} else {
		o.r.homes[o.n].state |= flag
	}
}

func (r *run) owner(l *layout, key string) (owner, bool) {
	if l.table.Subject == registry.KindPerson {
		n, ok := r.personKeys.get("", key)
		return owner{r, true, n}, ok
	}
	n, ok := r.homeKeys.get(key)
	return owner{r, false, n}, ok
}

func valuesOf(list []fieldValue) registry.Values {
	v := registry.Values{}
	for _, f := range list {
		if f.value != nil {
			v[f.key] = f.value
		}
	}
	return v
}
