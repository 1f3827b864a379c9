package registry_test

import (
	"crypto/rand"
	"math"
	"strings"
	"testing"

	"daftar/registry"
)

const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

var kinds = []rune{registry.RefPerson, registry.RefHousehold, registry.RefCase, registry.RefDecision, registry.RefCredential, registry.RefBatch}

func TestReferenceDetectsEveryWrongCharacter(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		ref := registry.NewRef(kind, rand.Reader)
		for i, was := range ref {
			if i == 0 || was == '-' {
				continue
			}
			for _, c := range alphabet {
				wrong := ref[:i] + string(c) + ref[i+1:]
				if _, ok := registry.ParseRef(kind, wrong); ok != (c == was) {
					t.Errorf("%s read as %s: %t", ref, wrong, ok)
				}
			}
		}
	}
}

func TestReferenceDetectsEverySwapOfNeighbours(t *testing.T) {
	t.Parallel()
	for range 200 {
		for _, kind := range kinds {
			ref := strings.ReplaceAll(registry.NewRef(kind, rand.Reader), "-", "")
			for i := range len(ref) - 1 {
				swapped := ref[:i] + string(ref[i+1]) + string(ref[i]) + ref[i+2:]
				if _, ok := registry.ParseRef(kind, swapped); ok && swapped != ref {
					t.Errorf("%s read as %s", ref, swapped)
				}
			}
		}
	}
}

// Somebody who reads out a case number where a household's is asked for hears
// that it is none, even with the right letter in front.
func TestKindsOfReferenceAreNotConfused(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		ref := registry.NewRef(kind, rand.Reader)
		for _, other := range kinds {
			if _, ok := registry.ParseRef(other, ref); ok != (other == kind) {
				t.Errorf("%s as %c: %t", ref, other, ok)
			}
			if _, ok := registry.ParseRef(other, string(other)+ref[1:]); ok != (other == kind) {
				t.Errorf("%s with the letter %c: %t", ref, other, ok)
			}
		}
	}
}

func TestReferenceAsTyped(t *testing.T) {
	t.Parallel()
	ref := registry.NewRef(registry.RefCase, strings.NewReader(strings.Repeat("\x00\x01\x02\x03\x04\x05\x06\x07\x08", 4)))
	if ref != "C-23456-789A4" {
		t.Fatal(ref)
	}
	for _, typed := range []string{
		"C-23456-789A4", "c-23456-789a4", "C23456789A4", "  c 234 56-78 9a4 ", "C\u201123456\u2011789A4", "C–23456–789A4",
		"\u2067C-23456-789A4\u2069", "C\u00a023456\u00a0789A4", "c-٢٣٤٥٦-٧٨٩a٤", "C-２３４５６-７８９A4",
	} {
		if got, ok := registry.ParseRef(registry.RefCase, typed); !ok || got != ref {
			t.Errorf("%q: %q %t", typed, got, ok)
		}
	}
	for _, wrong := range []string{
		"", "C", "C-23456-789A", "C-23456-789A44", "H-23456-789A4", "C-23456-789A0", "C-23456-789AI", "C-23456-789A\x00",
		"C-23456-789Aé", "C_23456_789A4", strings.Repeat("C", 1000),
	} {
		if got, ok := registry.ParseRef(registry.RefCase, wrong); ok || got != "" {
			t.Errorf("%q was read as %q", wrong, got)
		}
	}
}

// Each of the 31 characters is as likely as any other, so that a code cannot be
// guessed better than by trying.
func TestRandomCodesAreEvenlyDistributed(t *testing.T) {
	t.Parallel()
	const n = 310_000
	count := map[rune]int{}
	for _, c := range registry.RandomCode(n, rand.Reader) {
		count[c]++
	}
	if len(count) != len(alphabet) {
		t.Fatalf("%d different characters", len(count))
	}
	expected := float64(n) / float64(len(alphabet))
	for _, c := range alphabet {
		if off := math.Abs(float64(count[c])-expected) / math.Sqrt(expected); off > 6 {
			t.Errorf("%c came %d times instead of %.0f", c, count[c], expected)
		}
	}
}

func TestNewReferencesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 10_000 {
		ref := registry.NewRef(registry.RefPerson, rand.Reader)
		if got, ok := registry.ParseRef(registry.RefPerson, ref); !ok || got != ref || seen[ref] {
			t.Fatal(ref, got)
		}
		seen[ref] = true
	}
}
