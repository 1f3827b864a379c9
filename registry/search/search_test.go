package search_test

import (
	"slices"
	"testing"

	"daftar/db"
	"daftar/db/dbtest"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/search"
)

func apply(t *testing.T, d *dbtest.DB, items ...registry.Item) {
	t.Helper()
	var change db.ID
	hand := func(n byte, role db.Role, fn func(db.Tx) error) {
		t.Helper()
		if err := d.WithTx(t.Context(), db.Principal{Role: role, Kind: "job", Actor: db.ID{9, 15: n}}, fn); err != nil {
			t.Fatal(err)
		}
	}
	hand(1, db.Jobs, func(tx db.Tx) (err error) {
		change, err = registry.Propose(tx, registry.OriginBatch, items)
		return err
	})
	hand(2, db.Jobs, func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
}

// country is two regions of two districts, with a household in each.
type country struct {
	d          *dbtest.DB
	households []db.ID
	people     []db.ID
	areas      map[string]db.ID
}

func newCountry(t *testing.T) *country {
	t.Helper()
	c := &country{d: dbtest.New(t), areas: map[string]db.ID{}}
	owner(t, c.d, `insert into identity_provider (id, issuer) values ('staff', 'https://staff.example')`)
	for i, code := range []string{"X", "X1", "X2", "X11", "X12"} {
		id := db.ID{5, 15: byte(i)}
		c.areas[code] = id
		owner(t, c.d, `insert into area (id, code, level, kind, parent_id, name) values ($1, $2, length($2) - 1, 'area',
			(select id from area where code = left($2, -1)), '{"en": "A"}')`, id, code)
	}
	for i, p := range []struct{ area, name, latin, born, number string }{
		{"X11", "فاطمة حسن", "Fatima Hassan", "1985-03-02", "A1"},
		{"X11", "Joseph Okello", "", "1981-07-20", "B-22"},
		{"X12", "عبدالرحمن محمد", "", "1985-01-01", "C3"},
		{"X2", "Fatima Hassan", "", "1990-05-05", "D4"},
		{"X12", "Leila Karim", "", "1999-09-09", "E5"},
	} {
		h, person := db.ID{6, 15: byte(i)}, db.ID{7, 15: byte(i)}
		c.households, c.people = append(c.households, h), append(c.people, person)
		apply(t, c.d,
			registry.Item{Kind: registry.KindHousehold, Subject: h, Data: registry.HouseholdData{
				Ref: registry.NewRef(registry.RefHousehold, c.d.Rand()), AreaID: c.areas[p.area], Protected: i == 4}},
			registry.Item{Kind: registry.KindPerson, Subject: person, Data: registry.PersonData{
				Ref: registry.NewRef(registry.RefPerson, c.d.Rand()), FullName: p.name, FullNameLatin: p.latin, BirthFrom: p.born, BirthTo: p.born,
				Memberships: []registry.MembershipData{{ID: db.ID{8, 15: byte(i)}, HouseholdID: h, Relationship: "head", StartDate: "2020-01-01"}},
				Identifiers: []registry.IdentifierData{{Type: "national_id", Value: registry.NormalIdentifier(p.number), Status: "verified"}}}})
	}
	return c
}

func (c *country) find(t *testing.T, who db.Principal, area db.ID, q search.Query) []search.Hit {
	t.Helper()
	var hits []search.Hit
	if err := c.d.WithTx(t.Context(), who, func(tx db.Tx) (err error) {
		hits, _, err = search.Find(tx, search.Officer{ID: who.Actor, Areas: []db.ID{area}}, "check", q)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return hits
}

func TestFindGroups(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	all, x := officer(t, c.d, "X")
	region, x1 := officer(t, c.d, "X1")
	groups := []db.ID{{4, 15: 1}, {4, 15: 2}, {4, 15: 3}, {4, 15: 4}}
	for i, g := range []registry.GroupData{
		{Type: "cooperative", Name: "تعاونية الصيادين", NameLatin: "Fishers of Mjini", AreaID: new(c.areas["X11"])},
		{Type: "union", Name: "Weavers Union", AreaID: new(c.areas["X2"])},
		{Type: "camp", Name: "Fishers' Camp"}, // nowhere: the whole country's business
		{Type: "other", Name: "Abdul Rahman Fund", AreaID: new(c.areas["X12"]), Identifiers: []registry.IdentifierData{{Type: "registration", Value: "REG7", Status: "unverified"}}},
	} {
		g.Ref = registry.NewRef(registry.RefGroup, c.d.Rand())
		apply(t, c.d, registry.Item{Kind: registry.KindGroup, Subject: groups[i], Data: g})
	}
	for _, test := range []struct {
		name  string
		who   db.Principal
		area  db.ID
		query search.Query
		want  []int
	}{
		{"its own script, another spelling", region, x1, search.Query{Text: "تعاونيه الصيادين"}, []int{0}},
		{"in Latin letters", region, x1, search.Query{Text: "FISHERS"}, []int{0}},
		{"a slip", region, x1, search.Query{Text: "Fihsers"}, []int{0}},
		{"a part", all, x, search.Query{Text: "eaver"}, []int{1}},
		{"words in one or two", region, x1, search.Query{Text: "abdulrahman"}, []int{3}},
		{"a number", region, x1, search.Query{Text: "reg-7"}, []int{3}},
		{"elsewhere", region, x1, search.Query{Text: "Weavers"}, nil},
		{"everywhere", all, x, search.Query{Text: "Fishers"}, []int{2, 0}},
		{"in a place", all, x, search.Query{Text: "Fishers", Area: "X11"}, []int{0}},
		{"an area that is not the officer's", region, x, search.Query{Text: "Fishers"}, nil},
		{"nothing like it", all, x, search.Query{Text: "Zzyzx"}, nil},
		{"with a year of birth", all, x, search.Query{Text: "Fishers", Year: 1985}, nil},
	} {
		var hits []search.GroupHit
		if err := c.d.WithTx(t.Context(), test.who, func(tx db.Tx) (err error) {
			hits, _, err = search.FindGroups(tx, search.Officer{ID: test.who.Actor, Areas: []db.ID{test.area}}, "check", test.query)
			return err
		}); err != nil {
			t.Fatal(test.name, err)
		}
		var got []db.ID
		for _, h := range hits {
			got = append(got, h.ID)
		}
		var want []db.ID
		for _, i := range test.want {
			want = append(want, groups[i])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v instead of %v", test.name, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	all, x := officer(t, c.d, "X")
	region, x1 := officer(t, c.d, "X1")
	ref := c.find(t, all, x, search.Query{Text: "okello"})[0].Ref
	for _, test := range []struct {
		name  string
		who   db.Principal
		area  db.ID
		query search.Query
		want  []int
	}{
		{"as it is written", region, x1, search.Query{Text: "Fatima Hassan"}, []int{0}},
		{"in the other order", region, x1, search.Query{Text: "hassan FATIMA"}, []int{0}},
		{"in another script", region, x1, search.Query{Text: "فاطمه حسن"}, []int{0}},
		{"in another spelling", region, x1, search.Query{Text: "Fatma Hasan"}, []int{0}},
		{"a part of the name", region, x1, search.Query{Text: "kell"}, []int{1}},
		{"two slips", region, x1, search.Query{Text: "Joesph Okelo"}, []int{1}},
		{"a compound in Latin letters", region, x1, search.Query{Text: "Abdul Rahman Mohamed"}, []int{2}},
		{"a word that is not in the record", region, x1, search.Query{Text: "Joseph Okello Mwangi"}, []int{1}},
		{"an identifier with other punctuation", region, x1, search.Query{Text: "b 22"}, []int{1}},
		{"a reference", region, x1, search.Query{Text: ref}, []int{1}},
		{"a year and a place", region, x1, search.Query{Area: "X12", Year: 1985}, []int{2}},
		{"the wrong year", region, x1, search.Query{Text: "Okello", Year: 1980}, nil},
		{"everywhere", all, x, search.Query{Text: "Fatima Hassan"}, []int{0, 3}},
		{"somebody elsewhere, by number", region, x1, search.Query{Text: "D4"}, nil},
		{"a place elsewhere", region, x1, search.Query{Text: "Fatima", Area: "X2"}, nil},
		{"an area that is not the officer's", region, x, search.Query{Text: "Fatima"}, nil},
		{"somebody protected", region, x1, search.Query{Text: "Leila Karim"}, []int{4}},
		{"somebody protected, by place", region, x1, search.Query{Text: "Leila", Area: "X12"}, nil},
		{"a pattern", region, x1, search.Query{Text: "%ell%"}, []int{1}},
		{"nothing like it", region, x1, search.Query{Text: "Zzyzx"}, nil},
	} {
		got := map[db.ID]bool{}
		for _, h := range c.find(t, test.who, test.area, test.query) {
			got[h.ID] = true
			if h.Protected && len(h.AreaName) > 0 {
				t.Errorf("%s: says where somebody protected lives", test.name)
			}
		}
		for _, i := range test.want {
			if !got[c.people[i]] {
				t.Errorf("%s: does not find person %d", test.name, i)
			}
			delete(got, c.people[i])
		}
		if len(got) > 0 {
			t.Errorf("%s: finds %d others", test.name, len(got))
		}
	}
	err := c.d.WithTx(t.Context(), region, func(tx db.Tx) error {
		_, _, err := search.Find(tx, search.Officer{ID: region.Actor, Areas: []db.ID{x1}}, "check", search.Query{Area: "X12"})
		return err
	})
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("everybody in a place can be listed: %v", err)
	}
}

// A change is found as soon as it is applied: a new name, a household that moved.
func TestFollowsChanges(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	region, x1 := officer(t, c.d, "X1")
	var p registry.Person
	var h registry.Household
	if err := c.d.View(t.Context(), region, func(tx db.Tx) (err error) {
		if p, err = registry.LoadPerson(tx, c.people[3]); err != nil {
			return err
		}
		h, err = registry.LoadHousehold(tx, c.households[3])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	apply(t, c.d, registry.Item{Kind: registry.KindHousehold, Subject: h.ID, BaseVersion: 1, Data: registry.HouseholdData{Ref: h.Ref, AreaID: c.areas["X11"]}})
	if n := len(c.find(t, region, x1, search.Query{Text: "Fatima Hassan"})); n != 2 {
		t.Errorf("%d found after she moved here", n)
	}
	apply(t, c.d, registry.Item{Kind: registry.KindPerson, Subject: p.ID, BaseVersion: 1, Data: registry.PersonData{Ref: p.Ref, FullName: "Zainab Hassan",
		Memberships: []registry.MembershipData{{ID: db.ID{8, 15: 3}, HouseholdID: h.ID, Relationship: "head", StartDate: "2020-01-01"}}}})
	if n := len(c.find(t, region, x1, search.Query{Text: "Zeinab"})); n != 1 {
		t.Errorf("%d found by the new name", n)
	}
	owner(t, c.d, `update area set code = 'X9' where code = 'X1'`)
	if n := len(c.find(t, region, x1, search.Query{Text: "Zainab"})); n != 1 {
		t.Errorf("%d found after the region's code changed", n)
	}
}

// The pages' role sees no names in the search tables, nobody outside the
// officer's areas, and cannot ask for another officer.
func TestStaffSeeNoMore(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	region, x1 := officer(t, c.d, "X1")
	for _, statement := range []string{
		`select terms from person_search`, `select word from name_word`, `update person_search set place = ''`,
		`select search_refresh('{}')`, `select search_scope(now(), '{}')`, `select search_words('a', 'a', true)`, `set role daftar_search`,
	} {
		if err := c.d.WithTx(t.Context(), region, func(tx db.Tx) error { return tx.Exec(statement) }); err == nil {
			t.Error("may ", statement)
		}
	}
	err := c.d.View(t.Context(), region, func(tx db.Tx) error {
		var people, homes int
		if err := tx.Get(&people, `select count(*) from person_search`); err != nil {
			return err
		}
		if err := tx.Get(&homes, `select count(*) from household_search`); err != nil {
			return err
		}
		if people != 4 || homes != 4 {
			t.Errorf("sees %d people and %d households, of 4 in the region", people, homes)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	owner(t, c.d, `update staff_role set valid_to = $1`, c.d.Now()) // transferred: the page is older
	if hits := c.find(t, region, x1, search.Query{Text: "Fatima"}); len(hits) > 0 {
		t.Error("finds people after the transfer")
	}
}
