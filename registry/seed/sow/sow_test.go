package sow_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/registry/seed"
	"daftar/registry/seed/sow"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	worker   = db.Principal{Role: db.Jobs, Kind: "job"}
	proposer = db.ID{1, 15: 1}
	approver = db.ID{1, 15: 2}
)

func country(t testing.TB, households int) *seed.Country {
	t.Helper()
	c, err := seed.New(seed.Config{Seed: 1, Households: households, Duplicates: 0.05})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func load(t testing.TB, d *dbtest.DB, c *seed.Country) sow.Counts {
	t.Helper()
	return loadIn(t, d, c, 0)
}

func loadIn(t testing.TB, d *dbtest.DB, c *seed.Country, batch int) sow.Counts {
	t.Helper()
	n, err := sow.Country(t.Context(), d.DB, sow.Options{Country: c, Proposer: proposer, Approver: approver, Owner: d.URL(db.Owner), Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func get[T any](t testing.TB, d *dbtest.DB, query string, args ...any) (v T) {
	t.Helper()
	if err := d.View(t.Context(), worker, func(tx db.Tx) error { return tx.Get(&v, query, args...) }); err != nil {
		t.Fatal(query, ": ", err)
	}
	return v
}

// export is everything of the registry that does not tell when or where it was
// written.
func export(t testing.TB, d *dbtest.DB) string {
	t.Helper()
	return get[string](t, d, `
		select md5(coalesce(string_agg(line, e'\n' order by line), '')) from (
			select concat_ws('|', 'p', id, ref, version, full_name, full_name_latin, sex, birth_from, birth_to, status, fields, provenance) as line from person
			union all select concat_ws('|', 'h', h.id, h.ref, h.version, a.code, h.fields, h.provenance) from household h join area a on a.id = h.area_id
			union all select concat_ws('|', 'm', id, household_id, person_id, relationship, start_date, end_date) from membership
			union all select concat_ws('|', 'i', subject_id, type, value, status, provenance) from identifier
			union all select concat_ws('|', 'c', kind, subject_id, base_version, data - 'area_id') from change_item
			union all select concat_ws('|', 's', id, kind, label) from source) x`)
}

func TestACountryIsWrittenAsAnyRecordIs(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	c := country(t, 2*seed.Block+100)
	n := load(t, d, c)
	if n.Households != 2*seed.Block+100 || n.Skipped != 0 || n.Events < 20 {
		t.Fatalf("%+v", n)
	}
	for query, want := range map[string]int{
		`select count(*) from household`: n.Households,
		`select count(*) from person`:    n.People,
		// Each version has an applied change that two people made, with the hash of
		// what was approved.
		`select count(*) from record_version v join change c on c.id = v.change_id
		 where c.state = 'applied' and c.origin = 'batch' and c.proposed_by = '` + proposer.String() + `' and c.approved_by = '` + approver.String() + `'`: n.Households + n.People + get[int](t, d, `select count(*) from change_item where base_version = 1`),
		`select count(*) from change where approved_hash <> change_hash(id)`:                                                                                0,
		`select count(*) from change where state <> 'applied'`:                                                                                              0,
		`select count(*) from person p where (select max(version) from record_version v where v.subject_id = p.id) <> p.version`:                            0,
		`select count(*) from person where provenance = '{}' or not exists (select from source s where s.id = (provenance->>'*')::uuid)`:                    0,
		`select count(*) from household h where not exists (select from membership m where m.household_id = h.id)`:                                          0,
		`select count(*) - count(distinct person_id) from membership where end_date is null`:                                                                0,
		`select count(*) from person p where p.status = 'active' and not exists (select from membership m where m.person_id = p.id and m.end_date is null)`: 0,
		`select count(*) from audit_event where action = 'seed.applied' and change_id is not null`:                                                          get[int](t, d, `select count(*) from change`),
		`select count(*) from area`: len(c.Areas()),
	} {
		if got := get[int](t, d, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	for query, least := range map[string]int{
		`select count(*) from person where status = 'deceased'`:                                                    1,
		`select count(*) from household where version = 2`:                                                         5,
		`select count(*) from membership where end_date is not null`:                                               10,
		`select count(distinct l0) + count(distinct l1) from area`:                                                 9,
		`select count(*) from identifier where type = 'national_id'`:                                               1000,
		`select count(*) from person where birth_from < birth_to`:                                                  500,
		`select count(*) from person where full_name_latin is not null`:                                            3000,
		`select count(*) from (select value from identifier group by type, value having count(*) > 1) shown_twice`: 5,
	} {
		if got := get[int](t, d, query); got < least {
			t.Errorf("%s: %d, want at least %d", query, got, least)
		}
	}
}

func TestTheSameSeedWritesTheSameRegistry(t *testing.T) {
	t.Parallel()
	one, other := dbtest.New(t), dbtest.New(t)
	load(t, one, country(t, 2*seed.Block))
	load(t, other, country(t, 2*seed.Block))
	if export(t, one) != export(t, other) {
		t.Error("the exports differ")
	}
}

// What the seeder says of how people are found and compared is what the database
// makes of their records, and the indexes that it leaves out are there afterwards.
func TestPeopleAreFoundAsOthersAre(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	load(t, d, country(t, seed.Block))
	conn, err := pgx.Connect(t.Context(), d.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var words string
	found := func() (s string) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), `
			select (select string_agg(s::text, e'\n' order by s.person_id) from person_search s)
			    || (select string_agg(d::text, e'\n' order by d.person_id) from dedup_record d)`).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	said := found()
	if err := conn.QueryRow(t.Context(), `
		select coalesce(string_agg(distinct word, ' '), '') from (select unnest(words) as word from dedup_record) d
		where not exists (select from name_word w where w.word = d.word and w.key = name_key(d.word))`).Scan(&words); err != nil || words != "" {
		t.Errorf("these words are in no list: %s, %v", words, err)
	}
	if _, err := conn.Exec(t.Context(), `
		truncate person_search, dedup_record, name_word;
		select search_refresh(array(select id from person)), dedup_refresh(array(select id from person))`); err != nil {
		t.Fatal(err)
	}
	made := found()
	for i, line := range strings.Split(made, "\n") {
		if other := strings.Split(said, "\n"); i >= len(other) || other[i] != line {
			t.Fatalf("the database makes\n%s\nand the seeder said\n%s", line, other[min(i, len(other)-1)])
		}
	}
	if n := get[int](t, d, `select count(*) from pg_indexes where indexname in ('person_search_terms', 'dedup_record_keys')`); n != 2 {
		t.Errorf("%d of the two indexes are there", n)
	}
}

// Stopped at any moment, only whole batches are there; the same command does the
// rest.
func TestAStoppedLoadGoesOn(t *testing.T) {
	t.Parallel()
	whole, stopped := dbtest.New(t), dbtest.New(t)
	c := country(t, 3*seed.Block)
	loadIn(t, whole, c, seed.Block)
	ctx, cancel := context.WithCancel(t.Context())
	n, err := sow.Country(ctx, stopped.DB, sow.Options{Country: c, Proposer: proposer, Approver: approver, Workers: 1, Batch: seed.Block,
		Progress: func(sow.Counts) { cancel() }})
	if !errors.Is(err, context.Canceled) || n.Households != seed.Block {
		t.Fatalf("%+v, %v", n, err)
	}
	if there := get[int](t, stopped, `select count(*) from household`); there != seed.Block {
		t.Errorf("%d households are there", there)
	}
	if left := get[int](t, stopped, `select count(*) from change where state <> 'applied'`); left != 0 {
		t.Errorf("%d changes are half done", left)
	}
	if n := loadIn(t, stopped, c, seed.Block); n.Skipped != seed.Block || n.Households != 2*seed.Block {
		t.Errorf("%+v", n)
	}
	if export(t, whole) != export(t, stopped) {
		t.Error("the exports differ")
	}
	if n := loadIn(t, stopped, c, seed.Block); n.Skipped != 3*seed.Block || n.Households != 0 {
		t.Errorf("%+v", n)
	}
}

func TestOneHandIsRefused(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	_, err := sow.Country(t.Context(), d.DB, sow.Options{Country: country(t, 10), Proposer: proposer, Approver: proposer})
	if err == nil {
		t.Error("who proposed approved")
	}
	if n := get[int](t, d, `select (select count(*) from household) + (select count(*) from change)`); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	claim := func(d *dbtest.DB, m sow.Made, mixed bool) error {
		return d.WithTx(t.Context(), worker, func(tx db.Tx) error { return sow.Claim(tx, m, mixed) })
	}
	full, empty := dbtest.New(t), dbtest.New(t)
	load(t, full, country(t, 10))
	m := sow.Made{Seed: 2, Households: 10}
	if err := claim(full, m, false); !errors.Is(err, sow.ErrNotEmpty) {
		t.Error("records of others: ", err)
	}
	for _, d := range []*dbtest.DB{full, empty} {
		if err := claim(d, m, d == full); err != nil {
			t.Error("told to, or empty: ", err)
		}
		if err := claim(d, m, false); err != nil {
			t.Error("again: ", err)
		}
		if err := claim(d, sow.Made{Seed: 2, Households: 11}, true); !errors.Is(err, sow.ErrOther) {
			t.Error("more households: ", err)
		}
		if err := claim(d, sow.Made{Seed: 2, Households: 10, Duplicates: 0.1}, true); !errors.Is(err, sow.ErrOther) {
			t.Error("other duplicates: ", err)
		}
		if err := claim(d, sow.Made{Seed: 3, Households: 10}, false); err != nil {
			t.Error("another country: ", err)
		}
	}
}

func TestOnlyDefinedFieldsAreWritten(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := d.WithTx(t.Context(), worker, func(tx db.Tx) error {
		return tx.Exec(`insert into field_definition (id, subject, code, version, type, label, published_at)
			values ($1, 'household', 'rooms', 1, 'number', '{"en": "Rooms"}', $2)`, tx.NewID(), tx.Now())
	}); err != nil {
		t.Fatal(err)
	}
	load(t, d, country(t, 50))
	if n := get[int](t, d, `select count(*) from household where not fields ? 'rooms' or fields - 'rooms' <> '{}'`); n != 0 {
		t.Errorf("%d households have other fields", n)
	}
	if n := get[int](t, d, `select count(*) from person where fields <> '{}'`); n != 0 {
		t.Errorf("%d people have fields that nobody defined", n)
	}
}

func BenchmarkCountry(b *testing.B) {
	for range b.N {
		d := dbtest.New(b)
		c := country(b, 8*seed.Block)
		b.ResetTimer()
		n := load(b, d, c)
		b.ReportMetric(float64(n.People)/b.Elapsed().Seconds(), "people/s")
	}
}
