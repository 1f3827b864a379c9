// Package dedup finds records that may be of one person: in the whole registry,
// among those who come in together, and for somebody at the counter. It only
// proposes. Officers decide, and what they decided is remembered
// (docs/duplicates.md).
package dedup

import (
	"database/sql"
	"time"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/names"
)

// Probe is somebody who is not in the registry, as far as they are known.
type Probe struct {
	Name, Latin string
	Sex         string
	Birth       registry.BirthDate
	Phones      []string // as registry.NormalContact makes them
	Numbers     []Number // as registry.NormalIdentifier makes them
	Area        db.ID
	Answers     registry.Values
}

// Blocks are what somebody is looked up by in the database, as dedup_candidates
// takes it: the sounds of the name, and the range of days of birth.
func (p Probe) Blocks() (sounds string, from, to *time.Time) {
	r := &Record{Birth: p.Birth}
	r.own, r.latin = newLexicon().name(names.Words(p.Name + " " + p.Latin))
	from, to = r.born()
	return r.sounds(), from, to
}

// Check finds who in the registry may be the person, the likeliest first. It
// says nothing to a citizen, ever: whether somebody is in the registry is their
// own affair.
func Check(tx db.Tx, p Probe, limit int) ([]Pair, error) {
	// Every question is a look into an index, whoever is asked about: to plan each
	// anew takes as long as to answer it.
	if err := tx.Exec(`set local plan_cache_mode = force_generic_plan`); err != nil {
		return nil, err
	}
	pairs, err := check(tx, p, limit)
	if err != nil {
		return nil, err
	}
	return pairs, tx.Exec(`set local plan_cache_mode to default`)
}

func check(tx db.Tx, p Probe, limit int) ([]Pair, error) {
	e, err := newEngine(tx)
	if err != nil {
		return nil, err
	}
	r := &Record{Person: tx.NewID(), Sex: p.Sex, Birth: p.Birth, Area: p.Area, Numbers: p.Numbers}
	if r.Answers, err = e.answers(p.Answers); err != nil {
		return nil, err
	}
	r.own, r.latin = e.lex.name(names.Words(p.Name + " " + p.Latin))
	for _, phone := range p.Phones {
		r.Phones = append(r.Phones, Phone{Value: phone})
	}
	if err := e.prepare([]*Record{r}); err != nil {
		return nil, err
	}
	found, err := e.find([]*home{{people: []*Record{r}}}, func(x *Record) bool { return x == r })
	if err != nil {
		return nil, err
	}
	list := proposed(found, e.needed())
	others := make([]db.ID, 0, len(list))
	for _, m := range list {
		others = append(others, m.other(r).Person)
	}
	known, err := sides(tx, others)
	if err != nil {
		return nil, err
	}
	me := Side{Name: p.Name, Latin: p.Latin, Sex: p.Sex, New: true, BirthFrom: day(p.Birth.Known(), p.Birth.From), BirthTo: day(p.Birth.Known(), p.Birth.To)}
	var pairs []Pair
	for _, m := range list[:min(limit, len(list))] {
		pairs = append(pairs, Pair{A: me, B: known[m.other(r).Person], Score: m.score})
	}
	return pairs, nil
}

func (m match) other(r *Record) *Record {
	if m.a == r {
		return m.b
	}
	return m.a
}

// prepare learns what is to be known of records that are not the registry's.
func (e *engine) prepare(records []*Record) error {
	if err := e.holders(records); err != nil {
		return err
	}
	return e.weigh(records)
}

func day(known bool, t time.Time) sql.NullTime { return sql.NullTime{Time: t, Valid: known} }
