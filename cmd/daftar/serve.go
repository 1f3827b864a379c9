package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/demo"
	"daftar/registry/cases/kinds"
)

type serveCmd struct {
	Demo bool     `help:"With the demo country, its people and its national ID. Loopback only."`
	Only []string `help:"Start only these: portal, admin, issuer, api, worker." enum:"portal,admin,issuer,api,worker"`
	TLS  string   `name:"tls" enum:"off,dev" default:"off" help:"dev: https with a certificate of a private authority (daftar keys tls-ca)."`
}

// wants reports whether a part is to be started.
func (cmd serveCmd) wants(part string) bool {
	return len(cmd.Only) == 0 || slices.Contains(cmd.Only, part)
}

// Run starts everything and waits for the signal to end.
func (cmd serveCmd) Run(ctx context.Context, c *Config) error {
	switch {
	case cmd.Demo && !c.loopback():
		return usageError{fmt.Errorf("a demo listens on loopback only, not on %s: anybody can sign in to it as anybody", c.Listen)}
	case !cmd.Demo && c.DatabaseURL == "":
		return usageError{errors.New("DAFTAR_DATABASE_URL is not set. Set it and those of the roles (docs/deployment.md), or try --demo")}
	case !cmd.Demo && (c.CitizenIssuer == "" || c.StaffIssuer == ""):
		return usageError{errors.New("DAFTAR_CITIZEN_ISSUER and DAFTAR_STAFF_ISSUER are not set: nobody could sign in (docs/deployment.md)")}
	}
	if err := c.checkOrigins(cmd.Demo); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level(c.LogLevel)}))
	listeners, err := cmd.listen(c)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	s, err := c.open(ctx, say)
	if err != nil {
		return err
	}
	defer s.close()
	if s.ring.InClear() {
		return usageError{errors.New("DAFTAR_KEYS_WRAP is set, and keys/seal.json is in the clear still: `daftar keys rotate` seals it")}
	}
	if err := s.db.Check(ctx); err != nil {
		return err
	}
	if n, err := s.keeper().Replay(ctx); err != nil {
		return fmt.Errorf("what was erased before a backup was restored could not be erased again: %w", err)
	} else if n > 0 {
		say("erased again what was erased since this backup was made (%d entries of %s)", n, s.erasures)
	}
	system, err := cmd.assemble(ctx, c, s, log)
	if err != nil {
		return err
	}
	if err := s.sealFirst(ctx); err != nil {
		return err
	}
	system.sealing = func(ctx context.Context) { s.keepSealing(ctx, log) }
	system.exporting = func(ctx context.Context) { s.keepExporting(ctx, log) }
	return system.run(ctx, listeners, log)
}

func level(name string) slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(name)) // kong checked it
	return l
}

// ports lists what will be listened on, by part.
func (cmd serveCmd) ports() map[string]int {
	ports := map[string]int{"ops": portOps}
	for part, port := range map[string]int{"portal": portPortal, "admin": portAdmin, "issuer": portIssuer} {
		if cmd.wants(part) {
			ports[part] = port
		}
	}
	if cmd.Demo {
		ports["mockid"] = portMockID
	}
	return ports
}

// listen takes every port before anything else is started, and names one that
// is busy.
func (cmd serveCmd) listen(c *Config) (map[string]net.Listener, error) {
	listeners := map[string]net.Listener{}
	ports := cmd.ports()
	for _, part := range slices.SortedFunc(maps.Keys(ports), func(a, b string) int { return ports[a] - ports[b] }) {
		port := ports[part]
		address := c.address(port)
		if part == "ops" {
			address = net.JoinHostPort("127.0.0.1", fmt.Sprint(c.PortBase+port))
		}
		ln, err := net.Listen("tcp", address)
		if err != nil {
			closeAll(listeners)
			if errors.Is(err, syscall.EADDRINUSE) {
				return nil, fmt.Errorf("port %d (%s) is in use; stop what uses it or set DAFTAR_PORT_BASE", c.PortBase+port, part)
			}
			return nil, err
		}
		listeners[part] = ln
	}
	return listeners, nil
}

