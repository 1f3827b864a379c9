package dedup

import (
	"cmp"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"slices"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/audit"
)

// Side is one of two records, as far as a list shows it.
type Side struct {
	Person       db.ID        `db:"id"`
	Ref          string       `db:"ref"`
	Name         string       `db:"full_name"`
	Latin        string       `db:"full_name_latin"`
	Sex          string       `db:"sex"`
	BirthFrom    sql.NullTime `db:"birth_from"`
	BirthTo      sql.NullTime `db:"birth_to"`
	Household    db.ID        `db:"household_id"` // zero for nowhere
	HouseholdRef string       `db:"household_ref"`
	Area         i18n.Text    `db:"area_name"`
	Protected    bool         `db:"protected"` // where they live is told to nobody (RULES R5)
	Status       string       `db:"status"`    // one of the outcomes, or active
	// New: it is not in the registry yet.
	New bool `db:"-"`
}

// Years are the possible years of birth; 0 when not known.
func (s Side) Years() (from, to int) {
	if !s.BirthFrom.Valid {
		return 0, 0
	}
	return s.BirthFrom.Time.Year(), s.BirthTo.Time.Year()
}

// Pair is two records that may be of one person. In what was found for somebody
// new, A is the new one.
type Pair struct {
	A, B  Side
	Score Score
}

// stamp identifies what is compared of a record itself: name, birth, sex, numbers
// and phones. Where somebody lives and with whom is not part of it: a move is no
// reason to ask again whether two people are one.
func (r *Record) stamp() []byte {
	h := sha256.New()
	write := func(parts ...string) {
		for _, p := range parts {
			_ = binary.Write(h, binary.BigEndian, uint32(len(p))) // a hash does not fail
			_, _ = h.Write([]byte(p))
		}
	}
	for _, part := range [2][]*word{r.own, r.latin} {
		for _, w := range part {
			write(w.text)
		}
		write("")
	}
	write(r.Sex, birthTerm(r.Birth))
	numbers, phones := slices.Clone(r.Numbers), []string{}
	slices.SortFunc(numbers, func(x, y Number) int {
		return cmp.Or(cmp.Compare(x.Type, y.Type), cmp.Compare(x.Issuer, y.Issuer), cmp.Compare(x.Value, y.Value))
	})
	for _, n := range numbers {
		write(n.Type, n.Issuer, n.Value)
	}
	for _, p := range r.Phones {
		phones = append(phones, p.Value)
	}
	slices.Sort(phones)
	write(phones...)
	return h.Sum(nil)[:16]
}

// best is the strongest match of each person.
func best(list []match) map[db.ID]float64 {
	top := map[db.ID]float64{}
	for _, m := range list {
		for _, r := range [2]*Record{m.a, m.b} {
			if was, ok := top[r.Person]; !ok || m.score.Points > was {
				top[r.Person] = m.score.Points
			}
		}
	}
	return top
}

// proposed are the matches that are worth an officer's time, the strongest
// first: strong enough, also beside what fits one of the two better, and at most
// KeptPerPerson for each. Records that claim one number always are.
func proposed(list []match, needed float64) []match {
	top := best(list)
	list = slices.Clone(list)
	slices.SortStableFunc(list, strongest)
	var out []match
	count := map[db.ID]int{}
	for _, m := range list {
		if !m.score.Forced && !worth(m.score.Points, max(top[m.a.Person], top[m.b.Person]), needed) {
			continue
		}
		if count[m.a.Person] < KeptPerPerson && count[m.b.Person] < KeptPerPerson {
			count[m.a.Person]++
			count[m.b.Person]++
			out = append(out, m)
		}
	}
	return out
}

// strongest orders matches, those with one number first.
func strongest(p, q match) int {
	if p.score.Forced != q.score.Forced {
		if p.score.Forced {
			return -1
		}
		return 1
	}
	return cmp.Compare(q.score.Points, p.score.Points)
}

// worth reports whether so many points are enough where one of the two has a
// match of top points.
func worth(points, top, needed float64) bool {
	return points >= needed && points+weights.better*min(betterAtMost, top-points) >= needed
}

// sides reads how people are shown.
func sides(tx db.Tx, people []db.ID) (map[db.ID]Side, error) {
	var list []Side
	err := tx.Select(&list, `
		select p.id, p.ref, coalesce(p.full_name, '') as full_name, coalesce(p.full_name_latin, '') as full_name_latin, p.sex,
		       p.birth_from, p.birth_to, p.status, coalesce(h.id, '00000000-0000-0000-0000-000000000000') as household_id, coalesce(h.ref, '') as household_ref,
		       case when h.protected then '{}' else coalesce(a.name, '{}') end as area_name, coalesce(h.protected, false) as protected
		from person p left join dedup_record d on d.person_id = p.id left join household h on h.id = d.household_id left join area a on a.id = h.area_id
		where p.id = any($1::uuid[])`, registry.Texts(people))
	found := map[db.ID]Side{}
	for _, s := range list {
		found[s.Person] = s
	}
	return found, err
}

// Visible keeps the pairs that are a reader's business: both records are in their
// areas, and nobody in them is protected from their eyes. The others are counted.
func Visible(tx db.Tx, r registry.Reader, pairs []Pair) (shown []Pair, hidden int, err error) {
	var ids []db.ID
	for _, p := range pairs {
		for _, s := range [2]Side{p.A, p.B} {
			if !s.New {
				ids = append(ids, s.Person)
			}
		}
	}
	sees := map[db.ID]bool{}
	var seen []db.ID
	if err := tx.Select(&seen, `select p.id from person p where p.id = any($3::uuid[]) and `+visible("p.id", 1, 2),
		registry.Texts(r.Areas), registry.Texts(r.Protected), registry.Texts(ids)); err != nil {
		return nil, 0, err
	}
	for _, id := range seen {
		sees[id] = true
	}
	for _, p := range pairs {
		if (p.A.New || sees[p.A.Person]) && (p.B.New || sees[p.B.Person]) {
			shown = append(shown, p)
		} else {
			hidden++
		}
	}
	return shown, hidden, nil
}

// Shown logs whom pairs of a case showed to an officer.
func Shown(tx db.Tx, pairs []Pair, kase db.ID) error {
	var subjects []db.ID
	for _, p := range pairs {
		for _, s := range [2]Side{p.A, p.B} {
			if !s.New && !slices.Contains(subjects, s.Person) {
				subjects = append(subjects, s.Person)
			}
		}
	}
	if subjects == nil {
		return nil
	}
	return audit.WriteAbout(tx, audit.Event{Action: "person.listed", Case: kase, Purpose: "duplicate"}, "person", subjects)
}

// visible is the condition that a person, an SQL expression, is the business of
// a reader whose areas are one argument and who sees the protected in those of
// another.
func visible(person string, areas, protected int) string {
	return `(` + registry.WithinReader("'person'", person, areas) + ` and (
		not exists (select from person_search v where v.person_id = ` + person + ` and v.protected)
		or ` + registry.WithinReader("'person'", person, protected) + `))`
}
