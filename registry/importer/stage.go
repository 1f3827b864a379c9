package importer

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/audit"
)

// File is one file to read.
type File struct {
	Name string
	Body io.Reader
}

// Options of an import.
type Options struct {
	Mapping    *Mapping
	Households File
	People     File
	SkipBad    bool          // load what is right; otherwise one bad row refuses the whole
	DryRun     bool          // check and count, write nothing
	Bad        func(Problem) // told of every problem as it is found
	// Left is told of every line that SkipBad leaves out, as it is in its file,
	// and of both headers before the first: what can be corrected and loaded
	// again.
	Left     func(file string, line []byte)
	Progress func(rows int) // told now and then how many rows were read
}

// Counts is what an import found.
type Counts struct {
	Households int `json:"households"` // in the files
	People     int `json:"people"`
	Rejected   int `json:"rejected"` // rows left out
	Added      int `json:"added"`    // households and people new to the registry
	Changed    int `json:"changed"`
	Unchanged  int `json:"unchanged"`
}

// Result is the outcome of staging.
type Result struct {
	Counts   Counts
	Problems int
	Batch    string // reference; "" when nothing was staged
}

// Stage reads the files, checks every row and stores what is new or different
// as one proposed change, to be approved by somebody else. Unless SkipBad is
// set, one problem refuses everything: nothing is written, and
// Result.Problems says how many there were.
func Stage(ctx context.Context, d *db.DB, who db.Principal, o Options) (Result, error) {
	s := &staging{o: o, homes: map[string]*home{}, people: map[string]struct{}{}, digest: sha256.New()}
	var out Result
	err := d.WithTx(ctx, who, func(tx db.Tx) error {
		if err := s.read(tx); err != nil {
			return err
		}
		if s.problems > 0 && !o.SkipBad {
			return errRefused
		}
		batch, err := s.propose(tx)
		if err != nil {
			return err
		}
		out.Batch = batch
		if o.DryRun {
			return errRefused // everything up to here was only to count
		}
		return nil
	})
	out.Counts, out.Problems = s.counts, s.problems
	if errors.Is(err, errRefused) {
		out.Batch, err = "", nil
	}
	return out, err
}

// errRefused rolls back without being an error to the caller.
var errRefused = errors.New("refused")

type staging struct {
	o        Options
	reader   *reader
	homes    map[string]*home
	people   map[string]struct{}
	headers  [2][]byte
	areaIDs  map[string]db.ID
	newAreas []areaRow
	digest   interface {
		io.Writer
		Sum([]byte) []byte
	}
	counts   Counts
	problems int
	rows     int
}

// home is what has to be known of a household until the people file is read.
type home struct {
	line     int
	size     int // -1: not said
	people   int
	head     bool
	rejected bool // the household itself
	missing  bool // somebody in it was rejected
	absent   bool // not in the file: it has to be in the registry
}

func (s *staging) bad(p Problem) {
	s.problems++
	if s.o.Bad != nil {
		s.o.Bad(p)
	}
}

// leave leaves a line out.
func (s *staging) leave(file string, line []byte) {
	s.counts.Rejected++
	if s.o.Left == nil {
		return
	}
	if s.counts.Rejected == 1 {
		s.o.Left(s.o.Households.Name, s.headers[0])
		s.o.Left(s.o.People.Name, s.headers[1])
	}
	s.o.Left(file, line)
}

func (s *staging) tick() {
	s.rows++
	if s.o.Progress != nil && s.rows%1000 == 0 {
		s.o.Progress(s.rows)
	}
}

