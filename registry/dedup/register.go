package dedup

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"

	"daftar/db"
	"daftar/registry"
)

// Weigh counts what is common among all people, which is what scores rest on.
func Weigh(tx db.Tx) error { return tx.Exec(`select dedup_weigh()`) }

// Stale reports whether the registry has grown so much since it was weighed last
// that it should be again.
func Stale(tx db.Tx) (bool, error) {
	var stale bool
	err := tx.Get(&stale, `
		select (select count(*) from (select from dedup_record limit 2000) d) > case when s.people < 2000 then 1.2 * s.people else 0 end
		   and (s.people < 2000 or (select reltuples from pg_class where oid = 'dedup_record'::regclass) > 1.2 * s.people)
		from (select coalesce((select people from dedup_share where term = ''), 0) as people) s`)
	return stale, err
}

// Again has everybody compared with everybody.
func Again(tx db.Tx) error {
	return tx.Exec(`insert into dedup_todo (person_id, version) select p.id, p.version from dedup_record d join person p on p.id = d.person_id on conflict do nothing`)
}

// CheckAbout compares the people of an applied change, or one person, with
// everybody, as far as nobody did since. It goes on where it was stopped, and may
// run any number of times.
func CheckAbout(ctx context.Context, d *db.DB, who db.Principal, about db.ID) error {
	return drain(ctx, d, who, nil, `
		select t.person_id from dedup_todo t
		where t.person_id = $1 or t.person_id in (select i.subject_id from change_item i where i.change_id = $1 and i.kind = 'person')
		order by t.person_id limit $2 for update of t skip locked`, about)
}

