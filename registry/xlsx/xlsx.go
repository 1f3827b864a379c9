// Package xlsx reads workbooks that strangers made: row by row, within limits
// that are checked before anything is handed out, and never a macro or a
// formula. Every refusal is a fault.Invalid that names sheet and cell.
package xlsx

import (
	"archive/zip"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"daftar/fault"
)

// Limits of a workbook. What is beyond them is refused before it is unpacked
// any further.
type Limits struct {
	Packed   int64 // bytes of the file
	Unpacked int64 // bytes of all its parts together
	Parts    int
	Sheets   int
	Rows     int // of one sheet
	Columns  int
	Cells    int // of all sheets together
}

// Usual are the limits of a list with tens of thousands of rows.
func Usual() Limits {
	return Limits{Packed: 16 << 20, Unpacked: 192 << 20, Parts: 500, Sheets: 50, Rows: 200_000, Columns: 200, Cells: 4_000_000}
}

// Many are the limits of a list with a million rows.
func Many() Limits {
	return Limits{Packed: 512 << 20, Unpacked: 6 << 30, Parts: 500, Sheets: 50, Rows: 1_048_576, Columns: 500, Cells: 120_000_000}
}

// Book is an open workbook.
type Book struct {
	guard *guard
	texts *texts // once a cell needed them
	cells int    // read so far, of all sheets
}

// Open checks a workbook from end to end and opens it. Close it after use.
func Open(r io.ReaderAt, size int64, lim Limits) (*Book, error) {
	b, err := Index(r, size, lim)
	if err != nil {
		return nil, err
	}
	for i := range b.guard.sheets {
		if err := b.check(&b.guard.sheets[i]); err != nil {
			b.Close()
			return nil, err
		}
	}
	b.cells = 0
	return b, nil
}

// Index opens a workbook and looks only at what says where its sheets are: what
// is wrong with a sheet comes to light as its rows are read, at the latest with
// the last.
func Index(r io.ReaderAt, size int64, lim Limits) (*Book, error) {
	if size > lim.Packed {
		return nil, fault.New(fault.Invalid, "xlsx.error.too_large", "Max", lim.Packed>>20)
	}
	packed, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "xlsx.error.unreadable")
	}
	g := &guard{lim: lim, parts: map[string]*zip.File{}}
	if err := g.check(packed); err != nil {
		return nil, err
	}
	return &Book{guard: g}, nil
}

// check reads a sheet to its end. A formula or merged cells are the sheet's own
// flaw; anything else is the workbook's.
func (b *Book) check(s *sheet) error {
	rows, err := b.rows(*s)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	var f *fault.Error
	if errors.As(rows.err, &f) && (f.Key == "xlsx.error.formula" || f.Key == "xlsx.error.merged") {
		s.flaw = f
		return nil
	}
	return rows.err
}

// Close frees the workbook.
func (b *Book) Close() {
	if b.texts != nil {
		b.texts.close()
	}
}

// Sheets names the sheets in their order.
func (b *Book) Sheets() []string {
	var names []string
	for _, s := range b.guard.sheets {
		names = append(names, s.name)
	}
	return names
}

// Header is the first row of a sheet, trimmed; nil when it is empty. It is for
// finding out which sheet holds what: a sheet with a flaw has one too.
func (b *Book) Header(name string) ([]string, error) {
	rows, err := b.sheet(name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	rows.lenient = true
	if !rows.Next() {
		return nil, rows.Err()
	}
	header := slices.Clone(rows.Values())
	for len(header) > 0 && header[len(header)-1] == "" {
		header = header[:len(header)-1]
	}
	return header, nil
}

// Rows starts to read a sheet. One with formulas or merged cells is refused: a
// formula's stored result may be older than the cells it was made of, and a
// merged cell says nothing about the rows that it covers.
func (b *Book) Rows(name string) (*Rows, error) {
	for _, s := range b.guard.sheets {
		if s.name == name && s.flaw != nil {
			return nil, s.flaw
		}
	}
	return b.sheet(name)
}

func (b *Book) sheet(name string) (*Rows, error) {
	i := slices.IndexFunc(b.guard.sheets, func(s sheet) bool { return s.name == name })
	if i < 0 {
		return nil, fault.New(fault.Invalid, "xlsx.error.unreadable")
	}
	return b.rows(b.guard.sheets[i])
}

// ErrNotADay is a value that is no calendar day.
var ErrNotADay = errors.New("not a day")

// Day reads a day: a spreadsheet's count of days, or "2006-01-02".
func (b *Book) Day(value string) (time.Time, error) {
	if n, err := strconv.ParseFloat(value, 64); err == nil && n >= 1 && n < 200_000 {
		if t, err := excelize.ExcelDateToTime(n, b.guard.since); err == nil {
			return t.UTC().Truncate(24 * time.Hour), nil
		}
	}
	if len(value) >= len(time.DateOnly) {
		if t, err := time.Parse(time.DateOnly, value[:len(time.DateOnly)]); err == nil {
			return t, nil
		}
	}
	return time.Time{}, ErrNotADay
}

// ColumnName is a column's letters: "A" for 0.
func ColumnName(column int) string {
	name, _ := excelize.ColumnNumberToName(column + 1)
	return name
}
