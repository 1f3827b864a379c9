package areas_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/areas"
)

// restructure proposes a plan as officer 1, sends, approves and applies it.
func restructure(t testing.TB, d *dbtest.DB, kind string, plan func(db.Tx) (*areas.Plan, error)) {
	t.Helper()
	var ref string
	do(t, d, officer(1), func(tx db.Tx) error {
		p, err := plan(tx)
		if err != nil {
			return err
		}
		if ref, err = areas.Propose(tx, areas.Draft{Kind: kind, On: "2026-03-01"}, p); err != nil {
			return err
		}
		return areas.Send(tx, everywhere, ref)
	})
	if err := finish(t, d, ref); err != nil {
		t.Fatal(err)
	}
}

func TestMergeIntoANewArea(t *testing.T) {
	t.Parallel()
	d := land(t)
	old, _ := home(t, d, "ZZ0101")
	fresh, _ := home(t, d, "ZZ0102")
	above, _ := home(t, d, "ZZ01") // no fixed place: stays with the region
	staff(t, d, 7, "intake", "ZZ0101")
	staff(t, d, 8, "verifier", "ZZ01")
	restructure(t, d, areas.KindMerge, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanMerge(tx, everywhere, areas.Merge{Areas: []string{"ZZ0101", "ZZ0102"}, On: "2026-03-01",
			New: &areas.Part{Code: "ZZ0103", Name: i18n.Text{"en": "Twin Town"}}})
	})
	if where(t, d, old) != "ZZ0103" || where(t, d, fresh) != "ZZ0103" || where(t, d, above) != "ZZ01" {
		t.Error("the households did not follow")
	}
	if got := tree(t, d); got != "ZZ ZZ01<ZZ ZZ0103<ZZ01 ZZ02<ZZ ZZ0201<ZZ02" {
		t.Error(got)
	}
	// Each household has a second version, of a change with two hands, that says
	// where the new place comes from; what else was known is as it was.
	if got := one(t, d, `
		select concat_ws(' ', h.version, h.directions, c.origin, c.state, c.proposed_by = $2, c.approved_by = $3,
		                 s.kind, s.label = x.ref, (h.provenance ? '*'))
		from household h join change c on c.id = h.change_id join source s on s.id = (h.provenance->>'area')::uuid
		join area_change x on x.change_id = c.id where h.id = $1`, old, officer(1).Actor, officer(2).Actor); got != "2 behind the mill batch applied t t calculated t t" {
		t.Error(got)
	}
	if n := one(t, d, `select count(*)::text from outbox where kind = 'assess_household'`); n != "2" {
		t.Errorf("%s households are assessed again", n)
	}
	if got := roles(t, d, 7) + "," + roles(t, d, 8); got != "ZZ0103,ZZ01" {
		t.Error(got)
	}
	do(t, d, officer(1), func(tx db.Tx) error {
		a, err := registry.CurrentArea(tx, "ZZ0102")
		if err != nil || a.Code != "ZZ0103" {
			t.Errorf("an applicant who chose the old place gets %s %v", a.Code, err)
		}
		inside, err := registry.Subareas(tx, "ZZ01")
		if len(inside) != 1 {
			t.Error("an area that ended is still offered")
		}
		return err
	})
	straight(t, d)
}

func TestMergeOfAreasWithAreasInside(t *testing.T) {
	t.Parallel()
	d := land(t)
	id, _ := home(t, d, "ZZ0201")
	staff(t, d, 7, "intake", "ZZ02")
	restructure(t, d, areas.KindMerge, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanMerge(tx, everywhere, areas.Merge{Areas: []string{"ZZ01", "ZZ02"}, Into: "ZZ01", On: "2026-03-01"})
	})
	if got := tree(t, d); got != "ZZ ZZ01<ZZ ZZ0101<ZZ01 ZZ0102<ZZ01 ZZ0201<ZZ01" {
		t.Error(got)
	}
	if where(t, d, id) != "ZZ0201" || roles(t, d, 7) != "ZZ01" {
		t.Error(where(t, d, id), roles(t, d, 7))
	}
	straight(t, d)
}

