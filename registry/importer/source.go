package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"daftar/fault"
	"daftar/registry/xlsx"
)

// File is one file to read. It is read more than once.
type File struct {
	Name string
	Body io.ReaderAt
	Size int64
	Choices
}

// Choices are what a file does not say about itself, or says wrongly.
type Choices struct {
	Encoding  string            `json:"encoding,omitempty"`  // one of Encodings; UTF-8 when empty
	Delimiter string            `json:"delimiter,omitempty"` // of CSV; guessed when empty
	Tables    map[string]string `json:"tables,omitempty"`    // what each sheet holds; "" for a CSV file. "-": nothing
}

// Encodings lists the encodings of text that can be read. Each has the message
// "import.encoding.<code>".
func Encodings() []string {
	return []string{"utf-8", "utf-16", "windows-1252", "windows-1256", "windows-1251"}
}

func decoder(name string) *encoding.Decoder {
	switch name {
	case "utf-16":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
	case "windows-1252":
		return charmap.Windows1252.NewDecoder()
	case "windows-1256":
		return charmap.Windows1256.NewDecoder()
	case "windows-1251":
		return charmap.Windows1251.NewDecoder()
	}
	return nil
}

// maxColumns bounds the columns of a list.
const maxColumns = 500

// source is one list of rows: a CSV file, or a sheet of a workbook.
type source struct {
	file   string
	sheet  string
	kind   string // what it holds: a table of the catalogue; "" while nobody knows
	header []string
	line   int                               // of the header
	open   func() (io.Reader, func(), error) // its rows as CSV in UTF-8
	spool  func(progress func(int64)) error  // makes open possible, where it takes long
	delim  byte
	spent  bool // rows have their number in front
	size   int64
}

// name is what messages call it.
func (s *source) name() string {
	if s.sheet != "" {
		return s.file + ":" + s.sheet
	}
	return s.file
}

// isWorkbook reports whether a file is packed as a workbook is.
func (f File) isWorkbook() bool {
	head := make([]byte, 4)
	n, _ := f.Body.ReadAt(head, 0)
	return n == 4 && string(head) == "PK\x03\x04"
}

// sources finds the lists of a file with their headers. What is wrong with a
// workbook's rows comes to light later, when they are unpacked.
func (f File) sources() ([]*source, func(), error) {
	if f.isWorkbook() {
		return f.workbook()
	}
	name := filepath.Base(f.Name)
	head := make([]byte, 4)
	n, err := f.Body.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	head = head[:n]
	if wide := bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")); wide && f.Encoding != "utf-16" {
		return nil, nil, readable(name, "import.error.utf16")
	}
	if bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")) {
		return nil, nil, readable(name, "import.error.old_workbook")
	}
	if strings.EqualFold(filepath.Ext(name), ".xlsx") {
		return nil, nil, readable(name, "import.error.no_workbook")
	}
	s := &source{file: name, size: f.Size, kind: f.Tables[""]}
	s.open = func() (io.Reader, func(), error) {
		var r io.Reader = io.NewSectionReader(f.Body, 0, f.Size)
		if d := decoder(f.Encoding); d != nil {
			r = d.Reader(r)
		}
		b := bufio.NewReaderSize(r, 1<<16)
		if mark, err := b.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
			_, _ = b.Discard(3)
		}
		return b, func() {}, nil
	}
	if err := s.readHeader(f.Delimiter); err != nil {
		return nil, nil, err
	}
	return []*source{s}, func() {}, nil
}

// readHeader takes the first line of a CSV file that has anything in it.
func (s *source) readHeader(delimiter string) error {
	r, done, err := s.open()
	if err != nil {
		return err
	}
	defer done()
	if s.delim = ','; delimiter != "" {
		s.delim = delimiter[0]
	} else if b, ok := r.(*bufio.Reader); ok {
		first, _ := b.Peek(1 << 15)
		line, _, _ := bytes.Cut(bytes.TrimLeft(first, "\r\n"), []byte("\n"))
		s.delim = guessDelimiter(line)
	}
	c := newCSV(r, s.delim)
	if err := c.next(); err != nil {
		return readable(s.name(), "import.error.no_header")
	}
	s.line = c.line
	return s.setHeader(c.cells)
}

func (s *source) setHeader(cells []string) error {
	for _, cell := range cells {
		if why := fit(cell); why != "" {
			return readable(s.name(), "import.error.header_text")
		}
		s.header = append(s.header, strings.TrimSpace(cell))
	}
	for len(s.header) > 0 && s.header[len(s.header)-1] == "" {
		s.header = s.header[:len(s.header)-1]
	}
	if len(s.header) == 0 {
		return readable(s.name(), "import.error.no_header")
	}
	if len(s.header) > maxColumns {
		return readable(s.name(), "import.error.columns", "Max", maxColumns)
	}
	seen := map[string]bool{}
	for _, name := range s.header {
		if seen[name] && name != "" {
			return readable(s.name(), "import.error.column_twice", "Line", s.line, "Column", name)
		}
		seen[name] = true
	}
	return nil
}

