package areas

import (
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
)

// Part is a new area that a merge or a split makes.
type Part struct {
	Code  string
	Name  i18n.Text
	Holds []string // P-codes of areas inside, and references of households and groups, that go to it
}

// Merge joins areas of one level: Into is one of them, or New is an area that
// does not exist yet.
type Merge struct {
	Areas []string // P-codes, two or more
	Into  string
	New   *Part
	On    string
}

// Split gives parts of an area an area of their own. What no part holds stays
// in the area, or goes to the first part when the area ends.
type Split struct {
	Area  string
	Parts []Part
	Ends  bool
	// Answers that name the area name the first part when it ends. Else they stay,
	// and are listed for somebody who knows which part is meant.
	Answers bool
	On      string
}

// Edit corrects what an area is called.
type Edit struct {
	Area        string
	Name        i18n.Text
	Alternative []string
	Kind        string
}

// On reads the day since when a change is so: not in the future, because what
// is approved is true at once.
func On(check *fault.Check, name string, day time.Time, now time.Time) string {
	if day.After(now) {
		check.Fail(name, "areas.error.future")
	}
	return day.Format(time.DateOnly)
}

// PlanMerge says what a merge does.
func PlanMerge(tx db.Tx, who Actor, m Merge) (*Plan, error) {
	reg, err := load(tx, who)
	if err != nil {
		return nil, err
	}
	var check fault.Check
	var from []*Area
	for _, code := range m.Areas {
		a := reg.byCode[code]
		if a == nil || a.Ended() || len(from) > 0 && (a.Level != from[0].Level) || slices.Contains(from, a) {
			check.Fail("with", "areas.error.merge_with")
			return nil, check.Err()
		}
		from = append(from, a)
	}
	if len(from) < 2 || from[0].Level == 0 {
		check.Fail("with", "areas.error.merge_with")
		return nil, check.Err()
	}
	p := newPlan()
	var to *Area
	if m.New != nil {
		it := reg.part(tx, &check, "code", "name_", *m.New, from[0], m.On)
		to = &it.Area
		p.add(it)
	} else if i := slices.IndexFunc(from, func(a *Area) bool { return a.Code == m.Into }); i >= 0 {
		to = from[i]
	} else {
		check.Fail("into", "areas.error.into")
	}
	if err := check.Err(); err != nil {
		return nil, err
	}
	for _, a := range from {
		if !reg.mine[a.ID] && !reg.all {
			return nil, notYours()
		}
		if a.ID == to.ID {
			continue
		}
		it := Item{Area: *a, What: []string{Retired}, RestTo: &to.ID, Scope: []db.ID{a.ID}}
		it.To = m.On
		p.add(it)
		for _, inside := range reg.inside(a) {
			p.add(moved(inside, to))
		}
	}
	return p, p.count(tx)
}

// part is a new area beside another.
func (reg *register) part(tx db.Tx, check *fault.Check, codeInput, nameInput string, n Part, beside *Area, on string) Item {
	if !codeForm.MatchString(n.Code) {
		check.Fail(codeInput, "areas.problem.code")
	} else if reg.byCode[n.Code] != nil {
		check.Fail(codeInput, "areas.error.code_taken")
	}
	if len(n.Name) == 0 {
		check.Fail(nameInput+i18n.Source, "areas.problem.no_name")
	}
	it := Item{What: []string{New}, Scope: []db.ID{beside.ID}, Area: Area{
		ID: tx.NewID(), Code: n.Code, Level: beside.Level, Kind: beside.Kind, Parent: beside.Parent, ParentCode: beside.ParentCode,
		Name: n.Name, From: on,
	}}
	reg.byCode[n.Code] = &it.Area
	return it
}

// inside lists the areas directly inside one that go on.
func (reg *register) inside(outer *Area) []*Area {
	var list []*Area
	for _, a := range reg.byID {
		if a.Parent != nil && *a.Parent == outer.ID && !a.Ended() {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *Area) int { return strings.Compare(a.Code, b.Code) })
	return list
}

func moved(a, to *Area) Item {
	it := Item{Area: *a, What: []string{Moved}, Scope: []db.ID{a.ID}, Before: Before{Parent: a.ParentCode}}
	it.Parent, it.ParentCode = &to.ID, to.Code
	return it
}

// count says how many households a plan takes along.
func (p *Plan) count(tx db.Tx) error {
	p.Counts.Households, p.Counts.Groups = len(p.moves)-p.groups, p.groups
	var ending []db.ID
	for _, it := range p.Items {
		if it.RestTo != nil && *it.RestTo != it.ID {
			ending = append(ending, it.ID)
		}
	}
	if len(ending) == 0 {
		return nil
	}
	if err := tx.Get(&p.Counts.Households, `select count(*) from household where area_id = any($1)`, ending); err != nil {
		return err
	}
	return tx.Get(&p.Counts.Groups, `select count(*) from group_record where area_id = any($1)`, ending)
}