// CheckRest compares everybody who was not compared yet with everybody; checked
// hears how many are done. Workers run at once.
func CheckRest(ctx context.Context, d *db.DB, who db.Principal, workers int, checked func(people int)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			if err := drain(ctx, d, who, checked, `
				select person_id from dedup_todo where $1::uuid is not null order by person_id limit $2 for update skip locked`, db.ID{}); err != nil {
				stop(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// atOnce is how many people are compared in one transaction.
const atOnce = 500

// drain compares whom a query finds, some at a time, until it finds nobody.
func drain(ctx context.Context, d *db.DB, who db.Principal, checked func(int), query string, about db.ID) error {
	lex := newLexicon()
	for ctx.Err() == nil {
		n := 0
		if err := d.WithTx(ctx, who, func(tx db.Tx) error {
			var ids []db.ID
			if err := tx.Select(&ids, query, about, atOnce); err != nil || len(ids) == 0 {
				return err
			}
			n = len(ids)
			e, err := newEngine(tx)
			if err != nil {
				return err
			}
			if e.lex.shares.people == lex.shares.people {
				e.lex = lex
			} else {
				lex = e.lex
			}
			return e.check(ids)
		}); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if checked != nil {
			checked(n)
		}
	}
	return ctx.Err()
}

// CheckPeople compares some people with everybody now.
func CheckPeople(tx db.Tx, people []db.ID) error {
	e, err := newEngine(tx)
	if err != nil {
		return err
	}
	return e.check(people)
}

// check compares people with everybody and brings the pairs in line with what
// was found.
func (e *engine) check(people []db.ID) error {
	asked := map[db.ID]bool{}
	for _, id := range people {
		asked[id] = true
	}
	homes, err := e.homesOf(people)
	if err != nil {
		return err
	}
	found, err := e.find(homes, func(r *Record) bool { return asked[r.Person] })
	if err != nil {
		return err
	}
	// One at a time from here: the bound on the pairs of each person is over all of
	// them.
	if err := e.tx.Exec(`select pg_advisory_xact_lock(hashtext('duplicate_pair'))`); err != nil {
		return err
	}
	if err := e.store(people, found); err != nil {
		return err
	}
	return e.tx.Exec(`delete from dedup_todo where person_id = any($1::uuid[])`, registry.Texts(people))
}

// homesOf reads the homes of people with everybody in them.
func (e *engine) homesOf(people []db.ID) ([]*home, error) {
	households, lone := []string{}, []string{}
	if err := e.tx.Each(func(row db.Row) error {
		var person db.ID
		var household *[16]byte
		err := row.Scan((*[16]byte)(&person), &household)
		if household == nil {
			lone = append(lone, person.String())
		} else {
			households = append(households, db.ID(*household).String())
		}
		return err
	}, `select person_id, household_id from dedup_record where person_id = any($1::uuid[])`, registry.Texts(people)); err != nil {
		return nil, err
	}
	slices.Sort(households)
	records, err := e.registered(slices.Compact(households), lone)
	if err != nil {
		return nil, err
	}
	var homes []*home
	for _, r := range records {
		if h := e.settle(r); len(h.people) == 1 {
			homes = append(homes, h)
		}
	}
	return homes, e.weigh(records)
}

// row is a pair as it is stored.
type row struct {
	ID     db.ID   `db:"id"`
	A      db.ID   `db:"a_id"`
	B      db.ID   `db:"b_id"`
	State  State   `db:"state"`
	Points float64 `db:"points"`
	Forced bool    `db:"forced"`
	StampA []byte  `db:"a_stamp"`
	StampB []byte  `db:"b_stamp"`
	Done   bool    `db:"done"` // somebody opened it, or decided about it once
}

// store brings the pairs in line with what was found for people: new pairs, new
// scores of those that are open. Open ones that are not worth it any more go, and
// those that were said to be two people stay so while they are what they were.
func (e *engine) store(people []db.ID, found []match) error {
	stored, err := e.around(people, found)
	if err != nil {
		return err
	}
	known, asked, now := map[[2]db.ID]row{}, map[db.ID]bool{}, map[[2]db.ID]bool{}
	for _, r := range stored {
		known[[2]db.ID{r.A, r.B}] = r
	}
	for _, id := range people {
		asked[id] = true
	}
	var all []match
	for _, m := range found {
		if r := known[m.key()]; r.State != Different || !r.remembers(m) {
			all, now[m.key()] = append(all, m), true
		}
	}
	for _, r := range stored { // what is known of the others
		if r.State != Different && !asked[r.A] && !asked[r.B] && !now[[2]db.ID{r.A, r.B}] {
			all = append(all, match{&Record{Person: r.A}, &Record{Person: r.B}, Score{Points: r.Points, Forced: r.Forced}})
		}
	}
	kept := map[[2]db.ID]bool{}
	for _, m := range proposed(all, e.needed()) {
		kept[m.key()] = true
		if !now[m.key()] {
			continue
		}
		if err := e.put(m, known[m.key()]); err != nil {
			return err
		}
	}
	var gone []db.ID
	for _, r := range stored {
		if r.State == Open && !r.Done && !kept[[2]db.ID{r.A, r.B}] {
			gone = append(gone, r.ID)
		}
	}
	if gone == nil {
		return nil
	}
	return e.tx.Exec(`delete from duplicate_pair where id = any($1::uuid[])`, registry.Texts(gone))
}

// remembers reports whether both records are what they were when the pair was
// decided about.
func (r row) remembers(m match) bool {
	a, b := m.sides()
	return bytes.Equal(r.StampA, a.stamp()) && bytes.Equal(r.StampB, b.stamp())
}

// sides are the two records in the order in which pairs are stored.
func (m match) sides() (a, b *Record) {
	if bytes.Compare(m.a.Person[:], m.b.Person[:]) < 0 {
		return m.a, m.b
	}
	return m.b, m.a
}

func (m match) key() [2]db.ID {
	a, b := m.sides()
	return [2]db.ID{a.Person, b.Person}
}

// around reads the pairs of people, of those found for them, and of whoever
// those are paired with.
func (e *engine) around(people []db.ID, found []match) ([]row, error) {
	ids := slices.Clone(people)
	for _, m := range found {
		if m.score.Points >= e.needed() || m.score.Forced {
			ids = append(ids, m.a.Person, m.b.Person)
		}
	}
	var list []row
	err := e.tx.Select(&list, `
		with touched as (
			select p.* from duplicate_pair p where p.a_id = any($1::uuid[])
			union select p.* from duplicate_pair p where p.b_id = any($1::uuid[])
		), others as (select a_id as id from touched union select b_id from touched)
		select p.id, p.a_id, p.b_id, p.state, p.points, p.forced, p.a_stamp, p.b_stamp, coalesce(p.decided_by, p.opened_by) is not null as done
		from duplicate_pair p where p.a_id in (select id from others)
		union
		select p.id, p.a_id, p.b_id, p.state, p.points, p.forced, p.a_stamp, p.b_stamp, coalesce(p.decided_by, p.opened_by) is not null
		from duplicate_pair p where p.b_id in (select id from others)`, registry.Texts(ids))
	return list, err
}

// put stores a pair, or its new score. One that was said to be of two people is
// open again: one of the two changed.
func (e *engine) put(m match, was row) error {
	parts, err := json.Marshal(m.score.Parts)
	if err != nil {
		return err
	}
	a, b := m.sides()
	switch was.State {
	case "":
		return e.tx.Exec(`
			insert into duplicate_pair (id, ref, a_id, b_id, points, parts, forced, a_stamp, b_stamp, found_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (a_id, b_id) do nothing`,
			e.tx.NewID(), registry.NewRef(registry.RefPair, e.tx.Rand()), a.Person, b.Person, m.score.Points, string(parts), m.score.Forced,
			a.stamp(), b.stamp(), e.tx.Now())
	case Same:
		return nil
	case Different:
		if err := note(e.tx, was.ID, Reopened, "", ""); err != nil {
			return err
		}
	}
	return e.tx.Exec(`
		update duplicate_pair set points = $2, parts = $3, forced = $4, a_stamp = $5, b_stamp = $6,
		       state = case state when 'different' then 'open' else state end, found_at = case state when 'different' then $7 else found_at end
		where id = $1 and state = $8 and (points, a_stamp, b_stamp) is distinct from ($2, $5, $6)`,
		was.ID, float32(m.score.Points), string(parts), m.score.Forced, a.stamp(), b.stamp(), e.tx.Now(), was.State)
}
