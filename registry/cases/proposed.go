package cases

import (
	"encoding/json"
	"slices"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
	"daftar/registry/cases/effect"
	"daftar/registry/history"
	"daftar/registry/programmes"
)

// Alteration is what a proposal does to one record: as it is, and as it would
// be.
type Alteration struct {
	Seq       int    // of the item; 0 before it is stored
	Kind      string // registry.KindPerson or KindHousehold
	Subject   db.ID
	Ref       string
	Name      string // of a person
	Effective string
	Old, New  history.State // Old is nil for a new record
}

// Preview is what a filing would do, before it is sent.
func (f *Filing) Preview(out effect.Out) ([]Alteration, error) {
	var list []Alteration
	for _, it := range out.Items {
		a := Alteration{Kind: it.Kind, Subject: it.Subject, Effective: it.EffectiveOn}
		var err error
		if a.New, err = history.Of(it.Data); err != nil {
			return nil, err
		}
		if it.BaseVersion > 0 {
			var was any = f.Scene.People[it.Subject].PersonData
			if it.Kind == registry.KindHousehold {
				was = f.Scene.Homes[it.Subject].HouseholdData
			}
			if a.Old, err = history.Of(was); err != nil {
				return nil, err
			}
		}
		list = append(list, a.named())
	}
	return list, nil
}

func (a Alteration) named() Alteration {
	a.Ref, a.Name = a.New.Text("ref"), a.New.Text("full_name")
	if name := a.Old.Text("full_name"); name != "" {
		a.Name = name
	}
	return a
}

// Proposed is what a case proposes, as it is stored; nothing when it changes no
// record.
func Proposed(tx db.Tx, c Case) ([]Alteration, error) {
	if c.Change == nil {
		return nil, nil
	}
	var rows []struct {
		Seq       int    `db:"seq"`
		Kind      string `db:"kind"`
		Subject   db.ID  `db:"subject_id"`
		Effective string `db:"effective"`
		Old       []byte `db:"old"`
		New       []byte `db:"data"`
	}
	if err := tx.Select(&rows, `
		select i.seq, i.kind, i.subject_id, coalesce(to_char(i.effective_on, 'YYYY-MM-DD'), '') as effective, was.data as old, i.data
		from change_item i left join record_state was on was.subject_id = i.subject_id and was.version = i.base_version
		where i.change_id = $1 order by i.seq`, *c.Change); err != nil {
		return nil, err
	}
	var list []Alteration
	for _, r := range rows {
		a := Alteration{Seq: r.Seq, Kind: r.Kind, Subject: r.Subject, Effective: r.Effective}
		if r.Old != nil {
			if err := json.Unmarshal(r.Old, &a.Old); err != nil {
				return nil, err
			}
		}
		if err := json.Unmarshal(r.New, &a.New); err != nil {
			return nil, err
		}
		list = append(list, a.named())
	}
	return list, nil
}

// Unpaid are the references of households whose payments nobody would receive
// after a proposal: who receives them now is no longer there, and nobody follows
// (RULES R15, R16).
func Unpaid(tx db.Tx, list []Alteration) ([]string, error) {
	var lost, kept, people []string
	for _, a := range list {
		if a.Kind != registry.KindPerson {
			continue
		}
		people = append(people, a.Subject.String())
		lost, kept = append(lost, paidHomes(a.Old)...), append(kept, paidHomes(a.New)...)
	}
	lost = slices.DeleteFunc(lost, func(id string) bool { return slices.Contains(kept, id) })
	if len(lost) == 0 {
		return nil, nil
	}
	var refs []string
	err := tx.Select(&refs, `
		select h.ref from household h where h.id = any($1::uuid[]) and exists (
			select from membership m where m.household_id = h.id and m.end_date is null and m.tie = 'usual' and m.person_id <> all($2::uuid[]))
		order by h.ref`, lost, people)
	return refs, err
}

// Uncared is somebody for whom nobody would care after a proposal.
type Uncared struct {
	Ref   string `db:"ref"`
	Name  string `db:"name"`
	Alone bool   `db:"alone"` // and no adult would live with them

	Household *db.ID `db:"household_id"` // where they live
}

