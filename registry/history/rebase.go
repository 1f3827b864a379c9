package history

import (
	"encoding/json"
	"slices"
	"strings"
)

// Rebase makes of a proposal from an old state the same proposal from the state as
// it is now. What both changed, in different ways, is returned, and nothing else.
func Rebase(old, proposed, now State) (next State, overlap []Change) {
	next = State{}
	for key, raw := range now {
		next[key] = raw
	}
	fields := object(now["fields"])
	if fields == nil {
		fields = State{}
	}
	for _, c := range Diff(old, proposed) {
		code, isField := strings.CutPrefix(c.What, fieldPrefix)
		keys, isEntry := entries[c.What]
		var is State // the value as it is now
		switch {
		case isField:
			is = pick(fields, []string{code})
		case isEntry:
			is = entry(now[c.What], keys, c.id(keys))
		default:
			is = pick(now, c.keys())
		}
		switch {
		case same(is, c.New):
		case !same(is, c.Old):
			overlap = append(overlap, c)
		case isField:
			put(fields, []string{code}, c.New)
		case isEntry:
			next[c.What] = putEntry(next[c.What], proposed[c.What], keys, c.id(keys))
		default:
			put(next, c.keys(), c.New)
		}
	}
	if len(overlap) > 0 {
		return nil, overlap
	}
	if len(fields) > 0 || now["fields"] != nil {
		next["fields"], _ = json.Marshal(fields)
	}
	return next, nil
}

// keys are those that a value of the record itself has.
func (c Change) keys() []string {
	if keys, ok := parts[c.What]; ok {
		return keys
	}
	return []string{c.What}
}

// id tells an entry of a list apart.
func (c Change) id(keys []string) string {
	if c.New != nil {
		return idOf(c.New, keys)
	}
	return idOf(c.Old, keys)
}

func idOf(e State, keys []string) (id string) {
	for _, key := range keys {
		id += string(e[key]) + " "
	}
	return id
}

func entry(raw json.RawMessage, keys []string, id string) State {
	all, _ := keyed(keys, raw)
	return all[id]
}

func put(s State, keys []string, value State) {
	for _, key := range keys {
		if raw, ok := value[key]; ok {
			s[key] = raw
		} else {
			delete(s, key)
		}
	}
}

// putEntry puts an entry into a list as another list has it: changed, added, or
// taken out.
func putEntry(into, from json.RawMessage, keys []string, id string) json.RawMessage {
	var list, said []State
	_ = json.Unmarshal(into, &list) // nothing, for nothing
	_ = json.Unmarshal(from, &said)
	is := func(e State) bool { return idOf(e, keys) == id }
	at, of := slices.IndexFunc(list, is), slices.IndexFunc(said, is)
	switch {
	case at >= 0 && of >= 0:
		list[at] = said[of]
	case at >= 0:
		list = slices.Delete(list, at, at+1)
	case of >= 0:
		list = append(list, said[of])
	}
	out, _ := json.Marshal(list)
	return out
}
