package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"daftar/db"
	"daftar/demo"
	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry/areas"
)

// maxAreasFile bounds what a command reads, in bytes.
const maxAreasFile = areas.MaxBoundaryFile

// firstAreasID approves the very first areas of a registry: before there is an
// area, nobody can have a role in one.
var firstAreasID = db.ID{0x64, 0x61, 0x66, 0x74, 0x61, 0x72, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 2}

// areas shows what a file would do, and proposes it. On a demo database the
// demo's approver approves it; in an empty registry the command itself does.
func (cmd importCmd) areas(ctx context.Context, c *Config) error {
	if len(cmd.Files) != 1 {
		return usageError{errors.New("importing areas needs one file")}
	}
	start := time.Now()
	on := start
	if cmd.On != "" {
		day, err := time.Parse(time.DateOnly, cmd.On)
		if err != nil || day.After(start) {
			return usageError{errors.New("--on is a day such as 2026-03-02, today or earlier")}
		}
		on = day
	}
	b, err := readBounded(cmd.Files[0], maxAreasFile)
	if err != nil {
		return err
	}
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		return err
	}
	proposer, approver, err := hands(ctx, s.db)
	if err != nil {
		return err
	}
	out := areasReport{p: messages.Printer(i18n.Source), file: filepath.Base(cmd.Files[0])}
	ref, err := cmd.proposeAreas(ctx, s.db, proposer, b, on.Format(time.DateOnly), &out)
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Invalid {
		return errors.New(out.say(f.Key, f.Args))
	}
	if err != nil || ref == "" {
		return err
	}
	if approver == (db.Principal{}) {
		fmt.Printf("proposed as %s. Somebody else has to approve it in the admin area\n", ref)
		return nil
	}
	all := areas.Actor{All: true}
	var id db.ID
	if err := s.db.WithTx(ctx, approver, func(tx db.Tx) (err error) {
		if err := areas.Approve(tx, all, ref); err != nil {
			return err
		}
		id, err = areas.ByRef(tx, ref)
		return err
	}); err != nil {
		return err
	}
	if err := areas.Apply(ctx, s.db, id); err != nil {
		return err
	}
	fmt.Printf("%s is approved and done, in %.1f s\n", ref, time.Since(start).Seconds())
	return nil
}

// hands are who proposes and who approves what a command does; no approver
// where somebody has to do it in the admin area.
func hands(ctx context.Context, d *db.DB) (proposer, approver db.Principal, err error) {
	isDemo, err := demo.Is(ctx, d)
	if err != nil {
		return proposer, approver, err
	}
	if isDemo {
		if proposer, err = demo.Staff(ctx, d, "dataquality"); err == nil {
			approver, err = demo.Staff(ctx, d, "approver")
		}
		return proposer, approver, err
	}
	proposer = db.Principal{Role: db.Jobs, Kind: "job", Actor: importerID}
	var empty bool
	err = d.View(ctx, proposer, func(tx db.Tx) error { return tx.Get(&empty, `select not exists (select from area)`) })
	if empty {
		approver = db.Principal{Role: db.Jobs, Kind: "job", Actor: firstAreasID}
	}
	return proposer, approver, err
}

func (cmd importCmd) proposeAreas(ctx context.Context, d *db.DB, who db.Principal, b []byte, on string, out *areasReport) (ref string, err error) {
	all := areas.Actor{ID: who.Actor, All: true}
	upload, err := areas.ReadUpload(b)
	if err != nil {
		return "", err
	}
	err = d.WithTx(ctx, who, func(tx db.Tx) error {
		plan, err := upload.Plan(tx, all, areas.Options{On: on, KeepMissing: cmd.KeepMissing})
		if err != nil {
			return err
		}
		out.plan(plan)
		switch {
		case len(plan.Problems) > 0:
			return fmt.Errorf("%d problems: nothing was written", len(plan.Problems))
		case len(plan.Items) == 0:
			fmt.Printf("nothing to do: all %d areas are in the registry already, the same\n", plan.Counts.Same)
			return nil
		case cmd.DryRun:
			fmt.Println("dry run, nothing was written")
			return nil
		}
		if ref, err = areas.Propose(tx, areas.Draft{Kind: upload.Kind(), On: on, Files: []string{out.file}, Digest: areas.Digest(b)}, plan); err != nil {
			return err
		}
		return areas.Send(tx, all, ref)
	})
	return ref, err
}

// areasReport prints a diff in the source language.
type areasReport struct {
	p    *i18n.Printer
	file string
}

func (r areasReport) say(key string, args map[string]any) string {
	var pairs []any
	for name, value := range args {
		if t, ok := value.(i18n.Text); ok {
			value = t.In(r.p)
		}
		pairs = append(pairs, name, value)
	}
	return r.p.T(key, pairs...)
}

func (r areasReport) plan(p *areas.Plan) {
	for i, b := range p.Problems {
		if i == shown {
			fmt.Fprintf(os.Stderr, "and %d more problems\n", len(p.Problems)-shown)
			break
		}
		value := ""
		if b.Value != "" {
			value = fmt.Sprintf(" = %q", b.Value)
		}
		fmt.Fprintf(os.Stderr, "%s:%s%s: %s\n", r.file, b.Where(), value, r.say(b.Key, b.Args))
	}
	for i, it := range p.Items {
		if i == shown {
			fmt.Printf("… and %d more\n", len(p.Items)-shown)
			break
		}
		fmt.Println(r.line(it))
	}
	var parts []string
	for _, what := range areas.Whats() {
		if n := p.Counts.What[what]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, r.p.T("areas.what."+what)))
		}
	}
	parts = append(parts, fmt.Sprintf("%d the same", p.Counts.Same))
	fmt.Println(strings.Join(parts, ", "))
}

// line is one line of the diff: the code, what happens, the name, what it was.
func (r areasReport) line(it areas.Item) string {
	var what []string
	for _, w := range it.What {
		what = append(what, r.p.T("areas.what."+w))
	}
	s := fmt.Sprintf("%-14s %-10s %s", it.Code, strings.Join(what, ", "), it.Name.In(r.p))
	if it.Before.Name != nil {
		s += fmt.Sprintf(" (was %s)", it.Before.Name.In(r.p))
	}
	if it.Before.Parent != "" {
		s += fmt.Sprintf(" (in %s, was in %s)", it.ParentCode, it.Before.Parent)
	}
	return s
}

func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d MB", name, limit>>20)
	}
	return b, err
}
