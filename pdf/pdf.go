// Package pdf prints a page with Chromium, which shapes every script and lays
// out from right to left as the browser of the reader does.
package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Printer prints one page at a time: each with a browser and a profile of its
// own, so that nothing of one person's page is there for the next.
type Printer struct {
	path string
	busy chan struct{}
}

// Timeout bounds one page, waiting for the one before included.
const Timeout = 20 * time.Second

// Find looks for Chromium: at path, or under the names that systems give it.
// nil when there is none.
func Find(path string) *Printer {
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	if path != "" {
		names = []string{path}
	}
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			return &Printer{path: found, busy: make(chan struct{}, 1)}
		}
	}
	return nil
}

// policy lets the page load nothing and run nothing; it brings its own style.
const policy = `<head><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`

// Print makes a PDF of an HTML document that needs nothing beside itself. The
// browser has no network, runs no script of the page, and knows nothing of this
// program's environment.
func (p *Printer) Print(ctx context.Context, html []byte) ([]byte, error) {
	before, after, ok := bytes.Cut(html, []byte("<head>"))
	if !ok {
		return nil, errors.New("the page has no head")
	}
	html = slices.Concat(before, []byte(policy), after)
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-ctx.Done():
		return nil, errors.New("the printer is busy")
	}
	dir, err := os.MkdirTemp("", "daftar-pdf") // mode 0700: the page is somebody's
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	page, out := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.pdf")
	if err := os.WriteFile(page, html, 0o600); err != nil {
		return nil, err
	}
	if err := p.run(ctx, dir, out, page); err != nil {
		return nil, err
	}
	made, err := os.ReadFile(out)
	if err == nil && !bytes.HasPrefix(made, []byte("%PDF-")) {
		err = errors.New("the browser made no PDF")
	}
	return made, err
}

func (p *Printer) run(ctx context.Context, dir, out, page string) error {
	args := []string{
		"--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync",
		"--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--no-pings",
		"--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>",
		"--user-data-dir=" + filepath.Join(dir, "profile"),
		"--no-pdf-header-footer", "--print-to-pdf=" + out, "file://" + page,
	}
	if os.Geteuid() == 0 {
		args = append([]string{"--no-sandbox"}, args...) // Chromium's own does not start as root
	}
	cmd := exec.Command(p.path, args...)
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it starts others, which end with it
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	end := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	select {
	case err := <-done:
		end()
		if err != nil {
			return fmt.Errorf("the browser: %w", err) // its own words may quote the page
		}
		return nil
	case <-ctx.Done():
		end()
		<-done
		return errors.New("the browser took too long")
	}
}