func TestSplit(t *testing.T) {
	t.Parallel()
	d := land(t)
	stays, _ := home(t, d, "ZZ0101")
	goes, ref := home(t, d, "ZZ0101")
	_, elsewhere := home(t, d, "ZZ0201")
	staff(t, d, 7, "intake", "ZZ0101")
	part := areas.Part{Code: "ZZ0104", Name: i18n.Text{"en": "Harbour"}, Holds: []string{strings.ToLower(ref)}}
	for name, s := range map[string]areas.Split{
		"no parts":            {Area: "ZZ0101", On: "2026-03-01"},
		"one, and it ends":    {Area: "ZZ0101", Parts: []areas.Part{part}, Ends: true, On: "2026-03-01"},
		"a code that is used": {Area: "ZZ0101", Parts: []areas.Part{{Code: "ZZ0102", Name: part.Name}}, On: "2026-03-01"},
		"two of one code":     {Area: "ZZ0101", Parts: []areas.Part{part, {Code: "ZZ0104", Name: part.Name}}, On: "2026-03-01"},
		"without a name":      {Area: "ZZ0101", Parts: []areas.Part{{Code: "ZZ0105"}}, On: "2026-03-01"},
		"a household twice":   {Area: "ZZ0101", Parts: []areas.Part{{Code: "ZZ0105", Name: part.Name, Holds: []string{ref, ref}}}, On: "2026-03-01"},
		"one from elsewhere":  {Area: "ZZ0101", Parts: []areas.Part{{Code: "ZZ0105", Name: part.Name, Holds: []string{elsewhere}}}, On: "2026-03-01"},
		"nothing like one":    {Area: "ZZ0101", Parts: []areas.Part{{Code: "ZZ0105", Name: part.Name, Holds: []string{"all of them"}}}, On: "2026-03-01"},
	} {
		err := d.WithTx(t.Context(), officer(1), func(tx db.Tx) error {
			_, err := areas.PlanSplit(tx, everywhere, s)
			return err
		})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	restructure(t, d, areas.KindSplit, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanSplit(tx, everywhere, areas.Split{Area: "ZZ0101", Parts: []areas.Part{part}, On: "2026-03-01"})
	})
	if where(t, d, stays) != "ZZ0101" || where(t, d, goes) != "ZZ0104" {
		t.Error(where(t, d, stays), where(t, d, goes))
	}
	if got := roles(t, d, 7); got != "ZZ0101 ZZ0104" {
		t.Error(got)
	}
	// The rest of it ends: two new areas, and the first takes what nobody named.
	restructure(t, d, areas.KindSplit, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanSplit(tx, everywhere, areas.Split{Area: "ZZ0101", Ends: true, On: "2026-03-01", Parts: []areas.Part{
			{Code: "ZZ0105", Name: part.Name}, {Code: "ZZ0106", Name: part.Name}}})
	})
	if where(t, d, stays) != "ZZ0105" || roles(t, d, 7) != "ZZ0104 ZZ0105 ZZ0106" {
		t.Error(where(t, d, stays), roles(t, d, 7))
	}
	do(t, d, officer(1), func(tx db.Tx) error {
		if _, err := registry.CurrentArea(tx, "ZZ0101"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a divided place is one place: %v", err)
		}
		return nil
	})
	straight(t, d)
}

// A split of an area with areas inside takes those that it names.
func TestSplitOfARegion(t *testing.T) {
	t.Parallel()
	d := land(t)
	id, _ := home(t, d, "ZZ0102")
	north := in(t, d, 1, "ZZ02")
	try := func(who areas.Actor) error {
		return d.WithTx(t.Context(), officer(1), func(tx db.Tx) error {
			_, err := areas.PlanSplit(tx, who, areas.Split{Area: "ZZ01", Parts: []areas.Part{{Code: "ZZ03", Name: i18n.Text{"en": "Coast"}}}, On: "2026-03-01"})
			return err
		})
	}
	if err := try(north); !fault.Is(err, fault.Forbidden) {
		t.Errorf("an officer of the north split the capital: %v", err)
	}
	restructure(t, d, areas.KindSplit, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanSplit(tx, everywhere, areas.Split{Area: "ZZ01", On: "2026-03-01",
			Parts: []areas.Part{{Code: "ZZ03", Name: i18n.Text{"en": "Coast"}, Holds: []string{"ZZ0102"}}}})
	})
	if got := tree(t, d); got != "ZZ ZZ01<ZZ ZZ0101<ZZ01 ZZ0102<ZZ03 ZZ02<ZZ ZZ0201<ZZ02 ZZ03<ZZ" || where(t, d, id) != "ZZ0102" {
		t.Error(got)
	}
	straight(t, d)
}

