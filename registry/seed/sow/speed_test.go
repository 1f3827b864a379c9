package sow

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/registry/seed"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func cpu(t *testing.T, d *dbtest.DB) (sum float64) {
	var pids []int
	if err := d.View(t.Context(), db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		return tx.Select(&pids, "select pid from pg_stat_activity where datname = current_database()")
	}); err != nil {
		t.Fatal(err)
	}
	for _, p := range pids {
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		u, _ := strconv.Atoi(f[11])
		s, _ := strconv.Atoi(f[12])
		sum += float64(u+s) / 100
	}
	return sum
}

func TestSpeed(t *testing.T) {
	d := dbtest.New(t)
	n := 8192
	if s := os.Getenv("N"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	c, err := seed.New(seed.Config{Seed: 1, Households: n, Duplicates: 0.05})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	r, err := Country(t.Context(), d.DB, Options{Country: c, Proposer: db.ID{1}, Approver: db.ID{2}})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(at)
	var u syscall.Rusage
	syscall.Getrusage(0, &u)
	pg, own := cpu(t, d), float64(u.Utime.Sec+u.Stime.Sec)+float64(u.Utime.Usec+u.Stime.Usec)/1e6
	fmt.Printf("%+v %v %.0f/s; pg cpu %.2f own %.2f => on two free cores %.0f people/s\n", r, took, float64(r.People)/took.Seconds(), pg, own, 2*float64(r.People)/(pg+own))
}
