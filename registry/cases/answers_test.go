package cases_test

import (
	"reflect"
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
)

// Answers to a programme's questions belong to the case of whoever gave them.
func TestAnswersOfAnApplication(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	hers, another := o.citizen(t), o.citizen(t)
	ref := o.filled(t, hers)
	asked := registry.Fields{
		{Subject: "application", Code: "school", Version: 3, Type: registry.TypeText},
		{Subject: "application", Code: "plots", Version: 1, Type: registry.TypeRoster},
		{Subject: "application", Roster: "plots", Code: "crop", Version: 2, Type: registry.TypeText},
	}
	given := registry.Values{"school": "Old Town", "plots": []any{map[string]any{"id": "a", "crop": "maize"}}, "status": "approved"}
	store := func(who hand, values registry.Values) error {
		return o.WithTx(t.Context(), who.Principal, func(tx db.Tx) error {
			return cases.StoreAnswers(tx, who.Actor, ref, "application", "child-grant", asked, values)
		})
	}
	if err := store(hers, given); err != nil {
		t.Fatal(err)
	}
	if err := store(another, given); !fault.Is(err, fault.NotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	read := func(who hand) (values registry.Values, err error) {
		err = o.WithTx(t.Context(), who.Principal, func(tx db.Tx) error {
			values, err = cases.AnswersTo(tx, who.Actor, ref, "application", "child-grant")
			return err
		})
		return values, err
	}
	got, err := read(hers)
	if want := (registry.Values{"school": "Old Town", "plots": given["plots"]}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v", got, err)
	}
	if _, err := read(another); !fault.Is(err, fault.NotFound) {
		t.Errorf("read by somebody else: %v", err)
	}
	if n := o.count(t, `select (fields->>'school')::integer from case_answers`); n != 3 {
		t.Errorf("the version asked is %d", n)
	}
	o.do(t, hers.Principal, func(tx db.Tx) error { _, err := cases.Submit(tx, hers.Actor, ref, o.form); return err })
	if err := store(hers, registry.Values{}); !fault.Is(err, fault.Conflict) {
		t.Errorf("changed after it was sent: %v", err)
	}
}
