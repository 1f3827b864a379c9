package xlsx

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
)

// tags reads the opening tags of an XML part and nothing between them, in
// constant memory and at the speed of the unpacking. It is no parser: whatever
// it could read in another way than a parser would is an error.
type tags struct {
	r   *bufio.Reader
	buf []byte
}

type tag struct {
	name  string // without its prefix, in lower case
	attrs string
}

// maxTag bounds one tag.
const maxTag = 1 << 16

var (
	errTag   = errors.New("a tag is too long")
	errDecl  = errors.New("a document type declaration")
	errBytes = errors.New("not UTF-8 text")
)

// next is the next opening tag; io.EOF at the end.
func (t *tags) next() (tag, error) {
	for {
		if err := t.text(); err != nil {
			return tag{}, err
		}
		raw, err := t.markup()
		if err != nil {
			return tag{}, err
		}
		if len(raw) == 0 || raw[0] == '/' || raw[0] == '?' || raw[0] == '!' {
			continue
		}
		s := string(raw)
		end := strings.IndexAny(s, " \t\r\n/")
		if end < 0 {
			end = len(s)
		}
		name := s[:end]
		if i := strings.LastIndexByte(name, ':'); i >= 0 {
			name = name[i+1:]
		}
		return tag{name: strings.ToLower(name), attrs: s[end:]}, nil
	}
}

// text skips to the next "<".
func (t *tags) text() error {
	for {
		part, err := t.r.ReadSlice('<')
		if bytes.IndexByte(part, 0) >= 0 { // UTF-16, which would hide every tag
			return errBytes
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// markup reads to the ">" that ends what "<" began.
func (t *tags) markup() ([]byte, error) {
	t.buf = t.buf[:0]
	quote := byte(0)
	for {
		c, err := t.r.ReadByte()
		if err != nil {
			return nil, err
		}
		switch {
		case c == 0:
			return nil, errBytes
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '>':
			return t.buf, nil
		case (c == '"' || c == '\'') && len(t.buf) > 0 && t.buf[0] != '!' && t.buf[0] != '?':
			quote = c
		}
		if t.buf = append(t.buf, c); len(t.buf) > maxTag {
			return nil, errTag
		}
		if t.buf[0] != '!' && t.buf[0] != '?' || len(t.buf) > len("![CDATA[") {
			continue
		}
		switch string(t.buf) {
		case "!--":
			return t.buf, t.until("-->")
		case "![CDATA[":
			return t.buf, t.until("]]>")
		case "!D", "!d", "!E", "!e":
			return nil, errDecl
		case "?":
			return t.buf, t.until("?>")
		}
	}
}

// until skips to what ends a comment, a section or an instruction.
func (t *tags) until(end string) error {
	var last [3]byte
	for {
		c, err := t.r.ReadByte()
		if err != nil {
			return err
		}
		last[0], last[1], last[2] = last[1], last[2], c
		if bytes.HasSuffix(last[:], []byte(end)) {
			return nil
		}
	}
}

// attr is the value of an attribute, "" for none.
func (t tag) attr(name string) string {
	rest := t.attrs
	for {
		eq := strings.IndexByte(rest, '=')
		if eq < 0 {
			return ""
		}
		key := strings.TrimSpace(rest[:eq])
		rest = strings.TrimLeft(rest[eq+1:], " \t\r\n")
		if rest == "" {
			return ""
		}
		end := strings.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return ""
		}
		value := rest[1 : end+1]
		rest = rest[end+2:]
		if key == name {
			return value
		}
	}
}
