package ui

import (
	"slices"
	"testing"
)

func TestRuns(t *testing.T) {
	for text, want := range map[string][]run{
		"الهاتف المجاني 800 100، من 8 إلى 16": {{text: "الهاتف المجاني "}, {"800 100", true}, {text: "، من 8 إلى 16"}},
		"+254 700-100": {{}, {"+254 700-100", true}, {}},
		"Call us":      {{text: "Call us"}},
		"":             {{}},
	} {
		if got := runs(text); !slices.Equal(got, want) {
			t.Errorf("%q: %v", text, got)
		}
	}
}
