package cases_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
)

var receipts = cases.Codes{Key: []byte("receipts")}

func TestStatusByCode(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	who := o.officer(t)
	c, draft := o.read(t, who, o.submitted(t, who)), o.read(t, who, o.filled(t, who))
	anybody := db.Principal{Role: db.Citizen}
	ask := func(ref, code string) (cases.Thread, error) {
		return cases.ThreadByCode(t.Context(), o.DB.DB, anybody, receipts, "192.0.2.1", ref, code)
	}
	code := receipts.Of(c)
	if len(code) != 11 || code != receipts.Of(c) {
		t.Fatal(code)
	}
	for _, typed := range []string{code, strings.ToLower(code), " " + strings.ReplaceAll(code, "-", " ") + " "} {
		s, err := ask(strings.ToLower(c.Ref), typed)
		if err != nil || s.State != cases.StateSubmitted || s.Ref != c.Ref || s.DueOn.IsZero() || len(s.Events) != 1 {
			t.Errorf("%q: %+v %v", typed, s, err)
		}
	}
	later, key := c, cases.Codes{Key: []byte("another")}
	later.CodeVersion++
	for name, given := range map[string][2]string{
		"wrong code":         {c.Ref, "AAAAA-AAAAA"},
		"no code":            {c.Ref, ""},
		"another case's":     {c.Ref, receipts.Of(draft)},
		"of another version": {c.Ref, receipts.Of(later)},
		"of another key":     {c.Ref, key.Of(c)},
		"a draft":            {draft.Ref, receipts.Of(draft)},
		"no such case":       {registry.NewRef(registry.RefCase, zeros{}), code},
		"no reference":       {"x", code},
	} {
		if s, err := ask(given[0], given[1]); !fault.Is(err, fault.NotFound) || err.Error() != fault.Hidden().Error() || s.Ref != "" || s.Case.Ref != "" || s.Events != nil {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
}

// Who has no account is told by the receipt until when a refusal can be appealed
// (RULES R3, R10).
func TestStatusOfARefusal(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	crew, ref := o.reach(t, cases.StateRefused)
	c := o.read(t, crew.approver, ref)
	s, err := cases.ThreadByCode(t.Context(), o.DB.DB, db.Principal{Role: db.Citizen}, receipts, "192.0.2.1", ref, receipts.Of(c))
	if err != nil || s.State != cases.StateRefused || s.Appeal == nil || s.Appeal.Served {
		t.Fatalf("%+v %v", s, err)
	}
}

// Ten wrong tries a day for a case from an address, there or not; who comes from
// elsewhere with the right code is not kept out by them.
func TestStatusCodeCannotBeGuessed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	who := o.officer(t)
	c := o.read(t, who, o.submitted(t, who))
	from := func(address, ref, code string) error {
		_, err := cases.ThreadByCode(t.Context(), o.DB.DB, db.Principal{Role: db.Citizen}, receipts, address, ref, code)
		return err
	}
	ask := func(ref, code string) error { return from("2001:db8::1", ref, code) }
	var all sync.WaitGroup
	for range 10 { // at once: each counts
		all.Go(func() {
			if err := ask(c.Ref, "AAAAA-AAAAA"); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := ask(c.Ref, receipts.Of(c)); !fault.Is(err, fault.TooMany) {
		t.Error("the right one after ten: ", err)
	}
	if err := from("2001:db8::2", c.Ref, receipts.Of(c)); !fault.Is(err, fault.TooMany) {
		t.Error("another address of the same network: ", err)
	}
	for _, other := range []string{"2001:db8:0:1::1", "192.0.2.7"} { // nobody keeps the holder out
		if err := from(other, c.Ref, receipts.Of(c)); err != nil {
			t.Error("the holder, elsewhere: ", err)
		}
	}
	nowhere := registry.NewRef(registry.RefCase, zeros{})
	for range 10 {
		_ = ask(nowhere, "AAAAA-AAAAA")
	}
	if err := ask(nowhere, "AAAAA-AAAAA"); !fault.Is(err, fault.TooMany) {
		t.Error("a case that is not there tells itself apart: ", err)
	}
	o.Clock.Add(24 * time.Hour)
	if err := ask(c.Ref, receipts.Of(c)); err != nil {
		t.Error("the next day: ", err)
	}
}
