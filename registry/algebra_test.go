package registry_test

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"daftar/db"
	"daftar/registry"
)

const span = 12 // days that properties look at

func nth(n int) string { return fmt.Sprintf("2026-01-%02d", n+1) }

// anySpan draws a start and an end, either of which may be open.
func anySpan(t *rapid.T) (start, end string) {
	from := rapid.IntRange(-1, span-1).Draw(t, "from")
	if from >= 0 {
		start = nth(from)
	}
	if to := rapid.IntRange(max(from, 0), span).Draw(t, "to"); to < span {
		end = nth(to)
	}
	return start, end
}

// anyMemberships draws ties of one person to a few households, overlapping or
// not.
func anyMemberships(t *rapid.T, homes []db.ID) []registry.MembershipData {
	var list []registry.MembershipData
	for range rapid.IntRange(0, 4).Draw(t, "memberships") {
		m := registry.MembershipData{ID: db.ID{7, 14: byte(rapid.IntRange(0, 255).Draw(t, "id")), 15: byte(len(list))},
			HouseholdID:  rapid.SampledFrom(homes).Draw(t, "home"),
			Tie:          rapid.SampledFrom([]string{"", "usual", "usual", "absent", "second_union"}).Draw(t, "tie"),
			Relationship: rapid.SampledFrom([]string{"child", "spouse"}).Draw(t, "relationship")}
		m.StartDate, m.EndDate = anySpan(t)
		list = append(list, m)
	}
	return list
}

