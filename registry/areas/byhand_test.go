package areas_test

import (
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/areas"
)

// What is refused is refused with a sentence beside an input, and nothing is
// proposed.
func TestByHandRefuses(t *testing.T) {
	t.Parallel()
	d := land(t)
	home(t, d, "ZZ0101")
	register(t, d, registry.KindGroup, group("ZZ0201"))
	north := in(t, d, 1, "ZZ02")
	name := i18n.Text{"en": "Quay"}
	add := func(n areas.Add) func(db.Tx, areas.Actor) error {
		return func(tx db.Tx, who areas.Actor) error {
			n.On = "2026-03-01"
			_, err := areas.PlanAdd(tx, who, n)
			return err
		}
	}
	move := func(code, to string) func(db.Tx, areas.Actor) error {
		return func(tx db.Tx, who areas.Actor) error {
			_, err := areas.PlanMove(tx, who, areas.Move{Area: code, In: to, On: "2026-03-01"})
			return err
		}
	}
	end := func(code, into, on string) func(db.Tx, areas.Actor) error {
		return func(tx db.Tx, who areas.Actor) error {
			_, err := areas.PlanEnd(tx, who, areas.End{Area: code, Into: into, On: on})
			return err
		}
	}
	for what, c := range map[string]struct {
		plan func(db.Tx, areas.Actor) error
		who  areas.Actor
		code fault.Code
		at   string
	}{
		"a code that is taken":           {add(areas.Add{In: "ZZ01", Code: "ZZ0201", Name: name}), everywhere, fault.Invalid, "code"},
		"no code":                        {add(areas.Add{In: "ZZ01", Name: name}), everywhere, fault.Invalid, "code"},
		"no name":                        {add(areas.Add{In: "ZZ01", Code: "ZZ0109"}), everywhere, fault.Invalid, "name_en"},
		"in an area that is not there":   {add(areas.Add{In: "ZZ09", Code: "ZZ0901", Name: name}), everywhere, fault.NotFound, ""},
		"in another's area":              {add(areas.Add{In: "ZZ01", Code: "ZZ0109", Name: name}), north, fault.Forbidden, ""},
		"into itself":                    {move("ZZ01", "ZZ01"), everywhere, fault.Invalid, "in"},
		"into an area inside it":         {move("ZZ01", "ZZ0101"), everywhere, fault.Invalid, "in"},
		"to where it is":                 {move("ZZ0101", "ZZ01"), everywhere, fault.Invalid, "in"},
		"a country":                      {move("ZZ", "ZZ01"), everywhere, fault.Invalid, "in"},
		"another level, with areas":      {move("ZZ01", "ZZ02"), everywhere, fault.Invalid, "in"},
		"to nowhere":                     {move("ZZ0101", "ZZ99"), everywhere, fault.Invalid, "in"},
		"out of another's area":          {move("ZZ0101", "ZZ02"), north, fault.Forbidden, ""},
		"into another's area":            {move("ZZ0201", "ZZ01"), north, fault.Invalid, "in"},
		"an end where people live":       {end("ZZ0101", "", "2026-03-01"), everywhere, fault.Invalid, "into"},
		"an end where a group is":        {end("ZZ0201", "", "2026-03-01"), everywhere, fault.Invalid, "into"},
		"an end with areas inside":       {end("ZZ01", "", "2026-03-01"), everywhere, fault.Invalid, "into"},
		"an end of a country":            {end("ZZ", "ZZ01", "2026-03-01"), everywhere, fault.Invalid, "into"},
		"an end into another level":      {end("ZZ0101", "ZZ02", "2026-03-01"), everywhere, fault.Invalid, "into"},
		"an end into itself":             {end("ZZ0101", "ZZ0101", "2026-03-01"), everywhere, fault.Invalid, "into"},
		"an end before it began":         {end("ZZ0102", "", "2001-03-01"), everywhere, fault.Invalid, "day"},
		"an end of another's area":       {end("ZZ0102", "", "2026-03-01"), north, fault.Forbidden, ""},
		"an end that another's takes up": {end("ZZ0201", "ZZ0101", "2026-03-01"), north, fault.Invalid, "into"},
	} {
		err := d.WithTx(t.Context(), officer(1), func(tx db.Tx) error { return c.plan(tx, c.who) })
		if !fault.Is(err, c.code) {
			t.Errorf("%s: %v", what, err)
			continue
		}
		var check fault.Check
		if c.at != "" && (check.Merge(err) != nil || !check.Failed(c.at)) {
			t.Errorf("%s: %v, not beside %s", what, err, c.at)
		}
	}
}

