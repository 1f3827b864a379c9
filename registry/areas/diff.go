package areas

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry"
)

// What happens to an area. Each has the message "areas.what.<code>".
const (
	New      = "new"
	Renamed  = "renamed"
	Moved    = "moved"
	Changed  = "changed" // its kind, size, dates or other names
	Retired  = "retired"
	Restored = "restored"
	Outlined = "outlined"
	Kept     = "kept" // stays, and gives something away
)

// Whats lists what can happen, in the order of a report.
func Whats() []string {
	return []string{New, Renamed, Moved, Changed, Retired, Restored, Outlined, Kept}
}

// Counts is how many areas something happens to.
type Counts struct {
	What       map[string]int `json:"what"`
	Same       int            `json:"same"`
	Households int            `json:"households,omitempty"` // that go along
	Groups     int            `json:"groups,omitempty"`     // that do
}

// Scan reads a jsonb column.
func (c *Counts) Scan(src any) error { return scan(src, c) }

// Item is the next state of one area, as proposed from Version (0 for a new
// area).
type Item struct {
	Area
	What     []string
	Before   Before
	RestTo   *db.ID
	Scope    []db.ID // who answers for all of these may propose or approve it
	Geometry []byte
}

// Before is what an area was, where it differs.
type Before struct {
	Name   i18n.Text `json:"name,omitempty"`
	Parent string    `json:"parent,omitempty"`
	Kind   string    `json:"kind,omitempty"`
	To     string    `json:"to,omitempty"`
}

// Scan reads a jsonb column.
func (b *Before) Scan(src any) error { return scan(src, b) }

// Plan is what a file or a form would do.
type Plan struct {
	Items    []Item
	Counts   Counts
	Problems []Problem
	Outside  int             // rows that the actor does not answer for
	moves    map[db.ID]db.ID // households and groups that are assigned one by one
	groups   int             // how many of these are groups
	stay     bool            // answers that name an area that ends stay, and somebody places them
}

func (p *Plan) add(it Item) {
	for _, w := range it.What {
		p.Counts.What[w]++
	}
	p.Items = append(p.Items, it)
}

// Options of an import.
type Options struct {
	On          string // since when it is so: "2006-01-02"
	KeepMissing bool   // areas that the file does not name stay
}

// register is the tree as it is, in memory: 40,000 areas are 20 MB.
type register struct {
	byCode map[string]*Area
	byID   map[db.ID]*Area
	mine   map[db.ID]bool
	kinds  [MaxLevel + 1]string // the usual one of each level
	all    bool
}

func load(tx db.Tx, who Actor) (*register, error) {
	var list []Area
	if err := tx.Select(&list, `select `+areaColumns+areaFrom+`order by a.level, a.code`); err != nil {
		return nil, err
	}
	r := &register{byCode: make(map[string]*Area, len(list)), byID: make(map[db.ID]*Area, len(list)), mine: map[db.ID]bool{}, all: who.All}
	counts := map[string]int{}
	for i := range list {
		a := &list[i]
		r.byCode[a.Code], r.byID[a.ID] = a, a
		r.mine[a.ID] = who.All || slices.Contains(who.Areas, a.ID) || a.Parent != nil && r.mine[*a.Parent]
		key := fmt.Sprint(a.Level, a.Kind)
		if counts[key]++; counts[key] > counts[fmt.Sprint(a.Level, r.kinds[a.Level])] || r.kinds[a.Level] == "" {
			r.kinds[a.Level] = a.Kind
		}
	}
	for level, kind := range r.kinds {
		if kind == "" {
			r.kinds[level] = map[bool]string{true: "country", false: fmt.Sprintf("level_%d", level)}[level == 0]
		}
	}
	return r, nil
}

// Diff says what a file would do to the registry.
func Diff(tx db.Tx, who Actor, f *File, o Options) (*Plan, error) {
	reg, err := load(tx, who)
	if err != nil {
		return nil, err
	}
	today, err := registry.DayOf(tx, tx.Now())
	if err != nil {
		return nil, err
	}
	d := &diff{reg: reg, file: f, o: o, plan: newPlan(), next: map[string]*Item{}, today: today}
	d.plan.Problems = f.Problems
	countries := map[string]bool{}
	named := map[string]bool{}
	for level := range f.Rows {
		for _, r := range f.Rows[level] {
			named[r.Code] = true
			d.row(tx, r)
			if c := reg.country(r); c != "" {
				countries[c] = true
			}
		}
	}
	if len(d.plan.Problems) == 0 { // else nobody knows what is missing
		if !o.KeepMissing {
			d.missing(f, named, countries)
		}
		if err := d.inhabited(tx); err != nil {
			return nil, err
		}
	}
	if len(d.plan.Problems) > maxProblems {
		d.plan.Problems = d.plan.Problems[:maxProblems]
	}
	return d.plan, nil
}

