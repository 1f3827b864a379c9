package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/auth"
	"daftar/db"
	"daftar/db/localpg"
	"daftar/demo"
	"daftar/registry/importer"
)

// mappingFile is read from the top of the repository.
const mappingFile = "docs/mappings/survey.yaml"

// imports measures bringing households and people in: staged by one officer,
// applied by another, each run into a fresh copy of the demo.
func (b *bench) imports() error {
	s := b.system
	if err := s.makeTemplate(); err != nil {
		return err
	}
	files := generate(b.plan.people, 1)
	var rows rowSet
	if _, err := b.fresh(func(d *db.DB) error { // warms up, and leaves the rows for the limit
		if _, err := importSurvey(b.ctx, d, files); err != nil {
			return err
		}
		return rows.read(s)
	}); err != nil {
		return err
	}
	persons, records := float64(files.persons), float64(files.persons+files.homes)
	const both = "COPY, then INSERT..SELECT with the same indexes"
	all := b.metric("import, rows", "rows/s", both)
	people := b.metric("import, people", "people/s", both)
	staging := b.metric("  staging", "people/s", "COPY of the same rows into bare tables")
	applying := b.metric("  applying", "people/s", "INSERT..SELECT with the same indexes")
	size := b.metric("  log written", "MB", both)
	const without = "the same pipeline without history and audit"
	bare := b.metric("import, people", "people/s", without)
	own := b.metric("  PostgreSQL's own time", "us a person", without)
	for range b.plan.pairs {
		var limit, ours importTimes
		limitLog, err := b.fresh(func(*db.DB) (err error) { limit, err = rows.write(s); return err })
		if err != nil {
			return err
		}
		var ourTime, plainTime time.Duration
		ourLog, err := b.fresh(func(d *db.DB) (err error) {
			before := s.databaseTime()
			ours, err = importSurvey(b.ctx, d, files)
			ourTime = s.databaseTime() - before
			return err
		})
		if err != nil {
			return err
		}
		var plain importTimes
		if _, err := b.fresh(func(d *db.DB) (err error) {
			if err := s.admin(freshDatabase, forget...); err != nil {
				return err
			}
			before := s.databaseTime()
			plain, err = importSurvey(b.ctx, d, files)
			plainTime = s.databaseTime() - before
			return err
		}); err != nil {
			return err
		}
		all.add(records/ours.total(), records/limit.total())
		people.add(persons/ours.total(), persons/limit.total())
		staging.add(persons/ours.stage.Seconds(), persons/limit.stage.Seconds())
		applying.add(persons/ours.apply.Seconds(), persons/limit.apply.Seconds())
		size.add(ourLog, limitLog)
		bare.add(persons/ours.total(), persons/plain.total())
		own.add(float64(ourTime.Microseconds())/persons, float64(plainTime.Microseconds())/persons)
	}
	return nil
}

// importTimes are how long the two steps took.
type importTimes struct{ stage, apply time.Duration }

func (t importTimes) total() float64 { return (t.stage + t.apply).Seconds() }

// importSurvey stages files and applies them.
func importSurvey(ctx context.Context, d *db.DB, files survey) (importTimes, error) {
	var t importTimes
	officer, err := demo.Staff(ctx, d, "dataquality")
	if err != nil {
		return t, err
	}
	approver, err := demo.Staff(ctx, d, "approver")
	if err != nil {
		return t, err
	}
	mapping, err := readMapping(ctx, d)
	if err != nil {
		return t, err
	}
	start := time.Now()
	result, err := importer.Stage(ctx, d, officer, importer.Options{
		Mapping: mapping,
		Files: []importer.File{
			{Name: "households.csv", Body: bytes.NewReader(files.households), Size: int64(len(files.households))},
			{Name: "people.csv", Body: bytes.NewReader(files.people), Size: int64(len(files.people))},
		},
		Bad: func(p importer.Problem) { say("%s: %s", p.Place(), p.Key) },
	})
	t.stage = time.Since(start)
	if err != nil {
		return t, err
	}
	if result.Counts.Added != files.homes+files.persons {
		return t, fmt.Errorf("%d problems, %d records of %d", result.Problems, result.Counts.Added, files.homes+files.persons)
	}
	start = time.Now()
	err = importer.Apply(ctx, d, approver, result.Batch)
	t.apply = time.Since(start)
	return t, err
}

func readMapping(ctx context.Context, d *db.DB) (*importer.Mapping, error) {
	f, err := os.Open(mappingFile)
	if err != nil {
		return nil, fmt.Errorf("%w (run it from the top of the repository)", err)
	}
	defer func() { _ = f.Close() }()
	var c *importer.Catalogue
	if err := d.View(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) (err error) {
		c, err = importer.LoadCatalogue(tx, nil)
		return err
	}); err != nil {
		return nil, err
	}
	return importer.ReadMapping(f, c)
}

// Databases of the imports.
const (
	templateDatabase = "bench_template"
	freshDatabase    = "bench_import"
)

// makeTemplate makes a database with the demo in it and nobody connected.
func (s *system) makeTemplate() error {
	if s.template {
		return nil
	}
	s.template = true
	if err := s.admin("postgres", `create database `+templateDatabase+` template template0`); err != nil {
		return err
	}
	if err := db.Own(s.ctx, s.pg.URL(superuser, templateDatabase), templateDatabase, db.Owner); err != nil {
		return err
	}
	if _, err := db.Migrate(s.ctx, s.pg.URL(db.Owner, templateDatabase)); err != nil {
		return err
	}
	d, err := s.open(templateDatabase)
	if err != nil {
		return err
	}
	defer d.Close()
	return demo.Seed(s.ctx, d, map[string]string{auth.CitizenProvider: "http://localhost/citizen", auth.StaffProvider: "http://localhost/staff"})
}

