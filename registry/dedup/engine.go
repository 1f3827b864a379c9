package dedup

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/registry"
)

// engine finds the people who may be those that are looked up. It belongs to one
// transaction.
type engine struct {
	tx     db.Tx
	lex    *lexicon
	asked  map[string]bool   // fields whose answers are compared
	homes  map[db.ID]*home   // by household, or by person where there is none
	staged map[db.ID]*Record // of the change that is looked at, where all of it is in memory
	table  bool              // or it is in the temporary table dedup_staged
	change db.ID
	before db.ID // homes of the table up to here were looked up already
}

func newEngine(tx db.Tx) (*engine, error) {
	e := &engine{tx: tx, lex: newLexicon()}
	e.forget()
	err := e.lex.load(tx, []string{""})
	e.lex.shares.people = max(fewPeople, e.lex.shares.of[""])
	return e, err
}

// comparable reports whether answers to a field may tell people apart: coded
// ones, and none that is sensitive.
func comparable(f registry.Field) bool {
	return f.Sensitivity != "sensitive" && f.Roster == "" &&
		(f.Type == registry.TypeChoice || f.Type == registry.TypeYesNo || f.Type == registry.TypeNumber)
}

// forget drops what was read of people. What was learnt of words stays, within
// bounds.
func (e *engine) forget() {
	e.homes = map[db.ID]*home{}
	if len(e.lex.like) > 1<<20 {
		shares := e.lex.shares
		e.lex = newLexicon()
		e.lex.shares = shares
	}
}

func (e *engine) needed() float64 { return needed(e.lex.shares.people) }

// load reads how many people have a term, of those that many have.
func (l *lexicon) load(tx db.Tx, terms []string) error {
	if len(terms) == 0 {
		return nil
	}
	return tx.Each(func(r db.Row) error {
		var term string
		var people int
		err := r.Scan(&term, &people)
		l.shares.of[term] = people
		return err
	}, `select term, people from dedup_share where term = any($1)`, terms)
}

// weigh learns how rare everything in some records is.
func (e *engine) weigh(records []*Record) error {
	var terms []string
	want := func(term string) {
		if _, known := e.lex.shares.of[term]; !known {
			e.lex.shares.of[term] = 0
			terms = append(terms, term)
		}
	}
	var words []*word
	for _, r := range records {
		for _, part := range [2][]*word{r.own, r.latin} {
			for _, w := range part {
				if w.rare == 0 {
					words = append(words, w)
					want(w.text)
					want(soundTerm(w.key))
				}
			}
		}
		want(birthTerm(r.Birth))
		want(areaTerm(r.Area))
	}
	if err := e.lex.load(e.tx, terms); err != nil {
		return err
	}
	e.lex.weigh(words)
	for _, r := range records {
		r.birthRare, r.areaRare = e.lex.shares.bits(birthTerm(r.Birth)), e.lex.shares.bits(areaTerm(r.Area))
	}
	return nil
}

func areaTerm(id db.ID) string { return "@" + id.String() }

// columns of dedup_record and its likes, as record reads them.
const columns = `d.person_id, d.household_id, d.area_id, d.sex, d.birth_from - date '1800-01-01', d.birth_to - date '1800-01-01', d.words`

var dayZero = registry.Date(1800, time.January, 1)

// record reads columns, and whatever stands behind them.
func (e *engine) record(row db.Row, more ...any) (*Record, error) {
	var household, area *[16]byte
	var from, to *int32
	var words []string
	r := &Record{}
	if err := row.Scan(append([]any{(*[16]byte)(&r.Person), &household, &area, &r.Sex, &from, &to, &words}, more...)...); err != nil {
		return nil, err
	}
	if household != nil {
		r.Household = *household
	}
	if area != nil {
		r.Area = *area
	}
	if from != nil && to != nil {
		r.Birth = registry.BirthDate{From: dayZero.AddDate(0, 0, int(*from)), To: dayZero.AddDate(0, 0, int(*to))}
	}
	r.own, r.latin = e.lex.name(words)
	return r, nil
}

// sounds are the sounds of a name, each once, in order.
func (r *Record) sounds() string {
	keys := make([]string, 0, 2*maxWords)
	for _, part := range [2][]*word{r.own, r.latin} {
		for _, w := range part {
			keys = append(keys, w.key)
		}
	}
	slices.Sort(keys)
	return strings.Join(slices.Compact(keys), " ")
}