// Uncareds are those for whom nobody would care after a proposal: who did is no
// longer there, and nobody follows (RULES R16).
func Uncareds(tx db.Tx, list []Alteration) ([]Uncared, error) {
	var lost, kept, people, away []string
	for _, a := range list {
		if a.Kind != registry.KindPerson {
			continue
		}
		people = append(people, a.Subject.String())
		lost, kept = append(lost, caredFor(a.Old)...), append(kept, caredFor(a.New)...)
		if before, after := home(a.Old), home(a.New); before != after {
			away = append(away, a.Subject.String())
		}
	}
	lost = slices.DeleteFunc(lost, func(id string) bool { return slices.Contains(kept, id) })
	if len(lost) == 0 {
		return nil, nil
	}
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return nil, err
	}
	var found []Uncared
	err = tx.Select(&found, `
		select p.ref, coalesce(p.full_name, p.ref) as name, not exists (
		    select from residence l join residence w on w.household_id = l.household_id join person a on a.id = w.person_id
		    where l.person_id = p.id and a.id <> p.id and a.id <> all($3::uuid[]) and a.birth_to <= $4::date - interval '18 years') as alone,
		  (select l.household_id from residence l where l.person_id = p.id limit 1) as household_id
		from person p
		where p.id = any($1::uuid[]) and p.status = 'active' and p.id <> all($3::uuid[]) and not exists (
		    select from membership_role r where r.of_id = p.id and r.role = 'caregiver' and r.end_date is null and r.person_id <> all($2::uuid[]))
		order by p.ref`, lost, people, away, today)
	return found, err
}

// caredFor are those of whom somebody is the caregiver.
func caredFor(s history.State) (of []string) {
	for _, m := range memberships(s) {
		for _, r := range m.Roles {
			if r.Role == registry.RoleCaregiver && r.EndDate == "" && m.EndDate == "" {
				of = append(of, r.Of.String())
			}
		}
	}
	return of
}

// home is where somebody usually lives and goes on living.
func home(s history.State) string {
	for _, m := range memberships(s) {
		if m.Usual() && m.EndDate == "" {
			return m.HouseholdID.String()
		}
	}
	return ""
}

func memberships(s history.State) (list []registry.MembershipData) {
	_ = json.Unmarshal(s["memberships"], &list) // none, for none
	return list
}

// paidHomes are the households of which a person receives the payments.
func paidHomes(s history.State) (homes []string) {
	for _, m := range memberships(s) {
		for _, r := range m.Roles {
			if r.Role == registry.RolePayee && r.EndDate == "" && m.EndDate == "" {
				homes = append(homes, m.HouseholdID.String())
			}
		}
	}
	return homes
}

// Gain is what the rules would say of a household after a proposal.
type Gain struct {
	Household string // its reference
	Kept      bool   // another household than the case's, of which nothing is told but to those who protect (RULES R5)
	Programme i18n.Text
	Before    string // a decision's outcome; "" for none
	After     programmes.Outcome
}

// Changes reports whether the household would gain or lose the programme.
func (g Gain) Changes() bool {
	return (g.Before == programmes.Eligible) != (g.After == programmes.Met)
}

// Gains runs every programme's rule on the households as a proposal would make
// them. Nothing is decided by it.
func Gains(tx db.Tx, c Case) ([]Gain, error) {
	if c.Change == nil {
		return nil, nil
	}
	items, err := registry.ItemsOf(tx, *c.Change)
	if err != nil {
		return nil, err
	}
	s, err := scene(tx, c, c.Draft.Answers)
	if err != nil {
		return nil, err
	}
	for i, it := range items {
		raw := it.Data.(json.RawMessage)
		switch it.Kind {
		case registry.KindPerson:
			var p registry.PersonData
			err = json.Unmarshal(raw, &p)
			items[i].Data = p
		case registry.KindHousehold:
			var h registry.HouseholdData
			err = json.Unmarshal(raw, &h)
			items[i].Data = h
		}
		if err != nil {
			return nil, err
		}
	}
	var list []Gain
	for id, home := range effect.Project(s, items) {
		if home.Status == "ended" || len(home.Members) == 0 {
			continue
		}
		results, err := programmes.Simulate(tx, home)
		if err != nil {
			return nil, err
		}
		current, err := programmes.Decisions(tx, id)
		if err != nil {
			return nil, err
		}
		for _, r := range results {
			g := Gain{Household: home.Ref, Kept: s.Homes[id].Protected && (c.Household == nil || *c.Household != id), Programme: r.Programme, After: r.Outcome}
			for _, d := range current {
				if d.ProgrammeCode == r.Code {
					g.Before = d.Outcome
				}
			}
			list = append(list, g)
		}
	}
	return list, nil
}
