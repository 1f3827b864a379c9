package dedup

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/names"
)

// inMemory is how many staged people are compared with each other one by one;
// more are looked up in a table.
const inMemory = 300

// batch is how many households are looked at together.
const batch = 200

// OfChange finds whom the people of a change that is not applied yet may be: in
// the registry, and among each other. pairs are the strongest, at most limit of
// them, A being somebody of the change; total is how many there are. It needs a
// transaction that may write, for a table of its own where people are many.
func OfChange(tx db.Tx, change db.ID, limit int) (pairs []Pair, total int, err error) {
	e, err := newEngine(tx)
	if err != nil {
		return nil, 0, err
	}
	e.change = change
	var people int
	if err := tx.Get(&people, `select count(*) from change_item where change_id = $1 and kind = 'person'`, change); err != nil {
		return nil, 0, err
	}
	if e.table = people > inMemory; e.table {
		if err := e.fillTable(); err != nil {
			return nil, 0, err
		}
		defer func() {
			if err == nil {
				err = tx.Exec(`drop table dedup_staged`)
			}
		}()
	} else if err := e.fillMemory(); err != nil {
		return nil, 0, err
	}
	list, total, err := e.ofStaged(limit)
	if err != nil {
		return nil, 0, err
	}
	pairs, err = e.described(list)
	return pairs, total, err
}

// read makes what is compared of an item.
func (e *engine) read(person db.ID, raw []byte) (*Record, error) {
	var d registry.PersonData
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, err
	}
	r := &Record{Person: person, Sex: d.Sex, said: d.Fields, staged: true}
	if r.Sex == "" {
		r.Sex = registry.Unknown
	}
	r.own, r.latin = e.lex.name(names.Words(d.FullName + " " + d.FullNameLatin))
	from, errFrom := time.Parse(time.DateOnly, d.BirthFrom)
	to, errTo := time.Parse(time.DateOnly, d.BirthTo)
	if errFrom == nil && errTo == nil {
		r.Birth = registry.BirthDate{From: from, To: to}
	}
	for _, m := range d.Memberships {
		if m.Usual() && m.EndDate == "" {
			r.Household = m.HouseholdID
		}
	}
	for _, n := range d.Identifiers {
		if n.Status != "ended" {
			r.Numbers = append(r.Numbers, Number{n.Type, n.Issuer, n.Value})
		}
	}
	for _, c := range d.Contacts {
		if c.Kind == registry.ContactPhone && !c.Protected {
			r.Phones = append(r.Phones, Phone{Value: c.Value})
		}
	}
	return r, nil
}

// place says where the people live: in a household of the change, or of the
// registry.
func (e *engine) place(records []*Record) error {
	homes := map[db.ID]db.ID{}
	for _, r := range records {
		homes[r.Household] = db.ID{}
	}
	ids := make([]db.ID, 0, len(homes))
	for id := range homes {
		ids = append(ids, id)
	}
	if err := e.tx.Each(func(row db.Row) error {
		var id, area db.ID
		err := row.Scan((*[16]byte)(&id), (*[16]byte)(&area))
		homes[id] = area
		return err
	}, `
		select h.id, h.area_id from household h where h.id = any($1::uuid[])
		union all
		select i.subject_id, (i.data->>'area_id')::uuid from change_item i
		where i.change_id = $2 and i.kind = 'household' and i.subject_id = any($1::uuid[])`, registry.Texts(ids), e.change); err != nil {
		return err
	}
	for _, r := range records {
		r.Area = homes[r.Household]
	}
	return nil
}

// fillMemory reads all people of a small change.
func (e *engine) fillMemory() error {
	e.staged = map[db.ID]*Record{}
	list, err := e.items(`select subject_id, data from change_item where change_id = $1 and kind = 'person'`, e.change)
	for _, r := range list {
		e.staged[r.Person] = r
	}
	return err
}

