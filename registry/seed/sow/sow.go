// Package sow writes a made-up country into a database, by the way that every
// record takes: proposed, approved by another, applied with its history.
package sow

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/audit"
	"daftar/registry/seed"
)

// Options of a load.
type Options struct {
	Country            *seed.Country
	Proposer, Approver db.ID // who is recorded to have proposed and approved: two different
	Workers            int   // batches written at once; 2 when zero
	Progress           func(Counts)
	Batch              int // households in a batch, a multiple of seed.Block; four blocks when zero
	// Owner is the address of the login that the tables belong to. With it, an empty
	// registry is filled without the two indexes that cost most, which are made
	// afterwards; Indexing hears of it when that begins.
	Owner    string
	Indexing func()
}

// Counts is what is in the database of a country.
type Counts struct {
	Households, People, Events int
	Twice                      int // people who are registered twice
	Skipped                    int // households that were there already
}

// Country writes a country in batches, each as a whole. What an earlier load of
// the same country wrote is left as it is, so that a load that was stopped goes
// on where it was.
func Country(ctx context.Context, d *db.DB, o Options) (Counts, error) {
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.Batch == 0 {
		o.Batch = 4 * seed.Block
	}
	l := &loader{o: o, db: d, areas: map[string]area{}, fields: map[string]bool{}}
	if err := d.WithTx(ctx, l.proposer(), l.prepare); err != nil {
		return l.counts, err
	}
	if o.Owner == "" {
		return l.counts, l.run(ctx)
	}
	if _, err := unindex(ctx, o.Owner); err != nil {
		return l.counts, err
	}
	if err := l.run(ctx); err != nil {
		return l.counts, err // whatever starts next makes the indexes: db.Migrate
	}
	if o.Indexing != nil {
		o.Indexing()
	}
	return l.counts, index(ctx, o.Owner)
}

type loader struct {
	o      Options
	db     *db.DB
	areas  map[string]area
	fields map[string]bool

	mu     sync.Mutex
	counts Counts
}

func (l *loader) proposer() db.Principal {
	return db.Principal{Role: db.Jobs, Kind: "job", Actor: l.o.Proposer}
}

// prepare writes the areas that are missing and finds which fields there are.
func (l *loader) prepare(tx db.Tx) error {
	if err := addAreas(tx, l.o.Country.Areas()); err != nil {
		return err
	}
	var areas []struct {
		Code  string `db:"code"`
		ID    db.ID  `db:"id"`
		Place string `db:"place"`
	}
	if err := tx.Select(&areas, `select code, id, place from area`); err != nil {
		return err
	}
	for _, a := range areas {
		l.areas[a.Code] = newArea(a.ID, a.Place)
	}
	var fields []string
	if err := tx.Select(&fields, `select distinct subject || '.' || code from field_definition where published_at is not null and retired_at is null`); err != nil {
		return err
	}
	for _, f := range fields {
		l.fields[f] = true
	}
	return nil
}

// addAreas adds the areas whose codes are not there, level by level.
func addAreas(tx db.Tx, areas []seed.Area) error {
	type row struct {
		ID     db.ID             `json:"id"`
		Code   string            `json:"code"`
		Kind   string            `json:"kind"`
		Parent string            `json:"parent"`
		Name   map[string]string `json:"name"`
	}
	var levels [6][]row
	for _, a := range areas {
		levels[a.Level] = append(levels[a.Level], row{tx.NewID(), a.Code, a.Kind, a.Parent, a.Name})
	}
	for level, rows := range levels {
		if rows == nil {
			break
		}
		raw, err := json.Marshal(rows)
		if err != nil {
			return err
		}
		if err := tx.Exec(`
			insert into area (id, code, level, kind, parent_id, name)
			select r.id, r.code, $1, r.kind, p.id, r.name
			from jsonb_to_recordset($2) r (id uuid, code text, kind text, parent text, name jsonb)
			left join area p on p.code = r.parent
			on conflict (code) do nothing`, level, string(raw)); err != nil {
			return err
		}
	}
	return nil
}

// run writes the batches, several at once.
func (l *loader) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	batches := make(chan int)
	var work sync.WaitGroup
	for range l.o.Workers {
		work.Go(func() {
			for first := range batches {
				if err := l.batch(ctx, first); err != nil {
					stop(fmt.Errorf("households from %d: %w", first, err))
				}
			}
		})
	}
	for first := 0; first < l.o.Country.Config().Households && ctx.Err() == nil; first += l.o.Batch {
		select {
		case batches <- first:
		case <-ctx.Done():
		}
	}
	close(batches)
	work.Wait()
	return context.Cause(ctx)
}

