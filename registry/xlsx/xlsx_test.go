package xlsx_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"daftar/fault"
	"daftar/registry/xlsx"
)

func workbook(t testing.TB, fill func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func set(f *excelize.File, values map[string]any) {
	for cell, v := range values {
		_ = f.SetCellValue("Sheet1", cell, v)
	}
}

// repack rewrites a workbook's parts.
func repack(t testing.TB, b []byte, change func(name string, body []byte) (string, []byte), more map[string]string) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	put := func(name string, body []byte) {
		p, err := w.Create(name)
		if err == nil {
			_, err = p.Write(body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range r.File {
		p, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		name, body := change(f.Name, body)
		put(name, body)
	}
	for name, body := range more {
		put(name, []byte(body))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func same(name string, body []byte) (string, []byte) { return name, body }

// sheet replaces the first sheet's XML.
func sheet(text string) func(string, []byte) (string, []byte) {
	return func(name string, body []byte) (string, []byte) {
		if name == "xl/worksheets/sheet1.xml" {
			return name, []byte(text)
		}
		return name, body
	}
}

func open(b []byte, lim xlsx.Limits) (*xlsx.Book, error) {
	return xlsx.Open(bytes.NewReader(b), int64(len(b)), lim)
}

// read reads a whole sheet, as "number:value|value".
func read(b []byte, lim xlsx.Limits) ([]string, error) {
	book, err := open(b, lim)
	if err != nil {
		return nil, err
	}
	defer book.Close()
	rows, err := book.Rows(book.Sheets()[0])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		if !rows.Empty() {
			out = append(out, fmt.Sprintf("%d:%s|%s", rows.Number(), rows.Get(0), rows.Get(1)))
		}
	}
	return out, rows.Err()
}

func TestRowsWithTheirNumbers(t *testing.T) {
	t.Parallel()
	b := workbook(t, func(f *excelize.File) {
		set(f, map[string]any{"A1": " code ", "B1": "name", "A3": 1001, "B3": "مدينة", "A5": "x", "B5": true})
	})
	got, err := read(b, xlsx.Usual())
	if want := "1:code|name 3:1001|مدينة 5:x|1"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("%v %v", got, err)
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	b := workbook(t, func(f *excelize.File) { set(f, map[string]any{"A1": time.Date(2023, 10, 19, 0, 0, 0, 0, time.UTC)}) })
	book, err := open(b, xlsx.Usual())
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.Rows("Sheet1")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	for value, want := range map[string]string{rows.Get(0): "2023-10-19", "45218": "2023-10-19", "2023-10-19": "2023-10-19", "2023-10-19T00:00:00Z": "2023-10-19"} {
		if day, err := book.Day(value); err != nil || day.Format(time.DateOnly) != want {
			t.Errorf("%s is %v %v", value, day, err)
		}
	}
	for _, value := range []string{"", "soon", "-1", "1e9", "19/10/2023", "2023-13-01"} {
		if day, err := book.Day(value); err == nil {
			t.Errorf("%q is %v", value, day)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	plain := workbook(t, func(f *excelize.File) { set(f, map[string]any{"A1": "a", "B2": "b"}) })
	const head = `<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`
	const tail = `</sheetData></worksheet>`
	wide := workbook(t, func(f *excelize.File) { set(f, map[string]any{"A1": "a", "NTP2": "b"}) }) // column 10,000
	long := workbook(t, func(f *excelize.File) { set(f, map[string]any{"A1": "a", "A900000": "b"}) })
	var bomb strings.Builder
	bomb.WriteString(head)
	for i := range 300_000 {
		fmt.Fprintf(&bomb, `<row r="%d"><c r="A%d"><v>0</v></c></row>`, i+1, i+1)
	}
	bomb.WriteString(tail)
	for name, tc := range map[string]struct {
		b    []byte
		key  string
		args map[string]any
	}{
		"not a zip": {[]byte("code,name\n1,2\n"), "xlsx.error.unreadable", nil},
		"empty":     {nil, "xlsx.error.unreadable", nil},
		"cut off":   {plain[:len(plain)-40], "xlsx.error.unreadable", nil},
		"formula": {workbook(t, func(f *excelize.File) { _ = f.SetCellFormula("Sheet1", "C4", "=A1&B1") }),
			"xlsx.error.formula", map[string]any{"Sheet": "Sheet1", "Row": 4, "Column": "C"}},
		"a formula behind a prefix": {repack(t, plain, sheet(`<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData><x:row><x:c><x:f>1</x:f><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>`), nil),
			"xlsx.error.formula", map[string]any{"Sheet": "Sheet1", "Row": 1, "Column": "A"}},
		"merged cells": {workbook(t, func(f *excelize.File) { _ = f.MergeCell("Sheet1", "A2", "B3") }),
			"xlsx.error.merged", map[string]any{"Sheet": "Sheet1", "Cells": "A2:B3"}},
		"macros": {repack(t, plain, same, map[string]string{"xl/vbaProject.bin": "x"}), "xlsx.error.macros", nil},
		"macros by type": {repack(t, plain, func(n string, b []byte) (string, []byte) {
			return n, bytes.ReplaceAll(b, []byte("spreadsheetml.sheet.main"), []byte("sheet.macroEnabled.main"))
		}, nil), "xlsx.error.macros", nil},
		"10,000 columns": {wide, "xlsx.error.columns", map[string]any{"Sheet": "Sheet1", "Row": 2, "Max": 200}},
		"900,000 rows":   {long, "xlsx.error.rows", map[string]any{"Sheet": "Sheet1", "Max": 200_000}},
		"a bomb of rows": {repack(t, plain, sheet(bomb.String()), nil), "xlsx.error.rows", nil},
		"a part twice":   {repack(t, plain, same, map[string]string{"XL/worksheets/sheet1.xml": "x"}), "xlsx.error.unreadable", nil},
		"a declaration":  {repack(t, plain, sheet(`<!DOCTYPE x [<!ENTITY a "b">]>`+head+tail), nil), "xlsx.error.unreadable", nil},
		"UTF-16":         {repack(t, plain, sheet("\xff\xfe<\x00w\x00o\x00>\x00"), nil), "xlsx.error.unreadable", nil},
		"rows backwards": {repack(t, plain, sheet(head+`<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>`+tail), nil), "xlsx.error.unreadable", nil},
		"broken off":     {repack(t, plain, sheet(head+`<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></nonsense><row r="3"><c r="A3"><v>1</v></c></row>`+tail), nil), "xlsx.error.unreadable", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := read(tc.b, xlsx.Usual())
			f, ok := err.(*fault.Error)
			if !ok || f.Key != tc.key {
				t.Fatalf("%v %v", got, err)
			}
			for k, v := range tc.args {
				if f.Args[k] != v {
					t.Errorf("%s is %v instead of %v", k, f.Args[k], v)
				}
			}
		})
	}
}

// A sheet with a note that has merged cells does no harm to the one beside it.
func TestFlawsBelongToTheirSheet(t *testing.T) {
	t.Parallel()
	b := workbook(t, func(f *excelize.File) {
		set(f, map[string]any{"A1": "a"})
		_, _ = f.NewSheet("Read me")
		_ = f.SetCellValue("Read me", "A1", "About")
		_ = f.MergeCell("Read me", "A1", "F1")
	})
	book, err := open(b, xlsx.Usual())
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if header, err := book.Header("Read me"); err != nil || len(header) != 1 || header[0] != "About" {
		t.Error(header, err)
	}
	if _, err := book.Rows("Read me"); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	if _, err := book.Rows("Sheet1"); err != nil {
		t.Error(err)
	}
	if _, err := book.Rows("Sheet9"); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

// bomb is a workbook whose sheet inflates to size bytes, and that says it has
// claimed.
func bomb(t testing.TB, size int, claimed uint64) []byte {
	t.Helper()
	plain := workbook(t, func(f *excelize.File) { set(f, map[string]any{"A1": "a"}) })
	r, err := zip.NewReader(bytes.NewReader(plain), int64(len(plain)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range r.File {
		if f.Name != "xl/worksheets/sheet1.xml" {
			if err := w.Copy(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	var packed bytes.Buffer
	fw, _ := flate.NewWriter(&packed, flate.BestSpeed)
	_, _ = fw.Write([]byte(`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`))
	block := bytes.Repeat([]byte(" "), 1<<20)
	for range size >> 20 {
		_, _ = fw.Write(block)
	}
	_ = fw.Close()
	p, err := w.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, CompressedSize64: uint64(packed.Len()), UncompressedSize64: claimed})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = p.Write(packed.Bytes())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestDecompressionBombStaysSmall(t *testing.T) {
	for _, claimed := range []uint64{512 << 20, 1000} { // honest, and lying
		b := bomb(t, 512<<20, claimed)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := open(b, xlsx.Usual())
		runtime.ReadMemStats(&after)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%d claimed: %v", claimed, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
			t.Errorf("%d claimed: a file of %d kB took %d MB", claimed, len(b)>>10, grown>>20)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(workbook(f, func(x *excelize.File) { set(x, map[string]any{"A1": "ADM0_EN", "B1": "ADM0_PCODE", "B2": "X"}) }))
	lim := xlsx.Limits{Packed: 1 << 20, Unpacked: 4 << 20, Parts: 100, Sheets: 5, Rows: 1000, Columns: 50, Cells: 10_000}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := read(b, lim); err != nil && !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}
