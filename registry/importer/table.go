package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing that is wrong with a file, in the words of the report.
type Problem struct {
	File   string
	Line   int // 1 is the header
	Column string
	Value  string
	Rule   string // what the value should have been
}

func (p Problem) String() string {
	where := fmt.Sprintf("%s:%d", p.File, p.Line)
	if p.Column == "" {
		return fmt.Sprintf("%s: %s", where, p.Rule)
	}
	return fmt.Sprintf("%s: %s = %q: %s", where, p.Column, p.Value, p.Rule)
}

// table reads a CSV file row by row.
type table struct {
	file   string
	csv    *csv.Reader
	index  map[string]int // column by name
	header []string
	echo   *echo
	raw    []byte // the current row as it is in the file
	row    []string
	line   int
}

// maxRow bounds one line of a file, in bytes.
const maxRow = 1 << 20

// openTable reads the header. Every column must be known; those that are needed
// must be there.
func openTable(file string, r io.Reader, needed, ignored []string) (*table, error) {
	reader := bufio.NewReaderSize(r, 1<<16)
	if bom, err := reader.Peek(3); err == nil && bytes.Equal(bom, []byte{0xef, 0xbb, 0xbf}) {
		_, _ = reader.Discard(3)
	} else if err == nil && (bom[0] == 0xff && bom[1] == 0xfe || bom[0] == 0xfe && bom[1] == 0xff) {
		return nil, fmt.Errorf("%s is UTF-16; save it as UTF-8", file)
	}
	t := &table{file: file, echo: &echo{r: reader}, index: map[string]int{}}
	t.csv = csv.NewReader(t.echo)
	t.csv.ReuseRecord = true
	t.csv.FieldsPerRecord = -1 // checked per row, to name the line
	header, err := t.csv.Read()
	if err != nil {
		return nil, fmt.Errorf("%s has no header line", file)
	}
	t.header = slices.Clone(header)
	t.raw = t.echo.take(t.csv.InputOffset())
	t.line = 1
	for i, name := range t.header {
		if _, twice := t.index[name]; twice {
			return nil, fmt.Errorf("%s:1: column %q appears twice", file, name)
		}
		t.index[name] = i
		if !slices.Contains(needed, name) && !slices.Contains(ignored, name) {
			return nil, fmt.Errorf("%s:1: column %q is neither mapped nor ignored", file, name)
		}
	}
	for _, name := range needed {
		if _, ok := t.index[name]; !ok {
			return nil, fmt.Errorf("%s:1: column %q is missing", file, name)
		}
	}
	return t, nil
}

// next reads a row. A row that cannot be read is a problem and ends nothing;
// io.EOF ends the file.
func (t *table) next() (*Problem, error) {
	row, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	t.raw = t.echo.take(t.csv.InputOffset())
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		t.line = bad.StartLine
		t.row = nil
		return &Problem{File: t.file, Line: bad.StartLine, Rule: "the line is not valid CSV: " + bad.Err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	t.row = row
	t.line, _ = t.csv.FieldPos(0)
	if len(row) != len(t.header) {
		rule := fmt.Sprintf("%d columns instead of %d", len(row), len(t.header))
		if !bytes.HasSuffix(t.raw, []byte("\n")) {
			rule += "; the file ends in the middle of a line"
		}
		return &Problem{File: t.file, Line: t.line, Rule: rule}, nil
	}
	size := 0
	for i, v := range row {
		size += len(v)
		if !utf8.ValidString(v) {
			return &Problem{File: t.file, Line: t.line, Column: t.header[i], Value: string(bytes.ToValidUTF8([]byte(v), []byte("?"))), Rule: "not UTF-8"}, nil
		}
		if strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
			return &Problem{File: t.file, Line: t.line, Column: t.header[i], Value: v, Rule: "no text has such characters"}, nil
		}
	}
	if size > maxRow {
		return &Problem{File: t.file, Line: t.line, Rule: "the line is too long"}, nil
	}
	return nil, nil
}

// get is the value of a column in the current row.
func (t *table) get(column string) string { return t.row[t.index[column]] }

// echo keeps what was read until it is taken.
type echo struct {
	r    io.Reader
	kept []byte
	from int64 // offset of what is kept
}

func (e *echo) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	e.kept = append(e.kept, b[:n]...)
	return n, err
}

// take returns what was read up to an offset and not taken yet.
func (e *echo) take(offset int64) []byte {
	n := offset - e.from
	taken := e.kept[:n:n]
	e.kept, e.from = e.kept[n:], offset
	return taken
}
