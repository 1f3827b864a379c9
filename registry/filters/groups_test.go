package filters_test

import (
	"slices"
	"testing"
	"time"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry"
	"daftar/registry/filters"
)

// office is the demo country as somebody sees it who works with filters.
type office struct {
	d   *dbtest.DB
	who db.Principal
	o   filters.Officer
	p   *i18n.Printer

	today string
}

func newOffice(t *testing.T, role string) office {
	t.Helper()
	d := dbtest.New(t)
	if err := demo.Seed(t.Context(), d.DB, map[string]string{"citizen": "http://c.example", "staff": "http://s.example"}); err != nil {
		t.Fatal(err)
	}
	bundle, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	f := office{d: d, p: bundle.Printer("en")}
	if f.who, err = demo.Staff(t.Context(), d.DB, role); err != nil {
		t.Fatal(err)
	}
	f.who.Role = db.Staff
	f.o = filters.Officer{ID: f.who.Actor, Roles: []string{role}}
	f.do(t, func(tx db.Tx) error {
		if f.today, err = registry.DayOf(tx, tx.Now()); err != nil {
			return err
		}
		return tx.Select(&f.o.Areas, `select area_id from staff_scope where staff_id = $1`, f.o.ID)
	})
	return f
}

func (f office) do(t *testing.T, fn func(db.Tx) error) {
	t.Helper()
	if err := f.d.WithTx(t.Context(), f.who, fn); err != nil {
		t.Fatal(err)
	}
}

// job does something as the worker.
func (f office) job(t *testing.T, n byte, fn func(db.Tx) error) {
	t.Helper()
	if err := f.d.WithTx(t.Context(), db.Principal{Role: db.Jobs, Kind: "job", Actor: db.ID{9, 15: n}}, fn); err != nil {
		t.Fatal(err)
	}
}

