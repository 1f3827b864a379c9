// Package db is the only way to PostgreSQL: one pool per database role, View
// and WithTx, the outbox and the migrations. It knows no domain type.
package db

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
)

// Role names what a process does in the database. Each logs in as its own
// PostgreSQL role, daftar_<role>, with its own grants.
type Role string

// The process roles.
const (
	Citizen Role = "citizen" // the portal
	Staff   Role = "staff"   // the admin area
	Issuer  Role = "issuer"  // the wallet endpoints
	API     Role = "api"     // other systems
	Jobs    Role = "jobs"    // background work, imports, commands
	Auditor Role = "auditor" // reads the audit log
)

// Roles lists every process role.
func Roles() []Role { return []Role{Citizen, Staff, Issuer, API, Jobs, Auditor} }

// Login is the PostgreSQL role that the process role logs in as.
func (r Role) Login() string { return "daftar_" + string(r) }

// Principal is on whose behalf a transaction runs. Role chooses the pool; the
// rest is set as transaction-local settings that triggers and policies read.
type Principal struct {
	Role      Role
	Kind      string // "citizen", "staff", "wallet", "job" or "anonymous"
	Actor     ID     // account or staff member; zero for wallets, jobs and the anonymous
	ActingFor ID     // the person on whose behalf, where it is not the actor's own doing
	Session   ID     // of a site's sign-in
	Client    string // Client…, as far as it is known
}

// What kind of thing somebody uses: as much as the audit log says of a device,
// which would else be a way to recognise people.
const (
	ClientPhone    = "phone"
	ClientComputer = "computer"
	ClientProgram  = "program"
)

// Config says where the database is.
type Config struct {
	URL   func(Role) string // connection string of each role's login
	Clock func() time.Time
	Rand  io.Reader // crypto/rand when nil
	// Timeout bounds each statement of the web roles; jobs get 100 times as long.
	Timeout time.Duration
	Conns   int // open connections per role
	// Writable is asked before each transaction that may write, and refuses it by
	// its error. nil permits all.
	Writable func(Principal) error
	// Wrapper keeps the keys of what is sealed. Without one, nothing is sealed and
	// nothing sealed is read.
	Wrapper Wrapper
}

// Wrapper wraps data keys under keys that the database never sees: a file
// (seal.Ring), a hardware module, a key service. about is bound to the key and
// must be the same again. It is for concurrent use.
type Wrapper interface {
	Wrap(class string, key, about []byte) (wrapped []byte, under uint32, err error)
	Unwrap(class string, wrapped, about []byte) (key []byte, err error)
}

// DB holds one pool per role.
type DB struct {
	pools map[Role]*sqlx.DB
	clock func() time.Time
	rand  io.Reader
	may   func(Principal) error
	wrap  Wrapper
	memo  sync.Map // see Tx.Memo
}

// Open prepares the pools; connections are made on first use.
func Open(cfg Config) (*DB, error) {
	d := &DB{pools: map[Role]*sqlx.DB{}, clock: cfg.Clock, rand: cfg.Rand, may: cfg.Writable, wrap: cfg.Wrapper}
	if d.rand == nil {
		d.rand = rand.Reader
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Conns == 0 {
		cfg.Conns = 16
	}
	for _, role := range Roles() {
		conf, err := pgx.ParseConfig(cfg.URL(role))
		if err != nil {
			return nil, fmt.Errorf("database address of role %s: %w", role, redact(err))
		}
		limit := cfg.Timeout
		if role == Jobs {
			limit *= 100
		}
		conf.RuntimeParams["application_name"] = "daftar-" + string(role)
		conf.RuntimeParams["statement_timeout"] = strconv.FormatInt(limit.Milliseconds(), 10)
		conf.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.FormatInt(2*limit.Milliseconds(), 10)
		conf.RuntimeParams["TimeZone"] = "UTC"
		if role == Citizen {
			conf.RuntimeParams["plan_cache_mode"] = CitizenPlans
		}
		conf.OnNotice = func(c *pgconn.PgConn, n *pgconn.Notice) {
			if tell, ok := c.CustomData()[noticeKey].(func(string)); ok {
				tell(n.Message)
			}
		}
		pool := sqlx.NewDb(stdlib.OpenDB(*conf), "pgx")
		pool.SetMaxOpenConns(cfg.Conns)
		pool.SetMaxIdleConns(cfg.Conns)
		pool.SetConnMaxIdleTime(5 * time.Minute)
		d.pools[role] = pool
	}
	return d, nil
}

// CitizenPlans is how PostgreSQL plans the statements of the portal. Each finds a
// few rows by their keys, and one plan holds for all of them; left to itself, it
// plans those with an array anew every time, which costs three times what running
// them does. Searches set their own.
const CitizenPlans = "force_generic_plan"

// redact drops the address from a parse error: it may hold a password.
func redact(err error) error {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		return errors.New("not a valid PostgreSQL connection string")
	}
	return err
}

// Close closes every pool.
func (d *DB) Close() {
	for _, p := range d.pools {
		_ = p.Close()
	}
}

// Now is the injected clock's instant, in UTC at PostgreSQL's precision.
func (d *DB) Now() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }

// Rand is the injected source of random bytes.
func (d *DB) Rand() io.Reader { return d.rand }

// Ping reports whether the role's login works.
func (d *DB) Ping(ctx context.Context, role Role) error { return d.pools[role].PingContext(ctx) }

// Connections reports open and busy connections of a role, for metrics.
func (d *DB) Connections(role Role) (open, busy int) {
	s := d.pools[role].Stats()
	return s.OpenConnections, s.InUse
}
