package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"daftar/db"
	"daftar/demo"
	"daftar/registry"
	"daftar/registry/importer"
)

type importCmd struct {
	Kind    string   `arg:"" enum:"households" help:"What the files hold: households."`
	Files   []string `arg:"" type:"existingfile" help:"The files: households, then people."`
	Mapping string   `required:"" type:"existingfile" help:"How columns become fields."`
	DryRun  bool     `help:"Check and count, and write nothing."`
	SkipBad bool     `help:"Load the rows that are right and write the others' problems to a file."`
}

// shown is how many problems are printed; all of them are counted.
const shown = 50

// Run stages the files and, on a demo database, applies them in the name of a
// demo approver. Elsewhere the batch waits for somebody in the admin area.
func (cmd importCmd) Run(ctx context.Context, c *Config) error {
	if len(cmd.Files) != 2 {
		return usageError{fmt.Errorf("importing %s needs two files: the households and their people", cmd.Kind)}
	}
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
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
	start := time.Now()
	result, rejects, err := cmd.stage(ctx, s.db, who)
	if err != nil {
		return err
	}
	return cmd.finish(ctx, s.db, isDemo, result, rejects, start)
}

// importerID is the proposer of a batch that a command staged outside a demo.
var importerID = db.ID{0x64, 0x61, 0x66, 0x74, 0x61, 0x72, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}

func (cmd importCmd) stage(ctx context.Context, d *db.DB, who db.Principal) (importer.Result, string, error) {
	mapping, err := cmd.mapping(ctx, d)
	if err != nil {
		return importer.Result{}, "", fmt.Errorf("%s: %w", cmd.Mapping, err)
	}
	households, err := os.Open(cmd.Files[0])
	if err != nil {
		return importer.Result{}, "", err
	}
	defer func() { _ = households.Close() }()
	people, err := os.Open(cmd.Files[1])
	if err != nil {
		return importer.Result{}, "", err
	}
	defer func() { _ = people.Close() }()
	out := &problems{skip: cmd.SkipBad && !cmd.DryRun, name: strings.TrimSuffix(filepath.Base(cmd.Files[0]), ".csv") + ".rejects.csv"}
	result, err := importer.Stage(ctx, d, who, importer.Options{
		Mapping: mapping, SkipBad: cmd.SkipBad, DryRun: cmd.DryRun,
		Households: importer.File{Name: cmd.Files[0], Body: households},
		People:     importer.File{Name: cmd.Files[1], Body: people},
		Bad:        out.add, Progress: progress,
	})
	clearProgress()
	return result, out.name, errors.Join(err, out.close())
}

func (cmd importCmd) mapping(ctx context.Context, d *db.DB) (*importer.Mapping, error) {
	f, err := os.Open(cmd.Mapping)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var fields registry.Fields
	if err := d.View(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) (err error) {
		fields, err = registry.LoadFields(tx)
		return err
	}); err != nil {
		return nil, err
	}
	return importer.ReadMapping(f, fields)
}

func (cmd importCmd) finish(ctx context.Context, d *db.DB, isDemo bool, r importer.Result, rejects string, start time.Time) error {
	n := r.Counts
	fmt.Printf("read %d households and %d people\n", n.Households, n.People)
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
		fmt.Printf("%d rows were left out; their problems are in %s\n", n.Rejected, rejects)
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
	fmt.Printf("batch %s, approved by the demo's approver: %d new, %d changed, %d the same, in %.1f s (%.0f people/s)\n",
		r.Batch, n.Added, n.Changed, n.Unchanged, took.Seconds(), float64(n.People)/took.Seconds())
	return nil
}

// problems prints the first problems and, when rows are skipped, writes all of
// them to a file.
type problems struct {
	skip bool
	name string
	n    int
	file *os.File
	csv  *csv.Writer
	err  error
}

func (p *problems) add(b importer.Problem) {
	if p.n++; p.n <= shown {
		clearProgress()
		fmt.Fprintln(os.Stderr, b)
	}
	if !p.skip || p.err != nil {
		return
	}
	if p.file == nil {
		if p.file, p.err = os.Create(p.name); p.err != nil {
			return
		}
		p.csv = csv.NewWriter(p.file)
		p.err = p.csv.Write([]string{"file", "line", "column", "value", "rule"})
	}
	p.err = errors.Join(p.err, p.csv.Write([]string{b.File, strconv.Itoa(b.Line), b.Column, inert(b.Value), b.Rule}))
}

// inert keeps a spreadsheet from running a value as a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (p *problems) close() error {
	if p.file == nil {
		return p.err
	}
	p.csv.Flush()
	return errors.Join(p.err, p.csv.Error(), p.file.Close())
}

// progress shows how far the reading is, on a terminal only.
func progress(rows int) {
	if onTerminal() {
		fmt.Fprintf(os.Stderr, "\r%d rows", rows)
	}
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
