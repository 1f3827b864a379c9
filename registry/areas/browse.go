package areas

import (
	"database/sql"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
)

// Line is an area in a list, with how much is in it.
type Line struct {
	Area
	Inside     int  `db:"inside"`     // areas directly inside that go on
	Households *int `db:"households"` // in all of it; nil where the actor has no say
	Path       Path `db:"path"`       // the names around it, the country first
}

// Path is a list of names.
type Path []i18n.Text

// Scan reads a jsonb column.
func (p *Path) Scan(src any) error { return scan(src, p) }

// Within lists the areas directly inside another, countries for none. Those
// that ended come last.
func Within(tx db.Tx, who Actor, parent *db.ID) ([]Line, error) {
	var list []Line
	err := tx.Select(&list, `
		select `+areaColumns+`, (select count(*) from area c where c.parent_id = a.id and c.valid_to is null) as inside,
		       case when $2 or `+within("a", "$3")+` then (
		         select count(*) from area c join household h on h.area_id = c.id
		         where case a.level when 0 then c.l0 when 1 then c.l1 when 2 then c.l2 when 3 then c.l3 when 4 then c.l4 else c.l5 end = a.id
		           and c.l0 = a.l0 and h.status = 'active') end as households,
		       '[]'::jsonb as path`+areaFrom+`
		where a.parent_id is not distinct from $1
		order by a.valid_to is not null, a.code limit 2000`, parent, who.All, who.Areas)
	return list, err
}

const maxFound = 50

// Search finds areas by any of their names, in any language, or by P-code:
// what holds the words first, then what is spelt like them.
func Search(tx db.Tx, text string) ([]Line, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 200 || strings.ContainsFunc(text, unfit) {
		return nil, nil
	}
	var list []Line
	err := tx.Select(&list, `
		with found as materialized (
			select a.id, a.search like '%' || q.escaped || '%' as holds, word_similarity(q.folded, a.search) as near
			from area a, (select area_fold($1) as folded, replace(replace(replace(area_fold($1), '\', '\\'), '%', '\%'), '_', '\_') as escaped) q
			where a.search like '%' || q.escaped || '%' or q.folded <% a.search
			order by holds desc, near desc, a.level, a.code limit $2)
		select `+areaColumns+`, 0 as inside, null::int as households,
		       (select coalesce(jsonb_agg(u.name order by u.level), '[]') from area u
		        where u.id in (a.l0, a.l1, a.l2, a.l3, a.l4) and u.id <> a.id) as path`+areaFrom+`
		join found f on f.id = a.id
		order by a.valid_to is not null, f.holds desc, f.near desc, a.level, a.code`, text, maxFound)
	return list, err
}

// Change is a proposed change of areas, as it is listed and shown.
type Change struct {
	ID         db.ID        `db:"id"`
	Ref        string       `db:"ref"`
	Kind       string       `db:"kind"`
	State      string       `db:"state"`
	On         time.Time    `db:"on_day"`
	Reason     string       `db:"reason"`
	ReasonLang string       `db:"reason_lang"`
	Files      List         `db:"files"`
	Counts     Counts       `db:"counts"`
	ProposedAt time.Time    `db:"proposed_at"`
	ProposedBy db.ID        `db:"proposed_by"`
	Proposer   string       `db:"proposer"` // "" for a command
	DecidedAt  sql.NullTime `db:"decided_at"`
	Decider    string       `db:"decider"`
	Note       string       `db:"note"`
	NoteLang   string       `db:"note_lang"`
	Failure    string       `db:"failure"` // why an approved one could not be carried out: a message; "" where it could
}

// Shown is the state as people read it: an approved one that failed is no longer
// being carried out.
func (c Change) Shown() string {
	if c.State == "approved" && c.Failure != "" {
		return "failed"
	}
	return c.State
}

const changeColumns = `c.id, c.ref, c.kind, c.state, c.on_day, c.reason, c.reason_lang, to_jsonb(c.files) as files, c.counts,
	c.proposed_at, c.proposed_by, coalesce(s.name, '') as proposer, c.decided_at, coalesce(d.name, '') as decider, c.note, c.note_lang, c.failure`

const changeFrom = ` from area_change c left join staff s on s.id = c.proposed_by left join staff d on d.id = c.decided_by `

// Changes lists the latest changes that the actor answers for; another's draft
// is nobody's business yet.
func Changes(tx db.Tx, who Actor) ([]Change, error) {
	var list []Change
	err := tx.Select(&list, `
		select `+changeColumns+changeFrom+`
		where (c.state <> 'draft' or c.proposed_by = $3) and c.state <> 'withdrawn' and ($1 or `+answered("$2")+`)
		order by c.state not in ('draft', 'proposed'), c.proposed_at desc limit 100`, who.All, who.Areas, who.ID)
	return list, err
}

// ItemLine is one line of a diff.
type ItemLine struct {
	Seq      int       `db:"seq"`
	Code     string    `db:"code"`
	What     List      `db:"what"`
	Name     i18n.Text `db:"name"`
	Before   Before    `db:"before"`
	Kind     i18n.Text `db:"kind"`
	In       i18n.Text `db:"in_name"`  // of the area around it
	Was      i18n.Text `db:"was_name"` // of the one before, where that is another
	To       string    `db:"valid_to"`
	RestTo   string    `db:"rest_to"`   // P-code
	RestName i18n.Text `db:"rest_name"` // of that area
}

