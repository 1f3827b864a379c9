package web_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"daftar/auth"
	"daftar/fault"
	"daftar/web"
)

const streamLimit = 64 << 20

// streams is a site with a route that counts what it is sent.
func streams(t *testing.T) *site {
	t.Helper()
	count := func(c *web.Ctx) error {
		var fields, files []string
		err := c.Parts(streamLimit,
			func(name, value string) { fields = append(fields, name+"="+value) },
			func(input, name string, body io.Reader) error {
				if name == "refuse" {
					return fault.New(fault.Invalid, "error.summary")
				}
				n, err := io.Copy(io.Discard, body)
				files = append(files, fmt.Sprintf("%s:%s:%d", input, name, n))
				return err
			})
		if err != nil {
			return err
		}
		return c.Send(200, "text/plain", []byte(strings.Join(append(fields, files...), " ")))
	}
	return open(t, "",
		web.Route{Method: "POST", Path: "/stream", Permission: auth.Public, Handler: count, Stream: true},
		web.Route{Method: "POST", Path: "/stream/mine", Permission: auth.Citizen, Handler: count, Stream: true},
		route("GET", "/after", hello))
}

// parts is a multipart body that is made while it is read.
func parts(write func(*multipart.Writer) error) (io.Reader, string) {
	r, w := io.Pipe()
	m := multipart.NewWriter(w)
	go func() { _ = w.CloseWithError(errors.Join(write(m), m.Close())) }()
	return r, m.FormDataContentType()
}

func filePart(size int64, names ...string) func(*multipart.Writer) error {
	return func(m *multipart.Writer) error {
		if err := m.WriteField("kind", "list\x00"); err != nil {
			return err
		}
		for _, name := range names {
			p, err := m.CreateFormFile("files", name)
			if err != nil {
				return err
			}
			if _, err := io.Copy(p, io.LimitReader(zeros{}, size)); err != nil {
				return err
			}
		}
		return nil
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func send(t *testing.T, client *http.Client, address string, body io.Reader, contentType string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", address, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(b)}
}

// Files that are larger than memory should hold arrive as they are, and the
// connection serves on.
func TestStreamedFiles(t *testing.T) {
	t.Parallel()
	s := streams(t)
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	base := "http://" + s.address + "/en"
	for _, size := range []int64{0, 1, 1000, 70_000, 5 << 20, 20 << 20} {
		body, kind := parts(filePart(size, "a.csv", "b.csv"))
		want := fmt.Sprintf("kind=list files:a.csv:%d files:b.csv:%d", size, size)
		if a := send(t, client, base+"/stream", body, kind); a.StatusCode != 200 || a.text != want {
			t.Errorf("%d: %d %.100s", size, a.StatusCode, a.text)
		}
		res, err := client.Get(base + "/after")
		if err != nil || res.StatusCode != 200 {
			t.Errorf("after %d: %v %v", size, res, err)
		} else {
			_ = res.Body.Close()
		}
	}
	body, kind := parts(filePart(40<<20, "a.csv", "b.csv"))
	if a := send(t, client, base+"/stream", body, kind); a.StatusCode != 413 || !strings.Contains(a.text, "</html>") {
		t.Errorf("too much: %d", a.StatusCode)
	}
	body, kind = parts(filePart(1<<20, "refuse"))
	if a := send(t, client, base+"/stream", body, kind); a.StatusCode != 422 {
		t.Errorf("refused by the handler: %d", a.StatusCode)
	}
	body, kind = parts(filePart(1<<20, "a.csv"))
	if a := send(t, client, base+"/stream/mine", body, kind); a.StatusCode != 303 {
		t.Errorf("nobody is signed in: %d", a.StatusCode)
	}
	for name, c := range map[string]struct{ body, kind string }{
		"not multipart":   {"a=b", "application/x-www-form-urlencoded"},
		"no boundary":     {"x", "multipart/form-data"},
		"cut off":         {"--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\nabc", "multipart/form-data; boundary=x"},
		"a field too big": {"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + strings.Repeat("a", 100_000) + "\r\n--x--\r\n", "multipart/form-data; boundary=x"},
		"many parts":      {strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n", 200) + "--x--\r\n", "multipart/form-data; boundary=x"},
	} {
		if a := send(t, client, base+"/stream", strings.NewReader(c.body), c.kind); a.StatusCode != 400 {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
}

func TestStreamedFilesStayOutOfMemory(t *testing.T) {
	s := streams(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body, kind := parts(filePart(60<<20, "a.csv"))
	if a := send(t, &http.Client{Timeout: time.Minute}, "http://"+s.address+"/en/stream", body, kind); a.StatusCode != 200 {
		t.Fatal(a.StatusCode)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 { // client and server together
		t.Errorf("60 MB took %d MB", grown>>20)
	}
}

// A file may take longer than a request may, as long as something arrives; one
// of which nothing arrives is given up.
func TestSlowFiles(t *testing.T) {
	if os.Getenv("LONG") == "" {
		t.Skip("waits for a minute")
	}
	t.Parallel()
	s := streams(t)
	body, kind := parts(func(m *multipart.Writer) error {
		p, err := m.CreateFormFile("files", "a.csv")
		for range 7 {
			if err != nil {
				return err
			}
			time.Sleep(4 * time.Second)
			_, err = p.Write(bytes.Repeat([]byte("x"), 100_000))
		}
		return err
	})
	if a := send(t, &http.Client{Timeout: 2 * time.Minute}, "http://"+s.address+"/en/stream", body, kind); a.StatusCode != 200 || a.text != "files:a.csv:700000" {
		t.Errorf("%d %.80s", a.StatusCode, a.text)
	}
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "POST /en/stream HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n--x\r\n")
	_ = conn.SetDeadline(time.Now().Add(40 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("%v %v", res, err)
	}
}
