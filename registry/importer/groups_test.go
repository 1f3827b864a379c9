package importer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/importer"
)

const (
	groupHomes   = "household,area\n1,MJ010101\n2,MJ010102\n"
	groupPeople  = "person,household,relationship,full_name,id.national_id\na,1,head,Amal Saleh,MJ12345678\nb,1,child,Badr Saleh,\na,2,head,Huda Noor,\n"
	groupGroups  = "group,name,name_latin,type,area,formed,served,tags\nf,تعاونية,Fishers,cooperative,MJ010101,2020-01-01,yes,Led by women\nu,Union,,union,MJ01,,,\n"
	groupMembers = "group,household,person,subgroup,role,since,until\nf,1,,,,2021-05-01,\nf,2,a,,chair,,\nu,,,f,,2022-01-01,\n"
)

func groupFiles(homes, people, groups, members string) (list []importer.File) {
	for _, f := range [][2]string{{"homes.csv", homes}, {"people.csv", people}, {"groups.csv", groups}, {"members.csv", members}} {
		if f[1] != "" {
			list = append(list, text(f[0], []byte(f[1])))
		}
	}
	return list
}

// group is a group's record by its Latin name, or its name.
func (o office) group(t testing.TB, name string) (g registry.GroupData) {
	t.Helper()
	o.read(t, func(tx db.Tx) (err error) {
		var id db.ID
		if err = tx.Get(&id, `select id from group_record where $1 in (name, name_latin)`, name); err == nil {
			g, _, err = registry.CurrentGroup(tx, id)
		}
		return err
	})
	return g
}

func TestGroupsComeIn(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := o.in(t, groupFiles(groupHomes, groupPeople, groupGroups, groupMembers))
	if r.Counts.Added != 7 || r.Counts.Groups != 5 || r.Problems != 0 {
		t.Fatalf("%+v %v", r.Counts, r.found)
	}
	fishers, union := o.group(t, "Fishers"), o.group(t, "Union")
	if got, want := fmt.Sprint(fishers.Name, fishers.Type, fishers.FormedOn, fishers.Beneficiary, fishers.Tags, len(fishers.Members)), fmt.Sprint("تعاونية", "cooperative", "2020-01-01", true, []string{"women_led"}, 2); got != want {
		t.Errorf("%s instead of %s", got, want)
	}
	if m := fishers.Members[1]; m.PersonID == nil || m.Role != "chair" || m.StartDate == "" {
		t.Errorf("%+v", m)
	}
	if m := union.Members[0]; m.GroupID == nil || m.StartDate != "2022-01-01" {
		t.Errorf("%+v", m)
	}
	totals := get[string](t, o, `select (select count(*) from group_people(array(select id from group_record where name = 'Union'), '2026-06-01')) || ' ' ||
		(select count(*) from group_households(array(select id from group_record where name = 'Union'), '2026-06-01'))`)
	if totals != "3 1" {
		t.Errorf("in the union are %s", totals)
	}

	// known ones, by reference and number: a member more, one that leaves, another name
	amal, _ := o.person(t, "Amal Saleh")
	huda, _ := o.person(t, "Huda Noor")
	r = o.in(t, groupFiles("", "", "ref,name_latin\n"+fishers.Ref+",Fishers of the harbour\n",
		"group,household,person,subgroup,role,since,until\n"+union.Ref+",,MJ-1234 5678,,treasurer,,\n"+fishers.Ref+",,"+huda.Ref+",,chair,,2026-05-01\n"))
	if r.Counts.Changed != 2 || r.Counts.Added != 0 || r.Problems != 0 {
		t.Fatalf("%+v %v", r.Counts, r.found)
	}
	fishers = o.group(t, "Fishers of the harbour")
	if fishers.Name != "تعاونية" || len(fishers.Members) != 2 || fishers.Members[1].EndDate != "2026-05-01" {
		t.Errorf("%+v", fishers)
	}
	if union = o.group(t, "Union"); len(union.Members) != 2 || union.Members[1].Role != "treasurer" || union.Members[1].PersonID == nil {
		t.Errorf("%+v, %s", union, amal.Ref)
	}
	if r := o.bring(t, groupFiles("", "", "ref,formed\n"+fishers.Ref+",2022-01-01\n", "group,household,person,until\n"+fishers.Ref+",,"+amal.Ref+",\n"+union.Ref+",,MJ12345678,2020-01-01\n")); r.Problems != 3 {
		t.Errorf("impossible days of known groups: %v", said(r.found))
	}
	if r := o.in(t, groupFiles("", "", "", "group,household,person,subgroup\n"+union.Ref+",,MJ12345678,\n")); r.Counts.Unchanged != 1 || r.Batch != "" && r.Counts.Changed > 0 {
		t.Errorf("the same again: %+v", r.Counts)
	}
}

