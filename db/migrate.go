package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"daftar/db/migrations"
)

// Owner is the role that owns the schema on a private server. On a server that
// somebody else runs, it is whoever DAFTAR_DATABASE_URL logs in as.
const Owner = "daftar_owner"

// RiverSchema holds river's tables, apart from the registry's.
const RiverSchema = "river"

// Searcher owns the search functions: nobody logs in as it, and it alone may
// read what people are found by. The schema's owner is a member, to give the
// functions to it.
const Searcher = "daftar_search"

// EnsureRoles creates the process roles that are missing. Roles belong to the
// whole server: two migrations at once are welcome to try. A private server's
// superuser names the owner that it makes them for.
func EnsureRoles(ctx context.Context, url string, owners ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return redact(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	names := append([]string{Searcher}, owners...)
	for _, r := range Roles() {
		names = append(names, r.Login())
	}
	for _, name := range names {
		var there bool
		if err := conn.QueryRow(ctx, `select exists (select from pg_roles where rolname = $1)`, name).Scan(&there); err != nil {
			return err
		}
		if there {
			continue
		}
		login := " login"
		if name == Searcher {
			login = " nologin"
		}
		_, err := conn.Exec(ctx, "create role "+pgx.Identifier{name}.Sanitize()+login)
		var pg *pgconn.PgError
		switch {
		case err == nil:
		case errors.As(err, &pg) && (pg.Code == "42710" || pg.Code == "23505"): // made at this moment
		case errors.As(err, &pg) && pg.Code == "42501":
			return fmt.Errorf("the role %s is missing and this login may not create it: "+
				"ask the database's administrator for it (docs/deployment.md lists all of them)", name)
		default:
			return err
		}
	}
	if len(owners) == 0 {
		owners = []string{conn.Config().User}
	}
	for _, owner := range owners {
		var member bool
		if err := conn.QueryRow(ctx, `select pg_has_role($1, $2, 'member')`, owner, Searcher).Scan(&member); err != nil || member {
			return err
		}
		if _, err := conn.Exec(ctx, "grant "+Searcher+" to "+pgx.Identifier{owner}.Sanitize()); err != nil {
			return fmt.Errorf("%s must be a member of %s (docs/deployment.md): %w", owner, Searcher, err)
		}
	}
	return nil
}

// Own makes role the owner of database, which lets it create what the
// migrations need without being a superuser.
func Own(ctx context.Context, superuserURL, database, role string) error {
	conn, err := pgx.Connect(ctx, superuserURL)
	if err != nil {
		return redact(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, statement := range []string{
		"alter database " + pgx.Identifier{database}.Sanitize() + " owner to " + pgx.Identifier{role}.Sanitize(),
		"alter schema public owner to " + pgx.Identifier{role}.Sanitize(),
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// Migrate brings the schema to this program's version. It holds a lock, so
// that several copies may start at once. It returns how many files ran.
func Migrate(ctx context.Context, url string) (int, error) {
	conf, err := pgx.ParseConfig(url)
	if err != nil {
		return 0, redact(err)
	}
	conf.RuntimeParams["application_name"] = "daftar-migrate"
	conf.RuntimeParams["lock_timeout"] = "30s"
	lock, err := pgx.ConnectConfig(ctx, conf)
	if err != nil {
		return 0, redact(err)
	}
	defer func() { _ = lock.Close(ctx) }()
	if _, err := lock.Exec(ctx, `set lock_timeout = 0; select pg_advisory_lock(4276215469)`); err != nil {
		return 0, err
	}
	if encoding := lock.PgConn().ParameterStatus("server_encoding"); encoding != "UTF8" {
		return 0, fmt.Errorf("the database's encoding is %s; make it anew with: create database ... encoding 'UTF8' template template0", encoding)
	}
	pool := stdlib.OpenDB(*conf)
	defer func() { _ = pool.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, migrations.FS)
	if err != nil {
		return 0, err
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return len(done), err
	}
	if _, err := lock.Exec(ctx, `select protect_tables()`); err != nil {
		return len(done), fmt.Errorf("row security: %w", err)
	}
	if _, err := lock.Exec(ctx, `select find_index('person_search'), find_index('dedup_record')`); err != nil {
		return len(done), fmt.Errorf("indexes: %w", err)
	}
	return len(done), migrateRiver(ctx, url)
}

func migrateRiver(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return redact(err)
	}
	defer pool.Close()
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema})
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// SchemaVersion returns the version of the schema in the database and the one
// this program expects.
func SchemaVersion(ctx context.Context, url string) (have, want int64, err error) {
	conf, err := pgx.ParseConfig(url)
	if err != nil {
		return 0, 0, redact(err)
	}
	pool := stdlib.OpenDB(*conf)
	defer func() { _ = pool.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, migrations.FS)
	if err != nil {
		return 0, 0, err
	}
	have, err = provider.GetDBVersion(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	sources := provider.ListSources()
	return have, sources[len(sources)-1].Version, err
}

// SchemaName identifies the migrations, for naming a template database.
func SchemaName() string {
	h := fnv.New64a()
	names, _ := fs.Glob(migrations.FS, "*.sql")
	for _, name := range names {
		b, _ := fs.ReadFile(migrations.FS, name)
		_, _ = h.Write(b)
	}
	return fmt.Sprintf("daftar_template_%x", h.Sum64())
}
