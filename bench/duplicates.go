package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"daftar/db"
	"daftar/registry/dedup"
	"daftar/registry/seed"
	"daftar/registry/seed/sow"
)

var jobs = db.Principal{Role: db.Jobs, Kind: "job"}

// perHousehold is how many people a made-up household has, about.
const perHousehold = 4.2

// duplicates looks for the duplicates of made-up countries whose truth is known:
// how many are found, how many of those found are none, how fast, and how long a
// check at the counter takes in the largest.
func (b *bench) duplicates() error {
	if err := b.system.makeTemplate(); err != nil {
		return err
	}
	const blocks = "reading those in the same blocks, and nothing else"
	check := b.metric("check at the counter, p95", "ms", blocks)
	usual := b.metric("  median", "ms", blocks)
	database := b.metric("  PostgreSQL's own time", "ms", blocks)
	register := b.metric("whole registry", "people/s", blocks)
	for _, people := range b.plan.registries {
		if _, err := b.fresh(func(d *db.DB) error { return b.country(d, people, check, usual, database, register) }); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) country(d *db.DB, people int, check, usual, own, register *metric) error {
	c, err := seed.New(seed.Config{Seed: 1, Households: int(float64(people) / perHousehold), Duplicates: 0.05})
	if err != nil {
		return err
	}
	say("making up %d people", people)
	start := time.Now()
	n, err := sow.Country(b.ctx, d, sow.Options{Country: c, Proposer: db.ID{1}, Approver: db.ID{2}, Owner: b.system.url(db.Owner, freshDatabase)})
	if err != nil {
		return err
	}
	say("%d people in %.0f s", n.People, time.Since(start).Seconds())
	if err := b.system.admin(freshDatabase, `vacuum (analyze)`); err != nil {
		return err
	}
	if err := d.WithTx(b.ctx, jobs, dedup.Weigh); err != nil {
		return err
	}
	start = time.Now()
	before := b.system.databaseTime()
	if err := dedup.CheckRest(b.ctx, d, jobs, 2, nil); err != nil {
		return err
	}
	took, database := time.Since(start), b.system.databaseTime()-before
	say("compared in %.0f s", took.Seconds())
	if err := b.quality(d, c, n.People); err != nil {
		return err
	}
	fmt.Fprintf(&b.report, "  %.0f people/s with two workers; PostgreSQL took %.2f ms of processor time for each person\n\n",
		float64(n.People)/took.Seconds(), float64(database.Microseconds())/1e3/float64(n.People))
	if people != slices.Max(b.plan.registries) {
		return nil
	}
	bare, err := b.bareBlocks(d, n.People)
	if err != nil {
		return err
	}
	register.add(float64(n.People)/took.Seconds(), bare)
	for range b.plan.pairs {
		ours, limits, times, err := b.atTheCounter(d, c)
		if err != nil {
			return err
		}
		own.add(times[0], times[1])
		check.add(quantile(ours, 0.95), quantile(limits, 0.95))
		usual.add(quantile(ours, 0.5), quantile(limits, 0.5))
	}
	return nil
}

// known is what the truth needs to know of a person.
type known struct {
	script, sex string
	january     bool
	phone       string
	kinds       []string // of look-alike
}

// tally counts the pairs of a group.
type tally struct{ truth, found, wrong int }

func (t tally) String() string {
	return fmt.Sprintf("%7d true  recall %.3f  precision %.3f", t.truth, float64(t.found)/float64(max(1, t.truth)), float64(t.found)/float64(max(1, t.found+t.wrong)))
}

// quality holds the pairs that were found against the truth, for all and for
// those who are easily taken for one another: a pair belongs to a group when one
// of its two people does.
func (b *bench) quality(d *db.DB, c *seed.Country, people int) error {
	who, holders := map[string]*known{}, map[string]int{}
	truth, alike := map[[2]string]seed.Pair{}, map[[2]string]string{}
	for _, h := range c.All() {
		for i := range h.People {
			p := &h.People[i]
			who[p.Ref] = &known{script: string(p.Script), sex: p.Sex, phone: p.Phone, january: p.Birth.Exact() && p.Birth.From.YearDay() == 1}
			holders[p.Phone]++
		}
		for _, p := range h.Pairs {
			if key := pairKey(p.A, p.B); p.Same {
				truth[key] = p
			} else {
				alike[key] = p.Kind
			}
		}
	}
	delete(holders, "")
	for key, kind := range alike {
		for _, ref := range key {
			if k := who[ref]; !slices.Contains(k.kinds, kind) {
				k.kinds = append(k.kinds, kind)
			}
		}
	}
	found := map[[2]string]bool{}
	if err := d.View(b.ctx, jobs, func(tx db.Tx) error {
		return tx.Each(func(r db.Row) error {
			var x, y string
			err := r.Scan(&x, &y)
			found[pairKey(x, y)] = true
			return err
		}, `select a.ref, b.ref from duplicate_pair p join person a on a.id = p.a_id join person b on b.id = p.b_id`)
	}); err != nil {
		return err
	}
	groups, taken, each := map[string]*tally{}, map[string]*tally{}, map[string]int{}
	count := func(into map[string]*tally, name string, f func(*tally)) {
		if into[name] == nil {
			into[name] = &tally{}
		}
		f(into[name])
	}
	of := func(key [2]string) []string {
		names := []string{"all"}
		for _, ref := range key {
			k := who[ref]
			if k == nil { // born or moved since: in no pair of the truth
				continue
			}
			for _, kind := range k.kinds {
				names = append(names, "among "+kind)
			}
			if k.january {
				names = append(names, "born on a 1 January")
			}
			if holders[k.phone] > 20 {
				names = append(names, "reached through a helper's phone")
			}
			names = append(names, "script "+k.script, "sex "+k.sex)
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	for key, p := range truth {
		hit := found[key]
		note := func(t *tally) {
			if t.truth++; hit {
				t.found++
			}
		}
		for _, name := range of(key) {
			count(groups, name, note)
		}
		for _, e := range p.Errors {
			count(groups, "error "+e, note)
		}
	}
	for key := range found {
		if _, same := truth[key]; !same {
			for _, name := range of(key) {
				count(groups, name, func(t *tally) { t.wrong++ })
			}
		}
		if kind, ok := alike[key]; ok {
			count(taken, kind, func(t *tally) { t.wrong++ })
		}
	}
	for _, kind := range alike {
		each[kind]++
	}
	fmt.Fprintf(&b.report, "Duplicates among %d people, %d of them registered twice\n", people, len(truth))
	for _, name := range sorted(groups) {
		if t := groups[name]; len(name) > 6 && name[:6] == "error " {
			fmt.Fprintf(&b.report, "  %-34s %7d true  recall %.3f\n", name, t.truth, float64(t.found)/float64(t.truth))
		} else {
			fmt.Fprintf(&b.report, "  %-34s %s\n", name, t)
		}
	}
	for _, kind := range sorted(each) {
		wrong := 0
		if t := taken[kind]; t != nil {
			wrong = t.wrong
		}
		fmt.Fprintf(&b.report, "  of %6d pairs of %-18s %5d are taken for one person\n", each[kind], kind, wrong)
	}
	return nil
}

func pairKey(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

func sorted[T any](m map[string]T) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// applicants are people as they would apply once more.
func applicants(c *seed.Country, n int) (list []dedup.Probe) {
	random := rand.New(rand.NewPCG(1, 1))
	for len(list) < n {
		h := c.Household(random.IntN(c.Config().Households))
		if len(h.People) == 0 {
			continue
		}
		p := h.People[random.IntN(len(h.People))]
		probe := dedup.Probe{Name: p.Name, Latin: p.Latin, Sex: p.Sex, Birth: p.Birth}
		if p.Phone != "" {
			probe.Phones = []string{p.Phone}
		}
		for _, i := range p.Identifiers {
			probe.Numbers = append(probe.Numbers, dedup.Number{Type: i.Type, Value: i.Value})
		}
		list = append(list, probe)
	}
	return list
}

// atTheCounter times checks, one after the other, each in a transaction of its
// own that has begun: all round trips to the database and the scoring. The limit
// reads the same blocks on a bare connection.
func (b *bench) atTheCounter(d *db.DB, c *seed.Country) (ours, limits []float64, database [2]float64, err error) {
	const warm = 20
	probes := applicants(c, 220)
	each := func(before time.Duration) float64 {
		return float64((b.system.databaseTime() - before).Microseconds()) / 1e3 / float64(len(probes))
	}
	before := b.system.databaseTime()
	staff := db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1}}
	for i, p := range probes {
		if err := d.View(b.ctx, staff, func(tx db.Tx) error {
			start := time.Now()
			_, err := dedup.Check(tx, p, dedup.KeptPerPerson)
			if i >= warm {
				ours = append(ours, float64(time.Since(start).Microseconds())/1e3)
			}
			return err
		}); err != nil {
			return nil, nil, database, err
		}
	}
	database[0] = each(before)
	conn, err := b.system.as(db.Staff.Login(), freshDatabase)
	if err != nil {
		return nil, nil, database, err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	before = b.system.databaseTime()
	for i, p := range probes {
		sounds, from, to := p.Blocks()
		start := time.Now()
		rows, err := conn.Query(b.ctx, `select person_id, household_id, area_id, sex, birth_from, birth_to, words, probes from dedup_candidates($1, $2, $3)`, []string{sounds}, []*time.Time{from}, []*time.Time{to})
		if err != nil {
			return nil, nil, database, err
		}
		for rows.Next() {
			_ = rows.RawValues()
		}
		if err := rows.Err(); err != nil {
			return nil, nil, database, err
		}
		if i >= warm {
			limits = append(limits, float64(time.Since(start).Microseconds())/1e3)
		}
	}
	database[1] = each(before)
	return ours, limits, database, nil
}

// bareBlocks is how many people a second could be compared if nothing were done
// with whom they are compared with: two connections read the blocks of a sample.
func (b *bench) bareBlocks(d *db.DB, people int) (float64, error) {
	const batches, size = 12, 500
	conns, err := b.system.connections(2, db.Jobs.Login(), freshDatabase)
	if err != nil {
		return 0, err
	}
	defer closeAll(conns)
	s, err := load(b.ctx, len(conns), batches, 0, func(worker, i int) error {
		rows, err := conns[worker].Query(b.ctx, `
			with probe as (
				select d.person_id, d.birth_from, d.birth_to, string_agg(distinct n.key, ' ' order by n.key) as sounds
				from (select person_id, birth_from, birth_to, words from dedup_record where person_id >= (select person_id from dedup_record order by person_id offset $1 limit 1) order by person_id limit $2) d
				cross join lateral unnest(d.words) x (word) join lateral (select name_key(x.word) as key) n on true
				group by d.person_id, d.birth_from, d.birth_to)
			select c.person_id, c.household_id, c.area_id, c.sex, c.birth_from, c.birth_to, c.words, c.probes from (select array_agg(sounds) as s, array_agg(birth_from) as f, array_agg(birth_to) as t from probe) a
			cross join lateral dedup_candidates(a.s, a.f, a.t) c`, i*people/batches, size)
		if err != nil {
			return err
		}
		for rows.Next() {
			_ = rows.RawValues()
		}
		return rows.Err()
	})
	return batches * size / s.took.Seconds(), err
}