func TestAddMoveEnd(t *testing.T) {
	t.Parallel()
	d := land(t)
	name := i18n.Text{"en": "Quay", "ar": "الرصيف"}
	plan := func(kind string, fn func(db.Tx) (*areas.Plan, error)) { restructure(t, d, kind, fn) }
	plan(areas.KindAdd, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanAdd(tx, everywhere, areas.Add{In: "ZZ01", Code: "ZZ0109", Name: name, Alternative: []string{"Dock"}, Kind: "free_port", On: "2026-03-01"})
	})
	if got := one(t, d, `select concat_ws(' ', a.level, a.kind, k.name->>'en', a.name->>'ar', a.alternative[1], a.valid_from) from area a join area_kind k on k.level = a.level and k.code = a.kind where a.code = 'ZZ0109'`); got != "2 free_port Free Port الرصيف Dock 2026-03-01" {
		t.Error(got)
	}
	do(t, d, officer(1), func(tx db.Tx) error {
		kinds, err := areas.Kinds(tx, 2)
		if len(kinds) != 2 || kinds[0].Areas != 3 || kinds[1].Code != "free_port" {
			t.Errorf("kinds of level 2: %v", kinds)
		}
		return err
	})
	// With everybody in it, to another parent; then, as nothing is inside, to
	// another level.
	id, _ := home(t, d, "ZZ0109")
	plan(areas.KindMove, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanMove(tx, everywhere, areas.Move{Area: "ZZ0109", In: "ZZ02", On: "2026-03-01"})
	})
	place := `select a.place from household h join area a on a.id = h.area_id where h.id = $1`
	if got := tree(t, d); got != "ZZ ZZ01<ZZ ZZ0101<ZZ01 ZZ0102<ZZ01 ZZ0109<ZZ02 ZZ02<ZZ ZZ0201<ZZ02" || one(t, d, place, id) != "ZZ/ZZ02/ZZ0109/" {
		t.Error(got, one(t, d, place, id))
	}
	plan(areas.KindMove, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanMove(tx, everywhere, areas.Move{Area: "ZZ0109", In: "ZZ", On: "2026-03-01"})
	})
	if got := one(t, d, `select level || ' ' || kind || ' ' || (l1 = id) || ' ' || (l2 is null) from area where code = 'ZZ0109'`); got != "1 level_1 true true" || one(t, d, place, id) != "ZZ/ZZ0109/" {
		t.Error(got, one(t, d, place, id))
	}
	straight(t, d)
	plan(areas.KindEnd, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanEnd(tx, everywhere, areas.End{Area: "ZZ0109", Into: "ZZ02", On: "2026-03-02"})
	})
	if got := where(t, d, id); got != "ZZ02" {
		t.Errorf("the household is in %s", got)
	}
	plan(areas.KindEnd, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanEnd(tx, everywhere, areas.End{Area: "ZZ0101", On: "2026-03-02"})
	})
	if got := tree(t, d); got != "ZZ ZZ01<ZZ ZZ0102<ZZ01 ZZ02<ZZ ZZ0201<ZZ02" {
		t.Error(got)
	}
	if got := one(t, d, `select valid_to::text from area where code = 'ZZ0101'`); got != "2026-03-02" {
		t.Error(got)
	}
}

// Somebody moves into an area while its end waits for approval: the end is out of
// date, and nothing of it is true.
func TestAnEndThatCameTooLate(t *testing.T) {
	t.Parallel()
	d := land(t)
	var ref string
	do(t, d, officer(1), func(tx db.Tx) error {
		p, err := areas.PlanEnd(tx, everywhere, areas.End{Area: "ZZ0101", On: "2026-03-01"})
		if err != nil {
			return err
		}
		if ref, err = areas.Propose(tx, areas.Draft{Kind: areas.KindEnd, On: "2026-03-01"}, p); err != nil {
			return err
		}
		return areas.Send(tx, everywhere, ref)
	})
	home(t, d, "ZZ0101")
	if err := finish(t, d, ref); !fault.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
	if got := one(t, d, `select c.state || ' ' || (a.valid_to is null) from area_change c, area a where c.ref = $1 and a.code = 'ZZ0101'`, ref); got != "stale true" {
		t.Error(got)
	}
}

// Answers to be placed are listed to those whose business the record is and who
// may see the field, until the record says something else.
func TestLeftAnswers(t *testing.T) {
	t.Parallel()
	d := land(t)
	asked(t, d)
	id, ref := register(t, d, registry.KindHousehold, farm("ZZ0201", "ZZ0101"))
	restructure(t, d, areas.KindSplit, func(tx db.Tx) (*areas.Plan, error) {
		return areas.PlanSplit(tx, everywhere, areas.Split{Area: "ZZ0101", Ends: true, On: "2026-03-01", Parts: []areas.Part{
			{Code: "ZZ0104", Name: i18n.Text{"en": "A"}}, {Code: "ZZ0105", Name: i18n.Text{"en": "B"}}}})
	})
	list := func(roles []string, codes ...string) (refs []string) {
		do(t, d, officer(1), func(tx db.Tx) error {
			got, err := areas.Left(tx, registry.Reader{Areas: in(t, d, 1, codes...).Areas, Roles: roles})
			for _, l := range got {
				refs = append(refs, l.Ref+" "+l.Field+" "+l.Code)
			}
			return err
		})
		return refs
	}
	staff(t, d, 1, "dataquality", "ZZ")
	if got := list([]string{"dataquality"}, "ZZ"); len(got) != 1 || got[0] != ref+" plots.place ZZ0101" {
		t.Errorf("%v", got)
	}
	if got := list([]string{"dataquality"}, "ZZ01"); len(got) != 0 {
		t.Errorf("another office sees %v", got)
	}
	owner(t, d, `insert into field_definition (id, subject, roster, code, version, type, label, sensitivity, published_at)
		values (gen_random_uuid(), 'household', 'plots', 'place', 2, 'area', '{"en": "Place"}', 'sensitive', '2026-01-02')`)
	owner(t, d, `update setting_state set fields = fields + 1`)
	if got := list([]string{"programme"}, "ZZ"); len(got) != 0 {
		t.Errorf("who may not see the field is told of %v", got)
	}
	owner(t, d, `update household set fields = '{}' where id = $1`, id)
	if got := list([]string{"dataquality"}, "ZZ"); len(got) != 0 {
		t.Errorf("placed, and still listed: %v", got)
	}
}
