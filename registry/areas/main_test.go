package areas_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/xuri/excelize/v2"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/registry"
	"daftar/registry/areas"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var worker = db.Principal{Role: db.Jobs, Kind: "job"}

// officer is the n-th member of staff, with a row of their own.
func officer(n byte) db.Principal {
	return db.Principal{Role: db.Staff, Kind: "staff", Actor: db.ID{1, 15: n}}
}

func do(t testing.TB, d *dbtest.DB, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := d.WithTx(t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

// owner runs a statement past every grant.
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

// one reads a single text.
func one(t testing.TB, d *dbtest.DB, query string, args ...any) (s string) {
	t.Helper()
	do(t, d, worker, func(tx db.Tx) error { return tx.Get(&s, query, args...) })
	return s
}

// sheet is a sheet's name and its rows.
type sheet struct {
	name string
	rows [][]any
}

func workbook(t testing.TB, sheets ...sheet) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	for _, s := range sheets {
		if _, err := f.NewSheet(s.name); err != nil {
			t.Fatal(err)
		}
		w, err := f.NewStreamWriter(s.name)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range s.rows {
			if err := w.SetRow(fmt.Sprintf("A%d", i+1), row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	_ = f.DeleteSheet("Sheet1")
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// country is a small country in the older spelling of the headers.
func country() []sheet {
	return []sheet{
		{"Admin2", [][]any{
			{"ADM2_EN", "ADM2_AR", "ADM2_PCODE", "ADM1_EN", "ADM1_PCODE", "ADM0_EN", "ADM0_PCODE", "validOn", "AREA_SQKM"},
			{"Old Town", "المدينة القديمة", "ZZ0101", "Capital", "ZZ01", "Zed", "ZZ", 45218, 12.5},
			{"New Gardens", "", "ZZ0102", "Capital", "ZZ01", "Zed", "ZZ", 45218, 3},
			{"Dry Valley", "", "ZZ0201", "North", "ZZ02", "Zed", "ZZ", 45218, 70},
		}},
		{"Admin1", [][]any{
			{"ADM1_EN", "ADM1_AR", "ADM1_PCODE", "ADM0_EN", "ADM0_PCODE"},
			{"Capital", "العاصمة", "ZZ01", "Zed", "ZZ"},
			{"North", "الشمال", "ZZ02", "Zed", "ZZ"},
		}},
		{"Admin0", [][]any{{"ADM0_EN", "ADM0_PCODE"}, {"Zed", "ZZ"}}},
	}
}

// newer is the same country in the newer spelling.
func newer() []sheet {
	s := country()
	heads := strings.NewReplacer("_EN", "Name_en", "_AR", "Name_ar", "_PCODE", "Pcode", "ADM", "admin")
	for i := range s {
		for j, h := range s[i].rows[0] {
			s[i].rows[0][j] = heads.Replace(h.(string))
		}
	}
	return s
}

var everywhere = areas.Actor{All: true}

// propose stages a file as officer 1 and sends it.
func propose(t testing.TB, d *dbtest.DB, who areas.Actor, b []byte, o areas.Options) (string, *areas.Plan) {
	t.Helper()
	if o.On == "" {
		o.On = "2026-03-02"
	}
	var ref string
	var plan *areas.Plan
	upload, err := areas.ReadUpload(b)
	if err != nil {
		t.Fatal(err)
	}
	do(t, d, officer(1), func(tx db.Tx) (err error) {
		if plan, err = upload.Plan(tx, who, o); err != nil || len(plan.Problems) > 0 || len(plan.Items) == 0 {
			return err
		}
		if ref, err = areas.Propose(tx, areas.Draft{Kind: upload.Kind(), On: o.On}, plan); err != nil {
			return err
		}
		return areas.Send(tx, who, ref)
	})
	return ref, plan
}

// finish approves as officer 2 and applies.
func finish(t testing.TB, d *dbtest.DB, ref string) error {
	t.Helper()
	do(t, d, officer(2), func(tx db.Tx) error { return areas.Approve(tx, everywhere, ref) })
	var id db.ID
	do(t, d, worker, func(tx db.Tx) (err error) { id, err = areas.ByRef(tx, ref); return err })
	return areas.Apply(t.Context(), d.DB, id)
}

// land is a database with the small country.
func land(t testing.TB) *dbtest.DB {
	t.Helper()
	d := dbtest.New(t)
	load(t, d, workbook(t, country()...))
	return d
}

func load(t testing.TB, d *dbtest.DB, b []byte) *areas.Plan {
	t.Helper()
	ref, plan := propose(t, d, everywhere, b, areas.Options{})
	if ref == "" {
		t.Fatalf("%v", plan.Problems)
	}
	if err := finish(t, d, ref); err != nil {
		t.Fatal(err)
	}
	return plan
}

// home registers a household in an area and returns its reference.
func home(t testing.TB, d *dbtest.DB, code string) (db.ID, string) {
	t.Helper()
	var change, id db.ID
	var ref string
	do(t, d, db.Principal{Role: db.Jobs, Kind: "staff", Actor: officer(3).Actor}, func(tx db.Tx) error {
		a, err := registry.AreaByCode(tx, code)
		if err != nil {
			return err
		}
		source, err := registry.AddSource(tx, registry.SourceCounter, nil, "")
		if err != nil {
			return err
		}
		id, ref = tx.NewID(), registry.NewRef(registry.RefHousehold, tx.Rand())
		change, err = registry.Propose(tx, registry.OriginBatch, []registry.Item{{Kind: registry.KindHousehold, Subject: id, Data: registry.HouseholdData{
			Ref: ref, AreaID: a.ID, Directions: "behind the mill", Provenance: registry.Provenance{"*": source},
		}}})
		return err
	})
	do(t, d, db.Principal{Role: db.Jobs, Kind: "staff", Actor: officer(4).Actor}, func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
	return id, ref
}

// where is the code of a household's area.
func where(t testing.TB, d *dbtest.DB, id db.ID) string {
	t.Helper()
	return one(t, d, `select a.code from household h join area a on a.id = h.area_id where h.id = $1`, id)
}

// tree is every area that goes on, as "code<parent", in order.
func tree(t testing.TB, d *dbtest.DB) string {
	t.Helper()
	return one(t, d, `select coalesce(string_agg(a.code || coalesce('<' || p.code, ''), ' ' order by a.code), '')
		from area a left join area p on p.id = a.parent_id where a.valid_to is null`)
}

// straight fails unless every area repeats its parent's ancestors.
func straight(t testing.TB, d *dbtest.DB) {
	t.Helper()
	if n := one(t, d, `select count(*)::text from area a join area p on p.id = a.parent_id
		where p.id not in (a.l0, a.l1, a.l2, a.l3, a.l4) or a.l0 <> p.l0 or (a.level > 1 and a.l1 <> p.l1) or (a.level > 2 and a.l2 <> p.l2)`); n != "0" {
		t.Errorf("%s areas have ancestors that are not their parent's", n)
	}
}

// staff gives a member of staff a role in an area.
func staff(t testing.TB, d *dbtest.DB, n byte, role, code string) {
	t.Helper()
	owner(t, d, `insert into identity_provider (id, issuer) values ('staff', 'x') on conflict do nothing`)
	owner(t, d, `insert into staff (id, provider, sub, name) values ($1, 'staff', $2, $2) on conflict do nothing`, officer(n).Actor, fmt.Sprint("officer ", n))
	owner(t, d, `insert into staff_role (staff_id, role, area_id, valid_from) select $1, $2, id, '2020-01-01' from area where code = $3`, officer(n).Actor, role, code)
}

// roles are the areas where a member of staff has a role now.
func roles(t testing.TB, d *dbtest.DB, n byte) string {
	t.Helper()
	return one(t, d, `select coalesce(string_agg(a.code, ' ' order by a.code), '') from staff_role r join area a on a.id = r.area_id
		where r.staff_id = $1 and r.valid_from <= $2 and (r.valid_to is null or r.valid_to > $2)`, officer(n).Actor, d.Now())
}

// in is somebody who answers for some areas.
func in(t testing.TB, d *dbtest.DB, n byte, codes ...string) areas.Actor {
	t.Helper()
	who := areas.Actor{ID: officer(n).Actor}
	do(t, d, worker, func(tx db.Tx) error {
		for _, code := range codes {
			a, err := registry.AreaByCode(tx, code)
			if err != nil {
				return err
			}
			who.Areas = append(who.Areas, a.ID)
		}
		return nil
	})
	return who
}

func keys(list []areas.Problem) string {
	var out []string
	for _, p := range list {
		out = append(out, p.Where()+" "+strings.TrimPrefix(p.Key, "areas.problem."))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}
