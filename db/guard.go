package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"daftar/db/localpg"
)

// Check refuses a database in which people's data would not be safe: where a
// login of the pools may pass by row security, where a table has none, where what
// was committed may be lost, or where the server's log would hold it.
func (d *DB) Check(ctx context.Context) error {
	var found []error
	for _, role := range Roles() {
		wrong, err := d.faults(ctx, role, loginSQL, role.Login(), Searcher)
		if err != nil {
			return err
		}
		found = append(found, wrong...)
		unsafe, err := d.faults(ctx, role, durableSQL, localpg.Throwaway)
		if err != nil {
			return err
		}
		loud, err := d.faults(ctx, role, loudSQL)
		if err != nil {
			return err
		}
		for _, w := range append(unsafe, loud...) {
			found = append(found, fmt.Errorf("role %s: %w", role.Login(), w))
		}
	}
	wrong, err := d.faults(ctx, Jobs, tableSQL, RiverSchema)
	if err != nil {
		return err
	}
	if found = append(found, wrong...); len(found) == 0 {
		return nil
	}
	return fmt.Errorf("the database is not safe to serve from (docs/deployment.md):\n%w", errors.Join(found...))
}

func (d *DB) faults(ctx context.Context, role Role, query string, args ...any) (found []error, err error) {
	var lines []string
	if err := d.pools[role].SelectContext(ctx, &lines, strings.TrimSpace(query), args...); err != nil {
		return nil, unavailable(err)
	}
	for _, line := range lines {
		found = append(found, errors.New(line))
	}
	return found, nil
}

// loginSQL: $1 the login that the pool should have, $2 the search's owner.
const loginSQL = `
select 'a pool logs in as ' || current_user || ' instead of ' || $1 where current_user <> $1
union all
select case when r.rolname = current_user then 'role ' || r.rolname else 'role ' || current_user || ' is a member of ' || r.rolname || ', which' end
    || case when r.rolsuper then ' is a superuser' else ' has BYPASSRLS' end
from pg_roles r where (r.rolsuper or r.rolbypassrls) and pg_has_role(current_user, r.oid, 'member')
union all
select distinct 'role ' || current_user || ' is a member of ' || r.rolname || ', which owns tables or functions'
from pg_roles r where r.rolname <> current_user and not r.rolsuper and pg_has_role(current_user, r.oid, 'member')
  and (r.rolname = $2 or r.oid in (select relowner from pg_class where relnamespace = 'public'::regnamespace))`

// durableSQL: $1 the name of servers that are thrown away.
const durableSQL = `
select name || ' is off: what was saved could be lost'
from (values ('fsync', current_setting('fsync')), ('full_page_writes', current_setting('full_page_writes')),
             ('synchronous_commit', current_setting('synchronous_commit'))) s (name, value)
where value = 'off' and current_setting('cluster_name') <> $1`

// loudSQL: what makes the server write people's data into its log, beside a
// statement that failed, was slow or is logged anyway.
const loudSQL = `
select 'log_error_verbosity is ' || v || ', not terse: the server''s log would hold what people typed'
from current_setting('log_error_verbosity') v where v <> 'terse'
union all
select 'log_parameter_max_length_on_error is ' || v || ', not 0: the server''s log would hold what people typed'
from current_setting('log_parameter_max_length_on_error') v where v <> '0'`

// tableSQL: $1 river's schema. Its tables and goose's have no row security and
// are closed to the sites by grants.
const tableSQL = `
select 'table ' || c.relname || case when c.relrowsecurity and c.relforcerowsecurity then ' has no policy' else ' does not force row security' end
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'goose_db_version'
  and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))
union all
select 'view ' || c.relname || ' does not keep to what its reader may see'
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm') and not coalesce(c.reloptions @> '{security_invoker=true}', false)
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
union all
select 'role ' || r.rolname || ' may use table ' || c.oid::regclass
from pg_class c join pg_namespace n on n.oid = c.relnamespace, pg_roles r
where c.relkind in ('r', 'p') and (n.nspname = $1 or c.relname = 'goose_db_version')
  and r.rolname in ('daftar_citizen', 'daftar_staff', 'daftar_issuer', 'daftar_api', 'daftar_auditor')
  and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete')`
