// Package scan asks ClamAV's daemon whether a file is harmful.
package scan

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// Clamd is a clamd, at a TCP address or a Unix socket.
type Clamd struct {
	network, address string
}

// Limits of one scan. The answer is a line; the file is at most as large as an
// upload may be.
const (
	timeout   = 60 * time.Second
	chunk     = 64 << 10
	maxAnswer = 4 << 10
)

// New prepares for a daemon at "host:port", "tcp://host:port", "/path" or
// "unix:/path".
func New(address string) (*Clamd, error) {
	switch {
	case strings.HasPrefix(address, "unix:"):
		address = strings.TrimPrefix(strings.TrimPrefix(address, "unix:"), "//")
		if !filepath.IsAbs(address) {
			return nil, errors.New("the path of clamd's socket is not absolute")
		}
		return &Clamd{"unix", address}, nil
	case filepath.IsAbs(address):
		return &Clamd{"unix", address}, nil
	}
	address = strings.TrimPrefix(address, "tcp://")
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("clamd's address is host:port or a path: %w", err)
	}
	return &Clamd{"tcp", address}, nil
}

// Ping reports whether the daemon is there and ready.
func (c *Clamd) Ping(ctx context.Context) error {
	answer, err := c.ask(ctx, "PING", nil)
	if err == nil && answer != "PONG" {
		err = fmt.Errorf("clamd answers %q", answer)
	}
	return err
}

// Scan returns the name of what was found in a file; "" when it is clean. An
// error means that the daemon gave no verdict.
func (c *Clamd) Scan(ctx context.Context, file []byte) (string, error) {
	answer, err := c.ask(ctx, "INSTREAM", file)
	if err != nil {
		return "", err
	}
	verdict, ok := strings.CutPrefix(answer, "stream: ")
	if found, isFound := strings.CutSuffix(verdict, " FOUND"); ok && isFound && found != "" {
		return found, nil
	}
	if !ok || verdict != "OK" {
		return "", fmt.Errorf("clamd answers %q", answer)
	}
	return "", nil
}

// ask sends a command in its zero-terminated form, and the file after
// INSTREAM: pieces with their length before them, and a piece of none at the
// end (clamd(8)).
func (c *Clamd) ask(ctx context.Context, command string, file []byte) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, c.network, c.address)
	if err != nil {
		return "", fmt.Errorf("clamd does not answer: %w", err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var out bytes.Buffer
	out.WriteString("z" + command + "\x00")
	if command == "INSTREAM" {
		for len(file) > 0 {
			piece := file[:min(len(file), chunk)]
			file = file[len(piece):]
			_ = binary.Write(&out, binary.BigEndian, uint32(len(piece))) // a buffer takes everything
			out.Write(piece)
		}
		out.Write([]byte{0, 0, 0, 0})
	}
	// A daemon that has enough answers before it has read everything, and hangs
	// up: its answer says more than the failed write.
	_, wrote := conn.Write(out.Bytes())
	raw, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	answer, _, whole := bytes.Cut(raw, []byte{0})
	switch {
	case whole:
		return strings.TrimSpace(string(answer)), nil
	case wrote != nil:
		return "", fmt.Errorf("clamd hung up: %w", wrote)
	case err != nil:
		return "", fmt.Errorf("clamd gave no answer: %w", err)
	}
	return "", errors.New("clamd gave no answer")
}
