package db_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
)

// A login of its own, without a principal: what a statement would see that
// passed by db.View.
func raw(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

// Every table and view that a role may read holds rows, and none of them is seen
// before a principal is set, nor after its transaction.
func TestNoPrincipalNoRows(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	super := raw(t, d.URL(localpg.Superuser))
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := super.Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(statement, ": ", err)
		}
	}
	// A row in each table, whatever its rules are.
	exec(`set session_replication_role = replica`)
	tables := fill(t, super)
	read, seen := 0, 0
	for _, role := range db.Roles() {
		conn := raw(t, d.URL(role.Login()))
		for _, table := range tables {
			var columns *string
			if err := super.QueryRow(t.Context(), `
				select string_agg(quote_ident(attname), ', ') from pg_attribute
				where attrelid = $1::regclass and attnum > 0 and not attisdropped and has_column_privilege($2, attrelid, attnum, 'select')`, table, role.Login()).Scan(&columns); err != nil {
				t.Fatal(err)
			}
			if columns == nil {
				continue
			}
			read++
			count := func() (n int) {
				t.Helper()
				if err := conn.QueryRow(t.Context(), `select count(*) from (select `+*columns+` from `+table+`) x`).Scan(&n); err != nil {
					t.Errorf("%s reads %s: %v", role, table, err)
				}
				return n
			}
			if n := count(); n != 0 {
				t.Errorf("%s without a principal sees %d rows of %s", role, n, table)
			}
			if _, err := conn.Exec(t.Context(), `begin; set local daftar.kind = 'job'; set local daftar.actor = '00000000-0000-0000-0000-000000000001'`); err != nil {
				t.Fatal(err)
			}
			seen += count()
			if _, err := conn.Exec(t.Context(), `commit`); err != nil {
				t.Fatal(err)
			}
			if n := count(); n != 0 {
				t.Errorf("%s after its transaction sees %d rows of %s", role, n, table)
			}
		}
	}
	t.Logf("%d reads of %d tables and views; with a principal of the worker %d rows", read, len(tables), seen)
	if read < 300 || seen < 80 {
		t.Errorf("only %d reads, and %d rows with a principal", read, seen)
	}
}

// fill puts a row into every table, by a type's own first value, with its checks
// taken away: what it says matters to nobody here.
func fill(t *testing.T, super *pgx.Conn) []string {
	t.Helper()
	rows, err := super.Query(t.Context(), `
		select c.oid::regclass::text, c.relkind::text from pg_class c
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition and c.relname <> 'goose_db_version'
		  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e') order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	var name, kind string
	kinds := map[string]string{}
	if _, err := pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
		tables, kinds[name] = append(tables, name), kind
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if kinds[table] == "v" {
			continue
		}
		if _, err := super.Exec(t.Context(), `
			do $$ declare c record; cols text; vals text; begin
			  for c in select conname from pg_constraint where conrelid = '`+table+`'::regclass and contype = 'c' loop
			    execute format('alter table `+table+` drop constraint %I', c.conname);
			  end loop;
			  select string_agg(quote_ident(attname), ', '), string_agg(case
			      when y.typcategory = 'A' then '''{}'''
			      when y.typname in ('json', 'jsonb') then '''{}'''
			      when y.typname = 'uuid' then '''00000000-0000-0000-0000-000000000001'''
			      when y.typname in ('timestamptz', 'date') then '''2026-03-02'''
			      when y.typname = 'bool' then 'true'
			      when y.typcategory = 'N' then '1'
			      when y.typname = 'bytea' then '''x'''
			      when y.typname = 'pg_snapshot' then '''1:1:'''
			      when y.typname = 'xid8' then '''1'''
			      when y.typname = 'interval' then '''1 day'''
			      else '''x''' end, ', ') into cols, vals
			  from pg_attribute a join pg_type y on y.oid = a.atttypid
			  where attrelid = '`+table+`'::regclass and attnum > 0 and not attisdropped and attgenerated = '' and attidentity <> 'a' and attnotnull;
			  execute 'insert into `+table+` (' || cols || ') values (' || vals || ') on conflict do nothing';
			end $$`); err != nil {
			t.Fatal(table, ": ", err)
		}
	}
	return tables
}

// A server, a login or a table that is not safe is refused, by name.
func TestUnsafeDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := d.Check(t.Context()); err != nil {
		t.Fatal("the tests' own server: ", err)
	}
	super := raw(t, d.URL(localpg.Superuser))
	for statement, says := range map[string]string{
		`create table loose (id int)`:                    "table loose does not force row security",
		`alter table person no force row level security`: "table person does not force row security",
		`create table closed (id int); alter table closed enable row level security, force row level security`: "table closed has no policy",
		`alter view record_state reset (security_invoker)`:                                                     "view record_state",
		`grant select on goose_db_version to daftar_staff`:                                                     "role daftar_staff may use table goose_db_version",
		`grant usage on schema river to daftar_citizen; grant select on river.river_job to daftar_citizen`:     "role daftar_citizen may use table river.river_job",
	} {
		if _, err := super.Exec(t.Context(), statement); err != nil {
			t.Fatal(statement, ": ", err)
		}
		if err := d.Check(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", statement, err)
		}
	}

	// a log that says what people typed
	loud := dbtest.New(t)
	conn := raw(t, loud.URL(localpg.Superuser))
	for _, setting := range []string{"log_error_verbosity = verbose", "log_parameter_max_length_on_error = -1"} {
		if _, err := conn.Exec(t.Context(), `do $$ begin execute format('alter role daftar_staff in database %I set `+setting+`', current_database()); end $$`); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(setting, " ")
		again, err := db.Open(db.Config{URL: func(r db.Role) string { return loud.URL(r.Login()) }, Clock: loud.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "role daftar_staff: "+name) {
			t.Errorf("%s: %v", setting, err)
		}
		again.Close()
	}
}
