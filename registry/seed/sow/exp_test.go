package sow_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db/dbtest"
	"daftar/registry/seed"
	"daftar/registry/seed/sow"
)

func TestExp(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("EXP"))
	if n == 0 {
		t.Skip()
	}
	d := dbtest.New(t)
	c := country(t, n*seed.Block)
	start := time.Now()
	k, err := sow.Country(t.Context(), d.DB, sow.Options{Country: c, Proposer: proposer, Approver: approver, Owner: d.URL("daftar")})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(k, time.Since(start), float64(k.People)/time.Since(start).Seconds())
	conn, err := pgx.Connect(t.Context(), d.URL("daftar"))
	if err != nil {
		t.Fatal(err)
	}
	var name string
	_ = conn.QueryRow(t.Context(), "select current_database()").Scan(&name)
	_ = conn.Close(t.Context())
	d.Close()
	pg, err := pgx.Connect(t.Context(), "host=/tmp/w/bulk/pg user=daftar dbname=postgres")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"drop database if exists exp with (force)", "create database exp template " + name + " strategy file_copy"} {
		if _, err := pg.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	_ = pg.Close(t.Context())
}
