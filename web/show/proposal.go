package show

import (
	"encoding/json"
	"slices"
	"strings"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases"
	"daftar/registry/history"
)

// Pair is one value as it is and as it would be.
type Pair struct {
	Key      string // as history.Change says it
	What     string
	Old, New string
	Source   string // where the old value comes from
}

// Altered is one record that a proposal changes, in words.
type Altered struct {
	cases.Alteration
	Title string
	Since string
	Pairs []Pair
}

// Proposal puts what would change into words. sees says of a record how much of
// it the reader may know; Old values that they may not know are left out.
func Proposal(tx db.Tx, p *i18n.Printer, list []cases.Alteration, sees func(cases.Alteration) (Reader, bool)) ([]Altered, error) {
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return nil, err
	}
	tags, err := registry.LoadTags(tx)
	if err != nil {
		return nil, err
	}
	var all []history.Change
	var values []registry.Values
	diffs := make([][]history.Change, len(list))
	for i, a := range list {
		diffs[i] = history.Diff(a.Old, a.New)
		all = append(all, diffs[i]...)
		for _, s := range []history.State{a.Old, a.New} {
			of, _ := s.Value("fields").(map[string]any)
			values = append(values, of)
		}
	}
	if fields, err = registry.WithPlaces(tx, fields, values...); err != nil {
		return nil, err
	}
	r := Record{P: p, Fields: fields, Tags: tags}
	names, err := NamesIn(tx, p, all...)
	if err != nil {
		return nil, err
	}
	for _, a := range list { // records that there are not yet
		if a.Old == nil {
			names[a.Subject.String()] = a.Ref
			if a.Name != "" {
				names[a.Subject.String()] = a.Name
			}
		}
	}
	kept, err := keptHomes(tx, all)
	if err != nil {
		return nil, err
	}
	from := make([]registry.Provenance, len(list))
	for i, a := range list {
		if a.Old != nil {
			_ = json.Unmarshal(a.Old["provenance"], &from[i]) // none, for none
		}
	}
	sources, err := registry.Sources(tx, from...)
	if err != nil {
		return nil, err
	}
	var out []Altered
	for i, a := range list {
		who, old := sees(a)
		r.Staff, r.Roles = who.Staff, who.Roles
		t := Altered{Alteration: a, Title: title(p, a)}
		if a.Effective != "" && a.Old != nil {
			t.Since = Day(p, a.Effective)
		}
		for _, c := range diffs[i] {
			pair := Pair{Key: c.What, What: r.label(c.What), Old: r.value(c.What, c.Old, names), New: r.value(c.What, c.New, names)}
			if c.Old != nil {
				pair.Source = Sourced(p, sources, from[i], history.Names([]history.Change{c})[0])
			}
			if c.What == "protected" && c.New == nil {
				pair.New = p.T("answer.no")
			}
			if pair.Old == pair.New && strings.HasPrefix(c.What, "fields.") { // in a column that the reader may not know
				pair.Old, pair.New = p.T("record.hidden"), p.T("record.hidden")
			}
			if secret(c, who) || r.keeps(c.What) || c.What == "memberships" && !who.Place && (kept[c.Old.Text("household_id")] || kept[c.New.Text("household_id")]) {
				pair.Source = ""
				pair.Old, pair.New = p.T("record.hidden"), p.T("record.hidden")
			} else if !old && c.Old != nil {
				pair.Source = ""
				pair.Old = p.T("proposal.private")
			}
			t.Pairs = append(t.Pairs, pair)
		}
		out = append(out, t)
	}
	return out, nil
}

// keeps reports whether a change is of a field that the reader may not know.
func (r Record) keeps(what string) bool {
	code, ok := strings.CutPrefix(what, "fields.")
	return ok && slices.ContainsFunc(r.Fields, func(f registry.Field) bool { return f.Code == code && f.Roster == "" && !r.Sees(f) })
}

// keptHomes are the households among changes of which nothing is told but to
// those who protect (RULES R5), by their identifiers.
func keptHomes(tx db.Tx, changes []history.Change) (map[string]bool, error) {
	var ids []string
	for _, c := range changes {
		for _, s := range []history.State{c.Old, c.New} {
			if id := s.Text("household_id"); c.What == "memberships" && id != "" {
				ids = append(ids, id)
			}
		}
	}
	kept := map[string]bool{}
	if len(ids) == 0 {
		return kept, nil
	}
	var list []db.ID
	err := tx.Select(&list, `select id from household where id = any($1::uuid[]) and protected`, ids)
	for _, id := range list {
		kept[id.String()] = true
	}
	return kept, err
}

// secret reports whether a change is about what is told to nobody, and not to
// this reader.
func secret(c history.Change, who Reader) bool {
	place := c.What == "area_id" || c.What == "directions"
	return place && !who.Place || c.What == "contacts" && !who.Contacts && (protected(c.Old) || protected(c.New))
}

func title(p *i18n.Printer, a cases.Alteration) string {
	kind := p.T("proposal." + a.Kind)
	if a.Old == nil {
		kind = p.T("proposal.new." + a.Kind)
	}
	if a.Kind == registry.KindPerson {
		return strings.TrimSpace(p.T("proposal.of", "What", kind, "Name", apart(Name(p, a.Name))))
	}
	return p.T("proposal.of", "What", kind, "Name", apart(a.Ref))
}

// ValueNames is what values are called, by their names in a proposal.
func ValueNames(tx db.Tx, p *i18n.Printer, names []string) ([]string, error) {
	fields, err := registry.LoadFields(tx)
	r := Record{P: p, Fields: fields}
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = r.label(name)
	}
	return list, err
}