// born is the range of days of birth; nil for an unknown one.
func (r *Record) born() (from, to *time.Time) {
	if !r.Birth.Known() {
		return nil, nil
	}
	return &r.Birth.From, &r.Birth.To
}

// homeID is the key of a record's home.
func (r *Record) homeID() db.ID {
	if r.Household == (db.ID{}) {
		return r.Person
	}
	return r.Household
}

// near is which homes are worth being compared, by those that are looked up.
type near map[*home]map[db.ID]bool

func (n near) add(h *home, other db.ID) {
	if n[h] == nil {
		n[h] = map[db.ID]bool{}
	}
	n[h][other] = true
}

// find compares the people of homes, of whom probe says who is looked up, with
// each other and with whoever may be them.
func (e *engine) find(homes []*home, probe func(*Record) bool) ([]match, error) {
	var probes []*Record
	var at []*home // of each probe
	for _, h := range homes {
		for _, r := range h.people {
			if probe(r) {
				probes, at = append(probes, r), append(at, h)
			}
		}
	}
	n, lone := near{}, map[db.ID]bool{} // lone: people without a household
	for _, staged := range []bool{false, true} {
		if staged && !e.table {
			break
		}
		if err := e.byKeys(staged, probes, at, n, lone); err != nil {
			return nil, err
		}
	}
	if err := e.byNumbers(probes, at, n, lone); err != nil {
		return nil, err
	}
	e.byStaged(probes, at, n)
	if err := e.loadHomes(n, lone); err != nil {
		return nil, err
	}
	var list []match
	done := map[[2]db.ID]bool{}
	for _, h := range homes {
		list = append(list, e.lex.within(h)...)
		for id := range n[h] {
			other := e.homes[id]
			if other == nil || other == h || done[[2]db.ID{other.id(), h.id()}] || e.lookedUp(other) {
				continue
			}
			done[[2]db.ID{h.id(), other.id()}] = true
			list = append(list, e.lex.between(h, other, e.needed())...)
		}
	}
	return slices.DeleteFunc(list, func(m match) bool {
		return m.a.Person == m.b.Person || !probe(m.a) && !probe(m.b) || m.score.Points < e.needed() && !m.score.Forced
	}), nil
}

// lookedUp reports whether people of a home who are about to come in were
// compared with everybody in an earlier batch.
func (e *engine) lookedUp(h *home) bool {
	id := h.id()
	return e.table && bytes.Compare(id[:], e.before[:]) <= 0 && slices.ContainsFunc(h.people, func(r *Record) bool { return r.staged })
}

// byKeys looks for people with a key in common, and keeps those who are worth a
// second look.
func (e *engine) byKeys(staged bool, probes []*Record, at []*home, n near, lone map[db.ID]bool) error {
	sounds, from, to := make([]string, len(probes)), make([]*time.Time, len(probes)), make([]*time.Time, len(probes))
	for i, r := range probes {
		sounds[i] = r.sounds()
		from[i], to[i] = r.born()
	}
	candidates := "dedup_candidates"
	if staged {
		candidates = "dedup_candidates_staged"
	}
	var found []*Record
	var by [][]int32
	if err := e.tx.Each(func(row db.Row) error {
		var who []int32
		r, err := e.record(row, &who)
		found, by = append(found, r), append(by, who)
		return err
	}, `select `+columns+`, d.probes from `+candidates+`($1, $2, $3) d`, sounds, from, to); err != nil {
		return err
	}
	if err := e.weigh(found); err != nil {
		return err
	}
	enough := e.needed() - worthASecond
	for k, r := range found {
		if !staged && e.replaced(r.Person) {
			continue
		}
		for _, i := range by[k] {
			if p := probes[i]; p.Person != r.Person && p.homeID() != r.homeID() && e.lex.glance(p, r) >= enough {
				n.add(at[i], r.homeID())
				if r.Household == (db.ID{}) {
					lone[r.Person] = true
				}
			}
		}
	}
	return nil
}

// byStaged looks for people who are about to come in together, where they are few.
func (e *engine) byStaged(probes []*Record, at []*home, n near) {
	enough := e.needed() - worthASecond
	for i, p := range probes {
		for _, r := range e.staged {
			if p != r && p.homeID() != r.homeID() && (e.lex.glance(p, r) >= enough || shareNumber(p, r)) {
				n.add(at[i], r.homeID())
			}
		}
	}
}

