package filters_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"daftar/db"
	"daftar/demo"
	"daftar/registry"
	"daftar/registry/filters"
)

// home is the record of the household that somebody of the demo lives in.
func (f office) home(t *testing.T, name string) (id db.ID, version int, h registry.HouseholdData) {
	t.Helper()
	f.job(t, 1, func(tx db.Tx) (err error) {
		person, err := demo.Person(tx, name)
		if err == nil {
			id, err = registry.HouseholdOf(tx, person)
		}
		if err == nil {
			h, version, err = registry.CurrentHousehold(tx, id)
		}
		return err
	})
	return id, version, h
}

// Conditions on the columns of a list that all must be true are about one entry.
func TestEntriesOfAList(t *testing.T) {
	t.Parallel()
	f := newOffice(t, "programme")
	defs := registry.Fields{{Subject: "household", Code: "plots", Type: registry.TypeRoster}}
	for code, kind := range map[string]registry.FieldType{"crop": registry.TypeChoice, "wet": registry.TypeYesNo, "ha": registry.TypeNumber, "sown": registry.TypeDate, "where": registry.TypeArea} {
		defs = append(defs, registry.Field{Subject: "household", Roster: "plots", Code: code, Type: kind, Options: registry.Options{{Code: "maize"}, {Code: "rice"}}})
	}
	var refs []string
	for name, plots := range map[string][]any{
		"amina":  {map[string]any{"id": "a", "crop": "maize", "wet": "no", "ha": 2.0, "sown": "2025-03-01", "where": "MJ010101"}, map[string]any{"id": "b", "crop": "rice", "wet": "yes", "ha": 0.5}},
		"joseph": {map[string]any{"id": "a", "crop": "maize", "wet": "yes", "ha": 1.0, "sown": "2026-01-01"}, map[string]any{"id": "b", "wet": "unknown"}},
	} {
		id, version, h := f.home(t, name)
		h.Fields = registry.Values{"plots": plots}
		f.apply(t, registry.Item{Kind: registry.KindHousehold, Subject: id, BaseVersion: version, Data: h})
		refs = append(refs, h.Ref)
	}
	slices.Sort(refs)
	_, _, amina := f.home(t, "amina")
	_, _, joseph := f.home(t, "joseph")
	cat := filters.NewCatalogue(filters.Households, defs, nil, nil, f.o.Roles)
	c := func(column string, op filters.Op, values ...string) filters.Cond {
		return filters.Cond{Field: "household.field.plots.entry." + column, Op: op, Values: values}
	}
	for name, test := range map[string]struct {
		match string
		conds []filters.Cond
		want  []string
	}{
		"a plot of maize":             {"all", []filters.Cond{c("crop", filters.Is, "maize")}, refs},
		"of maize that is watered":    {"all", []filters.Cond{c("crop", filters.Is, "maize"), c("wet", filters.Is, "yes")}, []string{joseph.Ref}},
		"maize, or something watered": {"any", []filters.Cond{c("crop", filters.Is, "maize"), c("wet", filters.Is, "yes")}, refs},
		"large and watered":           {"all", []filters.Cond{c("ha", filters.AtLeast, "2"), c("wet", filters.Is, "yes")}, nil},
		"sown long ago":               {"all", []filters.Cond{c("sown", filters.AtMost, "2025-12-31")}, []string{amina.Ref}},
		"in the region of the area":   {"all", []filters.Cond{c("where", filters.Inside, "MJ01")}, []string{amina.Ref}},
		"of a crop nobody knows":      {"all", []filters.Cond{c("crop", filters.Unknown)}, []string{joseph.Ref}},
		"not maize":                   {"all", []filters.Cond{c("crop", filters.IsNot, "maize")}, []string{amina.Ref}},
	} {
		got := f.find(t, cat, filters.Of(test.match, test.conds))
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v instead of %v", name, got, test.want)
		}
	}
}

