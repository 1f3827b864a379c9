package effect_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/cases/effect"
	"daftar/registry/history"
)

func id(n byte) db.ID { return db.ID{15: n} }

var (
	home, other       = id(100), id(101)
	ana, ben, cleo    = id(1), id(2), id(3)
	old, said, across = id(90), id(91), id(4)
)

// scene is Ana, the head and payee, Ben her husband and the alternative, Cleo
// their daughter of six; and Dana, who lives across the road.
func scene() effect.Scene {
	from := registry.Provenance{"*": old}
	lives := func(n byte, where db.ID, relationship string, roles ...registry.RoleData) []registry.MembershipData {
		return []registry.MembershipData{{ID: id(n), HouseholdID: where, Relationship: relationship, StartDate: "2020-01-01", Roles: roles}}
	}
	person := func(ref, name, born string, m []registry.MembershipData) effect.Person {
		return effect.Person{Version: 1, PersonData: registry.PersonData{Ref: ref, FullName: name, BirthFrom: born, BirthTo: born, Memberships: m, Provenance: from}}
	}
	s := effect.Scene{Today: "2026-03-02", Me: ana, Areas: map[string]db.ID{"A2": id(202)},
		People: map[db.ID]effect.Person{
			ana: person("P-ANA", "Ana", "1990-01-01", lives(11, home, "head", registry.RoleData{Role: "payee", StartDate: "2020-01-01"},
				registry.RoleData{Role: "caregiver", Of: &cleo, StartDate: "2020-01-01"})),
			ben:    person("P-BEN", "Ben", "1988-01-01", lives(12, home, "spouse", registry.RoleData{Role: "alternate_payee", StartDate: "2020-01-01"})),
			cleo:   person("P-CLEO", "Cleo", "2020-01-01", lives(13, home, "child")),
			across: person("P-DANA", "Dana", "1991-01-01", lives(14, other, "head")),
		},
		Homes: map[db.ID]effect.Home{
			home:  {Version: 1, HouseholdData: registry.HouseholdData{Ref: "H-HOME", AreaID: id(201), Provenance: from, Fields: registry.Values{"rooms": 2.0}}},
			other: {Version: 1, HouseholdData: registry.HouseholdData{Ref: "H-OTHER", AreaID: id(201), Provenance: from}},
		},
		Before: map[db.ID]registry.PersonData{},
	}
	a := s.People[ana]
	a.Relations = []registry.RelationData{{ID: id(31), Type: "spouse", PersonID: ben}, {ID: id(32), Type: "parent", PersonID: cleo}}
	a.Contacts = []registry.ContactData{{Kind: "phone", Value: "+1", Owner: "own", Safe: []string{"codes"}}}
	a.Identifiers = []registry.IdentifierData{{Type: "national_id", Value: "X1", Status: "verified"}}
	s.People[ana] = a
	return s
}

func run(name string, answers registry.Values, sets ...effect.Setting) (effect.Out, error) {
	return effect.Run(name, input(answers, sets...))
}

func input(answers registry.Values, sets ...effect.Setting) effect.In {
	next := map[string]effect.Identity{}
	return effect.In{Scene: scene(), Answers: answers, Sets: sets, Said: said, Reason: "other", Nature: registry.Event,
		Allot: func(key string, kind rune) effect.Identity {
			if _, ok := next[key]; !ok {
				next[key] = effect.Identity{ID: id(byte(150 + len(next))), Ref: string(kind) + "-NEW-" + key}
			}
			return next[key]
		}}
}

// told is what an effect does, one line for each value that differs.
func told(t *testing.T, out effect.Out) string {
	t.Helper()
	s := scene()
	var lines []string
	for _, it := range out.Items {
		now, err := history.Of(it.Data)
		if err != nil {
			t.Fatal(err)
		}
		var was history.State
		name := now.Text("full_name") + now.Text("ref")
		if p, ok := s.People[it.Subject]; ok {
			was, _ = history.Of(p.PersonData)
			name = p.FullName
		} else if h, ok := s.Homes[it.Subject]; ok {
			was, _ = history.Of(h.HouseholdData)
			name = h.Ref
		}
		var values []string
		for _, c := range history.Diff(was, now) {
			values = append(values, c.What)
		}
		lines = append(lines, fmt.Sprintf("%s v%d: %s", name, it.BaseVersion, strings.Join(values, " ")))
	}
	return strings.Join(lines, "; ")
}

