package db_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
)

var update = flag.Bool("update", false, "write testdata anew")

// grantsSQL lists what each role may do, from PostgreSQL's own catalogues.
const grantsSQL = `
with granted as (
	select c.oid, n.nspname, c.relname, x.grantee, lower(x.privilege_type) as privilege, null::text as col
	from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) x
	where n.nspname in ('public', 'river', 'seal') and c.relkind in ('r', 'p', 'v', 'm', 'S')
	union all
	select c.oid, n.nspname, c.relname, x.grantee, lower(x.privilege_type), a.attname
	from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace, aclexplode(a.attacl) x
	where n.nspname in ('public', 'river', 'seal') and a.attnum > 0
),
each as (
	select case nspname when 'public' then '' else nspname || '.' end || relname as what, grantee,
	       privilege || coalesce(' (' || string_agg(col, ', ' order by col) || ')', '') as may,
	       array_position(array['select', 'insert', 'update', 'delete'], privilege) as place
	from granted group by nspname, relname, grantee, privilege
	union all
	select p.oid::regprocedure::text, x.grantee, 'execute' || case when p.prosecdef then ' as the owner' else '' end, 9
	from pg_proc p join pg_namespace n on n.oid = p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
	where n.nspname = 'public' and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
	union all
	select c.relname, r.oid, case when p.polname = r.rolname || '_context'
	    then 'for ' || coalesce((select string_agg(m[1], ' or ') from regexp_matches(pg_get_expr(p.polqual, p.polrelid), '''([a-z]+)''', 'g') m), 'any principal')
	    else 'only rows with ' || pg_get_expr(p.polqual, p.polrelid) end, 10
	from pg_policy p join pg_class c on c.oid = p.polrelid join pg_roles r on r.oid = any(p.polroles)
	where pg_get_expr(p.polqual, p.polrelid) is distinct from 'true'
)
select coalesce(r.rolname, 'everybody') as role, what, string_agg(may, ', ' order by place, may) as may
from each left join pg_roles r on r.oid = grantee
where r.rolname is distinct from $1
group by r.rolname, what order by r.rolname nulls first, what`

// The whole of who may do what in the database, as one file to review.
func TestGrants(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	conn, err := pgx.Connect(t.Context(), d.URL(localpg.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), grantsSQL, db.Owner)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var role, what, may, last string
	if _, err := pgx.ForEachRow(rows, []any{&role, &what, &may}, func() error {
		if role != last {
			fmt.Fprintf(&b, "\n%s\n", role)
			last = role
		}
		fmt.Fprintf(&b, "    %s: %s\n", what, may)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/grants.txt", strings.TrimPrefix(b.String(), "\n"))
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the database says; if that is meant, run the test with -update and review the difference:\n%s", file, got)
	}
}

// What grants.txt says in a list, tried.
func TestWebRolesWriteNoRecords(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, role := range []db.Role{db.Citizen, db.Staff, db.Issuer, db.API, db.Auditor} {
		for _, table := range []string{"person", "household", "membership", "identifier", "record_version", "area", "field_definition", "programme_rule", "staff_role", "setting"} {
			if role == db.Staff && table == "field_definition" {
				continue // the office writes drafts; registry/fields tries what it may not
			}
			for _, statement := range []string{"insert into %s default values", "delete from %s", "truncate %s", "alter table %s disable trigger all", "drop table %s"} {
				statement = fmt.Sprintf(statement, table)
				if err := d.WithTx(t.Context(), db.Principal{Role: role}, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil ||
					!strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), "must be owner") {
					t.Errorf("%s: %s: %v", role, statement, err)
				}
			}
		}
	}
}

// A site sees and makes sessions of its own audience alone.
func TestSessionsOfTheOtherSite(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	in := func(role db.Role, fn func(db.Tx) error) error {
		return d.WithTx(t.Context(), db.Principal{Role: role}, fn)
	}
	if err := in(db.Jobs, func(tx db.Tx) error {
		for _, statement := range []string{
			`insert into identity_provider (id, issuer) values ('x', 'http://x.example')`,
			`insert into account (id, provider, sub, created_at) values ('00000000-0000-0000-0000-000000000001', 'x', 'a', '2026-03-02')`,
			`insert into staff (id, provider, sub, name) values ('00000000-0000-0000-0000-000000000001', 'x', 'a', 'A')`,
		} {
			if err := tx.Exec(statement); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	start := func(audience string) func(db.Tx) error {
		column := map[string]string{"portal": "account_id", "admin": "staff_id"}[audience]
		return func(tx db.Tx) error {
			return tx.Exec(`
				insert into session (id, token_hash, audience, `+column+`, auth_time, created_at, seen_at, expires_at)
				values (gen_random_uuid(), sha256($1::text::bytea), $1, '00000000-0000-0000-0000-000000000001', $2, $2, $2, $2)`, audience, tx.Now())
		}
	}
	for role, own := range map[db.Role]string{db.Citizen: "portal", db.Staff: "admin"} {
		if err := in(role, start(own)); err != nil {
			t.Fatal(role, err)
		}
	}
	for role, other := range map[db.Role]string{db.Citizen: "admin", db.Staff: "portal"} {
		if in(role, start(other)) == nil {
			t.Errorf("%s made a session of %s", role, other)
		}
		if err := in(role, func(tx db.Tx) error {
			var audiences []string
			err := tx.Select(&audiences, `select audience from session`)
			if len(audiences) != 1 || audiences[0] == other {
				t.Errorf("%s sees %v", role, audiences)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n, err := revokeAll(in, role); err != nil || n != 1 {
			t.Errorf("%s ended %d sessions, %v", role, n, err)
		}
	}
	for _, role := range []db.Role{db.Issuer, db.API, db.Auditor} {
		if in(role, func(tx db.Tx) error { return tx.Exec(`select 1 from session`) }) == nil {
			t.Error(role, " reads sessions")
		}
	}
}

func revokeAll(in func(db.Role, func(db.Tx) error) error, role db.Role) (n int64, err error) {
	err = in(role, func(tx db.Tx) (err error) {
		n, err = tx.Count(`update session set revoked_at = $1`, tx.Now())
		return err
	})
	return n, err
}
