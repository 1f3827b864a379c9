package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"daftar/db"
	"daftar/demo"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry/importer"
)

type importCmd struct {
	Kind     string   `arg:"" enum:"households,people,groups,areas" help:"What the files hold: households and their people, people, groups and their members, or areas."`
	Files    []string `arg:"" type:"existingfile" help:"The files, CSV or XLSX: lists of households, people and what they have; or one list of areas (XLSX) or of outlines (GeoJSON)."`
	Mapping  string   `type:"existingfile" help:"What the columns are (YAML). Without it they name themselves, as in a template."`
	Encoding string   `enum:"utf-8,utf-16,windows-1252,windows-1256,windows-1251" default:"utf-8" help:"Of CSV files: ${enum}."`
	DryRun   bool     `help:"Check and count, and write nothing."`
	SkipBad  bool     `help:"Load the rows that are right and write the others to files, to be corrected and loaded again."`

	On          string `placeholder:"YYYY-MM-DD" help:"For areas: since when it is so; today."`
	KeepMissing bool   `help:"For areas: those that the file does not name stay as they are."`
}

// shown is how many problems are printed; all of them are counted.
const shown = 50

// Run stages the files and, on a demo database, applies them in the name of a
// demo approver. Elsewhere the batch waits for somebody in the admin area.
func (cmd importCmd) Run(ctx context.Context, c *Config) error {
	if cmd.Kind == "areas" {
		return cmd.areas(ctx, c)
	}
	m, err := cmd.mapping() // before a database is made for nothing
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.Mapping, err)
	}
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.settled(ctx, c, say); err != nil {
		return err
	}
	isDemo, err := demo.Is(ctx, s.db)
	if err != nil {
		return err
	}
	who := db.Principal{Role: db.Jobs, Kind: "job", Actor: importerID}
	if isDemo {
		if who, err = demo.Staff(ctx, s.db, "dataquality"); err != nil {
			return err
		}
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	start := time.Now()
	result, out, err := cmd.stage(ctx, s.db, who, m)
	if err != nil {
		return err
	}
	return cmd.finish(ctx, s.db, isDemo, result, out, start)
}

// memory is what the command tries to keep within, in bytes: what has to be known of a
// million people at once is 140 MB, and without a limit as much again is waste
// that nobody has collected yet.
const memory = 220 << 20

// importerID is the proposer of a batch that a command staged outside a demo.
var importerID = db.ID{0x64, 0x61, 0x66, 0x74, 0x61, 0x72, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}

func (cmd importCmd) stage(ctx context.Context, d *db.DB, who db.Principal, m *importer.Mapping) (importer.Result, *report, error) {
	printers, err := printers()
	if err != nil {
		return importer.Result{}, nil, err
	}
	o := importer.Options{Printers: printers, Mapping: m, SkipBad: cmd.SkipBad, DryRun: cmd.DryRun, Progress: progress}
	if m != nil {
		if err := d.View(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
			c, err := importer.LoadCatalogue(tx, nil)
			if err != nil {
				return err
			}
			return m.Check(c)
		}); err != nil {
			return importer.Result{}, nil, fmt.Errorf("%s: %w", cmd.Mapping, err)
		}
	}
	for _, name := range cmd.Files {
		f, err := os.Open(name)
		if err != nil {
			return importer.Result{}, nil, err
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			return importer.Result{}, nil, err
		}
		o.Files = append(o.Files, importer.File{Name: name, Body: f, Size: info.Size(), Choices: importer.Choices{Encoding: cmd.Encoding}})
	}
	out := &report{p: printers[0], files: map[string]*os.File{}}
	o.Bad = out.show
	if cmd.SkipBad && !cmd.DryRun {
		out.problems = beside(cmd.Files[0], "problems")
		o.Left = out.left
	}
	result, err := importer.Stage(ctx, d, who, o)
	clearProgress()
	if p, ok := importer.AboutFile(err); ok {
		err = errors.New(p.Say(printers[0]))
	}
	return result, out, errors.Join(err, out.close())
}

// printers are all languages, English first.
func printers() ([]*i18n.Printer, error) {
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		return nil, err
	}
	var list []*i18n.Printer
	for _, l := range messages.Locales() {
		list = append(list, messages.Printer(l.Tag))
	}
	return list, nil
}

// mapping reads the mapping; nil when none is given.
func (cmd importCmd) mapping() (*importer.Mapping, error) {
	if cmd.Mapping == "" {
		return nil, nil
	}
	f, err := os.Open(cmd.Mapping)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return importer.DecodeMapping(f)
}