func TestRolesNumbersAndRegistration(t *testing.T) {
	t.Parallel()
	f := newOffice(t, "programme")
	count := func(query string) int {
		t.Helper()
		n, err := strconv.Atoi(f.ref(t, query))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	cond := func(field string, op filters.Op, values ...string) filters.Cond {
		return filters.Cond{Field: field, Op: op, Values: values}
	}
	heads := f.finds(t, filters.People, cond("person.role", filters.Holds, "head"))
	if want := count(`select count(*)::text from residence r join person p on p.id = r.person_id and p.status = 'active' join household h on h.id = r.household_id
		join area a on a.id = h.area_id where r.relationship = 'head' and a.place like 'MJ/MJ01/%'`); len(heads) != want || want == 0 {
		t.Errorf("%d heads instead of %d", len(heads), want)
	}
	if got := f.finds(t, filters.People, cond("person.role", filters.Holds, "payee")); len(got) != count(`select count(*)::text from membership_role where role = 'payee' and end_date is null`) {
		t.Errorf("payees: %v", got)
	}
	if with, without := f.finds(t, filters.Households, cond("household.role", filters.Holds, "head")), f.finds(t, filters.Households, cond("household.role", filters.Unknown)); len(with) == 0 || slices.Contains(without, with[0]) {
		t.Errorf("with a head: %v, with nobody: %v", with, without)
	}
	holders := f.finds(t, filters.People, cond("person.number.national_id", filters.Holds, "verified"))
	if len(holders) == 0 {
		t.Fatal("nobody has a verified number")
	}
	if got := f.finds(t, filters.People, cond("person.number.national_id", filters.Holds, "expired")); len(got) != 0 {
		t.Errorf("expired: %v", got)
	}
	if none := f.finds(t, filters.People, cond("person.number.national_id", filters.Unknown)); len(none) == 0 || slices.Contains(none, holders[0]) {
		t.Errorf("without one: %v", none)
	}
	var p registry.PersonData
	var id db.ID
	var version int
	f.job(t, 1, func(tx db.Tx) (err error) {
		if err = tx.Get(&id, `select id from person where ref = $1`, holders[0]); err == nil {
			p, version, err = registry.CurrentPerson(tx, id)
		}
		return err
	})
	p.Identifiers[slices.IndexFunc(p.Identifiers, func(i registry.IdentifierData) bool { return i.Type == "national_id" })].ExpiresOn = "2020-01-01"
	f.apply(t, registry.Item{Kind: registry.KindPerson, Subject: id, BaseVersion: version, Data: p})
	if got := f.finds(t, filters.People, cond("person.number.national_id", filters.Holds, "expired")); !slices.Equal(got, holders[:1]) {
		t.Errorf("expired: %v", got)
	}

	today, err := time.Parse(time.DateOnly, f.today)
	if err != nil {
		t.Fatal(err)
	}
	all := len(f.finds(t, filters.Households))
	if n := len(f.finds(t, filters.Households, cond("household.registered", filters.AtLeast, f.today))); n != all || n == 0 {
		t.Errorf("%d of %d are of today", n, all)
	}
	if got := f.finds(t, filters.Households, cond("household.registered", filters.AtMost, today.AddDate(0, 0, -1).Format(time.DateOnly))); len(got) != 0 {
		t.Errorf("of yesterday: %v", got)
	}
}

// Tags are the country's words; one that is not among them is kept, and nobody
// can ask for it.
func TestTags(t *testing.T) {
	t.Parallel()
	f := newOffice(t, "programme")
	id, version, h := f.home(t, "amina")
	h.Tags = []string{"displaced", "an old word"}
	f.apply(t, registry.Item{Kind: registry.KindHousehold, Subject: id, BaseVersion: version, Data: h})
	has := func(op filters.Op, tags ...string) filters.Cond {
		return filters.Cond{Field: "household.tags", Op: op, Values: tags}
	}
	if got := f.finds(t, filters.Households, has(filters.Holds, "displaced", "flood_zone")); !slices.Equal(got, []string{h.Ref}) {
		t.Errorf("displaced: %v", got)
	}
	if got := f.finds(t, filters.Households, has(filters.Holds, "flood_zone")); len(got) != 0 {
		t.Errorf("in a flood zone: %v", got)
	}
	if got := f.finds(t, filters.Households, has(filters.Unknown)); slices.Contains(got, h.Ref) || len(got) == 0 {
		t.Errorf("without a tag: %v", got)
	}
	var cat filters.Catalogue
	var table filters.Table
	f.do(t, func(tx db.Tx) (err error) {
		if cat, err = filters.LoadCatalogue(tx, filters.Households, f.o.Roles); err != nil {
			return err
		}
		table, err = filters.Export(tx, f.o, cat, filters.Filter{ID: tx.NewID(), Subject: filters.Households, Expr: filters.Of("all", []filters.Cond{has(filters.Known)})}, []string{"household.tags"}, "programme", f.p)
		return err
	})
	if cat.CheckCond(has(filters.Holds, "women_led")) == nil { // of groups alone
		t.Error("households are asked for a tag of groups")
	}
	i := slices.IndexFunc(table.Rows, func(r []filters.Cell) bool { return r[0].Text == h.Ref })
	if i < 0 || table.Rows[i][len(table.Rows[i])-1].Text != "Displaced; an old word" {
		t.Errorf("%v", table.Rows)
	}
}
