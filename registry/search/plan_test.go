package search_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/registry/names"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// TestSpeed searches as members of staff with areas of every size and fails when
// anything reads everybody. With LONG=1 there are five million people; PEOPLE says
// another number. With CLOCK=1, for a quiet machine, it fails, too, when an answer
// takes longer than promised, or longer once plans are cached.
func TestSpeed(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a database")
	}
	people := 30_000
	promised := os.Getenv("CLOCK") != ""
	if os.Getenv("LONG") != "" {
		people = 5_000_000
	}
	if n, err := strconv.Atoi(os.Getenv("PEOPLE")); err == nil {
		people = n
	}
	substring, fuzzy := 15*time.Millisecond, 30*time.Millisecond
	if people > 1_000_000 {
		substring, fuzzy = 60*time.Millisecond, 150*time.Millisecond
	}
	d := dbtest.New(t)
	populate(t, d, people)
	for _, area := range []string{"X", "X3", "X31", "X310", "X3104"} {
		who, id := officer(t, d, area)
		sample := samples(t, d, who)
		measure(t, d, promised, people, who, area+" list", time.Millisecond, func(tx db.Tx, i int) (int, error) {
			var ids []db.ID
			at := sample[i%len(sample)]
			return 0, tx.Select(&ids, `select person_id from person_search
				where place >= $1 and place < $2 and (place, person_id) > ($3, $4) order by place, person_id limit 51`,
				placeOf(area), placeOf(area)[:len(placeOf(area))-1]+"0", at.Place, at.ID)
		})
		for _, q := range []struct {
			name  string
			limit time.Duration
			words func(p person) []string
		}{
			{"exact name", time.Millisecond, func(p person) []string { return p.words }},
			{"substring", substring, func(p person) []string {
				w := p.words[len(p.words)-1]
				r := []rune(w)
				return []string{string(r[1:min(len(r), 6)])}
			}},
			{"first name", substring, func(p person) []string { return p.words[:1] }},
			{"fuzzy", fuzzy, func(p person) []string { return []string{typo(p.words[0], 1), typo(p.words[len(p.words)-1], 2)} }},
		} {
			measure(t, d, promised, people, who, area+" "+q.name, q.limit, func(tx db.Tx, i int) (int, error) {
				words := q.words(sample[i%len(sample)])
				keys := make([]string, len(words))
				for j, w := range words {
					keys[j] = names.Key(w)
				}
				var found []db.ID
				err := tx.Select(&found, `select person_id from search_names($1, $2, $3, $4, null, null, false, 51)`, tx.Now(), []string{id.String()}, words, keys)
				if q.name != "exact name" || len(area) < 3 {
					return 0, err
				}
				return 2*len(found) + 10, err // of a small area, no others of the same name are looked at
			})
		}
		measure(t, d, promised, people, who, area+" identifier", time.Millisecond, func(tx db.Tx, i int) (int, error) {
			var found []db.ID
			return 0, tx.Select(&found, `select person_id from search_number($1, $2, 'identifier', $3, 51)`, tx.Now(), []string{id.String()},
				sample[i%len(sample)].number())
		})
	}
}

type person struct {
	ID    db.ID  `db:"id"`
	Ref   string `db:"ref"`
	Name  string `db:"full_name"`
	Place string `db:"place"`
	words []string
}

// samples are people in an officer's area.
func samples(t *testing.T, d *dbtest.DB, who db.Principal) []person {
	t.Helper()
	var list []person
	if err := d.View(t.Context(), who, func(tx db.Tx) error {
		return tx.Select(&list, `select p.id, p.ref, p.full_name, s.place from person p join person_search s on s.person_id = p.id order by md5(p.ref) limit 200`)
	}); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].words = names.Words(list[i].Name)
	}
	return list
}

// number is the identifier that populate gave to every other person.
func (p person) number() string {
	return fmt.Sprintf("N%09s", strings.TrimPrefix(p.Ref, "P-"))
}

func placeOf(area string) string {
	var b strings.Builder
	for i := range area {
		b.WriteString(area[:i+1] + "/")
	}
	return b.String()
}

// typo writes a word with one letter doubled, swapped or lost.
func typo(word string, seed uint64) string {
	r := []rune(word)
	random := rand.New(rand.NewPCG(seed, uint64(len(r))))
	if len(r) < 4 {
		return word
	}
	i := 1 + random.IntN(len(r)-2)
	switch random.IntN(3) {
	case 0:
		r[i], r[i+1] = r[i+1], r[i]
		return string(r)
	case 1:
		return string(slices.Delete(r, i, i+1))
	}
	return string(r[:i]) + "x" + string(r[i+1:])
}

// measure runs something 60 times through the staff's pool, in one transaction
// each, on one connection; the first five warm it up. run says how many people
// it may look at; 0 for any number but a twentieth of all.
func measure(t *testing.T, d *dbtest.DB, promised bool, people int, who db.Principal, name string, limit time.Duration, run func(db.Tx, int) (int, error)) {
	t.Helper()
	var took []time.Duration
	for i := range 65 {
		err := d.View(context.Background(), who, func(tx db.Tx) error {
			before, err := scanned(tx)
			if err != nil {
				return err
			}
			start := time.Now()
			most, err := run(tx, i)
			if i >= 5 {
				took = append(took, time.Since(start))
			}
			if err != nil {
				return err
			}
			after, err := scanned(tx)
			if n := after.All - before.All; n > people/20 { // a page of a common name may stop early
				t.Errorf("%s read %d rows one after the other", name, n)
			}
			if n := after.Looked - before.Looked; most > 0 && n > most {
				t.Errorf("%s looked at %d people to find at most %d", name, n, (most-10)/2)
			}
			return err
		})
		if err != nil {
			t.Fatal(name, ": ", err)
		}
	}
	first, last := p(took[:10], 50), p(took[len(took)-10:], 50)
	slices.Sort(took)
	t.Logf("%-22s p50 %8.3f ms  p95 %8.3f ms  max %8.3f ms", name, ms(p(took, 50)), ms(p(took, 95)), ms(took[len(took)-1]))
	if promised && p(took, 95) > limit {
		t.Errorf("%s: p95 is %.2f ms, promised are %.0f", name, ms(p(took, 95)), ms(limit))
	}
	if promised && last > 3*first+time.Millisecond {
		t.Errorf("%s: the last ten took %.2f ms, the first ten %.2f: a worse plan was cached", name, ms(last), ms(first))
	}
}

// scan is how many rows of the large tables this connection read without an
// index, and how many people the search looked at through one.
type scan struct {
	All    int `db:"all_rows"`
	Looked int `db:"looked"`
}

func scanned(tx db.Tx) (s scan, err error) {
	err = tx.Get(&s, `select coalesce(sum(seq_tup_read), 0) as all_rows,
		coalesce(sum(idx_tup_fetch) filter (where relname = 'person_search'), 0) as looked from pg_stat_xact_user_tables
		where relname in ('person_search', 'household_search', 'identifier', 'person')`)
	return s, err
}

func p(took []time.Duration, percent int) time.Duration {
	sorted := slices.Clone(took)
	slices.Sort(sorted)
	return sorted[(len(sorted)-1)*percent/100]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
