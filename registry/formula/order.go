package formula

import (
	"slices"

	"daftar/registry"
)

// before are the calculated fields that a formula is made of: of the same record,
// and of a household's people.
func before(f registry.Field, fields registry.Fields) registry.Fields {
	return slices.DeleteFunc(From(f, fields), func(in registry.Field) bool { return in.Type != registry.TypeCalculated })
}

// ordered are the fields with a formula, each after those that it is made of. Of a
// circle, which Circle keeps from being published, nothing follows.
func ordered(fields registry.Fields) registry.Fields {
	var out registry.Fields
	state := map[registry.FieldKey]bool{} // false: on its way
	var place func(registry.Field)
	place = func(f registry.Field) {
		if _, seen := state[f.Key()]; seen {
			return
		}
		state[f.Key()] = false
		for _, in := range before(f, fields) {
			place(in)
		}
		state[f.Key()] = true
		out = append(out, f)
	}
	for _, f := range fields {
		if f.Formula != "" {
			place(f)
		}
	}
	return out
}

// Circle is the way from f back to itself, where its formula rests on itself: f
// first. It is nil where there is none.
func Circle(f registry.Field, fields registry.Fields) registry.Fields {
	fields = append(without(fields, f), f)
	seen := map[registry.FieldKey]bool{}
	var walk func(registry.Field, registry.Fields) registry.Fields
	walk = func(of registry.Field, way registry.Fields) registry.Fields {
		way = append(way[:len(way):len(way)], of)
		for _, in := range before(of, fields) {
			if in.Key() == f.Key() {
				return way
			}
			if seen[in.Key()] {
				continue
			}
			seen[in.Key()] = true
			if found := walk(in, way); found != nil {
				return found
			}
		}
		return nil
	}
	return walk(f, nil)
}

// without is the definitions but one.
func without(fields registry.Fields, f registry.Field) registry.Fields {
	return slices.DeleteFunc(slices.Clone(fields), func(o registry.Field) bool { return o.Key() == f.Key() })
}
