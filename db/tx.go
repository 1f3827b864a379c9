package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"daftar/fault"
)

// Tx is one transaction of one principal. It carries its context and its
// instant, so that every row written together has the same time. It is valid
// only inside the function that received it, and not for concurrent use.
type Tx struct {
	ctx  context.Context
	conn *sqlx.Conn
	raw  *pgx.Conn
	now  time.Time
	who  Principal
	db   *DB
}

// View runs fn in a read-only transaction that sees one snapshot.
func (d *DB) View(ctx context.Context, who Principal, fn func(Tx) error) error {
	return d.run(ctx, who, "begin isolation level repeatable read read only", fn)
}

// WithTx runs fn in a transaction and commits when fn returns nil.
func (d *DB) WithTx(ctx context.Context, who Principal, fn func(Tx) error) error {
	if d.may != nil {
		if err := d.may(who); err != nil {
			return err
		}
	}
	return d.run(ctx, who, "begin", fn)
}

func (d *DB) run(ctx context.Context, who Principal, begin string, fn func(Tx) error) (err error) {
	pool, ok := d.pools[who.Role]
	if !ok {
		return fmt.Errorf("no database role %q", who.Role)
	}
	conn, err := pool.Connx(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = conn.Close() }()
	var raw *pgx.Conn
	if err := conn.Raw(func(c any) error { raw = c.(*stdlib.Conn).Conn(); return nil }); err != nil {
		return unavailable(err)
	}
	if who.Kind == "" {
		who.Kind = "anonymous"
	}
	// One round trip: nothing runs before the principal is set, and the
	// settings end with the transaction.
	batch := &pgx.Batch{}
	batch.Queue(begin)
	batch.Queue(`select set_config('daftar.kind', $1, true), set_config('daftar.actor', $2, true),
		set_config('daftar.acting_for', $3, true), set_config('daftar.session', $4, true), set_config('daftar.client', $5, true)`,
		who.Kind, setting(who.Actor), setting(who.ActingFor), setting(who.Session), who.Client)
	if err := raw.SendBatch(ctx, batch).Close(); err != nil {
		abandon(raw)
		return unavailable(err)
	}
	done := false
	defer delete(raw.PgConn().CustomData(), noticeKey)
	defer func() {
		if !done {
			abandon(raw) // fn failed or panicked
		}
	}()
	tx := Tx{ctx: ctx, conn: conn, raw: raw, now: d.Now(), who: who, db: d}
	if err := fn(tx); err != nil {
		return err
	}
	tag, err := raw.Exec(ctx, "commit")
	if err != nil {
		return Explain(err)
	}
	done = true
	if tag.String() != "COMMIT" {
		return errors.New("the transaction had failed and was rolled back")
	}
	return nil
}

func setting(id ID) string {
	if id == (ID{}) {
		return ""
	}
	return id.String()
}

// abandon rolls back, even when the request's own context is over; a
// connection that cannot is closed.
func abandon(raw *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err := raw.Exec(ctx, "rollback"); err != nil {
		_ = raw.Close(ctx)
	}
}

func unavailable(err error) error {
	return fault.Wrap(err, fault.Unavailable, "error.unavailable")
}

// noticeKey is where a connection keeps who is told of its notices.
const noticeKey = "daftar.notice"

// OnNotice tells of the notices that statements raise, as they raise them, until
// the transaction ends: how far a long one is. tell must not use the transaction.
func (t Tx) OnNotice(tell func(message string)) { t.raw.PgConn().CustomData()[noticeKey] = tell }

// Context is the transaction's context.
func (t Tx) Context() context.Context { return t.ctx }

// Now is the transaction's instant.
func (t Tx) Now() time.Time { return t.now }

// Who is the transaction's principal.
func (t Tx) Who() Principal { return t.who }

// NewID makes a primary key.
func (t Tx) NewID() ID { return NewID(t.now, t.db.rand) }

// Rand is the injected source of random bytes.
func (t Tx) Rand() io.Reader { return t.db.rand }

// Wrapper keeps the keys of what is sealed; nil when there is none. Package seal
// uses it.
func (t Tx) Wrapper() Wrapper { return t.db.wrap }

// Get reads one row into dst; a fault.NotFound error when there is none.
func (t Tx) Get(dst any, query string, args ...any) error {
	err := t.conn.GetContext(t.ctx, dst, query, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Hidden()
	}
	return Explain(err)
}

// Select reads every row into the slice dst points to.
func (t Tx) Select(dst any, query string, args ...any) error {
	return Explain(t.conn.SelectContext(t.ctx, dst, query, args...))
}

// Row is one row of a result.
type Row interface{ Scan(dst ...any) error }

// Each reads a result row by row, for results that are too large or too many to
// be made into values of their own.
func (t Tx) Each(read func(Row) error, query string, args ...any) error {
	rows, err := t.raw.Query(t.ctx, query, args...)
	if err != nil {
		return Explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return Explain(rows.Err())
}

// Exec runs a statement.
func (t Tx) Exec(query string, args ...any) error {
	_, err := t.conn.ExecContext(t.ctx, query, args...)
	return Explain(err)
}

// Count runs a statement and returns how many rows it touched. Anything
// usable once is consumed through it: exactly one caller sees 1.
func (t Tx) Count(query string, args ...any) (int64, error) {
	res, err := t.conn.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, Explain(err)
	}
	return res.RowsAffected()
}

