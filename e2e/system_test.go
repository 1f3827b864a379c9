// Package e2e uses the whole system as people and wallets do: the built program,
// its own database server, a real browser, wallets that others wrote.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	if flag.Parse(); testing.Short() {
		fmt.Println("the browser, wallet and crash tests take longer than -short allows")
		return
	}
	dir, err := os.MkdirTemp("/tmp", "daftar-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "daftar")
	build := exec.Command("go", "build", "-o", binary, "daftar/cmd/daftar")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
		os.Exit(1)
	}
	code := m.Run()
	if s := shared.system; s != nil {
		if writes, err := s.unauditedWrites(context.Background()); writes != "" || err != nil {
			fmt.Fprintln(os.Stderr, "written without an entry in the audit log by the shared system:", writes, err)
			code = max(code, 1)
		}
		s.stop()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// System is a running demo.
type System struct {
	dir  string
	base int
	cmd  *exec.Cmd
	log  *syncBuffer
	tls  bool
	kept string // directory of the audit log's second party; "" for none
	// extra settings of this one, "NAME=value"
	extra []string
}

// shared is one demo for the tests that do not mind each other's people.
var shared struct {
	once   sync.Once
	system *System
	err    error
}

func sharedSystem(t *testing.T) *System {
	t.Helper()
	shared.once.Do(func() {
		if shared.system, shared.err = startSystem(); shared.err == nil {
			shared.err = shared.system.watchWrites(context.Background())
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	shared.system.explain(t)
	return shared.system
}

// audited watches what the program writes, and fails the test when something has
// no entry in the audit log.
func (s *System) audited(t *testing.T) {
	t.Helper()
	if err := s.watchWrites(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if writes, err := s.unauditedWrites(context.Background()); writes != "" || err != nil {
			t.Errorf("written without an entry in the audit log: %s %v", writes, err)
		}
	})
}

// ownSystem is a demo for one test alone.
func ownSystem(t *testing.T, args ...string) *System {
	t.Helper()
	s, err := startSystem(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	s.explain(t)
	s.audited(t)
	return s
}

// explain shows what the program logged as errors when a test failed.
func (s *System) explain(t *testing.T) {
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, line := range strings.Split(s.log.String(), "\n") {
			if strings.Contains(line, `"level":"ERROR"`) || !strings.HasPrefix(line, "{") && line != "" {
				t.Log(line)
			}
		}
	})
}

func startSystem(args ...string) (*System, error) {
	dir, err := os.MkdirTemp("/tmp", "daftar-e2e-state")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	s := &System{dir: dir}
	for _, a := range args {
		s.tls = s.tls || a == "--tls=dev"
	}
	return s, s.start(args...)
}

// start runs the program on six free ports and waits until it answers.
func (s *System) start(args ...string) error {
	for range 20 {
		base, err := freePorts(6)
		if err != nil {
			return err
		}
		s.base = base
		err = s.launch(args...)
		if !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return errPortTaken
}

var errPortTaken = errors.New("a port was taken in the meantime")

func (s *System) env() []string {
	return append(append(os.Environ(), "DAFTAR_STATE_DIR="+s.dir, fmt.Sprintf("DAFTAR_PORT_BASE=%d", s.base), "DAFTAR_LOG_LEVEL=info",
		"DAFTAR_AUDIT_CHECKPOINTS_DIR="+s.kept), s.extra...)
}

func (s *System) launch(args ...string) error {
	s.log = &syncBuffer{}
	s.cmd = exec.Command(binary, append([]string{"serve", "--demo"}, args...)...)
	s.cmd.Env = s.env()
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(exited) }()
	deadline := time.After(60 * time.Second)
	for {
		select {
		case <-exited:
			if strings.Contains(s.log.String(), "is in use") {
				return errPortTaken
			}
			return fmt.Errorf("daftar ended at once:\n%s", s.log.String())
		case <-deadline:
			return fmt.Errorf("daftar did not start:\n%s", s.log.String())
		case <-time.After(20 * time.Millisecond):
		}
		if strings.Contains(s.log.String(), "Daftar is running") {
			return nil
		}
	}
}

// stop ends the program as Ctrl-C does and removes its state.
func (s *System) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	s.wait()
	_ = os.RemoveAll(s.dir)
}

// kill ends the program as a power cut does, and leaves its state.
func (s *System) kill() {
	_ = s.cmd.Process.Kill()
	s.wait()
}

func (s *System) wait() {
	for range 3000 {
		if syscall.Kill(s.cmd.Process.Pid, 0) != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *System) origin(port int) string {
	scheme := "http"
	if s.tls {
		scheme = "https"
	}
	return fmt.Sprintf("%s://localhost:%d", scheme, s.base+port)
}

func (s *System) portal() string { return s.origin(0) }
func (s *System) admin() string  { return s.origin(1) }
func (s *System) issuer() string { return s.origin(2) }
func (s *System) mockid() string { return s.origin(5) }

// run runs a subcommand on this system's state and returns its stdout.
func (s *System) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.try(t.Context(), args...)
	if err != nil {
		t.Fatalf("daftar %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (s *System) try(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = s.env()
	cmd.Dir = s.dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%w: %s", err, stderr.String())
	}
	return stdout.String(), nil
}

// sql runs a statement as the superuser and returns the rows, unadorned.
func (s *System) sql(t *testing.T, statement string) string {
	t.Helper()
	out, err := s.query(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *System) query(ctx context.Context, statement string) (string, error) {
	out, err := s.try(ctx, "db", "psql", "--", "-qAt", "-c", statement)
	return strings.TrimSpace(out), err
}

// freePorts finds n consecutive free ports.
func freePorts(n int) (int, error) {
	for range 100 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		base := ln.Addr().(*net.TCPAddr).Port
		_ = ln.Close()
		if base+n > 65000 {
			continue
		}
		free := true
		for i := range n {
			ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+i))
			if err != nil {
				free = false
				break
			}
			_ = ln.Close()
		}
		if free {
			return base, nil
		}
	}
	return 0, errors.New("no free ports")
}

// syncBuffer collects what a program writes.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
