package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
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
	guard  *lastLine
	row    []string
	line   int
}

// maxRow bounds one line of a file, in bytes.
const maxRow = 1 << 20

// openTable reads the header. Every column must be known; those that are needed
// must be there.
func openTable(file string, r io.Reader, needed, ignored []string) (*table, error) {
	guard := &lastLine{r: r}
	reader := bufio.NewReaderSize(guard, 1<<16)
	if bom, err := reader.Peek(3); err == nil && bytes.Equal(bom, []byte{0xef, 0xbb, 0xbf}) {
		_, _ = reader.Discard(3)
	} else if err == nil && (bom[0] == 0xff && bom[1] == 0xfe || bom[0] == 0xfe && bom[1] == 0xff) {
		return nil, fmt.Errorf("%s is UTF-16; save it as UTF-8", file)
	}
	t := &table{file: file, csv: csv.NewReader(reader), index: map[string]int{}, guard: guard}
	t.csv.ReuseRecord = true
	t.csv.FieldsPerRecord = -1 // checked per row, to name the line
	header, err := t.csv.Read()
	if err != nil {
		return nil, fmt.Errorf("%s has no header line", file)
	}
	t.header = slices.Clone(header)
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
		if t.guard.unfinished() {
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
	}
	if size > maxRow {
		return &Problem{File: t.file, Line: t.line, Rule: "the line is too long"}, nil
	}
	return nil, nil
}

// get is the value of a column in the current row.
func (t *table) get(column string) string { return t.row[t.index[column]] }

// lastLine remembers whether what was read ends with a line break.
type lastLine struct {
	r     io.Reader
	last  byte
	ended bool
}

func (l *lastLine) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if n > 0 {
		l.last = b[n-1]
	}
	if errors.Is(err, io.EOF) {
		l.ended = true
	}
	return n, err
}

// unfinished reports whether the file is over and its last line has no end.
func (l *lastLine) unfinished() bool { return l.ended && l.last != '\n' }
