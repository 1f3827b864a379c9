package seed_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/registry/seed"
)

// found is a person with the household and its number.
type found struct {
	p     seed.Person
	home  seed.Household
	block int
}

func people() map[string]found {
	all := map[string]found{}
	for i, h := range sample() {
		for _, p := range h.People {
			all[p.Ref] = found{p, h, i / seed.Block}
		}
	}
	return all
}

func TestTheTruthIsTrue(t *testing.T) {
	t.Parallel()
	all := people()
	twice, kinds, errors := map[string]int{}, map[string]int{}, map[string]int{}
	scripts, sexes := map[seed.Script]int{}, map[string]int{}
	same := 0
	for _, h := range sample() {
		for _, pair := range h.Pairs {
			a, okA := all[pair.A]
			b, okB := all[pair.B]
			if !okA || !okB || pair.A == pair.B || pair.Script != b.p.Script || pair.Sex != b.p.Sex || !slices.IsSorted(pair.Errors) {
				t.Fatalf("%+v", pair)
			}
			kinds[pair.Kind]++
			if pair.Same != (pair.Kind == seed.KindSame) {
				t.Errorf("%+v", pair)
			}
			if !pair.Same {
				checkAlike(t, pair, a, b)
				continue
			}
			same++
			twice[pair.A]++
			twice[pair.B]++
			scripts[pair.Script]++
			sexes[pair.Sex]++
			for _, e := range pair.Errors {
				errors[e]++
			}
			if a.block != b.block {
				t.Errorf("%s and %s are not written together", pair.A, pair.B)
			}
			checkErrors(t, pair, a, b)
		}
	}
	for ref, n := range twice {
		if n != 1 {
			t.Errorf("%s is in %d pairs of one person", ref, n)
		}
	}
	between(t, "duplicates", same, len(all), 0.042, 0.06)
	for _, k := range []string{seed.KindSame, seed.KindTwins, seed.KindFatherSon, seed.KindCoWives, seed.KindJanuary, seed.KindPhone} {
		if kinds[k] < 40 {
			t.Errorf("%s: %d pairs", k, kinds[k])
		}
	}
	for _, e := range []string{seed.ErrSpelling, seed.ErrScript, seed.ErrForeign, seed.ErrNickname, seed.ErrMissing, seed.ErrOrder,
		seed.ErrTypo, seed.ErrSwapped, seed.ErrBirth, seed.ErrSex, seed.ErrMoved, seed.ErrPhone} {
		between(t, e, errors[e], same, 0.004, 0.8)
	}
	for _, s := range seed.Scripts() {
		between(t, string(s), scripts[s], same, 0.1, 0.6)
	}
	between(t, "women", sexes["female"], same, 0.42, 0.58)
}

// checkErrors holds the record to the errors that the truth names.
func checkErrors(t *testing.T, pair seed.Pair, a, b found) {
	t.Helper()
	has := func(e string) bool { return slices.Contains(pair.Errors, e) }
	if (a.home.Area != b.home.Area) != has(seed.ErrMoved) && !b.home.Copy {
		t.Errorf("%+v: %s, %s", pair, a.home.Area, b.home.Area)
	}
	if has(seed.ErrMissing) != (len(b.p.Parts) < len(a.p.Parts)) {
		t.Errorf("%+v: %s, %s", pair, a.p.Name, b.p.Name)
	}
	if a.p.Birth != b.p.Birth && !has(seed.ErrSwapped) && !has(seed.ErrBirth) {
		t.Errorf("%+v: %v, %v", pair, a.p.Birth, b.p.Birth)
	}
	if x, y := a.p.Birth, b.p.Birth; has(seed.ErrSwapped) && !has(seed.ErrBirth) &&
		(x.From.Day() != int(y.From.Month()) || int(x.From.Month()) != y.From.Day() || x.From.Year() != y.From.Year()) {
		t.Errorf("%+v: %v, %v", pair, x, y)
	}
	if a.p.Sex != b.p.Sex && !has(seed.ErrSex) || a.p.Phone != b.p.Phone && !has(seed.ErrPhone) {
		t.Errorf("%+v: %s %s, %s %s", pair, a.p.Sex, a.p.Phone, b.p.Sex, b.p.Phone)
	}
	if len(pair.Errors) == 0 && (a.p.Name != b.p.Name || a.p.Birth != b.p.Birth) {
		t.Errorf("%+v: %v, %v", pair, a.p, b.p)
	}
	for _, id := range b.p.Identifiers { // a paper of one's own
		if !slices.ContainsFunc(a.p.Identifiers, func(x seed.Identifier) bool { return x.Type == id.Type && x.Value == id.Value }) {
			t.Errorf("%+v: %v", pair, id)
		}
	}
}

