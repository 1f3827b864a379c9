package history

import (
	"encoding/json"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

// At is a point in both times: what was known at a moment, about a day. Without
// a day it is the record itself as it stood at the moment.
type At struct {
	Known time.Time
	On    string // "2006-01-02", or ""
}

// Person is a person's record at a point in time; fault.NotFound when it was
// not known yet.
func Person(tx db.Tx, id db.ID, at At) (registry.PersonData, error) {
	var p registry.PersonData
	return p, load(tx, id, at, &p)
}

// Household is a household's record at a point in time.
func Household(tx db.Tx, id db.ID, at At) (registry.HouseholdData, error) {
	var h registry.HouseholdData
	return h, load(tx, id, at, &h)
}

// Group is a group's record at a point in time.
func Group(tx db.Tx, id db.ID, at At) (registry.GroupData, error) {
	var g registry.GroupData
	return g, load(tx, id, at, &g)
}

func load(tx db.Tx, id db.ID, at At, into any) error {
	versions, err := Versions(tx, id, at.Known)
	if err != nil {
		return err
	}
	if len(versions) == 0 {
		return fault.Hidden()
	}
	state, err := Replay(versions, at.On)
	if err != nil {
		return err
	}
	return state.Into(into)
}

// lasting are the keys of what is so from birth, or from when the record is:
// their first value holds for every day before it, too.
var lasting = []string{"ref", "full_name", "full_name_latin", "family_name", "given_name", "other_names", "sex", "birth_from", "birth_to", "name",
	"name_latin", "type", "formed_on"}

// StaleMonths is how long a value counts as fresh after somebody last said it.
const StaleMonths = 24

// Lasts reports whether a value, by its name in the provenance, is for life.
func Lasts(name string) bool {
	return name == "birth" || name == "status" || name == "tags" || slices.Contains(lasting, name)
}

// dated are the keys of lists whose entries have their own start and end.
var dated = []string{"memberships", "relations", "members"}

// Replay is the record after versions, as it was on a day; without a day, as
// the last version says.
func Replay(versions []Version, day string) (State, error) {
	last := versions[len(versions)-1].Data
	if day == "" {
		return last, nil
	}
	spans, err := Values(versions)
	if err != nil {
		return nil, err
	}
	next, fields := State{}, map[string]json.RawMessage{}
	for name, s := range spans {
		value, ok := s.On(day)
		if !ok || value == "" {
			continue
		}
		if code, ok := fieldCode(name); ok {
			fields[code] = json.RawMessage(value)
		} else {
			next[name] = json.RawMessage(value)
		}
	}
	if len(fields) > 0 {
		if next["fields"], err = json.Marshal(fields); err != nil {
			return nil, err
		}
	}
	next["provenance"] = last["provenance"]
	for _, key := range dated {
		if next[key], err = during(last[key], day); err != nil {
			return nil, err
		}
		if next[key] == nil {
			delete(next, key)
		}
	}
	return next, nil
}

// during keeps the entries of a list that were in force on a day.
func during(raw json.RawMessage, day string) (json.RawMessage, error) {
	var all, kept []map[string]json.RawMessage
	if raw == nil {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	for _, e := range all {
		if registry.During(text(e["start_date"]), text(e["end_date"]), day) {
			kept = append(kept, e)
		}
	}
	if kept == nil {
		return nil, nil
	}
	return json.Marshal(kept)
}

func text(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s) // nothing, for what is no text
	return s
}

const fieldPrefix = "fields."

func fieldCode(name string) (string, bool) {
	if len(name) > len(fieldPrefix) && name[:len(fieldPrefix)] == fieldPrefix {
		return name[len(fieldPrefix):], true
	}
	return "", false
}

// flat is a state value by value: field values under "fields.<code>", without
// the lists that have dates of their own.
func flat(s State) (map[string]string, error) {
	out := map[string]string{}
	for key, raw := range s {
		switch {
		case key == "provenance" || slices.Contains(dated, key):
		case key == "fields":
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(raw, &fields); err != nil {
				return nil, err
			}
			for code, value := range fields {
				out[fieldPrefix+code] = string(value)
			}
		default:
			out[key] = string(raw)
		}
	}
	return out, nil
}

// Values is what each value was over time, as JSON; "" where there was none.
func Values(versions []Version) (map[string]Spans[string], error) {
	spans := map[string]Spans[string]{}
	for i, v := range versions {
		now, err := flat(v.Data)
		if err != nil {
			return nil, err
		}
		for name := range spans {
			if _, ok := now[name]; !ok {
				now[name] = ""
			}
		}
		for name, value := range now {
			s, known := spans[name]
			switch {
			case i == 0 && slices.Contains(lasting, name):
				s = s.Then("", value)
			case i == 0:
				s = s.Then(v.Effective, value)
			case !known:
				// so far there was none, as long as there is a record
				s = change(Spans[string]{{From: first(versions, name), Value: ""}}, v, value)
			case s[len(s)-1].Value != value:
				s = change(s, v, value)
			}
			spans[name] = s
		}
	}
	return spans, nil
}

func first(versions []Version, name string) string {
	if slices.Contains(lasting, name) {
		return ""
	}
	return versions[0].Effective
}

func change(s Spans[string], v Version, value string) Spans[string] {
	if v.Nature == registry.Correction && !v.Said {
		return s.Corrected(value)
	}
	return s.Then(v.Effective, value)
}

// Fact is what is known about one value that a record has now.
type Fact struct {
	Source    db.ID  // where the value came from
	Confirmed db.ID  // who last said the same
	Since     string // the day since which it is so; "" when it always was
}

// Facts tells of each value, by its name in the provenance, where it came from,
// who confirmed it last and since when it is so.
func Facts(versions []Version) (map[string]Fact, error) {
	spans, err := Values(versions)
	if err != nil {
		return nil, err
	}
	facts := map[string]Fact{}
	for i, v := range versions {
		now, err := flat(v.Data)
		if err != nil {
			return nil, err
		}
		was := map[string]string{}
		if i > 0 {
			if was, err = flat(versions[i-1].Data); err != nil {
				return nil, err
			}
		}
		var from registry.Provenance
		if err := json.Unmarshal(v.Data["provenance"], &from); err != nil && v.Data["provenance"] != nil {
			return nil, err
		}
		for name, value := range now {
			said := provenanceName(name)
			source, _ := from.Of(said)
			f := facts[said]
			if i == 0 || was[name] != value {
				f.Source = source
				f.Since = ""
				if s := spans[name]; len(s) > 0 {
					f.Since = s[len(s)-1].From
				}
			}
			f.Confirmed = source
			facts[said] = f
		}
	}
	return facts, nil
}

// provenanceName is a value's name in a record's provenance.
func provenanceName(name string) string {
	if code, ok := fieldCode(name); ok {
		return code
	}
	switch name {
	case "birth_from", "birth_to":
		return "birth"
	case "area_id":
		return "area"
	}
	return name
}
