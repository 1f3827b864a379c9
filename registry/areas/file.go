package areas

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"daftar/fault"
	"daftar/i18n"
	"daftar/registry/xlsx"
)

// MaxLevel is the deepest level of areas; the country is level 0.
const MaxLevel = 5

// Problem is one thing that is wrong with a file: where, and a message key with
// its values.
type Problem struct {
	Sheet  string
	Row    int // 1 is the header; in a GeoJSON file, the number of the feature
	Column string
	Value  string
	Key    string
	Args   map[string]any
}

// Where names the place of a problem: sheet, row and column.
func (p Problem) Where() string {
	parts := make([]string, 0, 3)
	if p.Sheet != "" {
		parts = append(parts, p.Sheet)
	}
	if p.Row > 0 {
		parts = append(parts, strconv.Itoa(p.Row))
	}
	if p.Column != "" {
		parts = append(parts, p.Column)
	}
	return strings.Join(parts, ":")
}

// Row is an area as a file has it.
type Row struct {
	Code, Parent string
	Level        int
	Kind         string // "" where the file does not say
	Name         i18n.Text
	Alternative  []string
	Km2          *float64
	From, To     string   // "2006-01-02" or ""
	above        []string // the codes of the levels over the parent, the country first
	sheet        string
	row          int
	columns      *columns
}

// at is a problem with a row's value in one of its columns.
func (r Row) at(column int, value, key string, args ...any) Problem {
	return Problem{Sheet: r.sheet, Row: r.row, Column: r.columns.title(column), Value: value, Key: key, Args: fault.Pairs(args...)}
}

// File is a list of areas that was read: level by level, the parents first.
type File struct {
	Rows     [MaxLevel + 1][]Row
	Problems []Problem
	Ignored  []string // sheets that hold no areas
}

// maxProblems is how many problems are kept; a file that is wrong in every row
// is told apart from a good one long before.
const maxProblems = 200

func (f *File) bad(p Problem) {
	if len(f.Problems) <= maxProblems {
		f.Problems = append(f.Problems, p)
	}
}

// Headers of OCHA's tabular data, in its older and newer spellings: the level,
// then what the column holds.
var (
	headLevel = regexp.MustCompile(`(?i)^adm(?:in)?([0-9])(.*)$`)
	headCode  = regexp.MustCompile(`(?i)^_?p_?code$`)
	headName  = regexp.MustCompile(`(?i)^(?:_|name_|_name_)([a-z]{2,3}(?:-[a-z]{2,8})?)$`)
	headPlain = regexp.MustCompile(`(?i)^_?name$`)
	headOther = regexp.MustCompile(`(?i)^(?:_?alt_?(?:name)?_?[0-9]*_?[a-z]{0,3}|_?ref_?(?:name)?|refname)$`)
	headKind  = regexp.MustCompile(`(?i)^_?type(?:_en)?$`)
)

// columns says which column of a sheet holds what; -1 for none.
type columns struct {
	titles       []string
	level        int
	code, parent int
	names        map[string]int // by language
	other        []int
	kind, km2    int
	from, to     int
	ancestors    map[int]int // code columns of the levels above, by level
}

func (c *columns) title(i int) string {
	if i < 0 || i >= len(c.titles) {
		return ""
	}
	return c.titles[i]
}

// understand reads a sheet's header; nil when it is no list of areas.
func understand(header []string) (*columns, string) {
	c := &columns{titles: header, level: -1, code: -1, parent: -1, kind: -1, km2: -1, from: -1, to: -1,
		names: map[string]int{}, ancestors: map[int]int{}}
	seen := map[string]bool{}
	codes := map[int]int{}
	for i, title := range header {
		if lower := strings.ToLower(title); title != "" && seen[lower] {
			return c, title
		} else {
			seen[lower] = true
		}
		if m := headLevel.FindStringSubmatch(title); m != nil && headCode.MatchString(m[2]) {
			level, _ := strconv.Atoi(m[1])
			codes[level] = i
			c.level = max(c.level, level)
		}
	}
	if c.level < 0 {
		return nil, ""
	}
	for level, i := range codes {
		c.ancestors[level] = i
	}
	c.code = codes[c.level]
	delete(c.ancestors, c.level)
	if i, ok := codes[c.level-1]; ok {
		c.parent = i
	}
	for i, title := range header {
		m := headLevel.FindStringSubmatch(title)
		switch lower := strings.ToLower(title); {
		case m != nil && m[1] == strconv.Itoa(c.level):
			c.own(i, m[2])
		case lower == "area_sqkm":
			c.km2 = i
		case lower == "validon" || lower == "valid_on":
			c.from = i
		case lower == "validto" || lower == "valid_to":
			c.to = i
		}
	}
	return c, ""
}

