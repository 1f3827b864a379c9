package cases

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases/effect"
	"daftar/registry/cases/kinds"
	"daftar/registry/formula"
)

// scene reads the records that a case can be about: the person's, of those who
// live with them or lived with them until they died, and of whatever records the
// answers name, with the households around.
func scene(tx db.Tx, c Case, answers registry.Values) (effect.Scene, error) {
	s := effect.Scene{People: map[db.ID]effect.Person{}, Homes: map[db.ID]effect.Home{}, Areas: map[string]db.ID{}, Before: map[db.ID]registry.PersonData{}}
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return s, err
	}
	s.Today = today
	if c.Person != nil {
		s.Me = *c.Person
	}
	refs, codes := named(answers)
	if err := registry.Named(tx, refs); err != nil {
		return s, err
	}
	var rows []struct {
		ID      db.ID  `db:"id"`
		Kind    string `db:"kind"`
		Version int    `db:"version"`
		Data    []byte `db:"data"`
	}
	err = tx.Select(&rows, `select id, kind, version, data from case_scene($1, $2, $3)`, c.Person, c.Household, refs)
	if err != nil {
		return s, err
	}
	var ended []string
	for _, r := range rows {
		if r.Kind == registry.KindHousehold {
			h := effect.Home{Version: r.Version}
			if err := json.Unmarshal(r.Data, &h.HouseholdData); err != nil {
				return s, err
			}
			s.Homes[r.ID] = h
			continue
		}
		p := effect.Person{Version: r.Version}
		if err := json.Unmarshal(r.Data, &p.PersonData); err != nil {
			return s, err
		}
		s.People[r.ID] = p
		if p.Status == registry.Deceased {
			ended = append(ended, r.ID.String())
		}
	}
	if err := before(tx, s, ended); err != nil {
		return s, err
	}
	if len(codes) > 0 {
		var areas []struct {
			ID   db.ID  `db:"id"`
			Code string `db:"code"`
		}
		if err := tx.Select(&areas, `select id, code from area where code = any($1) and valid_to is null`, codes); err != nil {
			return s, err
		}
		for _, a := range areas {
			s.Areas[a.Code] = a.ID
		}
	}
	return s, nil
}

// before adds what records that ended were like until then.
func before(tx db.Tx, s effect.Scene, ended []string) error {
	if len(ended) == 0 {
		return nil
	}
	var rows []struct {
		ID   db.ID  `db:"subject_id"`
		Data []byte `db:"data"`
	}
	err := tx.Select(&rows, `
		select distinct on (subject_id) subject_id, data from record_state
		where subject_id = any($1::uuid[]) and not data ? 'status' order by subject_id, version desc`, ended)
	for _, r := range rows {
		var p registry.PersonData
		if err := json.Unmarshal(r.Data, &p); err != nil {
			return err
		}
		s.Before[r.ID] = p
	}
	return err
}

// named are the references and place codes among the answers.
func named(answers registry.Values) (refs, codes []string) {
	for _, v := range answers {
		text, ok := v.(string)
		if !ok {
			continue
		}
		for _, kind := range []rune{registry.RefPerson, registry.RefHousehold} {
			if ref, ok := registry.ParseRef(kind, text); ok {
				refs = append(refs, ref)
			}
		}
		if len(text) <= 20 && !strings.ContainsAny(text, " \n") {
			codes = append(codes, text)
		}
	}
	slices.Sort(refs)
	return refs, codes
}

// Filing is a case of any kind but registration, with its form.
type Filing struct {
	Case
	Form  kinds.Form
	Scene effect.Scene
}

// Pages lists the questions that are asked.
func (f *Filing) Pages() []kinds.Page { return f.Form.Pages(f.Draft.Answers) }