func TestGroupsThatCannotBe(t *testing.T) {
	t.Parallel()
	o := open(t)
	groups := "group,name,type,area,formed\nf,Fishers,cooperative,MJ010101,2020-01-01\nu,Union,union,MJ01,\nf,Again,camp,MJ01,\nx,,union,MJ01,\ny,No kind,,MJ01,\nz,Nowhere,union,Narnia,\nw,Late,union,MJ01,2100-01-01\nv,Wrong,club,MJ01,\n"
	members := "group,household,person,subgroup,role,since,until\n" +
		"f,1,,,,,\n" + // 2: right
		"f,1,,,chair,,\n" + // 3: twice
		"q,1,,,,,\n" + // 4: no group
		"f,9,,,,,\n" + // 5: no household
		"f,2,zz,,,,\n" + // 6: no person
		"f,,,u,,,\n" + // 7: right
		"u,,,f,,,\n" + // 8: a circle
		"u,,,u,,,\n" + // 9: itself
		"f,2,,,,2019-12-31,\n" + // 10: before it was formed
		"u,2,,,,2100-01-01,\n" + // 11: in the future
		"u,2,,,,2026-01-02,2026-01-01\n" + // 12: over before it begins
		"u,2,,f,,,\n" + // 13: two members
		"u,,,,,,\n" + // 14: none
		"u,2,,,king,,\n" + // 15: no such role
		"z,2,,,,,\n" // 16: of a group that is left out
	before := o.written(t)
	r := o.bring(t, groupFiles(groupHomes, groupPeople, groups, members))
	var got []string
	for _, p := range r.found {
		if !p.Notice {
			got = append(got, fmt.Sprintf("%s:%d %s", strings.TrimSuffix(p.File, ".csv"), p.Line, strings.TrimPrefix(p.Key, "import.problem.")))
		}
	}
	slices.Sort(got)
	want := []string{"groups:4 group_twice", "groups:5 group_name", "groups:6 group_type", "groups:7 area", "groups:8 part.error.formed", "groups:9 code",
		"members:10 rule.group_member_early", "members:11 rule.group_member_future", "members:12 rule.group_member_dates", "members:13 member_one", "members:14 member_one",
		"members:15 code", "members:16 owner_rejected", "members:3 rule.group_member_once", "members:4 no_group", "members:5 no_household", "members:6 no_owner",
		"members:8 rule.group_cycle", "members:9 rule.group_cycle"}
	if !slices.Equal(got, want) {
		t.Errorf("%s\ninstead of\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if o.written(t) != before {
		t.Error("something was written")
	}
}

func TestGroupsAreTakenBack(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	first := d.done(t, d.checked(t, d.upload(t, groupFiles(groupHomes, groupPeople, groupGroups, groupMembers)...)))
	if first.State != importer.Applied {
		t.Fatalf("%s %v", first.State, d.problems(t, first))
	}
	ref := d.group(t, "Fishers").Ref
	d.Clock.Add(24 * time.Hour)
	second := d.done(t, d.checked(t, d.upload(t, csvFile("groups.csv", "ref,name_latin", ref+",Divers"))))
	d.Clock.Add(24 * time.Hour)
	undo := d.takeBack(t, first)
	if undo.Problems != 1 || !slices.Contains(d.problems(t, undo), `: group = "`+ref+`": This record changed after the batch. It stays as it is.`) {
		t.Errorf("%q", d.problems(t, undo))
	}
	d.must(t, d.clerk, func(tx db.Tx) error { return importer.Withdraw(tx, undo) })
	d.done(t, d.takeBack(t, second))
	if got := d.group(t, "Fishers"); got.Ref != ref {
		t.Errorf("%+v", got)
	}
	if got := d.group(t, "Union"); got.Status != "" {
		t.Errorf("%+v", got)
	}
}
