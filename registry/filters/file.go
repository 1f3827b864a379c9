package filters

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Inert is a text that no spreadsheet takes for a formula when it opens a CSV
// file: an apostrophe comes before the characters that begin one, as people
// type them and as other keyboards do.
func Inert(s string) string {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " \u00a0\u200e\u200f\ufeff"))
	if strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", r) && s != "" {
		return "'" + s
	}
	return s
}

// CSV writes a table in UTF-8, with the mark that spreadsheets need to see it.
func (t Table) CSV() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	line := make([]string, len(t.Header))
	for i, h := range t.Header {
		line[i] = Inert(h)
	}
	if err := w.Write(line); err != nil {
		return nil, err
	}
	for _, row := range t.Rows {
		for i, c := range row {
			line[i] = Inert(c.Text)
			if c.Number != nil {
				line[i] = strconv.FormatFloat(*c.Number, 'f', -1, 64)
			}
		}
		if err := w.Write(line); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// XLSX writes a table as a workbook of one sheet. A text is a text there: its
// cell has no formula, whatever it begins with.
func (t Table) XLSX(sheet string, rtl bool) ([]byte, error) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return nil, err
	}
	if err := f.SetSheetView(sheet, 0, &excelize.ViewOptions{RightToLeft: &rtl}); err != nil {
		return nil, err
	}
	w, err := f.NewStreamWriter(sheet)
	if err != nil {
		return nil, err
	}
	line := make([]any, len(t.Header))
	for i, h := range t.Header {
		line[i] = h
	}
	if err := w.SetRow("A1", line); err != nil {
		return nil, err
	}
	for n, row := range t.Rows {
		for i, c := range row {
			line[i] = c.Text
			if c.Number != nil {
				line[i] = *c.Number
			}
		}
		if err := w.SetRow("A"+strconv.Itoa(n+2), line); err != nil {
			return nil, err
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
