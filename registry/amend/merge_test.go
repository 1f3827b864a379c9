package amend_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/amend"
	"daftar/registry/dedup"
)

// tb is a test or one case of a property.
type tb interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// village is the town with officers that the database knows, and what a test
// makes up in it.
type village struct {
	*town
	t      *testing.T
	source db.ID
}

func settle(t *testing.T) *village {
	v := &village{town: place(t), t: t}
	v.must(t, worker, func(tx db.Tx) error {
		if err := tx.Exec(`insert into identity_provider (id, issuer) values ('staff', 'http://staff'), ('citizen', 'http://citizen')`); err != nil {
			return err
		}
		for n := byte(1); n < 10; n++ {
			if err := tx.Exec(`insert into staff (id, provider, sub, name) values ($1, 'staff', $2, $3)`, db.ID{1, 15: n}, fmt.Sprint(n), fmt.Sprint("Officer ", n)); err != nil {
				return err
			}
			if err := tx.Exec(`insert into staff_role (staff_id, role, area_id, valid_from) values ($1, 'dataquality', $2, '2020-01-01')`, db.ID{1, 15: n}, v.areas["MJ"]); err != nil {
				return err
			}
		}
		var err error
		v.source, err = registry.AddSource(tx, registry.SourceCounter, nil, "")
		return err
	})
	return v
}

func (v *village) as(t tb, who db.Principal, fn func(db.Tx) error) {
	t.Helper()
	if err := v.WithTx(v.t.Context(), who, fn); err != nil {
		t.Fatal(err)
	}
}

// apply brings items in through three hands.
func (v *village) apply(t tb, items ...registry.Item) {
	t.Helper()
	var change db.ID
	v.as(t, officer(7), func(tx db.Tx) (err error) { change, err = registry.Propose(tx, registry.OriginCase, items); return err })
	v.as(t, officer(8), func(tx db.Tx) error { return registry.Verify(tx, change) })
	v.as(t, officer(9), func(tx db.Tx) error {
		if err := registry.Approve(tx, change); err != nil {
			return err
		}
		return registry.Apply(tx, change)
	})
}

func (v *village) id() db.ID { return db.NewID(v.Now(), rand.Reader) }

func (v *village) ids(n int) (list []db.ID) {
	for range n {
		list = append(list, v.id())
	}
	return list
}

func refs(kind rune, n int) (list []string) {
	for range n {
		list = append(list, registry.NewRef(kind, rand.Reader))
	}
	return list
}

// cast is two records of one person, those around them, and where they live.
type cast struct {
	people     []db.ID // the two, then others
	refs       []string
	households []db.ID
	group      db.ID
	pair       string
}

