// Package clamdtest starts a real clamd for a test, with a database of a few
// signatures of its own: nothing is fetched.
package clamdtest

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"daftar/scan"
)

// EICAR is the string that every scanner finds and that does no harm
// (eicar.org), put together here so that none finds this file.
func EICAR() string {
	return `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
}

// Daemon is a running clamd.
type Daemon struct {
	Address string
	cmd     *exec.Cmd
}

// Find is the program; the test is left out where it could not be installed
// (tools/deps.sh test).
func Find(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"clamd", "/usr/sbin/clamd", "/usr/local/sbin/clamd", "/opt/homebrew/sbin/clamd"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("clamd is not installed (make deps-test)")
	return ""
}

// Start runs a clamd that finds EICAR and the hashes given, as lines of a .hdb
// file (md5:size:name). tcp chooses the kind of socket. It ends with the test.
func Start(t *testing.T, tcp bool, hashes ...string) *Daemon {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "clamd") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &Daemon{Address: filepath.Join(dir, "socket")}
	listen := "LocalSocket " + d.Address
	if tcp {
		d.Address = freeAddress(t)
		host, port, _ := net.SplitHostPort(d.Address)
		listen = "TCPAddr " + host + "\nTCPSocket " + port
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("eicar.ndb", "Eicar-Test:0:*:"+hex.EncodeToString([]byte(EICAR()))+"\n")
	if len(hashes) > 0 {
		text := ""
		for _, h := range hashes {
			text += h + "\n"
		}
		write("known.hdb", text)
	}
	write("clamd.conf", fmt.Sprintf("%s\nDatabaseDirectory %s\nForeground yes\nStreamMaxLength 10M\nMaxThreads 2\n", listen, dir))
	d.cmd = exec.Command(Find(t), "--config-file", filepath.Join(dir, "clamd.conf"))
	d.cmd.Stdout, d.cmd.Stderr = t.Output(), t.Output()
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Stop)
	d.ready(t)
	return d
}

// ready waits until the daemon has read its signatures.
func (d *Daemon) ready(t *testing.T) {
	t.Helper()
	client, err := scan.New(d.Address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for client.Ping(ctx) != nil {
		select {
		case <-ctx.Done():
			t.Fatal("clamd did not start")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the daemon.
func (d *Daemon) Stop() {
	if d.cmd.ProcessState == nil {
		_ = d.cmd.Process.Kill()
		_ = d.cmd.Wait()
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}
