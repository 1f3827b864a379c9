package notify_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"daftar/notify"
)

// gateway answers as Twilio documents it.
func gateway(t *testing.T, answer http.HandlerFunc) *notify.Twilio {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return &notify.Twilio{Base: s.URL, Account: "AC1", Token: "token", From: "+15005550006", Callback: "https://registry.example/hooks/sms", Client: s.Client()}
}

func TestTextGoesToTheGateway(t *testing.T) {
	t.Parallel()
	var got url.Values
	var path, user, password string
	g := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got, path = r.PostForm, r.Method+" "+r.URL.Path
		user, password, _ = r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"sid": "SM90c6fc909d8504d45ecdb3a3d5b3556e", "status": "queued", "error_code": null, "to": "+254700100471"}`)
	})
	ref, err := g.Text(t.Context(), notify.Text{ID: "1", To: "+254700100471", Body: "هناك جديد لك."})
	if err != nil || ref != "SM90c6fc909d8504d45ecdb3a3d5b3556e" {
		t.Fatal(ref, err)
	}
	if path != "POST /2010-04-01/Accounts/AC1/Messages.json" || user != "AC1" || password != "token" {
		t.Error(path, user, password)
	}
	for name, want := range map[string]string{"To": "+254700100471", "From": "+15005550006", "Body": "هناك جديد لك.", "StatusCallback": "https://registry.example/hooks/sms"} {
		if got.Get(name) != want {
			t.Errorf("%s is %q", name, got.Get(name))
		}
	}
	g.From = "MG9752274e9e519418a7406176694466fa"
	if _, err := g.Text(t.Context(), notify.Text{To: "+254700100471", Body: "x"}); err != nil || got.Get("MessagingServiceSid") != g.From || got.Has("From") {
		t.Error("by a messaging service: ", got, err)
	}
}

func TestTextThatIsNotTaken(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"no such number":          {answer(400, `{"code": 21211, "message": "Invalid 'To' Phone Number: +254700100471", "status": 400}`), notify.Refused{Code: "gateway 21211"}},
		"a number that opted out": {answer(400, `{"code": 21610}`), notify.Refused{Code: "gateway 21610"}},
		"too many at once":        {answer(429, `{"code": 20429}`), notify.Away{Code: "gateway 429"}},
		"broken":                  {answer(503, `<html>`), notify.Away{Code: "gateway 503"}},
		"our password is wrong":   {answer(401, `{"code": 20003}`), notify.Away{Code: "gateway 401"}},
		"hung up":                 {hangUp, notify.ErrUnsure},
		"a yes that says nothing": {answer(201, `yes`), notify.ErrUnsure},
	} {
		if _, err := gateway(t, c.answer).Text(t.Context(), notify.Text{To: "+254700100471", Body: "x"}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", name, err, c.want)
		}
	}
	g := gateway(t, nil)
	g.Base = "http://127.0.0.1:1"
	if _, err := g.Text(t.Context(), notify.Text{To: "+1", Body: "x"}); !errors.Is(err, notify.Away{Code: "gateway connection"}) {
		t.Error("nobody there: ", err)
	}
}

// The signature was worked out with openssl:
// printf '%s' 'https://registry.example/hooks/smsAccountSidAC1MessageSidSM1MessageStatusdelivered' | openssl dgst -sha1 -hmac token -binary | base64
func TestReportsAreSigned(t *testing.T) {
	t.Parallel()
	g := &notify.Twilio{Account: "AC1", Token: "token"}
	const address, signature = "https://registry.example/hooks/sms", "08/nFpYnOmeOgwQ0w6SnbGUy1qg="
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"delivered"}, "AccountSid": {"AC1"}}
	if d, ok := g.Report(address, form, signature); !ok || d.Ref != "SM1" || !d.Delivered || d.Failed {
		t.Error("a true one: ", d, ok)
	}
	forged := func(name string, f url.Values, addr, sig string, with *notify.Twilio) {
		if d, ok := with.Report(addr, f, sig); ok {
			t.Errorf("%s: %+v", name, d)
		}
	}
	other := url.Values{"MessageSid": {"SM2"}, "MessageStatus": {"delivered"}, "AccountSid": {"AC1"}}
	more := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"delivered"}, "AccountSid": {"AC1"}, "X": {"1"}}
	forged("another message", other, address, signature, g)
	forged("something added", more, address, signature, g)
	forged("another address", form, address+"/", signature, g)
	forged("no signature", form, address, "", g)
	forged("another token", form, address, signature, &notify.Twilio{Account: "AC1", Token: "other"})
	forged("no token set up", form, address, signature, &notify.Twilio{Account: "AC1"})
	forged("another account", form, address, signature, &notify.Twilio{Account: "AC2", Token: "token"})
}

func TestTheFileKeepsWholeLines(t *testing.T) {
	t.Parallel()
	f := &notify.File{Path: filepath.Join(t.TempDir(), "sent", "messages.jsonl"), Clock: now}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, err := f.Text(t.Context(), notify.Text{ID: fmt.Sprint(i), To: "+1", Body: "news\nand more"}); err != nil {
				t.Error(err)
			}
			if err := f.Mail(t.Context(), notify.Mail{ID: fmt.Sprint(i), To: "a@example.org", Subject: "s", Body: "b"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	file, err := os.Open(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	n := map[string]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var s notify.Sent
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		n[s.Channel]++
	}
	if n["sms"] != 20 || n["email"] != 20 {
		t.Error(n)
	}
}