// anyCast draws two records of one person with ties of every kind to others.
func (v *village) anyCast(t *rapid.T) cast {
	c := cast{people: v.ids(4), refs: refs('P', 4), households: v.ids(2), group: v.id()}
	from := registry.Provenance{"*": v.source}
	var items []registry.Item
	for i, ref := range refs('H', 2) {
		items = append(items, registry.Item{Kind: registry.KindHousehold, Subject: c.households[i],
			Data: registry.HouseholdData{Ref: ref, AreaID: v.areas["MJ01"], Provenance: from}})
	}
	heads := [2]bool{}
	word := rapid.SampledFrom([]string{"", "Amina", "Aminah", "آمنة"})
	for i, id := range c.people {
		p := registry.PersonData{Ref: c.refs[i], FullName: word.Draw(t, "name"), FullNameLatin: word.Draw(t, "latin"), Provenance: from,
			Sex: rapid.SampledFrom([]string{"", "female", "male"}).Draw(t, "sex")}
		if rapid.Bool().Draw(t, "born") {
			p.BirthFrom = fmt.Sprintf("19%02d-01-01", rapid.IntRange(50, 52).Draw(t, "year"))
			p.BirthTo = p.BirthFrom
		}
		p.Memberships = v.anyTies(t, c, i, &heads)
		for j, other := range c.people {
			if j != i && j < 2 && rapid.IntRange(0, 2).Draw(t, "related") == 0 {
				p.Relations = append(p.Relations, registry.RelationData{ID: v.id(), Type: "sibling", PersonID: other})
			}
		}
		for n := range 2 {
			if rapid.Bool().Draw(t, "phone") {
				p.Contacts = append(p.Contacts, registry.ContactData{Kind: "phone", Value: fmt.Sprintf("+9991%d", n), Owner: "own",
					Safe: rapid.SampledFrom([][]string{nil, {"codes"}, {"codes", "notices"}}).Draw(t, "safe"), Protected: rapid.Bool().Draw(t, "protected")})
			}
			if rapid.Bool().Draw(t, "number") {
				p.Identifiers = append(p.Identifiers, registry.IdentifierData{Type: "health_card", Value: fmt.Sprintf("%s%d", c.refs[0], n),
					Status: rapid.SampledFrom([]string{"verified", "unverified", "ended"}).Draw(t, "status"), Provenance: from})
			}
		}
		if n := rapid.IntRange(0, 2).Draw(t, "tags"); n > 0 {
			p.Tags = []string{"a", "b"}[:n]
		}
		if n := rapid.IntRange(0, 2).Draw(t, "answer"); n > 0 {
			p.Fields = registry.Values{"rooms": float64(n)}
		}
		items = append(items, registry.Item{Kind: registry.KindPerson, Subject: id, Data: p})
	}
	g := registry.GroupData{Ref: refs('G', 1)[0], Type: "cooperative", Name: "Fishers", Provenance: from}
	for _, id := range slices.Concat(c.people[:2], c.households) {
		if rapid.Bool().Draw(t, "member") {
			m := registry.GroupMemberData{ID: v.id(), Role: rapid.SampledFrom([]string{"member", "chair"}).Draw(t, "role")}
			if slices.Contains(c.people, id) {
				m.PersonID = &id
			} else {
				m.HouseholdID = &id
			}
			g.Members = append(g.Members, m)
		}
	}
	v.apply(t, append(items, registry.Item{Kind: registry.KindGroup, Subject: c.group, Data: g})...)
	if rapid.Bool().Draw(t, "accounts") {
		v.as(t, worker, func(tx db.Tx) error {
			for _, id := range c.people[:2] {
				if err := tx.Exec(`insert into account (id, provider, sub, person_id, created_at) values ($1, 'citizen', $2, $3, $4)`, tx.NewID(), id.String(), id, tx.Now()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	c.pair = v.pair(t, c.refs[0], c.refs[1])
	return c
}

// anyTies draws where one of the cast lives and belongs.
func (v *village) anyTies(t *rapid.T, c cast, i int, heads *[2]bool) []registry.MembershipData {
	var list []registry.MembershipData
	for h, household := range c.households {
		kind := rapid.SampledFrom([]string{"", "usual", "absent", "past"}).Draw(t, "tie")
		if kind == "" || kind == "usual" && slices.ContainsFunc(list, func(m registry.MembershipData) bool { return m.Usual() && m.EndDate == "" }) {
			continue
		}
		m := registry.MembershipData{ID: v.id(), HouseholdID: household, Relationship: "other_relative", StartDate: "2026-01-10"}
		switch kind {
		case "absent":
			m.Tie = registry.TieAbsent
		case "past":
			m.StartDate, m.EndDate, m.EndReason = fmt.Sprintf("202%d-01-01", 4+h), fmt.Sprintf("202%d-06-01", 4+h), "moved"
		default:
			if !heads[h] && rapid.Bool().Draw(t, "head") {
				heads[h] = true
				m.Relationship = registry.RelationshipHead
			}
		}
		if kind != "past" && i >= 2 && rapid.Bool().Draw(t, "cares") {
			m.Roles = []registry.RoleData{{Role: registry.RoleCaregiver, Of: &c.people[rapid.IntRange(0, 1).Draw(t, "of")], StartDate: "2026-01-10"}}
		}
		if kind == "usual" && i < 2 && rapid.IntRange(0, 3).Draw(t, "cared") == 0 {
			m.Roles = []registry.RoleData{{Role: registry.RoleCaregiver, Of: &c.people[2], StartDate: "2026-01-10"}}
		}
		list = append(list, m)
	}
	return list
}

func (v *village) pair(t tb, first, second string) (ref string) {
	t.Helper()
	v.as(t, officer(1), func(tx db.Tx) (err error) { ref, err = dedup.OpenPair(tx, v.all, first, second); return err })
	return ref
}

// rows is every row about the cast in every table that a merge can write, but
// versions, which only grow.
func (v *village) rows(t tb, c cast) string {
	t.Helper()
	var all string
	people, places := registry.Texts(c.people), registry.Texts(append(slices.Clone(c.households), c.group))
	v.as(t, worker, func(tx db.Tx) error {
		return tx.Get(&all, `
			select string_agg(line, E'\n' order by line) from (
				select 'person ' || (to_jsonb(p) - '{version,change_id}'::text[])::text as line from person p where p.id = any($1::uuid[])
				union all select 'household ' || (to_jsonb(h) - '{version,change_id}'::text[])::text from household h where h.id = any($2::uuid[])
				union all select 'group ' || (to_jsonb(g) - '{version,change_id}'::text[])::text from group_record g where g.id = any($2::uuid[])
				union all select 'membership ' || to_jsonb(m)::text from membership m where m.person_id = any($1::uuid[])
				union all select 'role ' || to_jsonb(m)::text from membership_role m where m.person_id = any($1::uuid[])
				union all select 'relation ' || to_jsonb(r)::text from relation r where r.person_id = any($1::uuid[])
				union all select 'contact ' || to_jsonb(k)::text from contact k where k.person_id = any($1::uuid[])
				union all select 'identifier ' || to_jsonb(i)::text from identifier i where i.subject_id = any($1::uuid[])
				union all select 'group_member ' || to_jsonb(m)::text from group_member m where m.group_id = any($2::uuid[])
				union all select 'account ' || a.sub || ' ' || a.person_id from account a where a.sub = any($1::text[])
				union all select 'dedup ' || to_jsonb(d)::text from dedup_record d where d.person_id = any($1::uuid[])
				union all select 'data ' || s.subject_id || ' ' || s.data::text from record_state s
					where s.subject_id = any($1::uuid[] || $2::uuid[])
					  and s.version = (select max(x.version) from record_version x where x.subject_id = s.subject_id)) x`, people, places)
	})
	return all
}

// through takes a proposal through the other two hands.
func (v *village) through(t tb, ref string) {
	t.Helper()
	v.as(t, officer(2), func(tx db.Tx) error { return amend.Verify(tx, v.all, ref) })
	v.as(t, officer(3), func(tx db.Tx) error { return amend.Approve(tx, v.all, ref) })
}

// draft is a merge of the cast's pair with the records as they are.
func (v *village) draft(t tb, c cast, keep string, take []string) (d amend.MergeDraft) {
	t.Helper()
	d = amend.MergeDraft{Pair: c.pair, Keep: keep, Take: take, Note: "Her daughter told us", Lang: "en"}
	v.as(t, officer(1), func(tx db.Tx) error {
		s, err := dedup.Find(tx, v.all, c.pair)
		if err != nil {
			return err
		}
		for i, id := range []db.ID{s.AID, s.BID} {
			if _, d.Versions[i], err = registry.CurrentPerson(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	return d
}

func (v *village) proposes(t tb, c cast, keep string, take []string) (ref string) {
	t.Helper()
	d := v.draft(t, c, keep, take)
	v.as(t, officer(1), func(tx db.Tx) (err error) { ref, err = amend.ProposeMerge(tx, v.all, d); return err })
	return ref
}

// Whatever two records hold: merged and taken back, every table is what it was.
// In between there is one living record with all that both had.
func TestUndoOfMergeIsNothing(t *testing.T) {
	t.Parallel()
	v := settle(t)
	rapid.Check(t, func(t *rapid.T) {
		c := v.anyCast(t)
		before := v.rows(t, c)
		keep := rapid.IntRange(0, 1).Draw(t, "keep")
		var take []string
		for _, name := range []string{"full_name", "full_name_latin", "sex", "birth", "fields.rooms", registry.MergeHome} {
			if rapid.Bool().Draw(t, "take") {
				take = append(take, name)
			}
		}
		merge := v.proposes(t, c, c.refs[keep], take)
		if v.rows(t, c) != before {
			t.Fatal("a proposal changed something")
		}
		v.through(t, merge)
		v.merged(t, c, keep)
		var undo string
		v.as(t, officer(4), func(tx db.Tx) (err error) {
			undo, err = amend.ProposeUndo(tx, v.all, merge, "Two sisters after all", "en")
			return err
		})
		v.through(t, undo)
		if after := v.rows(t, c); after != before {
			t.Fatalf("before:\n%s\n\nafter:\n%s", difference(before, after), difference(after, before))
		}
		v.as(t, officer(1), func(tx db.Tx) error {
			s, err := dedup.Find(tx, v.all, c.pair)
			if err == nil && s.State != dedup.Open {
				t.Fatalf("the pair is %s", s.State)
			}
			return err
		})
	})
}

// difference is the lines of a that b does not have.
func difference(a, b string) string {
	have := strings.Split(b, "\n")
	return strings.Join(slices.DeleteFunc(strings.Split(a, "\n"), func(line string) bool { return slices.Contains(have, line) }), "\n")
}

// merged holds what a merge leaves to what it should be.
func (v *village) merged(t *rapid.T, c cast, keep int) {
	t.Helper()
	kept, ended := c.people[keep], c.people[1-keep]
	v.as(t, worker, func(tx db.Tx) error {
		for what, query := range map[string]string{
			"the ended record is not a duplicate of the other": `select count(*) <> 1 from person where id = $2 and status = 'duplicate' and merged_into = $1`,
			"the ended record lives somewhere":                 `select count(*) > 0 from membership where person_id = $2 and end_date is null and $1::uuid is not null`,
			"somebody is related to the ended record":          `select count(*) > 0 from relation where $2 in (person_id, other_id) and $1::uuid is not null`,
			"somebody cares for the ended record":              `select count(*) > 0 from membership_role where of_id = $2 and person_id <> $2 and $1::uuid is not null`,
			"the ended record is reached":                      `select count(*) > 0 from contact where person_id = $2 and $1::uuid is not null`,
			"a number was lost": `select count(*) > 0 from identifier e where e.subject_id = $2 and not exists (
				select from identifier k where k.subject_id = $1 and (k.type, k.value, k.issuer) = (e.type, e.value, e.issuer))`,
			"a number is contested": `select count(*) > 0 from identifier e join identifier k on k.subject_id = $1 and (k.type, k.value, k.issuer) = (e.type, e.value, e.issuer)
				where e.subject_id = $2 and k.status = 'contested' and not exists (
					select from identifier o where (o.type, o.value, o.issuer) = (e.type, e.value, e.issuer) and o.subject_id not in ($1, $2) and o.live)`,
			"the ended record is in a group":          `select count(*) > 0 from group_member where person_id = $2 and end_date is null and $1::uuid is not null`,
			"an account signs in to the ended record": `select count(*) > 0 from account where person_id = $2 and $1::uuid is not null`,
			"the ended record is compared":            `select count(*) > 0 from dedup_record where person_id = $2 and $1::uuid is not null`,
			"a household is active that nobody is in": `select count(*) > 0 from membership m join household h on h.id = m.household_id
				where m.person_id = $2 and m.end_reason = 'duplicate' and h.status = 'active' and m.tie = 'usual' and $1::uuid is not null
				  and not exists (select from membership x where x.household_id = h.id and x.end_date is null)`,
		} {
			var wrong bool
			if err := tx.Get(&wrong, query, kept, ended); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if wrong {
				t.Fatal(what)
			}
		}
		return nil
	})
}

// two are two records of one woman: in the first she is the head of a household
// with a child, in the second alone.
func (v *village) two(t *testing.T) cast {
	t.Helper()
	c := cast{people: v.ids(3), refs: refs('P', 3), households: v.ids(2)}
	from := registry.Provenance{"*": v.source}
	var items []registry.Item
	for i, ref := range refs('H', 2) {
		items = append(items, registry.Item{Kind: registry.KindHousehold, Subject: c.households[i], Data: registry.HouseholdData{Ref: ref, AreaID: v.areas["MJ01"], Provenance: from}})
	}
	lives := func(home int, relationship string) []registry.MembershipData {
		return []registry.MembershipData{{ID: v.id(), HouseholdID: c.households[home], Relationship: relationship, StartDate: "2026-01-10"}}
	}
	for i, p := range []registry.PersonData{
		{FullName: "Fatima Hassan", BirthFrom: "1980-04-03", BirthTo: "1980-04-03", Memberships: lives(0, "head")},
		{FullName: "Fatma Hasan", BirthFrom: "1980-03-04", BirthTo: "1980-03-04", Memberships: lives(1, "head")},
		{FullName: "Nur Hassan", BirthFrom: "2015-05-05", BirthTo: "2015-05-05", Memberships: lives(0, "child")},
	} {
		p.Ref, p.Sex, p.Provenance = c.refs[i], "female", from
		items = append(items, registry.Item{Kind: registry.KindPerson, Subject: c.people[i], Data: p})
	}
	v.apply(t, items...)
	c.pair = v.pair(t, c.refs[0], c.refs[1])
	return c
}

func TestMergeNeedsThreeHands(t *testing.T) {
	t.Parallel()
	v := settle(t)
	c := v.two(t)
	ref := v.proposes(t, c, c.refs[0], nil)
	do := func(n byte, step func(db.Tx, registry.Reader, string) error) error {
		return v.WithTx(t.Context(), officer(n), func(tx db.Tx) error { return step(tx, v.all, ref) })
	}
	for _, n := range []byte{1} {
		if err := do(n, amend.Verify); !fault.Is(err, fault.Forbidden) {
			t.Error("the proposer verified:", err)
		}
	}
	if err := do(2, amend.Verify); err != nil {
		t.Fatal(err)
	}
	for _, n := range []byte{1, 2} {
		if err := do(n, amend.Approve); !fault.Is(err, fault.Forbidden) {
			t.Error("approved by who proposed or verified:", err)
		}
	}
	if err := do(3, amend.Approve); err != nil {
		t.Fatal(err)
	}
}

// What cannot be merged, and what is said then. Nothing is written.
func TestMergesThatAreRefused(t *testing.T) {
	t.Parallel()
	v := settle(t)
	c := v.two(t)
	there := registry.Reader{Areas: []db.ID{v.areas["MJ02"]}}
	try := func(r registry.Reader, d amend.MergeDraft) error {
		return v.WithTx(t.Context(), officer(1), func(tx db.Tx) error { _, err := amend.ProposeMerge(tx, r, d); return err })
	}
	good := v.draft(t, c, c.refs[0], nil)
	if err := v.WithTx(t.Context(), officer(1), func(tx db.Tx) error { _, err := dedup.OpenPair(tx, v.all, c.refs[0], c.refs[0]); return err }); key(err) != "dedup.error.self" {
		t.Error("a record is a pair with itself:", err)
	}
	if err := try(there, good); !fault.Is(err, fault.NotFound) {
		t.Error("merged by an officer of another region:", err)
	}
	stale := good
	stale.Versions[1] = 7
	if err := try(v.all, stale); key(err) != "error.stale" {
		t.Error("merged as somebody else's state:", err)
	}
	other := good
	other.Keep = c.refs[2]
	if err := try(v.all, other); !fault.Is(err, fault.NotFound) {
		t.Error("a third record goes on:", err)
	}
	merge := v.proposes(t, c, c.refs[0], nil)
	if err := try(v.all, good); key(err) != "dedup.error.decided" {
		t.Error("proposed twice:", err)
	}
	v.through(t, merge)
	if err := try(v.all, v.draft(t, c, c.refs[0], nil)); key(err) != "merge.error.ended" {
		t.Error("merged again:", err)
	}
	if err := v.WithTx(t.Context(), officer(1), func(tx db.Tx) error { _, err := dedup.OpenPair(tx, v.all, c.refs[1], c.refs[2]); return err }); key(err) != "dedup.error.ended" {
		t.Error("a duplicate is compared:", err)
	}

	// The record that goes on may take in another, and not end in one.
	chain := cast{people: []db.ID{c.people[0], c.people[2]}, refs: []string{c.refs[0], c.refs[2]}}
	chain.pair = v.pair(t, c.refs[0], c.refs[2])
	if err := try(v.all, v.draft(t, chain, c.refs[2], nil)); key(err) != "merge.error.chain" {
		t.Error("a chain of merges:", err)
	}
	v.through(t, v.proposes(t, chain, c.refs[0], nil))
}

// A record that moved on between the proposal and its approval is not merged.
func TestMergeOfAnotherVersion(t *testing.T) {
	t.Parallel()
	v := settle(t)
	c := v.two(t)
	merge := v.proposes(t, c, c.refs[0], nil)
	v.as(t, officer(2), func(tx db.Tx) error { return amend.Verify(tx, v.all, merge) })
	v.edit(t, c.people[1], func(p *registry.PersonData) { p.FullNameLatin = "Fatma" })
	if err := v.WithTx(t.Context(), officer(3), func(tx db.Tx) error { return amend.Approve(tx, v.all, merge) }); key(err) != "error.stale" {
		t.Error(err)
	}
	v.as(t, officer(1), func(tx db.Tx) error { return amend.Withdraw(tx, v.all, merge) })
	v.as(t, officer(1), func(tx db.Tx) error { // and the pair waits for a decision again
		s, err := dedup.Find(tx, v.all, c.pair)
		if err == nil && s.State != dedup.Open {
			t.Error(s.State)
		}
		return err
	})
}

func (v *village) edit(t tb, id db.ID, change func(*registry.PersonData)) {
	t.Helper()
	var p registry.PersonData
	var version int
	v.as(t, worker, func(tx db.Tx) (err error) { p, version, err = registry.CurrentPerson(tx, id); return err })
	change(&p)
	v.apply(t, registry.Item{Kind: registry.KindPerson, Subject: id, BaseVersion: version, Data: p})
}

// A merge is taken back once, by the record of it, and not when one of the
// records moved on: it says which.
func TestUndoThatIsRefused(t *testing.T) {
	t.Parallel()
	v := settle(t)
	c := v.two(t)
	merge := v.proposes(t, c, c.refs[0], nil)
	undo := func(ref string) error {
		return v.WithTx(t.Context(), officer(4), func(tx db.Tx) error { _, err := amend.ProposeUndo(tx, v.all, ref, "Why", "en"); return err })
	}
	if err := undo(merge); !fault.Is(err, fault.NotFound) {
		t.Error("taken back before it was done:", err)
	}
	v.through(t, merge)
	v.edit(t, c.people[0], func(p *registry.PersonData) { p.FullNameLatin = "Fatima" })
	err := undo(merge)
	if key(err) != "merge.error.moved" || !strings.Contains(fmt.Sprint(err.(*fault.Error).Args["Refs"]), c.refs[0]) || strings.Contains(fmt.Sprint(err.(*fault.Error).Args["Refs"]), c.refs[1]) {
		t.Error(err)
	}

	d := v.two(t)
	second := v.proposes(t, d, d.refs[1], nil)
	v.through(t, second)
	if err := undo(second); err != nil {
		t.Fatal(err)
	}
	if err := undo(second); key(err) != "merge.error.undone" {
		t.Error("taken back twice:", err)
	}
}

// The head of a household with a child is merged into a record elsewhere: the
// household goes on without a head (RULES R16). The other way round, the one that
// she left with nobody in it ends.
func TestMergeOfAHead(t *testing.T) {
	t.Parallel()
	v := settle(t)
	status := func(id db.ID) (s string) {
		v.as(t, worker, func(tx db.Tx) error {
			return tx.Get(&s, `select h.status || ' ' || (select count(*) from membership m where m.household_id = h.id and m.end_date is null)
				|| ' ' || (select count(*) from membership m where m.household_id = h.id and m.end_date is null and m.relationship = 'head') from household h where h.id = $1`, id)
		})
		return s
	}
	c := v.two(t)
	v.through(t, v.proposes(t, c, c.refs[1], nil))
	if a, b := status(c.households[0]), status(c.households[1]); a != "active 1 0" || b != "active 1 1" {
		t.Errorf("%q %q", a, b)
	}
	c = v.two(t)
	v.through(t, v.proposes(t, c, c.refs[0], nil))
	if a, b := status(c.households[0]), status(c.households[1]); a != "active 2 1" || b != "ended 0 0" {
		t.Errorf("%q %q", a, b)
	}
	c = v.two(t)
	v.through(t, v.proposes(t, c, c.refs[1], []string{registry.MergeHome}))
	if a, b := status(c.households[0]), status(c.households[1]); a != "active 2 1" || b != "ended 0 0" {
		t.Errorf("%q %q", a, b) // she lives with her child again, and nobody in the household that she left
	}
}

// The credentials of the record that ends stop counting, those of the other go
// on; taking the merge back does not make them count again.
func TestMergeRevokesCredentials(t *testing.T) {
	t.Parallel()
	v := settle(t)
	c := v.two(t)
	v.as(t, db.Principal{Role: db.Issuer, Kind: "wallet"}, func(tx db.Tx) error {
		for i, id := range c.people[:2] {
			if err := tx.Exec(`insert into credential (id, ref, person_id, type, format, dataset_hash, issued_at, expires_at, notification)
				values ($1, $2, $3, 'person-registration', 'dc+sd-jwt', '', $4, $5, $2)`, tx.NewID(), fmt.Sprint("V-", i), id, tx.Now(), tx.Now().AddDate(1, 0, 0)); err != nil {
				return err
			}
		}
		return nil
	})
	states := func() (s string) {
		v.as(t, worker, func(tx db.Tx) error {
			return tx.Get(&s, `select string_agg(state || ' ' || coalesce(reason, ''), ', ' order by ref) from credential`)
		})
		return s
	}
	merge := v.proposes(t, c, c.refs[0], nil)
	v.through(t, merge)
	if got := states(); got != "valid , revoked duplicate" {
		t.Error(got)
	}
	var undo string
	v.as(t, officer(4), func(tx db.Tx) (err error) { undo, err = amend.ProposeUndo(tx, v.all, merge, "Why", "en"); return err })
	v.through(t, undo)
	if got := states(); got != "valid , revoked duplicate" {
		t.Error(got)
	}
}

// A pair in which somebody is protected is there only for those who may see where
// they are (RULES R5), and one that reaches into another region only for those
// who are responsible for both.
func TestWhoSeesAPair(t *testing.T) {
	t.Parallel()
	v := settle(t)
	c := v.two(t)
	protected := v.all
	protected.Protected = []db.ID{v.areas["MJ"]}
	sees := func(r registry.Reader) bool {
		var seen bool
		v.as(t, officer(1), func(tx db.Tx) error {
			_, err := dedup.Read(tx, r, c.pair)
			list, _, err2 := dedup.List(tx, r, dedup.Open, "", 10)
			of, err3 := dedup.OfPerson(tx, r, c.people[0])
			if err2 != nil || err3 != nil {
				t.Fatal(err2, err3)
			}
			if seen = err == nil; seen != (len(list) == 1) || seen != (len(of) == 1) || err != nil && !fault.Is(err, fault.NotFound) {
				t.Errorf("%v, %d, %d", err, len(list), len(of))
			}
			return nil
		})
		return seen
	}
	if !sees(v.all) || !sees(v.here) || sees(registry.Reader{Areas: []db.ID{v.areas["MJ02"]}}) || sees(registry.Reader{}) {
		t.Error("by area")
	}
	move := func(household db.ID, change func(*registry.HouseholdData)) {
		var h registry.HouseholdData
		var version int
		v.as(t, worker, func(tx db.Tx) (err error) { h, version, err = registry.CurrentHousehold(tx, household); return err })
		change(&h)
		v.apply(t, registry.Item{Kind: registry.KindHousehold, Subject: household, BaseVersion: version, Data: h})
	}
	move(c.households[1], func(h *registry.HouseholdData) { h.AreaID = v.areas["MJ02"] })
	if sees(v.here) || !sees(v.all) {
		t.Error("half of it elsewhere")
	}
	move(c.households[1], func(h *registry.HouseholdData) { h.Protected = true })
	if sees(v.all) || !sees(protected) {
		t.Error("protected")
	}
}
