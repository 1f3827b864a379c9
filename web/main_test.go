package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"daftar/auth"
	"daftar/db"
	"daftar/db/dbtest"
	"daftar/demo"
	"daftar/i18n"
	"daftar/locales"
	"daftar/mockid"
	"daftar/static"
	"daftar/web"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// logbook keeps log lines.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logbook) lines(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	s := bufio.NewScanner(strings.NewReader(l.text()))
	for s.Scan() {
		var line map[string]any
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	return out
}

// site is a portal that really listens.
type site struct {
	*web.Server
	d       *dbtest.DB
	log     *logbook
	address string
}

// open starts a site with routes, on a database with the demo country.
func open(t *testing.T, origin string, routes ...web.Route) *site {
	t.Helper()
	messages, err := i18n.Load(locales.FS, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{d: dbtest.New(t), log: &logbook{}, address: ln.Addr().String()}
	if err := demo.Seed(t.Context(), s.d.DB, map[string]string{
		auth.CitizenProvider: "https://id.example/citizen", auth.StaffProvider: "https://id.example/staff",
	}); err != nil {
		t.Fatal(err)
	}
	if origin == "" {
		origin = "http://" + s.address
	}
	s.Server = web.New(web.Config{
		Name: "portal", Audience: auth.Portal, Origin: origin, DB: s.d.DB, Messages: messages, Assets: static.Load(),
		Log: slog.New(slog.NewJSONHandler(s.log, nil)), Clock: s.d.Clock.Now,
	})
	s.Mount(routes...)
	go func() { _ = s.Serve(ln, nil) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Shutdown(ctx)
	})
	return s
}

// session signs a demo citizen in and returns the cookie's secret.
func (s *site) session(t *testing.T, key string) (secret string) {
	t.Helper()
	id := auth.Identity{Sub: mockid.Subject(demo.CitizenRealm, key), Name: key, AuthTime: dbtest.Start}
	if err := s.d.WithTx(t.Context(), auth.Principal{}.DB(auth.Portal), func(tx db.Tx) error {
		account, err := auth.Account(tx, id)
		if err == nil {
			secret, err = auth.StartSession(tx, auth.Portal, account, id, db.ID{})
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return secret
}

// answer is what came back, read to its end.
type answer struct {
	*http.Response
	text string
}

// ask sends a request; headers are pairs of name and value.
func (s *site) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{
		Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
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

// raw sends bytes that no HTTP client would.
func (s *site) raw(t *testing.T, request string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(conn, request) }()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, _ := io.ReadAll(res.Body)
	return answer{res, string(b)}
}