// homesOn counts where somebody usually lives on each day, and before all days
// and after.
func homesOn(list []registry.MembershipData) (most int) {
	for d := -1; d <= span; d++ {
		on := "2026-02-01"
		if d < 0 {
			on = "2025-12-31"
		} else if d < span {
			on = nth(d)
		}
		n := 0
		for _, m := range list {
			if m.Usual() && registry.During(m.StartDate, m.EndDate, on) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// Two homes at once, for every two spans within four days: the check finds what a
// count day by day finds.
func TestTwoHomesAtOnce(t *testing.T) {
	t.Parallel()
	const days = 4
	var spans [][2]string
	for from := -1; from < days; from++ {
		for to := max(from, 0); to <= days; to++ {
			s := [2]string{"", ""}
			if from >= 0 {
				s[0] = nth(from)
			}
			if to < days {
				s[1] = nth(to)
			}
			spans = append(spans, s)
		}
	}
	both := 0
	for _, a := range spans {
		for _, b := range spans {
			list := []registry.MembershipData{{ID: db.ID{1}, StartDate: a[0], EndDate: a[1]}, {ID: db.ID{2}, StartDate: b[0], EndDate: b[1]}}
			right := homesOn(list) <= 1
			if err := (registry.PersonData{Memberships: list}).Check(); (err == nil) != right {
				t.Errorf("%v and %v: %v", a, b, err)
			}
			if right {
				both++
			}
		}
	}
	if both == 0 || both == len(spans)*len(spans) {
		t.Error("all spans are alike")
	}
}

// The check, the database and a count day by day agree on who lives in two
// places at once.
func TestOneUsualResidenceEveryDay(t *testing.T) {
	t.Parallel()
	d := land(t)
	area := areaID(t, d, "MJ01")
	homes := []db.ID{register(t, d, area).id, register(t, d, area).id, register(t, d, area).id}
	who := register(t, d, area, registry.PersonData{}).people[0]
	rapid.Check(t, func(r *rapid.T) {
		list := anyMemberships(r, homes)
		right := homesOn(list) <= 1
		if err := (registry.PersonData{Memberships: list}).Check(); (err == nil) != right {
			r.Fatalf("the check says %v of %v", err, list)
		}
		err := edit(t, d, who, func(p *registry.PersonData) { p.Memberships = list })
		if (err == nil) != right || err != nil && rule(err) != "membership_usual_residence" {
			r.Fatalf("the database says %v of %v", err, list)
		}
	})
}

// Whoever moves lives in the new place from that day on, in the old one until
// then, and in no other place ever.
func TestMoving(t *testing.T) {
	t.Parallel()
	homes := []db.ID{{1}, {2}, {3}}
	rapid.Check(t, func(t *rapid.T) {
		var p registry.PersonData
		day := 0
		for i := range rapid.IntRange(1, 6).Draw(t, "moves") {
			to := registry.MembershipData{ID: db.ID{byte(i)}, HouseholdID: rapid.SampledFrom(homes).Draw(t, "to"), Relationship: "child", StartDate: nth(day)}
			before := p
			p = p.Move(to, "moved")
			if err := p.Check(); err != nil || homesOn(p.Memberships) > 1 {
				t.Fatalf("%v: %v", p.Memberships, err)
			}
			for on := range span {
				was, lived := before.Residence(nth(on))
				is, lives := p.Residence(nth(on))
				if on < day && (was.ID != is.ID || lived != lives) || on >= day && is.ID != to.ID {
					t.Fatalf("on day %d in %v, before the move on day %d in %v", on, is, day, was)
				}
			}
			day += rapid.IntRange(0, 2).Draw(t, "days")
		}
	})
}

// An outcome that is taken back leaves no trace in the record.
func TestRestoreUndoesConclude(t *testing.T) {
	t.Parallel()
	homes := []db.ID{{1}, {2}}
	into := db.ID{9}
	rapid.Check(t, func(t *rapid.T) {
		p := registry.PersonData{FullName: "Somebody", Memberships: anyMemberships(t, homes)}
		if len(p.Memberships) > 0 {
			p.Memberships[0].Roles = []registry.RoleData{{Role: registry.RolePayee, StartDate: "2026-01-02"}}
		}
		o := rapid.SampledFrom(registry.Outcomes()).Draw(t, "outcome")
		var other *db.ID
		if o.Code == registry.Duplicate {
			other = &into
		}
		day := nth(rapid.IntRange(0, span-1).Draw(t, "day"))
		ended, err := p.Conclude(o.Code, rapid.SampledFrom(o.Reasons).Draw(t, "reason"), day, other, today)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ended.Memberships {
			if m.EndDate == "" {
				t.Fatalf("still tied: %v", m)
			}
		}
		back, err := ended.Restore(p)
		if err != nil || !reflect.DeepEqual(back.Memberships, p.Memberships) || back.Status != "" || back.StatusDate != "" || back.MergedInto != nil {
			t.Fatalf("%v became %v: %v", p, back, err)
		}
	})
}

// Groups that lie in each other over time: the database refuses exactly those
// that on some day lie in themselves.
func TestGroupsInGroups(t *testing.T) {
	t.Parallel()
	d := land(t)
	rapid.Check(t, func(r *rapid.T) {
		const n = 4
		var ids [n]db.ID
		var inside [n][n][span + 2]bool
		var versions [n]int
		for i := range ids {
			ids[i] = newID(t, d)
			must(t, group(t, d, ids[i], 0))
			versions[i] = 1
		}
		for range rapid.IntRange(1, 6).Draw(r, "links") {
			outer, inner := rapid.IntRange(0, n-1).Draw(r, "outer"), rapid.IntRange(0, n-1).Draw(r, "inner")
			start, end := anySpan(r)
			try := inside
			for i := range ids { // the group's members are those of this link alone
				try[outer][i] = [span + 2]bool{}
			}
			for day := range span + 2 {
				on := "2026-02-01"
				if day == 0 {
					on = "2025-12-31"
				} else if day <= span {
					on = nth(day - 1)
				}
				try[outer][inner][day] = registry.During(start, end, on)
			}
			right := true
			for day := range span + 2 {
				right = right && !circular(func(a, b int) bool { return try[a][b][day] }, n)
			}
			err := group(t, d, ids[outer], versions[outer], registry.GroupMemberData{GroupID: &ids[inner], StartDate: start, EndDate: end})
			if outer == inner {
				right = false // never, not even for no day
			}
			if (err == nil) != right || err != nil && rule(err) != "group_cycle" {
				r.Fatalf("%d in %d from %q to %q: %v", inner, outer, start, end, err)
			}
			if err == nil {
				inside, versions[outer] = try, versions[outer]+1
			}
		}
	})
}

func circular(edge func(a, b int) bool, n int) bool {
	for start := range n {
		seen, next := map[int]bool{}, []int{start}
		for len(next) > 0 {
			a := next[0]
			next = next[1:]
			for b := range n {
				if edge(a, b) && b == start {
					return true
				}
				if edge(a, b) && !seen[b] {
					seen[b], next = true, append(next, b)
				}
			}
		}
	}
	return false
}

// Places and duties in a household, changed again and again: on every day there
// is one place at most, duties lie within the ties that they belong to, and what
// was so before a change's day stays so.
func TestPlacesAndDuties(t *testing.T) {
	t.Parallel()
	homes := []db.ID{{1}, {2}}
	other := db.ID{8}
	rapid.Check(t, func(t *rapid.T) {
		p := registry.PersonData{}.Move(registry.MembershipData{ID: db.ID{7}, HouseholdID: homes[0], Relationship: "child", StartDate: nth(0)}, "moved")
		day := 0
		for i := range rapid.IntRange(1, 8).Draw(t, "changes") {
			before := p
			at, ok := p.Residence(nth(span))
			id := db.ID{6, 15: byte(i)}
			what := rapid.SampledFrom([]string{"relate", "serve", "resign", "leave", "move"}).Draw(t, "what")
			switch what {
			case "relate":
				p, _ = p.Relate(at.ID, id, rapid.SampledFrom([]string{"head", "spouse", "sibling"}).Draw(t, "as"), nth(day))
			case "serve":
				p, _ = p.Serve(at.ID, registry.RoleData{Role: registry.RoleCaregiver, Of: &other, StartDate: nth(day)})
			case "resign":
				p, _ = p.Resign(at.ID, rapid.IntRange(-1, 3).Draw(t, "nth"), nth(day))
			case "leave":
				p, _ = p.Leave(at.ID, nth(day), "moved")
			case "move":
				p = p.Move(registry.MembershipData{ID: id, HouseholdID: rapid.SampledFrom(homes).Draw(t, "to"), Relationship: "child", StartDate: nth(day)}, "moved")
			}
			if err := p.Check(); err != nil || homesOn(p.Memberships) > 1 {
				t.Fatalf("%v: %v", p.Memberships, err)
			}
			if now, still := p.Residence(nth(span)); ok && still && what != "move" && duties(now, nth(span)) < duties(at, nth(span))-1 {
				t.Fatalf("duties were lost: %v became %v", at, now)
			}
			for _, m := range p.Memberships {
				for _, r := range m.Roles {
					if r.StartDate < m.StartDate || m.EndDate != "" && (r.EndDate == "" || r.EndDate > m.EndDate && r.EndDate != r.StartDate) {
						t.Fatalf("a duty outside its tie: %v", m)
					}
				}
			}
			for on := range day {
				was, lived := before.Residence(nth(on))
				is, lives := p.Residence(nth(on))
				if lived != lives || was.HouseholdID != is.HouseholdID || was.Relationship != is.Relationship || duties(was, nth(on)) != duties(is, nth(on)) {
					t.Fatalf("a change on day %d changed day %d: %v, then %v", day, on, was, is)
				}
			}
			day += rapid.IntRange(0, 2).Draw(t, "days")
		}
	})
}

// duties counts what somebody does on a day.
func duties(m registry.MembershipData, day string) (n int) {
	for _, r := range m.Roles {
		if registry.During(r.StartDate, r.EndDate, day) {
			n++
		}
	}
	return n
}
