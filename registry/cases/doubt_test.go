package cases_test

import (
	"slices"
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases"
)

// tells files a birth of children with these names.
func (o *office) tells(t *testing.T, by hand, born string, names ...string) string {
	t.Helper()
	var rows []any
	for i, n := range names {
		rows = append(rows, map[string]any{"id": string(rune('1' + i)), "name": n})
	}
	return o.files(t, by, "birth", registry.Values{"parent": o.ref(t, "Amina Yusuf"), "born": born, "babies": rows})
}

func (o *office) says(t *testing.T, by hand, ref, other, verdict string) error {
	t.Helper()
	err := o.WithTx(t.Context(), by.Principal, func(tx db.Tx) error {
		return cases.Tell(tx, by.Actor, ref, other, verdict, "The midwife knows them", "en")
	})
	o.works(t)
	return err
}

// R17: one birth told twice in different words. Neither is approved before an
// official says whether it is the same child; the same is registered once, and a
// child whom only one of the two tells of is registered too.
func TestBirthToldTwiceInOtherWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, second []string
		verdict       string
		approvedFirst bool
		want          []string // who is registered
		joined        bool
	}{
		"one of two, told again":       {[]string{"Twin One", "Twin Two"}, []string{"Twin One"}, cases.SameChild, false, []string{"Twin One", "Twin Two"}, true},
		"told when it was done":        {[]string{"Twin One", "Twin Two"}, []string{"Twin One"}, cases.SameChild, true, []string{"Twin One", "Twin Two"}, true},
		"the other was left out":       {[]string{"Twin One"}, []string{"Twin One", "Twin Two"}, cases.SameChild, false, []string{"Twin One", "Twin Two"}, false},
		"one spelled in another way":   {[]string{"Hawa"}, []string{"Eve"}, cases.SameChild, false, []string{"Hawa"}, true},
		"twins told apart":             {[]string{"Hawa"}, []string{"Adam"}, cases.AnotherChild, false, []string{"Adam", "Hawa"}, false},
		"twins, the second is late":    {[]string{"Hawa"}, []string{"Adam"}, cases.AnotherChild, true, []string{"Adam", "Hawa"}, false},
		"the same, after it was done ": {[]string{"Hawa"}, []string{"Hawa"}, cases.SameChild, true, []string{"Hawa"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
			first := o.tells(t, amina, "2026-02-20", c.first...)
			if c.approvedFirst {
				o.approves(t, d, first)
			}
			second := o.tells(t, bilal, "2026-02-21", c.second...)
			held := []string{second}
			if !c.approvedFirst {
				held = append(held, first)
			}
			for _, ref := range held {
				err := o.WithTx(t.Context(), d.verifier.Principal, func(tx db.Tx) error {
					_, err := cases.Recommend(tx, d.verifier.Actor, ref, "approve", "", "en")
					return err
				})
				if !fault.Is(err, fault.Conflict) {
					t.Fatal("approval is recommended of what may be registered twice: ", err)
				}
			}
			if err := o.says(t, d.verifier, second, first, c.verdict); err != nil {
				t.Fatal(err)
			}
			if s := o.inOffice(t, second).State; (s == cases.StateSubmitted) == c.joined {
				t.Errorf("the second is %s", s)
			}
			for _, ref := range held {
				if o.inOffice(t, ref).State == cases.StateSubmitted {
					o.recommends(t, d, ref, "approve") // the other moved the mother's record: made anew
					o.works(t)
					o.approves(t, d, ref)
				}
			}
			if s := o.inOffice(t, second).State; s != cases.StateApproved {
				t.Errorf("in the end, the second is %s", s)
			}
			var got []string
			o.do(t, worker, func(tx db.Tx) error {
				return tx.Select(&got, `select full_name from person where birth_from in ('2026-02-20', '2026-02-21') order by full_name`)
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("registered: %v", got)
			}
		})
	}
}

// What was checked before the other came is not approved either, and is sent back
// before it can give way. Nothing is said of cases that tell of something else.
func TestDoubtAfterTheCheck(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	d, amina, bilal := o.desk(t), o.member(t, "Amina Yusuf"), o.member(t, "Bilal Yusuf")
	first := o.tells(t, amina, "2026-02-20", "Hawa")
	o.recommends(t, d, first, "approve")
	second := o.tells(t, bilal, "2026-02-20", "Adam")
	err := o.WithTx(t.Context(), d.approver.Principal, func(tx db.Tx) error {
		_, err := cases.Decide(tx, d.approver.Actor, first, cases.Ruling{Approve: true, Lang: "en"})
		return err
	})
	if !fault.Is(err, fault.Conflict) {
		t.Error("approved while another case may register the same child: ", err)
	}
	old := o.tells(t, amina, "2026-01-02", "Older")
	if err := o.says(t, d.verifier, second, old, cases.SameChild); !fault.Is(err, fault.NotFound) {
		t.Error("another birth is said to be the same: ", err)
	}
	if err := o.says(t, d.verifier, first, second, cases.SameChild); err != nil {
		t.Error(err)
	}
	if s := o.inOffice(t, second).State; s != cases.StateJoined {
		t.Error("the second is ", s)
	}
	o.approves(t, d, first)
}
