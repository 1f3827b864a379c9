package statuslist_test

import (
	"testing"

	"daftar/issuer/statuslist"
)

// The example of section 4.1 of the draft: statuses 1001 1101 1100 0101, by
// index, packed as 0xb9 0xa3.
var example = []int{1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1}

func TestDecodeOfTheDraft(t *testing.T) {
	t.Parallel()
	l, err := statuslist.Decode("eNrbuRgAAhcBXQ")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range example {
		if l.Invalid(i) != (want == 1) {
			t.Errorf("index %d", i)
		}
	}
}

func TestEncodeRoundTrip(t *testing.T) {
	t.Parallel()
	l := statuslist.New(16)
	for i, status := range example {
		if status == 1 {
			if err := l.Invalidate(i); err != nil {
				t.Fatal(err)
			}
		}
	}
	back, err := statuslist.Decode(l.Encode())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range example {
		if back.Invalid(i) != (want == 1) {
			t.Errorf("index %d", i)
		}
	}
	for _, outside := range []int{-1, 16} {
		if l.Invalidate(outside) == nil {
			t.Errorf("index %d was accepted", outside)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("eNrbuRgAAhcBXQ")
	f.Add("")
	f.Fuzz(func(_ *testing.T, s string) { _, _ = statuslist.Decode(s) })
}