// items reads people of the change with all that is compared.
func (e *engine) items(query string, args ...any) ([]*Record, error) {
	var list []*Record
	err := e.tx.Each(func(row db.Row) error {
		var id db.ID
		var raw []byte
		if err := row.Scan((*[16]byte)(&id), &raw); err != nil {
			return err
		}
		r, err := e.read(id, raw)
		list = append(list, r)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	if err := e.place(list); err != nil {
		return nil, err
	}
	for _, r := range list {
		if r.Answers, err = e.answers(r.said); err != nil {
			return nil, err
		}
	}
	return list, e.prepare(list)
}

// fillTable makes the table in which the people of a large change are looked up.
func (e *engine) fillTable() error {
	if err := e.tx.Exec(`
		create temporary table dedup_staged (like dedup_record, seq integer not null, numbers text[] collate "C") on commit drop`); err != nil {
		return err
	}
	for after := 0; ; {
		n, err := e.stage(&after)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		e.forget()
	}
	for _, statement := range []string{
		`create index on dedup_staged (household_id, person_id)`, `alter table dedup_staged add primary key (person_id)`,
		`create index on dedup_staged using gin (keys)`, `create index on dedup_staged using gin (numbers)`, `analyze dedup_staged`,
	} {
		if err := e.tx.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// stage puts the next people of the change into the table.
func (e *engine) stage(after *int) (n int, err error) {
	var list []*Record
	var seqs []int
	if err := e.tx.Each(func(row db.Row) error {
		var id db.ID
		var raw []byte
		var seq int
		if err := row.Scan(&seq, (*[16]byte)(&id), &raw); err != nil {
			return err
		}
		r, err := e.read(id, raw)
		list, seqs, *after = append(list, r), append(seqs, seq), seq
		return err
	}, `select seq, subject_id, data from change_item where change_id = $1 and kind = 'person' and seq > $2 order by seq limit 2000`,
		e.change, *after); err != nil || len(list) == 0 {
		return 0, err
	}
	if err := e.place(list); err != nil {
		return 0, err
	}
	var people, homes, areas, sexes, sounds, words, numbers []string
	var from, to []*time.Time
	for _, r := range list {
		people, homes, areas, sexes = append(people, r.Person.String()), append(homes, r.Household.String()), append(areas, r.Area.String()), append(sexes, r.Sex)
		sounds, words, numbers = append(sounds, r.sounds()), append(words, r.folded()), append(numbers, r.numbered())
		first, last := r.born()
		from, to = append(from, first), append(to, last)
	}
	return len(list), e.tx.Exec(`
		insert into dedup_staged (person_id, household_id, area_id, sex, birth_from, birth_to, words, keys, seq, numbers)
		select x.person, nullif(x.home, $11), nullif(x.area, $11), x.sex, x.first, x.last, string_to_array(x.words, ' '),
		       dedup_keys(string_to_array(x.sounds, ' '), x.first, x.last, false), x.seq, string_to_array(x.numbers, E'\n')
		from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::date[], $6::date[], $7::text[], $8::text[], $9::int[], $10::text[])
		     x (person, home, area, sex, first, last, words, sounds, seq, numbers)`,
		people, homes, areas, sexes, from, to, words, sounds, seqs, numbers, db.ID{})
}

// folded is the name as dedup_record has it, with spaces between.
func (r *Record) folded() string {
	var list []string
	for _, part := range [2][]*word{r.own, r.latin} {
		for _, w := range part {
			list = append(list, w.text)
		}
	}
	return strings.Join(list, " ")
}

// numbered is what a record can be found by apart from its keys, one to a line.
func (r *Record) numbered() string {
	var list []string
	for _, n := range r.Numbers {
		list = append(list, concat(n.Type, n.Issuer, n.Value))
	}
	for _, p := range r.Phones {
		list = append(list, p.Value)
	}
	return strings.Join(list, "\n")
}

// concat is PostgreSQL's concat_ws(' ', …).
func concat(parts ...string) string { return strings.Join(parts, " ") }

// stagedIn reads the people of households of the table, and some without one.
func (e *engine) stagedIn(households, people []string) ([]*Record, error) {
	return e.items(`
		select i.subject_id, i.data from dedup_staged d join change_item i on i.change_id = $1 and i.seq = d.seq
		where d.household_id = any($2::uuid[]) or d.person_id = any($3::uuid[])`, e.change, households, people)
}

// ofStaged looks for the people of the change, household by household, and keeps
// the strongest.
func (e *engine) ofStaged(limit int) (list []match, total int, err error) {
	keep := func(found []match) {
		found = proposed(found, e.needed())
		total += len(found)
		list = append(list, found...)
		slices.SortStableFunc(list, strongest)
		list = slices.Clone(list[:min(limit, len(list))])
	}
	staged := func(r *Record) bool { return r.staged }
	if !e.table {
		var homes []*home
		for _, r := range e.staged {
			if h := e.settle(r); len(h.people) == 1 {
				homes = append(homes, h)
			}
		}
		if err := e.fillHomes(homes); err != nil {
			return nil, 0, err
		}
		found, err := e.find(homes, staged)
		keep(found)
		return list, total, err
	}
	for after := (db.ID{}); ; {
		homes, err := e.nextHomes(&after)
		if err != nil || len(homes) == 0 {
			return list, total, err
		}
		found, err := e.find(homes, staged)
		if err != nil {
			return nil, 0, err
		}
		keep(found)
		e.before = after
		e.forget()
	}
}

// fillHomes adds those who live in homes of the registry that people of the
// change come into.
func (e *engine) fillHomes(homes []*home) error {
	var ids []string
	for _, h := range homes {
		ids = append(ids, h.household.String())
	}
	there, err := e.registered(ids, nil)
	if err != nil {
		return err
	}
	for _, r := range there {
		e.settle(r)
	}
	return e.weigh(there)
}

// nextHomes reads the next households of the table.
func (e *engine) nextHomes(after *db.ID) ([]*home, error) {
	var ids []db.ID
	if err := e.tx.Select(&ids, `
		select home from (select distinct coalesce(household_id, person_id) as home from dedup_staged) h
		where home > $1 order by home limit $2`, *after, batch); err != nil || len(ids) == 0 {
		return nil, err
	}
	*after = ids[len(ids)-1]
	people, err := e.stagedIn(registry.Texts(ids), registry.Texts(ids))
	if err != nil {
		return nil, err
	}
	var homes []*home
	for _, r := range people {
		if h := e.settle(r); len(h.people) == 1 {
			homes = append(homes, h)
		}
	}
	return homes, e.fillHomes(homes)
}

// described adds how people are shown.
func (e *engine) described(list []match) ([]Pair, error) {
	var known []db.ID
	for _, m := range list {
		for _, r := range [2]*Record{m.a, m.b} {
			if !r.staged {
				known = append(known, r.Person)
			}
		}
	}
	found, err := sides(e.tx, known)
	if err != nil {
		return nil, err
	}
	if err := e.newSides(list, found); err != nil {
		return nil, err
	}
	pairs := make([]Pair, len(list))
	for i, m := range list {
		if !m.a.staged {
			m.a, m.b = m.b, m.a
		}
		pairs[i] = Pair{A: found[m.a.Person], B: found[m.b.Person], Score: m.score}
	}
	return pairs, nil
}

// newSides reads how the people of the change are shown.
func (e *engine) newSides(list []match, found map[db.ID]Side) error {
	var ids []db.ID
	for _, m := range list {
		for _, r := range [2]*Record{m.a, m.b} {
			if r.staged {
				ids = append(ids, r.Person)
			}
		}
	}
	var rows []Side
	if err := e.tx.Select(&rows, `
		select p.subject_id as id, p.data->>'ref' as ref, coalesce(p.data->>'full_name', '') as full_name,
		       coalesce(p.data->>'full_name_latin', '') as full_name_latin, coalesce(p.data->>'sex', 'unknown') as sex,
		       (p.data->>'birth_from')::date as birth_from, (p.data->>'birth_to')::date as birth_to,
		       coalesce(h.id, n.subject_id, '00000000-0000-0000-0000-000000000000') as household_id, coalesce(n.data->>'ref', h.ref, '') as household_ref,
		       case when coalesce((n.data->>'protected')::boolean, h.protected, false) then '{}' else coalesce(a.name, '{}') end as area_name,
		       coalesce((n.data->>'protected')::boolean, h.protected, false) as protected
		from change_item p
		left join lateral (select (m->>'household_id')::uuid as id from jsonb_array_elements(p.data->'memberships') m
		                   where coalesce(m->>'tie', 'usual') = 'usual' and m->>'end_date' is null limit 1) m on true
		left join change_item n on n.change_id = p.change_id and n.kind = 'household' and n.subject_id = m.id
		left join household h on h.id = m.id
		left join area a on a.id = coalesce((n.data->>'area_id')::uuid, h.area_id)
		where p.change_id = $1 and p.kind = 'person' and p.subject_id = any($2::uuid[])`, e.change, registry.Texts(ids)); err != nil {
		return err
	}
	for _, s := range rows {
		s.New = true
		found[s.Person] = s
	}
	return nil
}
