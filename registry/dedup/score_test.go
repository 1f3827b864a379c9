package dedup

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/names"
)

// person makes a record as it would be in a country of 100,000 people in which
// one in a hundred bears each name.
func person(l *lexicon, name, latin, born string) *Record {
	r := &Record{Person: db.ID{1}, Household: db.ID{2}, Sex: registry.Unknown}
	r.own, r.latin = l.name(names.Words(name + " " + latin))
	for _, part := range [][]*word{r.own, r.latin} {
		for _, w := range part {
			w.rare, w.rareKey = 7, 7
		}
	}
	if from, to, ok := days(born); ok {
		r.Birth = registry.BirthDate{From: from, To: to}
	}
	if r.birthRare = 12; vague(r.Birth) {
		r.birthRare = 7
	}
	return r
}

// days reads "1990", "1990-05" or "1990-05-07"; nothing for "".
func days(s string) (from, to time.Time, ok bool) {
	if t, err := time.Parse("2006", s); err == nil {
		return t, t.AddDate(1, 0, -1), true
	}
	if t, err := time.Parse("2006-01", s); err == nil {
		return t, t.AddDate(0, 1, -1), true
	}
	if first, last, two := strings.Cut(s, "/"); two {
		from, _, _ = days(first)
		_, to, ok = days(last)
		return from, to, ok
	}
	t, err := time.Parse(time.DateOnly, s)
	return t, t, err == nil
}

func lex() *lexicon {
	l := newLexicon()
	l.shares.people = 100_000
	return l
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want likeness
	}{
		{"fatima", "fatima", equal}, {"fatima", "fatma", sounds}, {"fatima", "faima", slip}, {"fatima", "فاطمه", sounds},
		{"mohamed", "muhammad", sounds}, {"mohamed", "mohaemd", sounds}, {"tigist", "tigi", short}, {"joseph", "jospeh", slip}, {"joseph", "daniel", different},
		{"ahmed", "mohamed", different}, {"احمد", "محمد", slip}, {"grace", "graec", slip}, {"ali", "alia", sounds}, {"ያለምዘውድ", "yalemzewd", sounds},
		{"maria", "marta", slip}, {"amina", "sara", different},
	} {
		l := lex()
		a, b := l.word(c.a), l.word(c.b)
		if got := l.compare(a, b); got != c.want {
			t.Errorf("%s and %s are %d (%s, %s)", c.a, c.b, got, a.key, b.key)
		}
		if l.compare(a, b) != l.compare(b, a) {
			t.Errorf("%s and %s depend on the order", c.a, c.b)
		}
	}
}

// A name in its own script with the Latin one behind it comes apart again.
func TestNamesComeApart(t *testing.T) {
	t.Parallel()
	for in, want := range map[[2]string][2]int{
		{"فاطمة حسن", "Fatima Hassan"}: {2, 2}, {"Fatima Hassan", ""}: {2, 0}, {"José Álvarez", "Jose Alvarez"}: {2, 2},
		{"Hans Müller", "Hans Mueller"}: {2, 2}, {"Ali Ali", ""}: {1, 1}, {"Grace Wanjiru Kamau", ""}: {3, 0}, {"", ""}: {0, 0},
		{"Peter Paul Maria Joseph Anton Franz Karl", ""}: {6, 0},
	} {
		own, latin := lex().name(names.Words(in[0] + " " + in[1]))
		if len(own) != want[0] || len(latin) != want[1] {
			t.Errorf("%v: %d and %d words", in, len(own), len(latin))
		}
	}
}