// What each effect does, to whom, and who has to be asked.
func TestEffects(t *testing.T) {
	t.Parallel()
	rows := func(list ...map[string]any) []any {
		var out []any
		for _, r := range list {
			out = append(out, r)
		}
		return out
	}
	for name, c := range map[string]struct {
		effect   string
		answers  registry.Values
		sets     []effect.Setting
		want     string // what differs
		affected []db.ID
		needed   []db.ID
		risky    bool
		err      string
	}{
		"birth": {effect: "birth", answers: registry.Values{"parent": "P-BEN", "born": "2026-02-01", "babies": rows(map[string]any{"id": "1", "name": "Eli"})},
			want: "EliP-NEW-baby:1 v0: full_name birth memberships relations; Ben v1: memberships", affected: []db.ID{ben}},
		"birth without a child":   {effect: "birth", answers: registry.Values{"parent": "P-ANA", "born": "2026-02-01"}, err: "page-babies"},
		"birth to a stranger":     {effect: "birth", answers: registry.Values{"parent": "P-ZOE", "babies": rows(map[string]any{"id": "1"})}, err: "page-parent"},
		"death of the payee":      {effect: "death", answers: registry.Values{"who": "P-ANA", "day": "2026-03-01"}, want: "Ana v1: status memberships; Ben v1: memberships", affected: []db.ID{ben}},
		"death of a child":        {effect: "death", answers: registry.Values{"who": "P-CLEO", "day": "2026-03-01"}, want: "Cleo v1: status memberships", affected: []db.ID{ben}},
		"death tomorrow":          {effect: "death", answers: registry.Values{"who": "P-CLEO", "day": "2026-03-03"}, err: "date"},
		"all move":                {effect: "move", answers: registry.Values{"whole": "all", "area": "A2", "directions": "Up"}, want: "H-HOME v1: area_id directions", affected: []db.ID{ben}},
		"all move nowhere":        {effect: "move", answers: registry.Values{"whole": "all", "area": "A9"}, err: "page-area"},
		"the husband is moved":    {effect: "move", answers: registry.Values{"whole": "some", "who": []any{"P-BEN"}, "to": "own", "area": "A2"}, want: "H-NEW-home v0: area_id; Ben v1: memberships memberships", affected: []db.ID{ben}, needed: []db.ID{ben}, risky: true},
		"she moves across":        {effect: "move", answers: registry.Values{"whole": "some", "who": []any{"P-ANA"}, "to": "known", "to_ref": "H-OTHER"}, want: "Ana v1: memberships memberships; Ben v1: memberships", affected: []db.ID{ben, across}},
		"to a household unknown":  {effect: "move", answers: registry.Values{"whole": "some", "who": []any{"P-ANA"}, "to": "known", "to_ref": "H-NONE"}, err: "blocked.no_record"},
		"separated":               {effect: "separate", answers: registry.Values{"safe": "yes", "children": []any{"P-CLEO"}, "area": "A2"}, want: "H-NEW-home v0: area_id; Ben v1: memberships; Ana v1: memberships memberships relations; Cleo v1: memberships memberships", affected: []db.ID{ben}},
		"separated and not safe":  {effect: "separate", answers: registry.Values{"safe": "no", "children": []any{"P-CLEO"}}, want: "H-NEW-home v0: area_id protected; Ben v1: memberships; Ana v1: memberships memberships relations contacts; Cleo v1: memberships memberships"},
		"she takes her husband":   {effect: "separate", answers: registry.Values{"safe": "yes", "children": []any{"P-BEN"}}, err: "page-children"},
		"married to a neighbour":  {effect: "marry", answers: registry.Values{"partner": "registered", "partner_ref": "P-DANA", "live": "here"}, want: "Dana v1: memberships memberships; Ana v1: relations", affected: []db.ID{across, ben}, needed: []db.ID{across}},
		"married to a stranger":   {effect: "marry", answers: registry.Values{"partner": "new", "partner_name": "Femi", "live": "here"}, want: "FemiP-NEW-partner v0: full_name memberships; Ana v1: relations", affected: []db.ID{ben}},
		"another payee":           {effect: "payee", answers: registry.Values{"who": "P-BEN"}, want: "Ana v1: memberships; Ben v1: memberships", affected: []db.ID{ben}, risky: true},
		"a child as payee":        {effect: "payee", answers: registry.Values{"who": "P-CLEO"}, err: "page-who"},
		"the payee who is":        {effect: "payee", answers: registry.Values{"who": "P-ANA"}, err: "page-who"},
		"she leaves the registry": {effect: "leave", answers: registry.Values{"children": []any{"P-CLEO"}}, want: "Ana v1: status memberships; Cleo v1: status memberships; Ben v1: memberships", affected: []db.ID{ben}},
		"she ends her husband's":  {effect: "leave", answers: registry.Values{"children": []any{"P-BEN"}}, err: "page-children"},
		"she hides her phone":     {effect: "hide", answers: registry.Values{"hide": []any{"contacts"}}, want: "Ana v1: contacts"},
		"she hides their place":   {effect: "hide", answers: registry.Values{"hide": []any{"address", "contacts"}}, want: "H-HOME v1: protected; Ana v1: contacts"},
		"a name":                  {effect: "set", sets: []effect.Setting{{"person", ana, "full_name", "Anna", nil}}, want: "Ana v1: full_name"},
		"a child's birth":         {effect: "set", sets: []effect.Setting{{"person", cleo, "birth", "2019-12-31", nil}}, want: "Cleo v1: birth"},
		"a number":                {effect: "set", sets: []effect.Setting{{"person", ana, "national_id", "x-2", nil}}, want: "Ana v1: identifiers identifiers", risky: true},
		"a phone":                 {effect: "set", sets: []effect.Setting{{"person", ana, "phone", "+2", nil}}, want: "Ana v1: contacts contacts"},
		"her husband's work":      {effect: "set", sets: []effect.Setting{{"person", ben, "work", "none", nil}}, want: "Ben v1: fields.work", affected: []db.ID{ben}},
		"rooms":                   {effect: "set", sets: []effect.Setting{{"household", home, "rooms", 3.0, nil}}, want: "H-HOME v1: fields.rooms"},
		"rooms as they are":       {effect: "set", sets: []effect.Setting{{"household", home, "rooms", 2.0, nil}}, err: "blocked.nothing"},
		"somebody who is not":     {effect: "set", sets: []effect.Setting{{"person", id(77), "work", "none", nil}}, err: "blocked.no_record"},
		"confirmed as it is":      {effect: "confirm", want: "H-HOME v1: ; Ana v1: "},
		"two of one":              {effect: "duplicate", answers: registry.Values{"keep": "P-ANA", "drop": "P-DANA"}, want: "Dana v1: status memberships"},
		"one of one":              {effect: "duplicate", answers: registry.Values{"keep": "P-ANA", "drop": "P-ANA"}, err: "page-drop"},
		"alive who is alive":      {effect: "alive", answers: registry.Values{"who": "P-ANA"}, err: "blocked.not_ended"},
	} {
		out, err := run(c.effect, c.answers, c.sets...)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := told(t, out); got != c.want || !slices.Equal(out.Affected, c.affected) || !slices.Equal(out.Needed, c.needed) || out.Risky != c.risky {
			t.Errorf("%s:\n got %s, affected %v, needed %v, risky %t\nwant %s, affected %v, needed %v, risky %t", name, got, out.Affected, out.Needed, out.Risky, c.want, c.affected, c.needed, c.risky)
		}
	}
}

