package effect_test

import (
	"slices"
	"strings"
	"testing"

	"daftar/db"
	"daftar/registry"
	"daftar/registry/cases/effect"
)

// family is the scene with both parents as caregivers of Cleo, and Gran, who lives
// with them.
func family(answers registry.Values) effect.In {
	in := input(answers)
	b := in.People[ben]
	b.Memberships = slices.Clone(b.Memberships)
	b.Memberships[0].Roles = append(slices.Clone(b.Memberships[0].Roles), registry.RoleData{Role: "caregiver", Of: &cleo, StartDate: "2020-01-01"})
	in.People[ben] = b
	in.People[gran] = effect.Person{Version: 1, PersonData: registry.PersonData{Ref: "P-GRAN", FullName: "Gran", BirthFrom: "1950-01-01", BirthTo: "1950-01-01",
		Memberships: []registry.MembershipData{{ID: id(15), HouseholdID: home, Relationship: "parent", StartDate: "2020-01-01"}}}}
	return in
}

var gran = id(5)

// after is who is in a role after an effect, by name.
func after(t *testing.T, name string, in effect.In, role string) string {
	t.Helper()
	out, err := effect.Run(name, in)
	if err != nil {
		return err.Error()
	}
	var list []string
	for who, p := range in.People {
		data := p.PersonData
		for _, it := range out.Items {
			if d, ok := it.Data.(registry.PersonData); ok && it.Subject == who {
				data = d
			}
		}
		for _, m := range data.Memberships {
			for _, r := range m.Roles {
				if r.Role == role && r.EndDate == "" && m.EndDate == "" && (r.Of == nil || *r.Of == cleo) {
					list = append(list, data.FullName)
				}
			}
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// Who cares for a child, and who is paid, after somebody is no longer there
// (RULES R15 to R17).
func TestDutiesPassOn(t *testing.T) {
	t.Parallel()
	alone := func(in effect.In) effect.In { // Ben is neither caregiver nor the alternative
		b := in.People[ben]
		b.Memberships = []registry.MembershipData{{ID: id(12), HouseholdID: home, Relationship: "spouse", StartDate: "2020-01-01"}}
		in.People[ben] = b
		return in
	}
	father := func(in effect.In) effect.In {
		c := in.People[cleo]
		c.Relations = []registry.RelationData{{ID: id(33), Type: "child", PersonID: ben}}
		in.People[cleo] = c
		return in
	}
	for name, c := range map[string]struct {
		effect      string
		in          effect.In
		cares, paid string
	}{
		"separated: the child has one caregiver":      {"separate", family(registry.Values{"safe": "yes", "children": []any{"P-CLEO"}}), "Ana", "Ana Ben"},
		"separated: both go on":                       {"separate", family(registry.Values{"safe": "yes", "children": []any{"P-CLEO"}, "custody": "shared"}), "Ana Ben", "Ana Ben"},
		"not safe: his record says nothing of her":    {"separate", family(registry.Values{"safe": "no", "children": []any{"P-CLEO"}}), "Ana Ben", "Ana Ben"},
		"separated: the child stays with who cares":   {"separate", family(registry.Values{"safe": "yes"}), "Ben", "Ana Ben"},
		"separated: the child stays with the father":  {"separate", father(alone(family(registry.Values{"safe": "yes"}))), "Ben", "Ana"},
		"separated: somebody named cares and is paid": {"separate", alone(family(registry.Values{"safe": "yes", "carer": "P-GRAN", "payee": "P-GRAN"})), "Gran", "Ana Gran"},
		"she dies, the father is no parent on record": {"death", alone(family(registry.Values{"who": "P-ANA"})), "", ""},
		"she dies, the father is known":               {"death", father(alone(family(registry.Values{"who": "P-ANA"}))), "Ben", ""},
		"she dies, his mother is named":               {"death", alone(family(registry.Values{"who": "P-ANA", "carer": "P-GRAN", "payee": "P-BEN"})), "Gran", "Ben"},
		"she dies, the alternative":                   {"death", family(registry.Values{"who": "P-ANA"}), "Ben", "Ben"},
		"she dies, another than the alternative":      {"death", family(registry.Values{"who": "P-ANA", "payee": "P-GRAN"}), "Ben", "Gran"},
		"she dies, a child is named":                  {"death", family(registry.Values{"who": "P-ANA", "payee": "P-CLEO"}), "payee", ""},
		"she leaves the registry":                     {"leave", alone(family(registry.Values{"carer": "P-GRAN", "payee": "P-GRAN"})), "Gran", "Gran"},
		"she names herself":                           {"leave", alone(family(registry.Values{"payee": "P-ANA"})), "payee", ""},
		"she moves out":                               {"move", alone(family(registry.Values{"whole": "some", "who": []any{"P-ANA"}, "to": "own", "area": "A2", "carer": "P-GRAN"})), "Gran", ""},
		"she and the child move out":                  {"move", family(registry.Values{"whole": "some", "who": []any{"P-ANA", "P-CLEO"}, "to": "own", "area": "A2"}), "Ben", "Ben"},
	} {
		cares := after(t, c.effect, c.in, registry.RoleCaregiver)
		if strings.Contains(cares, "page-") {
			if !strings.Contains(cares, "page-"+c.cares) {
				t.Errorf("%s: %s", name, cares)
			}
			continue
		}
		if paid := after(t, c.effect, c.in, registry.RolePayee); cares != c.cares || paid != c.paid {
			t.Errorf("%s: %q care, %q are paid; want %q, %q", name, cares, paid, c.cares, c.paid)
		}
	}
	out, err := effect.Run("death", family(registry.Values{"who": "P-ANA", "payee": "P-GRAN"}))
	if err != nil || !out.Risky {
		t.Error("a payee who was named takes no other official: ", err)
	}
	if out, err = effect.Run("death", family(registry.Values{"who": "P-ANA"})); err != nil || out.Risky {
		t.Error("the alternative takes another official: ", err)
	}
}

// Whoever receives the payments of a household from outside and is no longer
// there: its head is told, though only sixteen (RULES R15).
func TestPayeeFromOutsideLeaves(t *testing.T) {
	t.Parallel()
	kid := id(6)
	in := input(nil)
	a := in.People[ana]
	a.Memberships = append(slices.Clone(a.Memberships), registry.MembershipData{ID: id(16), HouseholdID: other, Tie: "other", Relationship: "non_relative",
		StartDate: "2020-01-01", Roles: []registry.RoleData{{Role: "payee", StartDate: "2020-01-01"}}})
	in.People[ana] = a
	delete(in.People, across)
	in.People[kid] = effect.Person{Version: 1, PersonData: registry.PersonData{Ref: "P-KID", FullName: "Kid", BirthFrom: "2010-01-01", BirthTo: "2010-01-01",
		Memberships: []registry.MembershipData{{ID: id(17), HouseholdID: other, Relationship: "head", StartDate: "2020-01-01"}}}}
	out, err := effect.Run("leave", in)
	if err != nil || !slices.Equal(out.Affected, []db.ID{ben, kid}) {
		t.Errorf("told: %v, %v", out.Affected, err)
	}
	if out, err = effect.Run("move", effect.In{Scene: in.Scene, Allot: in.Allot, Said: said, Reason: "moved", Nature: registry.Event,
		Answers: registry.Values{"whole": "some", "who": []any{"P-ANA"}, "to": "own", "area": "A2"}}); err != nil || slices.Contains(out.Affected, kid) {
		t.Errorf("she moves and is still the payee there; told: %v, %v", out.Affected, err)
	}
}

// Nobody is asked for herself: marrying oneself, leaving with oneself as a child.
// The head of a household stays it when they marry.
func TestNobodyIsTheirOwn(t *testing.T) {
	t.Parallel()
	relationship := func(answers registry.Values, me, of db.ID) string {
		in := input(answers)
		in.Me = me
		out, err := effect.Run("marry", in)
		if err != nil {
			return err.Error()
		}
		p := in.People[of].PersonData
		for _, it := range out.Items {
			if d, ok := it.Data.(registry.PersonData); ok && it.Subject == of {
				p = d
			}
		}
		m, _ := p.Residence("2026-03-02")
		return m.Relationship
	}
	for name, c := range map[string]struct {
		answers registry.Values
		me, of  db.ID
		want    string
	}{
		"herself":                      {registry.Values{"partner": "lives_here", "partner_here": "P-ANA"}, ana, ana, "page-partner_here"},
		"herself by her reference":     {registry.Values{"partner": "registered", "partner_ref": "P-ANA", "live": "here"}, ana, ana, "page-partner_ref"},
		"the head marries":             {registry.Values{"partner": "lives_here", "partner_here": "P-BEN"}, ana, ana, "head"},
		"somebody marries the head":    {registry.Values{"partner": "lives_here", "partner_here": "P-ANA"}, ben, ana, "head"},
		"by reference, the same house": {registry.Values{"partner": "registered", "partner_ref": "P-BEN", "live": "there"}, ana, ana, "head"},
	} {
		if got := relationship(c.answers, c.me, c.of); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	in := input(registry.Values{"children": []any{"P-CLEO"}})
	in.Me = cleo
	if _, err := effect.Run("leave", in); err != nil {
		t.Error("a child of herself: ", err)
	}
}

// A death is recorded by the best of what was shown.
func TestHowADeathIsKnown(t *testing.T) {
	t.Parallel()
	for want, proof := range map[string][]string{
		"witnesses": {"witness", "message"}, "burial_permit": {"witness", "burial_permit"}, "certificate": {"burial_permit", "death_certificate"},
	} {
		in := input(registry.Values{"who": "P-BEN", "day": "2026-03-01"})
		in.Proof = proof
		out, err := effect.Run("death", in)
		if err != nil || out.Items[0].Data.(registry.PersonData).StatusReason != want {
			t.Errorf("%v: %v, want %s", proof, err, want)
		}
	}
}

// R5: whoever lives where nothing is told of does not become known by moving in
// with others.
func TestProtectionGoesAlongToOthers(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]registry.Values{
		"move":  {"whole": "some", "who": []any{"P-ANA"}, "to": "known", "to_ref": "H-OTHER"},
		"marry": {"partner": "registered", "partner_ref": "P-DANA", "live": "there"},
	} {
		in := input(answers)
		h := in.Homes[home]
		h.Protected = true
		in.Homes[home] = h
		out, err := effect.Run(name, in)
		if err != nil {
			t.Fatal(name, err)
		}
		i := slices.IndexFunc(out.Items, func(it registry.Item) bool { return it.Subject == other })
		if i < 0 || !out.Items[i].Data.(registry.HouseholdData).Protected {
			t.Errorf("%s: where she is now is told", name)
		}
	}
}
