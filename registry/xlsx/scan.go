package xlsx

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner reads an XML part tag by tag, in constant memory. It knows what
// spreadsheets hold and no more: whatever it could read in another way than a
// parser would is an error.
type scanner struct {
	r     *bufio.Reader
	buf   []byte // the markup at hand, without its brackets
	text  []byte // what stood before it, where keep is set
	keep  bool
	names []byte // of the elements that are open
	ends  []int  // where each of them ends in names
	empty bool   // the last element was opened and closed in one tag

	name, attrs []byte // of the tag at hand; the name without its prefix
}

type event int

const (
	opening event = iota + 1
	closing
)

// Bounds of one tag, of what is written in one cell, and of the depth.
const (
	maxTag   = 1 << 16
	maxText  = 1 << 17 // Excel's own is 32,767 characters
	maxDepth = 64
)

var (
	errTag   = errors.New("a tag is too long")
	errText  = errors.New("a text is too long")
	errDecl  = errors.New("a document type declaration")
	errBytes = errors.New("not UTF-8 text")
	errNest  = errors.New("tags that do not match")
)

func newScanner(r io.Reader, limit int64) *scanner {
	return &scanner{r: bufio.NewReaderSize(io.LimitReader(r, limit+1), 1<<16)}
}

// next reads to the next tag; io.EOF at the end, when every element is closed.
func (s *scanner) next() (event, error) {
	s.text = s.text[:0]
	if s.empty {
		s.empty = false
		return s.close(s.names[s.start():])
	}
	for {
		if err := s.readText(); err != nil {
			if errors.Is(err, io.EOF) && len(s.ends) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		if err := s.markup(); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		b := s.buf
		switch {
		case len(b) == 0:
			return 0, errNest
		case b[0] == '/':
			return s.close(bytes.TrimRight(b[1:], " \t\r\n"))
		case b[0] != '?' && b[0] != '!':
			return s.open(b)
		}
	}
}

func (s *scanner) start() int {
	if n := len(s.ends); n > 1 {
		return s.ends[n-2]
	}
	return 0
}

func (s *scanner) open(b []byte) (event, error) {
	if s.empty = b[len(b)-1] == '/'; s.empty {
		b = b[:len(b)-1]
	}
	name, attrs := b, []byte(nil)
	if i := bytes.IndexAny(b, " \t\r\n"); i >= 0 {
		name, attrs = b[:i], b[i:]
	}
	if len(s.ends) == maxDepth || len(name) == 0 {
		return 0, errNest
	}
	s.names = append(s.names, name...)
	s.ends = append(s.ends, len(s.names))
	s.name, s.attrs = local(name), attrs
	return opening, nil
}

func (s *scanner) close(name []byte) (event, error) {
	n := len(s.ends)
	if n == 0 || !bytes.Equal(name, s.names[s.start():]) {
		return 0, errNest
	}
	s.name = local(name)
	s.names, s.ends = s.names[:s.start()], s.ends[:n-1]
	return closing, nil
}

func local(name []byte) []byte { return name[bytes.LastIndexByte(name, ':')+1:] }

// is reports whether the tag at hand has a name, in whatever case.
func (s *scanner) is(name string) bool {
	return len(s.name) == len(name) && strings.EqualFold(string(s.name), name)
}

// readText reads to the next "<".
func (s *scanner) readText() error {
	for {
		part, err := s.r.ReadSlice('<')
		if bytes.IndexByte(part, 0) >= 0 { // UTF-16, which would hide every tag
			return errBytes
		}
		if s.keep {
			if len(s.text)+len(part) > maxText {
				return errText
			}
			s.text = append(s.text, bytes.TrimSuffix(part, []byte("<"))...)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// markup reads to the ">" that ends what "<" began. One inside quotes ends
// nothing.
func (s *scanner) markup() error {
	s.buf = s.buf[:0]
	for {
		part, err := s.r.ReadSlice('>')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		s.buf = append(s.buf, part...)
		switch {
		case bytes.IndexByte(part, 0) >= 0:
			return errBytes
		case s.buf[0] == '!':
			return s.special()
		case len(s.buf) > maxTag:
			return errTag
		case err == nil && (s.buf[0] == '?' || !inQuotes(s.buf)):
			s.buf = s.buf[:len(s.buf)-1]
			return nil
		}
	}
}

// inQuotes reports whether a tag that seems to end does so inside a value.
func inQuotes(b []byte) bool {
	quote := byte(0)
	for _, c := range b {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		}
	}
	return quote != 0
}

// special skips a comment and keeps what stands in a CDATA section; anything
// else that begins so is refused.
func (s *scanner) special() error {
	end := "-->"
	switch {
	case bytes.HasPrefix(s.buf, []byte("!--")):
	case bytes.HasPrefix(s.buf, []byte("![CDATA[")):
		end = "]]>"
	default:
		return errDecl
	}
	kept := s.buf[len("!--"):]
	if end == "]]>" {
		kept = s.buf[len("![CDATA["):]
	}
	for !bytes.HasSuffix(kept, []byte(end)) {
		part, err := s.r.ReadSlice('>')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if bytes.IndexByte(part, 0) >= 0 {
			return errBytes
		}
		if end == "-->" && len(kept) > maxTag {
			kept = append(kept[:0], kept[len(kept)-2:]...) // enough to see the end
		}
		if kept = append(kept, part...); end == "]]>" && len(kept) > maxText {
			return errText
		}
	}
	if end == "]]>" && s.keep {
		s.text = append(s.text, escaped(kept[:len(kept)-len(end)])...)
	}
	s.buf = append(s.buf[:0], '!')
	return nil
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;")

func escaped(b []byte) string { return escape.Replace(string(b)) }

// attr is the value of an attribute, "" for none.
func (s *scanner) attr(name string) []byte {
	rest := s.attrs
	for {
		eq := bytes.IndexByte(rest, '=')
		if eq < 0 {
			return nil
		}
		key := bytes.TrimSpace(rest[:eq])
		rest = bytes.TrimLeft(rest[eq+1:], " \t\r\n")
		if len(rest) == 0 {
			return nil
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return nil
		}
		value := rest[1 : end+1]
		rest = rest[end+2:]
		if string(key) == name {
			return value
		}
	}
}

// unescaped is a text as it is meant: entities, and Excel's own _x000D_.
func unescaped(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", errBytes
	}
	if bytes.IndexByte(b, '&') < 0 && !bytes.Contains(b, []byte("_x")) {
		return string(b), nil
	}
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '&':
			end := bytes.IndexByte(b[i:], ';')
			if end < 0 || end > 12 {
				return "", errors.New("an entity without an end")
			}
			r, err := entity(string(b[i+1 : i+end]))
			if err != nil {
				return "", err
			}
			out.WriteRune(r)
			i += end
		case b[i] == '_' && i+7 <= len(b) && b[i+1] == 'x' && b[i+6] == '_':
			n, err := strconv.ParseUint(string(b[i+2:i+6]), 16, 16)
			if err != nil {
				out.WriteByte('_')
				continue
			}
			out.WriteRune(rune(n))
			i += 6
		default:
			out.WriteByte(b[i])
		}
	}
	return out.String(), nil
}

func entity(name string) (rune, error) {
	switch name {
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "amp":
		return '&', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	digits, base := strings.TrimPrefix(name, "#"), 10
	if hex := strings.TrimPrefix(digits, "x"); hex != digits {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if err != nil || digits == name || !utf8.ValidRune(rune(n)) || n == 0 {
		return 0, errors.New("an unknown entity")
	}
	return rune(n), nil
}