func (cmd importCmd) finish(ctx context.Context, d *db.DB, isDemo bool, r importer.Result, out *report, start time.Time) error {
	n := r.Counts
	if r.Notices > 0 {
		fmt.Printf("%d notes\n", r.Notices)
	}
	fmt.Printf("read %d households and %d people\n", n.Households, n.People)
	if n.Groups > 0 {
		fmt.Printf("read %d rows of groups and their members\n", n.Groups)
	}
	if r.Problems > shown {
		fmt.Printf("%d problems in all; the first %d are above\n", r.Problems, shown)
	}
	switch {
	case r.Problems > 0 && !cmd.SkipBad:
		return fmt.Errorf("%d problems: nothing was written. Correct the files, or use --skip-bad to load the rest", r.Problems)
	case cmd.DryRun:
		fmt.Printf("dry run, nothing was written: %d new, %d changed, %d the same, %d rejected\n", n.Added, n.Changed, n.Unchanged, n.Rejected)
		return nil
	case r.Problems > 0:
		fmt.Printf("%d rows were left out. What is wrong: %s. To correct and load again: %s\n", n.Rejected, out.problems, strings.Join(out.rejects, " "))
	}
	if n.Added+n.Changed == 0 {
		fmt.Printf("nothing to do: all %d records are in the registry already, the same\n", n.Unchanged)
		return nil
	}
	if !isDemo {
		fmt.Printf("staged as batch %s: %d new, %d changed, %d the same. Somebody else has to approve it in the admin area\n", r.Batch, n.Added, n.Changed, n.Unchanged)
		return nil
	}
	approver, err := demo.Staff(ctx, d, "approver")
	if err != nil {
		return err
	}
	if err := importer.Apply(ctx, d, approver, r.Batch); err != nil {
		return err
	}
	took := time.Since(start)
	if err := demo.Reach(ctx, d); err != nil {
		return err
	}
	fmt.Printf("batch %s, approved by the demo's approver: %d new, %d changed, %d the same, in %.1f s (%.0f people/s)\n",
		r.Batch, n.Added, n.Changed, n.Unchanged, took.Seconds(), float64(n.People)/took.Seconds())
	return nil
}

// beside names a file of an import's report, in the working directory.
func beside(file, what string) string {
	base := filepath.Base(file)
	for _, ext := range []string{".csv", ".xlsx"} {
		base = strings.TrimSuffix(base, ext)
	}
	return strings.NewReplacer(".csv:", ".", ".xlsx:", ".").Replace(base) + "." + what + ".csv"
}

// report prints the first problems. Where rows are left out it writes all
// problems to a file, and the rows to files like those they came from.
type report struct {
	p        *i18n.Printer
	problems string   // file name; "" for none
	rejects  []string // names of the files with rows that were left out
	n        int
	csv      *csv.Writer
	files    map[string]*os.File
	err      error
}

// open returns a file of the report, made when it is first needed; nil when
// something went wrong.
func (r *report) open(name string) *os.File {
	if f, ok := r.files[name]; ok || r.err != nil {
		return f
	}
	f, err := os.Create(name)
	if err != nil {
		r.err = err
		return nil
	}
	r.files[name] = f
	return f
}

func (r *report) show(b importer.Problem) {
	if r.n++; r.n <= shown {
		clearProgress()
		fmt.Fprintln(os.Stderr, b.Say(r.p))
	}
	if r.problems == "" {
		return
	}
	if f := r.open(r.problems); f != nil && r.csv == nil {
		r.csv = csv.NewWriter(f)
		r.err = r.csv.Write([]string{"file", "line", "column", "value", "rule"})
	}
	if r.err == nil {
		r.err = r.csv.Write([]string{strings.TrimSuffix(b.File+":"+b.Sheet, ":"), strconv.Itoa(b.Line), b.Column, inert(b.Value), b.Rule(r.p)})
	}
}

func (r *report) left(file string, line []byte) {
	name := beside(file, "rejects")
	f := r.open(name)
	if f == nil {
		return
	}
	if !slices.Contains(r.rejects, name) {
		r.rejects = append(r.rejects, name)
	}
	if line = bytes.TrimRight(line, "\r\n"); r.err == nil {
		_, r.err = f.Write(append(line, '\n'))
	}
}

// inert keeps a spreadsheet from running a value as a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (r *report) close() error {
	if r.csv != nil {
		r.csv.Flush()
		r.err = errors.Join(r.err, r.csv.Error())
	}
	for _, f := range r.files {
		r.err = errors.Join(r.err, f.Close())
	}
	return r.err
}

// progress shows how far the reading is, on a terminal only.
func progress(p importer.Progress) {
	if !onTerminal() {
		return
	}
	what := map[string]string{"unpack": "unpacked", "check": "checked", "stage": "proposed"}[p.Step]
	if p.Total == 0 {
		fmt.Fprintf(os.Stderr, "\r\033[K%s %d rows", what, p.Rows)
		return
	}
	fmt.Fprintf(os.Stderr, "\r\033[K%s %d rows, %d %%", what, p.Rows, 100*p.Done/p.Total)
}

func clearProgress() {
	if onTerminal() {
		fmt.Fprint(os.Stderr, "\r\033[K")
	}
}

func onTerminal() bool {
	info, err := os.Stderr.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
