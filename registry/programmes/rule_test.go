package programmes_test

import (
	"strings"
	"testing"

	"daftar/registry"
	"daftar/registry/programmes"
)

func max(f float64) *float64 { return &f }

var fields = registry.Fields{
	{Subject: "household", Code: "roof", Type: registry.TypeChoice, Options: registry.Options{{Code: "1"}, {Code: "7"}}},
	{Subject: "household", Code: "electricity", Type: registry.TypeYesNo},
	{Subject: "household", Code: "rooms", Type: registry.TypeNumber},
	{Subject: "person", Code: "disability", Type: registry.TypeYesNo},
}

var childGrant = programmes.Rule{
	Criteria: []programmes.Criterion{
		{Code: "child", When: `members.exists(m, m.under(6))`},
		{Code: "means", MaxScore: max(10)},
	},
	Score: []programmes.ScoreItem{
		{Field: "roof", Points: map[string]float64{"1": 8, "7": 1}},
		{Field: "electricity", Points: map[string]float64{"yes": 5, "no": 0}},
		{Field: "size", Bands: []programmes.Band{{Max: max(3), Points: 4}, {Points: 0}}},
	},
}

func TestDecide(t *testing.T) {
	t.Parallel()
	child := programmes.MemberInput{Youngest: 3, Oldest: 3}
	adult := programmes.MemberInput{Youngest: 30, Oldest: 30}
	perhaps := programmes.MemberInput{Youngest: 4, Oldest: 8}
	ageless := programmes.MemberInput{Youngest: -1, Oldest: -1}
	poor := registry.Values{"roof": "7", "electricity": "no"}
	rich := registry.Values{"roof": "1", "electricity": "yes"}
	for name, c := range map[string]struct {
		members []programmes.MemberInput
		values  registry.Values
		want    programmes.Outcome
		each    string
	}{
		"poor with a child":            {[]programmes.MemberInput{adult, child}, poor, programmes.Met, "met met"},
		"rich with a child":            {[]programmes.MemberInput{adult, child}, rich, programmes.NotMet, "met not_met"},
		"poor without":                 {[]programmes.MemberInput{adult}, poor, programmes.NotMet, "not_met met"},
		"age range straddles":          {[]programmes.MemberInput{adult, perhaps}, poor, programmes.Unknown, "unknown met"},
		"age unknown":                  {[]programmes.MemberInput{adult, ageless}, poor, programmes.Unknown, "unknown met"},
		"unknown age and a sure child": {[]programmes.MemberInput{ageless, child}, poor, programmes.Met, "met met"},
		"roof unknown, undecidable":    {[]programmes.MemberInput{child}, registry.Values{"electricity": "no"}, programmes.Unknown, "met unknown"},
		"electricity unknown, decided": {[]programmes.MemberInput{child}, registry.Values{"roof": "7", "electricity": "unknown"}, programmes.Met, "met met"},
		"nothing known":                {[]programmes.MemberInput{ageless}, nil, programmes.Unknown, "unknown unknown"},
		"a sure no beats an unknown":   {[]programmes.MemberInput{adult}, nil, programmes.NotMet, "not_met unknown"},
	} {
		rule, err := programmes.Compile(childGrant, fields)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rule.Decide(programmes.Inputs{Household: c.values, Size: len(c.members), Members: c.members})
		if err != nil {
			t.Fatal(name, err)
		}
		var each []string
		for _, r := range got.Criteria {
			each = append(each, string(r.Outcome))
		}
		if got.Outcome != c.want || strings.Join(each, " ") != c.each {
			t.Errorf("%s: %s (%s), want %s (%s)", name, got.Outcome, strings.Join(each, " "), c.want, c.each)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]programmes.Rule{
		"no criteria":      {},
		"misspelt field":   {Criteria: []programmes.Criterion{{Code: "x", When: `household.rooff == "1"`}}},
		"misspelt member":  {Criteria: []programmes.Criterion{{Code: "x", When: `members.exists(m, m.disabled == "yes")`}}},
		"a number":         {Criteria: []programmes.Criterion{{Code: "x", When: `1 + 1`}}},
		"neither":          {Criteria: []programmes.Criterion{{Code: "x"}}},
		"both":             {Criteria: []programmes.Criterion{{Code: "x", When: "true", MaxScore: max(1)}}},
		"too long":         {Criteria: []programmes.Criterion{{Code: "x", When: strings.Repeat("true || ", 400) + "true"}}},
		"unknown option":   {Criteria: []programmes.Criterion{{Code: "x", MaxScore: max(1)}}, Score: []programmes.ScoreItem{{Field: "roof", Points: map[string]float64{"99": 1}}}},
		"closed last band": {Criteria: []programmes.Criterion{{Code: "x", MaxScore: max(1)}}, Score: []programmes.ScoreItem{{Field: "rooms", Bands: []programmes.Band{{Max: max(3)}}}}},
		"score of nothing": {Criteria: []programmes.Criterion{{Code: "x", MaxScore: max(1)}}, Score: []programmes.ScoreItem{{Field: "roof"}}},
	} {
		if _, err := programmes.Compile(rule, fields); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