func newPlan() *Plan { return &Plan{Counts: Counts{What: map[string]int{}}, moves: map[db.ID]db.ID{}} }

// country is the code of the country that a row of a file belongs to.
func (reg *register) country(r Row) string {
	switch {
	case r.Level == 0:
		return r.Code
	case len(r.above) > 0:
		return r.above[0]
	}
	return r.Parent
}

type diff struct {
	reg   *register
	file  *File
	o     Options
	plan  *Plan
	next  map[string]*Item // by code: areas of this file, new ones too
	today string
}

func (d *diff) bad(p Problem) { d.plan.Problems = append(d.plan.Problems, p) }

// outside notes a row that the actor does not answer for, or that is of a country
// that the registry does not have.
func (d *diff) outside(r Row, abroad bool) {
	d.plan.Outside++
	key := "areas.problem.not_yours"
	if abroad {
		key = "areas.problem.new_country"
	}
	d.bad(r.at(r.columns.code, r.Code, key))
}

// row compares one row with the registry.
func (d *diff) row(tx db.Tx, r Row) {
	if _, twice := d.next[r.Code]; twice {
		return // a problem of the file
	}
	old := d.reg.byCode[r.Code]
	if old == nil && r.To != "" && r.To <= d.today {
		return // it ended before anybody here knew it
	}
	if old != nil && old.Level != r.Level {
		d.bad(r.at(r.columns.code, r.Code, "areas.problem.other_level", "Level", old.Level))
		return
	}
	parent, scope, ok := d.parent(r)
	if !ok {
		return
	}
	if old == nil {
		d.fresh(tx, r, parent, scope)
		return
	}
	d.known(r, old, parent, scope)
}

// parent finds a row's parent: in the file, else in the registry. The scope is
// the nearest area around it that the registry has.
func (d *diff) parent(r Row) (*Area, []db.ID, bool) {
	if r.Level == 0 {
		return nil, nil, true
	}
	if it := d.next[r.Parent]; it != nil {
		if it.Level != r.Level-1 {
			return nil, nil, false // a problem of the file
		}
		if it.Version > 0 {
			return &it.Area, []db.ID{it.ID}, true
		}
		return &it.Area, it.Scope, true
	}
	a := d.reg.byCode[r.Parent]
	if a == nil || a.Level != r.Level-1 || a.Ended() {
		if r.Parent != "" && len(d.file.Rows[r.Level-1]) == 0 { // else a problem of the file
			d.bad(r.at(r.columns.parent, r.Parent, "areas.problem.parent_missing", "Level", r.Level-1))
		}
		return nil, nil, false
	}
	return a, []db.ID{a.ID}, true
}

func (d *diff) fresh(tx db.Tx, r Row, parent *Area, scope []db.ID) {
	it := Item{What: []string{New}, Scope: scope, Area: Area{
		ID: tx.NewID(), Code: r.Code, Level: r.Level, Kind: r.Kind, Name: r.Name, Alternative: r.Alternative,
		Km2: r.Km2, From: r.From, To: r.To,
	}}
	if it.Kind == "" {
		it.Kind = d.reg.kinds[r.Level]
	}
	if it.From == "" {
		it.From = d.o.On
	}
	if parent != nil {
		it.Parent, it.ParentCode = &parent.ID, parent.Code
	}
	if !d.reg.answers(scope) {
		d.outside(r, len(scope) == 0)
	}
	d.next[r.Code] = &it
	d.plan.add(it)
}

// answers reports whether the actor answers for every area of a scope; nobody
// but the operator, or who answers for a country, adds a country.
func (reg *register) answers(scope []db.ID) bool {
	if reg.all {
		return true
	}
	if len(scope) == 0 {
		for _, a := range reg.byID {
			if a.Level == 0 && reg.mine[a.ID] {
				return true
			}
		}
		return false
	}
	return !slices.ContainsFunc(scope, func(id db.ID) bool { return !reg.mine[id] })
}