func shareNumber(a, b *Record) bool {
	return slices.ContainsFunc(a.Numbers, func(x Number) bool { return slices.Contains(b.Numbers, x) })
}

// replaced reports whether a person's record is about to be another.
func (e *engine) replaced(person db.ID) bool { return e.staged[person] != nil }

// fewHolders is how many people a phone serves at most to be a reason to look.
const fewHolders = 12

// byNumbers looks for people with a number or phone in common.
func (e *engine) byNumbers(probes []*Record, at []*home, n near, lone map[db.ID]bool) error {
	var types, issuers, values, phones []string
	var of, ofPhone []int
	for i, r := range probes {
		for _, x := range r.Numbers {
			types, issuers, values, of = append(types, x.Type), append(issuers, x.Issuer), append(values, x.Value), append(of, i)
		}
		for _, x := range r.Phones {
			if x.Holders <= fewHolders {
				phones, ofPhone = append(phones, x.Value), append(ofPhone, i)
			}
		}
	}
	sources := []string{`
		select x.i, d.person_id, d.household_id from unnest($1::int[], $2::text[], $3::text[], $4::text[]) x (i, type, issuer, value)
		join identifier n on n.value = x.value and n.type = x.type and n.issuer = x.issuer and n.claimed <> 'ended'
		join dedup_record d on d.person_id = n.subject_id
		union
		select x.i, d.person_id, d.household_id from unnest($5::int[], $6::text[]) x (i, value)
		join contact c on c.kind = 'phone' and c.value = x.value and not c.protected join dedup_record d on d.person_id = c.person_id
		union -- what was found before is looked at again, from either side: one condition for both reads every pair
		select x.i - 1, d.person_id, d.household_id from unnest($7::uuid[]) with ordinality x (id, i)
		join duplicate_pair p on p.a_id = x.id and p.state in ('open', 'unsure') join dedup_record d on d.person_id = p.b_id
		union
		select x.i - 1, d.person_id, d.household_id from unnest($7::uuid[]) with ordinality x (id, i)
		join duplicate_pair p on p.b_id = x.id and p.state in ('open', 'unsure') join dedup_record d on d.person_id = p.a_id`}
	if e.table {
		sources = append(sources, `
			select x.i, d.person_id, d.household_id from unnest($1::int[], $2::text[], $3::text[], $4::text[]) x (i, type, issuer, value)
			join dedup_staged d on d.numbers && array[concat_ws(' ', x.type, x.issuer, x.value)]
			union
			select x.i, d.person_id, d.household_id from unnest($5::int[], $6::text[]) x (i, value) join dedup_staged d on d.numbers && array[x.value]
			where $7::uuid[] is not null`)
	}
	people := make([]string, len(probes))
	for i, r := range probes {
		people[i] = r.Person.String()
	}
	for _, query := range sources {
		if err := e.tx.Each(func(row db.Row) error {
			var i int
			var person db.ID
			var household *[16]byte
			if err := row.Scan(&i, (*[16]byte)(&person), &household); err != nil || person == probes[i].Person || e.replaced(person) {
				return err
			}
			if household == nil {
				lone[person] = true
				n.add(at[i], person)
				return nil
			}
			if *household != probes[i].Household {
				n.add(at[i], *household)
			}
			return nil
		}, query, of, types, issuers, values, ofPhone, phones, people); err != nil {
			return err
		}
	}
	return nil
}

// loadHomes reads who lives in the homes that are near, and what is to be
// compared of them.
func (e *engine) loadHomes(n near, lone map[db.ID]bool) error {
	households, people := []string{}, []string{}
	seen := map[db.ID]bool{}
	for _, others := range n {
		for id := range others {
			if seen[id] || e.homes[id] != nil {
				continue
			}
			if seen[id] = true; lone[id] {
				people = append(people, id.String())
			} else {
				households = append(households, id.String())
			}
		}
	}
	if len(seen) == 0 {
		return nil
	}
	found, err := e.registered(households, people)
	if err == nil && e.table {
		var more []*Record
		more, err = e.stagedIn(households, people)
		found = append(found, more...)
	}
	if err != nil {
		return err
	}
	for _, r := range found {
		e.settle(r)
	}
	return e.weigh(found)
}