func closeAll(listeners map[string]net.Listener) {
	for _, ln := range listeners {
		_ = ln.Close()
	}
}

// system is everything that runs.
type system struct {
	sites     map[string]site
	tls       *tls.Config
	ops       http.Handler
	worker    func(context.Context) error
	sealing   func(context.Context)
	exporting func(context.Context)
	live      func(context.Context) error // keeps the settings current
	pulse     func(context.Context) error
	banner    string
}

type site interface {
	Serve(net.Listener, *tls.Config) error
	Shutdown(context.Context) error
}

// run serves until ctx ends, then lets requests and jobs under way finish: the
// database goes after them.
func (s *system) run(ctx context.Context, listeners map[string]net.Listener, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	errs := make(chan error, len(listeners)+6)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	start := func(name string, f func() error) {
		running.Go(func() {
			if err := f(); err != nil && ctx.Err() == nil {
				errs <- fmt.Errorf("%s: %w", name, err)
			}
		})
	}
	for name, ln := range listeners {
		if name == "ops" {
			ops := &http.Server{Handler: s.ops, ReadHeaderTimeout: 5 * time.Second}
			start(name, func() error { return ignoreClosed(ops.Serve(ln)) })
			defer func() { _ = ops.Close() }()
			continue
		}
		start(name, func() error { return s.sites[name].Serve(ln, s.tls) })
	}
	start("settings", func() error { return s.live(ctx) })
	if s.worker != nil {
		start("worker", func() error { return s.worker(ctx) })
	}
	start("sealing", func() error { s.sealing(ctx); return nil })
	start("exporting", func() error { s.exporting(ctx); return nil })
	if s.pulse != nil {
		start("pulse", func() error { return s.pulse(ctx) })
	}
	fmt.Print(s.banner)
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-errs:
	}
	cancel()
	end, stop := context.WithTimeout(context.Background(), 15*time.Second)
	defer stop()
	for name, site := range s.sites {
		if _, listening := listeners[name]; listening {
			if err := site.Shutdown(end); err != nil {
				log.Warn("shutdown", "site", name, "error", err.Error())
			}
		}
	}
	return failed
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// tlsConfig makes the development certificate and writes the authority beside
// it, for clients to trust.
func (s *store) tlsConfig(c *Config) (*tls.Config, []byte, error) {
	ca, err := s.keys.Authority("tls-ca", "Daftar development authority", time.Now())
	if err != nil {
		return nil, nil, err
	}
	cert, err := ca.Server("tls", []string{"localhost", "127.0.0.1", "::1"}, time.Now())
	if err != nil {
		return nil, nil, err
	}
	dir := filepath.Join(c.stateDir(), "tls")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), ca.PEM(), 0o644); err != nil {
		return nil, nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, ca.PEM(), nil
}

// seed fills the demo, or notes the addresses of the real providers.
func (cmd serveCmd) seed(ctx context.Context, d *db.DB, citizen, officers string) error {
	providers := map[string]string{auth.CitizenProvider: citizen, auth.StaffProvider: officers}
	if cmd.Demo {
		return demo.Seed(ctx, d, providers)
	}
	return d.WithTx(ctx, db.Principal{Role: db.Jobs, Kind: "job"}, func(tx db.Tx) error {
		if err := auth.SetProviders(tx, providers); err != nil {
			return err
		}
		return kinds.PublishMissing(tx)
	})
}

// bannerText tells the operator what runs where.
func bannerText(cmd serveCmd, origins map[string]string) string {
	var b strings.Builder
	b.WriteString("\nDaftar is running.\n\n")
	for _, line := range [][2]string{
		{"portal", "for citizens"}, {"admin", "for staff"}, {"issuer", "for wallets"}, {"mockid", "the demo's national ID and staff directory"},
	} {
		if origin, ok := origins[line[0]]; ok {
			fmt.Fprintf(&b, "  %-7s %-28s %s\n", line[0], origin, line[1])
		}
	}
	if cmd.Demo {
		b.WriteString("\nThis is a demo: everybody in it is invented, and anybody can sign in as anybody.\n")
	}
	b.WriteString("Ctrl-C ends it.\n")
	return b.String()
}
