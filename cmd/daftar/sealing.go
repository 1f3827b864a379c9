package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"daftar/db"
	"daftar/jose"
	"daftar/registry/audit"
	"daftar/registry/audit/seal"
)

// auditKey begins the names of the audit log's keys: audit-1, audit-2, ...
const auditKey = "audit-"

// auditKeys reads the audit log's keys; the first is made when there is none.
func auditKeys(keys *jose.Store) (seal.Keys, error) {
	var k seal.Keys
	numbers, err := auditKeyNumbers(keys)
	if err != nil {
		return k, err
	}
	if len(numbers) == 0 {
		numbers = []int{1}
	}
	for _, n := range numbers {
		name := auditKey + strconv.Itoa(n)
		public, err := keys.Retired(name)
		if err == nil {
			key, ok := public.(ed25519.PublicKey)
			if !ok {
				return k, fmt.Errorf("key %s is not Ed25519", name)
			}
			k.Retired = append(k.Retired, key)
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return k, err
		}
		var signer crypto.Signer
		if signer, err = keys.Ed25519(name); err != nil {
			return k, err
		}
		k.Signing = append(k.Signing, signer)
	}
	return k, nil
}

func auditKeyNumbers(keys *jose.Store) ([]int, error) {
	names, err := keys.Names()
	var numbers []int
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, auditKey)
		first, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(first); ok && err == nil && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, err
}

// newSealer makes the sealer of this process. What was given away must be
// continued.
func (s *store) newSealer(c *Config, origin string) (*seal.Sealer, error) {
	keys, err := auditKeys(s.keys)
	if err != nil {
		return nil, err
	}
	_, host, _ := strings.Cut(origin, "://")
	cfg := seal.Config{DB: s.db, Origin: host + "/audit", Keys: func() (seal.Keys, error) { return auditKeys(s.keys) }}
	var known *seal.Checkpoint
	if dir := seal.Dir(c.AuditCheckpointsDir); dir != "" {
		if info, err := os.Stat(string(dir)); err != nil || !info.IsDir() {
			return nil, usageError{fmt.Errorf("DAFTAR_AUDIT_CHECKPOINTS_DIR: there is no directory %s", dir)}
		}
		if known, err = dir.Last(keys); err != nil {
			return nil, fmt.Errorf("the checkpoints in %s: %w", dir, err)
		}
		cfg.Export = dir.Append
	}
	return seal.New(cfg, known), nil
}

// sealFirst seals what an earlier run left unsealed, before anybody is served.
func (s *store) sealFirst(ctx context.Context) error {
	err := s.sealer.Pass(ctx)
	if errors.Is(err, seal.ErrBroken) {
		return fmt.Errorf("%w. \"daftar audit verify\" says where. If entries are lost for good, \"daftar audit accept-loss\" goes on without them", err)
	}
	return err
}

// keepSealing seals every second until ctx ends, and says when it does not get on.
func (s *store) keepSealing(ctx context.Context, log *slog.Logger) {
	alarmed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(seal.Every):
		}
		err := s.sealer.Pass(ctx)
		if ctx.Err() != nil {
			return
		}
		state := s.sealer.State()
		if late := state.Lag >= seal.AlarmAfter || state.Broken != nil; late && !alarmed {
			log.Error("the audit log is not sealed", "for_seconds", int(state.Lag.Seconds()), "error", db.Quiet(err))
			alarmed = true
		} else if !late && alarmed {
			log.Warn("the audit log is sealed again")
			alarmed = false
		}
	}
}

// keepExporting gives new checkpoints away every second until ctx ends.
func (s *store) keepExporting(ctx context.Context, log *slog.Logger) {
	last := ""
	for {
		if err := s.sealer.Export(ctx); ctx.Err() == nil && db.Quiet(err) != last {
			last = db.Quiet(err)
			log.Error("checkpoints of the audit log and their second party", "error", last)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(seal.Every):
		}
	}
}

// partitions makes room for this month's and the next months' entries.
func partitions(ctx context.Context, d *db.DB) error {
	return d.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		_, err := audit.Partition(tx)
		return err
	})
}
