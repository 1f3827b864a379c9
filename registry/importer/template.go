package importer

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"daftar/fault"
	"daftar/i18n"
)

// Header is what a template calls a column: its name, and its code, by which it
// is read in any language.
func (t Target) Header(p *i18n.Printer) string { return t.Name(p) + " [" + t.Code + "]" }

// columns are the columns of a table's template.
func (t Table) columns() []Target {
	var list []Target
	for _, target := range t.Targets {
		if target.Template {
			list = append(list, target)
		}
	}
	return list
}

// CSV is a table's template as a file with its header alone.
func (t Table) CSV(p *i18n.Printer) ([]byte, error) {
	var line []string
	for _, target := range t.columns() {
		line = append(line, target.Header(p))
	}
	var b bytes.Buffer
	b.WriteString("\ufeff") // or spreadsheets take it for something else
	w := csv.NewWriter(&b)
	if err := w.Write(line); err != nil {
		return nil, err
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// Names of a template's sheets that hold no rows.
const (
	sheetCodes = "codes"
	sheetHelp  = "help"
)

// listRows is how many rows of a template offer the answers to choose from.
const listRows = 5000

// Template is a workbook to be filled in: a sheet for each table, one with all
// answers, one that explains. What is filled in needs no mapping.
func (c *Catalogue) Template(p *i18n.Printer) ([]byte, error) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	w := workbook{f: f, p: p, rtl: p.Dir == "rtl"}
	if err := w.codes(c); err != nil {
		return nil, err
	}
	for _, t := range c.Tables {
		if err := w.table(t); err != nil {
			return nil, err
		}
	}
	if err := w.help(c); err != nil {
		return nil, err
	}
	if err := f.DeleteSheet("Sheet1"); err != nil {
		return nil, err
	}
	// The sheets to fill in come first.
	if err := f.MoveSheet(sheetCodes, sheetHelp); err != nil {
		return nil, err
	}
	f.SetActiveSheet(0)
	b, err := f.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

type workbook struct {
	f    *excelize.File
	p    *i18n.Printer
	rtl  bool
	at   map[string]string // where the answers of a column are, by table and code
	bold int
}

func (w *workbook) sheet(name string, widths ...float64) error {
	if _, err := w.f.NewSheet(name); err != nil {
		return err
	}
	if err := w.f.SetSheetView(name, 0, &excelize.ViewOptions{RightToLeft: &w.rtl}); err != nil {
		return err
	}
	for i, width := range widths {
		letter, _ := excelize.ColumnNumberToName(i + 1)
		if err := w.f.SetColWidth(name, letter, letter, width); err != nil {
			return err
		}
	}
	return w.f.SetPanes(name, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}

func (w *workbook) rows(name string, rows [][]any) error {
	for i, row := range rows {
		if err := w.f.SetSheetRow(name, "A"+strconv.Itoa(i+1), &row); err != nil {
			return err
		}
	}
	last, _ := excelize.ColumnNumberToName(max(1, len(rows[0])))
	if w.bold == 0 {
		style, err := w.f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
		if err != nil {
			return err
		}
		w.bold = style
	}
	return w.f.SetCellStyle(name, "A1", last+"1", w.bold)
}

// codes lists every answer of every column.
func (w *workbook) codes(c *Catalogue) error {
	w.at = map[string]string{}
	if err := w.sheet(sheetCodes, 24, 28, 24, 44); err != nil {
		return err
	}
	rows := [][]any{{w.p.T("import.template.table"), w.p.T("import.template.column"), w.p.T("import.template.code"), w.p.T("import.template.answer")}}
	for _, t := range c.Tables {
		for _, target := range t.columns() {
			first := len(rows) + 1
			for _, code := range target.Codes {
				rows = append(rows, []any{t.Code, target.Code, code, target.Answer(w.p, code)})
			}
			if len(target.Codes) > 0 {
				w.at[t.Code+"."+target.Code] = "'" + sheetCodes + "'!$D$" + strconv.Itoa(first) + ":$D$" + strconv.Itoa(len(rows))
			}
		}
	}
	return w.rows(sheetCodes, rows)
}

// table is a sheet to fill in. Cells are text, so that a spreadsheet leaves long
// numbers and dates as they are typed.
func (w *workbook) table(t Table) error {
	if err := w.sheet(t.Code); err != nil {
		return err
	}
	asText, err := w.f.NewStyle(&excelize.Style{NumFmt: 49})
	if err != nil {
		return err
	}
	var header []any
	for i, target := range t.columns() {
		header = append(header, target.Header(w.p))
		letter, _ := excelize.ColumnNumberToName(i + 1)
		if err := w.f.SetColStyle(t.Code, letter, asText); err != nil {
			return err
		}
		if err := w.f.SetColWidth(t.Code, letter, letter, 22); err != nil {
			return err
		}
		if from := w.at[t.Code+"."+target.Code]; from != "" && !target.many {
			list := excelize.NewDataValidation(true)
			list.SetSqref(letter + "2:" + letter + strconv.Itoa(listRows))
			list.SetSqrefDropList(from)
			list.ShowErrorMessage = false // codes and other languages are right, too
			if err := w.f.AddDataValidation(t.Code, list); err != nil {
				return err
			}
		}
	}
	return w.rows(t.Code, [][]any{header})
}

// help explains the columns.
func (w *workbook) help(c *Catalogue) error {
	if err := w.sheet(sheetHelp, 24, 30, 36, 90); err != nil {
		return err
	}
	p := w.p
	rows := [][]any{{p.T("import.template.table"), p.T("import.template.code"), p.T("import.template.column"), p.T("import.template.help")}}
	for n := 1; p.Has("import.template.lead." + strconv.Itoa(n)); n++ {
		rows = append(rows, []any{"", "", "", p.T("import.template.lead." + strconv.Itoa(n))})
	}
	for _, t := range c.Tables {
		for _, target := range t.Targets {
			help := []string{target.Help(p)}
			if target.many {
				help = append(help, p.T("import.template.many"))
			}
			if !target.Template {
				help = append(help, p.T("import.template.extra"))
			}
			rows = append(rows, []any{t.Name(p), target.Code, target.Name(p), strings.TrimSpace(strings.Join(help, " "))})
		}
	}
	return w.rows(sheetHelp, rows)
}

// TemplateOf is the template of one table; fault.NotFound for a table that there
// is not.
func (c *Catalogue) TemplateOf(table string, p *i18n.Printer) ([]byte, error) {
	t, ok := c.Table(table)
	if !ok {
		return nil, fault.Hidden()
	}
	return t.CSV(p)
}
