package oauth_test

import (
	"testing"

	"daftar/oauth"
)

func TestObject(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		`{}`: true, `{"a":1,"A":2}`: true, ` {"a":{"a":1}} `: true,
		``: false, `[]`: false, `"a"`: false, `null`: false, `{"a":1,"a":2}`: false, `{"a":1}x`: false, `{"a":1}{}`: false, `{"a":1`: false,
		`{"a":}`: false, "{\"a\":\"\xff\"}": false, `{"\u0061":1,"a":2}`: false,
	} {
		if _, err := oauth.Object([]byte(in)); (err == nil) != want {
			t.Errorf("%s: %v", in, err)
		}
	}
	members, err := oauth.Object([]byte(`{"a":"x","b":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "x", "A": "", "c": ""} {
		if got, err := oauth.Text(members, name); err != nil || got != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if _, err := oauth.Text(members, "b"); err == nil {
		t.Error("a number is a text")
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[{"c":null}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		members, err := oauth.Object(b)
		if (err == nil) != (members != nil) {
			t.Error("neither members nor an error")
		}
	})
}
