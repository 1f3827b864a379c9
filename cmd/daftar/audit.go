package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/fault"
	"daftar/registry/audit"
	"daftar/registry/audit/seal"
)

type auditCmd struct {
	Verify      auditVerify      `cmd:"" help:"Check the whole log, or one receipt, against checkpoints that somebody else keeps."`
	Checkpoints auditCheckpoints `cmd:"" help:"Print checkpoints, for somebody else to keep."`
	Keys        auditKeysCmd     `cmd:"" help:"Print the public keys that sign checkpoints."`
	Rotate      auditRotate      `cmd:"" help:"Make a new key; or, when the new one is known, retire the old."`
	AcceptLoss  auditAcceptLoss  `cmd:"" help:"Go on after entries were lost for good: under a new name, so that everybody sees it."`
}

type auditVerify struct {
	Checkpoints string `type:"path" placeholder:"F" help:"File or directory of checkpoints; without it, the log is only compared with itself."`
	Receipt     string `placeholder:"R" help:"A leaf hash, or a file with a proof; that needs no database."`
	Keys        string `type:"path" placeholder:"F" help:"File of public keys, a line each, instead of those of the key store."`
}

// Run prints what is wrong, a line each, and fails if anything is.
func (cmd auditVerify) Run(ctx context.Context, c *Config) error {
	var given []string
	if cmd.Checkpoints != "" {
		var err error
		if given, err = seal.ReadNotes(cmd.Checkpoints); err != nil {
			return err
		}
		if len(given) == 0 {
			return fmt.Errorf("there is no checkpoint in %s", cmd.Checkpoints)
		}
	}
	if _, err := os.Stat(cmd.Receipt); cmd.Receipt != "" && err == nil {
		return cmd.file(c, given)
	}
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	view := s.reading(ctx)
	origins, err := origins(view)
	if err != nil {
		return err
	}
	trust, err := cmd.trust(s, append(given, origins...))
	if err != nil {
		return err
	}
	if cmd.Receipt != "" {
		return cmd.receipt(view, trust, given)
	}
	report, err := seal.Verify(view, trust, given, progressOf())
	clearProgress()
	if err != nil {
		return err
	}
	return tell(report)
}

// reading runs functions as somebody who sees every entry and changes none.
func (s *store) reading(ctx context.Context) func(func(db.Tx) error) error {
	return func(fn func(db.Tx) error) error { return s.db.View(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, fn) }
}

// origins are all names that the log ever had.
func origins(view func(func(db.Tx) error) error) (all []string, err error) {
	err = view(func(tx db.Tx) (err error) {
		_, all, err = seal.Origin(tx)
		return err
	})
	return all, err
}

// verify verifies the log with the key store's keys, against the checkpoints in
// a directory; "" for none.
func (s *store) verify(ctx context.Context, dir string) (seal.Report, error) {
	var given []string
	var err error
	if dir != "" {
		if given, err = seal.ReadNotes(dir); err != nil {
			return seal.Report{}, err
		}
	}
	view := s.reading(ctx)
	names, err := origins(view)
	if err != nil {
		return seal.Report{}, err
	}
	keys, err := auditKeys(s.keys)
	if err != nil {
		return seal.Report{}, err
	}
	trust, err := keys.Trust(append(names, given...)...)
	if err != nil {
		return seal.Report{}, err
	}
	return seal.Verify(view, trust, given, nil)
}

func (cmd auditVerify) trust(s *store, notes []string) (seal.Trust, error) {
	if cmd.Keys == "" {
		keys, err := auditKeys(s.keys)
		if err != nil {
			return seal.Trust{}, err
		}
		return keys.Trust(notes...)
	}
	raw, err := os.ReadFile(cmd.Keys)
	if err != nil {
		return seal.Trust{}, err
	}
	return seal.NewTrust(strings.Fields(string(raw)))
}

