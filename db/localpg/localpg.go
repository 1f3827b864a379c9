// Package localpg runs a private PostgreSQL server from the operating system's
// binaries: a Unix socket only, in a directory that only its user and root can
// enter. It works as root (the server then runs as postgres or another
// unprivileged user) and as an ordinary user. It never deletes data and never
// touches a data directory of another major version.
package localpg

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Superuser is the server's first role. Only the private socket leads to it.
const Superuser = "daftar"

// MinMajor is the oldest PostgreSQL that Daftar's schema runs on.
const MinMajor = 15

// TestSocket names the variable with the socket directory of a server that was
// made for tests ("daftar db run --temporary").
const TestSocket = "DBTEST_SOCKET"

// Throwaway is the name (cluster_name) of a server that keeps nothing. It is set
// where a server is started, and by no session.
const Throwaway = "daftar-throwaway"

// Config says where and how the server runs.
type Config struct {
	Dir      string                           // given to the server's user; created when absent
	Database string                           // created when absent
	Unsafe   bool                             // no fsync: for tests, never for data that matters; the server says so by its name
	Say      func(format string, args ...any) // one line for the operator
}

// Server is a running private server, owned by this process or shared with the
// process that owns it.
type Server struct {
	cfg    Config
	bin    string
	run    string // directory of the socket
	data   string
	as     *account // nil when not root
	mu     sync.Mutex
	owner  *os.File // the flock that says who owns the server; nil when shared
	exited chan struct{}
	stop   chan struct{}
	wg     sync.WaitGroup
}

// account is the unprivileged user that the server runs as under root.
type account struct {
	name     string
	uid, gid uint32
}

// Start starts the server, or joins the one that another process runs on the
// same directory. If that process ends, this one takes over.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Say == nil {
		cfg.Say = func(string, ...any) {}
	}
	s := &Server{cfg: cfg, stop: make(chan struct{})}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	for {
		owner, err := lockFile(filepath.Join(s.cfg.Dir, "owner.lock"))
		if err != nil {
			return nil, err
		}
		if owner != nil {
			s.owner = owner
			if err := s.own(ctx); err != nil {
				_ = owner.Close()
				return nil, err
			}
			break
		}
		if s.ping(ctx) == nil {
			break // shared
		}
		select { // the owner is still starting it
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := s.createDatabase(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	s.wg.Add(1)
	go s.watch()
	return s, nil
}

// prepare chooses binaries, user and directories.
func (s *Server) prepare() error {
	dir, err := filepath.Abs(s.cfg.Dir)
	if err != nil {
		return err
	}
	s.cfg.Dir = dir
	if os.Geteuid() == 0 {
		if s.as, err = unprivileged(); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return err
		}
		if blocked := s.as.blockedBy(dir); blocked != "" {
			if s.cfg.Dir, err = elsewhere(dir); err != nil {
				return err
			}
			s.cfg.Say("user %s cannot enter %s: the database is kept in %s instead", s.as.name, blocked, s.cfg.Dir)
			if err := os.MkdirAll(s.cfg.Dir, 0o711); err != nil {
				return err
			}
		}
	}
	if err := s.privateDir(s.cfg.Dir); err != nil {
		return err
	}
	s.data = filepath.Join(s.cfg.Dir, "data")
	s.run = filepath.Join(s.cfg.Dir, "run")
	tooLong := len(s.run)+len("/.s.PGSQL.5432.lock") > 103 // sun_path of the BSDs; Linux has 107
	if tooLong || strings.ContainsAny(s.run, `,"`) {       // the server takes a list of directories
		s.run = filepath.Join(os.TempDir(), "daftar-"+shortHash(s.cfg.Dir))
		s.cfg.Say("no socket can be in %s: it is in %s", s.cfg.Dir, s.run)
	}
	if err := s.privateDir(s.run); err != nil {
		return err
	}
	s.bin, err = findBinaries(s.data)
	return err
}

// elsewhere is where the server's user can go, for a directory where it cannot.
// The directory notes which place is its own: deleted and made anew, it gets a
// new one, as it does where the data are inside it.
func elsewhere(dir string) (string, error) {
	note := filepath.Join(dir, "kept-in")
	place, err := os.ReadFile(note)
	if !errors.Is(err, os.ErrNotExist) {
		return string(place), err
	}
	fresh := make([]byte, 5)
	if _, err := rand.Read(fresh); err != nil {
		return "", err
	}
	draft := note + "." + hex.EncodeToString(fresh)
	defer func() { _ = os.Remove(draft) }()
	if err := os.WriteFile(draft, []byte(filepath.Join("/var/lib/daftar-private", hex.EncodeToString(fresh))), 0o600); err != nil {
		return "", err
	}
	if err := os.Link(draft, note); err != nil && !errors.Is(err, os.ErrExist) { // another start was faster
		return "", err
	}
	place, err = os.ReadFile(note)
	return string(place), err
}

// privateDir makes dir 0700 for the server's user, and refuses one that
// somebody else prepared.
func (s *Server) privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || st.Uid != uint32(os.Geteuid()) && (s.as == nil || st.Uid != s.as.uid) {
		return fmt.Errorf("%s belongs to somebody else", dir)
	}
	if s.as != nil && st.Uid != s.as.uid {
		if err := os.Chown(dir, int(s.as.uid), int(s.as.gid)); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o700)
}

