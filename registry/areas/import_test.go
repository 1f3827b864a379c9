package areas_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry/areas"
)

func TestBothSpellingsOfTheHeaders(t *testing.T) {
	t.Parallel()
	for name, sheets := range map[string][]sheet{"older": country(), "newer": newer()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dbtest.New(t)
			plan := load(t, d, workbook(t, append(sheets, sheet{"Metadata", [][]any{{"Source", "somebody"}}})...))
			if plan.Counts.What[areas.New] != 6 {
				t.Errorf("%v", plan.Counts)
			}
			if got := tree(t, d); got != "ZZ ZZ01<ZZ ZZ0101<ZZ01 ZZ0102<ZZ01 ZZ02<ZZ ZZ0201<ZZ02" {
				t.Error(got)
			}
			if got := one(t, d, `select concat_ws('|', name->>'en', name->>'ar', kind, valid_from, km2) from area where code = 'ZZ0101'`); got != "Old Town|المدينة القديمة|level_2|2023-10-19|12.5" {
				t.Error(got)
			}
			straight(t, d)
		})
	}
}

// The list of the State of Palestine as OCHA publishes it.
func TestRealFile(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("/work/shared/data/areas/*.xlsx")
	if len(files) == 0 {
		t.Skip("no published list here")
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	d := dbtest.New(t)
	if plan := load(t, d, b); plan.Counts.What[areas.New] != 19 {
		t.Errorf("%v", plan.Counts)
	}
	if ref, plan := propose(t, d, everywhere, b, areas.Options{}); ref != "" || plan.Counts.Same != 19 {
		t.Errorf("the second time: %s %v", ref, plan.Counts)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	d := land(t)
	next := country()
	next[0].rows[1][0] = "Old City"                                                            // renamed
	next[0].rows[2][3], next[0].rows[2][4] = "North", "ZZ02"                                   // moved
	next[0].rows[3] = []any{"Far Hills", "", "ZZ0202", "North", "ZZ02", "Zed", "ZZ", 45218, 9} // new, and ZZ0201 ends
	before := tree(t, d)
	ref, plan := propose(t, d, everywhere, workbook(t, next...), areas.Options{})
	var got []string
	for _, it := range plan.Items {
		got = append(got, it.Code+":"+strings.Join(it.What, "+"))
	}
	if s := strings.Join(got, " "); s != "ZZ0101:renamed ZZ0102:moved ZZ0202:new ZZ0201:retired" || plan.Counts.Same != 3 {
		t.Fatalf("%s, %v %v", s, plan.Counts, plan.Problems)
	}
	if tree(t, d) != before {
		t.Error("a proposal changed the tree")
	}
	if err := finish(t, d, ref); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, d); got != "ZZ ZZ01<ZZ ZZ0101<ZZ01 ZZ0102<ZZ02 ZZ02<ZZ ZZ0202<ZZ02" {
		t.Error(got)
	}
	straight(t, d)
	// Who knows the old name finds it; who looks it up sees what it was.
	for text, want := range map[string]string{"Old Town": "ZZ0101", "old cit": "ZZ0101", "المدينه القديمة": "ZZ0101", "zz0202": "ZZ0202", "Far Hils": "ZZ0202", "%": "", "nowhere at all": ""} {
		do(t, d, officer(1), func(tx db.Tx) error {
			list, err := areas.Search(tx, text)
			code := ""
			if len(list) > 0 {
				code = list[0].Code
			}
			if code != want {
				t.Errorf("%q finds %q", text, code)
			}
			return err
		})
	}
	do(t, d, officer(1), func(tx db.Tx) error {
		a, err := areas.Load(tx, "ZZ0101")
		if err != nil {
			return err
		}
		past, err := areas.History(tx, a.ID)
		if err != nil || len(past) != 2 || past[0].Before.Name["en"] != "Old Town" || a.Version != 2 {
			t.Errorf("%+v %v, version %d", past, err, a.Version)
		}
		return nil
	})
	// Back as it was: the area that ended goes on, the one that was new ends.
	plan = load(t, d, workbook(t, country()...))
	if n := plan.Counts.What; n[areas.Restored] != 1 || n[areas.Retired] != 1 || n[areas.Moved] != 1 || n[areas.Renamed] != 1 {
		t.Errorf("%v", n)
	}
	if got := tree(t, d); got != before {
		t.Error(got)
	}
}

func TestMissingAreasMayStay(t *testing.T) {
	t.Parallel()
	d := land(t)
	next := country()
	next[0].rows = next[0].rows[:3]
	if ref, plan := propose(t, d, everywhere, workbook(t, next...), areas.Options{KeepMissing: true}); ref != "" || plan.Counts.Same != 5 {
		t.Errorf("%v", plan.Counts)
	}
}

func TestProblemsNameTheirPlace(t *testing.T) {
	t.Parallel()
	d := land(t)
	before := one(t, d, `select string_agg(code || version, ' ' order by code) from area`)
	for name, tc := range map[string]struct {
		change func([]sheet) []sheet
		want   string
	}{
		"no parent":       {func(s []sheet) []sheet { s[0].rows[2][4] = ""; return s }, "Admin2:3:ADM1_PCODE no_parent"},
		"inside itself":   {func(s []sheet) []sheet { s[0].rows[2][4] = "ZZ0102"; return s }, "Admin2:3:ADM1_PCODE own_parent"},
		"a cycle":         {func(s []sheet) []sheet { s[1].rows[1][2], s[1].rows[1][4] = "ZZ0101", "ZZ0101"; return s }, "Admin1:2:ADM0_PCODE own_parent; Admin1:2:ADM1_PCODE other_level; Admin2:2:ADM1_PCODE parent_missing; Admin2:2:ADM2_PCODE code_twice; Admin2:3:ADM1_PCODE parent_missing"},
		"a level skipped": {func(s []sheet) []sheet { s[0].rows[0][4] = "note"; return s }, "Admin2:1:ADM1_PCODE column_missing"},
		"a parent above":  {func(s []sheet) []sheet { s[0].rows[2][4] = "ZZ"; return s }, "Admin2:3:ADM1_PCODE parent_level"},
		"the code twice":  {func(s []sheet) []sheet { s[0].rows[3][2] = "ZZ0101"; return s }, "Admin2:4:ADM2_PCODE code_twice"},
		"no such parent":  {func(s []sheet) []sheet { s[0].rows[1][4] = "ZZ09"; return s }, "Admin2:2:ADM1_PCODE parent_missing"},
		"another country": {func(s []sheet) []sheet { s[0].rows[1][6] = "YY"; return s }, "Admin2:2:ADM0_PCODE parent_differs"},
		"no name":         {func(s []sheet) []sheet { s[1].rows[1][0], s[1].rows[1][1] = "", ""; return s }, "Admin1:2:ADM1_EN no_name"},
		"no code":         {func(s []sheet) []sheet { s[1].rows[2][2] = "a b/c"; return s }, "Admin1:3:ADM1_PCODE code; Admin2:4:ADM1_PCODE parent_missing"},
		"a column twice":  {func(s []sheet) []sheet { s[1].rows[0][1] = "ADM1_EN"; return s }, "Admin1:1:ADM1_EN column_twice"},
		"a level twice":   {func(s []sheet) []sheet { return append(s, sheet{"Again", s[1].rows}) }, "Again:1:ADM1_PCODE level_twice"},
		"too deep":        {func(s []sheet) []sheet { return append(s, sheet{"Admin7", [][]any{{"ADM7_EN", "ADM7_PCODE"}}}) }, "Admin7:1:ADM7_PCODE too_deep"},
		"not a day":       {func(s []sheet) []sheet { s[0].rows[1][7] = "in spring"; return s }, "Admin2:2:validOn day"},
		"not a size":      {func(s []sheet) []sheet { s[0].rows[1][8] = "big"; return s }, "Admin2:2:AREA_SQKM number"},
		"an endless name": {func(s []sheet) []sheet { s[1].rows[1][0] = strings.Repeat("a", 201); return s }, "Admin1:2:ADM1_EN text"},
		"the level of a code": {func(s []sheet) []sheet {
			s[1].rows = append(s[1].rows, []any{"Old Town", "", "ZZ0101", "Zed", "ZZ"})
			s[0].rows = append(s[0].rows[:1], s[0].rows[2:]...)
			return s
		}, "Admin1:4:ADM1_PCODE other_level"},
	} {
		t.Run(name, func(t *testing.T) {
			ref, plan := propose(t, d, everywhere, workbook(t, tc.change(country())...), areas.Options{})
			if got := keys(plan.Problems); got != tc.want || ref != "" {
				t.Errorf("%s", got)
			}
		})
	}
	if after := one(t, d, `select string_agg(code || version, ' ' order by code) from area`); after != before {
		t.Error("the tree changed")
	}
	if n := one(t, d, `select count(*)::text from area_change`); n != "1" {
		t.Errorf("%s changes are stored", n)
	}
}

func TestNothingLikeAList(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for name, b := range map[string][]byte{
		"areas.error.no_sheet":  workbook(t, sheet{"People", [][]any{{"name", "age"}, {"A", 3}}}),
		"xlsx.error.unreadable": []byte("code;name\n"),
		"areas.error.geojson":   []byte(`{"type": "Feature"}`),
	} {
		err := d.WithTx(t.Context(), officer(1), func(tx db.Tx) error {
			upload, err := areas.ReadUpload(b)
			if err != nil {
				return err
			}
			_, err = upload.Plan(tx, everywhere, areas.Options{On: "2026-03-02"})
			return err
		})
		if f, ok := err.(*fault.Error); !ok || f.Key != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAreaWithPeopleDoesNotEnd(t *testing.T) {
	t.Parallel()
	d := land(t)
	home(t, d, "ZZ0201")
	next := country()
	next[0].rows = next[0].rows[:3]
	if _, plan := propose(t, d, everywhere, workbook(t, next...), areas.Options{}); keys(plan.Problems) != " inhabited" {
		t.Error(keys(plan.Problems))
	}
	next = country()
	next[1].rows = next[1].rows[:2] // North ends, Dry Valley would be left
	if _, plan := propose(t, d, everywhere, workbook(t, next[1], next[2]), areas.Options{}); keys(plan.Problems) != " goes_on" {
		t.Error(keys(plan.Problems))
	}
	// Somebody moves in between the approval and its end.
	empty := country()
	empty[0].rows = append(empty[0].rows[:2], empty[0].rows[3])
	ref, plan := propose(t, d, everywhere, workbook(t, empty...), areas.Options{})
	if ref == "" {
		t.Fatal(keys(plan.Problems))
	}
	home(t, d, "ZZ0102")
	if err := finish(t, d, ref); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if state := one(t, d, `select state from area_change where ref = $1`, ref); state != "stale" || !strings.Contains(tree(t, d), "ZZ0102") {
		t.Error(state, tree(t, d))
	}
}

func TestTwoHands(t *testing.T) {
	t.Parallel()
	d := land(t)
	next := country()
	next[1].rows[1][0] = "Metropolis"
	ref, _ := propose(t, d, everywhere, workbook(t, next...), areas.Options{})
	try := func(who db.Principal, fn func(db.Tx, areas.Actor, string) error) error {
		return d.WithTx(t.Context(), who, func(tx db.Tx) error { return fn(tx, everywhere, ref) })
	}
	if err := try(officer(1), areas.Approve); !fault.Is(err, fault.Forbidden) {
		t.Errorf("who proposed approved: %v", err)
	}
	if err := try(officer(2), areas.Withdraw); !fault.Is(err, fault.Conflict) {
		t.Errorf("somebody else withdrew: %v", err)
	}
	if err := try(officer(2), areas.Send); !fault.Is(err, fault.Conflict) {
		t.Errorf("sent twice: %v", err)
	}
	// What was sent stays what it is, for its author too.
	id := one(t, d, `select id::text from area_change where ref = $1`, ref)
	for _, statement := range []string{
		`insert into area_change_item (change_id, seq, area_id, what, version, code, level, kind, name, scope)
		 select '` + id + `', 900, gen_random_uuid(), '{new}', 0, 'XX', 0, 'country', '{}', '{}'`,
		`update area_change_item set code = 'XX'`, `delete from area_change_item`,
		`update area_change set state = 'approved', decided_by = gen_random_uuid()`,
		`update area set name = '{}'`, `insert into area_successor select id, id, '2026-01-01', true, true, id from area`,
		`select apply_area_change('` + id + `', gen_random_uuid(), gen_random_uuid(), '2026-03-02')`,
		`select move_records('{}', '{}', '{}', null, null, null, '', gen_random_uuid(), gen_random_uuid(), '2026-03-02')`,
		`insert into area_change (id, ref, kind, on_day, proposed_at, proposed_by) values (gen_random_uuid(), 'x', 'edit', '2026-03-02', '2026-03-02', gen_random_uuid())`,
	} {
		for _, who := range []db.Principal{officer(1), officer(2), {Role: db.Citizen, Kind: "citizen", Actor: officer(5).Actor}} {
			if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
				t.Errorf("%s may %s", who.Role, statement)
			}
		}
	}
	if err := finish(t, d, ref); err != nil {
		t.Fatal(err)
	}
	if err := try(officer(2), areas.Approve); !fault.Is(err, fault.Conflict) {
		t.Errorf("approved twice: %v", err)
	}
	if one(t, d, `select name->>'en' from area where code = 'ZZ01'`) != "Metropolis" {
		t.Error("not renamed")
	}
}

// Two proposals about one area: the second one was made from what the first
// changed.
func TestTheSecondOfTwoIsStale(t *testing.T) {
	t.Parallel()
	d := land(t)
	a, b := country(), country()
	a[1].rows[1][0], b[1].rows[1][0] = "First", "Second"
	first, _ := propose(t, d, everywhere, workbook(t, a...), areas.Options{})
	second, _ := propose(t, d, everywhere, workbook(t, b...), areas.Options{})
	if err := finish(t, d, first); err != nil {
		t.Fatal(err)
	}
	if err := finish(t, d, second); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if got := one(t, d, `select name->>'en' || (select state from area_change where ref = $1) from area where code = 'ZZ01'`, second); got != "Firststale" {
		t.Error(got)
	}
}

// An officer of one region has no say in another, in what is proposed, shown
// and approved alike.
func TestScope(t *testing.T) {
	t.Parallel()
	d := land(t)
	capital, north := in(t, d, 1, "ZZ01"), in(t, d, 2, "ZZ02")
	next := country()
	next[0].rows[3][0] = "Wet Valley"
	if _, plan := propose(t, d, capital, workbook(t, next...), areas.Options{}); keys(plan.Problems) != "Admin2:4:ADM2_PCODE not_yours" || plan.Outside != 1 {
		t.Error(keys(plan.Problems), plan.Outside)
	}
	abroad := []sheet{{"Admin0", [][]any{{"ADM0_EN", "ADM0_PCODE"}, {"Why", "YY"}}}}
	if _, plan := propose(t, d, capital, workbook(t, abroad...), areas.Options{}); keys(plan.Problems) != "Admin0:2:ADM0_PCODE new_country" || plan.Outside != 1 {
		t.Error(keys(plan.Problems), plan.Outside)
	}
	do(t, d, officer(1), func(tx db.Tx) error {
		list, err := areas.Own(tx, capital)
		if len(list) != 1 || list[0].Code != "ZZ01" {
			t.Errorf("answers for %v", list)
		}
		return err
	})
	moved := country()
	moved[0].rows[1][3], moved[0].rows[1][4] = "North", "ZZ02"
	if _, plan := propose(t, d, capital, workbook(t, moved...), areas.Options{}); keys(plan.Problems) != "Admin2:2:ADM2_PCODE not_yours" {
		t.Error(keys(plan.Problems))
	}
	// What the file leaves out elsewhere is not the officer's to end.
	part := country()
	part[0].rows = part[0].rows[:2]
	part[0].rows[1][0] = "Old City"
	ref, plan := propose(t, d, capital, workbook(t, part...), areas.Options{})
	if n := plan.Counts.What; n[areas.Renamed] != 1 || n[areas.Retired] != 1 || len(plan.Items) != 2 {
		t.Errorf("%v %v", n, plan.Problems)
	}
	for name, fn := range map[string]func(db.Tx) error{
		"approve": func(tx db.Tx) error { return areas.Approve(tx, north, ref) },
		"show":    func(tx db.Tx) error { _, _, _, err := areas.ShowChange(tx, north, ref, "", 0, 10); return err },
	} {
		if err := d.WithTx(t.Context(), officer(2), fn); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	do(t, d, officer(2), func(tx db.Tx) error {
		list, err := areas.Changes(tx, north)
		if len(list) != 0 {
			t.Error("another region's proposal is listed")
		}
		return err
	})
	do(t, d, officer(2), func(tx db.Tx) error { return areas.Approve(tx, in(t, d, 2, "ZZ01"), ref) })
}

func TestHouseholdsAreCountedWhereOneAnswers(t *testing.T) {
	t.Parallel()
	d := land(t)
	home(t, d, "ZZ0101")
	home(t, d, "ZZ0201")
	do(t, d, officer(1), func(tx db.Tx) error {
		zed, err := areas.Load(tx, "ZZ")
		if err != nil {
			return err
		}
		list, err := areas.Within(tx, in(t, d, 1, "ZZ01"), &zed.ID)
		if err != nil || len(list) != 2 || list[0].Households == nil || *list[0].Households != 1 || list[0].Inside != 2 || list[1].Households != nil {
			t.Errorf("%+v %v", list, err)
		}
		return nil
	})
}

// 40,000 areas: read, compared, stored, approved, applied. The aim is 10 seconds,
// on two cores that have nothing else to do: the log says how long it took.
func TestFortyThousandAreas(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	b := large(t, 40, 999)
	d := dbtest.New(t)
	start := time.Now()
	ref, plan := propose(t, d, everywhere, b, areas.Options{})
	staged := time.Since(start)
	if plan.Counts.What[areas.New] != 40_001 || len(plan.Problems) > 0 {
		t.Fatal(plan.Counts, keys(plan.Problems))
	}
	if err := finish(t, d, ref); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("%d areas in a file of %d kB: read and compared in %.1f s, all in %.1f s", 40_001, len(b)>>10, staged.Seconds(), took.Seconds())
	start = time.Now()
	if ref, plan := propose(t, d, everywhere, b, areas.Options{}); ref != "" || plan.Counts.Same != 40_001 {
		t.Errorf("the second time: %v", plan.Counts)
	}
	t.Logf("the second time %.1f s", time.Since(start).Seconds())
	do(t, d, officer(1), func(tx db.Tx) error {
		start = time.Now()
		list, err := areas.Search(tx, "Vilage 1234")
		t.Logf("a misspelt search: %d found in %.0f ms", len(list), float64(time.Since(start).Microseconds())/1000)
		return err
	})
}

func large(t testing.TB, regions, each int) []byte {
	one := sheet{"Admin1", [][]any{{"ADM1_EN", "ADM1_AR", "ADM1_PCODE", "ADM0_EN", "ADM0_PCODE", "validOn"}}}
	two := sheet{"Admin2", [][]any{{"ADM2_EN", "ADM2_AR", "ADM2_PCODE", "ADM1_EN", "ADM1_AR", "ADM1_PCODE", "ADM0_EN", "ADM0_PCODE", "validOn", "AREA_SQKM"}}}
	for i := range regions {
		code := fmt.Sprintf("BB%03d", i)
		name, arabic := fmt.Sprintf("Region %d", i), fmt.Sprintf("إقليم %d", i)
		one.rows = append(one.rows, []any{name, arabic, code, "Big", "BB", 45218})
		for j := range each {
			two.rows = append(two.rows, []any{fmt.Sprintf("Village %d of region %d", j, i), fmt.Sprintf("قرية %d من إقليم %d", j, i), fmt.Sprintf("%s%04d", code, j),
				name, arabic, code, "Big", "BB", 45218, 1.25})
		}
	}
	return workbook(t, sheet{"Admin0", [][]any{{"ADM0_EN", "ADM0_PCODE"}, {"Big", "BB"}}}, one, two)
}

func TestOutlines(t *testing.T) {
	t.Parallel()
	d := land(t)
	square := func(code, ring string) string {
		return fmt.Sprintf(`{"type":"Feature","properties":{"ADM1_PCODE":"ZZ01","ADM2_PCODE":%q,"x":null},"geometry":{"type":"Polygon","coordinates":[%s]}}`, code, ring)
	}
	const ring = `[[30,10,5],[31,10,5],[31,11,5],[30,10,5]]`
	collect := func(features ...string) []byte {
		return []byte(`{"type":"FeatureCollection","crs":{"a":[1]},"features":[` + strings.Join(features, ",") + `]}`)
	}
	for want, b := range map[string][]byte{
		"1:geometry ring; 2:geometry degrees": collect(square("ZZ0101", `[[30,10],[31,10],[31,11]]`), square("ZZ0102", `[[300,10],[31,10],[31,11],[300,10]]`)),
		"1:properties unknown":                collect(square("QQ", ring)),
		"2:properties outline_twice":          collect(square("ZZ0101", ring), square("ZZ0101", ring)),
		"1:geometry geometry":                 collect(`{"type":"Feature","properties":{"pcode":"ZZ01"},"geometry":{"type":"Point","coordinates":[1,2]}}`),
		"1:properties no_code":                collect(`{"type":"Feature","properties":{"name":"x"},"geometry":null}`),
	} {
		if _, plan := propose(t, d, everywhere, b, areas.Options{}); keys(plan.Problems) != want {
			t.Errorf("%s instead of %s", keys(plan.Problems), want)
		}
	}
	load(t, d, collect(square("ZZ0101", ring), square("ZZ0102", `[[31,11],[32,11],[32,12],[31,11]]`)))
	do(t, d, officer(1), func(tx db.Tx) error {
		a, err := areas.Load(tx, "ZZ01")
		if err != nil {
			return err
		}
		m, err := areas.LoadMap(tx, a)
		if err != nil || len(m.Shapes) != 2 || !m.Shapes[0].Inner || m.Height < 599 || !bytes.HasPrefix([]byte(m.Shapes[0].Path), []byte("M0.0 ")) {
			t.Errorf("%+v %v", m, err)
		}
		return nil
	})
}