// What differs comes from what was said; everything else keeps its source.
func TestSources(t *testing.T) {
	t.Parallel()
	out, err := run("set", nil, effect.Setting{Kind: "person", Subject: ana, Name: "full_name", Value: "Anna"})
	if err != nil {
		t.Fatal(err)
	}
	p := out.Items[0].Data.(registry.PersonData)
	if p.Provenance["full_name"] != said || p.Provenance["*"] != old || len(p.Provenance) != 2 {
		t.Errorf("%v", p.Provenance)
	}
}

// The records that an effect was given are never changed by it.
func TestEffectsLeaveTheSceneAlone(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]registry.Values{
		"separate": {"safe": "no", "children": []any{"P-CLEO"}}, "death": {"who": "P-ANA", "day": "2026-03-01"}, "payee": {"who": "P-BEN"}, "hide": {"hide": []any{"contacts", "address"}},
	} {
		in := input(answers)
		before := fmt.Sprintf("%+v", in.Scene)
		if _, err := effect.Run(name, in); err != nil {
			t.Fatal(name, err)
		}
		if after := fmt.Sprintf("%+v", in.Scene); after != before {
			t.Errorf("%s changed what it looked at", name)
		}
	}
}

// Undo is the inverse: whatever an effect did, taking it back gives the values of
// before; where the record moved on, it stops.
func TestUndo(t *testing.T) {
	t.Parallel()
	for _, change := range []effect.Setting{
		{Kind: "person", Subject: ana, Name: "full_name", Value: "Anna"}, {Kind: "person", Subject: ana, Name: "phone", Value: "+2"},
		{Kind: "person", Subject: ana, Name: "birth", Value: "1991-01-01"}, {Kind: "household", Subject: home, Name: "rooms", Value: 3.0}, {Kind: "household", Subject: home, Name: "walls", Value: "mud"},
	} {
		out, err := run("set", nil, change)
		if err != nil {
			t.Fatal(err)
		}
		it := out.Items[0]
		after, _ := history.Of(it.Data)
		in := input(nil)
		u := effect.Undone{Kind: it.Kind, Subject: it.Subject, After: after}
		if it.Kind == registry.KindPerson {
			u.Before, _ = history.Of(in.People[it.Subject].PersonData)
			in.People[it.Subject] = effect.Person{PersonData: it.Data.(registry.PersonData), Version: 2}
		} else {
			u.Before, _ = history.Of(in.Homes[it.Subject].HouseholdData)
			in.Homes[it.Subject] = effect.Home{HouseholdData: it.Data.(registry.HouseholdData), Version: 2}
		}
		in.Undo = []effect.Undone{u}
		back, err := effect.Run("undo", in)
		if err != nil {
			t.Fatal(change.Name, err)
		}
		now, _ := history.Of(back.Items[0].Data)
		if left := history.Diff(u.Before, now); len(left) != 0 || back.Items[0].BaseVersion != 2 {
			t.Errorf("%s: %+v is left", change.Name, left)
		}
	}
	in := input(nil)
	before, _ := history.Of(in.People[ana].PersonData)
	later := in.People[ana]
	later.FullName = "Anna Maria"
	after := in.People[ana].PersonData
	after.FullName = "Anna"
	state, _ := history.Of(after)
	in.People[ana] = later
	in.Undo = []effect.Undone{{Kind: "person", Subject: ana, Before: before, After: state}}
	if _, err := effect.Run("undo", in); !fault.Is(err, fault.Conflict) {
		t.Error("a name that changed again: ", err)
	}
}

