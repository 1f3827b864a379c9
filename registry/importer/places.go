package importer

import (
	"strings"
	"sync"

	"daftar/db"
	"daftar/i18n"
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
	byName map[string]db.ID   // folded, in every language; the zero ID for a name that several have
	alike  map[string][]db.ID // those that share a folded name
	named  map[db.ID]areaName
	within map[db.ID]bool // the officer's; nil for a command, which may write everywhere
	whole  bool           // the officer answers for a whole country
	ended  map[db.ID]bool
	inside map[string]string // the code of the area that each lies in; "" for a country

	mu   sync.Mutex
	made map[string]areaRow // of the mapping
	list []areaRow          // those that the registry does not have, parents first
}

// areaName is what an area is called.
type areaName struct {
	code string
	name i18n.Text
}

// loadPlaces reads all areas. scope are the officer's areas; nil for a command.
func loadPlaces(tx db.Tx, scope []db.ID) (*places, error) {
	var rows []struct {
		ID    db.ID     `db:"id"`
		Code  string    `db:"code"`
		Name  i18n.Text `db:"name"`
		Ended bool      `db:"ended"`
		Level int       `db:"level"`
		Mine  bool      `db:"mine"`
		In    string    `db:"inside"`
	}
	if err := tx.Select(&rows, `
		select a.id, a.code, a.level, coalesce(up.code, '') as inside, a.valid_to is not null as ended,
		       a.name,
		       coalesce(a.l0 = any($1) or a.l1 = any($1) or a.l2 = any($1) or a.l3 = any($1) or a.l4 = any($1) or a.l5 = any($1), false) as mine
		from area a left join area up on up.id = a.parent_id order by a.level, a.code`, scope); err != nil {
		return nil, err
	}
	p := &places{byCode: map[string]db.ID{}, byName: map[string]db.ID{}, ended: map[db.ID]bool{}, inside: map[string]string{}, alike: map[string][]db.ID{}, named: map[db.ID]areaName{}, made: map[string]areaRow{}, whole: scope == nil}
	if scope != nil {
		p.within = map[db.ID]bool{}
	}
	for _, a := range rows {
		p.byCode[a.Code], p.inside[a.Code], p.named[a.ID] = a.ID, a.In, areaName{a.Code, a.Name}
		if a.Ended {
			p.ended[a.ID] = true
			continue
		}
		if scope != nil && a.Mine {
			p.within[a.ID] = true
			p.whole = p.whole || a.Level == 0
		}
		for _, name := range a.Name {
			folded := names.Fold(name)
			other, ok := p.byName[folded]
			switch {
			case !ok:
				p.byName[folded] = a.ID
			case other == db.ID{}:
				if list := p.alike[folded]; list[len(list)-1] != a.ID {
					p.alike[folded] = append(list, a.ID)
				}
			case other != a.ID:
				p.byName[folded], p.alike[folded] = db.ID{}, []db.ID{other, a.ID}
			}
		}
	}
	return p, nil
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

// answer is the code of the area that an answer names, wherever it lies; else the
// message of what is wrong, with its values.
func (p *places) answer(text string) (code, why string, args []any) {
	typed := strings.TrimSpace(i18n.LatinDigits(text))
	id, ok := p.byCode[strings.ToUpper(typed)]
	folded := names.Fold(typed)
	if !ok {
		id, ok = p.byName[folded]
	}
	switch {
	case !ok:
		return "", "field.error.place", nil
	case id == db.ID{}:
		return "", "field.error.places", []any{"Places", p.candidates(p.alike[folded])}
	case p.ended[id]:
		return "", "import.problem.area_ended", nil
	}
	return p.named[id].code, "", nil
}

// maxCandidates is how many areas a message names.
const maxCandidates = 5

// candidates names areas in every language, with their codes.
func (p *places) candidates(list []db.ID) i18n.Text {
	text := i18n.Text{}
	for _, l := range i18n.Shipped() {
		var parts []string
		for _, id := range list[:min(len(list), maxCandidates)] {
			a := p.named[id]
			name := a.name[l.Tag]
			if name == "" {
				name = a.name[i18n.Source]
			}
			parts = append(parts, name+" "+a.code)
		}
		text[l.Tag] = strings.Join(parts, " · ")
	}
	return text
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