// read streams both files into a temporary table and checks what spans rows.
func (s *staging) read(tx db.Tx) error {
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return err
	}
	s.reader = newReader(s.o.Mapping, fields)
	if err := s.loadAreas(tx); err != nil {
		return err
	}
	if err := tx.Exec(`
		create temporary table stage (
			kind text not null, key text not null, household text not null, relation text,
			new_id uuid not null, link_id uuid not null, data jsonb not null, line integer not null, raw bytea
		) on commit drop`); err != nil {
		return err
	}
	m := s.o.Mapping
	households, err := openTable(filepath.Base(s.o.Households.Name), io.TeeReader(s.o.Households.Body, s.digest), m.householdColumns(), m.Household.Ignore)
	if err != nil {
		return readable(err)
	}
	people, err := openTable(filepath.Base(s.o.People.Name), io.TeeReader(s.o.People.Body, s.digest), m.personColumns(), m.Person.Ignore)
	if err != nil {
		return readable(err)
	}
	s.headers = [2][]byte{households.raw, people.raw}
	if err := s.copy(tx, households, s.o.Households.Name, s.household); err != nil {
		return err
	}
	if err := s.copy(tx, people, s.o.People.Name, s.person); err != nil {
		return err
	}
	if err := s.checkAbsent(tx, people.file); err != nil {
		return err
	}
	return s.checkHomes(tx, households.file)
}

// readable is an error about a file as a whole, for the operator.
func readable(err error) error { return fault.Wrap(err, fault.Invalid, "import.error.file") }

func (s *staging) loadAreas(tx db.Tx) error {
	var known []struct {
		Code string `db:"code"`
		ID   db.ID  `db:"id"`
	}
	if err := tx.Select(&known, `select code, id from area`); err != nil {
		return err
	}
	s.areaIDs = map[string]db.ID{}
	for _, a := range known {
		s.areaIDs[a.Code] = a.ID
	}
	return nil
}

// areaID is the identity of an area that a row names, given to it now when it
// is new.
func (s *staging) areaID(tx db.Tx, code string) db.ID {
	if id, ok := s.areaIDs[code]; ok {
		return id
	}
	a := s.reader.areas[code]
	if a.Parent != "" {
		s.areaID(tx, a.Parent)
	}
	a.ID = tx.NewID()
	s.areaIDs[code] = a.ID
	s.newAreas = append(s.newAreas, a)
	return a.ID
}

var stageColumns = []string{"kind", "key", "household", "relation", "new_id", "link_id", "data", "line", "raw"}

// copy streams the good rows of a table.
func (s *staging) copy(tx db.Tx, t *table, file string, read func(db.Tx, *table) (*row, error)) error {
	_, err := tx.CopyFrom("stage", stageColumns, pgx.CopyFromFunc(func() ([]any, error) {
		for {
			p, err := t.next()
			if errors.Is(err, io.EOF) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			s.tick()
			if err := tx.Context().Err(); err != nil {
				return nil, err // rows that are all left out never reach the database
			}
			if p != nil {
				s.bad(*p)
				s.leave(file, t.raw)
				continue
			}
			r, err := read(tx, t)
			if err != nil {
				return nil, err
			}
			if r == nil {
				s.leave(file, t.raw)
				continue
			}
			var raw []byte
			if s.o.Left != nil {
				raw = t.raw
			}
			data, err := r.json()
			return []any{r.kind, r.key, r.household, r.relation, [16]byte(tx.NewID()), [16]byte(tx.NewID()), data, int32(t.line), raw}, err
		}
	}))
	return err
}

func (r *row) json() ([]byte, error) {
	if r.home != nil {
		return json.Marshal(r.home)
	}
	return json.Marshal(r.person)
}

func (s *staging) household(tx db.Tx, t *table) (*row, error) {
	s.counts.Households++
	r, problems := s.reader.household(t)
	h := &home{line: t.line, size: -1}
	if column := s.o.Mapping.Household.Size; column != "" && len(problems) == 0 {
		if n, err := strconv.Atoi(strings.TrimSpace(t.get(column))); err == nil && n > 0 {
			h.size = n
		} else {
			problems = append(problems, *problem(t, column, "a household has at least one person"))
		}
	}
	if first, twice := s.homes[r.key]; twice {
		problems = append(problems, *problem(t, s.o.Mapping.Household.Key, fmt.Sprintf("the same household is on line %d", first.line)))
	} else {
		s.homes[r.key] = h
	}
	for _, p := range problems {
		s.bad(p)
	}
	if len(problems) > 0 {
		h.rejected = true
		return nil, nil
	}
	r.home.AreaID = s.areaID(tx, r.area)
	r.home.Ref = registry.NewRef(registry.RefHousehold, tx.Rand())
	return &r, nil
}

