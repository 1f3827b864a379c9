package importer

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"time"

	"daftar/db"
	"daftar/fault"
	"daftar/i18n"
	"daftar/registry"
)

// Options of an import.
type Options struct {
	Files    []File
	Mapping  *Mapping        // nil where the columns name themselves, as in a template
	Printers []*i18n.Printer // the languages in which answers may be written
	Scope    []db.ID         // the officer's areas; nil for a command, which may write everywhere
	Roles    []string        // and roles: fields that these may not edit are not taken
	SkipBad  bool            // propose what is right; otherwise one bad row refuses the whole
	DryRun   bool            // check and count, write nothing
	Bad      func(Problem)   // told of every problem as it is found
	// Left is told of every line that is left out, as it is in its file, and of
	// the headers of all files before the first: what can be corrected and loaded
	// again.
	Left     func(file string, line []byte)
	Progress func(Progress) // told now and then; an error stops the import
	Stop     func() error   // asked now and then
}

// Progress is how far an import is.
type Progress struct {
	Step  string // "unpack", "check", "stage"
	Done  int64  // of Total, in bytes of the files
	Total int64
	Rows  int
}

// Counts is what an import found.
type Counts struct {
	Households int `json:"households"` // rows in the files
	People     int `json:"people"`
	Rosters    int `json:"rosters"`
	Groups     int `json:"groups,omitempty"` // and their members
	Rejected   int `json:"rejected"`         // rows left out
	Added      int `json:"added"`            // households and people new to the registry
	Changed    int `json:"changed"`
	Unchanged  int `json:"unchanged"`
	Ended      int `json:"ended,omitempty"` // of a roll back: records that end, because they should not have been
}

// Result is the outcome of staging.
type Result struct {
	Counts   Counts
	Problems int
	Notices  int
	Batch    string // reference; "" when nothing was staged
}

// errRefused rolls back without being an error to the caller.
var errRefused = errors.New("refused")

// Stage reads the files, checks every row and stores what is new or different
// as one proposed change, to be approved by somebody else. Unless SkipBad is
// set, one problem refuses everything: nothing is written, and
// Result.Problems says how many there were.
func Stage(ctx context.Context, d *db.DB, who db.Principal, o Options) (Result, error) {
	var out Result
	r, done, err := open(o)
	if err != nil {
		return out, err
	}
	defer done()
	err = d.WithTx(ctx, who, func(tx db.Tx) error {
		if err := r.prepare(tx); err != nil {
			return err
		}
		if err := r.check(); err != nil {
			return err
		}
		if r.problems > 0 && !o.SkipBad {
			return errRefused
		}
		change, err := r.propose()
		if err != nil {
			return err
		}
		if out.Batch, err = r.store(change); err != nil {
			return err
		}
		if o.DryRun {
			return errRefused // everything up to here was only to count
		}
		return nil
	})
	out.Counts, out.Problems, out.Notices = r.counts, r.problems, r.notices
	if errors.Is(err, errRefused) {
		out.Batch, err = "", nil
	}
	return out, err
}

// run is one import under way.
type run struct {
	o       Options
	tx      db.Tx
	cat     *Catalogue
	m       *Mapping
	sources []*source
	layouts []*layout
	places  *places
	ids     func() db.ID
	present map[string]bool // whether anybody has a kind of number

	homes       []home
	people      []member
	homeKeys    keys
	personKeys  keys
	alike       alike
	knownHomes  map[db.ID]int32
	knownPeople map[db.ID]int32
	carers      []care
	badRows     map[int]map[int32]bool // rows of rosters and groups that are left out, by source
	groups      []group
	groupKeys   map[string]int // ordinals, by key and reference
	members     []groupMember

	rosterRows map[[2]int32]int // by list and owner
	touched    map[db.ID]bool   // areas where the records are
	homeless   bool             // somebody in it lives nowhere
	source     db.ID            // that values come from
	total      int64
	done       int64 // bytes of sources that were read
	counts     Counts
	problems   int
	notices    int
	rows       int
	headers    bool // were told to Left
}