// A household that comes late into an area that ended follows the others.
func TestLateRecordsFollow(t *testing.T) {
	t.Parallel()
	d := land(t)
	var change, id db.ID
	do(t, d, db.Principal{Role: db.Jobs, Kind: "staff", Actor: officer(3).Actor}, func(tx db.Tx) error {
		a, err := registry.AreaByCode(tx, "ZZ0101")
		if err != nil {
			return err
		}
		id = tx.NewID()
		change, err = registry.Propose(tx, registry.OriginBatch, []registry.Item{{Kind: registry.KindHousehold, Subject: id, Data: registry.HouseholdData{
			Ref: registry.NewRef(registry.RefHousehold, tx.Rand()), AreaID: a.ID, Provenance: registry.Provenance{}}}})
		return err
	})
	restructure(t, d, areas.KindMerge, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanMerge(tx, everywhere, areas.Merge{Areas: []string{"ZZ0101", "ZZ0102"}, Into: "ZZ0102", On: "2026-03-01"})
	})
	do(t, d, db.Principal{Role: db.Jobs, Kind: "staff", Actor: officer(4).Actor}, func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
	for range 2 { // any number of times
		do(t, d, worker, func(tx db.Tx) error { _, err := areas.Follow(tx); return err })
	}
	if where(t, d, id) != "ZZ0102" || one(t, d, `select version::text from household where id = $1`, id) != "2" {
		t.Error(where(t, d, id))
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	d := land(t)
	restructure(t, d, areas.KindEdit, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanEdit(tx, everywhere, areas.Edit{Area: "ZZ0101", Name: i18n.Text{"en": "Old Harbour", "ar": "الميناء القديم"}, Alternative: []string{"Medina"}})
	})
	if got := one(t, d, `select concat_ws('|', name->>'en', name->>'ar', array_to_string(alternative, ',')) from area where code = 'ZZ0101'`); !strings.HasPrefix(got, "Old Harbour|الميناء القديم|") ||
		!strings.Contains(got, "Medina") || !strings.Contains(got, "Old Town") {
		t.Error(got)
	}
	restructure(t, d, areas.KindEdit, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanEdit(tx, everywhere, areas.Edit{Area: "ZZ0101", Name: i18n.Text{"en": "Old Harbour", "ar": "الميناء القديم"}, Alternative: []string{"Old Town"}})
	})
	if got := one(t, d, `select array_to_string(alternative, ',') from area where code = 'ZZ0101'`); got != "Old Town" {
		t.Error(got)
	}
}

