package scan_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"daftar/scan"
	"daftar/scan/clamdtest"
)

func client(t *testing.T, address string) *scan.Clamd {
	t.Helper()
	c, err := scan.New(address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The real clamd of the system, over both kinds of socket.
func TestClamd(t *testing.T) {
	t.Parallel()
	known := bytes.Repeat([]byte("known by its hash "), 10_000)
	sum := md5.Sum(known)
	hash := fmt.Sprintf("%s:%d:Known-Test", hex.EncodeToString(sum[:]), len(known))
	for _, tcp := range []bool{false, true} {
		d := clamdtest.Start(t, tcp, hash)
		c := client(t, d.Address)
		large := bytes.Repeat([]byte{0xff, 0xd8, 0x00, 0x13}, 2<<20) // 8 MB
		for name, f := range map[string]struct {
			file []byte
			want string
		}{
			"nothing":           {nil, ""},
			"a text":            {[]byte("hello"), ""},
			"8 MB":              {large, ""},
			"the test string":   {[]byte(clamdtest.EICAR()), "Eicar-Test.UNOFFICIAL"},
			"inside a file":     {append(append([]byte("%PDF-1.4\n"), clamdtest.EICAR()...), 'x'), "Eicar-Test.UNOFFICIAL"},
			"one byte too few":  {[]byte(clamdtest.EICAR()[1:]), ""},
			"known by its hash": {known, "Known-Test.UNOFFICIAL"},
		} {
			if found, err := c.Scan(t.Context(), f.file); err != nil || found != f.want {
				t.Errorf("tcp %v, %s: found %q, %v", tcp, name, found, err)
			}
		}
		// larger than the daemon takes: no verdict, which is not "clean"
		if found, err := c.Scan(t.Context(), make([]byte, 12<<20)); err == nil || found != "" {
			t.Errorf("tcp %v, 12 MB: found %q, %v", tcp, found, err)
		}
		d.Stop()
		if found, err := c.Scan(t.Context(), []byte("hello")); err == nil {
			t.Errorf("tcp %v, ended: found %q", tcp, found)
		}
	}
}

// Whatever else answers is no verdict.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"nothing": "", "unfinished": "stream: OK", "an error": "INSTREAM size limit exceeded. ERROR\x00", "another's answer": "OK\x00",
		"found nothing": "stream:  FOUND\x00", "endless": strings.Repeat("x", 10<<10), "a web server": "HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.CopyN(io.Discard, conn, 10)
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}()
		if found, err := client(t, ln.Addr().String()).Scan(t.Context(), []byte("hello")); err == nil {
			t.Errorf("%s: found %q", name, found)
		}
		_ = ln.Close()
	}
	// and one that never answers is waited for no longer than the context lasts
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client(t, ln.Addr().String()).Scan(ctx, []byte("hello")); err == nil {
		t.Error("a silent daemon gave a verdict")
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"localhost:3310": true, "tcp://127.0.0.1:3310": true, "/run/clamav/clamd.ctl": true, "unix:/run/clamav/clamd.ctl": true,
		"unix:///run/clamav/clamd.ctl": true, "localhost": false, "unix:clamd.ctl": false, "": false,
	} {
		if _, err := scan.New(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}