// workbook finds the sheets of a workbook that have a header.
func (f File) workbook() ([]*source, func(), error) {
	name := filepath.Base(f.Name)
	book, err := xlsx.Index(f.Body, f.Size, xlsx.Many())
	if err != nil {
		return nil, nil, inFile(name, err)
	}
	var list []*source
	var spools []*os.File
	done := func() {
		book.Close()
		for _, t := range spools {
			_ = t.Close()
		}
	}
	for _, sheet := range book.Sheets() {
		header, err := book.Header(sheet)
		if err != nil {
			done()
			return nil, nil, inFile(name, err)
		}
		if len(header) == 0 {
			continue
		}
		s := &source{file: name, sheet: sheet, line: 1, delim: ',', spent: true, kind: f.Tables[sheet], size: f.Size}
		if err := s.setHeader(header); err != nil {
			if f.Tables[sheet] == "" && !fromTemplate(err) {
				continue // a page of explanations
			}
			done()
			return nil, nil, err
		}
		var spool *os.File
		s.spool = func(progress func(int64)) (err error) {
			if spool != nil {
				return nil
			}
			if spool, err = unpack(book, sheet, progress); err != nil {
				return inFile(name, err)
			}
			spools = append(spools, spool)
			return nil
		}
		s.open = func() (io.Reader, func(), error) {
			if spool == nil {
				return nil, nil, errors.New("not unpacked")
			}
			info, err := spool.Stat()
			if err != nil {
				return nil, nil, err
			}
			s.size = info.Size()
			return io.NewSectionReader(spool, 0, info.Size()), func() {}, nil
		}
		list = append(list, s)
	}
	return list, done, nil
}

// fromTemplate reports whether an error about a header names a column as templates
// name theirs, "Rooms [rooms]": then the sheet is no page of explanations.
func fromTemplate(err error) bool {
	var f *fault.Error
	if !errors.As(err, &f) {
		return false
	}
	name, ok := f.Args["Column"].(string)
	return ok && codeOf(name) != name
}

// inFile names the file in an error about a workbook.
func inFile(name string, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Invalid {
		return err
	}
	args := map[string]any{"File": name}
	maps.Copy(args, f.Args)
	return &fault.Error{Code: fault.Invalid, Key: f.Key, Args: args, Cause: f.Cause}
}

// unpack writes the rows of a sheet into a file without a name, as CSV with the
// number of the row in front: it is read more than once, and CSV is read twenty
// times as fast.
func unpack(book *xlsx.Book, sheet string, progress func(int64)) (*os.File, error) {
	rows, err := book.Rows(sheet)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t, err := os.CreateTemp("", "daftar-sheet")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(t.Name())
	out := bufio.NewWriterSize(t, 1<<18)
	w := csv.NewWriter(out)
	first := true
	var cells []string
	for n := int64(0); rows.Next(); n++ {
		if rows.Empty() {
			continue
		}
		if first {
			first = false // the header
			continue
		}
		cells = append(append(cells[:0], strconv.Itoa(rows.Number())), rows.Values()...)
		if err = w.Write(cells); err != nil {
			break
		}
		if n%1000 == 0 {
			progress(n)
		}
	}
	w.Flush()
	if err = errors.Join(err, rows.Err(), w.Error(), out.Flush()); err != nil {
		_ = t.Close()
		return nil, firstFault(err)
	}
	return t, nil
}

// firstFault is the fault among joined errors, if there is one.
func firstFault(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return err
}

// rows reads a source's rows after its header.
type rows struct {
	*csvReader
	src    *source
	done   func()
	number int // line or row, as people count them
	cells  []string
}

func (s *source) rows() (*rows, error) {
	r, done, err := s.open()
	if err != nil {
		return nil, err
	}
	c := newCSV(r, s.delim)
	if !s.spent {
		if err := c.next(); err != nil { // the header
			done()
			return nil, err
		}
	}
	return &rows{csvReader: c, src: s, done: done}, nil
}

// next reads a row. A problem is about this row alone; io.EOF ends the list.
// Rows that hold nothing at all are passed over.
func (r *rows) next() (*Problem, error) {
	for {
		err := r.csvReader.next()
		r.number, r.cells = r.start, r.csvReader.cells
		var bad csvError
		if errors.As(err, &bad) {
			return &Problem{File: r.src.file, Sheet: r.src.sheet, Line: r.number, Key: string(bad)}, nil
		}
		if err != nil {
			return nil, err
		}
		if r.src.spent {
			if r.number, err = strconv.Atoi(r.cells[0]); err != nil {
				return nil, fmt.Errorf("a row without its number: %w", err)
			}
			r.cells = r.cells[1:]
		}
		width := len(r.src.header)
		if r.src.spent {
			for len(r.cells) < width {
				r.cells = append(r.cells, "")
			}
		}
		for len(r.cells) > width && r.cells[len(r.cells)-1] == "" {
			r.cells = r.cells[:len(r.cells)-1]
		}
		if len(r.cells) == width && allEmpty(r.cells) {
			continue
		}
		if len(r.cells) != width {
			key := "import.problem.width"
			if !r.src.spent && !bytes.HasSuffix(r.row, []byte("\n")) {
				key = "import.problem.cut"
			}
			return &Problem{File: r.src.file, Sheet: r.src.sheet, Line: r.number, Key: key, Args: fault.Pairs("Count", len(r.cells), "Wanted", width)}, nil
		}
		for i, cell := range r.cells {
			if why := fit(cell); why != "" {
				return &Problem{File: r.src.file, Sheet: r.src.sheet, Line: r.number, Column: r.src.header[i], Key: why,
					Value: clip(strings.ToValidUTF8(cell, "?"))}, nil
			}
		}
		return nil, nil
	}
}

func allEmpty(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// problem is one with the value of a column of the row at hand.
func (r *rows) problem(column int, key string, args ...any) Problem {
	return Problem{File: r.src.file, Sheet: r.src.sheet, Line: r.number, Column: r.src.header[column], Value: clip(r.cells[column]), Key: key, Args: fault.Pairs(args...)}
}
