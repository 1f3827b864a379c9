package importer

import (
	"database/sql"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/registry"
)

// found is the record that a row is about.
type found struct {
	is    bool
	id    db.ID
	home  *db.ID // where the person usually lives
	area  *db.ID // where the record is
	wrong string // why it cannot be the one
	slot  slot   // that it was found by, or not
	value string
}

// match is a record with a reference or number of a row.
type match struct {
	Row    int          `db:"row"`
	Type   string       `db:"type"` // of the number; "" for a reference
	ID     db.ID        `db:"id"`
	Status string       `db:"status"`
	Sex    string       `db:"sex"`
	From   sql.NullTime `db:"birth_from"`
	To     sql.NullTime `db:"birth_to"`
	Home   *db.ID       `db:"home"`
	Area   *db.ID       `db:"area_id"`
}

// look is what rows are looked up by.
type look struct {
	rows   []int32
	types  []string
	values []string
}

func (k *look) add(row int, kind, value string) {
	k.rows, k.types, k.values = append(k.rows, int32(row)), append(k.types, kind), append(k.values, value)
}

const (
	matchPeople = `
		select n.row, n.type, p.id, p.status, p.sex, p.birth_from, p.birth_to, h.id as home, h.area_id
		from (%s) n join person p on p.id = n.id
		left join lateral (select m.household_id from membership m where m.person_id = p.id
			order by m.tie <> 'usual', m.end_date desc nulls first, m.start_date desc nulls last, m.id limit 1) m on true
		left join household h on h.id = m.household_id
		where p.status <> 'error'`
	matchHomes = `
		select n.row, n.type, h.id, h.status, '' as sex, null::date as birth_from, null::date as birth_to, null::uuid as home, h.area_id
		from (%s) n join household h on h.id = n.id
		where h.status = 'active' or n.type = ''`
	matchGroups = `
		select n.row, n.type, g.id, g.status, '' as sex, null::date as birth_from, null::date as birth_to, null::uuid as home, g.area_id
		from (%s) n join group_record g on g.id = n.id
		where g.status = 'active' or n.type = ''`
	byRef    = `select k.row, '' as type, x.id from unnest($1::int[], $2::text[]) k (row, ref) join %s x on x.ref = k.ref`
	byNumber = `
		select k.row, k.type, i.subject_id as id from unnest($1::int[], $2::text[], $3::text[]) k (row, type, value)
		join identifier i on i.value = k.value and i.type = k.type and i.status <> 'ended' and i.subject_kind = '%s'`
	byAnyNumber = `
		select k.row, i.type, i.subject_id as id from unnest($1::int[], $2::text[]) k (row, value)
		join identifier i on i.value = k.value and i.status <> 'ended' and i.subject_kind = '%s'`
)

// matches looks rows up: by reference, then by numbers.
func (r *run) matches(kind string, refs, numbers look, into map[int][]match) error {
	query, table := matchPeople, "person"
	switch kind {
	case registry.KindHousehold:
		query, table = matchHomes, "household"
	case registry.KindGroup:
		query, table = matchGroups, "group_record"
	}
	get := func(inner string, args ...any) error {
		var list []match
		if err := r.tx.Select(&list, sprintf(query, inner), args...); err != nil {
			return err
		}
		for _, m := range list {
			into[m.Row] = append(into[m.Row], m)
		}
		return nil
	}
	if len(refs.rows) > 0 {
		if err := get(sprintf(byRef, table), refs.rows, refs.values); err != nil {
			return err
		}
	}
	if len(numbers.rows) > 0 && numbers.types == nil { // of any type
		return get(sprintf(byAnyNumber, kind), numbers.rows, numbers.values)
	}
	if len(numbers.rows) > 0 {
		return get(sprintf(byNumber, kind), numbers.rows, numbers.types, numbers.values)
	}
	return nil
}

// anybody reports whether anybody has a number of a kind; asked once.
func (r *run) anybody(kind string) (bool, error) {
	there, asked := r.present[kind]
	if asked {
		return there, nil
	}
	err := r.tx.Get(&there, `select exists (select from identifier where type = $1)`, kind)
	r.present[kind] = there
	return there, err
}

// lookNumber adds a number where it could find anybody.
func (r *run) lookNumber(k *look, row int, kind, value string) error {
	if kind == "" || value == "" {
		return nil
	}
	there, err := r.anybody(kind)
	if there {
		k.add(row, kind, value)
	}
	return err
}

// personKey is the number that a list's person has.
func personKey(p *personRow) string {
	if p.household == "" {
		return p.key
	}
	return p.household + "/" + p.key
}

func (r *run) lookUpHomes(l *layout, c *chunk) (map[int]found, error) {
	var refs, numbers look
	list := r.m.numberType(registry.KindHousehold)
	for i := range c.n {
		if c.broken[i] {
			continue
		}
		h := &c.homes[i]
		if h.ref != "" {
			refs.add(i, "", h.ref)
		}
		if h.key != "" {
			if err := r.lookNumber(&numbers, i, list, h.key); err != nil {
				return nil, err
			}
		}
		if err := r.lookAll(&numbers, i, h.numbers); err != nil {
			return nil, err
		}
	}
	by := map[int][]match{}
	if err := r.matches(registry.KindHousehold, refs, numbers, by); err != nil {
		return nil, err
	}
	out := map[int]found{}
	for i := range c.n {
		if h := &c.homes[i]; !c.broken[i] && (h.ref != "" || by[i] != nil) {
			out[i] = r.decide(by[i], h.ref, list, nil)
		}
	}
	return out, nil
}