func TestBirths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want string }{
		{"1990-05-07", "1990-05-07", birthSameDay}, {"1990-01-01", "1990-01-01", birthJanuary}, {"1990", "1990", birthYearOnly},
		{"1990-05", "1990-05", birthMonthOnly}, {"1990-05-07", "1990-07-05", birthSwapped}, {"1990-05-07", "1991-05-07", birthOneYear},
		{"1990-05-07", "1990-05-17", birthOneDay}, {"1990-05", "1990-05-07", birthSameMonth}, {"1990-05-07", "1990", birthSameYear},
		{"1990-05-07", "1990-01-01", birthSameYear}, {"1990-01-01", "1991-01-01", birthNextYear}, {"1990", "1991", birthNextYear},
		{"1990-05-07", "1990-08-09", birthNear}, {"1990-05-07", "1991-08-09", birthNear}, {"1990-05-07", "1993-05-07", birthFar},
		{"1990-11-28/1991-11-27", "1991-02-03", birthSameYear}, {"1990-11-28/1991-11-27", "1990-12-03/1991-12-02", birthSameYear},
		{"1990-11-28/1991-11-27", "1992-02-03", birthNear}, {"1985/1995", "1991-02-03", birthUnknown}, {"1985/1995", "2001", birthFar},
		{"1990-01-01", "1993-01-01", birthFar}, {"1990", "1960", birthFarther}, {"1990", "", birthUnknown}, {"", "", birthUnknown},
	} {
		l := lex()
		a, b := person(l, "", "", c.a), person(l, "", "", c.b)
		for range 2 {
			if got, _ := compareBirths(a.Birth, b.Birth, 12); got != c.want {
				t.Errorf("%s and %s are %s, not %s", c.a, c.b, got, c.want)
			}
			a, b = b, a
		}
	}
}