// open finds the lists in the files.
func open(o Options) (*run, func(), error) {
	r := &run{o: o, m: o.Mapping, present: map[string]bool{}, homeKeys: newKeys(), personKeys: newKeys(), alike: newAlike(),
		knownHomes: map[db.ID]int32{}, knownPeople: map[db.ID]int32{}, badRows: map[int]map[int32]bool{}, touched: map[db.ID]bool{}, rosterRows: map[[2]int32]int{}, groupKeys: map[string]int{}}
	var closers []func()
	done := func() {
		for _, f := range closers {
			f()
		}
	}
	for _, f := range o.Files {
		list, close, err := f.sources()
		if err != nil {
			done()
			return nil, nil, err
		}
		closers = append(closers, close)
		r.sources = append(r.sources, list...)
	}
	return r, done, nil
}

// prepare reads what the registry knows and finds out what each list holds.
func (r *run) prepare(tx db.Tx) error {
	r.tx, r.ids = tx, tx.IDs()
	var err error
	if r.cat, err = LoadCatalogue(tx, r.o.Roles); err != nil {
		return err
	}
	if r.places, err = loadPlaces(tx, r.o.Scope); err != nil {
		return err
	}
	if r.m == nil {
		r.m = &Mapping{}
		if err := r.nameThemselves(); err != nil {
			return err
		}
	}
	if a := r.m.Areas; a != nil {
		r.places.made[a.Country.Code] = areaRow{Code: a.Country.Code, Kind: "country", Name: a.Country.Name}
	}
	if err := assign(r.sources, r.m); err != nil {
		return err
	}
	// Households before the people in them, and both before what they have.
	r.sources = slices.DeleteFunc(r.sources, func(s *source) bool { return s.kind == Nothing })
	order := func(s *source) int {
		return slices.IndexFunc(r.cat.Tables, func(t Table) bool { return t.Code == s.kind })
	}
	slices.SortStableFunc(r.sources, func(a, b *source) int { return order(a) - order(b) })
	if len(r.sources) == 0 {
		return fault.New(fault.Invalid, "import.error.nothing")
	}
	for _, s := range r.sources {
		table, ok := r.cat.Table(s.kind)
		if !ok {
			return readable(s.name(), "import.error.table")
		}
		l, err := newLayout(s, table, r.m, r.o.Printers)
		if err != nil {
			return err
		}
		if err := l.enough(); err != nil {
			return err
		}
		r.layouts = append(r.layouts, l)
	}
	return r.unpack()
}

// unpack makes the sheets of workbooks ready to be read.
func (r *run) unpack() error {
	for _, s := range r.sources {
		if s.spool == nil {
			continue
		}
		if err := s.spool(func(rows int64) { r.tell(Progress{Step: "unpack", Rows: int(rows)}) }); err != nil {
			return err
		}
		_, close, err := s.open() // its size is known now
		if err != nil {
			return err
		}
		close()
	}
	for _, s := range r.sources {
		r.total += s.size
	}
	return nil
}

func (r *run) tell(p Progress) {
	if r.o.Progress != nil {
		r.o.Progress(p)
	}
}

// tick is called after every few rows.
func (r *run) tick(step string, base int64, rows int) error {
	r.tell(Progress{Step: step, Done: base, Total: r.total, Rows: rows})
	if r.o.Stop != nil {
		if err := r.o.Stop(); err != nil {
			return err
		}
	}
	return r.tx.Context().Err()
}

func (r *run) bad(p Problem) {
	if p.Notice {
		r.notices++
	} else {
		r.problems++
	}
	if r.o.Bad != nil {
		r.o.Bad(p)
	}
}

// today is the day of the import.
func (r *run) today() time.Time {
	t := r.tx.Now()
	if len(r.o.Printers) > 0 && r.o.Printers[0].Zone != nil {
		return registry.Today(t, r.o.Printers[0].Zone)
	}
	return registry.Today(t, time.UTC)
}

// digest is over the files as they are, in the order given.
func (r *run) digest() ([]byte, error) {
	sum := sha256.New()
	for _, f := range r.o.Files {
		if _, err := io.Copy(sum, io.NewSectionReader(f.Body, 0, f.Size)); err != nil {
			return nil, err
		}
	}
	return sum.Sum(nil), nil
}
