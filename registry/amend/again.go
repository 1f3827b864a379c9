package amend

import (
	"encoding/json"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
	"daftar/registry/history"
)

// Again proposes anew what a proposal says whose record moved on: the same values
// that it would have changed, in the record as it is now. What else changed since
// stays. Where both changed the same value, somebody has to say which it is:
// fault.Conflict. The new proposal is whoever's asks for it; two others decide.
func Again(tx db.Tx, r registry.Reader, ref string) (string, error) {
	a, err := Find(tx, r, ref)
	if err != nil {
		return "", err
	}
	if _, merges, err := MergeOf(tx, a.Change); err != nil {
		return "", err
	} else if merges || !a.Stale || a.Base == 0 {
		return "", fault.New(fault.Conflict, "error.out_of_order")
	}
	items, err := registry.ItemsOf(tx, a.Change)
	if err != nil {
		return "", err
	}
	d := Draft{Note: a.Note, Lang: a.NoteLang}
	for _, it := range items {
		next, method, err := rebased(tx, it)
		if err != nil {
			return "", err
		}
		switch {
		case it.Subject == a.Subject:
			d.Item, d.Method = next, method
		case it.Kind == registry.KindHousehold && a.Kind == registry.KindPerson: // follows by itself, as things are now
		default:
			d.Also = append(d.Also, next)
		}
	}
	if err := registry.Supersede(tx, a.Change); err != nil {
		return "", err
	}
	if err := write(tx, "change.withdrawn", a.Kind, a.Subject, a.Change); err != nil {
		return "", err
	}
	return Propose(tx, r, a.SubjectRef, d)
}

// rebased is an item that says the same of the record as it is now, and how it had
// been checked.
func rebased(tx db.Tx, it registry.Item) (next registry.Item, method string, err error) {
	var old, now, said history.State
	raw, _ := it.Data.(json.RawMessage)
	if err := json.Unmarshal(raw, &said); err != nil {
		return it, "", err
	}
	versions, err := history.Versions(tx, it.Subject, tx.Now())
	if err != nil {
		return it, "", err
	}
	base := it.BaseVersion
	for _, v := range versions {
		if v.Number == base {
			old = v.Data
		}
		now, it.BaseVersion = v.Data, v.Number
	}
	state, overlap := history.Rebase(old, said, now)
	if len(overlap) > 0 {
		return it, "", fault.New(fault.Conflict, "changes.error.overlap")
	}
	if method, err = methodOf(tx, old, said); err != nil {
		return it, "", err
	}
	switch it.Kind {
	case registry.KindPerson:
		var data registry.PersonData
		err = state.Into(&data)
		it.Data = data
	case registry.KindHousehold:
		var data registry.HouseholdData
		err = state.Into(&data)
		it.Data = data
	default:
		var data registry.GroupData
		err = state.Into(&data)
		it.Data = data
	}
	return it, method, err
}

// methodOf is how the proposer had checked what a proposal changes; "" where that
// is not known.
func methodOf(tx db.Tx, old, said history.State) (method string, err error) {
	var from registry.Provenance
	if err := json.Unmarshal(said["provenance"], &from); err != nil {
		return "", err
	}
	for _, name := range append(history.Names(history.Diff(old, said)), "*") {
		if source, ok := from[name]; ok {
			return method, tx.Get(&method, `select coalesce(method, '') from source where id = $1`, source)
		}
	}
	return "", nil
}
