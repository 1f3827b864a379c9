package db

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// Quiet is an error for a log. PostgreSQL's message and detail can quote a row or
// what somebody typed; its code, table and constraint cannot.
func Quiet(err error) string {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &pg):
		return "postgresql " + pg.Code + " table=" + pg.TableName + " constraint=" + pg.ConstraintName + " routine=" + pg.Routine
	}
	return err.Error()
}
