package cases_test

import (
	"sync"
	"testing"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases"
)

// A form is one complaint, however often and however fast a browser sends it;
// other words in it are another one.
func TestComplaintOfOneFormIsOne(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	send := func(once, what string) (c cases.Case, again bool) {
		if err := o.WithTx(t.Context(), db.Principal{Role: db.Citizen, Kind: "anonymous"}, func(tx db.Tx) (err error) {
			c, again, err = cases.Complain(tx, cases.Complaint{Kind: "service", Language: "en", Once: once,
				Answers: registry.Values{"what": what, "area": "MJ0101"}})
			return err
		}); err != nil {
			t.Error(err)
		}
		return c, again
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	refs, first := map[string]int{}, 0
	for range 20 {
		all.Go(func() {
			c, again := send("form", "They asked for money.")
			mu.Lock()
			defer mu.Unlock()
			refs[c.Ref+" "+receipts.Of(c)]++
			if !again {
				first++
			}
		})
	}
	all.Wait()
	if len(refs) != 1 || first != 1 {
		t.Fatalf("%v, %d of them the first", refs, first)
	}
	if n := o.count(t, `select count(*) from case_file where kind = 'service' and state = 'submitted'`); n != 1 {
		t.Fatalf("%d cases", n)
	}
	for name, other := range map[string][2]string{"other words": {"form", "They were rude."}, "another form": {"other", "They asked for money."}, "no form": {"", "x"}} {
		if c, again := send(other[0], other[1]); again || refs[c.Ref+" "+receipts.Of(c)] != 0 {
			t.Errorf("%s: %s %v", name, c.Ref, again)
		}
	}
}