func (s *staging) person(tx db.Tx, t *table) (*row, error) {
	s.counts.People++
	r, problems := s.reader.person(t)
	m := s.o.Mapping.Person
	h := s.homes[r.household]
	if h == nil {
		h = &home{absent: true}
		s.homes[r.household] = h
	}
	switch {
	case h.rejected:
		problems = append(problems, *problem(t, m.Household, "the household was rejected"))
	case r.relation == "head" && h.head:
		problems = append(problems, *problem(t, m.Relationship.Column, "the household has a head already"))
	}
	if _, twice := s.people[r.key]; twice {
		problems = append(problems, *problem(t, m.Key, "the household has this person already"))
	}
	for _, p := range problems {
		s.bad(p)
	}
	if len(problems) > 0 {
		h.missing = true
		return nil, nil
	}
	s.people[r.key] = struct{}{}
	h.people++
	h.head = h.head || r.relation == "head"
	r.person.Ref = registry.NewRef(registry.RefPerson, tx.Rand())
	return &r, nil
}

// dropped is a row that was staged before it was found to be wrong.
type dropped struct {
	Household string `db:"household"`
	Relation  string `db:"relation"`
	Line      int    `db:"line"`
	Raw       []byte `db:"raw"`
}

// checkAbsent finds people whose household is neither in the files nor in the
// registry, or has a head there already.
func (s *staging) checkAbsent(tx db.Tx, file string) error {
	keys := s.absent()
	if len(keys) == 0 {
		return nil
	}
	m := s.o.Mapping
	var lost, heads []dropped
	if err := tx.Select(&lost, `
		with gone as (
			delete from stage s where kind = 'person' and household = any($1)
			and not exists (select from identifier i where i.type = $2 and i.value = s.household and i.status <> 'ended')
			returning household, relation, line, raw)
		select household, relation, line, raw from gone order by line`, keys, m.Household.Identifier); err != nil {
		return err
	}
	if err := tx.Select(&heads, `
		with gone as (
			delete from stage s using identifier i, membership h
			where s.kind = 'person' and s.household = any($1) and s.relation = 'head'
			and i.type = $2 and i.value = s.household and i.status <> 'ended'
			and h.household_id = i.subject_id and h.relationship = 'head' and h.end_date is null
			and not exists (select from identifier x join stage o on o.kind = 'person' and o.key = x.value
			                where x.subject_id = h.person_id and x.type = $3)
			returning s.household, s.relation, s.line, s.raw)
		select household, relation, line, raw from gone order by line`, keys, m.Household.Identifier, m.Person.Identifier); err != nil {
		return err
	}
	for _, d := range lost {
		s.drop(d, s.o.People.Name, Problem{File: file, Line: d.Line, Column: m.Person.Household, Value: d.Household, Rule: "there is no such household"})
	}
	for _, d := range heads {
		s.drop(d, s.o.People.Name, Problem{File: file, Line: d.Line, Column: m.Person.Relationship.Column, Value: d.Relation, Rule: "the household has a head already"})
	}
	return nil
}

