package search_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/db/localpg"
)

// populate fills a database with n made-up people past every rule of the
// registry, as its superuser: 5 to a household, five levels of areas, names of
// a few common and many rare words, one in ten in Arabic letters.
func populate(t testing.TB, d *dbtest.DB, n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL(localpg.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, statement := range []string{
		`select setseed(0.5)`,
		// 1 country, 10 regions, 100 districts, 1,000 wards, 10,000 villages
		`insert into area (id, code, level, kind, parent_id, name)
		 select md5('area' || c.code)::uuid, c.code, c.level, 'area', case when c.level > 0 then md5('area' || left(c.code, -1))::uuid end, '{"en": "Somewhere"}'
		 from (select 'X' || case when l = 0 then '' else lpad(i::text, l, '0') end as code, l as level
		       from generate_series(0, 4) l, generate_series(0, (10 ^ l)::int - 1) i) c order by c.level`,
		`set session_replication_role = replica`,
		`create function a_word(i int, arabic boolean) returns text language sql immutable as $$
		   select string_agg((case when arabic then '{با,كر,حس,مي,نو,را,سل,عم,يو,فا,طي,جم,هي,دا,زي,لو}'::text[]
		                           else '{ba,kar,hos,mi,nu,ra,sel,om,yu,fat,ti,jam,hi,da,zi,lo}'::text[] end)[1 + (i * 7 + k * k * 5 + i / (16 ^ k)::int) % 16], '')
		   from generate_series(1, 2 + i % 3) k $$`,
		`create temporary table words as select i, a_word(i, false) as latin, a_word(i, true) as arabic from generate_series(1, 30000) i`,
		`create unique index on words (i)`,
		`analyze words`,
		`insert into household (id, ref, version, change_id, area_id)
		 select md5('h' || i)::uuid, 'H-' || i, 1, md5('c')::uuid, md5('areaX' || lpad((random() * 9999)::int::text, 4, '0'))::uuid
		 from generate_series(1, ` + itoa((n+4)/5) + `) i`,
		`insert into person (id, ref, version, change_id, full_name, sex, birth_from, birth_to)
		 select md5('p' || x.i)::uuid, 'P-' || x.i, 1, md5('c')::uuid,
		        case when x.i % 2 = 0 then initcap(common.latin || ' ' || family.latin) -- a thousand in a million may share a name
		             when x.i % 10 = 1 then g.arabic || ' ' || f.arabic || ' ' || s.arabic else initcap(g.latin || ' ' || f.latin || ' ' || s.latin) end,
		        case when x.i % 2 = 0 then 'female' else 'male' end, day, day
		 from (select i, date '1940-01-01' + (random() * 31000)::int as day, 1 + (2000 * random() ^ 2)::int as g, 1 + (2000 * random() ^ 2)::int as f,
		              1 + (29000 * random() ^ 2)::int as s, 1 + (600 * random() ^ 2)::int as c, 1 + (3000 * random() ^ 2)::int as l from generate_series(1, ` + itoa(n) + `) i) x
		 join words g on g.i = x.g join words f on f.i = x.f join words s on s.i = x.s
		 join words common on common.i = x.c join words family on family.i = x.l`,
		`insert into membership (id, household_id, person_id, relationship, start_date)
		 select md5('m' || i)::uuid, md5('h' || (i + 4) / 5)::uuid, md5('p' || i)::uuid, case when i % 5 = 1 then 'head' else 'child' end, '2020-01-01'
		 from generate_series(1, ` + itoa(n) + `) i`,
		`insert into identifier (subject_kind, subject_id, type, value, claimed, status)
		 select 'person', md5('p' || i)::uuid, 'national_id', 'N' || lpad(i::text, 9, '0'), 'verified', 'verified' from generate_series(1, ` + itoa(n) + `) i where i % 2 = 0`,
		`select search_refresh_households(array(select id from household))`,
		`select search_refresh(array(select id from person))`,
		`vacuum analyze`,
	} {
		start := time.Now()
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(statement, ": ", err)
		}
		t.Logf("%6.1f s  %.60s", time.Since(start).Seconds(), statement)
	}
	owner(t, d, `insert into identity_provider (id, issuer) values ('staff', 'https://staff.example')`)
}

// officer is a member of staff who may search in an area.
func officer(t testing.TB, d *dbtest.DB, area string) (db.Principal, db.ID) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var staff, id db.ID
	if err := conn.QueryRow(t.Context(), `insert into staff (id, provider, sub, name) values (gen_random_uuid(), 'staff', $1, 'Officer') returning id`, t.Name()+area).Scan(&staff); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), `
		insert into staff_role (staff_id, role, area_id, valid_from) select $1, 'verifier', id, '2020-01-01' from area where code = $2
		returning area_id`, staff, area).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return db.Principal{Role: db.Staff, Kind: "staff", Actor: staff}, id
}

func owner(t testing.TB, d *dbtest.DB, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL(db.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(statement, ": ", err)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
