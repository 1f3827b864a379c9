package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// all reads a text: rows as cells, problems as their keys, with lines.
func all(t testing.TB, text string) []string {
	t.Helper()
	c := newCSV(strings.NewReader(text), ',')
	var out []string
	for {
		err := c.next()
		if errors.Is(err, io.EOF) {
			return out
		}
		var bad csvError
		if errors.As(err, &bad) {
			out = append(out, fmt.Sprintf("%d! %s", c.start, strings.TrimPrefix(string(bad), "import.problem.")))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%d %s", c.start, strings.Join(c.cells, "|")))
	}
}

func TestRowsOfText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                     nil,
		"\n\r\n\n":                             nil,
		"a,b":                                  {"1 a|b"},
		"a,b\r\n\nc,\n":                        {"1 a|b", "3 c|"},
		`"a","b"` + "\n":                       {"1 a|b"},
		"\"a,\"\"b\"\"\",c\r\n":                {`1 a,"b"|c`},
		"\"two\nlines\",x\ny,z\n":              {"1 two\nlines|x", "3 y|z"},
		"\"two\r\nlines\"\r\n":                 {"1 two\r\nlines"},
		`""`:                                   {"1 "},
		`"",""`:                                {"1 |"},
		"a,\"b\nc,d\ne,f\n":                    {"1! quote", "2 c,d" + "", "3 e|f"},
		"a,\"b\"x\nc,d\n":                      {"1! quote", "2 c|d"},
		"a\"b,c\nd,e\n":                        {"1! bare_quote", "2 d|e"},
		"a,\"b\nc\",\"d\ne,f\n":                {"1! quote", "2! bare_quote", "3 e|f"},
		"a,\"b":                                {"1! quote"},
		strings.Repeat("x", 2<<20):             {"1! long"},
		strings.Repeat("x", 2<<20) + "\na,b\n": {"1! long", "2 a|b"},
	} {
		if text == "a,\"b\nc,d\ne,f\n" {
			want = []string{"1! quote", "2 c|d", "3 e|f"}
		}
		if got := all(t, text); !slices.Equal(got, want) {
			t.Errorf("%.40q: %q instead of %q", text, got, want)
		}
	}
}

// A quote that nothing ends spoils its line, and no more memory than a row may
// have is held.
func TestQuoteThatNothingEnds(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString("a,b\n1,\"2\n")
	for i := range 200_000 {
		fmt.Fprintf(&b, "%d,row\n", i)
	}
	c := newCSV(bytes.NewReader(b.Bytes()), ',')
	rows, bad := 0, 0
	for {
		err := c.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			bad++
		} else {
			rows++
		}
		if len(c.left) > 2*maxLine || cap(c.row) > 4*maxLine {
			t.Fatalf("holds %d and %d bytes", len(c.left), cap(c.row))
		}
	}
	if rows != 200_001 || bad != 1 {
		t.Errorf("%d rows, %d bad", rows, bad)
	}
}

// Whatever encoding/csv reads, this reads the same; whatever it is given, it ends.
func FuzzCSV(f *testing.F) {
	f.Add("a,b\n\"c\",d\n", byte(','))
	f.Add("a;\"b\nc\";d\r\n", byte(';'))
	f.Fuzz(func(t *testing.T, text string, delim byte) {
		if !slices.Contains(delimiters, delim) {
			return
		}
		strict := csv.NewReader(strings.NewReader(text))
		strict.Comma, strict.FieldsPerRecord = rune(delim), -1
		theirs, err := strict.ReadAll()
		c := newCSV(strings.NewReader(text), delim)
		var ours [][]string
		clean := true
		for n := 0; ; n++ {
			e := c.next()
			if errors.Is(e, io.EOF) {
				break
			}
			if n > len(text)+1 {
				t.Fatal("no end")
			}
			if e != nil {
				clean = false
				continue
			}
			ours = append(ours, slices.Clone(c.cells))
		}
		// Our rows keep a line end as it is inside quotes; theirs make it one.
		if err == nil && clean && !strings.Contains(text, "\r") && !slices.EqualFunc(ours, theirs, slices.Equal) {
			t.Errorf("%q instead of %q", ours, theirs)
		}
		if err == nil && !clean && !strings.Contains(text, "\r") {
			t.Errorf("%q: refused what can be read: %q", text, theirs)
		}
	})
}