// absent lists the households that people name and the file does not have.
func (s *staging) absent() []string {
	keys := []string{}
	for key, h := range s.homes {
		if h.absent {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s *staging) drop(d dropped, file string, p Problem) {
	s.bad(p)
	s.leave(file, d.Raw)
}

// checkHomes finds households with nobody in them, or not as many as they say.
func (s *staging) checkHomes(tx db.Tx, file string) error {
	empty := []string{}
	for _, key := range slices.SortedFunc(maps.Keys(s.homes), func(a, b string) int { return s.homes[a].line - s.homes[b].line }) {
		switch h := s.homes[key]; {
		case h.rejected || h.absent:
		case h.people == 0:
			empty = append(empty, key)
		case h.size >= 0 && h.people != h.size && !h.missing:
			s.bad(Problem{File: file, Line: h.line, Column: s.o.Mapping.Household.Size, Value: fmt.Sprint(h.size),
				Rule: fmt.Sprintf("the people file has %d people in it", h.people)})
		}
	}
	if len(empty) == 0 {
		return nil
	}
	var gone []dropped
	if err := tx.Select(&gone, `
		with gone as (delete from stage where kind = 'household' and household = any($1) returning household, line, raw)
		select household, line, raw from gone order by line`, empty); err != nil {
		return err
	}
	for _, d := range gone {
		s.drop(d, s.o.Households.Name, Problem{File: file, Line: d.Line, Column: s.o.Mapping.Household.Key, Value: d.Household, Rule: "nobody lives in this household"})
	}
	return nil
}

// propose compares the staged rows with the registry and stores what is new or
// different as a change.
func (s *staging) propose(tx db.Tx) (string, error) {
	source, err := registry.AddSource(tx, registry.SourceImport, nil, filepath.Base(s.o.Households.Name)+", "+filepath.Base(s.o.People.Name))
	if err != nil {
		return "", err
	}
	change, err := registry.Propose(tx, registry.OriginBatch, nil)
	if err != nil {
		return "", err
	}
	if err := s.resolve(tx); err != nil {
		return "", err
	}
	if err := s.items(tx, change, source); err != nil {
		return "", err
	}
	state := "staged"
	if s.counts.Added+s.counts.Changed == 0 {
		state = "unchanged"
	}
	counts, err := json.Marshal(s.counts)
	if err != nil {
		return "", err
	}
	areas, err := json.Marshal(s.newAreas)
	if err != nil {
		return "", err
	}
	if s.newAreas == nil {
		areas = []byte("[]")
	}
	ref, id := registry.NewRef(registry.RefBatch, tx.Rand()), tx.NewID()
	if err := tx.Exec(`
		insert into import_batch (id, ref, kind, files, digest, state, change_id, counts, areas, created_at)
		values ($1, $2, 'households', $3, $4, $5, $6, $7, $8, $9)`,
		id, ref, []string{filepath.Base(s.o.Households.Name), filepath.Base(s.o.People.Name)}, s.digest.Sum(nil), state, change,
		string(counts), string(areas), tx.Now()); err != nil {
		return "", err
	}
	return ref, audit.Write(tx, audit.Event{Action: "import.staged", SubjectKind: "batch", Subject: id, Change: change, Detail: map[string]any{"counts": s.counts}})
}

// resolve finds the record that each row is about: the one with the same
// identifier, or a new one.
func (s *staging) resolve(tx db.Tx) error {
	for _, statement := range []string{
		`analyze stage (kind, key, household)`,
		`create temporary table resolved on commit drop as
		 select s.kind, s.key, s.household, s.relation, s.link_id, s.data,
		        coalesce(i.subject_id, s.new_id) as subject_id, coalesce(v.version, 0) as version, v.data as old
		 from stage s
		 left join identifier i on i.value = s.key and i.status <> 'ended'
		      and i.type = case s.kind when 'household' then '` + quoteIdent(s.o.Mapping.Household.Identifier) + `' else '` + quoteIdent(s.o.Mapping.Person.Identifier) + `' end
		 left join lateral (select r.version, r.data from record_state r where r.subject_id = i.subject_id order by r.version desc limit 1) v on true`,
		`create index on resolved (kind, household)`,
		`analyze resolved (kind, household, subject_id, version)`,
		`create temporary table home (household text, id uuid) on commit drop`,
	} {
		if err := tx.Exec(statement); err != nil {
			return err
		}
	}
	if err := tx.Exec(`
		insert into home
		select household, subject_id from resolved where kind = 'household' union all
		select value, subject_id from identifier where type = $1 and value = any($2) and status <> 'ended'`,
		s.o.Mapping.Household.Identifier, s.absent()); err != nil {
		return err
	}
	return tx.Exec(`analyze home`)
}

// codes lists the fields that columns are mapped to.
func codes(mapped map[string]Value) []string { return slices.AppendSeq([]string{}, maps.Keys(mapped)) }

// says lists what a record is told by an age.
func (a AgeMapping) says() []string {
	if a.Years == "" {
		return []string{}
	}
	return []string{"birth_from", "birth_to"}
}

// quoteIdent keeps an identifier type to the characters that types have.
func quoteIdent(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			out = append(out, r)
		}
	}
	return string(out)
}