// apply changes records as two others agree to it.
func (f office) apply(t *testing.T, items ...registry.Item) {
	t.Helper()
	var change db.ID
	f.job(t, 1, func(tx db.Tx) (err error) {
		change, err = registry.Propose(tx, registry.OriginBatch, items)
		return err
	})
	f.job(t, 2, func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
}

func (f office) ref(t *testing.T, query string, args ...any) (ref string) {
	t.Helper()
	f.job(t, 1, func(tx db.Tx) error { return tx.Get(&ref, query, args...) })
	return ref
}

// finds lists the references of what meets all conditions.
func (f office) finds(t *testing.T, subject filters.Subject, conds ...filters.Cond) []string {
	t.Helper()
	var cat filters.Catalogue
	f.do(t, func(tx db.Tx) (err error) {
		cat, err = filters.LoadCatalogue(tx, subject, f.o.Roles)
		return err
	})
	return f.find(t, cat, filters.Of("all", conds))
}

func (f office) find(t *testing.T, cat filters.Catalogue, e filters.Expr) (refs []string) {
	t.Helper()
	f.do(t, func(tx db.Tx) error {
		filter := filters.Filter{Subject: cat.Subject, Expr: e}
		rows, _, err := filters.List(tx, f.o, cat, filter, "programme", "")
		if err != nil {
			return err
		}
		for _, r := range rows {
			refs = append(refs, r.Ref)
		}
		n, err := filters.Count(tx, f.o, cat, filter)
		if n != len(rows) {
			t.Errorf("%d are listed and %d counted", len(rows), n)
		}
		return err
	})
	return refs
}

// An officer whose roles ended, or a filter on an area that is not theirs, finds
// nobody, and nothing fails.
func TestNowhereToLook(t *testing.T) {
	t.Parallel()
	f := newOffice(t, "programme")
	f.o.Areas = nil
	for _, subject := range []filters.Subject{filters.People, filters.Households, filters.Groups} {
		cat := filters.NewCatalogue(subject, nil, nil, nil, nil)
		if refs := f.find(t, cat, filters.Expr{}); len(refs) != 0 {
			t.Errorf("%s: %v", subject, refs)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	f := newOffice(t, "programme")
	union := f.ref(t, `select ref from group_record where type = 'union'`)
	is := func(field string, values ...string) filters.Cond {
		return filters.Cond{Field: field, Op: filters.Is, Values: values}
	}
	not := func(field string, values ...string) filters.Cond {
		return filters.Cond{Field: field, Op: filters.IsNot, Values: values}
	}
	member := f.ref(t, `select p.ref from person p join group_people(array(select id from group_record where type = 'union'), $1::date) g on g.person_id = p.id order by p.ref limit 1`, f.today)
	for name, c := range map[string]struct {
		subject filters.Subject
		conds   []filters.Cond
		want    int
	}{
		"people in the union, each once, its cooperatives included": {filters.People, []filters.Cond{is("person.group", union)}, 12},
		"its households":           {filters.Households, []filters.Cond{is("household.group", union)}, 3},
		"of a type":                {filters.People, []filters.Cond{is("person.group_type", "union", "camp")}, 12},
		"of no such type":          {filters.People, []filters.Cond{is("person.group_type", "camp")}, 0},
		"in any":                   {filters.Households, []filters.Cond{{Field: "household.group", Op: filters.Known}}, 3},
		"in a group, not a union":  {filters.Households, []filters.Cond{not("household.group_type", "union")}, 0},
		"in a group, not this one": {filters.People, []filters.Cond{not("person.group", registry.NewRef(registry.RefGroup, f.d.Rand()))}, 12},
		"groups inside the union":  {filters.Groups, []filters.Cond{is("group.group", union)}, 1},
		"unions":                   {filters.Groups, []filters.Cond{is("group.type", "union")}, 1},
		"groups of many people":    {filters.Groups, []filters.Cond{{Field: "group.people", Op: filters.AtLeast, Values: []string{"12"}}}, 1},
	} {
		if got := f.finds(t, c.subject, c.conds...); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	none := f.finds(t, filters.People, filters.Cond{Field: "person.group", Op: filters.Unknown})
	if slices.Contains(none, member) || len(none) == 0 {
		t.Errorf("in no group: %v", none)
	}

	// one that ends holds nobody from then on
	var g registry.GroupData
	var version int
	var id db.ID
	f.job(t, 1, func(tx db.Tx) (err error) {
		if err = tx.Get(&id, `select id from group_record where ref = $1`, union); err == nil {
			g, version, err = registry.CurrentGroup(tx, id)
		}
		return err
	})
	g.Status, g.StatusReason, g.StatusDate = "ended", "empty", f.today
	f.apply(t, registry.Item{Kind: registry.KindGroup, Subject: id, BaseVersion: version, Reason: "outcome", Data: g})
	if got := f.finds(t, filters.People, is("person.group", union)); len(got) != 0 {
		t.Errorf("an ended group holds %v", got)
	}
	if got := f.finds(t, filters.Groups); slices.Contains(got, union) || len(got) == 0 {
		t.Errorf("the groups in use are %v", got)
	}
}

func TestGroupsAsAFile(t *testing.T) {
	t.Parallel()
	f := newOffice(t, "programme")
	var table filters.Table
	f.do(t, func(tx db.Tx) (err error) {
		filter := filters.Filter{ID: tx.NewID(), Subject: filters.Groups, Expr: filters.Of("all", []filters.Cond{{Field: "group.type", Op: filters.Is, Values: []string{"union"}}})}
		table, err = filters.Export(tx, f.o, filters.NewCatalogue(filters.Groups, nil, nil, nil, f.o.Roles), filter, []string{"group.people", "group.type", "group.group"}, "programme", f.p)
		return err
	})
	if len(table.Rows) != 1 {
		t.Fatal(table.Rows)
	}
	var texts []string
	for _, c := range table.Rows[0] {
		texts = append(texts, c.Text)
		if c.Number != nil {
			texts = append(texts, f.p.Number(int(*c.Number)))
		}
	}
	for _, want := range []string{f.ref(t, `select ref from group_record where type = 'union'`), "Union", "12"} {
		if !slices.Contains(texts, want) {
			t.Errorf("the file lacks %q: %q", want, texts)
		}
	}
	if n := f.ref(t, `select count(*)::text from audit_event e join audit_subject s on s.event_id = e.id where e.action = 'group.exported' and s.subject_kind = 'group' and e.purpose = 'programme'`); n != "1" {
		t.Errorf("the file is in the log %s times", n)
	}
}