// Who is proposed among 100,000 people, and who is not.
func TestScore(t *testing.T) {
	t.Parallel()
	type pair struct {
		name  string
		a, b  func(*lexicon) *Record
		alike bool
		why   string // a part that must be there
	}
	one := func(name, latin, born string, more ...func(*Record)) func(*lexicon) *Record {
		return func(l *lexicon) *Record {
			r := person(l, name, latin, born)
			for _, f := range more {
				f(r)
			}
			return r
		}
	}
	elsewhere := func(r *Record) { r.Person, r.Household = db.ID{5}, db.ID{6} }
	sister := func(r *Record) { r.Person = db.ID{5} } // in the same household
	sex := func(s string) func(*Record) { return func(r *Record) { r.Sex = s } }
	phone := func(value string, holders int) func(*Record) {
		return func(r *Record) { r.Phones = []Phone{{value, holders}} }
	}
	card := func(value string) func(*Record) {
		return func(r *Record) { r.Numbers = []Number{{"national_id", "", value}} }
	}
	for _, c := range []pair{
		{"spelt otherwise", one("Fatima Hassan Omar", "", "1980-04-03"), one("Fatma Hasan Umar", "", "1980-04-03", elsewhere), true, "name.sounds"},
		{"in another script", one("فاطمة حسن عمر", "", "1980-04-03"), one("Fatima Hassan Omar", "", "1980-04-03", elsewhere), true, "name.sounds"},
		{"swapped", one("Fatima Hassan Omar", "", "1980-04-03"), one("Fatima Hassan Omar", "", "1980-03-04", elsewhere), true, "birth.swapped"},
		{"a part missing", one("Fatima Hassan Omar", "", "1980-04-03"), one("Fatima Omar", "", "1980-04-03", elsewhere), true, "name.missing"},
		{"called for short", one("Tigist Abebe", "", "1980-04-03"), one("Tigi Abebe", "", "1980-04-03", elsewhere), true, "name.short"},
		{"the year alone", one("Fatima Hassan Omar", "", "1980-04-03"), one("Fatima Hassan Omar", "", "1980", elsewhere), true, "birth.same_year"},
		{"a common name and a year", one("Ali Omar", "", "1980-01-01"), one("Ali Omar", "", "1980", elsewhere), false, "birth.same_year"},
		{"strangers", one("Fatima Hassan", "", "1980-04-03"), one("Grace Wanjiru", "", "1980-04-03", elsewhere), false, "name.other"},
		{"sisters apart", one("Fatima Ali Hassan", "", "1980-04-03"), one("Amina Ali Hassan", "", "1983-04-03", elsewhere), false, "name.other"},
		{"father and son of one name", one("Ali Hassan Omar", "", "1960-04-03"), one("Ali Hassan Omar", "", "1990-04-03", sister), false, "birth.farther"},
		{"a father's name is the son's second", one("Omar Ali Hassan", "", "2005"), one("Ali Hassan", "", "1980", elsewhere), false, "name.shifted"},
		{"twins", one("Hasan Ali Omar", "", "2015-04-03"), one("Yusuf Ali Omar", "", "2015-04-03", sister), false, "household.twins"},
		{"twins with names alike", one("احمد علي عمر", "", "2015-04-03"), one("محمد علي عمر", "", "2015-04-03", sister), false, "household.twins"},
		{"twins that sound alike", one("Hasan Ali Omar", "", "2015-04-03"), one("Husain Ali Omar", "", "2015-04-03", sister), false, "household.twins"},
		{"entered twice at home", one("Hasan Ali Omar", "", "2015-04-03"), one("Hassan Ali Omar", "", "2015-04-03", sister), true, "name.sounds"},
		{"co-wives", one("Amina Omar", "", "1985-01-01", sex("female")), one("Halima Omar", "", "1987-01-01", sex("female"), sister), false, "household.other_name"},
		{"1 January, years apart", one("Fatima Hassan Omar", "", "1980-01-01"), one("Fatima Hassan Omar", "", "1983-01-01", elsewhere), false, "birth.far"},
		{"one phone for a village", one("Fatima Hassan", "", "1980", phone("1", 200)), one("Amina Omar", "", "1980", phone("1", 200), elsewhere), false, "phone.same"},
		{"one phone for two", one("Ali Omar", "", "1980", phone("1", 2)), one("Ali Omar", "", "1980", phone("1", 2), elsewhere), true, "phone.same"},
		{"two cards", one("Fatima Hassan Omar", "", "1980-01-01", card("A")), one("Fatima Hassan Omar", "", "1980-01-01", card("B"), elsewhere), false, "number.other"},
		{"one card", one("Grace", "", "1990", card("A")), one("Fatima Hassan", "", "1960", card("A"), elsewhere), false, "number.same"},
		{"no name at all", one("", "", "1980-04-03"), one("", "", "1980-04-03", elsewhere), false, "birth.same_day"},
	} {
		l := lex()
		a, b := c.a(l), c.b(l)
		s := l.score(a, b)
		if alike := s.Points >= needed(100_000); alike != c.alike {
			t.Errorf("%s: %.1f points %v", c.name, s.Points, s.Parts)
		}
		if !slices.ContainsFunc(s.Parts, func(p Part) bool { return p.Code == c.why }) {
			t.Errorf("%s: no %s in %v", c.name, c.why, s.Parts)
		}
		if s.Forced != (c.why == "number.same") {
			t.Errorf("%s: forced %t", c.name, s.Forced)
		}
		if back := l.score(b, a); back.Points-s.Points > 0.001 || s.Points-back.Points > 0.001 {
			t.Errorf("%s: %.2f one way, %.2f the other", c.name, s.Points, back.Points)
		}
	}
}

