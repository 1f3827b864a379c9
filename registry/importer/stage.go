package importer

import (
	"bufio"
	"encoding/csv"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/registry"
)

// propose reads the lists a second time and stores what is new or different as
// one sealed change.
func (r *run) propose() (db.ID, error) {
	var err error
	if r.source, err = registry.AddSource(r.tx, registry.SourceImport, nil, r.label()); err != nil {
		return db.ID{}, err
	}
	change, err := registry.Propose(r.tx, registry.OriginBatch, nil)
	if err != nil {
		return db.ID{}, err
	}
	s := &stager{run: r, out: items{tx: r.tx, change: change}, day: r.today().Format(time.DateOnly), random: bufio.NewReaderSize(r.tx.Rand(), 4096)}
	if s.effective = r.m.On; s.effective == "" {
		s.effective = s.day
	}
	defer func() { _ = s.out.settle() }() // whatever ends it, nothing writes afterwards
	if err := r.indexRosters(); err != nil {
		return change, err
	}
	first := map[string]int{} // rows of each table so far
	for i, l := range r.layouts {
		base := r.done
		err := r.each(l, r.o.Left != nil, func(c *chunk) error {
			if err := s.chunk(i, l, c, first[l.table.Code]); err != nil {
				return err
			}
			first[l.table.Code] += c.n
			return r.tick("stage", base+c.read, first[l.table.Code])
		})
		if err != nil {
			return change, err
		}
		r.done += l.src.size
	}
	if err := s.outside(); err != nil {
		return change, err
	}
	if err := s.stageGroups(); err != nil {
		return change, err
	}
	return change, s.out.seal()
}

// label names the files in the source of the values.
func (r *run) label() string {
	var names []string
	for _, f := range r.o.Files {
		names = append(names, filepath.Base(f.Name))
	}
	return strings.Join(names, ", ")
}

// stager makes items of rows and writes them.
type stager struct {
	*run
	out       items
	day       string // of the import
	effective string // since when changes are so
	random    io.Reader
}

func (s *stager) chunk(src int, l *layout, c *chunk, first int) error {
	switch {
	case c.rosters != nil, c.groups != nil, c.members != nil:
		for i := range c.n {
			if s.badRows[src][int32(c.lines[i])] {
				s.leave(l, c.raw[i])
			}
		}
		return nil
	case c.homes != nil:
		return s.homeChunk(l, c, first)
	}
	return s.personChunk(l, c, first)
}

// leave leaves a line out.
func (s *stager) leave(l *layout, raw []byte) {
	s.counts.Rejected++
	if s.o.Left == nil {
		return
	}
	if !s.headers {
		s.headers = true
		for _, src := range s.sources {
			s.o.Left(src.name(), csvLine(src.header, src.delim))
		}
	}
	if l.src.spent { // without the number of the row
		_, raw, _ = cutNumber(raw)
	}
	s.o.Left(l.src.name(), raw)
}

// cutNumber cuts a spooled row after its number.
func cutNumber(raw []byte) (number, rest []byte, ok bool) {
	i := slices.Index(raw, ',')
	if i < 0 {
		return raw, nil, false
	}
	return raw[:i], raw[i+1:], true
}

func csvLine(cells []string, delim byte) []byte {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = rune(delim)
	_ = w.Write(cells) // a builder does not fail
	w.Flush()
	return []byte(b.String())
}

func (s *stager) homeChunk(l *layout, c *chunk, first int) error {
	var known []db.ID
	rostered := false
	for i := range c.n {
		switch st := s.homes[first+i]; {
		case st.state&isBad != 0:
		case st.state&isKnown != 0:
			known = append(known, st.id)
			fallthrough
		default:
			rostered = rostered || st.state&hasRows != 0
		}
	}
	old, err := s.old(known)
	if err != nil {
		return err
	}
	rosters, err := s.rostersOf(registry.KindHousehold, rostered, first, first+c.n)
	if err != nil {
		return err
	}
	for i := range c.n {
		st, h := s.homes[first+i], &c.homes[i]
		if st.state&isBad != 0 {
			s.leave(l, c.raw[i])
			continue
		}
		if h.areaCode != "" {
			h.area = s.places.id(h.areaCode, s.tx.NewID)
			s.touched[h.area] = true
		}
		if st.state&isKnown == 0 {
			if err := s.put(item{kind: registry.KindHousehold, id: st.id, data: s.encodeHome(h, s.newRows(rosters[first+i]))}); err != nil {
				return err
			}
			continue
		}
		if err := s.changeHome(old[st.id], l, h, rosters[first+i]); err != nil {
			return err
		}
	}
	return s.out.send()
}

func (s *stager) personChunk(l *layout, c *chunk, first int) error {
	var known []db.ID
	rostered := false
	refs := map[string]bool{}
	for i := range c.n {
		st := s.people[first+i]
		if st.state&isBad != 0 {
			continue
		}
		if st.state&isKnown != 0 {
			known = append(known, st.id)
		}
		rostered = rostered || st.state&hasRows != 0
		for _, whom := range c.people[i].caresFor {
			if ref, ok := registry.ParseRef(registry.RefPerson, whom); ok {
				refs[ref] = true
			}
		}
	}
	old, err := s.old(known)
	if err != nil {
		return err
	}
	rosters, err := s.rostersOf(registry.KindPerson, rostered, first, first+c.n)
	if err != nil {
		return err
	}
	others, err := s.byRef(sortedKeys(refs))
	if err != nil {
		return err
	}
	for i := range c.n {
		st, p := s.people[first+i], &c.people[i]
		if st.state&isBad != 0 {
			s.leave(l, c.raw[i])
			continue
		}
		place := place{since: p.since}
		if st.home >= 0 {
			place.home = s.homes[st.home].id
		}
		for _, whom := range p.caresFor {
			if ref, ok := registry.ParseRef(registry.RefPerson, whom); ok {
				place.cares = append(place.cares, others[ref])
			} else if n, ok := s.personKeys.get(p.household, whom); ok {
				place.cares = append(place.cares, s.people[n].id)
			}
		}
		if st.state&isKnown == 0 {
			if err := s.put(item{kind: registry.KindPerson, id: st.id, data: s.encodePerson(p, place, s.newRows(rosters[first+i]))}); err != nil {
				return err
			}
			continue
		}
		if err := s.changePerson(old[st.id], l, p, place, rosters[first+i]); err != nil {
			if !s.breaks(l, c, i, err) {
				return err
			}
		}
	}
	return s.out.send()
}