// progressOf shows how far the work is, on a terminal only.
func progressOf() func(done, all int64) {
	if !onTerminal() {
		return nil
	}
	return func(done, all int64) { fmt.Fprintf(os.Stderr, "\r%d of %d entries ", done, all) }
}

// tell prints a report.
func tell(r seal.Report) error {
	for _, p := range r.Problems {
		fmt.Println(p)
	}
	if r.More > 0 {
		fmt.Printf("and %d more\n", r.More)
	}
	if r.Unsealed > 0 {
		fmt.Printf("%d entries are too new to be sealed\n", r.Unsealed)
	}
	if r.Unread > 0 {
		fmt.Printf("%d of the checkpoints given are not whole, or not of this log, and were left out\n", r.Unread)
	}
	if r.Given == 0 {
		fmt.Println("no checkpoint of somebody else was given: whoever can write the whole database could have written another log")
	} else {
		fmt.Printf("up to entry %d the log is what it was when the last fitting checkpoint was given away\n", r.Reach)
	}
	if len(r.Problems) > 0 {
		return fmt.Errorf("the audit log was changed: %s", r.Problems[0])
	}
	fmt.Printf("%d entries are as they were sealed\n", r.Size)
	return nil
}

// file checks a proof in a file, with the keys and the checkpoints alone.
func (cmd auditVerify) file(c *Config, given []string) error {
	raw, err := os.ReadFile(cmd.Receipt)
	if err != nil {
		return err
	}
	var p seal.Proof
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("%s is no proof", cmd.Receipt)
	}
	s, err := openKeys(c)
	if err != nil {
		return err
	}
	trust, err := cmd.trust(s, append(given, p.Checkpoint))
	if err != nil {
		return err
	}
	return proven(p, trust, given)
}

// receipt finds the proof of a leaf hash, for the last checkpoint given.
func (cmd auditVerify) receipt(view func(func(db.Tx) error) error, trust seal.Trust, given []string) error {
	leaf, err := hex.DecodeString(strings.TrimSpace(cmd.Receipt))
	if err != nil {
		return usageError{fmt.Errorf("%q is neither a file nor a leaf hash", cmd.Receipt)}
	}
	var size int64
	if len(given) > 0 {
		last, err := trust.Open(given[len(given)-1])
		if err != nil {
			return err
		}
		size = last.Size
	}
	var p seal.Proof
	err = view(func(tx db.Tx) (err error) {
		p, err = seal.Prove(tx, leaf, size)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return errors.New("no entry with this hash is in the log, or not yet under that checkpoint")
	}
	if err != nil {
		return err
	}
	return proven(p, trust, given)
}

func proven(p seal.Proof, trust seal.Trust, given []string) error {
	c, err := p.Check(trust)
	if err != nil {
		return err
	}
	for _, signed := range given {
		g, err := trust.Open(signed)
		if err != nil {
			return err
		}
		if g.Origin == c.Origin && g.Size == c.Size {
			if g.Root != c.Root {
				return fmt.Errorf("the checkpoint for %d entries is not the one that was given away", c.Size)
			}
			fmt.Printf("entry %d is in the log, and was when the checkpoint for %d entries was given away\n", p.Index, c.Size)
			return nil
		}
	}
	if len(given) > 0 {
		return fmt.Errorf("the proof is for the checkpoint for %d entries, which is not among those given: ask for a proof for one of those", c.Size)
	}
	fmt.Printf("entry %d is in the log of %s as it was signed with %d entries\n", p.Index, c.Origin, c.Size)
	return nil
}

type auditCheckpoints struct {
	After int64 `default:"0" help:"Only those for more entries than this."`
}

// Run prints them, with an empty line between.
func (cmd auditCheckpoints) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	for after := cmd.After; ; {
		var notes []string
		if err := s.db.View(ctx, db.Principal{Role: db.Auditor}, func(tx db.Tx) (err error) {
			notes, err = seal.Checkpoints(tx, after, 1000)
			return err
		}); err != nil || len(notes) == 0 {
			return err
		}
		for _, n := range notes {
			fmt.Println(n)
		}
		lines := strings.SplitN(notes[len(notes)-1], "\n", 3)
		if after, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
			return err
		}
	}
}