// filing adds to a case what its pages need.
func filing(tx db.Tx, c Case) (Filing, error) {
	f := Filing{Case: c}
	kind, err := kinds.ByID(tx, c.KindID)
	if err != nil {
		return f, err
	}
	if f.Scene, err = scene(tx, c, c.Draft.Answers); err != nil {
		return f, err
	}
	today, err := time.Parse(time.DateOnly, f.Scene.Today)
	if err != nil {
		return f, err
	}
	f.Form = kinds.Form{Kind: kind, Offers: map[string]registry.Options{}, Today: today}
	defined, err := registry.OfFields(tx, "forms", func(all registry.Fields) (any, error) {
		formulas, err := formula.New(append(all.Of("event"), all.Of("application")...))
		return kinds.Form{Defs: all, Formulas: formulas}, err
	})
	if err != nil {
		return f, err
	}
	f.Form.Defs, f.Form.Formulas = defined.(kinds.Form).Defs, defined.(kinds.Form).Formulas
	if kind.Family == "appeal" {
		l, err := LatenessOf(tx, c)
		if err != nil {
			return f, err
		}
		if !l.Late { // nobody is asked why they are late who are not
			f.Form.Kind.Questions = slices.DeleteFunc(slices.Clone(kind.Questions), func(q kinds.Question) bool { return q.Late })
		}
	}
	f.Form.Kind.Proof = slices.Concat(kind.Proof, f.Form.Papers(c.Draft.Answers))
	for _, q := range f.Form.Kind.Questions {
		switch q.Page {
		case "person", "people":
			f.Form.Offers[q.Code] = f.circle(q)
		case "programme":
			var rows []struct {
				Code string    `db:"code"`
				Name i18n.Text `db:"name"`
			}
			if err := tx.Select(&rows, `select code, name from programme where active order by code`); err != nil {
				return f, err
			}
			for _, r := range rows {
				f.Form.Offers[q.Code] = append(f.Form.Offers[q.Code], registry.Option{Code: r.Code, Label: r.Name})
			}
		}
	}
	return f, nil
}

// circle are the people whom a question offers, by reference, called by name.
func (f *Filing) circle(q kinds.Question) registry.Options {
	s, who := f.Scene, q.Who
	home := f.home()
	gone := f.gone(q)
	follows := f.follows(q, home, gone)
	var options registry.Options
	add := func(id db.ID) {
		name := s.People[id].FullName
		if name == "" {
			name = s.People[id].Ref
		}
		options = append(options, registry.Option{Code: s.People[id].Ref, Label: i18n.Text{i18n.Source: name}})
	}
	if who == "ended" {
		for id, p := range s.People {
			if p.Status == registry.Deceased {
				add(id)
			}
		}
		slices.SortFunc(options, func(a, b registry.Option) int { return strings.Compare(a.Code, b.Code) })
		return options
	}
	for _, id := range s.Members(home) {
		switch {
		case who == "others" && id == s.Me, who == "adults" && s.Child(id), who == "children" && (!s.Child(id) || id == s.Me),
			who == "partners" && (s.Child(id) || id == s.Me), (who == "successors" || who == "carers") && (!follows || !s.Adult(id) || slices.Contains(gone, id)),
			who == "parents" && s.Infant(id), who == "mine" && id != s.Me && !s.Child(id):
		default:
			add(id)
		}
	}
	return options
}

// gone are those who are no longer there after what a question is asked about: whom
// another answer names, else the person, and the children who come along.
func (f *Filing) gone(q kinds.Question) []db.ID {
	given := registry.Field{}.Input(f.Draft.Answers["children"])
	if q.Of != "" {
		given = registry.Field{}.Input(f.Draft.Answers[q.Of])
	}
	var list []db.ID
	if q.Of == "" {
		list = append(list, f.Scene.Me)
	}
	for id, p := range f.Scene.People {
		if slices.Contains(given, p.Ref) {
			list = append(list, id)
		}
	}
	return list
}

