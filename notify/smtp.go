package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// SMTPConfig says which mail server takes the e-mail.
type SMTPConfig struct {
	Address  string // host:port
	TLS      string // "starttls", "tls" (from the first byte), or "off"
	User     string // "" for a server that asks nobody
	Password string
	From     string // address, perhaps with a name: "Registry <no-reply@registry.example>"
	Clock    func() time.Time
	Root     *tls.Config // for tests: whom to trust; nil is the system's
}

// SMTP sends e-mail through a mail server.
type SMTP struct {
	cfg    SMTPConfig
	client *mail.Client
	domain string
}

// sendTimeout bounds the whole conversation with a gateway.
const sendTimeout = 30 * time.Second

// NewSMTP prepares a connection; none is made yet. Without encryption it speaks
// to this machine alone, and gives it no password.
func NewSMTP(cfg SMTPConfig) (*SMTP, error) {
	host, port, err := net.SplitHostPort(cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("the mail server's address is host:port: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("the mail server's port is %q", port)
	}
	s := &SMTP{cfg: cfg}
	var from mail.Msg
	if err := from.From(cfg.From); err != nil {
		return nil, errors.New("the sender of e-mail is not an address")
	}
	_, s.domain, _ = strings.Cut(from.GetFrom()[0].Address, "@")
	opts := []mail.Option{mail.WithPort(number), mail.WithTimeout(sendTimeout), mail.WithHELO(s.domain)}
	switch cfg.TLS {
	case "starttls":
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	case "tls":
		opts = append(opts, mail.WithSSL())
	case "off":
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) || cfg.User != "" {
			return nil, errors.New("e-mail goes unencrypted to this machine only, and without a password")
		}
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, fmt.Errorf("the mail server's encryption is starttls, tls or off, not %q", cfg.TLS)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if cfg.Root != nil {
		conf.RootCAs = cfg.Root.RootCAs
	}
	opts = append(opts, mail.WithTLSConfig(conf))
	if cfg.User != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(cfg.User), mail.WithPassword(cfg.Password))
	}
	s.client, err = mail.NewClient(host, opts...)
	return s, err
}

// Mail hands one e-mail to the server.
func (s *SMTP) Mail(ctx context.Context, m Mail) error {
	msg := mail.NewMsg()
	if err := msg.From(s.cfg.From); err != nil {
		return err
	}
	if err := msg.To(m.To); err != nil {
		return Refused{Code: "address"}
	}
	msg.Subject(m.Subject)
	msg.SetBodyString(mail.TypeTextPlain, m.Body)
	// The same message that is sent again, by whoever, is seen to be the same.
	msg.SetMessageIDWithValue(m.ID + "@" + s.domain)
	msg.SetDateWithValue(s.cfg.Clock())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody answers it
	msg.SetGenHeader("Content-Language", m.Lang)
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err := s.client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() {
		return nil // what fails after the server said yes is no matter
	}
	var failed *mail.SendError
	if !errors.As(err, &failed) {
		return Away{Code: "smtp connection"} // the address of a person is in no error
	}
	code := "smtp " + strconv.Itoa(failed.ErrorCode())
	switch {
	case failed.ErrorCode() >= 500 && failed.Reason != mail.ErrSMTPMailFrom: // a sender that is refused is ours to mend
		return Refused{Code: code}
	case failed.ErrorCode() == 0 && failed.Reason == mail.ErrSMTPDataClose:
		return ErrUnsure
	}
	return Away{Code: code}
}
