package importer

import (
	"errors"
	"io"
	"time"
)

// chunkRows is how many rows are looked up and written together.
const chunkRows = 2000

// chunk is some rows of one list, read and checked by themselves.
type chunk struct {
	n       int
	homes   []homeRow
	people  []personRow
	rosters []rosterRow
	groups  []groupRow
	members []groupMemberRow
	lines   []int
	found   [][]Problem // by row
	broken  []bool      // rows that could not even be cut into cells
	raw     [][]byte    // where somebody wants what is left out
	read    int64       // bytes of the list so far
}

func (l *layout) newChunk() *chunk {
	c := &chunk{lines: make([]int, chunkRows), found: make([][]Problem, chunkRows), broken: make([]bool, chunkRows), raw: make([][]byte, chunkRows)}
	switch {
	case l.table.Roster != nil:
		c.rosters = make([]rosterRow, chunkRows)
	case l.table.Code == Households:
		c.homes = make([]homeRow, chunkRows)
	case l.table.Code == Groups:
		c.groups = make([]groupRow, chunkRows)
	case l.table.Code == Members:
		c.members = make([]groupMemberRow, chunkRows)
	default:
		c.people = make([]personRow, chunkRows)
	}
	return c
}

// each reads a list chunk by chunk: the next is read while fn has the last.
func (r *run) each(l *layout, keepRaw bool, fn func(*chunk) error) error {
	rows, err := l.src.rows()
	if err != nil {
		return err
	}
	defer rows.done()
	p := &parser{layout: l, rows: rows, places: r.places, areas: r.m.Areas, dates: r.m.Dates, today: r.today()}
	if p.ageOn = p.today; r.m.AgeOn != "" {
		p.ageOn, _ = time.Parse(time.DateOnly, r.m.AgeOn) // the mapping was checked
	}
	if p.dates == "" {
		p.dates = "ymd"
	}
	free, full, failed := make(chan *chunk, 3), make(chan *chunk, 3), make(chan error, 1)
	for range 3 {
		free <- l.newChunk()
	}
	stop := make(chan struct{})
	go func() {
		defer close(full)
		for {
			var c *chunk
			select {
			case c = <-free:
			case <-stop:
				return
			}
			err := p.fill(c, keepRaw, r.m.List != "")
			if c.n > 0 {
				full <- c
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					failed <- err
				}
				return
			}
		}
	}()
	defer func() {
		close(stop)
		for range full { // until the reader has seen it
		}
	}()
	for c := range full {
		if err := fn(c); err != nil {
			return err
		}
		free <- c
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// fill reads the next rows; io.EOF with the last.
func (p *parser) fill(c *chunk, keepRaw, list bool) error {
	defer func() { c.read = p.rows.bytes }()
	for c.n = 0; c.n < chunkRows; c.n++ {
		broken, err := p.rows.next()
		if err != nil {
			return err
		}
		i := c.n
		p.found = nil
		c.lines[i], c.raw[i] = p.rows.number, nil
		if keepRaw {
			c.raw[i] = append([]byte(nil), p.rows.row...)
		}
		if c.broken[i] = broken != nil; broken != nil {
			c.found[i] = []Problem{*broken}
			continue
		}
		switch {
		case c.rosters != nil:
			p.roster(&c.rosters[i])
		case c.homes != nil:
			p.household(&c.homes[i], list)
		case c.groups != nil:
			p.group(&c.groups[i], list)
		case c.members != nil:
			p.groupMember(&c.members[i])
		default:
			p.person(&c.people[i], list)
		}
		c.found[i] = p.found
	}
	return nil
}