// items writes the change's items: the records that are new or differ. A record
// keeps its reference, its identifiers and its earlier households.
func (s *staging) items(tx db.Tx, change, source db.ID) error {
	from, err := json.Marshal(map[string]registry.Provenance{"provenance": {"*": source}})
	if err != nil {
		return err
	}
	today := tx.Now().Format(time.DateOnly)
	var total int
	if err := tx.Get(&total, `select count(*) from resolved`); err != nil {
		return err
	}
	added, err := tx.Count(`
		insert into change_item (change_id, seq, kind, subject_id, base_version, reason, data)
		select $1, row_number() over (), r.kind, r.subject_id, 0, 'imported',
		       r.data || $2::jsonb
		       || jsonb_build_object('identifiers', jsonb_build_array(jsonb_build_object(
		            'type', case r.kind when 'household' then $3::text else $4 end, 'value', r.key, 'status', 'unverified') || $2::jsonb))
		       || case r.kind when 'household' then '{}' else jsonb_build_object('memberships', jsonb_build_array(jsonb_build_object(
		            'id', r.link_id, 'household_id', h.id, 'relationship', r.relation, 'start_date', $5::text))) end
		from resolved r left join home h on r.kind = 'person' and h.household = r.household
		where r.version = 0`,
		change, string(from), s.o.Mapping.Household.Identifier, s.o.Mapping.Person.Identifier, today)
	if err != nil {
		return err
	}
	// What the files say replaces what was there, also by nothing; what no column
	// is mapped to stays. A value has this import as its source where it changed.
	// A person who moved, or whose place in the household is another now, gets a
	// new membership; the old one ends.
	changed, err := tx.Count(`
		insert into change_item (change_id, seq, kind, subject_id, base_version, reason, data)
		select $1, $2 + row_number() over (), r.kind, r.subject_id, r.version, 'imported', n.next
		       || jsonb_build_object('provenance', r.old->'provenance' || coalesce((
		            select jsonb_object_agg(case e.key when 'area_id' then 'area' when 'birth_from' then 'birth' when 'birth_to' then 'birth' else e.key end, $3::uuid)
		            from jsonb_each(n.values) e where e.value is distinct from n.before->e.key), '{}'))
		       || case when r.kind = 'household' or m.id is not null then '{}' else jsonb_build_object('memberships',
		            (select coalesce(jsonb_agg(case when e ? 'end_date' or coalesce(e->>'tie', 'usual') <> 'usual' then e else e || jsonb_build_object('end_date', $4::text, 'end_reason', 'moved') end), '[]')
		             from jsonb_array_elements(r.old->'memberships') e)
		            || jsonb_build_array(jsonb_build_object('id', r.link_id, 'household_id', h.id, 'relationship', r.relation, 'start_date', $4::text))) end
		from resolved r
		cross join lateral (select
			r.data - '{ref,provenance,fields}'::text[] as plain,
			coalesce(r.old->'fields', '{}') as kept,
			case r.kind when 'household' then $5::text[] else $6::text[] end as mapped) p
		cross join lateral (select
			r.old - $7::text[] || p.plain || jsonb_build_object('fields', p.kept - p.mapped || coalesce(r.data->'fields', '{}')) as next,
			p.plain || coalesce(r.data->'fields', '{}') as values,
			r.old || p.kept as before) n
		left join home h on r.kind = 'person' and h.household = r.household
		left join membership m on m.person_id = r.subject_id and m.household_id = h.id and m.relationship = r.relation and m.end_date is null and m.tie = 'usual'
		where r.version > 0
		  and (n.next is distinct from r.old || jsonb_build_object('fields', p.kept) or (r.kind = 'person' and m.id is null))`,
		change, added, source, today, codes(s.o.Mapping.Household.Fields), codes(s.o.Mapping.Person.Fields), s.o.Mapping.Person.Age.says())
	s.counts.Added, s.counts.Changed, s.counts.Unchanged = int(added), int(changed), total-int(added+changed)
	return err
}
