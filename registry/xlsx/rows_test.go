package xlsx_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"daftar/fault"
	"daftar/registry/xlsx"
)

// values reads a sheet as rows of cells, with their numbers.
func values(t *testing.T, b []byte, lim xlsx.Limits) string {
	t.Helper()
	book, err := xlsx.Index(bytes.NewReader(b), int64(len(b)), lim)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.Rows(book.Sheets()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		if !rows.Empty() {
			fmt.Fprintf(&out, "%d %q\n", rows.Number(), strings.TrimRight(strings.Join(rows.Values(), "\x1f"), "\x1f"))
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What another library writes and reads, this one reads the same.
func TestReadsWhatExcelizeReads(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	texts := []any{"", "a", " padded ", "<&>\"'", "مدينة", "line\nbreak", "_x0041_", "😀", 0, 1, -7, 1.5, 45218, 123456789012345.0, 1e20, 0.1 + 0.2, true, false, strings.Repeat("long ", 900)}
	for range 20 {
		f := excelize.NewFile()
		for row := 1; row < 40; row++ {
			if r.IntN(4) == 0 {
				continue // a gap
			}
			for range r.IntN(8) {
				cell, _ := excelize.CoordinatesToCellName(1+r.IntN(30), row)
				_ = f.SetCellValue("Sheet1", cell, texts[r.IntN(len(texts))])
			}
		}
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		theirs, err := excelize.OpenReader(bytes.NewReader(b.Bytes()), excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := theirs.GetRows("Sheet1")
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for i, cells := range rows {
			for n := range cells {
				cells[n] = strings.TrimSpace(cells[n])
				switch cells[n] { // what a spreadsheet shows of them
				case "0.30000000000000004":
					cells[n] = "0.3"
				case "1e+20", "1E+20":
					cells[n] = "100000000000000000000"
				}
			}
			if line := strings.TrimRight(strings.Join(cells, "\x1f"), "\x1f"); line != "" {
				fmt.Fprintf(&want, "%d %q\n", i+1, line)
			}
		}
		if got := values(t, b.Bytes(), xlsx.Usual()); got != want.String() {
			t.Fatalf("%s\ninstead of\n%s", got, want.String())
		}
		_ = theirs.Close()
	}
}

// Cells in forms that other programs write.
func TestFormsOfCells(t *testing.T) {
	t.Parallel()
	const head = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1"/><sheetData>`
	plain := workbook(t, func(f *excelize.File) { set(f, map[string]any{"A1": "shared"}) })
	for name, c := range map[string]struct{ cells, want string }{
		"inline":              {`<c r="A1" t="inlineStr"><is><t>x</t></is></c>`, "x"},
		"inline in runs":      {`<c r="A1" t="inlineStr"><is><r><rPr><b/></rPr><t>a</t></r><r><t xml:space="preserve"> b</t></r><rPh sb="0" eb="1"><t>no</t></rPh></is></c>`, "a b"},
		"shared":              {`<c r="A1" t="s"><v>0</v></c>`, "shared"},
		"a text of a formula": {`<c r="A1" t="str"><v>x &amp; y</v></c>`, "x & y"},
		"entities":            {`<c r="A1" t="str"><v>&lt;&#65;&#x628;&gt;</v></c>`, "<Aب>"},
		"a section":           {`<c r="A1" t="str"><v><![CDATA[a<b]]></v></c>`, "a<b"},
		"a comment":           {`<c r="A1" t="str"><!-- <f>1</f> > --><v>x</v></c>`, "x"},
		"no references":       {`<c><v>1</v></c><c><v>2</v></c>`, "1\x1f2"},
		"a bigger sign":       {`<c r="A1" s=">" t="str"><v>x</v></c>`, "x"},
		"an exponent":         {`<c r="A1"><v>1.2345678E7</v></c>`, "12345678"},
		"nothing":             {`<c r="A1"/><c r="B1" s="1"></c><c r="C1"><v>3</v></c>`, "\x1f\x1f3"},
	} {
		b := repack(t, plain, sheet(head+`<row r="1">`+c.cells+`</row></sheetData></worksheet>`), nil)
		if got := values(t, b, xlsx.Usual()); got != fmt.Sprintf("1 %q\n", c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, cells := range map[string]string{
		"a text that is not there": `<c r="A1" t="s"><v>7</v></c>`,
		"cells backwards":          `<c r="B1"><v>1</v></c><c r="A1"><v>1</v></c>`,
		"an unknown entity":        `<c r="A1" t="str"><v>&bomb;</v></c>`,
		"not UTF-8":                "<c r=\"A1\" t=\"str\"><v>\xff</v></c>",
		"too long a text":          `<c r="A1" t="str"><v>` + strings.Repeat("x", 200_000) + `</v></c>`,
		"too deep":                 strings.Repeat("<x>", 100) + strings.Repeat("</x>", 100),
		"tags crossed":             `<c r="A1"><v>1</c></v>`,
	} {
		b := repack(t, plain, sheet(head+`<row r="1">`+cells+`</row></sheetData></worksheet>`), nil)
		if _, err := open(b, xlsx.Usual()); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Half a million texts do not have to be in memory to be found.
func TestManyTextsInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 30 MB")
	}
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	const n = 500_000
	for i := range n {
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), []any{i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	if err := f.Write(&plain); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	var strs strings.Builder
	strs.WriteString(`<sst>`)
	for i := range n {
		fmt.Fprintf(&strs, `<si><t>text number %d of half a million</t></si>`, i)
	}
	strs.WriteString(`</sst>`)
	b := repack(t, plain.Bytes(), func(name string, body []byte) (string, []byte) {
		switch name {
		case "xl/worksheets/sheet1.xml":
			return name, bytes.ReplaceAll(body, []byte("><v>"), []byte(` t="s"><v>`))
		case "xl/sharedStrings.xml":
			return "xl/other.xml", nil
		}
		return name, body
	}, map[string]string{"xl/sharedStrings.xml": strs.String()})
	path := t.TempDir() + "/many.xlsx"
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	size := int64(len(b))
	b, plain, strs = nil, bytes.Buffer{}, strings.Builder{}
	runtime.GC()
	book, err := xlsx.Index(file, size, xlsx.Many())
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.Rows("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	read := 0
	for rows.Next() {
		if rows.Get(0) != fmt.Sprintf("text number %d of half a million", read) {
			t.Fatalf("row %d is %q", read, rows.Get(0))
		}
		read++
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if rows.Err() != nil || read != n || m.HeapAlloc > 40<<20 {
		t.Errorf("%d rows, %v, %d MB held", read, rows.Err(), m.HeapAlloc>>20)
	}
}