// own takes a column of the sheet's own level.
func (c *columns) own(i int, rest string) {
	switch m := headName.FindStringSubmatch(rest); {
	case headCode.MatchString(rest):
	case headPlain.MatchString(rest):
		c.names[i18n.Source] = i
	case headKind.MatchString(rest):
		c.kind = i
	case headOther.MatchString(rest):
		c.other = append(c.other, i)
	case m != nil:
		c.names[strings.ToLower(m[1])] = i
	}
}

// Read reads a workbook with one sheet per level. What is wrong with rows is in
// the result; an error is about the file as a whole.
func Read(r io.ReaderAt, size int64) (*File, error) {
	book, err := xlsx.Open(r, size, xlsx.Usual())
	if err != nil {
		return nil, err
	}
	defer book.Close()
	f := &File{}
	var sheets [MaxLevel + 1]string
	var heads [MaxLevel + 1]*columns
	for _, name := range book.Sheets() {
		header, err := book.Header(name)
		if err != nil {
			return nil, err
		}
		c, twice := understand(header)
		if c == nil {
			f.Ignored = append(f.Ignored, name)
			continue
		}
		if twice != "" {
			f.bad(Problem{Sheet: name, Row: 1, Column: twice, Key: "areas.problem.column_twice"})
			continue
		}
		if c.level > MaxLevel {
			f.bad(Problem{Sheet: name, Row: 1, Column: c.title(c.code), Key: "areas.problem.too_deep", Args: fault.Pairs("Max", MaxLevel)})
			continue
		}
		if sheets[c.level] != "" {
			f.bad(Problem{Sheet: name, Row: 1, Column: c.title(c.code), Key: "areas.problem.level_twice", Args: fault.Pairs("Sheet", sheets[c.level])})
			continue
		}
		if len(c.names) == 0 {
			f.bad(Problem{Sheet: name, Row: 1, Key: "areas.problem.no_names", Args: fault.Pairs("Level", c.level)})
			continue
		}
		for level := range c.level {
			if _, ok := c.ancestors[level]; !ok {
				f.bad(Problem{Sheet: name, Row: 1, Column: fmt.Sprintf("ADM%d_PCODE", level), Key: "areas.problem.column_missing"})
			}
		}
		sheets[c.level], heads[c.level] = name, c
	}
	if len(f.Problems) == 0 && !slices.ContainsFunc(sheets[:], func(s string) bool { return s != "" }) {
		return nil, fault.New(fault.Invalid, "areas.error.no_sheet")
	}
	for level, name := range sheets {
		if name == "" || len(f.Problems) > 0 && heads[level].parent < 0 && level > 0 {
			continue
		}
		if err := f.sheet(book, name, heads[level]); err != nil {
			return nil, err
		}
	}
	f.lineage()
	return f, nil
}

// sheet reads the rows of one level.
func (f *File) sheet(book *xlsx.Book, name string, c *columns) error {
	rows, err := book.Rows(name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if rows.Number() == 1 || rows.Empty() {
			continue
		}
		r := Row{Level: c.level, sheet: name, row: rows.Number(), columns: c}
		f.fill(&r, book, rows)
		f.Rows[c.level] = append(f.Rows[c.level], r)
	}
	return rows.Err()
}

