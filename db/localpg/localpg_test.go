package localpg_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"daftar/db/localpg"
)

// The test binary is also the second process: with LOCALPG_DIR set it starts a
// server there, says so and waits.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LOCALPG_DIR"); dir != "" {
		s, err := localpg.Start(context.Background(), localpg.Config{Dir: dir, Database: "d"})
		if err != nil {
			println(err.Error())
			os.Exit(1)
		}
		println("ready")
		_, _ = os.Stdin.Read(make([]byte, 1))
		s.Stop()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// stateDir is short enough for a socket and open to the server's user.
func stateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "lpg")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "pg")
}

func start(t *testing.T, dir string, say func(string, ...any)) *localpg.Server {
	t.Helper()
	s, err := localpg.Start(t.Context(), localpg.Config{Dir: dir, Database: "d", Say: say})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func exec1(t *testing.T, s *localpg.Server, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL(localpg.Superuser, "d"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, s *localpg.Server) (n int) {
	t.Helper()
	for range 300 {
		conn, err := pgx.Connect(t.Context(), s.URL(localpg.Superuser, "d"))
		if err == nil {
			err = conn.QueryRow(t.Context(), "select count(*) from kept").Scan(&n)
			_ = conn.Close(t.Context())
			if err == nil {
				return n
			}
		}
		time.Sleep(20 * time.Millisecond) // the server is changing hands
	}
	t.Fatal("no answer from the server")
	return 0
}

func other(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LOCALPG_DIR="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	b := make([]byte, 200)
	n, _ := out.Read(b)
	if !strings.HasPrefix(string(b[:n]), "ready") {
		t.Fatalf("the other process said %q", b[:n])
	}
	return cmd
}

func TestRestartKeepsRows(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	s := start(t, dir, nil)
	exec1(t, s, "create table kept (n int); insert into kept values (1)")
	s.Stop()
	s = start(t, dir, nil)
	defer s.Stop()
	if n := count(t, s); n != 1 {
		t.Fatalf("%d rows after a restart", n)
	}
}

func TestKilledOwnerIsTakenOver(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	owner := other(t, dir)
	s := start(t, dir, nil) // shares
	defer s.Stop()
	exec1(t, s, "create table kept (n int); insert into kept values (1)")
	if err := owner.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	if n := count(t, s); n != 1 {
		t.Fatalf("%d rows after the owner was killed", n)
	}
}

func TestKilledServerIsRestarted(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	s := start(t, dir, nil)
	defer s.Stop()
	exec1(t, s, "create table kept (n int); insert into kept values (1)")
	b, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, _ := strconv.Atoi(line)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s); n != 1 {
		t.Fatalf("%d rows after the server was killed", n)
	}
}

func TestHalfMadeClusterIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "data.tmp", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, dir, nil).Stop()
}

func TestOtherMajorVersionIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(data, "PG_VERSION")
	if err := os.WriteFile(mark, []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(t.Context(), localpg.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "made by PostgreSQL 9") {
		t.Fatalf("got %v", err)
	}
	if b, err := os.ReadFile(mark); err != nil || string(b) != "9\n" {
		t.Fatal("the data directory was touched")
	}
}

func TestLongAndClosedDirectoriesFallBack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(stateDir(t), strings.Repeat("long/", 20))
	var said string
	s := start(t, dir, func(f string, args ...any) { said += f })
	s.Stop()
	if !strings.Contains(said, "no socket can be in") {
		t.Fatalf("said %q", said)
	}
	if os.Geteuid() != 0 {
		return // an ordinary user runs the server as itself: nothing is closed to it
	}
	closed := filepath.Join(stateDir(t), "closed")
	if err := os.MkdirAll(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	said = ""
	s = start(t, filepath.Join(closed, "pg"), func(f string, args ...any) { said += f })
	s.Stop()
	defer func() { _ = os.RemoveAll(s.Dir()) }()
	if !strings.Contains(said, "is kept in") {
		t.Fatalf("said %q", said)
	}
	again := start(t, filepath.Join(closed, "pg"), nil)
	again.Stop()
	if again.Dir() != s.Dir() {
		t.Errorf("the data were in %s, and are looked for in %s", s.Dir(), again.Dir())
	}
	// Deleted, it is new, as any other directory would be.
	if err := os.RemoveAll(filepath.Join(closed, "pg")); err != nil {
		t.Fatal(err)
	}
	anew := start(t, filepath.Join(closed, "pg"), nil)
	anew.Stop()
	defer func() { _ = os.RemoveAll(anew.Dir()) }()
	if anew.Dir() == s.Dir() {
		t.Error("a deleted directory's data came back")
	}
}

func TestUnusualDirectories(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sp ace", "plus+per%cent", "com,ma", "بيت"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, filepath.Join(stateDir(t), name), nil)
			defer s.Stop()
			exec1(t, s, `create table t (x int)`)
		})
	}
}