// PlanSplit says what a split does.
func PlanSplit(tx db.Tx, who Actor, s Split) (*Plan, error) {
	reg, err := load(tx, who)
	if err != nil {
		return nil, err
	}
	a := reg.byCode[s.Area]
	if a == nil || a.Ended() || a.Level == 0 {
		return nil, fault.Hidden()
	}
	if !reg.mine[a.ID] && !reg.all {
		return nil, notYours()
	}
	var check fault.Check
	least := 1
	if s.Ends {
		least = 2
	}
	if len(s.Parts) < least {
		check.Fail("code_1", "areas.error.parts", "Min", least)
		return nil, check.Err()
	}
	p := newPlan()
	var parts []Item
	for i, n := range s.Parts {
		suffix := string(rune('1' + i))
		parts = append(parts, reg.part(tx, &check, "code_"+suffix, "name_"+suffix+"_", n, a, s.On))
		p.add(parts[i])
	}
	left := map[string]*Area{}
	for _, inside := range reg.inside(a) {
		left[inside.Code] = inside
	}
	for i, n := range s.Parts {
		if err := p.hold(tx, &check, "holds_"+string(rune('1'+i)), n.Holds, a, &parts[i].Area, left); err != nil {
			return nil, err
		}
	}
	if err := check.Err(); err != nil {
		return nil, err
	}
	it := Item{Area: *a, What: []string{Kept}, RestTo: &a.ID, Scope: []db.ID{a.ID}}
	p.stay = !s.Answers
	if s.Ends {
		it.What, it.To, it.RestTo = []string{Retired}, s.On, &parts[0].ID
		for _, inside := range reg.inside(a) {
			if left[inside.Code] != nil {
				p.add(moved(inside, &parts[0].Area))
			}
		}
	}
	p.add(it)
	return p, p.count(tx)
}

// hold takes the areas and households that a part lists.
func (p *Plan) hold(tx db.Tx, check *fault.Check, input string, list []string, from, to *Area, left map[string]*Area) error {
	for _, what := range list {
		if inside := left[what]; inside != nil {
			delete(left, what)
			p.add(moved(inside, to))
			continue
		}
		table, kind := "household", registry.RefHousehold
		ref, ok := registry.ParseRef(kind, what)
		if !ok {
			table, kind = "group_record", registry.RefGroup
			ref, ok = registry.ParseRef(kind, what)
		}
		if !ok {
			check.Fail(input, "areas.error.holds", "Value", clip(what))
			continue
		}
		var id db.ID
		err := tx.Get(&id, `select id from `+table+` where ref = $1 and area_id = $2`, ref, from.ID)
		if fault.Is(err, fault.NotFound) {
			check.Fail(input, "areas.error.holds", "Value", clip(what))
			continue
		}
		if err != nil {
			return err
		}
		if _, twice := p.moves[id]; twice {
			check.Fail(input, "areas.error.holds_twice", "Value", ref)
			continue
		}
		p.moves[id] = to.ID
		if kind == registry.RefGroup {
			p.groups++
		}
	}
	return nil
}

// PlanEdit says what a correction of names does.
func PlanEdit(tx db.Tx, who Actor, e Edit) (*Plan, error) {
	reg, err := load(tx, who)
	if err != nil {
		return nil, err
	}
	a := reg.byCode[e.Area]
	if a == nil {
		return nil, fault.Hidden()
	}
	if !reg.mine[a.ID] && !reg.all {
		return nil, notYours()
	}
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return nil, err
	}
	d := &diff{reg: reg, plan: newPlan(), next: map[string]*Item{}, today: today}
	r := Row{Code: a.Code, Level: a.Level, Kind: KindCode(e.Kind), Name: e.Name, Alternative: e.Alternative, To: a.To, columns: &columns{}}
	var parent *Area
	if a.Parent != nil {
		parent = reg.byID[*a.Parent]
	}
	d.known(r, a, parent, nil)
	for i := range d.plan.Items { // names that were taken off the list go
		it := &d.plan.Items[i]
		it.Alternative = slices.DeleteFunc(slices.Clone(it.Alternative), func(s string) bool {
			return slices.Contains(a.Alternative, s) && !slices.Contains(e.Alternative, s) && !slices.ContainsFunc(names(a.Name), func(n string) bool { return n == s })
		})
	}
	if gone := slices.ContainsFunc(a.Alternative, func(s string) bool { return !slices.Contains(e.Alternative, s) }); gone && len(d.plan.Items) == 0 {
		it := Item{Area: *a, What: []string{Changed}, Scope: []db.ID{a.ID}}
		it.Alternative = e.Alternative
		d.plan.add(it)
	}
	return d.plan, nil
}

func names(t i18n.Text) []string {
	var list []string
	for _, s := range t {
		list = append(list, s)
	}
	return list
}