// Project shows rules the households as they would be.
func TestProject(t *testing.T) {
	t.Parallel()
	out, err := run("separate", registry.Values{"safe": "yes", "children": []any{"P-CLEO"}})
	if err != nil {
		t.Fatal(err)
	}
	homes := effect.Project(scene(), out.Items)
	names := func(home db.ID) (list []string) {
		for _, m := range homes[home].Members {
			list = append(list, m.FullName+" "+m.Relationship)
		}
		return list
	}
	made := out.Items[0].Subject
	if got := names(made); !slices.Equal(got, []string{"Ana head", "Cleo child"}) {
		t.Errorf("the new one: %v", got)
	}
	if got := names(home); !slices.Equal(got, []string{"Ben spouse"}) {
		t.Errorf("the old one: %v", got)
	}
}

// R5: whoever lives in a protected household takes the protection along to a new
// one, also when they are safe.
func TestProtectionGoesAlong(t *testing.T) {
	t.Parallel()
	for _, protected := range []bool{true, false} {
		for name, answers := range map[string]registry.Values{
			"move":     {"whole": "some", "who": []any{"P-ANA", "P-CLEO"}, "to": "own", "area": "A2"},
			"separate": {"safe": "yes", "children": []any{"P-CLEO"}, "area": "A2"},
		} {
			in := input(answers)
			h := in.Homes[home]
			h.Protected = protected
			in.Homes[home] = h
			out, err := effect.Run(name, in)
			if err != nil {
				t.Fatal(name, err)
			}
			i := slices.IndexFunc(out.Items, func(it registry.Item) bool { return it.Kind == registry.KindHousehold && it.BaseVersion == 0 })
			if got := out.Items[i].Data.(registry.HouseholdData).Protected; got != protected {
				t.Errorf("%s out of a household with protection %t: the new one has %t", name, protected, got)
			}
		}
	}
}

// The rows of a roster as people told them: what was not asked of a row stays in it,
// a new one has what was told, and without any there is no value.
func TestRowsKeepWhatWasNotAsked(t *testing.T) {
	t.Parallel()
	me, home := db.ID{1}, db.ID{2}
	row := func(id string, values ...any) map[string]any {
		r := map[string]any{"id": id}
		for i := 0; i < len(values); i += 2 {
			r[values[i].(string)] = values[i+1]
		}
		return r
	}
	in := func(value any) effect.In {
		return effect.In{Scene: effect.Scene{Today: "2026-03-02", Me: me,
			People: map[db.ID]effect.Person{me: {Version: 1, PersonData: registry.PersonData{Memberships: []registry.MembershipData{{HouseholdID: home, Relationship: "head"}}}}},
			Homes:  map[db.ID]effect.Home{home: {Version: 1, HouseholdData: registry.HouseholdData{Fields: registry.Values{"plots": []any{row("a", "crop", "maize", "deed", "77"), row("b", "ha", 2.0)}}}}}},
			Sets: []effect.Setting{{Kind: "household", Subject: home, Name: "plots", Value: value, Columns: []string{"crop", "ha"}}}}
	}
	for name, c := range map[string]struct{ said, want any }{
		"changed, added, removed": {[]any{row("a", "ha", 1.5), row("c", "crop", "rice", "deed", "mine")}, []any{row("a", "ha", 1.5, "deed", "77"), row("c", "crop", "rice")}},
		"none is left":            {[]any{}, nil},
	} {
		out, err := effect.Run("set", in(c.said))
		if err != nil {
			t.Fatal(name, err)
		}
		if got := out.Items[0].Data.(registry.HouseholdData).Fields["plots"]; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if _, err := effect.Run("set", in([]any{row("a", "crop", "maize"), row("b", "ha", 2.0)})); err == nil {
		t.Error("as it was, and it is a change")
	}
}
