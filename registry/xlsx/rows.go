package xlsx

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"daftar/fault"
)

// Rows reads one sheet row by row, in constant memory.
type Rows struct {
	book   *Book
	sheet  string
	part   io.ReadCloser
	scan   *scanner
	number int
	values []string
	used   int // of values
	err    error
	ended  bool // the sheet's last tag was read

	lenient bool // formulas and merged cells do not matter
	column  int
	kind    string // of the cell: "s" for a shared text
	value   string
	aside   int
}

func (b *Book) rows(s sheet) (*Rows, error) {
	part, err := b.guard.parts[s.part].Open()
	if err != nil {
		return nil, unreadable(err)
	}
	return &Rows{book: b, sheet: s.name, part: part, scan: newScanner(part, b.guard.lim.Unpacked)}, nil
}

// Next moves to the next row that stands in the sheet; false at the end or after
// an error.
func (r *Rows) Next() bool {
	if r.err != nil || r.ended {
		return false
	}
	row := false
	for {
		ev, err := r.scan.next()
		switch {
		case errors.Is(err, io.EOF):
			r.ended = true
			return false
		case err != nil:
			r.err = unreadable(err)
		case r.scan.is("row") && ev == opening:
			row, r.used, r.column = true, 0, 0
			r.err = r.startRow()
		case r.scan.is("row"):
			if row {
				return true
			}
		case row && r.scan.is("c") && ev == opening:
			r.err = r.startCell()
		case row && r.scan.is("c"):
			r.err = r.endCell()
		case r.scan.is("v") || r.scan.is("t"):
			r.scan.keep = ev == opening
			if ev == closing && r.aside == 0 && row {
				r.err = r.addText()
			}
		case r.scan.is("rph"):
			r.aside += map[event]int{opening: 1, closing: -1}[ev]
		case r.scan.is("f") && ev == opening && row && !r.lenient:
			r.err = fault.New(fault.Invalid, "xlsx.error.formula", "Sheet", r.sheet, "Row", r.number, "Column", ColumnName(r.column-1))
		case r.scan.is("mergecell") && ev == opening && !r.lenient:
			r.err = fault.New(fault.Invalid, "xlsx.error.merged", "Sheet", r.sheet, "Cells", string(r.scan.attr("ref")))
		}
		if r.err != nil {
			return false
		}
	}
}

func (r *Rows) startRow() error {
	before := r.number
	r.number++
	if ref := r.scan.attr("r"); len(ref) > 0 {
		n, err := strconv.Atoi(string(ref))
		if err != nil || n <= before {
			return unreadable(errors.New("rows out of order"))
		}
		r.number = n
	}
	if lim := r.book.guard.lim.Rows; r.number > lim {
		return fault.New(fault.Invalid, "xlsx.error.rows", "Sheet", r.sheet, "Max", lim)
	}
	return nil
}

func (r *Rows) startCell() error {
	g := r.book.guard
	before := r.column
	r.column++
	if ref := r.scan.attr("r"); len(ref) > 0 {
		r.column = columnOf(ref)
	}
	if r.column < 1 || r.column > g.lim.Columns {
		return fault.New(fault.Invalid, "xlsx.error.columns", "Sheet", r.sheet, "Row", r.number, "Max", g.lim.Columns)
	}
	if r.column <= before {
		return unreadable(errors.New("cells out of order"))
	}
	if r.book.cells++; r.book.cells > g.lim.Cells {
		return g.tooLarge()
	}
	r.kind, r.value = "", ""
	switch kind := r.scan.attr("t"); string(kind) {
	case "s":
		r.kind = "s"
	case "", "n":
		r.kind = "n"
	}
	return nil
}

// addText takes what a <v> or <t> holds.
func (r *Rows) addText() error {
	if r.kind == "n" {
		if !isDigits(r.scan.text) {
			r.value = plainNumber(string(r.scan.text))
			return nil
		}
		r.value = string(r.scan.text)
		return nil
	}
	if r.kind == "s" {
		n, err := strconv.Atoi(string(r.scan.text))
		if err != nil {
			return unreadable(err)
		}
		if r.book.texts == nil {
			if r.book.texts, err = r.book.guard.readTexts(); err != nil {
				return err
			}
		}
		if r.value, err = r.book.texts.get(n); err != nil {
			return unreadable(err)
		}
		return nil
	}
	part, err := unescaped(r.scan.text)
	if err != nil {
		return unreadable(err)
	}
	r.value += part
	return nil
}

func (r *Rows) endCell() error {
	for len(r.values) < r.column {
		r.values = append(r.values, "")
	}
	for i := r.used; i < r.column; i++ {
		r.values[i] = ""
	}
	r.values[r.column-1] = strings.TrimSpace(r.value)
	r.used = r.column
	return nil
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) < 16
}

// plainNumber writes a stored number as people do: without an exponent, and
// with the 15 digits that a spreadsheet itself shows.
func plainNumber(s string) string {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64)
	if err != nil {
		return s
	}
	return strconv.FormatFloat(short, 'f', -1, 64)
}

// Number is the row's number in the sheet, from 1.
func (r *Rows) Number() int { return r.number }

// Values are the row's cells, trimmed, "" for those that are empty; they are
// overwritten by the next row.
func (r *Rows) Values() []string { return r.values[:r.used] }

// Get is the value of a column, counted from 0: trimmed, numbers as they are
// stored, "" for none.
func (r *Rows) Get(column int) string {
	if column < 0 || column >= r.used {
		return ""
	}
	return r.values[column]
}

// Empty reports whether no cell of the row holds anything.
func (r *Rows) Empty() bool {
	for _, s := range r.Values() {
		if s != "" {
			return false
		}
	}
	return true
}

// Err is what ended the reading early. It is to be asked after the last row.
func (r *Rows) Err() error { return r.err }

// Close ends the reading.
func (r *Rows) Close() { _ = r.part.Close() }
