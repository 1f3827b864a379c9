package dedup_test

import (
	"fmt"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/registry/dedup"
	"daftar/registry/seed"
	"daftar/registry/seed/sow"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

func TestTry(t *testing.T) {
	d := dbtest.New(t)
	c, err := seed.New(seed.Config{Seed: 1, Households: 4096, Duplicates: 0.05})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	n, err := sow.Country(t.Context(), d.DB, sow.Options{Country: c, Proposer: db.ID{1}, Approver: db.ID{2}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(n, time.Since(start))
	start = time.Now()
	if err := d.WithTx(t.Context(), worker, dedup.Weigh); err != nil {
		t.Fatal(err)
	}
	fmt.Println("weighed", time.Since(start))
	start = time.Now()
	if err := dedup.CheckRest(t.Context(), d.DB, worker, 2, nil); err != nil {
		t.Fatal(err)
	}
	fmt.Println("checked", time.Since(start))
	got := map[[2]string]float64{}
	if err := d.View(t.Context(), worker, func(tx db.Tx) error {
		return tx.Each(func(r db.Row) error {
			var a, b string
			var p float64
			err := r.Scan(&a, &b, &p)
			got[[2]string{min(a, b), max(a, b)}] = p
			return err
		}, `select a.ref, b.ref, p.points from duplicate_pair p join person a on a.id = p.a_id join person b on b.id = p.b_id`)
	}); err != nil {
		t.Fatal(err)
	}
	truth, hit := 0, 0
	for _, h := range c.All() {
		for _, p := range h.Pairs {
			if p.Same {
				truth++
				if _, ok := got[[2]string{min(p.A, p.B), max(p.A, p.B)}]; ok {
					hit++
				}
			}
		}
	}
	fmt.Println(truth, hit, len(got))
}
