package registry_test

import (
	"strings"
	"testing"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
)

// areas lays out a small country: code, level and parent.
var areas = []struct {
	code   string
	level  int
	parent string
}{
	{"MJ", 0, ""}, {"MJ01", 1, "MJ"}, {"MJ02", 1, "MJ"}, {"MJ0101", 2, "MJ01"}, {"MJ0201", 2, "MJ02"},
	{"MJ010101", 3, "MJ0101"}, {"MJ01010101", 4, "MJ010101"}, {"MJ0101010101", 5, "MJ01010101"},
}

func addArea(tx db.Tx, code string, level int, parent string) error {
	return tx.Exec(`
		insert into area (id, code, level, kind, parent_id, name)
		values ($1, $2, $3, 'area', (select id from area where code = nullif($4, '')), $5)`,
		tx.NewID(), code, level, parent, i18n.Text{"en": "Name of " + code})
}

func land(t *testing.T) *dbtest.DB {
	t.Helper()
	d := dbtest.New(t)
	do(t, d, worker, func(tx db.Tx) error {
		for _, a := range areas {
			if err := addArea(tx, a.code, a.level, a.parent); err != nil {
				return err
			}
		}
		return nil
	})
	return d
}

func codes(list []registry.Area) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Code)
	}
	return strings.Join(out, " ")
}

func areaID(t *testing.T, d *dbtest.DB, code string) (id db.ID) {
	t.Helper()
	do(t, d, worker, func(tx db.Tx) error {
		a, err := registry.AreaByCode(tx, code)
		id = a.ID
		return err
	})
	return id
}

func TestAreas(t *testing.T) {
	t.Parallel()
	d := land(t)
	smallest := areaID(t, d, "MJ0101010101")
	do(t, d, citizen(1), func(tx db.Tx) error {
		path, err := registry.AreaPath(tx, smallest)
		if err != nil || codes(path) != "MJ MJ01 MJ0101 MJ010101 MJ01010101 MJ0101010101" {
			t.Errorf("path %s %v", codes(path), err)
		}
		if name := registry.PathName(printer(t, "en"), path[:2]); name != "Name of MJ01" {
			t.Errorf("the country is in %q", name)
		}
		if name := registry.PathName(printer(t, "en"), path[:1]); name != "Name of MJ" {
			t.Errorf("the country alone is %q", name)
		}
		for code, want := range map[string]string{"": "MJ", "MJ": "MJ01 MJ02", "MJ0201": "", "XX": ""} {
			inside, err := registry.Subareas(tx, code)
			if err != nil || codes(inside) != want {
				t.Errorf("inside %s: %s %v", code, codes(inside), err)
			}
		}
		if _, err := registry.AreaByCode(tx, "XX"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if _, err := registry.AreaPath(tx, db.ID{9}); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		return nil
	})
}

func TestAreaInIsTrueForEveryAncestorAndItself(t *testing.T) {
	t.Parallel()
	d := land(t)
	ids := map[string]db.ID{}
	for _, a := range areas {
		ids[a.code] = areaID(t, d, a.code)
	}
	do(t, d, worker, func(tx db.Tx) error {
		for inner, id := range ids {
			for outer, around := range ids {
				in, err := registry.AreaIn(tx, id, around)
				if err != nil || in != strings.HasPrefix(inner, outer) {
					t.Errorf("%s in %s: %t %v", inner, outer, in, err)
				}
			}
		}
		in, err := registry.AreaIn(tx, db.ID{9}, db.ID{9})
		if err != nil || in {
			t.Errorf("an area that is not there lies in itself: %v", err)
		}
		return nil
	})
}

func TestAreaTriggerRefuses(t *testing.T) {
	t.Parallel()
	d := land(t)
	move := func(code, parent string, level int) func(db.Tx) error {
		return func(tx db.Tx) error {
			return tx.Exec(`update area set parent_id = (select id from area where code = $2), level = $3 where code = $1`, code, parent, level)
		}
	}
	for name, try := range map[string]func(db.Tx) error{
		"a level left out":         func(tx db.Tx) error { return addArea(tx, "MJ0202", 3, "MJ02") },
		"the parent's own level":   func(tx db.Tx) error { return addArea(tx, "MJ0202", 1, "MJ02") },
		"a country in a country":   func(tx db.Tx) error { return addArea(tx, "MJ0202", 0, "MJ") },
		"a region of nothing":      func(tx db.Tx) error { return addArea(tx, "XX01", 1, "") },
		"a region of a stranger":   func(tx db.Tx) error { return addArea(tx, "XX01", 1, "XX") },
		"a sixth level":            func(tx db.Tx) error { return addArea(tx, "MJ010101010101", 6, "MJ0101010101") },
		"the same code twice":      func(tx db.Tx) error { return addArea(tx, "MJ01", 1, "MJ") },
		"itself as the parent":     move("MJ0101010101", "MJ0101010101", 6),
		"itself, at another level": move("MJ0201", "MJ0201", 3),
		"its child as the parent":  move("MJ01", "MJ0101", 3),
		"its grandchild":           move("MJ01", "MJ010101", 4),
		"a move with all inside":   move("MJ0101", "MJ02", 2),
	} {
		if err := d.WithTx(t.Context(), worker, try); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestAreaAncestorsAreNeverWrittenByHand(t *testing.T) {
	t.Parallel()
	d := land(t)
	do(t, d, worker, func(tx db.Tx) error {
		for _, statement := range []string{
			`update area set l1 = (select id from area where code = 'MJ02') where code = 'MJ0101'`,
			`update area set name = '{"en": "New name"}' where code = 'MJ01'`,
			`update area set parent_id = (select id from area where code = 'MJ0101') where code = 'MJ010101'`, // where it is
		} {
			if err := tx.Exec(statement); err != nil {
				t.Error(statement, err)
			}
		}
		return nil
	})
	smallest := areaID(t, d, "MJ0101010101")
	// An area with nothing inside may move; what it repeats moves with it.
	do(t, d, worker, func(tx db.Tx) error {
		return tx.Exec(`update area set parent_id = (select id from area where code = 'MJ0201'), level = 3 where code = 'MJ0101010101'`)
	})
	do(t, d, worker, func(tx db.Tx) error {
		path, err := registry.AreaPath(tx, smallest)
		if codes(path) != "MJ MJ02 MJ0201 MJ0101010101" {
			t.Error(codes(path))
		}
		a, _ := registry.AreaByCode(tx, "MJ0101")
		if in, _ := registry.AreaIn(tx, a.ID, areaID(t, d, "MJ02")); in {
			t.Error("an ancestor was written by hand")
		}
		return err
	})
}

func TestWebRolesCannotChangeAreas(t *testing.T) {
	t.Parallel()
	d := land(t)
	for _, who := range []db.Principal{officer(1), citizen(1), {Role: db.Issuer}, {Role: db.API}} {
		for _, statement := range []string{`update area set name = '{}'`, `delete from area`, `insert into area (id) values (gen_random_uuid())`} {
			if err := d.WithTx(t.Context(), who, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
				t.Errorf("%s may %s", who.Role, statement)
			}
		}
	}
}