func (d *diff) known(r Row, old *Area, parent *Area, scope []db.ID) {
	it := Item{Area: *old, Scope: []db.ID{old.ID}}
	it.Name = maps.Clone(old.Name)
	it.Alternative = slices.Clone(old.Alternative)
	before := Before{}
	for lang, name := range r.Name {
		if was := it.Name[lang]; was != name {
			if was != "" {
				before.Name = old.Name
				it.Alternative = with(it.Alternative, was) // who knows the old name still finds it
			}
			it.Name[lang] = name
		}
	}
	if !maps.Equal(it.Name, old.Name) {
		it.What = append(it.What, Renamed)
		before.Name = old.Name
	}
	if parent != nil && old.ParentCode != parent.Code {
		it.What, before.Parent = append(it.What, Moved), old.ParentCode
		it.Parent, it.ParentCode = &parent.ID, parent.Code
		it.Scope = append(it.Scope, scope...)
	}
	if old.Ended() && (r.To == "" || r.To > d.today) {
		it.What, it.To, before.To = append(it.What, Restored), "", old.To
	} else if !old.Ended() && r.To != "" && r.To <= d.today {
		it.What, it.To = append(it.What, Retired), r.To
	}
	changed := false
	if r.Kind != "" && r.Kind != old.Kind {
		it.Kind, before.Kind, changed = r.Kind, old.Kind, true
	}
	for _, name := range r.Alternative {
		if more := with(it.Alternative, name); len(more) > len(it.Alternative) {
			it.Alternative, changed = more, true
		}
	}
	if r.Km2 != nil && (old.Km2 == nil || *old.Km2-*r.Km2 > 1e-6 || *r.Km2-*old.Km2 > 1e-6) {
		it.Km2, changed = r.Km2, true
	}
	if changed {
		it.What = append(it.What, Changed)
	}
	it.Before = before
	d.next[r.Code] = &it
	switch {
	case len(it.What) == 0:
		d.plan.Counts.Same++
	case !d.reg.answers(it.Scope):
		d.outside(r, false)
	default:
		d.plan.add(it)
	}
}

func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(slices.Clone(list), s)
}

// missing ends the areas that the file should name and does not: those of its
// countries, at its levels, where the actor has a say.
func (d *diff) missing(f *File, named, countries map[string]bool) {
	for _, a := range slices.SortedFunc(maps.Values(d.reg.byID), func(a, b *Area) int { return b.Level - a.Level }) {
		if a.Ended() || named[a.Code] || a.Level == 0 || len(f.Rows[a.Level]) == 0 || !d.reg.mine[a.ID] || !countries[d.reg.top(a)] {
			continue
		}
		it := Item{Area: *a, What: []string{Retired}, Scope: []db.ID{a.ID}}
		it.To = d.o.On
		d.next[a.Code] = &it
		d.plan.add(it)
	}
}

func (reg *register) top(a *Area) string {
	for a.Parent != nil {
		a = reg.byID[*a.Parent]
	}
	return a.Code
}

// inhabited refuses to end an area where people live or smaller areas go on:
// it is to be merged with another, so that its records follow.
func (d *diff) inhabited(tx db.Tx) error {
	ending := map[db.ID]*Item{}
	var ids []db.ID
	for i := range d.plan.Items {
		if it := &d.plan.Items[i]; it.To != "" && it.Version > 0 && !slices.Contains(it.What, Restored) {
			ending[it.ID] = it
			ids = append(ids, it.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var homes []struct {
		ID db.ID `db:"area_id"`
		N  int   `db:"n"`
	}
	if err := tx.Select(&homes, `
		select area_id, count(*) as n from (select area_id from household union all select area_id from group_record) r
		where area_id = any($1) group by area_id order by area_id`, ids); err != nil {
		return err
	}
	for _, h := range homes {
		it := ending[h.ID]
		d.bad(Problem{Value: it.Code, Key: "areas.problem.inhabited", Args: map[string]any{"Count": h.N, "Area": it.Name}})
	}
	for _, a := range d.reg.byID {
		if a.Parent == nil || ending[*a.Parent] == nil || a.Ended() || ending[a.ID] != nil {
			continue
		}
		if it := d.next[a.Code]; it != nil && it.ParentCode != a.ParentCode {
			continue // moved out
		}
		d.bad(Problem{Value: a.ParentCode, Key: "areas.problem.goes_on", Args: map[string]any{"Inside": a.Code}})
	}
	return nil
}

func (b Before) value() (string, error) {
	raw, err := json.Marshal(b)
	return string(raw), err
}
