package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"time"
)

// wire is one keep-alive HTTP/1.1 connection. It does as little as a client can:
// it shares the cores with the server that it measures.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	body []byte
}

func dial(address string) (*wire, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (w *wire) close() { _ = w.conn.Close() }

// answerTime is the longest that an answer may take.
const answerTime = 15 * time.Second

// do sends a request and reads the answer. The body is good until the next
// call.
func (w *wire) do(request []byte) (status int, body []byte, err error) {
	if err := w.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, nil, err
	}
	if _, err := w.conn.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := w.r.ReadSlice('\n') // HTTP/1.1 200 OK
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, errors.New("not an HTTP answer")
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, err
	}
	length := 0
	for {
		if line, err = w.r.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch textproto.CanonicalMIMEHeaderKey(string(name)) {
		case "Content-Length":
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, nil, err
			}
		case "Transfer-Encoding":
			return 0, nil, errors.New("chunked answers are not read")
		}
	}
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	w.body = w.body[:length]
	_, err = io.ReadFull(w.r, w.body)
	return status, w.body, err
}

// expect is do, and an error unless the status is 200.
func (w *wire) expect(request []byte) ([]byte, error) {
	status, body, err := w.do(request)
	if err == nil && status != 200 {
		line, _, _ := bytes.Cut(request, []byte("\r\n"))
		err = fmt.Errorf("%s: status %d: %.300s", line, status, body)
	}
	return body, err
}

// get is a GET request.
func get(host, path string, headers ...string) []byte {
	return message("GET", host, path, headers, "")
}

// post is a POST request.
func post(host, path, contentType, body string, headers ...string) []byte {
	return message("POST", host, path, append(headers, "Content-Type: "+contentType, "Content-Length: "+strconv.Itoa(len(body))), body)
}

func message(method, host, path string, headers []string, body string) []byte {
	b := make([]byte, 0, 512+len(body))
	b = append(b, method+" "+path+" HTTP/1.1\r\nHost: "+host+"\r\n"...)
	for _, h := range headers {
		b = append(append(b, h...), "\r\n"...)
	}
	return append(append(b, "\r\n"...), body...)
}
