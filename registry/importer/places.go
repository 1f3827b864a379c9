package importer

import (
	"sync"

	"daftar/db"
	"daftar/registry/names"
)

// areaRow is an area that the files name and the registry may not have yet.
type areaRow struct {
	ID     db.ID             `json:"id"`
	Code   string            `json:"code"`
	Level  int               `json:"level"`
	Kind   string            `json:"kind"`
	Parent string            `json:"parent"`
	Name   map[string]string `json:"name"`
}

// places finds areas by what files call them.
type places struct {
	byCode map[string]db.ID
	byName map[string]db.ID // folded, in every language; the zero ID for a name that several have
	within map[db.ID]bool   // the officer's; nil for a command, which may write everywhere
	whole  bool             // the officer answers for a whole country
	ended  map[db.ID]bool
	inside map[string]string // the code of the area that each lies in; "" for a country

	mu   sync.Mutex
	made map[string]areaRow // of the mapping
	list []areaRow          // those that the registry does not have, parents first
}

// loadPlaces reads all areas. scope are the officer's areas; nil for a command.
func loadPlaces(tx db.Tx, scope []db.ID) (*places, error) {
	var rows []struct {
		ID    db.ID  `db:"id"`
		Code  string `db:"code"`
		Names string `db:"names"`
		Ended bool   `db:"ended"`
		Level int    `db:"level"`
		Mine  bool   `db:"mine"`
		In    string `db:"inside"`
	}
	if err := tx.Select(&rows, `
		select a.id, a.code, a.level, coalesce(up.code, '') as inside, a.valid_to is not null as ended,
		       coalesce((select string_agg(n.value, e'\n') from jsonb_each_text(a.name) n), '') as names,
		       coalesce(a.l0 = any($1) or a.l1 = any($1) or a.l2 = any($1) or a.l3 = any($1) or a.l4 = any($1) or a.l5 = any($1), false) as mine
		from area a left join area up on up.id = a.parent_id order by a.level, a.code`, scope); err != nil {
		return nil, err
	}
	p := &places{byCode: map[string]db.ID{}, byName: map[string]db.ID{}, ended: map[db.ID]bool{}, inside: map[string]string{}, made: map[string]areaRow{}, whole: scope == nil}
	if scope != nil {
		p.within = map[db.ID]bool{}
	}
	for _, a := range rows {
		p.byCode[a.Code], p.inside[a.Code] = a.ID, a.In
		if a.Ended {
			p.ended[a.ID] = true
			continue
		}
		if scope != nil && a.Mine {
			p.within[a.ID] = true
			p.whole = p.whole || a.Level == 0
		}
		for _, name := range splitLines(a.Names) {
			folded := names.Fold(name)
			if other, ok := p.byName[folded]; ok && other != a.ID {
				p.byName[folded] = db.ID{}
			} else {
				p.byName[folded] = a.ID
			}
		}
	}
	return p, nil
}

func splitLines(s string) []string {
	var list []string
	for from, i := 0, 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '\n' {
			if i > from {
				list = append(list, s[from:i])
			}
			from = i + 1
		}
	}
	return list
}

// find is the area of a code or a name; else the message of what is wrong.
func (p *places) find(text string) (db.ID, string) {
	id, ok := p.byCode[text]
	if !ok {
		if id, ok = p.byName[names.Fold(text)]; ok && id == (db.ID{}) {
			return id, "import.problem.area_several"
		}
	}
	switch {
	case !ok:
		return db.ID{}, "import.problem.area"
	case p.ended[id]:
		return db.ID{}, "import.problem.area_ended"
	case !p.mine(id):
		return db.ID{}, "import.problem.area_scope"
	}
	return id, ""
}

// mine reports whether the officer may write in an area.
func (p *places) mine(id db.ID) bool { return p.within == nil || p.within[id] }

// make notes an area that the mapping makes; false, and where it lies, when it
// was made elsewhere before or the registry has it elsewhere.
func (p *places) make(a areaRow) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in, ok := p.inside[a.Code]; ok {
		return in, in == a.Parent
	}
	if known, ok := p.made[a.Code]; ok {
		return known.Parent, known.Parent == a.Parent
	}
	p.made[a.Code] = a
	return "", true
}

// id is the identity of an area of the mapping, given to it now when it is new.
func (p *places) id(code string, newID func() db.ID) db.ID {
	if id, ok := p.byCode[code]; ok {
		return id
	}
	a := p.made[code]
	if a.Parent != "" {
		p.id(a.Parent, newID)
	}
	a.ID = newID()
	p.byCode[code] = a.ID
	p.list = append(p.list, a)
	return a.ID
}