// ShowChange is a change that the actor answers for, with the part of its diff
// after a number; next is where more begins, 0 for no more.
func ShowChange(tx db.Tx, who Actor, ref, what string, after, limit int) (Change, []ItemLine, int, error) {
	var c Change
	id, err := lock(tx, who, ref)
	if err != nil {
		return c, nil, 0, err
	}
	if err := tx.Get(&c, `select `+changeColumns+changeFrom+`where c.id = $1 and (c.state <> 'draft' or c.proposed_by = $2 or $3)`, id, who.ID, who.All); err != nil {
		return c, nil, 0, err
	}
	var items []ItemLine
	if err := tx.Select(&items, `
		select i.seq, i.code, to_jsonb(i.what) as what, i.name, i.before, coalesce(i.valid_to::text, '') as valid_to,
		       coalesce(k.name, jsonb_build_object('en', initcap(replace(i.kind, '_', ' ')))) as kind,
		       coalesce((select t.name from area_change_item t where t.change_id = i.change_id and t.area_id = i.parent_id limit 1), u.name, '{}') as in_name,
		       coalesce((select t.name from area t where t.code = i.before->>'parent'), '{}') as was_name,
		       coalesce(r.code, a.code, '') as rest_to, coalesce(r.name, a.name, '{}') as rest_name
		from area_change_item i
		left join area_kind k on k.level = i.level and k.code = i.kind left join area u on u.id = i.parent_id
		left join area_change_item r on r.change_id = i.change_id and r.area_id = i.rest_to left join area a on a.id = i.rest_to
		where i.change_id = $1 and i.seq > $2 and ($3 = '' or $3 = any(i.what))
		order by i.seq limit $4`, id, after, what, limit+1); err != nil {
		return c, nil, 0, err
	}
	if len(items) > limit {
		return c, items[:limit], items[limit-1].Seq, nil
	}
	return c, items, 0, nil
}

// Past is one thing that happened to an area.
type Past struct {
	Ref    string    `db:"ref"`
	Kind   string    `db:"kind"`
	What   List      `db:"what"`
	On     time.Time `db:"on_day"`
	At     time.Time `db:"applied_at"`
	Name   i18n.Text `db:"name"`
	Before Before    `db:"before"`
	Was    i18n.Text `db:"was_name"` // of the area around it before, where that was another
	Reason string    `db:"reason"`
	Lang   string    `db:"reason_lang"`
}

// History lists what happened to an area, the latest first.
func History(tx db.Tx, id db.ID) ([]Past, error) {
	var list []Past
	err := tx.Select(&list, `
		select c.ref, c.kind, to_jsonb(i.what) as what, c.on_day, c.applied_at, i.name, i.before, c.reason, c.reason_lang,
		       coalesce((select t.name from area t where t.code = i.before->>'parent'), '{}') as was_name
		from area_change_item i join area_change c on c.id = i.change_id and c.state = 'applied'
		where i.area_id = $1 order by c.applied_at desc, i.version desc limit 200`, id)
	return list, err
}

// Link is an area that came before or after another.
type Link struct {
	Code string    `db:"code"`
	Name i18n.Text `db:"name"`
	On   time.Time `db:"on_day"`
}

// Links are the areas that an area's records came from and went to.
func Links(tx db.Tx, id db.ID) (from, to []Link, err error) {
	if err = tx.Select(&from, `
		select a.code, a.name, s.on_day from area_successor s join area a on a.id = s.from_id
		where s.to_id = $1 order by s.on_day, a.code`, id); err != nil {
		return nil, nil, err
	}
	err = tx.Select(&to, `
		select a.code, a.name, s.on_day from area_successor s join area a on a.id = s.to_id
		where s.from_id = $1 order by s.on_day, a.code`, id)
	return from, to, err
}

// Siblings lists the areas that one may be merged with: of its level, in the
// actor's areas, those beside it first.
func Siblings(tx db.Tx, who Actor, a Area) ([]Area, error) {
	var list []Area
	err := tx.Select(&list, `
		select `+areaColumns+areaFrom+`
		where a.level = $1 and a.id <> $2 and a.parent_id = $3 and a.valid_to is null and ($4 or `+within("a", "$5")+`)
		order by a.code limit 200`, a.Level, a.ID, a.Parent, who.All, who.Areas)
	return list, err
}

// Own lists the areas that the actor answers for, the largest first; none for
// somebody who answers for all of them.
func Own(tx db.Tx, who Actor) ([]Area, error) {
	var list []Area
	if who.All {
		return nil, nil
	}
	err := tx.Select(&list, `select `+areaColumns+areaFrom+`where a.id = any($1) and a.valid_to is null order by a.level, a.code`, who.Areas)
	return list, err
}

// Mine reports whether the actor answers for an area.
func Mine(tx db.Tx, who Actor, id db.ID) (bool, error) {
	if who.All {
		return true, nil
	}
	var mine bool
	err := tx.Get(&mine, `select exists (select from area a where a.id = $1 and `+within("a", "$2")+`)`, id, who.Areas)
	return mine, err
}

// ByRef is a change's identity, for a command.
func ByRef(tx db.Tx, ref string) (db.ID, error) {
	canonical, ok := registry.ParseRef(registry.RefAreas, ref)
	if !ok {
		return db.ID{}, fault.Hidden()
	}
	var id db.ID
	err := tx.Get(&id, `select id from area_change where ref = $1`, canonical)
	return id, err
}