// checkAlike holds pairs that only look alike to what they are called.
func checkAlike(t *testing.T, pair seed.Pair, a, b found) {
	t.Helper()
	ok := false
	switch pair.Kind {
	case seed.KindTwins:
		ok = a.home.ID == b.home.ID && a.p.Birth == b.p.Birth && a.p.Parts[0] != b.p.Parts[0]
	case seed.KindFatherSon:
		ok = a.home.ID == b.home.ID && a.p.Name == b.p.Name && a.p.Sex == "male" && b.p.Sex == "male" && a.p.ID != b.p.ID
	case seed.KindCoWives:
		ok = a.home.ID == b.home.ID && a.p.Relationship() == "spouse" && b.p.Relationship() == "spouse"
	case seed.KindJanuary:
		years := b.p.Birth.From.Year() - a.p.Birth.From.Year()
		ok = a.p.Name == b.p.Name && a.p.Birth.From.YearDay() == 1 && b.p.Birth.From.YearDay() == 1 && years*years >= 4 && years*years <= 9
	case seed.KindPhone:
		ok = a.p.Phone == b.p.Phone && a.p.PhoneOf == seed.PhoneHelper && a.home.ID != b.home.ID
	}
	if !ok {
		t.Errorf("%+v: %v %v, %v %v", pair, a.p, a.p.Birth, b.p, b.p.Birth)
	}
}

func TestWithoutDuplicatesNobodyIsTwice(t *testing.T) {
	t.Parallel()
	c := country(t, seed.Config{Seed: 4, Households: 2 * seed.Block})
	for _, h := range c.All() {
		if h.Copy || slices.ContainsFunc(h.Pairs, func(p seed.Pair) bool { return p.Same }) {
			t.Fatalf("%s: %+v", h.Ref, h.Pairs)
		}
	}
}

func TestTruthFile(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	f, err := seed.NewTruth(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Add([]seed.Pair{{A: "P-1", B: "P-2", Same: true, Kind: seed.KindSame, Errors: []string{"moved", "typo"}, Script: seed.Arabic, Sex: "female"}}); err != nil {
		t.Fatal(err)
	}
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := "a,b,same,kind,errors,script,sex\nP-1,P-2,true,same_person,moved+typo,arabic,female\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}

func TestEventsAreBeforeTheDay(t *testing.T) {
	t.Parallel()
	for _, h := range sample() {
		for _, e := range h.Events {
			if e.Day.After(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("%s: %s on %s", h.Ref, e.Kind, e.Day)
			}
		}
	}
}

// A small country has people who are there twice, too, when they are asked for.
func TestSmallCountriesHaveDuplicates(t *testing.T) {
	t.Parallel()
	for _, households := range []int{2, 3, 60, 300, 1000} {
		for s := uint64(1); s <= 20; s++ {
			n := 0
			c := country(t, seed.Config{Seed: s, Households: households, Duplicates: 0.1})
			for _, h := range c.All() {
				for _, p := range h.Pairs {
					if p.Same {
						n++
					}
				}
			}
			if n == 0 {
				t.Errorf("seed %d: nobody of %d households is there twice", s, households)
			}
		}
	}
}