// settle puts a record into its home.
func (e *engine) settle(r *Record) *home {
	h := e.homes[r.homeID()]
	if h == nil {
		h = &home{household: r.Household}
		e.homes[r.homeID()] = h
	}
	h.people = append(h.people, r)
	return h
}

// registered reads the people of households, and some without one, with all that
// is compared.
func (e *engine) registered(households, people []string) ([]*Record, error) {
	var list []*Record
	if err := e.tx.Each(func(row db.Row) error {
		r, err := e.record(row)
		if err == nil && !e.replaced(r.Person) {
			list = append(list, r)
		}
		return err
	}, `
		select `+columns+` from dedup_record d
		where d.person_id in (select m.person_id from membership m where m.household_id = any($1::uuid[])) and d.household_id = any($1::uuid[])
		union all
		select `+columns+` from dedup_record d where d.person_id = any($2::uuid[])`, households, people); err != nil {
		return nil, err
	}
	return list, e.details(list)
}

// details adds numbers, phones and answers to records of the registry.
func (e *engine) details(records []*Record) error {
	if len(records) == 0 {
		return nil
	}
	byID, ids := map[db.ID]*Record{}, make([]string, len(records))
	for i, r := range records {
		byID[r.Person], ids[i] = r, r.Person.String()
	}
	if err := e.tx.Each(func(row db.Row) error {
		var id db.ID
		var n Number
		err := row.Scan((*[16]byte)(&id), &n.Type, &n.Issuer, &n.Value)
		byID[id].Numbers = append(byID[id].Numbers, n)
		return err
	}, `select subject_id, type, issuer, value from identifier where subject_id = any($1::uuid[]) and claimed <> 'ended'`, ids); err != nil {
		return err
	}
	if err := e.tx.Each(func(row db.Row) error {
		var id db.ID
		var phone string
		err := row.Scan((*[16]byte)(&id), &phone)
		byID[id].Phones = append(byID[id].Phones, Phone{Value: phone})
		return err
	}, `select person_id, value from contact where person_id = any($1::uuid[]) and kind = 'phone' and not protected`, ids); err != nil {
		return err
	}
	said := map[db.ID]registry.Values{}
	if err := e.tx.Each(func(row db.Row) error {
		var id db.ID
		var raw []byte
		if err := row.Scan((*[16]byte)(&id), &raw); err != nil {
			return err
		}
		var values registry.Values
		err := json.Unmarshal(raw, &values)
		said[id] = values
		return err
	}, `select id, fields from person where id = any($1::uuid[]) and fields <> '{}'`, ids); err != nil {
		return err
	}
	for id, values := range said {
		var err error
		if byID[id].Answers, err = e.answers(values); err != nil {
			return err
		}
	}
	return e.holders(records)
}

// answers are those that may be compared, where there is one.
func (e *engine) answers(values registry.Values) (registry.Values, error) {
	if len(values) == 0 {
		return nil, nil
	}
	if e.asked == nil {
		fields, err := registry.LoadFields(e.tx)
		if err != nil {
			return nil, err
		}
		e.asked = map[string]bool{}
		for _, f := range fields.Of(registry.KindPerson) {
			e.asked[f.Code] = comparable(f)
		}
	}
	kept := registry.Values{}
	for code, v := range values {
		if e.asked[code] && v != registry.Unknown {
			kept[code] = v
		}
	}
	return kept, nil
}

// holders counts who is reached through the phones, up to what makes no
// difference.
func (e *engine) holders(records []*Record) error {
	count := map[string]int{}
	for _, r := range records {
		for _, p := range r.Phones {
			count[p.Value] = 0
		}
	}
	if len(count) == 0 {
		return nil
	}
	phones := make([]string, 0, len(count))
	for value := range count {
		phones = append(phones, value)
	}
	if err := e.tx.Each(func(row db.Row) error {
		var value string
		var n int
		err := row.Scan(&value, &n)
		count[value] = n
		return err
	}, `select x.value, (select count(*) from (select from contact c where c.kind = 'phone' and c.value = x.value limit 500) k)
		from unnest($1::text[]) x (value)`, phones); err != nil {
		return err
	}
	for _, r := range records {
		for i := range r.Phones {
			r.Phones[i].Holders = max(1, count[r.Phones[i].Value])
		}
	}
	return nil
}
