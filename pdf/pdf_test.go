package pdf_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"daftar/pdf"
)

func printer(t *testing.T) *pdf.Printer {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Chromium")
	}
	p := pdf.Find(os.Getenv("CHROME_PATH"))
	if p == nil {
		t.Fatal("no Chromium: run \"make deps-test\", or set CHROME_PATH")
	}
	return p
}

// text is what a reader of the PDF sees.
func text(t *testing.T, made []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(file, made, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "pdftotext", "-enc", "UTF-8", file, "-").Output()
	if err != nil {
		t.Fatal("pdftotext (poppler-utils, make deps-test): ", err)
	}
	return string(out)
}

// The page fetches nothing and runs nothing, whatever is in it.
func TestAPageIsPrintedByItself(t *testing.T) {
	t.Parallel()
	p := printer(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	var asked atomic.Int32
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_ = conn.Close()
		}
	}()
	made, err := p.Print(t.Context(), []byte(`<!doctype html><html lang="ar" dir="rtl"><head><meta charset="utf-8"><title>t</title></head><body>
		<h1>رسالة لك</h1><p>Reference C-22222-22222</p>
		<img src="http://`+ln.Addr().String()+`/x.png"><link rel="stylesheet" href="http://`+ln.Addr().String()+`/x.css">
		<iframe src="file:///etc/passwd"></iframe><script>document.body.textContent = 'scripted'</script></body></html>`))
	if err != nil {
		t.Fatal(err)
	}
	got := text(t, made)
	if !strings.Contains(got, "C-22222-22222") || !strings.Contains(got, "رسالة") || strings.Contains(got, "scripted") {
		t.Errorf("%q", got)
	}
	if asked.Load() > 0 {
		t.Errorf("%d connections were made", asked.Load())
	}
}

func TestOneAtATimeAndNotForEver(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	p := printer(t)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if made, err := p.Print(t.Context(), []byte("<head></head><p>one</p>")); err != nil || len(made) < 1000 {
				t.Error(len(made), err)
			}
		})
	}
	all.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := p.Print(ctx, []byte("<head></head><p>late</p>")); err == nil {
		t.Error("printed after the time was over")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error("left behind: ", left, err)
	}
}

func TestNoChromium(t *testing.T) {
	t.Parallel()
	if pdf.Find("/nonexistent/chromium") != nil {
		t.Error("found what is not there")
	}
	p := pdf.Find("/bin/false")
	for _, page := range []string{"x", "<head></head>x"} {
		if _, err := p.Print(t.Context(), []byte(page)); err == nil {
			t.Error("printed with what is no browser")
		}
	}
}
