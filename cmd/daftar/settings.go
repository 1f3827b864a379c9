package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"daftar/db"
	"daftar/demo"
	"daftar/fault"
	"daftar/i18n"
	"daftar/locales"
	"daftar/registry/settings"
)

type settingsCmd struct {
	Export settingsExport `cmd:"" help:"Print the country's settings as one file."`
	Import settingsImport `cmd:"" help:"Bring a file of settings in, or show what it would change."`
}

type settingsExport struct{}

// Run prints the file.
func (settingsExport) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	var state *settings.State
	if err := s.db.View(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) (err error) {
		state, err = settings.Read(tx)
		return err
	}); err != nil {
		return err
	}
	_, err = state.File().WriteTo(os.Stdout)
	return err
}

type settingsImport struct {
	File   string `arg:"" type:"existingfile" help:"A file as export prints it, or a part of one."`
	DryRun bool   `help:"Show what would change, and write nothing."`
}

// Run shows what the file would change and proposes it. On a demo database the
// demo's data protection officer approves it; where nobody works yet the command
// itself does; elsewhere it waits for somebody in the admin area.
func (cmd settingsImport) Run(ctx context.Context, c *Config) error {
	content, err := readBounded(cmd.File, settings.MaxFile)
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
	p := messages.Printer(i18n.Source)
	proposer, approver, err := settingHands(ctx, s.db)
	if err != nil {
		return err
	}
	var ref string
	var items int
	err = s.db.WithTx(ctx, proposer, func(tx db.Tx) error {
		proposal, err := settings.FromFile(tx, filepath.Base(cmd.File), content)
		if items = len(proposal.Items); err != nil || items == 0 {
			return err
		}
		drafts, err := settings.Drafts(tx, proposal.Items)
		if err != nil {
			return err
		}
		fmt.Print(difference(p, proposal.Items, drafts))
		if cmd.DryRun {
			return nil
		}
		ref, _, err = settings.Propose(tx, proposal)
		return err
	})
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.Invalid {
		return errors.New(problemsOf(p, cmd.File, f))
	}
	switch {
	case err != nil:
		return err
	case items == 0:
		fmt.Println("nothing to do: everything in the file is so already")
		return nil
	case cmd.DryRun:
		fmt.Println("dry run, nothing was written")
		return nil
	case approver == (db.Principal{}):
		fmt.Printf("proposed as %s. Somebody else has to approve it in the admin area\n", ref)
		return nil
	}
	if err := settings.Finish(ctx, s.db, ref, proposer, approver); err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	fmt.Printf("%s is approved and holds from now on\n", ref)
	return nil
}

// settingHands are who proposes and who approves; no approver where somebody
// has to do it in the admin area.
func settingHands(ctx context.Context, d *db.DB) (proposer, approver db.Principal, err error) {
	isDemo, err := demo.Is(ctx, d)
	if err != nil {
		return proposer, approver, err
	}
	if isDemo {
		if proposer, err = demo.Staff(ctx, d, "sysadmin"); err == nil {
			approver, err = demo.Staff(ctx, d, "dpo")
		}
		return proposer, approver, err
	}
	proposer = db.Principal{Role: db.Jobs, Kind: "job", Actor: importerID}
	var alone bool
	err = d.View(ctx, proposer, func(tx db.Tx) error { return tx.Get(&alone, `select not exists (select from staff_scope)`) })
	if alone {
		approver = db.Principal{Role: db.Jobs, Kind: "job", Actor: firstAreasID}
	}
	return proposer, approver, err
}

// difference is a change in the source language, a line for each value.
func difference(p *i18n.Printer, items []settings.Item, drafts map[string]bool) string {
	var b strings.Builder
	for _, it := range items {
		key, about := it.Title()
		title := strings.TrimSpace(p.T(key) + " " + about)
		if it.Before == nil {
			title += " (new)"
		}
		fmt.Fprintln(&b, title)
		if drafts[it.Key] && it.Kind == settings.KindField {
			fmt.Fprintln(&b, "  ! "+p.T("setting.replaces_draft"))
		}
		for _, l := range it.Lines() {
			switch {
			case l.Old == "":
				fmt.Fprintf(&b, "  + %s: %s\n", l.Path, l.New)
			case l.New == "":
				fmt.Fprintf(&b, "  - %s: %s\n", l.Path, l.Old)
			default:
				fmt.Fprintf(&b, "  ~ %s: %s → %s\n", l.Path, l.Old, l.New)
			}
		}
	}
	return b.String()
}

// problemsOf puts what is wrong into one line each.
func problemsOf(p *i18n.Printer, file string, f *fault.Error) string {
	if len(f.Fields) == 0 {
		return file + ": " + p.T(f.Key, pairsOf(f.Args)...)
	}
	lines := []string{fmt.Sprintf("nothing was written: %s has mistakes (%d)", file, len(f.Fields))}
	for i, one := range f.Fields {
		if i == shown {
			lines = append(lines, fmt.Sprintf("and %d more", len(f.Fields)-shown))
			break
		}
		args := one.Args
		if why, ok := args["Why"].(fault.Nested); ok {
			args["Why"] = p.T(why.Key, pairsOf(why.Args)...)
		}
		lines = append(lines, "  "+p.T(one.Key, pairsOf(args)...))
	}
	return strings.Join(lines, "\n")
}

func pairsOf(args map[string]any) []any {
	var list []any
	for name, value := range args {
		list = append(list, name, value)
	}
	return list
}
