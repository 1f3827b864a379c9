package sow_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db/dbtest"
	"daftar/registry/seed"
	"daftar/registry/seed/sow"
)

func TestExp2(t *testing.T) {
	if os.Getenv("EXP2") == "" {
		t.Skip()
	}
	d := dbtest.New(t)
	conn, err := pgx.Connect(t.Context(), d.URL("daftar"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `do $x$ declare f text; begin
	select replace(pg_get_functiondef('apply_change'::regproc), 'get stacked diagnostics violated = constraint_name;', 'raise;') into f;
	execute f; end $x$`); err != nil {
		t.Fatal(err)
	}
	c, _ := seed.New(seed.Config{Seed: 1, Households: 240000, Duplicates: 0.05})
	_, err = sow.Country(t.Context(), d.DB, sow.Options{Country: c, Proposer: proposer, Approver: approver, Owner: d.URL("daftar"), Progress: func(n sow.Counts) { t.Log(n)
		if n.Households > 20000 { panic("enough") } }})
	t.Logf("%+v", err)
	t.Logf("%#v", err)
}