// breaks reports whether a row would make a record contradict itself, and leaves
// the row out.
func (s *stager) breaks(l *layout, c *chunk, i int, err error) bool {
	f, ok := err.(*fault.Error)
	if !ok || f.Code != fault.Conflict {
		return false
	}
	s.bad(l.at(c, i, slotHousehold, c.people[i].household, f.Key))
	s.leave(l, c.raw[i])
	return true
}

// place is where a row puts a person.
type place struct {
	home  db.ID
	since string
	cares []db.ID
}

// outside changes the households that no file lists and that rows of rosters are
// about.
func (s *stager) outside() error {
	var list []int
	for n, h := range s.homes {
		if h.state&isOutside != 0 && h.state&hasRows != 0 && h.state&isBad == 0 {
			list = append(list, n)
		}
	}
	for chunk := range slices.Chunk(list, chunkRows) {
		var ids []db.ID
		for _, n := range chunk {
			ids = append(ids, s.homes[n].id)
		}
		old, err := s.old(ids)
		if err != nil {
			return err
		}
		rosters, err := s.rostersOf(registry.KindHousehold, true, chunk[0], chunk[len(chunk)-1]+1)
		if err != nil {
			return err
		}
		for _, n := range chunk {
			if err := s.changeHome(old[s.homes[n].id], nil, &homeRow{}, rosters[n]); err != nil {
				return err
			}
		}
		if err := s.out.flush(); err != nil {
			return err
		}
	}
	return nil
}

// put proposes a record: a new one as something that happened, a known one as
// the mapping says.
func (s *stager) put(it item) error {
	it.nature, it.reason = registry.Event, "imported"
	if it.base == 0 {
		s.counts.Added++
	} else {
		s.counts.Changed++
		if s.m.Nature != "" {
			it.nature = registry.Nature(s.m.Nature)
		}
		it.on = s.m.On
	}
	return s.out.put(it)
}

// oldRecord is a record as it is now.
type oldRecord struct {
	id      db.ID
	version int
	data    []byte
}

func (s *stager) old(ids []db.ID) (map[db.ID]oldRecord, error) {
	out := map[db.ID]oldRecord{}
	if len(ids) == 0 {
		return out, nil
	}
	if err := s.out.settle(); err != nil {
		return nil, err
	}
	var rows []struct {
		ID      db.ID  `db:"id"`
		Version int    `db:"version"`
		Data    []byte `db:"data"`
	}
	err := s.tx.Select(&rows, `
		select u.id, v.version, v.data from unnest($1::uuid[]) u (id)
		cross join lateral (select r.version, r.data from record_state r where r.subject_id = u.id order by r.version desc limit 1) v`, registry.Texts(ids))
	for _, row := range rows {
		out[row.ID] = oldRecord{row.ID, row.Version, row.Data}
	}
	return out, err
}

func (s *stager) byRef(refs []string) (map[string]db.ID, error) {
	out := map[string]db.ID{}
	if len(refs) == 0 {
		return out, nil
	}
	if err := s.out.settle(); err != nil {
		return nil, err
	}
	var rows []struct {
		Ref string `db:"ref"`
		ID  db.ID  `db:"id"`
	}
	err := s.tx.Select(&rows, `select ref, id from person where ref = any($1)`, refs)
	for _, row := range rows {
		out[row.Ref] = row.ID
	}
	return out, err
}

// stagedRow is a row of a roster as a file has it.
type stagedRow struct {
	Owner  int    `db:"owner"`
	Roster string `db:"roster"`
	ID     string `db:"id"`
	Data   []byte `db:"data"`
}

func (r *run) indexRosters() error {
	if !slices.ContainsFunc(r.layouts, func(l *layout) bool { return l.table.Roster != nil }) {
		return nil
	}
	return r.tx.Exec(`create index on import_roster (subject, owner)`)
}

// rostersOf reads the rows of rosters of some owners, in the files' order.
func (s *stager) rostersOf(subject string, any bool, from, to int) (map[int][]stagedRow, error) {
	out := map[int][]stagedRow{}
	if !any {
		return out, nil
	}
	if err := s.out.settle(); err != nil {
		return nil, err
	}
	var rows []stagedRow
	err := s.tx.Select(&rows, `
		select owner, roster, id, data from import_roster where subject = $1 and owner >= $2 and owner < $3 order by owner, roster, seq`, subject, from, to)
	for _, row := range rows {
		out[row.Owner] = append(out[row.Owner], row)
	}
	return out, err
}

// newRows are the rosters of a new record.
func (s *stager) newRows(list []stagedRow) []fieldValue {
	var out []fieldValue
	for _, code := range rosterCodes(list) {
		out = append(out, fieldValue{key: code, value: s.mergeRows(nil, code, list)})
	}
	return out
}

func rosterCodes(list []stagedRow) []string {
	var codes []string
	for _, row := range list {
		if !slices.Contains(codes, row.Roster) {
			codes = append(codes, row.Roster)
		}
	}
	return codes
}
