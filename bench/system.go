package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db"
	"daftar/db/localpg"
	"daftar/jose"
)

// Where the program keeps things, and its ports counted from the first.
const (
	mainDatabase = "daftar"
	offerSecret  = "offer"
	portPortal   = 0
	portAdmin    = 1
	portIssuer   = 2
	ports        = 6
)

// system is a demo of the built program on a database server of ours, which
// syncs to the disk.
type system struct {
	ctx      context.Context
	binary   string
	dir      string
	pg       *localpg.Server
	base     int // first port
	server   *exec.Cmd
	exited   chan struct{}
	output   *output
	template bool // there is a database to copy
}

func newSystem(ctx context.Context, binary string) (*system, error) {
	path, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w (run \"make bench\", which builds it)", err)
	}
	dir, err := os.MkdirTemp("/tmp", "daftar-bench")
	if err != nil {
		return nil, err
	}
	s := &system{ctx: ctx, binary: path, dir: dir}
	if err := s.prepare(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

func (s *system) prepare() error {
	if err := os.Chmod(s.dir, 0o711); err != nil { // the database server's user passes through
		return err
	}
	var err error
	if s.pg, err = localpg.Start(s.ctx, localpg.Config{Dir: filepath.Join(s.dir, "pg"), Database: mainDatabase}); err != nil {
		return err
	}
	if err := db.EnsureRoles(s.ctx, s.pg.URL(localpg.Superuser, mainDatabase), db.Owner); err != nil {
		return err
	}
	return s.start()
}

// remove ends everything and takes the directory away.
func (s *system) remove() {
	s.stop()
	if s.pg != nil {
		s.pg.Stop()
	}
	_ = os.RemoveAll(s.dir)
}

// start starts the program, which joins our database server, and waits until
// it answers.
func (s *system) start() error {
	base, err := freePorts(ports)
	if err != nil {
		return err
	}
	s.base, s.output, s.exited = base, &output{}, make(chan struct{})
	cmd := exec.Command(s.binary, "serve", "--demo")
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "DAFTAR_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, "DAFTAR_STATE_DIR="+s.dir, "DAFTAR_PORT_BASE="+strconv.Itoa(base))
	cmd.Stdout, cmd.Stderr = s.output, s.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must reach us first
	if err := cmd.Start(); err != nil {
		return err
	}
	s.server = cmd
	exited := s.exited
	go func() { _ = cmd.Wait(); close(exited) }()
	for deadline := time.Now().Add(time.Minute); ; {
		select {
		case <-exited:
			return fmt.Errorf("daftar ended at once:\n%s", s.output)
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
		if strings.Contains(s.output.String(), "Daftar is running") {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("daftar did not start:\n%s", s.output)
		}
	}
}

func (s *system) stop() {
	if s.server == nil {
		return
	}
	_ = s.server.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(30 * time.Second):
		_ = s.server.Process.Kill()
		<-s.exited
	}
	s.server = nil
}

// host is what goes into the Host header, and address where to connect.
func (s *system) host(port int) string    { return "localhost:" + strconv.Itoa(s.base+port) }
func (s *system) address(port int) string { return "127.0.0.1:" + strconv.Itoa(s.base+port) }

// open opens a database of the server the way the program does.
func (s *system) open(database string) (*db.DB, error) {
	return db.Open(db.Config{URL: func(r db.Role) string { return s.pg.URL(r.Login(), database) }, Clock: time.Now})
}

// as connects as a role, bare.
func (s *system) as(role, database string) (*pgx.Conn, error) {
	return pgx.Connect(s.ctx, s.url(role, database))
}

// url is the address of a role's login, as the kind of principal that it works
// for: without one, row security hides every row.
func (s *system) url(role, database string) string {
	kind := map[string]string{db.Citizen.Login(): "citizen", db.Staff.Login(): "staff", db.Issuer.Login(): "wallet", db.Jobs.Login(): "job"}[role]
	if kind == "" {
		return s.pg.URL(role, database)
	}
	address := s.pg.URL(role, database) + "&daftar.kind=" + kind
	if role == db.Citizen.Login() {
		address += "&plan_cache_mode=" + db.CitizenPlans
	}
	return address
}

// admin runs statements as the superuser, each on its own.
func (s *system) admin(database string, statements ...string) error {
	conn, err := s.as(localpg.Superuser, database)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, statement := range statements {
		if _, err := conn.Exec(s.ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// secret is a secret of the program's key store.
func (s *system) secret(name string) ([]byte, error) {
	keys, err := jose.OpenStore(filepath.Join(s.dir, "keys"))
	if err != nil {
		return nil, err
	}
	return keys.Secret(name)
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
		if base+n < 65000 && allFree(base, n) {
			return base, nil
		}
	}
	return 0, errors.New("no free ports")
}

func allFree(base, n int) bool {
	for i := range n {
		ln, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(base+i))
		if err != nil {
			return false
		}
		_ = ln.Close()
	}
	return true
}

// output collects what the program writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
