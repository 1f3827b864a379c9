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
	"strings"
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

// Book is an open workbook.
type Book struct {
	file   *excelize.File
	sheets []sheet
	since  bool // days are counted from 1904
}

// Open checks a workbook from end to end and opens it. Close it after use.
func Open(r io.ReaderAt, size int64, lim Limits) (*Book, error) {
	if size > lim.Packed {
		return nil, fault.New(fault.Invalid, "xlsx.error.too_large", "Max", lim.Packed>>20)
	}
	packed, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "xlsx.error.unreadable")
	}
	g := guard{lim: lim, parts: map[string]*zip.File{}}
	if err := g.check(packed); err != nil {
		return nil, err
	}
	file, err := excelize.OpenReader(io.NewSectionReader(r, 0, size), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: lim.Unpacked, UnzipXMLSizeLimit: lim.Unpacked,
	})
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "xlsx.error.unreadable")
	}
	return &Book{file: file, sheets: g.sheets, since: g.since}, nil
}

// Close frees the workbook.
func (b *Book) Close() { _ = b.file.Close() }

// Sheets names the sheets in their order.
func (b *Book) Sheets() []string {
	var names []string
	for _, s := range b.sheets {
		names = append(names, s.name)
	}
	return names
}

// Header is the first row of a sheet, trimmed; nil when it is empty. It is for
// finding out which sheet holds what: a sheet with a flaw has one too.
func (b *Book) Header(name string) ([]string, error) {
	rows, err := b.file.Rows(name)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "xlsx.error.unreadable")
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return nil, nil
	}
	header, err := rows.Columns()
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "xlsx.error.unreadable")
	}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
	}
	for len(header) > 0 && header[len(header)-1] == "" {
		header = header[:len(header)-1]
	}
	return header, nil
}

// Rows starts to read a sheet. One with formulas or merged cells is refused: a
// formula's stored result may be older than the cells it was made of, and a
// merged cell says nothing about the rows that it covers.
func (b *Book) Rows(name string) (*Rows, error) {
	i := slices.IndexFunc(b.sheets, func(s sheet) bool { return s.name == name })
	if i < 0 {
		return nil, fault.New(fault.Invalid, "xlsx.error.unreadable")
	}
	if flaw := b.sheets[i].flaw; flaw != nil {
		return nil, flaw
	}
	rows, err := b.file.Rows(name)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "xlsx.error.unreadable")
	}
	return &Rows{rows: rows, last: b.sheets[i].rows}, nil
}

// Rows reads one sheet row by row.
type Rows struct {
	rows   *excelize.Rows
	number int
	last   int
	values []string
	err    error
}

// Next moves to the next row; false at the end or after an error.
func (r *Rows) Next() bool {
	if r.err != nil || !r.rows.Next() {
		return false
	}
	r.number++
	if r.values, r.err = r.rows.Columns(); r.err != nil {
		r.err = fault.Wrap(r.err, fault.Invalid, "xlsx.error.unreadable")
		return false
	}
	return true
}

// Number is the row's number in the sheet, from 1.
func (r *Rows) Number() int { return r.number }

// Get is the value of a column, counted from 0: trimmed, numbers as they are
// stored, "" for none.
func (r *Rows) Get(column int) string {
	if column < 0 || column >= len(r.values) {
		return ""
	}
	return strings.TrimSpace(r.values[column])
}

// Empty reports whether no cell of the row holds anything.
func (r *Rows) Empty() bool {
	return !slices.ContainsFunc(r.values, func(s string) bool { return strings.TrimSpace(s) != "" })
}

// Err is what ended the reading early. It is to be asked after the last row.
func (r *Rows) Err() error {
	if r.err != nil {
		return r.err
	}
	if err := r.rows.Error(); err != nil {
		return fault.Wrap(err, fault.Invalid, "xlsx.error.unreadable")
	}
	if r.number < r.last { // the library stops without a word where the XML breaks off
		return unreadable(errors.New("the sheet ends early"))
	}
	return nil
}

// Close ends the reading.
func (r *Rows) Close() { _ = r.rows.Close() }

// ErrNotADay is a value that is no calendar day.
var ErrNotADay = errors.New("not a day")

// Day reads a day: a spreadsheet's count of days, or "2006-01-02".
func (b *Book) Day(value string) (time.Time, error) {
	if n, err := strconv.ParseFloat(value, 64); err == nil && n >= 1 && n < 200_000 {
		if t, err := excelize.ExcelDateToTime(n, b.since); err == nil {
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
