package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"daftar/db"
	"daftar/registry"
)

// Item is one thing that differs.
type Item struct {
	Kind   string          `db:"kind"`
	Key    string          `db:"key"`
	Base   int             `db:"base"`   // its version; 0: there is none yet
	Before json.RawMessage `db:"before"` // nil for a new thing
	Value  json.RawMessage `db:"value"`
}

// Diff is what differs between two states, in the order of the file.
func Diff(old, next *State) []Item {
	before := map[thing]json.RawMessage{}
	for _, n := range old.all() {
		before[n.thing] = n.value
	}
	var items []Item
	for _, n := range next.all() {
		was, known := before[n.thing]
		if known && bytes.Equal(was, n.value) {
			continue
		}
		items = append(items, Item{Kind: n.Kind, Key: n.Key, Base: old.versions[n.thing], Before: was, Value: n.value})
	}
	return ordered(items)
}

// ordered puts offices behind those that they belong to, wherever they stand in
// the file.
func ordered(items []Item) []Item {
	parent := map[string]string{}
	for _, it := range items {
		if it.Kind == KindOffice {
			var o Office
			_ = json.Unmarshal(it.Value, &o) // of our own making
			parent[it.Key] = o.Parent
		}
	}
	depth := func(it Item) int {
		n := 0
		for key := it.Key; it.Kind == KindOffice && parent[key] != "" && n <= len(parent); n++ {
			key = parent[key]
		}
		return n
	}
	slices.SortStableFunc(items, func(a, b Item) int { return depth(a) - depth(b) })
	return items
}

// Drafts are the keys of the items that hold a field of which somebody has a draft:
// it gives way to what the file says.
func Drafts(tx db.Tx, items []Item) (map[string]bool, error) {
	var list []string
	err := tx.Select(&list, `select subject || '/' || roster || '/' || code from field_definition where published_at is null`)
	drafts := map[string]bool{}
	for _, it := range items {
		if it.Kind == KindField && slices.Contains(list, it.Key) {
			drafts[it.Key] = true
		}
	}
	return drafts, err
}

// Line is one value that differs within a thing. Old or New is "" where there
// was or is none.
type Line struct{ Path, Old, New string }

// longest is how much of a value a line shows, in bytes.
const longest = 200

// Lines are the values of an item that differ, by their paths in the file.
func (it Item) Lines() []Line {
	was, is := flatten(it.Before), flatten(it.Value)
	var lines []Line
	for _, l := range is {
		if (it.Kind == KindRole || it.Kind == KindAreaRole) && l.Path == "staff" {
			continue // the name says who
		}
		if old := find(was, l.Path); old != l.New {
			lines = append(lines, Line{l.Path, short(old), short(l.New)})
		}
	}
	for _, l := range was {
		if find(is, l.Path) == "" {
			lines = append(lines, Line{l.Path, short(l.New), ""})
		}
	}
	return lines
}

func find(lines []Line, path string) string {
	for _, l := range lines {
		if l.Path == path {
			return l.New
		}
	}
	return ""
}

func short(s string) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// flatten lists the values of a document with their paths, in order.
func flatten(raw json.RawMessage) []Line {
	if len(raw) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil
	}
	var lines []Line
	walk("", v, &lines)
	return lines
}

func walk(path string, v any, lines *[]Line) {
	under := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	switch v := v.(type) {
	case map[string]any:
		for _, name := range sorted(v) {
			walk(under(name), v[name], lines)
		}
	case []any:
		var plain, order []string
		for i, one := range v {
			object, ok := one.(map[string]any)
			if !ok {
				plain = append(plain, fmt.Sprint(one))
				continue
			}
			walk(under(name(object, i)), object, lines)
			order = append(order, name(object, i))
		}
		if path == "questions" { // in which they are asked
			plain = order
		}
		if len(plain) > 0 {
			*lines = append(*lines, Line{Path: path, New: strings.Join(plain, ", ")})
		}
	case nil:
	default:
		if text := fmt.Sprint(v); text != "" {
			*lines = append(*lines, Line{Path: path, New: text})
		}
	}
}

// name is what tells one entry of a list from the others.
func name(object map[string]any, i int) string {
	for _, key := range []string{"day", "code", "url"} {
		if s, ok := object[key].(string); ok {
			return s
		}
	}
	return fmt.Sprint(i + 1)
}

func sorted(m map[string]any) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Hands says how many people a change of these items takes, as the database
// will.
func Hands(items []Item) int {
	for _, it := range items {
		switch {
		case it.Kind == KindSetting && slices.Contains([]string{"languages", "branding", "logo", "tags"}, it.Key):
		case it.Kind == KindAreaKind, it.Kind == KindField:
		default:
			return 2
		}
	}
	return 1
}

// Title is the message that names an item's kind, and what it is about beyond
// that.
func (it Item) Title() (key, about string) {
	if it.Kind == KindSetting {
		return "setting." + it.Key, ""
	}
	if it.Kind == KindPasskey {
		var k Key
		_ = json.Unmarshal(it.Value, &k) // of our own making
		return "setting.kind." + it.Kind, k.Staff + ": " + k.Name
	}
	if it.Kind == KindStaff {
		var o Official
		_ = json.Unmarshal(it.Value, &o) // of our own making
		return "setting.kind." + it.Kind, o.Name
	}
	about = strings.Trim(strings.ReplaceAll(it.Key, "//", "/"), "/")
	if it.Kind == KindRole || it.Kind == KindAreaRole {
		about = about[:strings.LastIndex(about, "/")] // without the number of who gets it
	}
	return "setting.kind." + it.Kind, about
}

// Careful reports whether a group of settings takes two people.
func Careful(group string) bool {
	return slices.Contains(registry.SettingGroups(), group) && Hands([]Item{{Kind: KindSetting, Key: group}}) == 2
}