// A household that is there twice: everybody fits one other, better than they
// would alone, and nobody is taken for a brother.
func TestHouseholdsTwice(t *testing.T) {
	t.Parallel()
	l := lex()
	make := func(n byte, people ...[2]string) *home {
		h := &home{household: db.ID{n}}
		for i, p := range people {
			r := person(l, p[0], "", p[1])
			r.Person, r.Household = db.ID{n, byte(i + 1)}, h.household
			h.people = append(h.people, r)
		}
		return h
	}
	x := make(1, [2]string{"Amina Yusuf", "1990"}, [2]string{"Sara Bilal Yusuf", "2015-05-05"}, [2]string{"Hamza Bilal Yusuf", "2015-05-05"})
	y := make(2, [2]string{"Aminah Yusuf", "1990"}, [2]string{"Sarah Bilal Yusuf", "2015-05-05"}, [2]string{"Hamzah Bilal Yusuf", "2015-05-05"})
	for _, m := range l.between(x, y, needed(100_000)) {
		same := m.a.Person[1] == m.b.Person[1]
		if alike := m.score.Points >= needed(100_000); alike != same {
			t.Errorf("%s and %s: %.1f %v", m.a.own[0].text, m.b.own[0].text, m.score.Points, m.score.Parts)
		}
		if same != slices.ContainsFunc(m.score.Parts, func(p Part) bool { return p.Code == "household.mates" }) {
			t.Errorf("%v", m.score.Parts)
		}
	}
}

// However many fit, each person is in a few pairs, the best of theirs, and those
// who claim one number are never left out for others.
func TestProposedIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		people := make([]*Record, 12)
		for i := range people {
			people[i] = &Record{Person: db.ID{byte(i + 1)}}
		}
		var all []match
		for i := range people {
			for j := range i {
				if rapid.Bool().Draw(t, "pair") {
					all = append(all, match{people[i], people[j], Score{Points: float64(rapid.IntRange(0, 30).Draw(t, "points")), Forced: rapid.IntRange(0, 9).Draw(t, "forced") == 0}})
				}
			}
		}
		const needed = 10
		count, top := map[db.ID]int{}, best(all)
		kept := proposed(all, needed)
		for _, m := range kept {
			count[m.a.Person]++
			count[m.b.Person]++
			if m.score.Points < needed && !m.score.Forced {
				t.Fatalf("kept with %.0f points", m.score.Points)
			}
		}
		for id, n := range count {
			if n > KeptPerPerson {
				t.Fatalf("%v is in %d pairs", id[0], n)
			}
		}
		for _, m := range all {
			in := slices.ContainsFunc(kept, func(k match) bool { return k.key() == m.key() })
			fits := m.score.Forced || worth(m.score.Points, max(top[m.a.Person], top[m.b.Person]), needed)
			if fits && !in && count[m.a.Person] < KeptPerPerson && count[m.b.Person] < KeptPerPerson {
				t.Fatalf("left out with %.0f points", m.score.Points)
			}
			if in && !fits {
				t.Fatalf("kept although another fits better")
			}
		}
	})
}

// What is compared is told apart, and where somebody lives is not part of it.
func TestStamp(t *testing.T) {
	t.Parallel()
	l := lex()
	base := func() *Record {
		r := person(l, "Fatima Hassan", "", "1980-04-03")
		r.Numbers, r.Phones = []Number{{"national_id", "", "1"}, {"health_card", "", "2"}}, []Phone{{"1", 3}, {"2", 1}}
		return r
	}
	want := base().stamp()
	for name, change := range map[string]func(*Record){
		"home": func(r *Record) { r.Household, r.Area = db.ID{9}, db.ID{9} }, "order": func(r *Record) { slices.Reverse(r.Numbers); slices.Reverse(r.Phones) },
		"holders": func(r *Record) { r.Phones[0].Holders = 200 }, "answers": func(r *Record) { r.Answers = registry.Values{"work": "none"} },
	} {
		if r := base(); change != nil {
			if change(r); !slices.Equal(r.stamp(), want) {
				t.Errorf("%s changes it", name)
			}
		}
	}
	for name, change := range map[string]func(*Record){
		"name": func(r *Record) { r.own = r.own[:1] }, "birth": func(r *Record) { r.Birth.To = r.Birth.To.AddDate(0, 0, 1) }, "sex": func(r *Record) { r.Sex = "male" },
		"number": func(r *Record) { r.Numbers[0].Value = "12" }, "phone": func(r *Record) { r.Phones = nil },
	} {
		r := base()
		if change(r); slices.Equal(r.stamp(), want) {
			t.Errorf("%s changes nothing", name)
		}
	}
}