// codeForm is what a P-code looks like; it stands in addresses of pages.
var codeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,29}$`)

const maxName = 200

func (f *File) fill(r *Row, book *xlsx.Book, rows *xlsx.Rows) {
	c := r.columns
	get := rows.Get
	if r.Code = get(c.code); !codeForm.MatchString(r.Code) {
		f.bad(r.at(c.code, r.Code, "areas.problem.code"))
	}
	if r.Level > 0 {
		if r.Parent = get(c.parent); r.Parent == "" {
			f.bad(r.at(c.parent, "", "areas.problem.no_parent"))
		} else if r.Parent == r.Code {
			f.bad(r.at(c.parent, r.Parent, "areas.problem.own_parent"))
		}
	}
	for level := range r.Level - 1 {
		r.above = append(r.above, get(c.ancestors[level]))
	}
	r.Name = i18n.Text{}
	for lang, i := range c.names {
		if s := get(i); s != "" {
			r.Name[lang] = f.text(r, i, s)
		}
	}
	if len(r.Name) == 0 {
		f.bad(r.at(anyOf(c.names), "", "areas.problem.no_name"))
	}
	for _, i := range c.other {
		if s := get(i); s != "" && !slices.Contains(r.Alternative, s) {
			r.Alternative = append(r.Alternative, f.text(r, i, s))
		}
	}
	r.Kind = KindCode(get(c.kind))
	if s := get(c.km2); s != "" {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || n < 0 || n > 2e7 {
			f.bad(r.at(c.km2, s, "areas.problem.number"))
		} else {
			r.Km2 = &n
		}
	}
	r.From, r.To = f.day(r, book, c.from, get(c.from)), f.day(r, book, c.to, get(c.to))
	if r.From != "" && r.To != "" && r.To < r.From {
		f.bad(r.at(c.to, r.To, "areas.problem.ends_before"))
	}
}

func anyOf(names map[string]int) int {
	first := -1
	for _, i := range names {
		if first < 0 || i < first {
			first = i
		}
	}
	return first
}

func (f *File) text(r *Row, column int, s string) string {
	if len([]rune(s)) > maxName || strings.ContainsFunc(s, unfit) {
		f.bad(r.at(column, clip(s), "areas.problem.text", "Max", maxName))
	}
	return s
}

// clip keeps a value short enough to be shown.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func (f *File) day(r *Row, book *xlsx.Book, column int, s string) string {
	if s == "" || s == "-99" { // some files say -99 for "none"
		return ""
	}
	t, err := book.Day(s)
	if err != nil {
		f.bad(r.at(column, clip(s), "areas.problem.day"))
		return ""
	}
	return t.Format(time.DateOnly)
}

// KindCode makes a code of what a file calls a kind of area: "Sub county" is
// sub_county.
func KindCode(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	code := strings.Trim(b.String(), "_")
	return code[:min(len(code), 40)]
}

// lineage checks what spans rows: a code once in the whole file, and the codes
// of the levels above the same on every row as in the parent's own row.
func (f *File) lineage() {
	seen := map[string]*Row{}
	for level := range f.Rows {
		for i := range f.Rows[level] {
			r := &f.Rows[level][i]
			if first, twice := seen[r.Code]; twice && r.Code != "" {
				f.bad(r.at(r.columns.code, r.Code, "areas.problem.code_twice", "Sheet", first.sheet, "Row", first.row))
				continue
			}
			seen[r.Code] = r
		}
	}
	for level := 1; level <= MaxLevel; level++ {
		if len(f.Rows[level-1]) == 0 {
			continue // the levels above are the registry's
		}
		for i := range f.Rows[level] {
			r := &f.Rows[level][i]
			p, ok := seen[r.Parent]
			if r.Parent == "" || r.Parent == r.Code {
				continue
			}
			switch {
			case !ok:
				f.bad(r.at(r.columns.parent, r.Parent, "areas.problem.parent_missing", "Level", level-1))
			case p.Level != level-1:
				f.bad(r.at(r.columns.parent, r.Parent, "areas.problem.parent_level", "Level", p.Level, "Wanted", level-1))
			default:
				f.chain(r, p)
			}
		}
	}
}

// chain compares the codes that a row repeats of the levels over its parent
// with those in the parent's own row.
func (f *File) chain(r, parent *Row) {
	theirs := append(slices.Clone(parent.above), parent.Parent)
	for level, code := range r.above {
		if level < len(theirs) && theirs[level] != code {
			f.bad(r.at(r.columns.ancestors[level], code, "areas.problem.parent_differs", "Parent", r.Parent, "Code", theirs[level]))
		}
	}
}