// batch writes the households from one on, and then what happened to them, in
// one transaction: all of it is there, or none.
func (l *loader) batch(ctx context.Context, first int) error {
	c := l.o.Country
	last := min(first+l.o.Batch, c.Config().Households)
	var n Counts
	err := l.db.WithTx(ctx, l.proposer(), func(tx db.Tx) error {
		var there bool
		id := c.HouseholdID(first)
		if err := tx.Get(&there, `select exists (select from household where id = $1)`, id); err != nil {
			return err
		}
		if there {
			n.Skipped = last - first
			return nil
		}
		if err := tx.Exec(`set local work_mem = '64MB'`); err != nil { // the check of the items that are written holds all of them
			return err
		}
		items, events, people, err := l.items(tx, first, last, &n)
		if err != nil {
			return err
		}
		if err := tell(tx, people); err != nil {
			return err
		}
		if err := l.change(tx, items); err != nil || len(events) == 0 {
			return err
		}
		if err := tx.Exec(`drop table said_new`); err != nil {
			return err
		}
		return l.change(tx, events)
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Households += n.Households
	l.counts.People += n.People
	l.counts.Twice += n.Twice
	l.counts.Events += n.Events
	l.counts.Skipped += n.Skipped
	if l.o.Progress != nil {
		l.o.Progress(l.counts)
	}
	return nil
}

// items makes the registrations of a batch, how those in it are found, and the
// changes since.
func (l *loader) items(tx db.Tx, first, last int, n *Counts) (items, events []registry.Item, people []said, err error) {
	c := l.o.Country
	source := c.Source(first)
	if err := tx.Exec(`insert into source (id, kind, at, label) values ($1, $2, $3, $4)`,
		source, registry.SourceImport, tx.Now(), fmt.Sprintf("daftar seed --rand %d", c.Config().Seed)); err != nil {
		return nil, nil, nil, err
	}
	e, s := newEncoder(l.fields, source), newSayer()
	items = make([]registry.Item, 0, 6*(last-first))
	for i := first; i < last; i++ {
		h := c.Household(i)
		n.Households++
		n.People += len(h.People)
		for _, p := range h.Pairs {
			if p.Same {
				n.Twice++
			}
		}
		n.Events += len(h.Events)
		items = append(items, registry.Item{Kind: registry.KindHousehold, Subject: h.ID, Data: e.household(&h, l.areas[h.Area].id)})
		s.homes[h.ID] = l.areas[h.Area]
		for j := range h.People {
			one, ok := s.say(&h.People[j])
			if !ok {
				return nil, nil, nil, fmt.Errorf("%s does not live in the households made up before", h.People[j].Ref)
			}
			people = append(people, one)
			items = append(items, registry.Item{Kind: registry.KindPerson, Subject: h.People[j].ID, Data: e.person(&h.People[j])})
		}
		for _, event := range h.Events {
			events = append(events, l.event(e, &h, event))
			if event.Kind == seed.EventBorn {
				n.People++
			}
		}
	}
	return items, events, people, nil
}

func (l *loader) event(e *encoder, h *seed.Household, event seed.Event) registry.Item {
	switch event.Kind {
	case seed.EventMoved:
		return registry.Item{Kind: registry.KindHousehold, Subject: h.ID, BaseVersion: 1, Data: e.household(h, l.areas[event.Area].id)}
	case seed.EventBorn:
		return registry.Item{Kind: registry.KindPerson, Subject: event.Person.ID, Data: e.person(event.Person)}
	}
	return registry.Item{Kind: registry.KindPerson, Subject: event.Person.ID, BaseVersion: 1, Data: e.person(event.Person)}
}

// change proposes and applies items. Both officers are the seeder's: it tells
// the database which of the two acts, and the database holds it to that.
func (l *loader) change(tx db.Tx, items []registry.Item) error {
	id, err := registry.Propose(tx, registry.OriginBatch, items)
	if err != nil {
		return err
	}
	if err := act(tx, l.o.Approver); err != nil {
		return err
	}
	if err := registry.Approve(tx, id); err != nil {
		return err
	}
	if err := registry.Apply(tx, id); err != nil {
		return err
	}
	if err := audit.Write(tx, audit.Event{Action: "seed.applied", SubjectKind: "change", Subject: id, Change: id,
		Detail: map[string]any{"records": len(items)}}); err != nil {
		return err
	}
	return act(tx, l.o.Proposer)
}

func act(tx db.Tx, actor db.ID) error {
	return tx.Exec(`select set_config('daftar.actor', $1, true)`, actor.String())
}
