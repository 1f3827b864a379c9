package xlsx

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"

	"daftar/fault"
)

// sheet is one sheet.
type sheet struct {
	name string
	part string
	flaw error // why its rows cannot be read
}

// guard knows what is where in a packed workbook.
type guard struct {
	lim    Limits
	parts  map[string]*zip.File
	sheets []sheet
	since  bool
}

func (g *guard) check(packed *zip.Reader) error {
	if len(packed.File) > g.lim.Parts {
		return g.tooLarge()
	}
	var total uint64
	for _, f := range packed.File {
		if total += f.UncompressedSize64; total > uint64(g.lim.Unpacked) || f.UncompressedSize64 > uint64(g.lim.Unpacked) {
			return g.tooLarge()
		}
		// Two readers of one file must not see different parts.
		name := strings.ToLower(f.Name)
		if _, twice := g.parts[name]; twice || strings.ContainsAny(f.Name, "\\\x00") || strings.Contains(f.Name, "..") {
			return unreadable(errors.New("an ambiguous part name"))
		}
		g.parts[name] = f
		if strings.Contains(name, "vbaproject") || strings.HasPrefix(name, "xl/macrosheets/") || strings.HasPrefix(name, "xl/dialogsheets/") {
			return fault.New(fault.Invalid, "xlsx.error.macros")
		}
	}
	if err := g.types(); err != nil {
		return err
	}
	return g.workbook()
}

func (g *guard) tooLarge() error {
	return fault.New(fault.Invalid, "xlsx.error.too_large", "Max", g.lim.Unpacked>>20)
}

func unreadable(cause error) error {
	return fault.Wrap(cause, fault.Invalid, "xlsx.error.unreadable")
}

// maxIndex bounds the parts that say what is where.
const maxIndex = 1 << 20

func (g *guard) index(name string) ([]byte, error) {
	f := g.parts[name]
	if f == nil {
		return nil, unreadable(errors.New("no part " + name))
	}
	if f.UncompressedSize64 > maxIndex {
		return nil, g.tooLarge()
	}
	r, err := f.Open()
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(io.LimitReader(r, maxIndex))
	if err != nil {
		return nil, unreadable(err)
	}
	return b, nil
}

func (g *guard) types() error {
	b, err := g.index("[content_types].xml")
	if err != nil {
		return err
	}
	if strings.Contains(strings.ToLower(string(b)), "macroenabled") {
		return fault.New(fault.Invalid, "xlsx.error.macros")
	}
	return nil
}

// workbook reads the names of the sheets and the parts that hold them.
func (g *guard) workbook() error {
	var book struct {
		Properties struct {
			Since string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
			ID2  string `xml:"http://purl.oclc.org/ooxml/officeDocument/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		Links []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	for name, into := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &links} {
		b, err := g.index(name)
		if err != nil {
			return err
		}
		if err := xml.Unmarshal(b, into); err != nil {
			return unreadable(err)
		}
	}
	g.since = book.Properties.Since == "1" || book.Properties.Since == "true"
	targets := map[string]string{}
	for _, l := range links.Links {
		if strings.HasSuffix(l.Type, "/worksheet") {
			targets[l.ID] = l.Target
		}
	}
	seen := map[string]bool{}
	for _, s := range book.Sheets {
		target, ok := targets[s.ID+s.ID2]
		if !ok {
			continue // a chart
		}
		part := strings.ToLower(strings.TrimPrefix(target, "/"))
		if part == strings.ToLower(target) {
			part = path.Join("xl", part)
		}
		if g.parts[part] == nil || seen[s.Name] || s.Name == "" {
			return unreadable(errors.New("a sheet without its part"))
		}
		seen[s.Name] = true
		g.sheets = append(g.sheets, sheet{name: s.Name, part: part})
	}
	if len(g.sheets) == 0 || len(g.sheets) > g.lim.Sheets {
		return unreadable(errors.New("no sheets, or too many"))
	}
	return nil
}

// columnOf is the number of the column of a reference such as "AB12"; 0 when
// it is none.
func columnOf(ref []byte) int {
	n := 0
	for i := 0; i < len(ref); i++ {
		c := ref[i] | 0x20
		if c < 'a' || c > 'z' {
			if i == 0 {
				return 0
			}
			return n
		}
		if n = n*26 + int(c-'a') + 1; n > 1<<20 {
			return n
		}
	}
	return n
}
