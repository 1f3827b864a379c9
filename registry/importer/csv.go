package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// maxLine bounds a row of a CSV file, in bytes.
const maxLine = 1 << 20

// csvReader reads rows of RFC 4180, in constant memory. It is stricter than
// encoding/csv about what it keeps, and more patient: a quote that nothing ends
// spoils the line it stands in, and not the rest of the file.
type csvReader struct {
	r     *bufio.Reader
	delim byte
	left  []byte // lines that were read ahead, to be read again
	bytes int64  // read so far
	line  int    // lines read so far

	row   []byte   // the text of the row at hand, with its line ends
	start int      // line in which it begins
	cells []string // overwritten by the next row
	plain []byte   // cells with quotes, without them
}

// Why a row cannot be read. Each is a message key.
type csvError string

func (e csvError) Error() string { return string(e) }

const (
	errLong   = csvError("import.problem.long")
	errQuote  = csvError("import.problem.quote")
	errBare   = csvError("import.problem.bare_quote")
	errNoUTF8 = csvError("import.problem.utf8")
)

func newCSV(r io.Reader, delim byte) *csvReader {
	return &csvReader{r: bufio.NewReaderSize(r, maxLine), delim: delim}
}

// readLine reads one line with its end. What is too long is read to its end and
// kept in part.
func (c *csvReader) readLine() ([]byte, error) {
	if len(c.left) > 0 {
		if i := bytes.IndexByte(c.left, '\n'); i >= 0 {
			line := c.left[:i+1]
			c.left = c.left[i+1:]
			c.line++
			return line, nil
		}
		head := c.left
		c.left = nil
		rest, err := c.readLine()
		if errors.Is(err, io.EOF) {
			c.line++
			return head, nil
		}
		if line := append(head[:len(head):len(head)], rest...); len(line) <= maxLine || err != nil {
			return line, err
		}
		return rest, errLong
	}
	line, err := c.r.ReadSlice('\n')
	c.bytes += int64(len(line))
	switch {
	case err == nil:
	case errors.Is(err, bufio.ErrBufferFull):
		kept := bytes.Clone(line[:1000])
		for errors.Is(err, bufio.ErrBufferFull) {
			var more []byte
			more, err = c.r.ReadSlice('\n')
			c.bytes += int64(len(more))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		c.line++
		return kept, errLong
	case errors.Is(err, io.EOF) && len(line) > 0:
	default:
		return nil, err
	}
	c.line++
	return line, nil
}

// next reads a row; io.EOF at the end. A csvError is about this row alone. Lines
// with nothing in them are passed over.
func (c *csvReader) next() error {
	for {
		line, err := c.readLine()
		c.start, c.cells = c.line, c.cells[:0]
		c.row = append(c.row[:0], line...)
		if err != nil {
			return err
		}
		if trimmed := trimLine(c.row); len(trimmed) == 0 {
			continue
		}
		if bytes.IndexByte(c.row, '"') < 0 {
			c.split(trimLine(c.row))
			return nil
		}
		return c.quoted()
	}
}

func trimLine(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}

// split cuts a row without quotes.
func (c *csvReader) split(row []byte) {
	text := string(row)
	for {
		i := strings.IndexByte(text, c.delim)
		if i < 0 {
			c.cells = append(c.cells, text)
			return
		}
		c.cells = append(c.cells, text[:i])
		text = text[i+1:]
	}
}

// quoted cuts a row that has quotes, which may hold line ends.
func (c *csvReader) quoted() error {
	first := len(c.row)
	c.plain = c.plain[:0]
	var ends []int
	for i, more := 0, true; more; {
		if i < len(c.row) && c.row[i] == '"' {
			var err error
			if i, err = c.quotedCell(i+1, first); err != nil {
				return err
			}
		} else {
			end := i
			for end < len(c.row) && c.row[end] != c.delim && c.row[end] != '\n' && c.row[end] != '"' {
				end++
			}
			if end < len(c.row) && c.row[end] == '"' {
				return errBare
			}
			cell := c.row[i:end]
			if end == len(c.row) || c.row[end] == '\n' {
				cell = bytes.TrimSuffix(cell, []byte("\r"))
			}
			c.plain = append(c.plain, cell...)
			i = end
		}
		ends = append(ends, len(c.plain))
		if more = i < len(c.row) && c.row[i] == c.delim; more {
			i++
		}
	}
	text, from := string(c.plain), 0
	for _, end := range ends {
		c.cells = append(c.cells, text[from:end])
		from = end
	}
	return nil
}

// quotedCell takes a cell that begins after a quote at i and returns where it
// ends. Lines are added as long as the quote is open; one that nothing closes
// leaves them to be read as rows of their own.
func (c *csvReader) quotedCell(i, first int) (int, error) {
	for {
		end := bytes.IndexByte(c.row[i:], '"')
		if end < 0 {
			c.plain = append(c.plain, c.row[i:]...)
			i = len(c.row)
			line, err := c.readLine()
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errLong) {
				return i, err
			}
			if err != nil || len(c.row)+len(line) > maxLine {
				c.left = append(append(bytes.Clone(c.row[first:]), line...), c.left...)
				c.line = c.start
				c.row = c.row[:first]
				return i, errQuote
			}
			c.row = append(c.row, line...)
			continue
		}
		c.plain = append(c.plain, c.row[i:i+end]...)
		i += end + 1
		switch {
		case i < len(c.row) && c.row[i] == '"':
			c.plain = append(c.plain, '"')
			i++
		case i == len(c.row) || c.row[i] == c.delim || c.row[i] == '\n':
			return i, nil
		case c.row[i] == '\r' && (i+1 == len(c.row) || c.row[i+1] == '\n'):
			return i + 1, nil
		default:
			c.left = append(bytes.Clone(c.row[first:]), c.left...)
			c.line = c.start
			c.row = c.row[:first]
			return i, errQuote
		}
	}
}

// delimiters are the marks that may part the cells, the usual one first.
var delimiters = []byte{',', ';', '\t', '|'}

// guessDelimiter is the mark that a header line has most of.
func guessDelimiter(line []byte) byte {
	best, most := delimiters[0], 0
	for _, d := range delimiters {
		if n := bytes.Count(line, []byte{d}); n > most {
			best, most = d, n
		}
	}
	return best
}

// fit reports why a cell cannot be kept: not UTF-8, or with characters that no
// text has; "" when it can.
func fit(s string) string {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < 0x20 && c != '\n' && c != '\t' || c == 0x7f {
			return "import.problem.characters"
		}
		if c >= 0x80 {
			return fitWide(s[i:])
		}
	}
	return ""
}

func fitWide(s string) string {
	if !utf8.ValidString(s) {
		return string(errNoUTF8)
	}
	for _, r := range s {
		switch {
		case r < 0x20 && r != '\n' && r != '\t', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff, r == 0xfffd:
			return "import.problem.characters"
		}
	}
	return ""
}