// Whatever is merged and split in whatever order: nobody is lost, nobody lives
// in an area that ended, every area repeats its ancestors, and who could see
// every household still does.
func TestRestructuringLosesNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	t.Parallel()
	d := land(t)
	staff(t, d, 9, "intake", "ZZ0101")
	staff(t, d, 9, "intake", "ZZ0102")
	for range 3 {
		home(t, d, "ZZ0101")
		home(t, d, "ZZ0102")
	}
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		var codes List
		do(t, d, worker, func(tx db.Tx) error {
			return tx.Get(&codes, `select jsonb_agg(a.code order by a.code) from area a join area p on p.id = a.parent_id where p.code = 'ZZ01' and a.valid_to is null`)
		})
		if len(codes) > 1 && rapid.Bool().Draw(r, "merge") {
			i := rapid.IntRange(1, len(codes)-1).Draw(r, "with")
			restructure(t, d, areas.KindMerge, func(tx db.Tx) (*areas.Plan, error) {
				return areas.PlanMerge(tx, everywhere, areas.Merge{Areas: []string{codes[0], codes[i]}, Into: codes[rapid.SampledFrom([]int{0, i}).Draw(r, "into")], On: "2026-03-01"})
			})
		} else {
			code := rapid.SampledFrom(codes).Draw(r, "split")
			ends := rapid.Bool().Draw(r, "ends")
			restructure(t, d, areas.KindSplit, func(tx db.Tx) (*areas.Plan, error) {
				return areas.PlanSplit(tx, everywhere, areas.Split{Area: code, Ends: ends, On: "2026-03-01", Parts: []areas.Part{
					{Code: fmt.Sprintf("ZZ01A%d", n), Name: i18n.Text{"en": "A"}}, {Code: fmt.Sprintf("ZZ01B%d", n), Name: i18n.Text{"en": "B"}}}})
			})
		}
		if got := one(t, d, `
			select concat_ws(' ', count(*), count(*) filter (where a.valid_to is not null),
			       count(*) filter (where not exists (select from staff_role s where s.staff_id = $1 and s.area_id = a.id and (s.valid_to is null or s.valid_to > $2))))
			from household h join area a on a.id = h.area_id`, officer(9).Actor, d.Now()); got != "6 0 0" {
			r.Fatalf("households, of these in areas that ended, of these out of sight: %s", got)
		}
	})
	straight(t, d)
}

// List is a list of texts in a jsonb column.
type List = areas.List

// An approved change that cannot be carried out is not "being carried out" for
// ever: it says why, and may be tried again by whoever may approve.
func TestAFailedChangeIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	d := land(t)
	next := country()
	next[1].rows[1][0] = "Metropolis"
	for _, c := range []struct{ name, code, constraint, failure string }{
		{"our mistake", "21000", "", "error.internal"}, {"a rule", "DF005", "payee_of_age", "rule.payee_of_age"},
	} {
		owner(t, d, `create or replace function break_it() returns trigger language plpgsql as $$ begin
			raise exception 'no' using errcode = '`+c.code+`', constraint = '`+c.constraint+`'; end $$`)
		owner(t, d, `create or replace trigger break_it before update on area for each row execute function break_it()`)
		next[1].rows[1][0] = next[1].rows[1][0].(string) + "!"
		ref, _ := propose(t, d, everywhere, workbook(t, next...), areas.Options{})
		if err := finish(t, d, ref); err == nil {
			t.Fatal("it did not fail")
		}
		shown := func() (c areas.Change) {
			do(t, d, officer(2), func(tx db.Tx) (err error) {
				c, _, _, err = areas.ShowChange(tx, everywhere, ref, "", 0, 10)
				return err
			})
			return c
		}
		if got := shown(); got.State != "approved" || got.Failure != c.failure || got.Shown() != "failed" {
			t.Errorf("%s: %s %q", c.name, got.State, got.Failure)
		}
		owner(t, d, `drop trigger break_it on area`)
		do(t, d, officer(2), func(tx db.Tx) error { return areas.Retry(tx, everywhere, ref) })
		if n := one(t, d, `select count(*)::text from outbox where kind = 'apply_area_change' and ref = (select id from area_change where ref = $1)`, ref); n != "2" {
			t.Errorf("%s: asked for %s times", c.name, n)
		}
		if got := shown(); got.Shown() != "approved" {
			t.Errorf("%s: %s after another try was asked for", c.name, got.Shown())
		}
		if err := d.WithTx(t.Context(), officer(2), func(tx db.Tx) error { return areas.Retry(tx, everywhere, ref) }); !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: asked twice at once: %v", c.name, err)
		}
		var id db.ID
		do(t, d, worker, func(tx db.Tx) (err error) { id, err = areas.ByRef(tx, ref); return err })
		if err := areas.Apply(t.Context(), d.DB, id); err != nil || shown().Shown() != "applied" {
			t.Errorf("%s: %v, %s", c.name, err, shown().Shown())
		}
	}
}
