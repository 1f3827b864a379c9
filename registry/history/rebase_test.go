package history_test

import (
	"encoding/json"
	"testing"

	"daftar/registry/history"
)

// A proposal from an older state says the same of the newer one: what others changed
// since stays, and what both changed is somebody's to decide.
func TestRebase(t *testing.T) {
	t.Parallel()
	read := func(s string) (out history.State) {
		if err := json.Unmarshal([]byte(s), &out); err != nil {
			t.Fatal(s, err)
		}
		return out
	}
	for name, c := range map[string]struct{ old, said, now, want string }{
		"another value":    {`{"a":1,"b":1}`, `{"a":2,"b":1}`, `{"a":1,"b":3}`, `{"a":2,"b":3}`},
		"the same value":   {`{"a":1}`, `{"a":2}`, `{"a":3}`, ``},
		"already so":       {`{"a":1,"b":1}`, `{"a":2,"b":2}`, `{"a":2,"b":1}`, `{"a":2,"b":2}`},
		"taken out":        {`{"a":1,"b":1}`, `{"b":1}`, `{"a":1,"b":2}`, `{"b":2}`},
		"a field":          {`{"fields":{"x":1,"y":1}}`, `{"fields":{"x":2,"y":1}}`, `{"fields":{"x":1,"y":5}}`, `{"fields":{"x":2,"y":5}}`},
		"the same field":   {`{"fields":{"x":1}}`, `{"fields":{"x":2}}`, `{"fields":{}}`, ``},
		"a first field":    {`{"a":1}`, `{"a":1,"fields":{"x":2}}`, `{"a":2}`, `{"a":2,"fields":{"x":2}}`},
		"two of a list":    {`{"memberships":[{"id":"1"}]}`, `{"memberships":[{"id":"1","end_date":"d"}]}`, `{"memberships":[{"id":"1"},{"id":"2"}]}`, `{"memberships":[{"end_date":"d","id":"1"},{"id":"2"}]}`},
		"one of a list":    {`{"memberships":[{"id":"1"}]}`, `{"memberships":[{"id":"1","end_date":"d"}]}`, `{"memberships":[{"id":"1","end_date":"e"}]}`, ``},
		"a new number":     {`{}`, `{"identifiers":[{"type":"t","value":"1"}]}`, `{"identifiers":[{"type":"t","value":"2"}]}`, `{"identifiers":[{"type":"t","value":"2"},{"type":"t","value":"1"}]}`},
		"a contact less":   {`{"contacts":[{"kind":"phone","value":"1"}]}`, `{}`, `{"contacts":[{"kind":"phone","value":"1"},{"kind":"phone","value":"2"}]}`, `{"contacts":[{"kind":"phone","value":"2"}]}`},
		"half of a birth":  {`{"birth_from":"a","birth_to":"a"}`, `{"birth_from":"b","birth_to":"b"}`, `{"birth_from":"a","birth_to":"c"}`, ``},
		"where it is from": {`{"a":1,"provenance":{"*":"o"}}`, `{"a":2,"provenance":{"*":"o","a":"p"}}`, `{"a":1,"b":2,"provenance":{"*":"n"}}`, `{"a":2,"b":2,"provenance":{"*":"n"}}`},
	} {
		got, overlap := history.Rebase(read(c.old), read(c.said), read(c.now))
		if (c.want == "") != (len(overlap) > 0) || (c.want == "") != (got == nil) {
			t.Errorf("%s: %d overlap", name, len(overlap))
			continue
		}
		if c.want == "" {
			continue
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(read(c.want))
		if string(a) != string(b) {
			t.Errorf("%s: %s, not %s", name, a, b)
		}
	}
}
