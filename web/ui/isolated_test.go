package ui

import "testing"

func TestIsolated(t *testing.T) {
	for text, want := range map[string]string{
		"الهاتف المجاني 800 100، من 8 إلى 16": "الهاتف المجاني \u2066800 100\u2069، من 8 إلى 16",
		"+254 700-100": "\u2066+254 700-100\u2069",
		"Call us":      "Call us",
		"":             "",
	} {
		if got := isolated(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