func unprivileged() (*account, error) {
	for _, name := range []string{os.Getenv("PG_USER"), "postgres", os.Getenv("SUDO_USER"), "nobody"} {
		if name == "" || name == "root" {
			continue
		}
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root and there is no user postgres or nobody to run it as; set PG_USER")
}

// blockedBy returns the first directory on the way to dir that the account may
// not traverse, or "".
func (a *account) blockedBy(dir string) string {
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err == nil {
			st, mode := info.Sys().(*syscall.Stat_t), info.Mode().Perm()
			ok := mode&0o001 != 0
			switch {
			case st.Uid == a.uid:
				ok = mode&0o100 != 0
			case st.Gid == a.gid:
				ok = mode&0o010 != 0
			}
			if !ok {
				return parent
			}
		}
		if parent == filepath.Dir(parent) {
			return ""
		}
	}
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:5])
}

// own makes the cluster if there is none and starts the server, unless one
// that lost its owner is still running: that one is taken over. A predecessor
// that is still shutting down, or whose last child is still dying, is waited
// for.
func (s *Server) own(ctx context.Context) error {
	if err := s.initCluster(ctx); err != nil {
		return err
	}
	patience := time.After(15 * time.Second)
	for {
		if s.ping(ctx) == nil {
			return nil
		}
		err := s.launch(ctx)
		if err == nil || !errors.Is(err, errPredecessor) {
			return err
		}
		select {
		case <-patience:
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

var errPredecessor = errors.New("the previous server has not ended yet")

func (s *Server) initCluster(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(s.data, "PG_VERSION")); err == nil {
		return nil
	}
	tmp := s.data + ".tmp" // a first start that was killed half-way leaves only this
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	s.cfg.Say("creating a private database server in %s", s.cfg.Dir)
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "-D", tmp, "-U", Superuser,
		"--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums")
	cmd.Dir = s.cfg.Dir
	cmd.SysProcAttr = s.procAttr()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return os.Rename(tmp, s.data)
}

// launch starts the server and waits until it answers.
func (s *Server) launch(ctx context.Context) error {
	logPath := filepath.Join(s.cfg.Dir, "server.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	args := []string{"-D", s.data, "-k", s.run, "-p", "5432",
		"-c", "listen_addresses=",
		"-c", "unix_socket_permissions=0700",
		"-c", "max_connections=200",
		"-c", "shared_buffers=256MB",
		"-c", "max_wal_size=2GB",
		"-c", "random_page_cost=1.1",
		// A failed statement must not put people's data into the log.
		"-c", "log_error_verbosity=terse",
		"-c", "log_min_error_statement=panic",
		"-c", "log_parameter_max_length_on_error=0",
	}
	if s.cfg.Unsafe {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "cluster_name="+Throwaway)
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir = s.cfg.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = s.procAttr()
	cmd.SysProcAttr.Setpgid = true // Ctrl-C must reach the application first
	exited, err := startWithParent(cmd)
	if err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	s.mu.Lock()
	s.exited = exited
	s.mu.Unlock()
	for {
		if s.ping(ctx) == nil {
			return nil
		}
		select {
		case <-exited:
			end := tail(logPath)
			if strings.Contains(end, "postmaster.pid\" already exists") || strings.Contains(end, "pre-existing shared memory") {
				return fmt.Errorf("%w; its log is %s", errPredecessor, logPath)
			}
			return fmt.Errorf("PostgreSQL ended at once; its log is %s:\n%s", logPath, end)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) procAttr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{}
	if s.as != nil {
		attr.Credential = &syscall.Credential{Uid: s.as.uid, Gid: s.as.gid}
	}
	return attr
}

func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(b[max(0, len(b)-600):])
}

// watch restarts an owned server that died, and takes over a shared one whose
// owner ended.
func (s *Server) watch() {
	defer s.wg.Done()
	for {
		select {
		case <-s.stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
		if s.owner == nil {
			owner, err := lockFile(filepath.Join(s.cfg.Dir, "owner.lock"))
			if err != nil || owner == nil {
				continue
			}
			s.owner = owner
		} else if s.running() {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		if err := s.own(ctx); err != nil {
			s.cfg.Say("the private database server is down: %v", err)
		}
		cancel()
	}
}

// running reports whether the server process is alive: the child of this
// process, or the one taken over by postmaster.pid.
func (s *Server) running() bool {
	s.mu.Lock()
	exited := s.exited
	s.mu.Unlock()
	if exited != nil {
		select {
		case <-exited:
			return false
		default:
			return true
		}
	}
	pid := s.postmaster()
	return pid != 0 && syscall.Kill(pid, 0) == nil
}

func (s *Server) postmaster() int {
	b, err := os.ReadFile(filepath.Join(s.data, "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	return pid
}

// Stop ends the server when this process owns it, and leaves a shared one.
func (s *Server) Stop() {
	close(s.stop)
	s.wg.Wait()
	if s.owner == nil {
		return
	}
	defer func() { _ = s.owner.Close() }()
	pid := s.postmaster()
	if pid == 0 || !s.running() {
		return
	}
	_ = syscall.Kill(pid, syscall.SIGINT) // fast shutdown
	for range 4000 {                      // 20 seconds
		if !s.running() {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if filepath.Dir(s.run) != s.cfg.Dir {
		_ = os.Remove(s.run)
	}
}

// URL is the connection string of a role and database on the private socket.
func (s *Server) URL(role, database string) string { return SocketURL(s.run, role, database) }

// Socket is the directory of the server's socket.
func (s *Server) Socket() string { return s.run }

// SocketURL is the connection string for a server whose socket is in dir.
func SocketURL(dir, role, database string) string {
	q := url.Values{"host": {dir}, "port": {"5432"}, "user": {role}}
	// libpq and pgx read "+" as it stands, not as a space.
	return "postgres:///" + url.PathEscape(database) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// Dir is where the server keeps its data: Config.Dir, or the fallback.
func (s *Server) Dir() string { return s.cfg.Dir }

// Bin is the directory of the PostgreSQL binaries in use.
func (s *Server) Bin() string { return s.bin }

// Credential is the user that must run PostgreSQL's own client programs; nil
// when that is the current one.
func (s *Server) Credential() *syscall.Credential { return s.procAttr().Credential }

func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL(Superuser, "postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

func (s *Server) createDatabase(ctx context.Context) error {
	if s.cfg.Database == "" {
		return nil
	}
	conn, err := pgx.Connect(ctx, s.URL(Superuser, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "create database "+pgx.Identifier{s.cfg.Database}.Sanitize())
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P04" || pg.Code == "23505") { // there already, or made at this moment
		return nil
	}
	return err
}