type auditKeysCmd struct{}

// Run prints the keys as other programs read them.
func (auditKeysCmd) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	keys, err := auditKeys(s.keys)
	if err != nil {
		return err
	}
	var origin string
	if err := s.db.View(ctx, db.Principal{Role: db.Auditor}, func(tx db.Tx) (err error) {
		origin, _, err = seal.Origin(tx)
		return err
	}); err != nil {
		return err
	}
	if origin == "" {
		return errors.New("nothing was sealed yet, so the log has no name: start the server once")
	}
	lines, err := keys.Lines(origin)
	for _, line := range lines {
		fmt.Println(line)
	}
	return err
}

type auditRotate struct {
	Retire bool `help:"Keep only the public half of all keys but the newest."`
}

// Run changes the key store. Servers notice at their next checkpoint.
func (cmd auditRotate) Run(c *Config) error {
	s, err := openKeys(c)
	if err != nil {
		return err
	}
	if _, err := auditKeys(s.keys); err != nil { // makes the first one
		return err
	}
	numbers, err := auditKeyNumbers(s.keys)
	if err != nil {
		return err
	}
	newest := numbers[len(numbers)-1]
	if !cmd.Retire {
		name := auditKey + strconv.Itoa(newest+1)
		if _, err := s.keys.Ed25519(name); err != nil {
			return err
		}
		fmt.Printf("made %s. Old and new sign together until \"daftar audit rotate --retire\": give \"daftar audit keys\" to those who keep checkpoints first\n", name)
		return nil
	}
	for _, n := range numbers[:len(numbers)-1] {
		name := auditKey + strconv.Itoa(n)
		if _, err := s.keys.Retired(name); err == nil {
			continue
		}
		if err := s.keys.Retire(name); err != nil {
			return err
		}
		fmt.Printf("retired %s\n", name)
	}
	return nil
}

type auditAcceptLoss struct {
	Reason string `required:"" help:"What happened, in a few words: it is written into the log."`
}

// Run gives the log a new name: a log signs nothing that does not continue what
// it signed before, so this is another log from here on, with the same tree. The
// old checkpoints go on to show what was lost.
func (cmd auditAcceptLoss) Run(ctx context.Context, c *Config) error {
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	sealer, err := s.newSealer(c, c.origin(c.PortalURL, portPortal, false))
	if err != nil {
		return err
	}
	if err := sealer.Pass(ctx); !errors.Is(err, seal.ErrBroken) {
		if err == nil {
			err = errors.New("the log continues all that is known of it: there is no loss to accept")
		}
		return err
	}
	worker := db.Principal{Role: db.Jobs, Kind: "job", Client: db.ClientProgram}
	var origin string
	if err := s.db.View(ctx, worker, func(tx db.Tx) (err error) {
		origin, _, err = seal.Origin(tx)
		return err
	}); err != nil {
		return err
	}
	base, n, _ := strings.Cut(origin, "#")
	count, _ := strconv.Atoi(n)
	next := base + "#" + strconv.Itoa(max(count, 1)+1)
	conn, err := pgx.Connect(ctx, s.migrator) // the owner's alone to do
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, `update audit_log set origin = $1`, next); err != nil {
		return err
	}
	if err := s.db.WithTx(ctx, worker, func(tx db.Tx) error {
		return audit.Write(tx, audit.Event{Action: "audit.loss_accepted", Purpose: "audit", Detail: map[string]any{"log": next, "reason": cmd.Reason}})
	}); err != nil {
		return err
	}
	fmt.Printf("the log goes on as %s. Tell those who keep checkpoints, and give them \"daftar audit keys\"\n", next)
	return nil
}
