package db_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
)

// Few rows and many, more than once in a transaction, into a table with row
// security and into the transaction's own: all of them are there, and a row that
// a policy refuses takes the others with it.
func TestCopyFrom(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	who := db.Principal{Role: db.Jobs, Kind: "job"}
	columns := []string{"key", "value", "updated_at"}
	rows := func(name string, n int) pgx.CopyFromSource {
		return pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			return []any{fmt.Sprint(name, i), []byte(`1`), dbtest.Start}, nil
		})
	}
	if err := d.WithTx(t.Context(), who, func(tx db.Tx) error {
		for name, n := range map[string]int{"none": 0, "one": 1, "few": 39, "edge": 40, "many": 1000, "more": 41} {
			if got, err := tx.CopyFrom("setting", columns, rows(name, n)); err != nil || got != int64(n) {
				t.Errorf("%s: %d of %d, %v", name, got, n, err)
			}
		}
		if err := tx.Exec(`create temporary table mine on commit drop as select key, value, updated_at from setting with no data`); err != nil {
			return err
		}
		if got, err := tx.CopyFrom("mine", columns, rows("mine", 100)); err != nil || got != 100 {
			t.Errorf("a table of its own: %d, %v", got, err)
		}
		var n int
		if err := tx.Get(&n, `select count(*) from setting`); err != nil || n != 1121 {
			t.Errorf("%d rows, %v", n, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 200} {
		if err := d.WithTx(t.Context(), db.Principal{Role: db.Citizen, Kind: "citizen"}, func(tx db.Tx) error {
			_, err := tx.CopyFrom("setting", columns, rows("theirs", n))
			return err
		}); err == nil {
			t.Errorf("a citizen wrote %d settings", n)
		}
	}
}
