package notify_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"daftar/notify"
)

func now() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

// post is a mail server that keeps what it accepts.
type post struct {
	address string
	roots   *tls.Config
	script  func(to string) error // what it answers to a recipient
	cut     bool                  // hangs up instead of answering to the message

	mu       sync.Mutex
	received []string
	secure   []bool
	users    []string
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	conf := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "post"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, conf, conf, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, pool
}

// newPost starts the server. With implicit it speaks TLS from the first byte.
func newPost(t *testing.T, implicit bool, p *post) *post {
	t.Helper()
	cert, pool := certificate(t)
	conf := &tls.Config{Certificates: []tls.Certificate{cert}}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{post: p, conn: c}, nil }))
	server.TLSConfig, server.Domain = conf, "post.example"
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address, p.roots = ln.Addr().String(), &tls.Config{RootCAs: pool}
	if implicit {
		ln = tls.NewListener(ln, conf)
	}
	done := make(chan struct{})
	go func() { _ = server.Serve(ln); close(done) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return p
}

type session struct {
	post *post
	conn *smtp.Conn
	user string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "secret" {
			return errors.New("wrong")
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if s.user == "" {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.post.script != nil {
		return s.post.script(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.post.cut {
		return s.conn.Conn().Close()
	}
	_, secure := s.conn.TLSConnectionState()
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	s.post.received = append(s.post.received, string(b))
	s.post.secure = append(s.post.secure, secure)
	s.post.users = append(s.post.users, s.user)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (p *post) client(t *testing.T, mode, password string) *notify.SMTP {
	t.Helper()
	s, err := notify.NewSMTP(notify.SMTPConfig{
		Address: p.address, TLS: mode, User: "daftar", Password: password, From: "Registry <no-reply@registry.example>", Clock: now, Root: p.roots,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var news = notify.Mail{ID: "0190-1", To: "amina@example.org", Subject: "هناك جديد", Body: "هناك جديد لك.\nhttps://registry.example", Lang: "ar"}

func TestMailIsEncryptedAndSignedIn(t *testing.T) {
	t.Parallel()
	for mode, implicit := range map[string]bool{"starttls": false, "tls": true} {
		p := newPost(t, implicit, &post{})
		if err := p.client(t, mode, "secret").Mail(t.Context(), news); err != nil {
			t.Fatal(mode, err)
		}
		if len(p.received) != 1 || !p.secure[0] || p.users[0] != "daftar" {
			t.Fatalf("%s: %d received, encrypted %v, signed in as %v", mode, len(p.received), p.secure, p.users)
		}
		msg, err := mail.ReadMessage(strings.NewReader(p.received[0]))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		if err != nil || subject != news.Subject {
			t.Errorf("%s: the subject is %q, %v", mode, subject, err)
		}
		for header, want := range map[string]string{
			"Message-ID": "<0190-1@registry.example>", "To": "<amina@example.org>", "From": `"Registry" <no-reply@registry.example>`,
			"Content-Language": "ar", "Auto-Submitted": "auto-generated", "Date": "Mon, 02 Mar 2026 09:00:00 +0000",
		} {
			if got := msg.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, not %q", mode, header, got, want)
			}
		}
	}
}

func TestMailThatIsNotTaken(t *testing.T) {
	t.Parallel()
	reply := func(code int) func(string) error {
		return func(string) error { return &smtp.SMTPError{Code: code, Message: "no amina@example.org here"} }
	}
	away, refused := notify.Away{}, notify.Refused{}
	is := func(err error, target any) bool { return errors.As(err, target) }
	for name, c := range map[string]struct {
		post     *post
		mode     string
		password string
		to       string
		check    func(error) bool
	}{
		"a full mailbox":       {&post{script: reply(452)}, "starttls", "secret", "", func(err error) bool { return is(err, &away) }},
		"no such mailbox":      {&post{script: reply(550)}, "starttls", "secret", "", func(err error) bool { return is(err, &refused) }},
		"no address at all":    {&post{}, "starttls", "secret", "amina", func(err error) bool { return is(err, &refused) }},
		"two addresses":        {&post{}, "starttls", "secret", "a@example.org>\r\nRCPT TO:<b@example.org", func(err error) bool { return is(err, &refused) }},
		"the wrong password":   {&post{}, "starttls", "wrong", "", func(err error) bool { return is(err, &away) }},
		"the wrong encryption": {&post{}, "tls", "secret", "", func(err error) bool { return is(err, &away) }},
		"hung up at the end":   {&post{cut: true}, "starttls", "secret", "", func(err error) bool { return errors.Is(err, notify.ErrUnsure) }},
	} {
		p := newPost(t, false, c.post)
		m := news
		if c.to != "" {
			m.To = c.to
		}
		err := p.client(t, c.mode, c.password).Mail(t.Context(), m)
		if !c.check(err) {
			t.Errorf("%s: %v (%T)", name, err, err)
		}
		if err != nil && strings.Contains(err.Error(), "amina") {
			t.Errorf("%s: the error names somebody: %v", name, err)
		}
		if len(p.received) > 0 {
			t.Errorf("%s: received", name)
		}
	}
	// nobody there, and somebody else's certificate
	gone := newPost(t, false, &post{})
	gone.roots = &tls.Config{RootCAs: x509.NewCertPool()}
	if err := gone.client(t, "starttls", "secret").Mail(t.Context(), news); !is(err, &away) {
		t.Error("a certificate of nobody we trust: ", err)
	}
	gone.address = "127.0.0.1:1"
	if err := gone.client(t, "starttls", "secret").Mail(t.Context(), news); !is(err, &away) {
		t.Error("nobody there: ", err)
	}
}

func TestMailServersThatAreNot(t *testing.T) {
	t.Parallel()
	ok := notify.SMTPConfig{Address: "mail.example:587", TLS: "starttls", From: "a@example.org", Clock: now}
	if _, err := notify.NewSMTP(ok); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*notify.SMTPConfig){
		"no port":                             func(c *notify.SMTPConfig) { c.Address = "mail.example" },
		"a port that is a word":               func(c *notify.SMTPConfig) { c.Address = "mail.example:smtp" },
		"unencrypted to elsewhere":            func(c *notify.SMTPConfig) { c.TLS = "off" },
		"unencrypted with a password":         func(c *notify.SMTPConfig) { c.TLS, c.Address, c.User = "off", "127.0.0.1:25", "x" },
		"another encryption":                  func(c *notify.SMTPConfig) { c.TLS = "perhaps" },
		"a sender that is no address":         func(c *notify.SMTPConfig) { c.From = "Registry" },
		"a sender that brings another header": func(c *notify.SMTPConfig) { c.From = "a@example.org\r\nBcc: b@example.org" },
	} {
		c := ok
		change(&c)
		if _, err := notify.NewSMTP(c); err == nil {
			t.Error(name, ": accepted")
		}
	}
}