// renew makes the fresh database a copy of another that nobody is connected to.
func (s *system) renew(template string) error {
	return s.admin("postgres", `drop database if exists `+freshDatabase+` with (force)`,
		`create database `+freshDatabase+` template `+template+` owner `+db.Owner, `checkpoint`)
}

// fresh does something on a new copy of the template and returns how much log
// it wrote to the disk, in MB. A checkpoint before keeps the copying out of the
// figure.
func (b *bench) fresh(do func(*db.DB) error) (float64, error) {
	s := b.system
	if err := s.renew(templateDatabase); err != nil {
		return 0, err
	}
	d, err := s.open(freshDatabase)
	if err != nil {
		return 0, err
	}
	defer d.Close()
	conn, err := s.as(superuser, "postgres")
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var before, after float64
	const written = `select (pg_current_wal_insert_lsn() - '0/0')::float8 / 1e6`
	if err := conn.QueryRow(s.ctx, written).Scan(&before); err != nil {
		return 0, err
	}
	if err := do(d); err != nil {
		return 0, err
	}
	err = conn.QueryRow(s.ctx, written).Scan(&after)
	return after - before, err
}

// forget makes a copy of the demo keep no history and no audit: what is proposed
// is a passing table without keys, digests, checks or log, what is written has no
// versions, and nobody notes who did it. Everything else is as it is: the same
// program, the same functions, all other rules and indexes.
var forget = []string{
	`drop view record_state cascade`,
	`drop trigger change_item_guard on change_item`,
	`alter table change_item drop column digest cascade, drop constraint change_item_pkey`,
	`do $$ declare c text; begin
		for c in select conname from pg_constraint where conrelid = 'change_item'::regclass and contype = 'c' loop
			execute format('alter table change_item drop constraint %I', c);
		end loop;
	end $$`,
	`alter table change_item set unlogged`,
	`create or replace function change_hash(p_change uuid) returns bytea language sql stable as 'select ''\x00''::bytea'`,
	`create rule forget as on insert to record_version do instead nothing`,
	`create rule forget as on insert to audit_event do instead nothing`,
}

// imported are the tables that an import fills; the records' history is in
// change_item.
var imported = []string{"change_item", "record_version", "household", "person", "membership", "identifier", "contact",
	"household_search", "person_search", "name_word", "dedup_record", "dedup_todo"}

// rowSet is what an import wrote, by table.
type rowSet map[string]tableRows

type tableRows struct {
	columns string // as a list
	rows    []byte // in PostgreSQL's binary form
}

func (r *rowSet) read(s *system) error {
	conn, err := s.as(localpg.Superuser, freshDatabase)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	*r = rowSet{}
	for _, table := range imported {
		var columns string
		if err := conn.QueryRow(s.ctx, `
			select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
			where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and attgenerated = ''`, table).Scan(&columns); err != nil {
			return err
		}
		var b bytes.Buffer
		if _, err := conn.PgConn().CopyTo(s.ctx, &b, `copy `+table+` (`+columns+`) to stdout (format binary)`); err != nil {
			return err
		}
		(*r)[table] = tableRows{columns, b.Bytes()}
	}
	return nil
}

// write is the least that a database has to do to take these rows in: COPY them
// somewhere, then move them into tables with the same indexes, without
// triggers, foreign keys, checks, generated columns or log of who did it. Each
// step commits.
func (r rowSet) write(s *system) (importTimes, error) {
	var t importTimes
	conn, err := s.as(localpg.Superuser, freshDatabase)
	if err != nil {
		return t, err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, table := range imported {
		for _, statement := range []string{
			`create table bare_` + table + ` as select ` + r[table].columns + ` from ` + table + ` limit 0`,
			`create table indexed_` + table + ` (like ` + table + ` including indexes including generated)`,
			`do $$ declare c text; begin
				for c in select attname from pg_attribute where attrelid = 'indexed_` + table + `'::regclass and attnum > 0 and attgenerated <> '' loop
					execute format('alter table indexed_` + table + ` drop column %I', c);
				end loop;
			end $$`,
		} {
			if _, err := conn.Exec(s.ctx, statement); err != nil {
				return t, err
			}
		}
	}
	start := time.Now()
	err = pgx.BeginFunc(s.ctx, conn, func(tx pgx.Tx) error {
		for _, table := range imported {
			if _, err := conn.PgConn().CopyFrom(s.ctx, bytes.NewReader(r[table].rows), `copy bare_`+table+` from stdin (format binary)`); err != nil {
				return err
			}
		}
		return nil
	})
	t.stage = time.Since(start)
	if err != nil {
		return t, err
	}
	start = time.Now()
	err = pgx.BeginFunc(s.ctx, conn, func(tx pgx.Tx) error {
		for _, table := range imported {
			if _, err := tx.Exec(s.ctx, `insert into indexed_`+table+` (`+r[table].columns+`) select `+r[table].columns+` from bare_`+table); err != nil {
				return err
			}
		}
		return nil
	})
	t.apply = time.Since(start)
	return t, err
}