// follows reports whether somebody has to follow those who are gone.
func (f *Filing) follows(q kinds.Question, home db.ID, gone []db.ID) bool {
	payee, cared := f.Scene.Vacant(home, gone)
	return q.Who == "successors" && payee || q.Who == "carers" && len(cared) > 0
}

// home is the household that the case is about: the person's, or the one that
// was named at the counter.
func (f *Filing) home() db.ID {
	if m, ok := f.Scene.Residence(f.Scene.Me); ok {
		return m.HouseholdID
	}
	if f.Household != nil {
		return *f.Household
	}
	last := registry.MembershipData{}
	if me := f.Scene.People[f.Scene.Me]; me.Status == registry.Deceased { // whoever comes and is alive: where they lived
		for _, m := range me.Memberships {
			if m.Usual() && m.EndDate >= last.EndDate {
				last = m
			}
		}
	}
	return last.HouseholdID
}

// settings are the values that were said, of whom.
func (f *Filing) settings() []effect.Setting {
	var list []effect.Setting
	for _, p := range f.Pages() {
		value, ok := f.Draft.Answers[p.Code]
		if p.Value.Name == "" || !ok {
			continue
		}
		s := effect.Setting{Kind: p.Value.Kind, Subject: f.Scene.Me, Name: p.Value.Name, Value: value}
		for _, column := range p.Columns {
			s.Columns = append(s.Columns, column.Code)
		}
		switch {
		case p.Value.Kind == registry.KindHousehold:
			s.Subject = f.home()
		case p.Value.Of != "":
			ref, _ := f.Draft.Answers[p.Value.Of].(string)
			for id, person := range f.Scene.People {
				if person.Ref == ref {
					s.Subject = id
				}
			}
		}
		list = append(list, s)
	}
	return list
}

// Propose is what the filing would do to the records as they are. Nothing is
// stored: new records get identities in the draft.
func (f *Filing) Propose(tx db.Tx, said db.ID) (effect.Out, error) {
	kind := f.Form.Kind
	if kind.Effect == "" {
		return effect.Out{}, nil
	}
	photos, err := EvidenceOf(tx, f.Case)
	if err != nil {
		return effect.Out{}, err
	}
	in := effect.In{
		Scene: f.Scene, Answers: f.Draft.remaining(f.Form.Asked(f.Draft.Answers)), Sets: f.settings(), Nature: kind.Nature, Reason: kind.Reason, Said: said,
		Allot: f.allot(tx),
	}
	for _, e := range photos {
		in.Proof = append(in.Proof, e.Kind)
	}
	if kind.Effect == "undo" {
		if in.Undo, err = undone(tx, f.Case); err != nil {
			return effect.Out{}, err
		}
		for _, u := range in.Undo {
			if err := f.include(tx, u.Kind, u.Subject); err != nil {
				return effect.Out{}, err
			}
		}
	}
	return effect.Run(kind.Effect, in)
}

// allot keeps the identities of new records in the draft, so that a proposal
// that is made anew makes the same ones.
func (f *Filing) allot(tx db.Tx) func(string, rune) effect.Identity {
	return func(key string, kind rune) effect.Identity {
		if id, ok := f.Draft.Allotted[key]; ok {
			return id
		}
		id := effect.Identity{ID: tx.NewID()}
		if kind != 0 {
			id.Ref = registry.NewRef(kind, tx.Rand())
		}
		if f.Draft.Allotted == nil {
			f.Draft.Allotted = map[string]effect.Identity{}
		}
		f.Draft.Allotted[key] = id
		return id
	}
}

// include adds a record to the scene.
func (f *Filing) include(tx db.Tx, kind string, id db.ID) error {
	if kind == registry.KindHousehold {
		data, version, err := registry.CurrentHousehold(tx, id)
		f.Scene.Homes[id] = effect.Home{HouseholdData: data, Version: version}
		return err
	}
	data, version, err := registry.CurrentPerson(tx, id)
	f.Scene.People[id] = effect.Person{PersonData: data, Version: version}
	return err
}
