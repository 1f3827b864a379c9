package web

import (
	"errors"
	"io"
	"net"
	"os"
)

// silent closes a connection on which nothing was ever sent without a word.
// Browsers open connections in advance; an answer to nothing, when the time to
// read is over, would be taken for the answer to the next request.
type silent struct{ net.Listener }

// Accept waits for the next connection.
func (l silent) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &silentConn{Conn: c}, nil
}

type silentConn struct {
	net.Conn
	spoken bool
}

// Read reads what was sent; when the time is over before anything was, that is
// the end.
func (c *silentConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.spoken = true
	}
	if !c.spoken && errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
	}
	return n, err
}
