package history

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Change is one value that differs between two versions. What is the value's
// name: that of the provenance, "fields.<code>", or the name of a list of which
// one entry differs.
type Change struct {
	What     string
	Old, New State // the keys that belong to the value; nil where there was or is nothing
}

// parts are the values that have more than one key.
var parts = map[string][]string{
	"birth":  {"birth_from", "birth_to"},
	"status": {"status", "status_reason", "status_date", "merged_into"},
}

// entries are the lists, and the keys that tell their entries apart.
var entries = map[string][]string{
	"memberships": {"id"}, "relations": {"id"}, "members": {"id"}, "identifiers": {"type", "value", "issuer"}, "contacts": {"kind", "value"},
}

// order is the order in which changes are told; field values come between.
var order = []string{"full_name", "full_name_latin", "family_name", "given_name", "other_names", "name", "name_latin", "type", "sex", "birth", "status",
	"area_id", "directions", "protected", "beneficiary", "fields", "memberships", "relations", "members", "identifiers", "contacts", "tags"}

// Diff is what differs between two states of a record; old is nil for a new
// one. Where values come from is no difference.
func Diff(old, now State) []Change {
	var list []Change
	seen := map[string]bool{"provenance": true, "ref": true}
	for _, keys := range parts {
		for _, key := range keys {
			seen[key] = true
		}
	}
	for what, keys := range parts {
		if a, b := pick(old, keys), pick(now, keys); !same(a, b) {
			list = append(list, Change{What: what, Old: a, New: b})
		}
	}
	for what, keys := range entries {
		seen[what] = true
		list = append(list, diffList(what, keys, old[what], now[what])...)
	}
	seen["fields"] = true
	was, is := object(old["fields"]), object(now["fields"])
	for _, code := range union(was, is) {
		if a, b := pick(was, []string{code}), pick(is, []string{code}); !same(a, b) {
			list = append(list, Change{What: fieldPrefix + code, Old: a, New: b})
		}
	}
	for _, key := range union(old, now) {
		if a, b := pick(old, []string{key}), pick(now, []string{key}); !seen[key] && !same(a, b) {
			list = append(list, Change{What: key, Old: a, New: b})
		}
	}
	rank := func(c Change) int {
		what, _, _ := strings.Cut(c.What, ".")
		return slices.Index(order, what)
	}
	slices.SortStableFunc(list, func(a, b Change) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.What, b.What)) })
	return list
}

func diffList(what string, keys []string, old, now json.RawMessage) []Change {
	was, wasOrder := keyed(keys, old)
	is, isOrder := keyed(keys, now)
	var list []Change
	for _, id := range wasOrder {
		if !same(was[id], is[id]) {
			list = append(list, Change{What: what, Old: was[id], New: is[id]})
		}
	}
	for _, id := range isOrder {
		if was[id] == nil {
			list = append(list, Change{What: what, New: is[id]})
		}
	}
	return list
}

func keyed(keys []string, raw json.RawMessage) (map[string]State, []string) {
	var list []State
	_ = json.Unmarshal(raw, &list) // nothing, for nothing
	byID, ids := map[string]State{}, []string{}
	for _, e := range list {
		delete(e, "provenance")
		id := ""
		for _, key := range keys {
			id += string(e[key]) + " "
		}
		byID[id], ids = e, append(ids, id)
	}
	return byID, ids
}

func object(raw json.RawMessage) State {
	var s State
	_ = json.Unmarshal(raw, &s)
	return s
}

func pick(s State, keys []string) State {
	var out State
	for _, key := range keys {
		if raw, ok := s[key]; ok {
			if out == nil {
				out = State{}
			}
			out[key] = raw
		}
	}
	return out
}

func union(a, b State) []string {
	var keys []string
	for key := range a {
		keys = append(keys, key)
	}
	for key := range b {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func same(a, b State) bool {
	if len(a) != len(b) {
		return false
	}
	for key, raw := range a {
		if !bytes.Equal(raw, b[key]) && !reflect.DeepEqual(a.Value(key), b.Value(key)) {
			return false
		}
	}
	return true
}

// Text is a text value of the state; "" for none.
func (s State) Text(key string) string { return text(s[key]) }

// Without is the state without a key.
func (s State) Without(key string) State {
	next := maps.Clone(s)
	delete(next, key)
	return next
}

// Value is any value of the state.
func (s State) Value(key string) (v any) {
	_ = json.Unmarshal(s[key], &v)
	return v
}

// Of makes a state of data that was not stored yet.
func Of(data any) (State, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	var s State
	return s, json.Unmarshal(raw, &s)
}

// Names are the names, in the provenance, of the values that differ.
func Names(changes []Change) []string {
	var names []string
	for _, c := range changes {
		names = append(names, provenanceName(c.What))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
