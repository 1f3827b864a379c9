package people

import (
	"testing"

	"daftar/fault"
	"daftar/registry"
)

// A rule that a proposal breaks is told beside the input that breaks it, on every
// form that can break it; where a form has no such input, above it.
func TestBrokenRulesAreToldBesideInputs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, part, rule, input string }{
		{registry.KindPerson, "duty", "payee_of_age", "role"}, {registry.KindPerson, "duty", "role_of", "of"},
		{registry.KindPerson, "relation", "relation_circle", "other"}, {registry.KindPerson, "relation", "relation_two", "relation"},
		{registry.KindPerson, "move", "membership_head", "old_head"}, {registry.KindPerson, "number", "identifier_pattern", "value"},
		{registry.KindGroup, "member", "group_cycle", "member"}, {registry.KindGroup, "member", "group_member_once", "member"},
	} {
		pt, err := partOf(c.kind, c.part)
		if err != nil {
			t.Fatal(c.part, err)
		}
		f := beside(fault.New(fault.Conflict, "rule."+c.rule), pt.names())
		if f.Code != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != c.input || f.Fields[0].Key != "rule."+c.rule {
			t.Errorf("%s, %s: %+v", c.part, c.rule, f)
		}
	}
	if f := beside(fault.New(fault.Conflict, "rule.record_parts"), []string{"role"}); f.Code != fault.Conflict || f.Key != "rule.record_parts" {
		t.Errorf("%+v", f)
	}
	if f := beside(fault.New(fault.Conflict, "error.stale"), []string{"role"}); f.Key != "error.stale" {
		t.Errorf("%+v", f)
	}
}