func (r *run) lookAll(k *look, row int, numbers []registry.IdentifierData) error {
	if r.m.Match == "new" {
		return nil
	}
	for _, n := range numbers {
		if err := r.lookNumber(k, row, n.Type, n.Value); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) lookUpPeople(l *layout, c *chunk) (map[int]found, error) {
	var refs, numbers look
	list := r.m.numberType(registry.KindPerson)
	for i := range c.n {
		if c.broken[i] {
			continue
		}
		p := &c.people[i]
		if p.ref != "" {
			refs.add(i, "", p.ref)
		}
		if p.key != "" && list != "" {
			if err := r.lookNumber(&numbers, i, list, personKey(p)); err != nil {
				return nil, err
			}
		}
		if err := r.lookAll(&numbers, i, p.numbers); err != nil {
			return nil, err
		}
	}
	by := map[int][]match{}
	if err := r.matches(registry.KindPerson, refs, numbers, by); err != nil {
		return nil, err
	}
	out := map[int]found{}
	for i := range c.n {
		if p := &c.people[i]; !c.broken[i] && (p.ref != "" || by[i] != nil) {
			out[i] = r.decide(by[i], p.ref, list, p)
		}
	}
	return out, nil
}

// decide says which of the records that match a row it is about. A reference
// counts before the list's own key, and that before numbers of issuers. What is
// not the officer's business is not there.
func (r *run) decide(list []match, ref, own string, p *personRow) found {
	var byRef, byKey, byNumber []match
	for _, m := range list {
		if m.Area != nil && !r.places.mine(*m.Area) || m.Area == nil && !r.places.whole {
			continue
		}
		switch m.Type {
		case "":
			byRef = append(byRef, m)
		case own:
			byKey = append(byKey, m)
		default:
			byNumber = append(byNumber, m)
		}
	}
	switch {
	case ref != "" && len(byRef) == 0:
		return found{wrong: "import.problem.no_record", slot: slotRef, value: ref}
	case ref != "":
		return one(byRef[:1], slotRef, ref)
	case len(byKey) > 0:
		return one(byKey, slotKey, "")
	case len(byNumber) == 0:
		return found{}
	}
	f := one(byNumber, slotNone, "")
	if p != nil && f.is && !f.like(byNumber[0], p) {
		f.wrong = "import.problem.other_person"
	}
	return f
}

func one(list []match, s slot, value string) found {
	m := list[0]
	f := found{is: true, id: m.ID, home: m.Home, area: m.Area, slot: s, value: value}
	for _, other := range list[1:] {
		if other.ID != m.ID {
			f.wrong = "import.problem.several"
		}
	}
	if m.Status != registry.Active {
		f.wrong = "import.problem.ended"
	}
	return f
}

// like reports whether a row can be about the person who has its number: nothing
// that both know speaks against it.
func (f found) like(m match, p *personRow) bool {
	if m.Sex != registry.Unknown && m.Sex != "" && p.sex != "" && p.sex != registry.Unknown && m.Sex != p.sex {
		return false
	}
	return !m.From.Valid || !p.birth.Known() || !p.birth.To.Before(m.From.Time) && !p.birth.From.After(m.To.Time)
}

// findHomes finds the households that people name and no file lists.
func (r *run) findHomes(l *layout, c *chunk) error {
	var names []string
	for i := range c.n {
		if p := &c.people[i]; !c.broken[i] && p.household != "" {
			names = append(names, p.household)
		}
	}
	return r.findOutside(names)
}

func (r *run) findOwners(c *chunk) error {
	var names []string
	for i := range c.n {
		if !c.broken[i] && c.rosters[i].owner != "" {
			names = append(names, c.rosters[i].owner)
		}
	}
	return r.findOutside(names)
}

// findOutside looks for households by a reference or by the list's key.
func (r *run) findOutside(names []string) error {
	var refs, numbers look
	asked := map[string]bool{}
	var rows []string
	for _, name := range names {
		if _, ok := r.homeKeys.get(name); ok || asked[name] {
			continue
		}
		asked[name] = true
		if ref, ok := registry.ParseRef(registry.RefHousehold, name); ok {
			refs.add(len(rows), "", ref)
		} else if err := r.lookNumber(&numbers, len(rows), r.m.numberType(registry.KindHousehold), name); err != nil {
			return err
		}
		rows = append(rows, name)
	}
	by := map[int][]match{}
	if err := r.matches(registry.KindHousehold, refs, numbers, by); err != nil {
		return err
	}
	for i, name := range rows {
		ref := ""
		if len(by[i]) > 0 && by[i][0].Type == "" {
			ref = name
		}
		f := r.decide(by[i], ref, r.m.numberType(registry.KindHousehold), nil)
		if !f.is || f.wrong != "" {
			continue
		}
		if n, ok := r.knownHomes[f.id]; ok { // a file lists it, by another name
			r.homeKeys.put(int(n), name)
			continue
		}
		r.touch(f)
		r.knownHomes[f.id] = int32(len(r.homes))
		r.homeKeys.put(len(r.homes), name)
		r.homes = append(r.homes, home{id: f.id, key: string([]byte(name)), size: -1, head: -1, payee: -1, state: isKnown | isOutside})
	}
	return nil
}

// copyRows writes rows into a table.
func (r *run) copyRows(table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := r.tx.CopyFrom(table, columns, pgx.CopyFromRows(rows))
	return err
}

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// sprintf puts constant texts of this file together.
func sprintf(format, inner string) string {
	return strings.Replace(format, "%s", inner, 1)
}
