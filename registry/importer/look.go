package importer

import (
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"

	"daftar/registry/xlsx"
)

// Look is a first glance at a list, before anything is decided about it.
type Look struct {
	File   int    // which of the files
	Name   string // of the file
	Sheet  string
	Kind   string // the table that it holds; Nothing; "" where nobody can tell
	Header []string
	Rows   [][]string // the first ones
	Delim  string     // of CSV
}

// How many rows a glance takes, and how many different values of a column.
const (
	glanceRows   = 1000
	glanceValues = 60
)

// LookAt reads the headers and first rows of files. An error that AboutFile
// knows is about one of them.
func LookAt(files []File, c *Catalogue) ([]Look, error) {
	var list []Look
	for i, f := range files {
		sources, done, err := f.sources()
		if err != nil {
			return list, err
		}
		for _, s := range sources {
			l := Look{File: i, Name: s.file, Sheet: s.sheet, Kind: s.kind, Header: s.header, Delim: string(s.delim)}
			if s.sheet == "" {
				l.Rows, err = s.first()
			} else {
				l.Delim = ""
				l.Rows, err = f.firstRows(s)
			}
			if err != nil {
				done()
				return list, err
			}
			if l.Kind == "" {
				l.Kind = c.guess(s)
			}
			list = append(list, l)
		}
		done()
	}
	return list, nil
}

func (s *source) first() ([][]string, error) {
	r, err := s.rows()
	if err != nil {
		return nil, err
	}
	defer r.done()
	var list [][]string
	for len(list) < glanceRows {
		p, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if p == nil {
			list = append(list, slices.Clone(r.cells))
		}
	}
	return list, nil
}

// firstRows reads the top of a sheet without unpacking it. What is wrong further
// down comes to light later.
func (f File) firstRows(s *source) ([][]string, error) {
	book, err := xlsx.Index(f.Body, f.Size, xlsx.Many())
	if err != nil {
		return nil, inFile(s.file, err)
	}
	defer book.Close()
	rows, err := book.Rows(s.sheet)
	if err != nil {
		return nil, inFile(s.file, err)
	}
	defer rows.Close()
	var list [][]string
	first := true
	for len(list) < glanceRows && rows.Next() {
		if rows.Empty() {
			continue
		}
		if first {
			first = false
			continue
		}
		cells := make([]string, len(s.header))
		copy(cells, rows.Values())
		list = append(list, cells)
	}
	if err := rows.Err(); err != nil {
		return nil, inFile(s.file, err)
	}
	return list, nil
}

// guess is the table that a list seems to hold: the one whose codes or names its
// header has most of.
func (c *Catalogue) guess(s *source) string {
	if t, ok := c.selfNamed(s); ok {
		return t.Code
	}
	best, most := "", 0
	for _, t := range c.Tables {
		if n := len(c.Suggest(t, s.header)); n > most {
			best, most = t.Code, n
		}
	}
	if s.sheet != "" && most < 2 {
		return Nothing
	}
	return best
}

// Values are the different values of a column among the first rows, in their
// order; not more than a page can show.
func (l Look) Values(column int) []string {
	var list []string
	seen := map[string]bool{}
	for _, row := range l.Rows {
		if v := row[column]; strings.TrimSpace(v) != "" && !seen[v] {
			seen[v] = true
			if list = append(list, v); len(list) == glanceValues {
				break
			}
		}
	}
	return list
}

// Strange are the values of a column that are no answers of what it is mapped
// to: somebody has to say what they mean.
func (l Look) Strange(c *Catalogue, table Table, name string, col Column, words []Words) []string {
	target, ok := table.Target(col.To)
	if !ok || target.Codes == nil || col.Answer != "" {
		return nil
	}
	reader := column{Target: target, known: target.answers(words), seen: map[string]answer{}}
	var list []string
	for _, v := range l.Values(slices.Index(l.Header, name)) {
		if _, ok := reader.read(v); !ok {
			list = append(list, v)
		}
	}
	return list
}

// Fingerprint tells files with the same headers apart from others.
func Fingerprint(looks []Look) []byte {
	var lines []string
	for _, l := range looks {
		lines = append(lines, strings.Join(l.Header, "\x1f"))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\x1e")))
	return sum[:]
}
