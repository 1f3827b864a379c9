package areas

import (
	"slices"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
)

// Add is an area that is added by hand, inside one that goes on.
type Add struct {
	In          string // P-code
	Code        string
	Name        i18n.Text
	Alternative []string
	Kind        string // "" for the usual one of the level
	On          string
}

// Move puts an area, with everything in it, inside another one.
type Move struct {
	Area, In string
	On       string
}

// End ends an area. Into takes what is in it; "" where there is nothing.
type End struct {
	Area, Into string
	On         string
}

// Kind is what areas of a level may be.
type Kind struct {
	Level int       `db:"level"`
	Code  string    `db:"code"`
	Name  i18n.Text `db:"name"`
	Areas int       `db:"areas"` // that are of it and go on
}

// Kinds lists the kinds of a level, the usual one first; of every level for -1.
func Kinds(tx db.Tx, level int) ([]Kind, error) {
	var list []Kind
	err := tx.Select(&list, `
		select k.level, k.code, k.name, (select count(*) from area a where a.level = k.level and a.kind = k.code and a.valid_to is null) as areas
		from area_kind k where $1::int in (-1, k.level) order by k.level, areas desc, k.code`, level)
	return list, err
}

// open finds an area that goes on and that the actor answers for; anything else is
// not there.
func (reg *register) open(code string) (*Area, error) {
	a := reg.byCode[code]
	if a == nil || a.Ended() {
		return nil, fault.Hidden()
	}
	if !reg.mine[a.ID] && !reg.all {
		return nil, notYours()
	}
	return a, nil
}

// PlanAdd says what adding an area does.
func PlanAdd(tx db.Tx, who Actor, n Add) (*Plan, error) {
	reg, err := load(tx, who)
	if err != nil {
		return nil, err
	}
	outer, err := reg.open(n.In)
	if err != nil {
		return nil, err
	}
	var check fault.Check
	if outer.Level == MaxLevel {
		check.Fail("code", "areas.problem.too_deep", "Max", MaxLevel)
		return nil, check.Err()
	}
	beside := Area{ID: outer.ID, Level: outer.Level + 1, Kind: n.Kind, Parent: &outer.ID, ParentCode: outer.Code}
	if beside.Kind == "" {
		beside.Kind = reg.kinds[beside.Level]
	}
	it := reg.part(tx, &check, "code", "name_", Part{Code: n.Code, Name: n.Name}, &beside, n.On)
	if err := check.Err(); err != nil {
		return nil, err
	}
	it.Alternative = n.Alternative
	p := newPlan()
	p.add(it)
	return p, nil
}

// PlanMove says what moving an area does. It comes to lie one level below its new
// parent; only an area with nothing inside may change its level by that, so that
// none comes to lie in itself.
func PlanMove(tx db.Tx, who Actor, m Move) (*Plan, error) {
	reg, err := load(tx, who)
	if err != nil {
		return nil, err
	}
	a, err := reg.open(m.Area)
	if err != nil {
		return nil, err
	}
	var check fault.Check
	to := reg.byCode[m.In]
	switch {
	case a.Level == 0:
		check.Fail("in", "areas.error.move_country")
	case to == nil || to.Ended():
		check.Fail("in", "areas.problem.unknown")
	case !reg.mine[to.ID] && !reg.all:
		check.Fail("in", "areas.error.not_yours")
	case reg.lies(to, a):
		check.Fail("in", "areas.error.move_inside")
	case to.Code == a.ParentCode:
		check.Fail("in", "areas.error.move_same")
	case to.Level == MaxLevel:
		check.Fail("in", "areas.problem.too_deep", "Max", MaxLevel)
	case to.Level != a.Level-1 && reg.holds(a):
		check.Fail("in", "areas.error.move_level", "Level", a.Level-1)
	}
	if err := check.Err(); err != nil {
		return nil, err
	}
	it := moved(a, to)
	it.Scope = append(it.Scope, to.ID)
	if it.Level = to.Level + 1; it.Level != a.Level {
		it.What = append(it.What, Changed)
		it.Kind, it.Before.Kind = reg.kinds[it.Level], a.Kind
	}
	p := newPlan()
	p.add(it)
	return p, nil
}

// lies reports whether an area is another one or lies in it.
func (reg *register) lies(a, outer *Area) bool {
	for a.ID != outer.ID {
		if a.Parent == nil {
			return false
		}
		a = reg.byID[*a.Parent]
	}
	return true
}