// Memo keeps what make returned for as long as version is the same: for what
// rarely changes and is read with every request. The version comes from the
// database, so that several processes agree. What is kept is shared: nobody
// writes to it.
func (t Tx) Memo(name string, version int64, make func() (any, error)) (any, error) {
	type kept struct {
		version int64
		value   any
	}
	if k, ok := t.db.memo.Load(name); ok && k.(kept).version == version {
		return k.(kept).value, nil
	}
	value, err := make()
	if err == nil {
		t.db.memo.Store(name, kept{version, value})
	}
	return value, err
}

// fewRows is how many rows are written by one statement of values.
const fewRows = 40

// CopyFrom writes many rows into a table, as one statement, and returns how
// many. COPY itself does not know row security: what is long goes through a table
// that only this transaction sees.
func (t Tx) CopyFrom(table string, columns []string, rows pgx.CopyFromSource) (int64, error) {
	var first [][]any
	for len(first) < fewRows && rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return 0, err
		}
		first = append(first, slices.Clone(values))
	}
	if err := rows.Err(); err != nil || len(first) == 0 {
		return 0, err
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = pgx.Identifier{c}.Sanitize()
	}
	list := strings.Join(names, ", ")
	if len(first) < fewRows {
		return t.insert(table, list, first)
	}
	copied := "copied_" + table
	var own, there bool
	if err := t.raw.QueryRow(t.ctx, `select to_regclass('pg_temp.' || quote_ident($1)) is not null, to_regclass('pg_temp.' || quote_ident($2)) is not null`,
		table, copied).Scan(&own, &there); err != nil {
		return 0, Explain(err)
	}
	if own { // the transaction's own: nothing is to be kept from it
		n, err := t.raw.CopyFrom(t.ctx, pgx.Identifier{"pg_temp", table}, columns, &beginning{first: first, rest: rows})
		return n, Explain(err)
	}
	from, into := pgx.Identifier{"pg_temp", copied}, pgx.Identifier{table}.Sanitize()
	if !there {
		if _, err := t.raw.Exec(t.ctx, `create temporary table `+from[1:].Sanitize()+` on commit drop as select `+list+` from `+into+` with no data`); err != nil {
			return 0, Explain(err)
		}
	}
	if _, err := t.raw.CopyFrom(t.ctx, from, columns, &beginning{first: first, rest: rows}); err != nil {
		return 0, Explain(err)
	}
	tag, err := t.raw.Exec(t.ctx, `insert into `+into+` (`+list+`) select `+list+` from `+from.Sanitize())
	if err != nil {
		return 0, Explain(err)
	}
	_, err = t.raw.Exec(t.ctx, `truncate `+from.Sanitize())
	return tag.RowsAffected(), Explain(err)
}

// insert writes a few rows by one statement: triggers and constraints see them
// together.
func (t Tx) insert(table, columns string, rows [][]any) (int64, error) {
	var places strings.Builder
	var args []any
	for i, row := range rows {
		if i > 0 {
			places.WriteString(", ")
		}
		for j, v := range row {
			places.WriteString([]string{"(", ", "}[min(j, 1)])
			args = append(args, v)
			places.WriteString("$" + strconv.Itoa(len(args)))
		}
		places.WriteString(")")
	}
	tag, err := t.raw.Exec(t.ctx, `insert into `+pgx.Identifier{table}.Sanitize()+` (`+columns+`) values `+places.String(), args...)
	return tag.RowsAffected(), Explain(err)
}

// beginning is a source of rows whose first ones were read already.
type beginning struct {
	first [][]any
	at    int
	rest  pgx.CopyFromSource
}

// Next goes to the next row.
func (b *beginning) Next() bool {
	b.at++
	return b.at <= len(b.first) || b.rest.Next()
}

// Values is the row.
func (b *beginning) Values() ([]any, error) {
	if b.at <= len(b.first) {
		return b.first[b.at-1], nil
	}
	return b.rest.Values()
}

// Err is why there are no more rows.
func (b *beginning) Err() error { return b.rest.Err() }

// Enqueue asks for a job about ref in its version, in this transaction. The
// database refuses kinds that the principal's role may not ask for.
func (t Tx) Enqueue(kind string, ref ID, version int) error {
	return t.Exec(`select enqueue($1, $2, $3, $4)`, kind, ref, version, t.now)
}

// SQLSTATEs raised by Daftar's own functions in migrations/. Class DF is not
// used by PostgreSQL.
const (
	StateOutOfOrder = "DF001" // the change is not in the state for this step
	StateSeparate   = "DF002" // proposer, verifier and approver must differ
	StateTampered   = "DF003" // the payload is not what was approved
	StateStale      = "DF004" // a record moved on since the proposal
	StateBroken     = "DF005" // the records would contradict themselves; the constraint names the rule
)

// Explain turns the SQLSTATEs that a person can act on into faults and leaves
// every other error alone.
func Explain(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		if errors.Is(err, context.DeadlineExceeded) {
			return unavailable(err)
		}
		return err
	}
	switch pg.Code {
	case StateOutOfOrder:
		return fault.Wrap(err, fault.Conflict, "error.out_of_order")
	case StateSeparate:
		return fault.Wrap(err, fault.Forbidden, "error.separate_hands")
	case StateTampered:
		return fault.Wrap(err, fault.Conflict, "error.tampered")
	case StateStale:
		return fault.Wrap(err, fault.Conflict, "error.stale")
	case StateBroken:
		return fault.Wrap(err, fault.Conflict, "rule."+pg.ConstraintName)
	case "22021": // a null byte, or bytes that are not UTF-8: no text of ours has any
		return fault.Wrap(err, fault.Malformed, "error.malformed")
	case "57014", "55P03", "53300", "57P03": // timeout, lock timeout, too many connections, starting up
		return unavailable(err)
	}
	return err
}

// Violates reports whether err is a violation of the named constraint.
func Violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}