// holds reports whether there is any area inside another, also one that ended.
func (reg *register) holds(outer *Area) bool {
	for _, a := range reg.byID {
		if a.Parent != nil && *a.Parent == outer.ID {
			return true
		}
	}
	return false
}

// PlanEnd says what ending an area does. What is in it goes to another area of
// its level, as in a merge; where there is nothing in it, it just ends.
func PlanEnd(tx db.Tx, who Actor, e End) (*Plan, error) {
	reg, err := load(tx, who)
	if err != nil {
		return nil, err
	}
	a, err := reg.open(e.Area)
	if err != nil {
		return nil, err
	}
	var check fault.Check
	if a.From != "" && e.On != "" && e.On < a.From {
		check.Fail("day", "areas.problem.ends_before")
	}
	if e.Into != "" {
		to := reg.byCode[e.Into]
		switch {
		case to == nil || to.Ended():
			check.Fail("into", "areas.problem.unknown")
		case to.Level != a.Level || to.ID == a.ID || a.Level == 0:
			check.Fail("into", "areas.error.end_into")
		case !reg.mine[to.ID] && !reg.all:
			check.Fail("into", "areas.error.not_yours")
		}
		if err := check.Err(); err != nil {
			return nil, err
		}
		return PlanMerge(tx, who, Merge{Areas: []string{a.Code, e.Into}, Into: e.Into, On: e.On})
	}
	d := &diff{reg: reg, plan: newPlan(), next: map[string]*Item{}}
	it := Item{Area: *a, What: []string{Retired}, Scope: []db.ID{a.ID}}
	it.To = e.On
	d.next[a.Code] = &it
	d.plan.add(it)
	if err := d.inhabited(tx); err != nil {
		return nil, err
	}
	for _, p := range d.plan.Problems[:min(len(d.plan.Problems), 1)] {
		check.Add(fault.Field{Name: "into", Key: p.Key, Args: p.Args})
	}
	return d.plan, check.Err()
}

// LeftAnswer is an answer that names an area that ended, where nobody knows yet
// which one is meant now.
type LeftAnswer struct {
	Kind    string    `db:"subject_kind"`
	Subject db.ID     `db:"subject_id"`
	Ref     string    `db:"ref"`
	Field   string    `db:"field"` // "<field>" or "<roster>.<column>"
	Code    string    `db:"code"`
	Name    i18n.Text `db:"name"`
}

// maxLeft is how many answers are listed.
const maxLeft = 200

// Left lists the answers that wait for somebody to say which area they mean, of
// records that are the reader's business and fields that they may see.
func Left(tx db.Tx, r registry.Reader) ([]LeftAnswer, error) {
	var list []LeftAnswer
	if err := tx.Select(&list, `
		select l.subject_kind, l.subject_id, coalesce(p.ref, h.ref) as ref, l.field, a.code, a.name
		from area_answer_left l join area a on a.id = l.area_id and a.valid_to is not null
		left join person p on p.id = l.subject_id left join household h on h.id = l.subject_id
		where `+registry.WithinReader("l.subject_kind", "l.subject_id", 1)+`
		  and exists (select from area_answers(l.subject_kind, coalesce(p.fields, h.fields)) x where x.field = l.field and x.code = a.code)
		order by a.code, ref, l.field limit $2`, registry.Texts(r.Areas), maxLeft); err != nil {
		return nil, err
	}
	fields, err := registry.LoadFields(tx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(l LeftAnswer) bool {
		return slices.ContainsFunc(fields, func(f registry.Field) bool { return f.Subject == l.Kind && l.at(f) && !f.May("see", r.Roles) })
	}), nil
}

// at reports whether the answer is one to a field, or in a roster that is it.
func (l LeftAnswer) at(f registry.Field) bool {
	if f.Roster != "" {
		return l.Field == f.Roster+"."+f.Code
	}
	return l.Field == f.Code || len(l.Field) > len(f.Code) && l.Field[:len(f.Code)+1] == f.Code+"."
}

// Label is what the field is called.
func (l LeftAnswer) Label(p *i18n.Printer, fields registry.Fields) string {
	var names []string
	for _, f := range fields {
		if f.Subject == l.Kind && l.at(f) {
			names = append(names, f.Label.In(p))
		}
	}
	return p.List(names)
}
